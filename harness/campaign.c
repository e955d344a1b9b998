#define _GNU_SOURCE
#include "harness/campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/isolate.h"
#include "harness/lockdown.h"
#include "harness/progress.h"
#include "harness/store.h"
#include "harness/triage.h"
#include "harness/wrong.h"

enum {
    POLL_MS = 10,
    STALL_SECONDS = 10, /* a heartbeat that stands still for so long ends the worker */
};

#define MINIMIZE_LEAST_SECONDS 0.2

/* The one flag that a signal sets: Ctrl-C or SIGTERM. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct job {
    pid_t pid; /* 0: no worker */
    struct worker_shared *shared;
    uint64_t beat;         /* last heartbeat seen ... */
    double beat_since;     /* ... and since when */
    uint64_t
        last_finding; /* index + 1 of the last finding taken, and its kind: one published twice counts once */
    enum finding_kind last_kind;
};

struct campaign {
    const struct campaign_options *options;
    struct campaign_result *result;
    struct campaign_shared *shared;
    struct job *jobs;
    struct px_program program; /* of the finding at hand */
    struct px_program between; /* FINDING_LEAK: what ran in between */
    struct triage triage;
    double start;
    struct progress progress;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What must hold before the first worker: the engines open, and the harness sees every lie. */
struct preflight {
    const char *engines;
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    unsigned self_tests;
};

static enum px_status preflight(void *arg, struct px_error *err)
{
    struct preflight *p = arg;
    struct run run;
    enum px_status status = run_open(p->engines, &run, err);
    if (status != PX_OK)
        return status;
    p->engine_count = run.count;
    for (size_t i = 0; i < run.count; i++)
        (void)snprintf(p->specs[i], sizeof p->specs[i], "%s", engine_spec(&run.engines[i]));
    run_close(&run);
    status = px_self_test(&p->self_tests, err);
    return status == PX_OK ? lockdown_enter(err) : status;
}

static enum px_status check_first(struct campaign *c, struct px_error *err)
{
    struct preflight *p = isolate_share(sizeof *p);
    if (!p)
        return px_fail(err, PX_ERR_SYSTEM, "shared memory: %s", strerror(errno));
    p->engines = c->options->worker.engines;
    enum px_status status = isolate_call(preflight, p, err);
    c->result->engine_count = p->engine_count;
    memcpy(c->result->specs, p->specs, sizeof p->specs);
    c->result->self_tests = p->self_tests;
    isolate_unshare(p, sizeof *p);
    return status;
}

static enum px_status start_worker(struct campaign *c, struct job *job, struct px_error *err)
{
    job->shared->record = (struct host_record){ .signal = 0 };
    atomic_store(&job->shared->running, 0);
    atomic_store(&job->shared->between, 0);
    job->beat = 0;
    job->beat_since = now();
    fflush(NULL); /* nothing buffered may come out twice */
    job->pid = fork();
    if (job->pid == 0)
        worker_main(&c->options->worker, c->shared, job->shared);
    if (job->pid > 0)
        return PX_OK;
    job->pid = 0;
    return px_fail(err, PX_ERR_SYSTEM, "fork: %s", strerror(errno));
}

/* Makes the finding's programs again and runs them in a fresh process. */
static enum px_status confirm(struct campaign *c, const struct finding *finding, struct isolated *isolated,
                              struct px_error *err)
{
    const struct worker_config *w = &c->options->worker;
    enum px_status status = px_gen_make(&w->gen, w->seed, finding->index, &c->program);
    if (status == PX_OK && finding->kind == FINDING_LEAK)
        status = px_gen_make(&w->gen, w->seed, finding->between, &c->between);
    if (status != PX_OK)
        return px_fail(err, status, "program %" PRIu64 " cannot be made again", finding->index);
    if (finding->kind != FINDING_LEAK)
        return isolate_run(w->engines, &c->program, CAMPAIGN_CONFIRM_RUNS, isolated, err);
    bool leaks = false;
    status = isolate_between(w->engines, &c->program, &c->between, &leaks, err);
    *isolated = (struct isolated){ .diverged = leaks, .finding = *finding };
    return status;
}

static bool is_interrupted(void *arg)
{
    (void)arg;
    return interrupted;
}

/* Minimizing goes on at the end of a campaign's time, but not for long. */
static double time_to_minimize(const struct campaign *c)
{
    const struct campaign_options *o = c->options;
    double left = c->start + o->seconds - now(), least = MINIMIZE_LEAST_SECONDS;
    if (o->seconds <= 0 || left > o->minimize_seconds)
        return o->minimize_seconds;
    return left > least ? left : least < o->minimize_seconds ? least : o->minimize_seconds;
}

/* Re-runs a finding in a fresh process; what it reproduces goes into its bucket, the rest is counted as unstable. */
static enum px_status take_finding(struct campaign *c, struct job *job, const struct finding *finding,
                                   struct px_error *err)
{
    struct isolated isolated = { .runs = 0 };
    if (job->last_finding == finding->index + 1 && job->last_kind == finding->kind)
        return PX_OK;
    job->last_finding = finding->index + 1;
    job->last_kind = finding->kind;
    if (c->result->confirmed >= CAMPAIGN_TRIAGE_MAX) {
        c->result->further++;
        return PX_OK;
    }
    enum px_status status = confirm(c, finding, &isolated, err);
    if (status != PX_OK)
        return status;
    if (isolated.diverged == 0) {
        c->result->unstable++;
        return PX_OK;
    }
    isolated.finding.index = finding->index;
    const struct campaign_bucket *fresh;
    c->triage.seconds = time_to_minimize(c);
    status = triage_finding(&c->triage, &c->program, &isolated, c->result, &fresh, err);
    progress_end(&c->progress);
    if (fresh && !c->options->quiet)
        fprintf(stderr, "divergence: program %" PRIu64 ": %s: %s/%s\n", finding->index, fresh->bucket.id,
                c->options->out, fresh->path);
    return status;
}

static bool enough(const struct campaign *c)
{
    return c->options->stop_after != 0 && c->result->confirmed >= c->options->stop_after;
}

static enum px_status drain_ring(struct campaign *c, struct job *job, struct px_error *err)
{
    struct worker_shared *s = job->shared;
    uint64_t tail = atomic_load(&s->ring_tail);
    enum px_status status = PX_OK;
    while (status == PX_OK && tail != atomic_load(&s->ring_head) && !enough(c)) {
        struct finding finding = s->ring[tail % WORKER_RING];
        atomic_store(&s->ring_tail, ++tail);
        status = take_finding(c, job, &finding, err);
    }
    return status;
}

/* What a dead worker died over; false when it was between two programs, and nothing is to blame. */
static bool blame(const struct campaign *c, struct worker_shared *s, int wait_status, struct finding *finding)
{
    uint64_t current = atomic_load(&s->current), at = atomic_load(&s->at), between = atomic_load(&s->between);
    *finding = (struct finding){ .index = current };
    finding_from_death(finding, &s->record, wait_status);
    if (between != 0) {
        finding->kind = FINDING_LEAK;
        finding->index = between - 1;
        finding->between = worker_next(finding->index, c->options->worker.jobs);
        return true;
    }
    if (current < at) /* a worker's indices ascend: this one was done */
        return false;
    /* It may have died preparing a later program of its batch: those before it have still to run. */
    if (current == at) {
        atomic_store(&s->at, worker_next(current, c->options->worker.jobs));
    } else {
        s->skip[s->skip_count % WORKER_BATCH] = current;
        s->skip_count += s->skip_count < WORKER_BATCH;
    }
    return true;
}

/* A worker ended: done, gave up, or died over a program, which is then a finding and not run again. */
static enum px_status bury(struct campaign *c, struct job *job, int wait_status, struct px_error *err)
{
    struct worker_shared *s = job->shared;
    struct finding finding;
    job->pid = 0;
    if (s->status != PX_OK)
        return px_fail(err, s->status, "%s", s->error.text);
    enum px_status status = drain_ring(c, job, err);
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return status;
    if (blame(c, s, wait_status, &finding) && status == PX_OK)
        status = take_finding(c, job, &finding, err);
    c->result->restarts++;
    if (status == PX_OK && !atomic_load(&c->shared->stop))
        status = start_worker(c, job, err);
    return status;
}

static void watch_heartbeat(struct job *job, double time)
{
    uint64_t beat = atomic_load(&job->shared->beats);
    const struct worker_shared *s = job->shared;
    bool waits_for_us = atomic_load(&s->ring_head) - atomic_load(&s->ring_tail) == WORKER_RING;
    if (beat != job->beat || waits_for_us) {
        job->beat = beat;
        job->beat_since = time;
    } else if (time - job->beat_since > (double)STALL_SECONDS) {
        kill(job->pid, SIGKILL);
    }
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->programs += t->programs;
    for (size_t i = 0; i < PX_EXIT_COUNT; i++)
        sum->exits[i] += t->exits[i];
    for (size_t i = 0; i < PX_PANIC_COUNT; i++)
        sum->panics[i] += t->panics[i];
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++) {
        sum->supported[i] += t->supported[i];
        sum->native[i] += t->native[i];
        sum->side_exit[i] += t->side_exit[i];
        sum->interpreted[i] += t->interpreted[i];
    }
}

static void sum_tallies(struct campaign *c, double time)
{
    c->result->tally = (struct tally){ 0 };
    for (unsigned i = 0; i < c->options->worker.jobs; i++)
        add_tally(&c->result->tally, &c->jobs[i].shared->tally);
    c->result->seconds = time - c->start;
}

static void show_progress(struct campaign *c)
{
    const struct campaign_result *r = c->result;
    uint64_t programs = r->tally.programs, limit = c->options->worker.limit;
    double seconds = r->seconds, left = -1;
    char line[256], eta[48] = "";
    if (limit != UINT64_MAX && programs > 0)
        left = seconds / (double)programs * (double)(limit - programs);
    if (c->options->seconds > 0 && (left < 0 || c->options->seconds - seconds < left))
        left = c->options->seconds - seconds;
    if (left >= 0)
        (void)snprintf(eta, sizeof eta, " | %.0f s left", left);
    (void)snprintf(line, sizeof line,
                   "%.0f s | %" PRIu64 " programs | %.0f/s | %" PRIu64
                   " divergences in %zu buckets | %" PRIu64 " unstable | %" PRIu64 " restarts%s",
                   seconds, programs, seconds > 0 ? (double)programs / seconds : 0, r->confirmed,
                   r->bucket_count, r->unstable, r->restarts, eta);
    progress_show(&c->progress, line);
}

/* One look at every worker. *alive: some still work. */
static enum px_status poll_jobs(struct campaign *c, bool *alive, struct px_error *err)
{
    enum px_status status = PX_OK;
    double time = now();
    *alive = false;
    for (unsigned i = 0; i < c->options->worker.jobs && status == PX_OK; i++) {
        struct job *job = &c->jobs[i];
        int wait_status;
        if (job->pid == 0)
            continue;
        if (waitpid(job->pid, &wait_status, WNOHANG) == job->pid) {
            status = bury(c, job, wait_status, err);
        } else {
            watch_heartbeat(job, time);
            status = drain_ring(c, job, err);
        }
        *alive |= job->pid != 0;
    }
    sum_tallies(c, time);
    return status;
}

static enum px_status supervise(struct campaign *c, struct px_error *err)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    enum px_status status = PX_OK;
    bool alive = true;
    while (status == PX_OK && alive) {
        status = poll_jobs(c, &alive, err);
        double time = now();
        bool over = c->options->seconds > 0 && time - c->start >= c->options->seconds;
        if (over || interrupted || enough(c))
            atomic_store(&c->shared->stop, true);
        if (progress_due(&c->progress, time))
            show_progress(c);
        if (alive && enough(c))
            break; /* workers may wait for room in their rings, for ever */
        if (alive)
            nanosleep(&pause, NULL);
    }
    progress_end(&c->progress);
    return status;
}

static void kill_workers(struct campaign *c)
{
    for (unsigned i = 0; i < c->options->worker.jobs; i++) {
        if (c->jobs[i].pid == 0)
            continue;
        kill(c->jobs[i].pid, SIGKILL);
        waitpid(c->jobs[i].pid, NULL, 0);
    }
}

static enum px_status start_jobs(struct campaign *c, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < c->options->worker.jobs && status == PX_OK; i++) {
        struct job *job = &c->jobs[i];
        job->shared = isolate_share(sizeof *job->shared);
        if (!job->shared)
            return px_fail(err, PX_ERR_NOMEM, "out of memory for job %u", i);
        atomic_store(&job->shared->at, worker_first(i));
        status = start_worker(c, job, err);
    }
    return status;
}

static enum px_status run_jobs(struct campaign *c, struct px_error *err)
{
    unsigned jobs = c->options->worker.jobs;
    c->jobs = calloc(jobs, sizeof *c->jobs);
    c->shared = isolate_share(sizeof *c->shared);
    if (!c->jobs || !c->shared) {
        free(c->jobs);
        isolate_unshare(c->shared, sizeof *c->shared);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for %u jobs", jobs);
    }
    enum px_status status = start_jobs(c, err);
    if (status == PX_OK)
        status = supervise(c, err);
    kill_workers(c);
    for (unsigned i = 0; i < jobs; i++)
        isolate_unshare(c->jobs[i].shared, sizeof *c->jobs[i].shared);
    isolate_unshare(c->shared, sizeof *c->shared);
    free(c->jobs);
    return status;
}

enum px_status campaign_run(const struct campaign_options *options, struct campaign_result *result,
                            struct px_error *err)
{
    struct campaign c = { .options = options, .result = result, .start = now() };
    struct sigaction old_int, old_term, action = { .sa_handler = on_interrupt };
    *result = (struct campaign_result){ 0 };
    interrupted = 0;
    enum px_status status = check_first(&c, err);
    if (status == PX_OK)
        status = store_open(options->out, err);
    if (status != PX_OK)
        return status;
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    progress_init(&c.progress, options->quiet);
    px_program_init(&c.program);
    px_program_init(&c.between);
    triage_init(&c.triage, options, is_interrupted);
    c.start = now();
    status = run_jobs(&c, err);
    px_program_fini(&c.program);
    px_program_fini(&c.between);
    triage_fini(&c.triage);
    store_close(options->out);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    result->interrupted = interrupted;
    return status;
}
