#define _GNU_SOURCE
#include "harness/worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/guided/maker.h"

_Static_assert(WORKER_BATCH + 1 <= LEDGER_PENDING, "each program may differ, and one of a batch may leak");

enum {
    HEAP_KEPT = 128 << 10, /* bytes, free, at its end */
    TRIM_BATCHES = 1 << 10, /* between two looks for free pages that others pin */
};

struct worker {
    const struct worker_config *config;
    struct worker_shared *shared;
    struct run run;
    struct hostfault hostfault;
    struct ledger_writer ledger;
    struct worker_skip skip[WORKER_SKIP_MAX]; /* our own copy */
    size_t skip_count;
    size_t batch; /* size of the next one */
    uint64_t batches; /* run so far */
    struct px_program programs[WORKER_BATCH];
    struct run_slot slots[WORKER_BATCH];
    uint64_t indices[WORKER_BATCH + 1]; /* of the batch, and what comes after it */
    uint64_t count, beats;
    bool watches; /* there is a reference run to look at */
    struct features features;
    uint8_t table[FEATURES];
    struct maker maker; /* of a guided campaign */
};

static void count_outcome(struct worker *w, const struct run_result *result)
{
    struct tally *tally = &w->ledger.next.tally;
    const struct px_outcome *first = &result->outcomes[0];
    tally->programs++;
    tally->exits[first->exit]++;
    if (first->exit == PX_EXIT_PANIC)
        tally->panics[first->arg]++;
    for (size_t i = 0; i < w->run.count; i++) {
        const struct px_outcome *out = &result->outcomes[i];
        if (!result->supported[i])
            continue;
        if (out->exit == PX_EXIT_UNJUDGED) {
            tally->unjudged[i][out->arg]++;
            continue;
        }
        tally->supported[i]++;
        tally->native[i] += out->native;
        tally->side_exit[i] += out->side_exit;
        tally->interpreted[i] += out->interpreted;
    }
}

/* Says where we are, for whoever must judge our death. */
static void begin(struct worker *w, uint64_t index)
{
    atomic_store_explicit(&w->shared->current, index + 1, memory_order_relaxed);
    atomic_store_explicit(&w->shared->beats, ++w->beats, memory_order_relaxed);
}

static enum px_status make(struct worker *w, uint64_t index, size_t slot)
{
    if (w->config->guided)
        return maker_make(&w->maker, index, slot, &w->programs[slot]);
    return px_gen_make(&w->config->gen, w->config->seed, index, &w->programs[slot]);
}

/* Generates and prepares program @index. PX_ERR_FULL: not now. */
static enum px_status prepare(struct worker *w, uint64_t index, size_t slot)
{
    begin(w, index);
    struct px_image image;
    enum px_status status = make(w, index, slot);
    if (status != PX_OK)
        return px_fail(&w->shared->error, status, "generator %s: program %llu: %s", w->config->gen.spec,
                       (unsigned long long)index, px_status_name(status));
    px_program_image(&w->programs[slot], &image);
    status = px_image_check(&image, &w->shared->error);
    if (status != PX_OK)
        return status;
    run_choose(&w->run, index);
    return run_prepare(&w->run, &image, 0, &w->slots[slot], &w->shared->error);
}

/* Compares the engines on a prepared program, under the eyes of the timer. */
static enum px_status compare(struct worker *w, uint64_t index, size_t slot, struct run_result *result)
{
    struct worker_shared *shared = w->shared;
    atomic_store_explicit(&shared->running, ++w->count, memory_order_relaxed);
    enum px_status status =
        run_compare(&w->run, &w->slots[slot], index % WORKER_SWEEP == 0, result, &shared->error);
    atomic_store_explicit(&shared->running, 0, memory_order_relaxed);
    return status;
}

/* The same while we look at what the program shows. */
static enum px_status compare_watched(struct worker *w, uint64_t index, size_t slot,
                                      struct run_result *result)
{
    struct features *f = &w->features;
    uint64_t gas = 0;
    enum px_status status = features_attach(f, &w->run, w->table, &w->shared->error);
    if (status != PX_OK)
        return status;
    features_begin(f, &w->slots[slot].image);
    status = compare(w, index, slot, result);
    features_detach(f);
    if (status != PX_OK)
        return status;
    features_end(f, &w->run, &w->slots[slot], result);
    if (result->supported[0])
        gas = w->slots[slot].image.gas - result->outcomes[0].gas;
    if (w->config->guided)
        maker_learn(&w->maker, index, slot, gas);
    for (size_t i = 0; i < f->count && !w->config->guided; i++)
        (void)coverage_show(w->config->seen, f->hits[i], index);
    return PX_OK;
}

static enum px_status run_one(struct worker *w, uint64_t index, size_t slot)
{
    struct run_result result;
    begin(w, index);
    bool watched = w->watches && (w->config->guided || coverage_looks(index));
    enum px_status status =
        watched ? compare_watched(w, index, slot, &result) : compare(w, index, slot, &result);
    if (status != PX_OK)
        return status;
    if (result.diff.fields != 0) {
        const struct finding finding = {
            .index = index, .kind = FINDING_DIFF, .other = result.other, .diff = result.diff
        };
        if (w->config->guided)
            maker_deposit(&w->maker, index, slot, &finding);
        ledger_note(&w->ledger, &finding);
    }
    count_outcome(w, &result);
    return PX_OK;
}

/* What killed an earlier worker, and is recorded. */
static bool to_skip(const struct worker *w, uint64_t index, bool between)
{
    for (size_t i = 0; i < w->skip_count; i++)
        if (w->skip[i].index == index && w->skip[i].between == between)
            return true;
    return false;
}

/* Each run of a check has the time of a program. */
static void take_turn(void *arg, size_t engine)
{
    struct worker *w = arg;
    (void)engine;
    atomic_store_explicit(&w->shared->running, ++w->count, memory_order_relaxed);
    atomic_store_explicit(&w->shared->beats, ++w->beats, memory_order_relaxed);
}

/* A, B, A: what ran between two runs of a program must not show. */
static enum px_status check_between(struct worker *w, size_t slot)
{
    const struct run_watch watch = { .turn = take_turn, .arg = w };
    bool leaks;
    struct finding finding = { .index = w->indices[slot],
                               .kind = FINDING_LEAK,
                               .between = w->indices[slot + 1] };
    if (to_skip(w, finding.index, true))
        return PX_OK;
    atomic_store(&w->shared->between, finding.index + 1);
    enum px_status status = run_between(&w->run, &w->slots[slot], &w->slots[slot + 1], &watch, &leaks,
                                        &finding.other, &w->shared->error);
    atomic_store_explicit(&w->shared->running, 0, memory_order_relaxed);
    atomic_store(&w->shared->between, 0);
    if (status != PX_OK || !leaks)
        return status;
    if (w->config->guided) {
        maker_deposit(&w->maker, finding.index, slot, NULL);
        maker_deposit(&w->maker, finding.between, slot + 1, &finding);
    }
    ledger_note(&w->ledger, &finding);
    return PX_OK;
}

uint64_t worker_first(unsigned job)
{
    return (uint64_t)job * WORKER_CHUNK;
}

uint64_t worker_next(uint64_t index, unsigned jobs)
{
    index++;
    return index % WORKER_CHUNK ? index : index + (uint64_t)(jobs - 1) * WORKER_CHUNK;
}

uint64_t worker_before(uint64_t index, unsigned jobs)
{
    return index / WORKER_CHUNK / jobs * WORKER_CHUNK + index % WORKER_CHUNK;
}

bool worker_owns(uint64_t index, unsigned job, unsigned jobs)
{
    return index / WORKER_CHUNK % jobs == job;
}

/* The first program from @index on that is not to be left out. */
static uint64_t pass_over(const struct worker *w, uint64_t index)
{
    while (to_skip(w, index, false))
        index = worker_next(index, w->config->jobs);
    return index;
}

/* Programs whose check A, B, A is due begin a batch, and have their successor in it. */
static bool more_fits(const struct worker *w, size_t ready)
{
    uint64_t index = w->indices[ready];
    if (index >= atomic_load(&w->shared->orders.limit))
        return false;
    if (ready > 0 && index % WORKER_BETWEEN == 0)
        return false;
    return ready < w->batch || (ready == 1 && w->indices[0] % WORKER_BETWEEN == 0);
}

/* Prepares as many programs as fit, *ready of them, at least one. */
static enum px_status prepare_batch(struct worker *w, size_t *ready)
{
    enum px_status status = PX_OK;
    *ready = 0;
    w->indices[0] = pass_over(w, w->ledger.next.at);
    while (more_fits(w, *ready) && status == PX_OK) {
        status = prepare(w, w->indices[*ready], *ready);
        if (status != PX_OK)
            break;
        w->indices[*ready + 1] = pass_over(w, worker_next(w->indices[*ready], w->config->jobs));
        ++*ready;
    }
    return status == PX_ERR_FULL && *ready > 0 ? PX_OK : status; /* the rest comes with the next batch */
}

/* Programs take turns, and each would keep room for the largest that it ever was. */
static void forget_if_large(struct px_program *program)
{
    if (program->code_capacity > PX_PROGRAM_KEPT || program->content_capacity > PX_PROGRAM_KEPT)
        px_program_fini(program);
}

/* What a few large programs took goes back: a process that lives long is to stay as large as it is. */
static void forget_batch(struct worker *w, size_t ready)
{
    for (size_t i = 0; i < ready; i++) {
        run_release(&w->run, &w->slots[i]);
        forget_if_large(&w->programs[i]);
    }
    if (++w->batches % TRIM_BATCHES == 0)
        (void)malloc_trim(HEAP_KEPT);
}

/*
 * Whether the batch ends after its program @at. Programs that depend on a corpus cannot be made again: once something is
 * found it is accounted for, whatever the rest of the batch would bring.
 */
static bool ends_early(const struct worker *w, size_t at)
{
    return w->config->guided && w->ledger.pending_count > 0 && w->indices[at] % WORKER_BETWEEN != 0;
}

/* Runs a batch, and accounts for all of it that was run or for nothing. */
static enum px_status run_batch(struct worker *w)
{
    size_t ready, done = 0;
    enum px_status status = prepare_batch(w, &ready);
    while (done < ready && status == PX_OK && (done == 0 || !ends_early(w, done - 1))) {
        size_t i = done++;
        status = run_one(w, w->indices[i], i);
        if (status == PX_OK && i > 0 && w->indices[i - 1] % WORKER_BETWEEN == 0)
            status = check_between(w, i - 1);
    }
    atomic_store(&w->shared->current, 0);
    forget_batch(w, ready);
    if (status == PX_OK)
        ledger_commit(&w->ledger, w->indices[done]);
    w->batch = w->batch * 2 < WORKER_BATCH ? w->batch * 2 : WORKER_BATCH;
    return status;
}

static void take_orders(struct worker *w)
{
    const struct worker_orders *orders = &w->shared->orders;
    w->batch = orders->batch;
    w->skip_count = orders->skip_count;
    for (size_t i = 0; i < w->skip_count; i++)
        w->skip[i] = orders->skip[i];
}

/* Whether there is a reference run to look at, and somebody who wants to know. */
static bool may_watch(struct worker *w)
{
    if (!w->config->seen || features_attach(&w->features, &w->run, w->table, NULL) != PX_OK)
        return false;
    features_detach(&w->features);
    return true;
}

static enum px_status work(struct worker *w, unsigned job)
{
    w->hostfault = (struct hostfault){ .record = &w->shared->record, .running = &w->shared->running };
    take_orders(w);
    ledger_writer_init(&w->ledger, &w->shared->ledger);
    for (size_t i = 0; i < WORKER_BATCH; i++)
        px_program_init(&w->programs[i]);
    enum px_status status = sandbox_enter(&w->config->sandbox, &w->run, &w->hostfault, &w->shared->error);
    w->watches = status == PX_OK && may_watch(w);
    if (status == PX_OK && w->config->guided)
        status = maker_init(&w->maker, w->config, job, &w->features, &w->shared->error);
    atomic_store(&w->shared->ready, status == PX_OK);
    while (status == PX_OK && !atomic_load(&w->shared->orders.stop) &&
           w->ledger.next.at < atomic_load(&w->shared->orders.limit))
        status = run_batch(w);
    sandbox_end_if_lost(status, &w->shared->record);
    return status;
}

_Noreturn void worker_main(const struct worker_config *config, unsigned job, struct worker_shared *shared)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w) {
        w->config = config;
        w->shared = shared;
        shared->status = work(w, job);
    } else {
        shared->status = px_fail(&shared->error, PX_ERR_NOMEM, "out of memory for a worker");
    }
    atomic_store(&shared->finished, (uint32_t)getpid());
    _exit(0);
}
