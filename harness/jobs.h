/*
 * The workers of a campaign as its supervisor sees them: started, watched, replaced when they die, their findings taken
 * over one by one.
 */
#ifndef PX_JOBS_H
#define PX_JOBS_H

#include <sys/types.h>

#include "harness/worker.h"

/* Takes over a finding of a worker. A status other than PX_OK ends the polling that called it. */
typedef enum px_status jobs_take_fn(void *arg, const struct finding *finding, struct px_error *err);

struct job {
    pid_t pid; /* 0: no worker */
    struct worker_shared *shared;
    uint64_t beat;         /* last heartbeat seen ... */
    double beat_since;     /* ... and since when */
    uint64_t
        last_finding; /* index + 1 of the last finding taken, and its kind: one published twice counts once */
    enum finding_kind last_kind;
};

struct jobs {
    const struct worker_config *config;
    struct campaign_shared *shared;
    struct job *list; /* config->jobs of them */
    jobs_take_fn *take;
    void *arg;
    bool closed; /* nothing is taken any more; @take may set it */
    uint64_t restarts; /* workers replaced so far ... */
    uint64_t lost; /* ... that had died between programs, so that none is to blame */
};

/* Starts config->jobs workers. Borrows @config. On failure nothing runs. */
enum px_status jobs_start(struct jobs *jobs, const struct worker_config *config, jobs_take_fn *take,
                          void *arg, struct px_error *err) PX_CHECKED;

/*
 * One look at every worker: hands over what they found, replaces the dead. *alive: some still work. Fails with what
 * a worker gave up over, or with what @take said.
 */
enum px_status jobs_poll(struct jobs *jobs, bool *alive, struct px_error *err) PX_CHECKED;

/* Asks every worker to end; none is replaced from now on. */
void jobs_stop(struct jobs *jobs);

/* Lets no program from index @limit on begin; those that have begun end. Never raises the limit. */
void jobs_limit(struct jobs *jobs, uint64_t limit);

/* The sum over all programs completed so far. */
struct tally jobs_tally(const struct jobs *jobs);

/* Kills what still runs and frees everything. */
void jobs_end(struct jobs *jobs);

#endif
