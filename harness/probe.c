#define _GNU_SOURCE
#include "harness/probe.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/isolate.h"
#include "harness/locate.h"

enum {
    TICK_MS = 5,        /* of the short deadline's timer */
    WAIT_MS = 1,        /* between looks at the child's health and at the interrupt flag */
    IDLE_MS = 10000,    /* a child without a request wakes up so often */
    STALL_SECONDS = 20, /* of wall time: the CPU timer should have spoken long before */
};

/* Whose turn it is. A futex is all that a locked-down child may wait on. */
enum { TURN_CALLER, TURN_CHILD };

/* What caller and child share. The caller writes a request, the child its answer. */
struct probe_shared {
    _Atomic uint32_t turn;
    struct locate_journal journal;
    struct host_record record;
    _Atomic uint64_t running;
    size_t other;
    struct px_program program; /* its bytes are in `bytes`: code, then content */
    struct bucket bucket;
    enum px_status status;
    struct px_error error;
    uint8_t bytes[PROBE_BYTES_MAX];
};

struct probe {
    struct probe_config config;
    struct probe_shared *shared;
    pid_t child; /* 0: none */
    uint64_t processes;
};

static void give_turn(struct probe_shared *shared, uint32_t turn)
{
    atomic_store(&shared->turn, turn);
    (void)syscall(SYS_futex, &shared->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Sleeps while it is not @turn, at most so long. */
static void await_turn(struct probe_shared *shared, uint32_t turn, unsigned milliseconds)
{
    const struct timespec pause = { .tv_sec = milliseconds / 1000,
                                    .tv_nsec = milliseconds % 1000 * 1000000L };
    uint32_t now = atomic_load(&shared->turn);
    if (now != turn)
        (void)syscall(SYS_futex, &shared->turn, FUTEX_WAIT, now, &pause, NULL, 0);
}

/* --- the child --- */

static enum px_status open_engines(const struct probe_config *config, struct probe_shared *shared,
                                   struct run *run, struct hostfault *hostfault)
{
    *hostfault = (struct hostfault){ .record = &shared->record, .running = &shared->running };
    if (!config->patient) {
        hostfault->tick_ms = TICK_MS;
        hostfault->ticks_max = 2;
    }
    return sandbox_enter(&config->sandbox, run, hostfault, &shared->error);
}

_Noreturn static void serve(const struct probe_config *config, struct probe_shared *shared)
{
    struct run run;
    struct hostfault hostfault;
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enum px_status opened = open_engines(config, shared, &run, &hostfault);
    struct locate locate_on = { .run = &run,
                                .journal = &shared->journal,
                                .running = &shared->running,
                                .deadline = config->patient ? NULL : &hostfault };
    shared->status = opened;
    for (;;) {
        while (atomic_load(&shared->turn) != TURN_CHILD)
            await_turn(shared, TURN_CHILD, IDLE_MS);
        if (opened == PX_OK)
            shared->status =
                locate(&locate_on, &shared->program, shared->other, &shared->bucket, &shared->error);
        give_turn(shared, TURN_CALLER);
    }
}

/* --- the caller --- */

static enum px_status start(struct probe *p, struct px_error *err)
{
    p->shared->record = (struct host_record){ .signal = 0 };
    atomic_store(&p->shared->running, 0);
    atomic_store(&p->shared->turn, TURN_CALLER);
    p->child = fork();
    if (p->child == 0)
        serve(&p->config, p->shared);
    if (p->child < 0) {
        p->child = 0;
        return px_fail(err, PX_ERR_SYSTEM, "fork: %s", strerror(errno));
    }
    p->processes++;
    return PX_OK;
}

/* It holds nothing that killing it would lose. */
static void end_child(struct probe *p)
{
    if (p->child == 0)
        return;
    kill(p->child, SIGKILL);
    waitpid(p->child, NULL, 0);
    p->child = 0;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One request. *answered: the child is alive and gave its answer; else *wait_status says how it died. */
static enum px_status ask(struct probe *p, bool *answered, int *wait_status, struct px_error *err)
{
    double end = now() + (double)STALL_SECONDS;
    *answered = true;
    give_turn(p->shared, TURN_CHILD);
    while (atomic_load(&p->shared->turn) != TURN_CALLER) {
        await_turn(p->shared, TURN_CALLER, WAIT_MS);
        if (atomic_load(&p->shared->turn) == TURN_CALLER)
            break;
        if (waitpid(p->child, wait_status, WNOHANG) == p->child) {
            p->child = 0;
            *answered = false;
            return PX_OK;
        }
        if (p->config.interrupted && p->config.interrupted(p->config.arg))
            return px_fail(err, PX_ERR_SYSTEM, "interrupted");
        if (now() > end)
            kill(p->child, SIGKILL);
    }
    return PX_OK;
}

/* The child died over a run, which from now on has a result. */
static enum px_status note_death(struct probe *p, int wait_status, struct px_error *err)
{
    struct locate_journal *journal = &p->shared->journal;
    if (journal->step.stage == 0)
        return px_fail(err, PX_ERR_INTERNAL, "the sandbox died between two runs");
    if (journal->death_count == LOCATE_DEATHS_MAX)
        return px_fail(err, PX_ERR_INTERNAL, "the program killed its sandbox %d times", LOCATE_DEATHS_MAX);
    struct locate_death *death = &journal->deaths[journal->death_count++];
    *death = (struct locate_death){ .step = journal->step, .compiling = journal->compiling };
    finding_from_death(&death->finding, &p->shared->record, wait_status);
    journal->step = (struct locate_step){ .stage = 0 };
    journal->compiling = false;
    return PX_OK;
}

enum px_status probe_create(const struct probe_config *config, struct probe **probe, struct px_error *err)
{
    struct probe *p = calloc(1, sizeof *p);
    if (p)
        p->shared = isolate_share(sizeof *p->shared);
    if (!p || !p->shared) {
        free(p);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for the sandbox");
    }
    p->config = *config;
    /* An empty program: it tells whether the engines open. */
    struct px_program nothing;
    struct bucket bucket;
    px_program_init(&nothing);
    enum px_status status = probe_bucket(p, &nothing, 0, &bucket, err);
    if (status == PX_OK)
        *probe = p;
    else
        probe_destroy(p);
    return status;
}

void probe_destroy(struct probe *probe)
{
    if (!probe)
        return;
    end_child(probe);
    isolate_unshare(probe->shared, sizeof *probe->shared);
    free(probe);
}

static void write_request(struct probe_shared *s, const struct px_program *program, size_t other)
{
    s->other = other;
    s->program = *program;
    s->program.code = s->bytes;
    s->program.content = s->bytes + program->code_size;
    if (program->code_size > 0)
        memcpy(s->program.code, program->code, program->code_size);
    if (program->content_size > 0)
        memcpy(s->program.content, program->content, program->content_size);
    s->journal.step = (struct locate_step){ .stage = 0 };
    s->journal.compiling = false;
    s->journal.death_count = 0;
}

enum px_status probe_bucket(struct probe *probe, const struct px_program *program, size_t other,
                            struct bucket *bucket, struct px_error *err)
{
    struct probe_shared *s = probe->shared;
    if (program->code_size > PROBE_BYTES_MAX || program->content_size > PROBE_BYTES_MAX - program->code_size)
        return px_fail(err, PX_ERR_FULL, "program of %zu bytes: expected at most %d",
                       program->code_size + program->content_size, PROBE_BYTES_MAX);
    write_request(s, program, other);
    enum px_status status = PX_OK;
    int wait_status = 0;
    bool idle = probe->child != 0; /* killed while it waited, perhaps: that says nothing about the program */
    for (bool answered = false; status == PX_OK && !answered;) {
        if (probe->child == 0)
            status = start(probe, err);
        if (status == PX_OK)
            status = ask(probe, &answered, &wait_status, err);
        if (status == PX_OK && !answered && (!idle || s->journal.step.stage != 0))
            status = note_death(probe, wait_status, err);
        idle = false;
    }
    if (status != PX_OK) {
        end_child(probe);
        return status;
    }
    if (s->status != PX_OK)
        return px_fail(err, s->status, "%s", s->error.text);
    *bucket = s->bucket;
    return PX_OK;
}

uint64_t probe_processes(const struct probe *probe)
{
    return probe->processes;
}
