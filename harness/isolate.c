#define _GNU_SOURCE
#include "harness/isolate.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STALL_SECONDS = 20 }; /* of wall time without an end: the CPU timer should have spoken long before */

/* What the child and we share. */
struct shared {
    struct isolated result;
    struct host_record record;
    _Atomic uint64_t running;
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

static enum px_status compare_once(struct run *run, const struct px_image *image, struct shared *shared)
{
    struct run_result outcome;
    struct run_slot slot;
    struct isolated *result = &shared->result;
    for (size_t i = 0; i < run->count; i++)
        run->engines[i].ops->reset(run->engines[i].instance);
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
    if (outcome.diff.fields != 0)
        note(result, &finding);
    return PX_OK;
}

static enum px_status run_all(const struct sandbox *sandbox, struct px_program *program, unsigned times,
                              struct shared *shared)
{
    struct run run;
    struct px_image image;
    struct hostfault hostfault = { .record = &shared->record, .running = &shared->running };
    enum px_status status = sandbox_enter(sandbox, &run, &hostfault, &shared->error);
    if (status != PX_OK)
        return status;
    shared->result.engine_count = run.count;
    for (size_t i = 0; i < run.count; i++)
        strncpy(shared->result.specs[i], engine_spec(&run.engines[i]), sizeof shared->result.specs[i] - 1);
    px_program_image(program, &image);
    for (unsigned i = 0; status == PX_OK && i < times; i++)
        status = compare_once(&run, &image, shared);
    return status; /* the process ends here: nothing is closed, in case it is broken */
}

static void become_child(void)
{
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Waits for @child, but not for ever. */
static int wait_for(pid_t child)
{
    int wait_status = 0;
    struct timespec pause = { .tv_nsec = 200000 };
    for (double waited = 0; waitpid(child, &wait_status, WNOHANG) == 0;
         waited += (double)pause.tv_nsec * 1e-9) {
        if (waited > (double)STALL_SECONDS)
            kill(child, SIGKILL);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 20000000)
            pause.tv_nsec *= 2;
    }
    return wait_status;
}

typedef enum px_status isolate_body(void *arg, struct px_error *err);

/* Runs @body in a child to its end; what it returned and said is in @shared. PX_ERR_SYSTEM: there was no child. */
static enum px_status in_child(struct shared *shared, isolate_body *body, void *arg, bool *ended,
                               int *wait_status, struct px_error *err)
{
    pid_t child = fork();
    if (child == 0) {
        become_child();
        shared->status = body(arg, &shared->error);
        _exit(0);
    }
    if (child < 0)
        return px_fail(err, PX_ERR_SYSTEM, "fork: %s", strerror(errno));
    *wait_status = wait_for(child);
    *ended = WIFEXITED(*wait_status) && WEXITSTATUS(*wait_status) == 0;
    return PX_OK;
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
    bool ended = false;
    int wait_status = 0;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    struct order order = { .sandbox = sandbox, .program = program, .times = times, .shared = shared };
    status = in_child(shared, carry_out, &order, &ended, &wait_status, err);
    if (status == PX_OK) {
        status = shared->status;
        if (status != PX_OK)
            px_fail(err, status, "%s", shared->error.text);
        if (!ended) {
            struct finding finding = { .kind = FINDING_ABORT };
            finding_from_death(&finding, &shared->record, wait_status);
            note(&shared->result, &finding);
        }
        *result = shared->result;
    }
    isolate_unshare(shared, sizeof *shared);
    return status;
}

enum px_status isolate_call(enum px_status (*body)(void *arg, struct px_error *err), void *arg,
                            struct px_error *err)
{
    struct shared *shared;
    bool ended = false;
    int wait_status = 0;
    enum px_status status = share_with_child(&shared, err);
    if (status != PX_OK)
        return status;
    status = in_child(shared, body, arg, &ended, &wait_status, err);
    if (status == PX_OK) {
        status = ended ? shared->status : PX_ERR_INTERNAL;
        if (status != PX_OK)
            px_fail(err, status, "%s", ended ? shared->error.text : "the process that checked it died");
    }
    isolate_unshare(shared, sizeof *shared);
    return status;
}

/* What isolate_between and its child share. */
struct between {
    const struct sandbox *sandbox;
    struct px_program *a, *b;
    bool leaks;
    struct host_record record;
    _Atomic uint64_t running;
};

static enum px_status between(void *arg, struct px_error *err)
{
    struct between *t = arg;
    struct run run;
    struct px_image images[2];
    struct run_slot slots[2];
    size_t which;
    struct hostfault hostfault = { .record = &t->record, .running = &t->running };
    enum px_status status = sandbox_enter(t->sandbox, &run, &hostfault, err);
    px_program_image(t->a, &images[0]);
    px_program_image(t->b, &images[1]);
    for (size_t i = 0; i < 2 && status == PX_OK; i++)
        status = run_prepare(&run, &images[i], 0, &slots[i], err);
    if (status == PX_OK)
        status = run_between(&run, &slots[0], &slots[1], &t->leaks, &which, err);
    return status; /* the process ends here */
}

enum px_status isolate_between(const struct sandbox *sandbox, struct px_program *a, struct px_program *b,
                               bool *leaks, struct px_error *err)
{
    struct between *shared = isolate_share(sizeof *shared);
    if (!shared)
        return px_fail(err, PX_ERR_SYSTEM, "shared memory for the sandbox: %s", strerror(errno));
    *shared = (struct between){ .sandbox = sandbox, .a = a, .b = b };
    enum px_status status = isolate_call(between, shared, err);
    bool died = status == PX_ERR_INTERNAL && atomic_load(&shared->record.words) != WORDS_NONE;
    *leaks = shared->leaks || died; /* a program that crashes only after another has leaked something too */
    if (died)
        status = PX_OK;
    isolate_unshare(shared, sizeof *shared);
    return status;
}
