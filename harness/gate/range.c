/* One range of programs: all workers run it, then what they found is looked at in the order of the programs. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "harness/finding_list.h"
#include "harness/gate/session.h"
#include "harness/interrupt.h"
#include "harness/jobs.h"

enum {
    POLL_MS = 10,
    BUSY_POLL_MS = 1, /* while findings come in: workers wait when there are many */
    SEVERE_MAX = 40,
    DIFFERENCES_MAX = 100000,
    HANGS_MAX = 4, /* each takes seconds: so many are enough for a whole gate, and one for each range */
};

/* After Ctrl-C, for findings that are there already. */
#define AFTERWARDS_SECONDS 2.0

struct range {
    struct gate_session *session;
    size_t at;
    struct finding_list list;
    struct jobs jobs;
};

static enum px_status take(void *arg, const struct finding *finding, struct px_error *err)
{
    struct range *r = arg;
    enum px_status status = finding_list_add(&r->list, finding);
    if (status != PX_OK)
        return px_fail(err, status, "out of memory for a finding");
    jobs_limit(&r->jobs, r->list.end);
    return PX_OK;
}

static void show_progress(struct range *r, uint64_t programs, double time)
{
    struct gate_session *s = r->session;
    char line[512];
    uint64_t done = s->done + programs;
    double seconds = time - s->start;
    double left = done > 0 ? seconds / (double)done * (double)(s->planned - done) : 0;
    (void)snprintf(line, sizeof line,
                   "%.0f s | %s | %" PRIu64 " of %" PRIu64
                   " programs | %zu findings | %zu buckets | %.0f s left",
                   seconds, s->gate->cases[r->at].gen, done, s->planned, r->list.count,
                   s->gate->found->bucket_count, left);
    progress_show(&s->progress, line);
}

static enum px_status supervise(struct range *r, struct px_error *err)
{
    enum px_status status = PX_OK;
    bool alive = true;
    while (status == PX_OK && alive) {
        size_t before = r->list.count + r->list.difference_count;
        status = jobs_poll(&r->jobs, &alive, err);
        double time = gate_now();
        gate_tell_waiting(r->session, r->jobs.waiting ? r->jobs.error.text : NULL);
        if (interrupt_came(NULL))
            jobs_stop(&r->jobs);
        if (r->jobs.waiting && interrupt_came(NULL))
            break;
        if (progress_due(&r->session->progress, time))
            show_progress(r, jobs_tally(&r->jobs).programs, time);
        bool busy = r->list.count + r->list.difference_count != before;
        const struct timespec pause = { .tv_nsec = (busy ? BUSY_POLL_MS : POLL_MS) * 1000000L };
        if (alive)
            nanosleep(&pause, NULL);
    }
    return status;
}

/* What ran, as far as it is sure to be the same each time. */
static enum px_status settle(struct range *r, struct px_error *err)
{
    struct gate *gate = r->session->gate;
    struct gate_case *c = &gate->cases[r->at];
    struct tally tally = jobs_tally(&r->jobs);
    bool stopped = interrupt_came(NULL);
    c->state = GATE_RUN;
    c->end = r->list.why;
    bool early = c->end != FINDING_END_WHOLE;
    c->more = finding_list_more(&r->list);
    c->programs = early ? r->list.end : stopped ? tally.programs : c->planned;
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++)
        gate->took[i] += tally.supported[i];
    if (!early && !stopped)
        tally_add(&gate->tally, &tally);
    if (r->jobs.lost == 0)
        return PX_OK;
    return gate_add_trouble(gate, GATE_LOST, r->at, NULL, err, "%" PRIu64 " workers were killed from outside",
                            r->jobs.lost);
}

static enum px_status look_at_findings(struct range *r, struct px_error *err)
{
    struct gate_session *s = r->session;
    enum px_status status = PX_OK;
    double start = gate_now();
    for (size_t i = 0; i < r->list.count && status == PX_OK; i++) {
        const struct finding *finding = &r->list.items[i];
        struct triaged triaged;
        double time = gate_now();
        if (interrupt_came(NULL) && time - start > AFTERWARDS_SECONDS)
            break;
        if (progress_due(&s->progress, time)) {
            char line[512];
            (void)snprintf(line, sizeof line, "%.0f s | %s | finding %zu of %zu | %zu buckets",
                           time - s->start, s->gate->cases[r->at].gen, i + 1, r->list.count,
                           s->gate->found->bucket_count);
            progress_show(&s->progress, line);
        }
        do
            status = triage_finding(&s->triage, finding, s->gate->found, &triaged, err);
        while (gate_try_again(s, status, err));
        if (status == PX_OK)
            status = gate_take(s, r->at, finding->index, &triaged, finding, err);
        else if (status == PX_ERR_FULL)
            return PX_OK; /* Ctrl-C: the rest stays as it is */
        else
            status = triage_not_kept(&s->campaign.worker, finding, status, err);
    }
    return status;
}

static enum px_status run(struct range *r, struct px_error *err)
{
    struct gate_session *s = r->session;
    enum px_status status = jobs_start(&r->jobs, &s->campaign.worker, take, r, err);
    if (status != PX_OK)
        return status;
    status = supervise(r, err);
    enum px_status settled = settle(r, status == PX_OK ? err : NULL);
    jobs_end(&r->jobs);
    if (status == PX_OK)
        status = settled;
    return status == PX_OK ? look_at_findings(r, err) : status;
}

enum px_status gate_run_range(struct gate_session *session, size_t at, struct px_error *err)
{
    struct gate *gate = session->gate;
    struct gate_case *c = &gate->cases[at];
    struct range r = { .session = session, .at = at };
    uint64_t hangs = gate->found->by_kind[FINDING_HANG]; /* in the ranges before: the same number each time */
    const struct finding_limits limits = { .programs = c->planned,
                                           .each = session->options->each,
                                           .severe_max = SEVERE_MAX,
                                           .differences_max = DIFFERENCES_MAX,
                                           .hangs_max = hangs < HANGS_MAX ? HANGS_MAX - hangs : 1 };
    double start = gate_now();
    enum px_status status = px_gen_parse(c->gen, &session->campaign.worker.gen, err);
    if (status != PX_OK)
        return status;
    session->campaign.worker.seed = c->seed;
    session->campaign.worker.limit = c->planned;
    finding_list_init(&r.list, &limits);
    status = run(&r, err);
    finding_list_fini(&r.list);
    session->done += c->planned;
    c->seconds = gate_now() - start;
    return status;
}
