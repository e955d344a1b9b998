#define _GNU_SOURCE
#include "harness/campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/isolate.h"
#include "harness/jobs.h"
#include "harness/lockdown.h"
#include "harness/progress.h"
#include "harness/store.h"
#include "harness/triage.h"
#include "harness/wrong.h"

enum { POLL_MS = 10 };

#define MINIMIZE_LEAST_SECONDS 0.2

/* The one flag that a signal sets: Ctrl-C or SIGTERM. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

struct campaign {
    const struct campaign_options *options;
    struct campaign_result *result;
    struct jobs jobs;
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
    const struct sandbox *sandbox;
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    unsigned self_tests;
};

static enum px_status preflight(void *arg, struct px_error *err)
{
    struct preflight *p = arg;
    struct run run;
    enum px_status status = sandbox_open(p->sandbox, &run, err);
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
    p->sandbox = &c->options->worker.sandbox;
    enum px_status status = isolate_call(preflight, p, err);
    c->result->engine_count = p->engine_count;
    memcpy(c->result->specs, p->specs, sizeof p->specs);
    c->result->self_tests = p->self_tests;
    isolate_unshare(p, sizeof *p);
    return status;
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
        return isolate_run(&w->sandbox, &c->program, CAMPAIGN_CONFIRM_RUNS, isolated, err);
    bool leaks = false;
    status = isolate_between(&w->sandbox, &c->program, &c->between, &leaks, err);
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

static bool enough(const struct campaign *c)
{
    return c->options->stop_after != 0 && c->result->confirmed >= c->options->stop_after;
}

/* Re-runs a finding in a fresh process; what it reproduces goes into its bucket, the rest is counted as unstable. */
static enum px_status take_finding(void *arg, const struct finding *finding, struct px_error *err)
{
    struct campaign *c = arg;
    struct isolated isolated = { .runs = 0 };
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
    c->jobs.closed = enough(c);
    return status;
}

static void sum_up(struct campaign *c, double time)
{
    c->result->tally = jobs_tally(&c->jobs);
    c->result->restarts = c->jobs.restarts;
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

static enum px_status supervise(struct campaign *c, struct px_error *err)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    enum px_status status = PX_OK;
    bool alive = true;
    while (status == PX_OK && alive) {
        status = jobs_poll(&c->jobs, &alive, err);
        double time = now();
        sum_up(c, time);
        bool over = c->options->seconds > 0 && time - c->start >= c->options->seconds;
        if (over || interrupted || enough(c))
            jobs_stop(&c->jobs);
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

static enum px_status run_jobs(struct campaign *c, struct px_error *err)
{
    enum px_status status = jobs_start(&c->jobs, &c->options->worker, take_finding, c, err);
    if (status != PX_OK)
        return status;
    status = supervise(c, err);
    jobs_end(&c->jobs);
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
