#define _GNU_SOURCE
#include "harness/account.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/child.h"

enum {
    FALSE_STARTS_MAX = 10,
    WINDOW = WORKER_BATCH + WORKER_SKIP_MAX, /* programs from the next one on that can be in flight */
};

void account_init(struct account *account, const struct worker_config *config, unsigned job)
{
    memset(account, 0, sizeof *account);
    account->config = config;
    account->job = job;
    account->limit = config->limit;
    account->batch = WORKER_BATCH;
    account->stretch = UINT64_MAX;
    account->accepted.at = worker_first(job);
    account->started_at = account->accepted.at;
}

/* Where the stretch ends. A program whose check A, B, A is due takes its successor along. */
static uint64_t stretch_end(const struct account *a, uint64_t at)
{
    uint64_t last = at;
    if (a->stretch == UINT64_MAX)
        return a->limit;
    for (uint64_t i = 0; (i < a->stretch || last % WORKER_BETWEEN == 0) && at < a->limit; i++) {
        last = at;
        at = worker_next(at, a->config->jobs);
    }
    return at < a->limit ? at : a->limit;
}

void account_order(struct account *account, struct worker_shared *shared)
{
    memset(shared, 0, sizeof *shared);
    atomic_store(&shared->orders.limit, stretch_end(account, account->accepted.at));
    shared->orders.batch = account->batch;
    shared->orders.skip_count = account->skip_count;
    memcpy(shared->orders.skip, account->skip, sizeof shared->orders.skip);
    ledger_init(&shared->ledger, &account->accepted);
    account->started_at = account->accepted.at;
}

static bool is_skipped(const struct account *a, uint64_t index, bool between)
{
    for (size_t i = 0; i < a->skip_count; i++)
        if (a->skip[i].index == index && a->skip[i].between == between)
            return true;
    return false;
}

/* Programs before @at that are left out, and so in nobody's sums. */
static uint64_t skipped_before(const struct account *a, uint64_t at)
{
    uint64_t count = a->skipped;
    for (size_t i = 0; i < a->skip_count; i++)
        count -= !a->skip[i].between && a->skip[i].index >= at;
    return count;
}

/* --- what a worker says --- */

static bool record_is_possible(const struct account *a, const struct ledger_record *r)
{
    unsigned jobs = a->config->jobs;
    return r->at >= a->accepted.at && worker_owns(r->at, a->job, jobs) &&
           r->findings - a->accepted.findings <= LEDGER_RING &&
           r->tally.programs + skipped_before(a, r->at) == worker_before(r->at, jobs);
}

static bool finding_is_possible(const struct account *a, const struct ledger_record *r,
                                const struct finding *f)
{
    unsigned jobs = a->config->jobs;
    bool ours = worker_owns(f->index, a->job, jobs) && f->index >= a->accepted.at && f->index < r->at;
    if (!ours || f->other >= RUN_ENGINES_MAX)
        return false;
    if (f->kind == FINDING_LEAK)
        return worker_owns(f->between, a->job, jobs) && f->between > f->index && f->between < r->at;
    return f->kind == FINDING_DIFF && f->diff.fields != 0;
}

bool account_accept(struct account *a, const struct worker_shared *shared)
{
    struct ledger_record record;
    if (!ledger_read(&shared->ledger, &record) || !record_is_possible(a, &record))
        return false;
    size_t count = (size_t)(record.findings - a->accepted.findings);
    for (size_t i = 0; i < count; i++)
        if (!ledger_finding_read(&shared->ledger, a->accepted.findings + i, &a->queue[i]) ||
            !finding_is_possible(a, &record, &a->queue[i]))
            return false;
    a->queued = count;
    a->handed = 0;
    if (record.at != a->accepted.at)
        a->kills = 0;
    a->accepted = record;
    return true;
}

/* --- what it died over --- */

/* The program that a dead worker says it was at; false when it was at none, or lies. */
static bool get_in_flight(const struct account *a, const struct worker_shared *shared, uint64_t *index)
{
    unsigned jobs = a->config->jobs;
    uint64_t at = atomic_load(&shared->current) - 1, first = a->accepted.at;
    if (at >= a->config->limit || at < first || !worker_owns(at, a->job, jobs) ||
        worker_before(at, jobs) - worker_before(first, jobs) >= WINDOW || is_skipped(a, at, false))
        return false;
    *index = at;
    return true;
}

/* The same for a check A, B, A. */
static bool get_between(const struct account *a, const struct worker_shared *shared, uint64_t *index)
{
    unsigned jobs = a->config->jobs;
    uint64_t at = atomic_load(&shared->between) - 1, first = a->accepted.at;
    if (at >= a->config->limit || at < first || !worker_owns(at, a->job, jobs) || at % WORKER_BETWEEN != 0 ||
        worker_before(at, jobs) - worker_before(first, jobs) >= WINDOW || is_skipped(a, at, true))
        return false;
    *index = at;
    return true;
}

/* Leaves out what stands at the head, and forgets what lies behind. */
static void pass_over(struct account *a)
{
    while (is_skipped(a, a->accepted.at, false))
        a->accepted.at = worker_next(a->accepted.at, a->config->jobs);
    size_t kept = 0;
    for (size_t i = 0; i < a->skip_count; i++)
        if (a->skip[i].index >= a->accepted.at)
            a->skip[kept++] = a->skip[i];
    a->skip_count = kept;
}

/* The finding enters the queue, and what it is about will not be run again. */
static void record_death(struct account *a, const struct finding *finding)
{
    bool between = finding->kind == FINDING_LEAK;
    if (a->skip_count == WORKER_SKIP_MAX)
        return; /* the next worker does one program at a time, and so gets past these first */
    a->queue[a->queued++] = *finding;
    a->skip[a->skip_count++] = (struct worker_skip){ .index = finding->index, .between = between };
    a->skipped += !between;
}

/* What a worker wrote cannot be believed: the next ones do less and less at a time. True: it did one program only. */
static bool narrow_down(struct account *a)
{
    bool one = a->stretch == 1;
    a->homecomings = 0;
    a->stretch = a->stretch > WORKER_CHUNK ? WORKER_CHUNK : one ? 1 : a->stretch / 2;
    return one;
}

/* The program, or the check, that the worker died over; false when that is not clear. */
static bool find_guilty(struct account *a, const struct worker_shared *shared, bool believed,
                        struct finding *finding)
{
    if (!believed) {
        finding->index = a->accepted.at;
        return narrow_down(a) && finding->index < a->limit;
    }
    if (get_between(a, shared, &finding->index)) {
        finding->kind = FINDING_LEAK;
        finding->between = worker_next(finding->index, a->config->jobs);
        return true;
    }
    if (get_in_flight(a, shared, &finding->index))
        return true;
    finding->index = a->accepted.at;
    return a->batch == 1 && a->accepted.at == a->started_at && a->accepted.at < a->limit;
}

static void blame(struct account *a, const struct worker_shared *shared, const struct account_end *end,
                  bool believed)
{
    struct finding finding = { .index = 0 };
    finding_from_death(&finding, &shared->record, end->wait_status);
    finding_make_harmless(&finding);
    if (end->hung)
        finding.kind = FINDING_HANG;
    if (find_guilty(a, shared, believed, &finding))
        record_death(a, &finding);
}

/* A worker is killed: true when it is always the same program that is in flight. */
static bool always_there(struct account *a, const struct worker_shared *shared)
{
    uint64_t index = UINT64_MAX;
    (void)get_in_flight(a, shared, &index);
    a->kills = index + 1 == a->in_flight ? a->kills + 1 : 1;
    a->in_flight = index + 1;
    return a->in_flight != 0 && a->kills >= CHILD_KILLS_MAX;
}

static enum px_status not_ready(struct account *a, const struct account_end *end, enum px_status gave_up,
                                const struct worker_shared *shared, struct px_error *err)
{
    if (++a->false_starts < FALSE_STARTS_MAX)
        return PX_OK;
    if (gave_up != PX_OK)
        return px_fail(err, gave_up, "%.300s", shared->error.text);
    struct finding finding = { .index = 0 };
    char what[64];
    finding_from_death(&finding, &shared->record, end->wait_status);
    finding_format(&finding, what, sizeof what);
    return px_fail(err, PX_ERR_INTERNAL, "the sandbox died %d times before it could work: %s",
                   FALSE_STARTS_MAX, what);
}

/* A program that a worker which goes on from accepted.at can have run, and that is in no sum yet. */
static bool can_be_rescued(const struct account *a, uint64_t index)
{
    unsigned jobs = a->config->jobs;
    uint64_t first = a->accepted.at;
    return index >= first && index < a->limit && worker_owns(index, a->job, jobs) &&
           worker_before(index, jobs) - worker_before(first, jobs) < WINDOW && !is_skipped(a, index, false);
}

static void leave_out(struct account *a, uint64_t index)
{
    a->skip[a->skip_count++] = (struct worker_skip){ .index = index };
    a->skipped++;
}

void account_rescue(struct account *a, const struct finding *finding)
{
    bool leak = finding->kind == FINDING_LEAK;
    if (!can_be_rescued(a, finding->index) || a->skip_count + leak >= WORKER_SKIP_MAX ||
        finding->other >= RUN_ENGINES_MAX)
        return;
    if (leak ? finding->between <= finding->index || !can_be_rescued(a, finding->between)
             : finding->kind != FINDING_DIFF || finding->diff.fields == 0)
        return;
    a->queue[a->queued++] = *finding;
    leave_out(a, finding->index);
    if (leak)
        leave_out(a, finding->between);
    pass_over(a);
}

/* What the worker says went wrong; PX_OK when it says nothing that it could mean. */
static enum px_status get_gave_up(const struct worker_shared *shared, bool finished)
{
    enum px_status status = shared->status;
    return finished && status > PX_OK && status <= PX_ERR_INTERNAL ? status : PX_OK;
}

/* It ended by itself, and all that it says is true: nothing is left to do, or its stretch is done. */
static bool came_home(struct account *a, const struct account_end *end, enum account_verdict *verdict)
{
    bool done = a->accepted.at >= a->limit || end->stopping;
    if (!done && a->accepted.at < stretch_end(a, a->started_at))
        return false;
    *verdict = done ? ACCOUNT_DONE : ACCOUNT_PAUSED;
    /* The guilty one is in the next stretch, if not in this one; after that it was none of them. */
    if (++a->homecomings > 1 && a->stretch != UINT64_MAX)
        a->stretch = a->stretch < WORKER_CHUNK ? a->stretch * 2 : UINT64_MAX;
    return true;
}

enum px_status account_close(struct account *a, const struct worker_shared *shared,
                             const struct account_end *end, enum account_verdict *verdict,
                             struct px_error *err)
{
    a->queued = a->handed = 0;
    bool believed = account_accept(a, shared);
    bool finished = atomic_load(&shared->finished) == (uint32_t)end->pid && WIFEXITED(end->wait_status);
    bool killed = child_killed(&shared->record, end->wait_status) && !end->hung;
    enum px_status gave_up = get_gave_up(shared, finished && believed);
    if (finished && believed && gave_up == PX_OK && came_home(a, end, verdict))
        return PX_OK;
    *verdict = believed && (killed || gave_up != PX_OK) ? ACCOUNT_KILLED : ACCOUNT_DIED;
    if (believed && !atomic_load(&shared->ready) && (!killed || child_crashed(end->wait_status)))
        return not_ready(a, end, gave_up, shared, err);
    a->false_starts = 0;
    bool stuck = *verdict == ACCOUNT_KILLED && always_there(a, shared);
    if (gave_up != PX_OK && (stuck || gave_up != PX_ERR_NOMEM))
        return px_fail(err, gave_up, "%.300s", shared->error.text);
    if (stuck || *verdict == ACCOUNT_DIED)
        blame(a, shared, end, believed);
    a->batch = a->accepted.at != a->started_at ? WORKER_BATCH : a->batch > 1 ? a->batch / 2 : 1;
    pass_over(a);
    return PX_OK;
}
