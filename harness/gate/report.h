/* The gate's outcome in the forms that people and machines read. Times aside, all of them are the same for the same gate. */
#ifndef PX_GATE_REPORT_H
#define PX_GATE_REPORT_H

#include <stdio.h>

#include "harness/gate/gate.h"

/* A summary for people. */
void gate_print(const struct gate *gate, FILE *file);

/* One JSON object, on one line. */
void gate_print_json(const struct gate *gate, FILE *file);

/* JUnit XML: a test suite for each part, a test case for each file and range. save_fn; @ran is a struct gate. */
enum px_status gate_write_junit(FILE *file, const void *ran) PX_CHECKED;

/* SARIF 2.1.0: a result for each bucket and each other trouble; known ones are suppressed. save_fn. */
enum px_status gate_write_sarif(FILE *file, const void *ran) PX_CHECKED;

/* --- what they share --- */

/* "regress", "vectors", "seeds", "ranges". */
const char *gate_part_name(enum gate_part part);

/* "new", "known", "expired". */
const char *gate_standing_name(enum gate_standing standing);

/* One word for what a bucket is about: "abort", "hang", "state-leak", or the field that differs. */
const char *gate_bucket_kind(const struct campaign_bucket *bucket);

/* One word for a trouble: "expectation", "unstable", ... */
const char *gate_trouble_name(enum gate_trouble_kind kind);

/* Where bucket @index came up first. */
const struct gate_hit *gate_first_hit(const struct gate *gate, size_t index);

/* "program 12 of mix@2 seed=0x1", or the path of a file; "unknown" for NULL. */
void gate_print_place(const struct gate *gate, const struct gate_hit *hit,
                      void (*quote)(FILE *file, const char *text), FILE *file);

#endif
