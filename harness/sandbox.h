/*
 * What a process that runs guests opens, what it gives up, and how long a program may take. Workers, confirmation and
 * search are all told by this struct.
 */
#ifndef PX_SANDBOX_H
#define PX_SANDBOX_H

#include "harness/hostfault.h"
#include "harness/run.h"

struct sandbox {
    const char *engines; /* as for run_open */
    /* Opens them, in the sandbox; NULL: run_open. For tests. */
    enum px_status (*open)(const char *engines, struct run *run, struct px_error *err);
    unsigned hang_ms;  /* of CPU time for one program; 0: HANG_CPU_SECONDS */
    unsigned stall_ms; /* without progress, before the process is ended (child.h); 0: SANDBOX_STALL_SECONDS */
    bool unconfined; /* without lock-down, as with PX_SANDBOX=off */
};

enum { SANDBOX_STALL_SECONDS = 10 };

/* What stall_ms says, in seconds. */
double sandbox_stall_seconds(const struct sandbox *sandbox);

/* Opens the engines of @sandbox in this process. Statuses of run_open. */
enum px_status sandbox_open(const struct sandbox *sandbox, struct run *run, struct px_error *err) PX_CHECKED;

/*
 * Makes this process the sandbox, for good: opens the engines, installs the handlers over @faults, whose record and
 * running are set, locks down. @run and @faults must outlive the process. PX_ERR_SYSTEM says what the machine refuses.
 */
enum px_status sandbox_enter(const struct sandbox *sandbox, struct run *run, struct hostfault *faults,
                             struct px_error *err) PX_CHECKED;

/*
 * Ends this process as one that was killed from outside when @status is PX_ERR_LOST: an engine in it has lost the process
 * that helps it, which is no program's fault, and whoever watches begins again.
 */
void sandbox_end_if_lost(enum px_status status, struct host_record *record);

#endif
