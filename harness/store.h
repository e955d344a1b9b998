/* The output folder: one folder per finding, complete or absent. */
#ifndef PX_STORE_H
#define PX_STORE_H

#include <stdio.h>

#include "harness/isolate.h"

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

/* The report: origin, what diverges, how to replay it. */
enum px_status store_report(FILE *file, const struct px_program *program,
                            const struct isolated *result) PX_CHECKED;

#endif
