/*
 * What programs show that nobody chose says little of an input, yet libFuzzer looks at every byte that is not 0 after each
 * one: edges and features that a sample of generated programs shows are hidden from it. The sample is always the same, so what
 * an input shows depends on it alone.
 */
#ifndef PX_FUZZ_USUAL_H
#define PX_FUZZ_USUAL_H

#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

enum { FUZZ_USUAL_PROGRAMS = 240 }; /* in the sample */

/* Bytes that a fuzzer looks at, 0: not shown. */
struct fuzz_usual_part {
    uint8_t *bytes; /* the fuzzer's */
    size_t count;
    uint8_t *kept; /* 0 for what is hidden, 255 for the rest */
};

/* Owned by the caller. */
struct fuzz_usual {
    struct fuzz_usual_part edges; /* where clang counts them for libFuzzer */
    struct fuzz_usual_part features;
};

/* Nothing is usual yet. @features, @count of them, is where the fuzzer finds them. PX_ERR_NOMEM. */
enum px_status fuzz_usual_init(struct fuzz_usual *usual, uint8_t *features, size_t count,
                               struct px_error *err) PX_CHECKED;
void fuzz_usual_fini(struct fuzz_usual *usual); /* a zeroed one is fine */

/* What is shown is usual from now on, and shown no more. */
void fuzz_usual_add(struct fuzz_usual *usual);

/* No edge is shown any more; before an input is run, since how it was read is no part of what it shows. */
void fuzz_usual_begin(struct fuzz_usual *usual);

/* Hides what is usual, with a zeroed one nothing; @hits, @count of them: which features an input has shown. */
void fuzz_usual_hide(struct fuzz_usual *usual, const uint16_t *hits, size_t count);

#endif
