/*
 * The workers of a campaign as its supervisor sees them: started, watched, replaced when they die, their findings handed
 * over one by one. What counts as done, and what a death means, is for account.h to say.
 */
#ifndef PX_JOBS_H
#define PX_JOBS_H

#include <sys/types.h>

#include "harness/account.h"
#include "harness/child.h"

/* Takes over a finding. PX_ERR_FULL: not now, offer it again later. Any other status ends the polling that called it. */
typedef enum px_status jobs_take_fn(void *arg, const struct finding *finding, struct px_error *err);

struct job {
    pid_t pid; /* 0: no worker */
    bool due; /* one is to be started, at this time or later */
    double due_at; /* child_clock */
    double pause; /* before the next try, seconds */
    bool refused; /* the machine had no room for a process: a worker, or one that a finding takes */
    struct worker_shared *shared;
    struct child_watch watch;
    pid_t dead; /* the worker that ended, as @wait_status says, and whose account is still open; 0: none */
    int wait_status;
    bool condemned; /* we killed it for making no progress, or for what it wrote */
    struct account account;
};

struct jobs {
    const struct worker_config *config;
    struct job *list; /* config->jobs of them */
    jobs_take_fn *take;
    void *arg;
    bool stopping;
    bool closed; /* nothing is taken any more; @take may set it */
    uint64_t restarts; /* workers replaced so far ... */
    uint64_t lost; /* ... that had been killed from outside, so that no program is to blame */
    bool waiting; /* for room on the machine for one more process: @error says what it lacks */
    struct px_error error;
};

/* Gets config->jobs workers under way. Borrows @config. On failure nothing runs. */
enum px_status jobs_start(struct jobs *jobs, const struct worker_config *config, jobs_take_fn *take,
                          void *arg, struct px_error *err) PX_CHECKED;

/*
 * One look at every worker: hands over what they found, replaces the dead. *alive: some still work, or are to be started,
 * or have found what is not taken yet. Fails with what a worker gave up over, or with what @take said.
 */
enum px_status jobs_poll(struct jobs *jobs, bool *alive, struct px_error *err) PX_CHECKED;

/* Asks every worker to end; none is replaced from now on. */
void jobs_stop(struct jobs *jobs);

/* Lets no program from index @limit on begin; those that have begun end. Never raises the limit. */
void jobs_limit(struct jobs *jobs, uint64_t limit);

/* The sum over all programs accounted for so far. */
struct tally jobs_tally(const struct jobs *jobs);

/* What the largest worker has resident, in bytes; 0: there is none. */
uint64_t jobs_resident(const struct jobs *jobs);

/* Findings that the machine had no room for a process to take. */
uint64_t jobs_untaken(const struct jobs *jobs);

/* Kills what still runs and frees everything. */
void jobs_end(struct jobs *jobs);

#endif
