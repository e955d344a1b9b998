/* What must hold before the first program of a campaign: the engines open, and the harness sees every lie. */
#ifndef PX_PREFLIGHT_H
#define PX_PREFLIGHT_H

#include "harness/sandbox.h"

struct preflight {
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64]; /* canonical */
    uint64_t every[RUN_ENGINES_MAX]; /* its turn is one program in so many */
    unsigned self_tests; /* deliberately wrong engines that were caught */
};

/*
 * Checks it in a process of its own, locked down as a worker is. PX_ERR_INPUT: what the engine list says is wrong.
 * PX_ERR_INTERNAL: a lie went unseen. PX_ERR_SYSTEM: no sandbox to be had.
 */
enum px_status preflight_run(const struct sandbox *sandbox, struct preflight *result,
                             struct px_error *err) PX_CHECKED;

#endif
