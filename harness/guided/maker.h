/*
 * A guided campaign, as a worker sees it: makes the next program (an import from disk, a mutant or a cross of programs of
 * the corpus, a fresh one), looks at what its run shows, and hands over what is new.
 *
 * Energy: of a few entries drawn at random the one comes next whose rarest claim fewest programs have shown, held against
 * what its run costs. Every fourth time it is drawn among the newest, and every eighth it is the largest so far of some kind of
 * size: what is out of reach of one mutation is reached step by step.
 */
#ifndef PX_MAKER_H
#define PX_MAKER_H

#include "generators/mutate.h"
#include "harness/features.h"
#include "harness/guided/guided.h"

struct maker {
    const struct guided *guided;
    const struct worker_config *config;
    unsigned job;
    struct guided_box *box;
    struct features *features; /* of the program that ran */
    struct mutator mutator;
    struct px_program other;
    struct prng prng;
    uint32_t shown[FEATURES]; /* how many programs of this worker showed each feature */
    uint32_t known; /* entries of the corpus that were looked at for ... */
    struct {
        uint32_t entry; /* ... the largest of each size, + 1; 0: none */
        unsigned step;
    } largest[FEATURES_SIZES];
};

/* In the worker's own process, for good. Borrows all of it. PX_ERR_SYSTEM. */
enum px_status maker_init(struct maker *maker, const struct worker_config *config, unsigned job,
                          struct features *features, struct px_error *err) PX_CHECKED;

/*
 * Makes program @index, which is number @slot of the batch, and keeps a copy for whoever finds us dead. Depends on seed and
 * index, and on the corpus. PX_ERR_NOMEM.
 */
enum px_status maker_make(struct maker *maker, uint64_t index, size_t slot,
                          struct px_program *program) PX_CHECKED;

/* Learns from the run of program @index, which took @gas and whose features are at hand; what is new is on disk when this returns. */
void maker_learn(struct maker *maker, uint64_t index, size_t slot, uint64_t gas);

/*
 * Hands over program @index, which @finding is about: whatever becomes of us now, it is not lost. NULL: the finding comes with
 * another program.
 */
void maker_deposit(struct maker *maker, uint64_t index, size_t slot, const struct finding *finding);

#endif
