#define _GNU_SOURCE
#include "harness/worker.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

struct worker {
    const struct worker_config *config;
    struct campaign_shared *campaign;
    struct worker_shared *shared;
    struct run run;
    struct hostfault hostfault;
    struct px_program programs[WORKER_BATCH];
    struct run_slot slots[WORKER_BATCH];
    uint64_t count, beats;
};

/* A full ring makes the worker wait: nothing is dropped. */
static void publish(struct worker_shared *shared, const struct finding *finding)
{
    uint64_t head = atomic_load(&shared->ring_head);
    while (head - atomic_load(&shared->ring_tail) == WORKER_RING)
        sched_yield();
    shared->ring[head % WORKER_RING] = *finding;
    atomic_store(&shared->ring_head, head + 1);
}

static void count_outcome(struct worker *w, const struct run_result *result)
{
    struct tally *tally = &w->shared->tally;
    const struct px_outcome *first = &result->outcomes[0];
    tally->programs++;
    tally->exits[first->exit]++;
    if (first->exit == PX_EXIT_PANIC)
        tally->panics[first->arg]++;
    for (size_t i = 0; i < w->run.count; i++) {
        if (!result->supported[i])
            continue;
        tally->supported[i]++;
        tally->native[i] += result->outcomes[i].native;
        tally->side_exit[i] += result->outcomes[i].side_exit;
        tally->interpreted[i] += result->outcomes[i].interpreted;
    }
}

/* Generates and prepares program @index. PX_ERR_FULL: not now. */
static enum px_status prepare(struct worker *w, uint64_t index, size_t slot)
{
    atomic_store_explicit(&w->shared->current, index, memory_order_relaxed);
    atomic_store_explicit(&w->shared->beats, ++w->beats, memory_order_relaxed);
    struct px_image image;
    enum px_status status = px_gen_make(&w->config->gen, w->config->seed, index, &w->programs[slot]);
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

static enum px_status run_one(struct worker *w, uint64_t index, size_t slot)
{
    struct worker_shared *shared = w->shared;
    struct run_result result;
    atomic_store_explicit(&shared->current, index, memory_order_relaxed);
    atomic_store_explicit(&shared->beats, ++w->beats, memory_order_relaxed);
    atomic_store_explicit(&shared->running, ++w->count, memory_order_relaxed);
    enum px_status status =
        run_compare(&w->run, &w->slots[slot], index % WORKER_SWEEP == 0, &result, &shared->error);
    atomic_store_explicit(&shared->running, 0, memory_order_relaxed);
    if (status != PX_OK)
        return status;
    if (result.diff.fields != 0) {
        struct finding finding = {
            .index = index, .kind = FINDING_DIFF, .other = result.other, .diff = result.diff
        };
        publish(shared, &finding);
    }
    count_outcome(w, &result);
    return PX_OK;
}

/* A, B, A: what ran between two runs of a program must not show. */
static enum px_status check_between(struct worker *w, const uint64_t *indices, size_t slot)
{
    bool leaks;
    struct finding finding = { .index = indices[slot], .kind = FINDING_LEAK, .between = indices[slot + 1] };
    atomic_store(&w->shared->between, finding.index + 1);
    atomic_store_explicit(&w->shared->running, ++w->count, memory_order_relaxed);
    enum px_status status =
        run_between(&w->run, &w->slots[slot], &w->slots[slot + 1], &leaks, &finding.other, &w->shared->error);
    atomic_store_explicit(&w->shared->running, 0, memory_order_relaxed);
    atomic_store(&w->shared->between, 0);
    if (status == PX_OK && leaks)
        publish(w->shared, &finding);
    return status;
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

/* It killed an earlier worker while it was prepared, and is recorded. */
static bool to_skip(const struct worker_shared *shared, uint64_t index)
{
    for (size_t i = 0; i < shared->skip_count; i++)
        if (shared->skip[i] == index)
            return true;
    return false;
}

/* Prepares as many programs as fit, at least one, then runs them. */
static enum px_status run_batch(struct worker *w)
{
    uint64_t indices[WORKER_BATCH + 1];
    size_t ready = 0;
    enum px_status status = PX_OK;
    indices[0] = atomic_load(&w->shared->at);
    while (ready < WORKER_BATCH && indices[ready] < atomic_load(&w->campaign->limit)) {
        /* First in its batch, so that its successor is there too, whatever ended the batch before. */
        if (ready > 0 && indices[ready] % WORKER_BETWEEN == 0)
            break;
        if (to_skip(w->shared, indices[ready])) {
            indices[ready] = worker_next(indices[ready], w->config->jobs);
            if (ready == 0)
                atomic_store(&w->shared->at, indices[0]);
            continue;
        }
        status = prepare(w, indices[ready], ready);
        if (status != PX_OK)
            break;
        indices[ready + 1] = worker_next(indices[ready], w->config->jobs);
        ready++;
    }
    if (status == PX_ERR_FULL && ready > 0)
        status = PX_OK; /* the rest comes with the next batch */
    for (size_t i = 0; i < ready && status == PX_OK; i++) {
        status = run_one(w, indices[i], i);
        if (status == PX_OK)
            atomic_store_explicit(&w->shared->at, indices[i + 1], memory_order_release);
        if (status == PX_OK && i > 0 && indices[i - 1] % WORKER_BETWEEN == 0)
            status = check_between(w, indices, i - 1);
    }
    for (size_t i = 0; i < ready; i++)
        run_release(&w->run, &w->slots[i]);
    return status;
}

static enum px_status work(struct worker *w)
{
    w->hostfault = (struct hostfault){ .record = &w->shared->record, .running = &w->shared->running };
    enum px_status status = sandbox_enter(&w->config->sandbox, &w->run, &w->hostfault, &w->shared->error);
    for (size_t i = 0; i < WORKER_BATCH; i++)
        px_program_init(&w->programs[i]);
    while (status == PX_OK && !atomic_load(&w->campaign->stop) &&
           atomic_load(&w->shared->at) < atomic_load(&w->campaign->limit))
        status = run_batch(w);
    return status;
}

_Noreturn void worker_main(const struct worker_config *config, struct campaign_shared *campaign,
                           struct worker_shared *shared)
{
    /* Ctrl-C is the supervisor's; a worker whose supervisor died has nobody to work for. */
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        shared->status = px_fail(&shared->error, PX_ERR_NOMEM, "out of memory for a worker");
        _exit(1);
    }
    w->config = config;
    w->campaign = campaign;
    w->shared = shared;
    shared->status = work(w);
    _exit(shared->status == PX_OK ? 0 : 1);
}
