#define _GNU_SOURCE
#include "harness/probe.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/locate.h"

enum {
    TICK_MS = 5,     /* of the short deadline's timer */
    WAIT_MS = 1,     /* between looks at the child's health and at the interrupt flag */
    IDLE_MS = 10000, /* a child without a request wakes up so often */
};

/* Whose turn it is. A futex is all that a locked-down child may wait on. */
enum { TURN_CALLER, TURN_CHILD };

/*
 * What caller and child share. The caller writes a request, the child its answer. The code under test may scribble over
 * it: what comes out of it is made harmless before it is looked at.
 */
struct probe_shared {
    _Atomic uint32_t turn;
    struct locate_journal journal;
    struct locate_memo memo;
    struct host_record record;
    _Atomic uint64_t running;
    size_t other;
    struct px_program program; /* its bytes are in `bytes`: code, then content */
    bool wants_code;
    struct bucket bucket;
    struct hostcode code;
    enum px_status status;
    struct px_error error;
    uint8_t bytes[PROBE_BYTES_MAX];
};

struct probe {
    struct probe_config config;
    struct probe_shared *shared;
    pid_t child; /* 0: none */
    struct locate_death deaths[LOCATE_DEATHS_MAX]; /* over the request at hand: the journal's, out of reach */
    size_t death_count;
    struct locate_step killed_in; /* the run in which the last child was killed from outside, */
    unsigned kills; /* so often in a row */
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

static enum px_status answer(struct locate *l, struct probe_shared *shared)
{
    enum px_status status = locate(l, &shared->program, shared->other, &shared->bucket, &shared->error);
    if (status == PX_OK && shared->wants_code && shared->bucket.diverges)
        status = locate_code(l, &shared->program, &shared->bucket, &shared->code, &shared->error);
    return status;
}

_Noreturn static void serve(const struct probe_config *config, struct probe_shared *shared)
{
    struct run run;
    struct hostfault hostfault;
    enum px_status opened = open_engines(config, shared, &run, &hostfault);
    struct locate locate_on = { .run = &run,
                                .journal = &shared->journal,
                                .memo = &shared->memo,
                                .running = &shared->running,
                                .deadline = config->patient ? NULL : &hostfault };
    shared->status = opened;
    for (;;) {
        while (atomic_load(&shared->turn) != TURN_CHILD)
            await_turn(shared, TURN_CHILD, IDLE_MS);
        if (opened == PX_OK)
            shared->status = answer(&locate_on, shared);
        sandbox_end_if_lost(shared->status, &shared->record);
        give_turn(shared, TURN_CALLER);
    }
}

/* --- the caller --- */

static enum px_status start(struct probe *p, struct px_error *err)
{
    p->shared->record = (struct host_record){ .signal = 0 };
    atomic_store(&p->shared->running, 0);
    atomic_store(&p->shared->turn, TURN_CALLER);
    memcpy(p->shared->journal.deaths, p->deaths, sizeof p->deaths);
    p->shared->journal.death_count = p->death_count;
    child_lend(p->shared, sizeof *p->shared, true);
    enum px_status status = child_fork_patiently(&p->child, err);
    if (status == PX_OK && p->child == 0)
        serve(&p->config, p->shared);
    child_lend(p->shared, sizeof *p->shared, false);
    if (status != PX_OK)
        return status;
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

/* Changes from run to run. */
static uint64_t beat_of(const struct probe_shared *shared)
{
    const struct locate_step *step = &shared->journal.step;
    return atomic_load(&shared->running) + ((uint64_t)step->stage << 48) + (step->number << 16);
}

/* How the answer to a request came, or why none did. */
struct answer {
    bool given; /* else the child died */
    bool hung; /* we killed it for that */
    int wait_status;
};

/* One request. */
static enum px_status ask(struct probe *p, struct answer *answer, struct px_error *err)
{
    double limit = sandbox_stall_seconds(&p->config.sandbox);
    struct child_watch watch;
    child_watch_start(&watch, p->child);
    *answer = (struct answer){ .given = true };
    give_turn(p->shared, TURN_CHILD);
    while (atomic_load(&p->shared->turn) != TURN_CALLER) {
        await_turn(p->shared, TURN_CALLER, WAIT_MS);
        if (atomic_load(&p->shared->turn) == TURN_CALLER)
            break;
        if (waitpid(p->child, &answer->wait_status, WNOHANG) == p->child) {
            p->child = 0;
            answer->given = false;
            return PX_OK;
        }
        if (p->config.interrupted && p->config.interrupted(p->config.arg))
            return px_fail(err, PX_ERR_SYSTEM, "interrupted");
        enum child_health health = child_watch_look(&watch, beat_of(p->shared), limit);
        answer->hung |= health == CHILD_HUNG;
        if (health != CHILD_WELL)
            kill(p->child, SIGKILL);
    }
    return PX_OK;
}

/* Somebody killed the child: that says nothing about the run, unless it happens in this one again and again. */
static bool is_accident(struct probe *p, const struct answer *answer)
{
    const struct locate_step *step = &p->shared->journal.step;
    if (answer->hung || !child_killed(&p->shared->record, answer->wait_status))
        return false;
    bool again = p->killed_in.stage == step->stage && p->killed_in.number == step->number;
    p->killed_in = *step;
    p->kills = again ? p->kills + 1 : 1;
    return p->kills < CHILD_KILLS_MAX;
}

/* The child died over a run, which from now on has a result. */
static enum px_status note_death(struct probe *p, const struct answer *answer, struct px_error *err)
{
    struct locate_journal *journal = &p->shared->journal;
    if (is_accident(p, answer))
        return PX_OK;
    if (journal->step.stage == 0)
        return px_fail(err, PX_ERR_INTERNAL, "the sandbox died between two runs");
    if (p->death_count == LOCATE_DEATHS_MAX)
        return px_fail(err, PX_ERR_INTERNAL, "the program killed its sandbox %d times", LOCATE_DEATHS_MAX);
    struct locate_death *death = &p->deaths[p->death_count++];
    *death = (struct locate_death){ .step = journal->step, .compiling = journal->compiling != 0 };
    finding_from_death(&death->finding, &p->shared->record, answer->wait_status);
    if (answer->hung)
        death->finding.kind = FINDING_HANG;
    journal->step = (struct locate_step){ .stage = 0 };
    journal->compiling = false;
    return PX_OK;
}

enum px_status probe_create(const struct probe_config *config, struct probe **probe, struct px_error *err)
{
    struct probe *p = calloc(1, sizeof *p);
    if (p)
        p->shared = child_share(sizeof *p->shared);
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
    child_unshare(probe->shared, sizeof *probe->shared);
    free(probe);
}

static void write_request(struct probe *p, const struct px_program *program, size_t other)
{
    struct probe_shared *s = p->shared;
    p->death_count = 0;
    p->killed_in = (struct locate_step){ .stage = 0 };
    p->kills = 0;
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

static enum px_status request(struct probe *probe, const struct px_program *program, size_t other,
                              struct px_error *err)
{
    struct probe_shared *s = probe->shared;
    if (program->code_size > PROBE_BYTES_MAX || program->content_size > PROBE_BYTES_MAX - program->code_size)
        return px_fail(err, PX_ERR_FULL, "program of %zu bytes: expected at most %d",
                       program->code_size + program->content_size, PROBE_BYTES_MAX);
    write_request(probe, program, other);
    enum px_status status = PX_OK;
    struct answer answer = { .given = false };
    bool idle = probe->child != 0; /* killed while it waited, perhaps: that says nothing about the program */
    while (status == PX_OK && !answer.given) {
        if (probe->child == 0)
            status = start(probe, err);
        if (status == PX_OK)
            status = ask(probe, &answer, err);
        if (status == PX_OK && !answer.given && (!idle || s->journal.step.stage != 0))
            status = note_death(probe, &answer, err);
        idle = false;
    }
    if (status != PX_OK) {
        end_child(probe);
        return status;
    }
    if (s->status != PX_OK)
        return px_fail(err, s->status, "%.*s", (int)sizeof s->error.text - 1, s->error.text);
    return PX_OK;
}

enum px_status probe_bucket(struct probe *probe, const struct px_program *program, size_t other,
                            struct bucket *bucket, struct px_error *err)
{
    probe->shared->wants_code = false;
    enum px_status status = request(probe, program, other, err);
    if (status != PX_OK)
        return status;
    *bucket = probe->shared->bucket;
    bucket_make_harmless(bucket);
    return PX_OK;
}

enum px_status probe_locate(struct probe *probe, const struct px_program *program, size_t other,
                            struct bucket *bucket, struct hostcode *code, struct px_error *err)
{
    probe->shared->wants_code = true;
    probe->shared->code.known = false;
    enum px_status status = request(probe, program, other, err);
    if (status != PX_OK)
        return status;
    *bucket = probe->shared->bucket;
    bucket_make_harmless(bucket);
    *code = probe->shared->code;
    hostcode_make_harmless(code);
    return PX_OK;
}

void probe_rest(struct probe *probe)
{
    end_child(probe);
}

uint64_t probe_processes(const struct probe *probe)
{
    return probe->processes;
}
