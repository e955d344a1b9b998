/* The output folder: one folder per finding, complete or absent. */
#ifndef PX_STORE_H
#define PX_STORE_H

#include <stdio.h>

#include "harness/isolate.h"
#include "harness/located.h"
#include "harness/minimize.h"

/* Makes @out and its parents and proves that files can be made in it. PX_ERR_INPUT says what stands in the way. */
enum px_status store_open(const char *out, struct px_error *err) PX_CHECKED;

/* Removes @out again if nothing was stored in it. */
void store_close(const char *out);

/*
 * Writes OUT/NAME/original.px and OUT/NAME/report.txt through a temporary folder and a rename; an older NAME is
 * replaced. PX_ERR_SYSTEM.
 */
enum px_status store_finding(const char *out, const char *name, const struct px_program *program,
                             const struct isolated *result, struct px_error *err) PX_CHECKED;

/* A finding with its bucket and, when @minimized->confirmed, the minimal program. */
struct stored {
    const struct px_program *original;
    const struct isolated *result;
    const struct minimized *minimized; /* bucket and counts; NULL: as store_finding */
    const struct px_program *minimal;
    const struct located *located; /* in the minimal program, else in the original; NULL: nothing to show */
    const char *oracle; /* arbitrate.h; NULL or "": nothing */
    const struct finding *unstable; /* what was seen once, and not in the runs of @result; or NULL */
};

/*
 * The same with OUT/NAME/minimal.px, OUT/NAME/repro.S (the minimal program, or else the original, as emit.h writes it)
 * and the bucket in the report.
 */
enum px_status store_bucket(const char *out, const char *name, const struct stored *stored,
                            struct px_error *err) PX_CHECKED;

/*
 * Keeps a finding that a fresh process did not reproduce as OUT/unstable/NAME, with original.px and report.txt.
 * PX_ERR_SYSTEM, PX_ERR_INPUT.
 */
enum px_status store_unstable(const char *out, const char *name, const struct stored *stored,
                              struct px_error *err) PX_CHECKED;

/* Adds a further program to a stored bucket, as OUT/NAME/@file. PX_ERR_SYSTEM. */
enum px_status store_further(const char *out, const char *name, const char *file,
                             const struct px_program *program, struct px_error *err) PX_CHECKED;

/* The report: origin, what diverges, how to replay it. */
enum px_status store_report(FILE *file, const struct px_program *program,
                            const struct isolated *result) PX_CHECKED;

#endif
