/*
 * One worker of a campaign: a forked process that generates, runs and compares programs of a range and
 * talks to the supervisor through shared memory only.
 */
#ifndef PX_WORKER_H
#define PX_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "generators/generator.h"
#include "harness/guided/coverage.h"
#include "harness/ledger.h"
#include "harness/sandbox.h"

enum {
    WORKER_BATCH = 32,     /* programs prepared before the first of them runs, and accounted for at once */
    WORKER_CHUNK = 4096, /* of n workers, worker k does the chunks k, k + n, k + 2n, ... of the index space */
    WORKER_BETWEEN = 2048, /* one program in so many is run again after its successor */
    WORKER_SWEEP = 1024, /* one program in so many gets every mapped page compared */
    WORKER_SKIP_MAX = 64,
};

/* What killed a worker, is recorded, and is not to be done again. */
struct worker_skip {
    uint64_t index;
    bool between; /* check A, B, A of this program; else the program */
};

/* What the supervisor wants; while the worker lives it changes the first two. */
struct worker_orders {
    _Atomic uint32_t stop;
    _Atomic uint64_t limit; /* first index not to be run: worker_config.limit, or less since */
    unsigned batch; /* size of the first batch, 1..WORKER_BATCH; later ones grow */
    struct worker_skip skip[WORKER_SKIP_MAX];
    size_t skip_count;
};

/*
 * What one worker and the supervisor share; survives the worker. Code under test may scribble over all of it, so the
 * supervisor believes nothing that it has not checked, and keeps what it has accepted elsewhere.
 */
struct worker_shared {
    struct worker_orders orders;
    _Atomic uint32_t ready; /* it opened its engines and works */
    _Atomic uint64_t current; /* index + 1 of the program being generated, prepared or run; 0: none */
    _Atomic uint64_t between; /* index + 1 of the program that check A, B, A is about; 0 outside it */
    _Atomic uint64_t running; /* running number of the program under way, 0 between programs */
    _Atomic uint64_t beats; /* the heartbeat: grows with every program prepared or run */
    struct host_record record;
    /* Its process id, when it ends by itself: the range is done, it was told to stop, or it gives up. */
    _Atomic uint32_t finished;
    enum px_status status; /* not PX_OK: it gives up, @error says why */
    struct px_error error;
    struct ledger ledger;
};

/* What a worker is to do; the same for all of a campaign, and inherited through fork. */
struct worker_config {
    struct sandbox sandbox;
    struct px_gen gen;
    uint64_t seed;
    uint64_t limit; /* first index beyond the campaign, which may end before */
    unsigned jobs;
    coverage_mark *seen; /* what programs have shown; NULL: nobody looks */
    struct guided *guided; /* NULL: programs are the generator's alone, and some of them are looked at */
};

/*
 * Where worker @job of @jobs begins, which of its programs comes after @index, and how many of them come before @index,
 * which is one of its own.
 */
uint64_t worker_first(unsigned job);
uint64_t worker_next(uint64_t index, unsigned jobs);
uint64_t worker_before(uint64_t index, unsigned jobs);

/* Whether program @index is one that worker @job of @jobs does. */
bool worker_owns(uint64_t index, unsigned job, unsigned jobs);

/* Works as worker @job until the indices are used up or told to stop; ends the process, which child_fork made. */
_Noreturn void worker_main(const struct worker_config *config, unsigned job, struct worker_shared *shared);

#endif
