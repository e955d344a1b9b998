/* Runs what a gate consists of. */
#ifndef PX_GATE_RUN_H
#define PX_GATE_RUN_H

#include "harness/gate/gate.h"
#include "harness/sandbox.h"

struct gate_options {
    struct sandbox sandbox; /* engines */
    uint64_t each;          /* findings looked at of each look and sixteenth of a range, from 1 */
    bool quiet;             /* no live line */
};

/*
 * Adds the ranges to @gate as cases, gate->scale per cent of each but at least a program; none at all for 0.
 * PX_ERR_INTERNAL: a generator of the table is gone.
 */
enum px_status gate_add_ranges(struct gate *gate, struct px_error *err) PX_CHECKED;

/*
 * Runs all cases of @gate, whose jobs, out and preflight are set, and keeps what they find below out. Ends early,
 * noting it, when Ctrl-C came. On failure gate->broken is set, and what was done until then stands.
 */
enum px_status gate_run(struct gate *gate, const struct gate_options *options,
                        struct px_error *err) PX_CHECKED;

#endif
