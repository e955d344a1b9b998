#define _GNU_SOURCE
#include "harness/jobs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/guided/guided.h"
#include "harness/resident.h"

#define PAUSE_FIRST 0.01 /* seconds until a refused or failed start is tried again; doubles up to ... */
#define PAUSE_MAX 0.5

/* --- starting --- */

static void start_later(struct job *job)
{
    job->due = true;
    job->due_at = child_clock() + job->pause;
    job->pause = job->pause > 0 ? job->pause * 2 : PAUSE_FIRST;
    if (job->pause > PAUSE_MAX)
        job->pause = PAUSE_MAX;
}

/* What a worker shares with us, its successors may see and no other process of the sandbox. */
static void lend(const struct jobs *jobs, const struct job *job, bool lent)
{
    child_lend(job->shared, sizeof *job->shared, lent);
    if (jobs->config->seen)
        child_lend(jobs->config->seen, FEATURES * sizeof *jobs->config->seen, lent);
    if (jobs->config->guided)
        guided_lend(jobs->config->guided, job->account.job, lent);
}

static enum px_status start_worker(struct jobs *jobs, struct job *job, struct px_error *err)
{
    struct px_error *said = &jobs->error;
    account_order(&job->account, job->shared);
    lend(jobs, job, true);
    enum px_status status = child_fork(&job->pid, said);
    if (status == PX_OK && job->pid == 0)
        worker_main(jobs->config, job->account.job, job->shared);
    lend(jobs, job, false);
    job->refused = status == PX_ERR_FULL;
    if (status == PX_ERR_FULL) {
        start_later(job);
        return PX_OK;
    }
    if (status != PX_OK)
        return px_fail(err, status, "%s", said->text);
    job->due = job->condemned = false;
    child_watch_start(&job->watch, job->pid);
    return PX_OK;
}

/* --- findings --- */

static bool is_handed_on(const struct job *job)
{
    return job->account.handed == job->account.queued;
}

static enum px_status hand_on(struct jobs *jobs, struct job *job, struct px_error *err)
{
    struct account *a = &job->account;
    while (!is_handed_on(job) && !jobs->closed) {
        enum px_status status = jobs->take(jobs->arg, &a->queue[a->handed], err);
        job->refused = status == PX_ERR_FULL;
        if (job->refused && err)
            jobs->error = *err;
        if (status != PX_OK)
            return job->refused ? PX_OK : status;
        a->handed++;
    }
    return PX_OK;
}

/* --- the living and the dead --- */

/* What it had handed over and did not live to account for; its programs depend on what it had seen, and would not come again. */
static void rescue(struct guided *guided, struct account *account)
{
    struct finding finding;
    while (guided_rescue(guided, account->job, account->accepted.at, &finding))
        account_rescue(account, &finding);
}

/* Closes the account of a dead worker, and has another one started. */
static enum px_status bury(struct jobs *jobs, struct job *job, struct px_error *err)
{
    const struct account_end end = {
        .pid = job->dead, .wait_status = job->wait_status, .hung = job->condemned, .stopping = jobs->stopping
    };
    enum account_verdict verdict;
    enum px_status status = PX_OK;
    job->dead = 0;
    if (atomic_load(&job->shared->ready))
        job->pause = 0;
    if (jobs->config->guided)
        status = guided_bury(jobs->config->guided, job->account.job, err);
    if (status != PX_OK)
        return status;
    status = account_close(&job->account, job->shared, &end, &verdict, err);
    if (status != PX_OK || verdict == ACCOUNT_DONE)
        return status;
    if (jobs->config->guided)
        rescue(jobs->config->guided, &job->account);
    jobs->restarts += verdict != ACCOUNT_PAUSED;
    jobs->lost += verdict == ACCOUNT_KILLED;
    if (!jobs->stopping)
        start_later(job);
    return PX_OK;
}

/* Takes over what it did since we looked last, and looks whether it is well. */
static void look_after(struct jobs *jobs, struct job *job)
{
    atomic_store(&job->shared->ledger.taken, job->account.accepted.findings);
    bool believed = account_accept(&job->account, job->shared);
    enum child_health health = child_watch_look(&job->watch, atomic_load(&job->shared->beats),
                                                sandbox_stall_seconds(&jobs->config->sandbox));
    if (believed && health == CHILD_WELL)
        return;
    job->condemned = health != CHILD_STOPPED;
    kill(job->pid, SIGKILL);
}

static void reap(struct job *job)
{
    if (job->pid == 0 || waitpid(job->pid, &job->wait_status, WNOHANG) != job->pid)
        return;
    job->dead = job->pid;
    job->pid = 0;
}

static enum px_status poll_job(struct jobs *jobs, struct job *job, struct px_error *err)
{
    enum px_status status = hand_on(jobs, job, err);
    reap(job);
    if (job->refused && job->pid != 0 && !is_handed_on(job))
        kill(job->pid,
             SIGKILL); /* it makes room for the process that its finding takes, and begins again later */
    if (status != PX_OK || !is_handed_on(job))
        return status;
    if (job->dead != 0)
        status = bury(jobs, job, err);
    else if (job->pid != 0)
        look_after(jobs, job);
    if (status == PX_OK && job->due && !jobs->stopping && child_clock() >= job->due_at)
        status = start_worker(jobs, job, err);
    return status == PX_OK ? hand_on(jobs, job, err) : status;
}

enum px_status jobs_poll(struct jobs *jobs, bool *alive, struct px_error *err)
{
    enum px_status status = jobs->config->guided ? guided_poll(jobs->config->guided, err) : PX_OK;
    *alive = jobs->waiting = false;
    for (unsigned i = 0; i < jobs->config->jobs && status == PX_OK; i++) {
        struct job *job = &jobs->list[i];
        status = poll_job(jobs, job, err);
        *alive |= job->pid != 0 || job->dead != 0 || (job->due && !jobs->stopping) || !is_handed_on(job);
        jobs->waiting |= job->refused;
    }
    return status;
}

void jobs_stop(struct jobs *jobs)
{
    jobs->stopping = true;
    for (unsigned i = 0; i < jobs->config->jobs; i++)
        atomic_store(&jobs->list[i].shared->orders.stop, true);
}

void jobs_limit(struct jobs *jobs, uint64_t limit)
{
    for (unsigned i = 0; i < jobs->config->jobs; i++) {
        struct job *job = &jobs->list[i];
        if (limit >= job->account.limit)
            continue;
        job->account.limit = limit;
        atomic_store(&job->shared->orders.limit, limit);
    }
}

struct tally jobs_tally(const struct jobs *jobs)
{
    struct tally sum = { 0 };
    for (unsigned i = 0; i < jobs->config->jobs; i++)
        tally_add(&sum, &jobs->list[i].account.accepted.tally);
    return sum;
}

uint64_t jobs_resident(const struct jobs *jobs)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < jobs->config->jobs; i++) {
        uint64_t bytes = jobs->list[i].pid != 0 ? resident_bytes(jobs->list[i].pid) : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

uint64_t jobs_untaken(const struct jobs *jobs)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < jobs->config->jobs; i++)
        count += jobs->list[i].account.queued - jobs->list[i].account.handed;
    return count;
}

enum px_status jobs_start(struct jobs *jobs, const struct worker_config *config, jobs_take_fn *take,
                          void *arg, struct px_error *err)
{
    *jobs = (struct jobs){ .config = config, .take = take, .arg = arg };
    jobs->list = calloc(config->jobs, sizeof *jobs->list);
    enum px_status status =
        jobs->list ? PX_OK : px_fail(err, PX_ERR_NOMEM, "out of memory for %u jobs", config->jobs);
    for (unsigned i = 0; i < config->jobs && jobs->list && status == PX_OK; i++) {
        struct job *job = &jobs->list[i];
        account_init(&job->account, config, i);
        job->shared = child_share(sizeof *job->shared);
        status = job->shared ? start_worker(jobs, job, err)
                             : px_fail(err, PX_ERR_NOMEM, "out of memory for job %u", i);
    }
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
        child_unshare(job->shared, sizeof *job->shared);
    }
    free(jobs->list);
    *jobs = (struct jobs){ .closed = true };
}
