/*
 *   parent: share memory -> fork -> wait ------------------------------> write the perf map
 *   child:  open -> lock down -> prepare -> (run -> tell gdb) x times -> symbols
 */
#define _GNU_SOURCE
#include "harness/alone/alone.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/finding.h"
#include "harness/isolate.h"
#include "harness/lockdown.h"

/* What the child leaves. Code under test may scribble over it. */
struct shared {
    struct host_record record;
    _Atomic uint64_t running;
    _Atomic uint32_t finished; /* the child's process id */
    enum px_status status;
    struct px_error error;
    struct alone_result result;
    size_t room;
    struct symbol symbols[];
};

struct alone {
    const struct alone_options *options;
    struct px_image image;
    struct run run; /* of the one engine */
    struct hostfault faults;
    struct px_unit *unit;
    const uint8_t *shown; /* the code that symbols are of, NULL: none */
    struct shared *shared;
    struct alone_result result;
};

static double processor_seconds(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* Opens the engine and gives up everything else. A program may run for as long as it likes. */
static enum px_status enter(struct alone *a, struct px_error *err)
{
    struct engine engine;
    enum px_status status = engine_open(a->options->engine, &engine, err);
    if (status != PX_OK)
        return status;
    status = run_open_engines(&engine, 1, &a->run, err);
    if (status != PX_OK)
        return status;
    a->faults = (struct hostfault){ .run = &a->run,
                                    .record = &a->shared->record,
                                    .running = &a->shared->running,
                                    .tick_ms = 1000,
                                    .ticks_max = UINT_MAX };
    (void)snprintf(a->result.spec, sizeof a->result.spec, "%s", engine_spec(&engine));
    a->result.caps = a->run.caps[0];
    status = hostfault_install(&a->faults, err);
    return status == PX_OK ? lockdown_enter(err) : status;
}

/* Shows code that is there now and was not before. */
static enum px_status show_symbols(struct alone *a, struct px_error *err)
{
    const struct engine *engine = &a->run.engines[0];
    size_t size = 0;
    if ((!a->options->gdb && !a->options->perf_map) || !engine->ops->code)
        return PX_OK;
    const uint8_t *code = engine->ops->code(engine->instance, a->unit, &size);
    if (code == a->shown)
        return PX_OK;
    a->shown = code;
    a->result.symbols = symbols_collect(engine, a->unit, a->shared->symbols, a->shared->room);
    return a->options->gdb ? symbols_tell_gdb(a->shared->symbols, a->result.symbols, a->image.code_size, err)
                           : PX_OK;
}

static enum px_status run_once(struct alone *a, struct px_error *err)
{
    const struct engine *engine = &a->run.engines[0];
    const struct px_entry entry = run_entry(&a->image);
    struct px_outcome *outcome = &a->result.outcome;
    atomic_fetch_add(&a->shared->running, 1);
    double start = processor_seconds();
    enum px_status status = engine->ops->run(engine->instance, a->unit, &entry, outcome, err);
    a->result.seconds += processor_seconds() - start;
    a->result.native_runs += outcome->native > 0 && outcome->interpreted == 0;
    outcome->dirty = NULL;
    return status;
}

static enum px_status run_all(struct alone *a, struct px_error *err)
{
    const struct engine *engine = &a->run.engines[0];
    unsigned flags = a->options->gdb || a->options->perf_map ? PX_PREPARE_MAPPED : 0;
    enum px_status status = enter(a, err);
    if (status != PX_OK)
        return status;
    status = engine->ops->prepare(engine->instance, &a->image, flags, &a->unit, err);
    a->result.supported = status == PX_OK;
    if (status == PX_OK)
        status = show_symbols(a, err);
    for (uint64_t i = 0; i < a->options->times && status == PX_OK; i++) {
        status = run_once(a, err);
        if (status == PX_OK)
            status = show_symbols(a, err);
    }
    return status;
}

static _Noreturn void be_child(struct alone *a)
{
    struct shared *shared = a->shared;
    struct px_error err = { "" };
    enum px_status status = run_all(a, &err);
    shared->result = a->result;
    shared->error = err;
    shared->status = status;
    atomic_store(&shared->finished, (uint32_t)getpid());
    _exit(0);
}

/* What the child says, which may be anything. */
static enum px_status take_result(const struct shared *shared, struct alone_result *result,
                                  struct px_error *err)
{
    *result = shared->result;
    result->spec[sizeof result->spec - 1] = '\0';
    result->perf_map[0] = '\0';
    if (result->symbols > shared->room)
        result->symbols = 0;
    enum px_status status = shared->status;
    if (status == PX_OK || status == PX_UNSUPPORTED)
        return PX_OK;
    if (status < PX_OK || status > PX_ERR_LOST)
        status = PX_ERR_INTERNAL;
    return px_fail(err, status, "%.*s", (int)sizeof shared->error.text - 1, shared->error.text);
}

static enum px_status tell_death(const struct shared *shared, int wait_status, struct px_error *err)
{
    struct finding finding = { .kind = FINDING_ABORT };
    char what[160];
    finding_from_death(&finding, &shared->record, wait_status);
    finding_format(&finding, what, sizeof what);
    return px_fail(err, PX_ERR_INTERNAL, "the sandbox died: %s", what);
}

static enum px_status wait_and_take(struct alone *a, pid_t child, struct alone_result *result,
                                    struct px_error *err)
{
    int wait_status = 0;
    while (waitpid(child, &wait_status, 0) < 0 && errno == EINTR)
        ;
    if (atomic_load(&a->shared->finished) != (uint32_t)child || !WIFEXITED(wait_status))
        return tell_death(a->shared, wait_status, err);
    enum px_status status = take_result(a->shared, result, err);
    if (status == PX_OK && a->options->perf_map && result->symbols > 0)
        status = symbols_write_perf_map(a->shared->symbols, result->symbols, a->image.code_size, child,
                                        result->perf_map, sizeof result->perf_map, err);
    return status;
}

enum px_status alone_run(const struct alone_options *options, struct px_program *program,
                         struct alone_result *result, struct px_error *err)
{
    struct alone a = { .options = options };
    pid_t child;
    px_program_image(program, &a.image);
    size_t room = options->gdb || options->perf_map ? symbols_max(a.image.code_size) : 0;
    size_t size = sizeof *a.shared + room * sizeof a.shared->symbols[0];
    a.shared = isolate_share(size);
    if (!a.shared)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for what the sandbox leaves");
    a.shared->room = room;
    enum px_status status = child_fork_patiently(&child, err);
    if (status == PX_OK && child == 0)
        be_child(&a);
    if (status == PX_OK)
        status = wait_and_take(&a, child, result, err);
    isolate_unshare(a.shared, size);
    return status;
}
