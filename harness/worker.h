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
#include "harness/finding.h"
#include "harness/sandbox.h"

enum {
    WORKER_RING = 64,      /* findings that wait for the supervisor */
    WORKER_BATCH = 32,     /* programs prepared before the first of them runs */
    WORKER_CHUNK = 4096, /* of n workers, worker k does the chunks k, k + n, k + 2n, ... of the index space */
    WORKER_BETWEEN = 2048, /* one program in so many is run again after its successor */
    WORKER_SWEEP = 1024, /* one program in so many gets every mapped page compared */
};

/* Sums over completed programs. */
struct tally {
    uint64_t programs;
    uint64_t exits[PX_EXIT_COUNT], panics[PX_PANIC_COUNT];
    uint64_t supported[RUN_ENGINES_MAX]; /* programs that the engine took */
    uint64_t native[RUN_ENGINES_MAX], side_exit[RUN_ENGINES_MAX],
        interpreted[RUN_ENGINES_MAX]; /* instructions */
};

/* What all workers share. */
struct campaign_shared {
    _Atomic bool stop;
    _Atomic uint64_t limit; /* first index not to be run: worker_config.limit, or less since */
};

/* What one worker and the supervisor share; survives the worker. */
struct worker_shared {
    _Atomic uint64_t at; /* the program to do next: all that a replacement needs to go on */
    _Atomic uint64_t current; /* index being generated, prepared or run */
    _Atomic uint64_t running; /* running number of the program under way, 0 between programs */
    _Atomic uint64_t beats; /* the heartbeat: grows with every program prepared or run */
    _Atomic uint64_t between; /* index + 1 of the program that check A, B, A is about; 0 outside it */
    uint64_t skip
        [WORKER_BATCH]; /* programs that killed a worker before their turn to run: not to be touched again */
    size_t skip_count;
    _Atomic uint64_t ring_head, ring_tail; /* written by the worker, by the supervisor */
    struct finding ring[WORKER_RING];
    struct tally tally;
    struct host_record record;
    enum px_status status; /* not PX_OK: the worker gave up, @error says why */
    struct px_error error;
};

/* What a worker is to do; the same for all of a campaign, and inherited through fork. */
struct worker_config {
    struct sandbox sandbox;
    struct px_gen gen;
    uint64_t seed;
    uint64_t limit; /* first index beyond the campaign, which may end before */
    unsigned jobs;
};

/* Where worker @job of @jobs begins, and which of its programs comes after @index. */
uint64_t worker_first(unsigned job);
uint64_t worker_next(uint64_t index, unsigned jobs);

/* Works until the indices are used up or told to stop; ends the process. */
_Noreturn void worker_main(const struct worker_config *config, struct campaign_shared *campaign,
                           struct worker_shared *shared);

#endif
