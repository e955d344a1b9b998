#define _GNU_SOURCE
#include "harness/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/isolate.h"

enum { STALL_SECONDS = 10 }; /* a heartbeat that stands still for so long ends the worker */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum px_status start_worker(struct jobs *jobs, struct job *job, struct px_error *err)
{
    job->shared->record = (struct host_record){ .signal = 0 };
    atomic_store(&job->shared->running, 0);
    atomic_store(&job->shared->between, 0);
    job->beat = 0;
    job->beat_since = now();
    fflush(NULL); /* nothing buffered may come out twice */
    job->pid = fork();
    if (job->pid == 0)
        worker_main(jobs->config, jobs->shared, job->shared);
    if (job->pid > 0)
        return PX_OK;
    job->pid = 0;
    return px_fail(err, PX_ERR_SYSTEM, "fork: %s", strerror(errno));
}

static enum px_status take(struct jobs *jobs, struct job *job, const struct finding *finding,
                           struct px_error *err)
{
    if (job->last_finding == finding->index + 1 && job->last_kind == finding->kind)
        return PX_OK;
    job->last_finding = finding->index + 1;
    job->last_kind = finding->kind;
    return jobs->take(jobs->arg, finding, err);
}

static enum px_status drain_ring(struct jobs *jobs, struct job *job, struct px_error *err)
{
    struct worker_shared *s = job->shared;
    uint64_t tail = atomic_load(&s->ring_tail);
    enum px_status status = PX_OK;
    while (status == PX_OK && tail != atomic_load(&s->ring_head) && !jobs->closed) {
        struct finding finding = s->ring[tail % WORKER_RING];
        atomic_store(&s->ring_tail, ++tail);
        status = take(jobs, job, &finding, err);
    }
    return status;
}

/* What a dead worker died over; false when it was between two programs, and nothing is to blame. */
static bool blame(const struct jobs *jobs, struct worker_shared *s, int wait_status, struct finding *finding)
{
    uint64_t current = atomic_load(&s->current), at = atomic_load(&s->at), between = atomic_load(&s->between);
    *finding = (struct finding){ .index = current };
    finding_from_death(finding, &s->record, wait_status);
    if (between != 0) {
        finding->kind = FINDING_LEAK;
        finding->index = between - 1;
        finding->between = worker_next(finding->index, jobs->config->jobs);
        return true;
    }
    if (current < at) /* a worker's indices ascend: this one was done */
        return false;
    /* It may have died preparing a later program of its batch: those before it have still to run. */
    if (current == at) {
        atomic_store(&s->at, worker_next(current, jobs->config->jobs));
    } else {
        s->skip[s->skip_count % WORKER_BATCH] = current;
        s->skip_count += s->skip_count < WORKER_BATCH;
    }
    return true;
}

/* A worker ended: done, gave up, or died over a program, which is then a finding and not run again. */
static enum px_status bury(struct jobs *jobs, struct job *job, int wait_status, struct px_error *err)
{
    struct worker_shared *s = job->shared;
    struct finding finding;
    job->pid = 0;
    if (s->status != PX_OK)
        return px_fail(err, s->status, "%s", s->error.text);
    enum px_status status = drain_ring(jobs, job, err);
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
        return status;
    bool blamed = blame(jobs, s, wait_status, &finding);
    if (blamed && status == PX_OK && !jobs->closed)
        status = take(jobs, job, &finding, err);
    jobs->restarts++;
    jobs->lost += !blamed;
    if (status == PX_OK && !atomic_load(&jobs->shared->stop))
        status = start_worker(jobs, job, err);
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

enum px_status jobs_poll(struct jobs *jobs, bool *alive, struct px_error *err)
{
    enum px_status status = PX_OK;
    double time = now();
    *alive = false;
    for (unsigned i = 0; i < jobs->config->jobs && status == PX_OK; i++) {
        struct job *job = &jobs->list[i];
        int wait_status;
        if (job->pid == 0)
            continue;
        if (waitpid(job->pid, &wait_status, WNOHANG) == job->pid) {
            status = bury(jobs, job, wait_status, err);
        } else {
            watch_heartbeat(job, time);
            status = drain_ring(jobs, job, err);
        }
        *alive |= job->pid != 0;
    }
    return status;
}

void jobs_stop(struct jobs *jobs)
{
    atomic_store(&jobs->shared->stop, true);
}

void jobs_limit(struct jobs *jobs, uint64_t limit)
{
    if (limit < atomic_load(&jobs->shared->limit))
        atomic_store(&jobs->shared->limit, limit);
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

struct tally jobs_tally(const struct jobs *jobs)
{
    struct tally sum = { 0 };
    for (unsigned i = 0; i < jobs->config->jobs; i++)
        add_tally(&sum, &jobs->list[i].shared->tally);
    return sum;
}

static enum px_status start_all(struct jobs *jobs, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < jobs->config->jobs && status == PX_OK; i++) {
        struct job *job = &jobs->list[i];
        job->shared = isolate_share(sizeof *job->shared);
        if (!job->shared)
            return px_fail(err, PX_ERR_NOMEM, "out of memory for job %u", i);
        atomic_store(&job->shared->at, worker_first(i));
        status = start_worker(jobs, job, err);
    }
    return status;
}

enum px_status jobs_start(struct jobs *jobs, const struct worker_config *config, jobs_take_fn *take_finding,
                          void *arg, struct px_error *err)
{
    *jobs = (struct jobs){ .config = config, .take = take_finding, .arg = arg };
    jobs->list = calloc(config->jobs, sizeof *jobs->list);
    jobs->shared = isolate_share(sizeof *jobs->shared);
    if (jobs->shared)
        atomic_store(&jobs->shared->limit, config->limit);
    enum px_status status = jobs->list && jobs->shared
                                ? start_all(jobs, err)
                                : px_fail(err, PX_ERR_NOMEM, "out of memory for %u jobs", config->jobs);
    if (status != PX_OK)
        jobs_end(jobs);
    return status;
}

void jobs_end(struct jobs *jobs)
{
    for (unsigned i = 0; jobs->list && i < jobs->config->jobs; i++) {
        struct job *job = &jobs->list[i];
        if (job->pid != 0) {
            kill(job->pid, SIGKILL);
            waitpid(job->pid, NULL, 0);
        }
        isolate_unshare(job->shared, sizeof *job->shared);
    }
    isolate_unshare(jobs->shared, sizeof *jobs->shared);
    free(jobs->list);
    *jobs = (struct jobs){ .closed = true };
}
