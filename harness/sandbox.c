#include "harness/sandbox.h"

#include <unistd.h>

#include "harness/lockdown.h"

double sandbox_stall_seconds(const struct sandbox *sandbox)
{
    return sandbox->stall_ms ? (double)sandbox->stall_ms / 1000 : (double)SANDBOX_STALL_SECONDS;
}

enum px_status sandbox_open(const struct sandbox *sandbox, struct run *run, struct px_error *err)
{
    return (sandbox->open ? sandbox->open : run_open)(sandbox->engines, run, err);
}

enum px_status sandbox_enter(const struct sandbox *sandbox, struct run *run, struct hostfault *faults,
                             struct px_error *err)
{
    enum px_status status = sandbox_open(sandbox, run, err);
    if (status != PX_OK)
        return status;
    faults->run = run;
    if (faults->tick_ms == 0 && sandbox->hang_ms != 0)
        faults->tick_ms = sandbox->hang_ms < HANG_TICKS ? 1 : sandbox->hang_ms / HANG_TICKS;
    status = hostfault_install(faults, err);
    return status == PX_OK && !sandbox->unconfined ? lockdown_enter(err) : status;
}

void sandbox_end_if_lost(enum px_status status, struct host_record *record)
{
    if (status != PX_ERR_LOST)
        return;
    atomic_store(&record->words, (uint32_t)WORDS_KILLED);
    _exit(1);
}
