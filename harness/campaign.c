#define _GNU_SOURCE
#include "harness/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/guided/guided.h"
#include "harness/interrupt.h"
#include "harness/jobs.h"
#include "harness/preflight.h"
#include "harness/progress.h"
#include "harness/store.h"
#include "harness/triage.h"

enum { POLL_MS = 10, SEEN_SIZE = FEATURES * sizeof(coverage_mark) };

#define MINIMIZE_LEAST_SECONDS 0.2

struct campaign {
    struct campaign_options own; /* with what workers share filled in */
    const struct campaign_options *options; /* it */
    struct campaign_result *result;
    struct jobs jobs;
    struct triage triage;
    double start;
    struct resident_watch memory;
    struct progress progress;
    bool told; /* that we wait for room on the machine */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum px_status check_first(struct campaign *c, struct px_error *err)
{
    struct preflight p;
    enum px_status status = preflight_run(&c->options->worker.sandbox, &p, err);
    if (status != PX_OK)
        return status;
    c->result->engine_count = p.engine_count;
    memcpy(c->result->specs, p.specs, sizeof p.specs);
    memcpy(c->result->every, p.every, sizeof p.every);
    c->result->self_tests = p.self_tests;
    for (size_t i = 0; i < p.engine_count; i++)
        c->result->watched |= strcmp(p.specs[i], px_interp_engine.name) == 0;
    if (c->own.guided && !c->result->watched)
        return px_fail(err, PX_ERR_INPUT, "coverage needs the engine interp among those that are compared");
    return PX_OK;
}

/* What the workers share besides: the marks of what programs show, the corpus. */
static enum px_status share_all(struct campaign *c, struct px_error *err)
{
    struct worker_config *worker = &c->own.worker;
    enum px_status status = PX_OK;
    if (c->result->watched) {
        worker->seen = child_share(SEEN_SIZE);
        if (!worker->seen)
            return px_fail(err, PX_ERR_NOMEM, "out of memory for coverage");
    }
    if (c->own.guided)
        status = guided_create(c->own.out, c->own.corpus, worker->jobs, &worker->guided, err);
    return status;
}

static void unshare_all(struct campaign *c)
{
    guided_destroy(c->own.worker.guided);
    child_unshare(c->own.worker.seen, SEEN_SIZE);
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

static enum px_status take_finding(void *arg, const struct finding *finding, struct px_error *err)
{
    struct campaign *c = arg;
    struct triaged triaged;
    if (c->result->confirmed >= CAMPAIGN_TRIAGE_MAX) {
        c->result->further++;
        return PX_OK;
    }
    c->triage.seconds = time_to_minimize(c);
    enum px_status status = triage_finding(&c->triage, finding, c->result, &triaged, err);
    progress_end(&c->progress);
    if (status == PX_OK && triaged.fresh && !c->options->quiet)
        fprintf(stderr, "divergence: program %" PRIu64 ": %s: %s/%s\n", finding->index,
                triaged.bucket->bucket.id, c->options->out, triaged.bucket->path);
    c->jobs.closed = enough(c);
    return status == PX_OK || status == PX_ERR_FULL
               ? status
               : triage_not_kept(&c->options->worker, finding, status, err);
}

/* What the processes hold, from a certain point on. */
static void look_at_memory(struct campaign *c, double time)
{
    struct campaign_result *r = c->result;
    if (r->tally.programs < RESIDENT_EARLY || time < c->memory.due)
        return;
    const struct resident now = { .worker = jobs_resident(&c->jobs), .supervisor = resident_bytes(getpid()) };
    if (now.worker != 0 && now.supervisor != 0)
        resident_note(&c->memory, now, time, &r->early, &r->late);
}

static void sum_up(struct campaign *c, double time)
{
    c->result->tally = jobs_tally(&c->jobs);
    c->result->restarts = c->jobs.restarts;
    c->result->seconds = time - c->start;
    look_at_memory(c, time);
}

/* What programs showed, for good. */
static void sum_up_coverage(struct campaign *c)
{
    struct campaign_result *r = c->result;
    const struct guided *guided = c->own.worker.guided;
    if (guided) {
        r->corpus_loaded = guided->disk.loaded;
        r->corpus_saved = guided->disk.saved;
    }
    if (!r->watched)
        return;
    coverage_curve(c->own.worker.seen, r->curve);
    r->features = r->curve[COVERAGE_POINTS - 1];
    for (size_t i = 0; i < FEATURES_GROUPS; i++)
        r->features_by_group[i] = coverage_seen(c->own.worker.seen, &features_groups[i]);
}

static void show_progress(struct campaign *c)
{
    const struct campaign_result *r = c->result;
    uint64_t programs = r->tally.programs, limit = c->options->worker.limit;
    double seconds = r->seconds, left = -1;
    char line[256], eta[48] = "", features[32] = "";
    if (limit != UINT64_MAX && programs > 0)
        left = seconds / (double)programs * (double)(limit - programs);
    if (c->options->seconds > 0 && (left < 0 || c->options->seconds - seconds < left))
        left = c->options->seconds - seconds;
    if (left >= 0)
        (void)snprintf(eta, sizeof eta, " | %.0f s left", left);
    if (c->result->watched)
        (void)snprintf(features, sizeof features, " | %u features", coverage_seen(c->own.worker.seen, NULL));
    (void)snprintf(line, sizeof line,
                   "%.0f s | %" PRIu64 " programs | %.0f/s%s | %" PRIu64
                   " divergences in %zu buckets | %" PRIu64 " unstable | %" PRIu64 " restarts%s",
                   seconds, programs, seconds > 0 ? (double)programs / seconds : 0, features, r->confirmed,
                   r->bucket_count, r->unstable, r->restarts, eta);
    progress_show(&c->progress, line);
}

/* Says once for each time that it takes patience, and does without what can be done without. */
static void make_room(struct campaign *c)
{
    if (c->jobs.waiting)
        triage_rest(&c->triage);
    if (c->jobs.waiting && !c->told) {
        progress_end(&c->progress);
        fprintf(stderr, "waiting: %s: trying again until there is room\n", c->jobs.error.text);
    }
    c->told = c->jobs.waiting;
}

/* Until there may be something to do. */
static void pause_polling(const struct campaign *c)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    if (c->own.worker.guided)
        guided_wait(c->own.worker.guided, POLL_MS);
    else
        nanosleep(&pause, NULL);
}

static enum px_status supervise(struct campaign *c, struct px_error *err)
{
    enum px_status status = PX_OK;
    bool alive = true;
    while (status == PX_OK && alive) {
        status = jobs_poll(&c->jobs, &alive, err);
        double time = now();
        sum_up(c, time);
        make_room(c);
        bool over = c->options->seconds > 0 && time - c->start >= c->options->seconds;
        if (over || interrupt_came(NULL) || enough(c))
            jobs_stop(&c->jobs);
        if (progress_due(&c->progress, time))
            show_progress(c);
        if (alive && enough(c))
            break; /* workers may wait for room in their rings, for ever */
        if (alive && c->jobs.waiting && interrupt_came(NULL)) {
            c->result->further += jobs_untaken(&c->jobs);
            break;
        }
        if (alive)
            pause_polling(c);
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

static enum px_status run_shared(struct campaign *c, struct px_error *err)
{
    enum px_status status = share_all(c, err);
    if (status == PX_OK) {
        progress_init(&c->progress, c->options->quiet);
        triage_init(&c->triage, &c->own);
        c->start = now();
        status = run_jobs(c, err);
        sum_up_coverage(c);
        triage_fini(&c->triage);
    }
    unshare_all(c);
    return status;
}

enum px_status campaign_run(const struct campaign_options *options, struct campaign_result *result,
                            struct px_error *err)
{
    struct campaign c = { .own = *options, .result = result, .start = now() };
    struct interrupt before;
    c.options = &c.own;
    *result = (struct campaign_result){ 0 };
    enum px_status status = check_first(&c, err);
    if (status != PX_OK)
        return status;
    interrupt_watch(&before); /* whoever sees the folder may interrupt in good order */
    status = store_open(options->out, err);
    if (status == PX_OK) {
        status = run_shared(&c, err);
        store_close(options->out);
    }
    result->interrupted = interrupt_came(NULL);
    interrupt_unwatch(&before);
    return status;
}
