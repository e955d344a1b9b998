/*
 * The smallest program that falls into the same bucket. Works on decoded instructions; every candidate runs in a
 * process that it may kill, and the result is confirmed in a fresh one at the full deadline.
 *
 *     start at the divergent instruction or block -> drop instructions (ddmin) -> simplify operands,
 *     immediates, registers, seeds, memory -> gas, until nothing changes or the time is up
 */
#ifndef PX_MINIMIZE_H
#define PX_MINIMIZE_H

#include "harness/probe.h"

struct minimize_options {
    struct probe_config probe; /* `patient` is set as needed */
    size_t other;              /* the engine that diverges from the first; 0: the first that does */
    double seconds;            /* time for it, confirmation not counted */
    uint64_t candidates;       /* programs that it may try; 0: any number */
};

struct minimized {
    bool diverges;         /* false: the program does not diverge, nothing else is set */
    struct bucket bucket;  /* of the original */
    bool confirmed;        /* the result was confirmed; if not, it is the original */
    bool complete;         /* nothing was left to try when the time was up */
    size_t before, after;  /* instructions, a final `ecalli 0` not counted */
    uint64_t candidates;   /* programs run */
    uint64_t repeated;     /* candidates that had been run before, and were not again */
    uint64_t processes;    /* that they ran in */
    double seconds;
};

/*
 * Makes @small the minimal program for @program. PX_ERR_INPUT: the engine list. PX_ERR_SYSTEM: also when interrupted.
 * On failure @small is unchanged.
 */
enum px_status minimize(const struct minimize_options *options, const struct px_program *program,
                        struct px_program *small, struct minimized *result, struct px_error *err) PX_CHECKED;

#endif
