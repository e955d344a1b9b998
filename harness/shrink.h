/*
 * The passes of the minimizer. Each edits copies of the best program so far and asks shrink_try to keep what stays in
 * the bucket; it returns true when something was kept.
 */
#ifndef PX_SHRINK_H
#define PX_SHRINK_H

#include "generators/listing.h"
#include "harness/minimize.h"
#include "harness/seen.h"

struct shrink {
    struct probe *probe;
    size_t other;
    struct bucket bucket; /* to stay in; of the original */
    struct px_program best, candidate; /* passes edit the candidate */
    struct seen seen;
    double end; /* CLOCK_MONOTONIC, seconds */
    uint64_t candidates_max; /* 0: any number */
    bool late;  /* the time is up, or the candidates: nothing more is kept */
    enum px_status status; /* not PX_OK: nothing more is kept */
    struct px_error *err;
    uint64_t candidates, repeated;
};

/* Runs the candidate, unless it was run before; makes it the best if it falls into the bucket. */
bool shrink_try(struct shrink *s);

/* Starts the candidate as a copy of the best. False: out of memory, s->status says so. */
bool shrink_begin(struct shrink *s);

/* shrink_code.c */
bool shrink_start(struct shrink *s);     /* begin at the divergent instruction, or at its block */
bool shrink_drop(struct shrink *s);      /* ddmin over instructions */
bool shrink_operands(struct shrink *s);  /* immediates, targets, compressed forms */
bool shrink_registers(struct shrink *s); /* the lowest free ones, from x5 on */

/* shrink_state.c */
bool shrink_seeds(struct shrink *s);
bool shrink_memory(struct shrink *s);
bool shrink_gas(struct shrink *s); /* never raises it */

#endif
