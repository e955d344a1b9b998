/*
 * The supervisor's account of one worker, and of those that replace it: which programs are done, what was found in
 * them, what a dead worker died over. Every program of the worker's range enters it exactly once, in the sums or as
 * a finding, whoever dies when and of what:
 *
 *   - A worker dies of what it runs (a fault, a hang, an end without a word): the program in flight becomes a
 *     finding and is not run again. When it is not clear which program it was, the replacement works in smaller
 *     batches, in the end in batches of one.
 *   - A worker is killed from outside (somebody's signal, the OOM killer, stopped for too long): no program is to blame,
 *     and what it had not accounted for is run again. Only a program that is in flight each time, CHILD_KILLS_MAX times
 *     in a row, becomes a finding.
 *   - What was found in a program that cannot be made again stays a finding, whatever its worker died of before it was
 *     accounted for.
 *   - What stands in memory that a worker can write is checked before it is believed. What cannot be true is thrown
 *     away, and replacements do short stretches from what was accepted last, in the end of one program.
 *
 * No process is started or ended here.
 */
#ifndef PX_ACCOUNT_H
#define PX_ACCOUNT_H

#include <sys/types.h>

#include "harness/worker.h"

struct account {
    const struct worker_config *config;
    unsigned job;                   /* which worker of config->jobs */
    uint64_t limit; /* config->limit, or less since */
    struct ledger_record accepted;  /* true for good */
    struct finding queue[LEDGER_RING + 1 + WORKER_SKIP_MAX]; /* found, and to be handed on */
    size_t queued, handed;                 /* so many are in it, so many of them are handed on */

    uint64_t started_at; /* accepted.at when the worker started ... */
    unsigned batch;      /* ... with a batch of so many programs */
    uint64_t stretch;    /* programs that a worker does before it ends; UINT64_MAX: all */
    unsigned homecomings; /* workers in a row that did their stretch */
    struct worker_skip skip[WORKER_SKIP_MAX]; /* not to be run again, from accepted.at on */
    size_t skip_count;
    uint64_t skipped;   /* programs left out so far, those in @skip included */
    uint64_t
        in_flight; /* index + 1 of the program in which the last worker was killed, and how often in a row */
    unsigned kills;
    unsigned false_starts; /* workers in a row that ended before they were ready */
};

/* How a worker ended. */
struct account_end {
    pid_t pid;
    int wait_status; /* waitpid's */
    bool hung; /* its supervisor killed it for that */
    bool stopping; /* it had been told to stop */
};

enum account_verdict {
    ACCOUNT_DONE, /* nothing is left to do, or it was told to stop and did */
    ACCOUNT_PAUSED, /* its stretch is done, and another worker is to go on */
    ACCOUNT_DIED, /* over what it ran: a replacement is to go on */
    ACCOUNT_KILLED, /* from outside: likewise */
};

/* The account of worker @job before its first program. Borrows @config. */
void account_init(struct account *account, const struct worker_config *config, unsigned job);

/* Writes @shared for a worker that is to go on from here. */
void account_order(struct account *account, struct worker_shared *shared);

/*
 * Accepts what the worker has accounted for by now; its findings go into the queue, which must have been handed on. False:
 * what stands there cannot be true; nothing has changed.
 */
bool account_accept(struct account *account, const struct worker_shared *shared) PX_CHECKED;

/*
 * The worker ended: accepts the last of what it did, and finds what it died over, which goes into the queue. The queue
 * must have been handed on. On failure the worker gave up, or no replacement would fare better: @err says why.
 */
enum px_status account_close(struct account *account, const struct worker_shared *shared,
                             const struct account_end *end, enum account_verdict *verdict,
                             struct px_error *err) PX_CHECKED;

/*
 * After account_close: @finding is of a program that its worker did not live to account for, and that nobody can make
 * again. It goes into the queue, unless it cannot be true, and its programs are left out from now on.
 */
void account_rescue(struct account *account, const struct finding *finding);

#endif
