#define _GNU_SOURCE
#include "harness/isolate.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/expect.h"

/*
 * What the child and we share. The code under test may scribble over it: what comes out of it is made harmless before it is
 * looked at.
 */
struct shared {
    struct isolated result;
    uint32_t leaks;
    struct host_record record;
    _Atomic uint64_t running;
    _Atomic uint32_t finished; /* the child's process id: the body came to its end */
    enum px_status status;
    struct px_error error;
};

void *isolate_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    return memory;
}

void isolate_unshare(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

static void note(struct isolated *result, const struct finding *finding)
{
    if (result->diverged == 0)
        result->finding = *finding;
    if (finding_same(&result->finding, finding))
        result->diverged++;
}

/* Nothing is reset: what a run leaves to the next one is there in a campaign, too. */
static enum px_status compare_once(struct run *run, const struct px_image *image, struct isolated *result,
                                   struct shared *shared)
{
    struct run_result outcome;
    struct run_slot slot;
    enum px_status status = run_prepare(run, image, 0, &slot, &shared->error);
    if (status != PX_OK)
        return status;
    atomic_store(&shared->running, result->runs + 1);
    status = run_compare(run, &slot, true, &outcome, &shared->error);
    atomic_store(&shared->running, 0);
    run_release(run, &slot);
    if (status != PX_OK)
        return status;
    result->runs++;
    memcpy(result->supported, outcome.supported, sizeof result->supported);
    memcpy(result->outcomes, outcome.outcomes, sizeof result->outcomes);
    for (size_t i = 0; i < run->count; i++)
        result->outcomes[i].dirty = NULL;
    struct finding finding = { .kind = FINDING_DIFF, .other = outcome.other, .diff = outcome.diff };
    if (outcome.diff.fields != 0) {
        result->majority = outcome.majority;
        note(result, &finding);
    }
    return PX_OK;
}

static enum px_status run_all(const struct sandbox *sandbox, struct px_program *program, unsigned times,
                              struct shared *shared)
{
    struct run run;
    struct px_image image;
    struct isolated result = { .runs = 0 }; /* our own: what is shared, the code under test may overwrite */
    struct hostfault hostfault = { .record = &shared->record, .running = &shared->running };
    enum px_status status = sandbox_enter(sandbox, &run, &hostfault, &shared->error);
    if (status != PX_OK)
        return status;
    result.engine_count = run.count;
    memcpy(result.caps, run.caps, sizeof run.caps);
    for (size_t i = 0; i < run.count; i++)
        strncpy(result.specs[i], engine_spec(&run.engines[i]), sizeof result.specs[i] - 1);
    px_program_image(program, &image);
    shared->result = result;
    for (unsigned i = 0; status == PX_OK && i < times; i++) {
        status = compare_once(&run, &image, &result, shared);
        shared->result = result;
    }
    sandbox_end_if_lost(status, &shared->record);
    return status; /* the process ends here: nothing is closed, in case it is broken */
}

typedef enum px_status isolate_body(void *arg, struct px_error *err);

/* Waits for @child, but not for ever: one that makes no progress is killed. *hung: it was, and not for being stopped. */
static int wait_for(pid_t child, const struct shared *shared, double limit, bool *hung)
{
    int wait_status = 0;
    struct timespec pause = { .tv_nsec = 200000 };
    struct child_watch watch;
    child_watch_start(&watch, child);
    *hung = false;
    while (waitpid(child, &wait_status, WNOHANG) == 0) {
        enum child_health health = child_watch_look(&watch, atomic_load(&shared->running), limit);
        *hung |= health == CHILD_HUNG;
        if (health != CHILD_WELL)
            kill(child, SIGKILL);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec *= 2;
    }
    return wait_status;
}

/* How a child ended. */
struct ending {
    bool finished, hung;
    int wait_status;
};

/*
 * Runs @body in a child to its end; what it returned and said is in @shared. One that is killed from outside begins
 * again. On failure there was no child.
 */
static enum px_status in_child(struct shared *shared, double limit, isolate_body *body, void *arg,
                               struct ending *end, struct px_error *err)
{
    for (unsigned kills = 0; kills < CHILD_KILLS_MAX; kills++) {
        pid_t child;
        memset(shared, 0, sizeof *shared);
        enum px_status status = child_fork_patiently(&child, err);
        if (status != PX_OK)
            return status;
        if (child == 0) {
            shared->status = body(arg, &shared->error);
            atomic_store(&shared->finished, (uint32_t)getpid());
            _exit(0);
        }
        end->wait_status = wait_for(child, shared, limit, &end->hung);
        end->finished = atomic_load(&shared->finished) == (uint32_t)child && WIFEXITED(end->wait_status);
        if (end->finished || end->hung || !child_killed(&shared->record, end->wait_status))
            break;
    }
    return PX_OK;
}

/* The status that the child left, with its words. */
static enum px_status status_of(struct shared *shared, struct px_error *err)
{
    enum px_status status = shared->status;
    if (status == PX_OK)
        return PX_OK;
    /* PX_ERR_FULL is said of processes only, see isolate.h. */
    if (status < PX_OK || status > PX_ERR_LOST || status == PX_ERR_FULL)
        status = PX_ERR_INTERNAL;
    return px_fail(err, status, "%.*s", (int)sizeof shared->error.text - 1, shared->error.text);
}

/* Whatever stands in @r of at most @times runs, nothing that is read of it can lead astray. */
static void make_harmless(struct isolated *r, unsigned times)
{
    if (r->engine_count > RUN_ENGINES_MAX || r->runs > times || r->diverged > r->runs)
        *r = (struct isolated){ .runs = 0 };
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++) {
        r->specs[i][sizeof r->specs[i] - 1] = '\0';
        make_bool(&r->supported[i]);
        make_bool(&r->caps[i].registers);
        make_bool(&r->caps[i].gas);
        make_bool(&r->caps[i].dirty);
        make_bool(&r->caps[i].aliasing);
        make_bool(&r->caps[i].block_starts);
        make_bool(&r->caps[i].counts);
        r->outcomes[i].dirty = NULL;
    }
    majority_make_harmless(&r->majority);
    finding_make_harmless(&r->finding);
}

bool isolate_judged(const struct isolated *result, size_t index)
{
    return result->supported[index] && result->outcomes[index].exit != PX_EXIT_UNJUDGED;
}

bool isolate_missed(const struct isolated *result, size_t index, const struct px_expect *expect, char *text,
                    size_t size)
{
    const struct px_expect within = expect_within(expect, result->caps[index]);
    return isolate_judged(result, index) && expect_missed(&within, &result->outcomes[index], text, size);
}

bool isolate_describe_majority(const struct isolated *result, char *text, size_t size)
{
    const char *names[RUN_ENGINES_MAX];
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++)
        names[i] = result->specs[i];
    return majority_describe(&result->majority, names, result->engine_count, text, size);
}

static enum px_status share_with_child(struct shared **shared, struct px_error *err)
{
    *shared = isolate_share(sizeof **shared);
    return *shared ? PX_OK
                   : px_fail(err, PX_ERR_SYSTEM, "shared memory for the sandbox: %s", strerror(errno));
}

/* What isolate_run asks of its child. */
struct order {
    const struct sandbox *sandbox;
    struct px_program *program;
    unsigned times;
    struct shared *shared;
};

static enum px_status carry_out(void *arg, struct px_error *err)
{
    const struct order *order = arg;
    (void)err; /* the same as order->shared->error */
    return run_all(order->sandbox, order->program, order->times, order->shared);
}

enum px_status isolate_run(const struct sandbox *sandbox, struct px_program *program, unsigned times,
                           struct isolated *result, struct px_error *err)
{
    struct shared *shared;
    struct ending end;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    struct order order = { .sandbox = sandbox, .program = program, .times = times, .shared = shared };
    status = in_child(shared, sandbox_stall_seconds(sandbox), carry_out, &order, &end, err);
    if (status == PX_OK && end.finished)
        status = status_of(shared, err);
    if (status == PX_OK) {
        make_harmless(&shared->result, times);
        if (!end.finished) {
            struct finding finding = { .kind = FINDING_ABORT };
            finding_from_death(&finding, &shared->record, end.wait_status);
            if (end.hung)
                finding.kind = FINDING_HANG;
            note(&shared->result, &finding);
        }
        *result = shared->result;
    }
    isolate_unshare(shared, sizeof *shared);
    return status;
}

enum px_status isolate_call(isolate_body *body, void *arg, struct px_error *err)
{
    struct shared *shared;
    struct ending end;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    status = in_child(shared, (double)SANDBOX_STALL_SECONDS, body, arg, &end, err);
    if (status == PX_OK)
        status = end.finished ? status_of(shared, err)
                              : px_fail(err, PX_ERR_INTERNAL, "the process that checked it died");
    isolate_unshare(shared, sizeof *shared);
    return status;
}

/* What isolate_watch asks of its child. */
struct watched {
    isolate_watched *body;
    void *arg;
    struct shared *shared;
};

static enum px_status run_watched(void *arg, struct px_error *err)
{
    const struct watched *w = arg;
    enum px_status status = w->body(w->arg, &w->shared->record, &w->shared->running, err);
    sandbox_end_if_lost(status, &w->shared->record);
    return status; /* the process ends here */
}

enum px_status isolate_watch(const struct sandbox *sandbox, isolate_watched *body, void *arg,
                             struct isolate_end *end, struct px_error *err)
{
    struct shared *shared;
    struct ending ending;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    struct watched order = { .body = body, .arg = arg, .shared = shared };
    *end = (struct isolate_end){ .died = false };
    status = in_child(shared, sandbox_stall_seconds(sandbox), run_watched, &order, &ending, err);
    if (status == PX_OK && ending.finished)
        status = status_of(shared, err);
    if (status == PX_OK && !ending.finished) {
        end->died = true;
        finding_from_death(&end->finding, &shared->record, ending.wait_status);
        if (ending.hung)
            end->finding.kind = FINDING_HANG;
        end->finding.index = atomic_load(&shared->running);
        finding_make_harmless(&end->finding);
    }
    isolate_unshare(shared, sizeof *shared);
    return status;
}

/* What isolate_between asks of its child. */
struct between {
    const struct sandbox *sandbox;
    struct px_program *a, *b;
    struct shared *shared;
};

/* Each run has the time of a program. */
static void take_turn(void *arg, size_t engine)
{
    struct shared *shared = arg;
    (void)engine;
    atomic_fetch_add(&shared->running, 1);
}

static enum px_status between(void *arg, struct px_error *err)
{
    const struct between *t = arg;
    const struct run_watch watch = { .turn = take_turn, .arg = t->shared };
    struct run run;
    struct px_image images[2];
    struct run_slot slots[2];
    size_t which;
    bool leaks = false;
    struct hostfault hostfault = { .record = &t->shared->record, .running = &t->shared->running };
    enum px_status status = sandbox_enter(t->sandbox, &run, &hostfault, err);
    px_program_image(t->a, &images[0]);
    px_program_image(t->b, &images[1]);
    for (size_t i = 0; i < 2 && status == PX_OK; i++)
        status = run_prepare(&run, &images[i], 0, &slots[i], err);
    if (status == PX_OK)
        status = run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, err);
    atomic_store(&t->shared->running, 0);
    sandbox_end_if_lost(status, &t->shared->record);
    t->shared->leaks = leaks;
    return status; /* the process ends here */
}

enum px_status isolate_between(const struct sandbox *sandbox, struct px_program *a, struct px_program *b,
                               bool *leaks, struct px_error *err)
{
    struct shared *shared;
    struct ending end;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    struct between order = { .sandbox = sandbox, .a = a, .b = b, .shared = shared };
    status = in_child(shared, sandbox_stall_seconds(sandbox), between, &order, &end, err);
    if (status == PX_OK && end.finished)
        status = status_of(shared, err);
    if (status == PX_OK) /* a program that crashes only after another has leaked something too */
        *leaks = shared->leaks != 0 || !end.finished;
    isolate_unshare(shared, sizeof *shared);
    return status;
}
