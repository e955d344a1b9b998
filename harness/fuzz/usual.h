/*
 * What programs show that nobody chose says little of an input, yet libFuzzer looks at every byte that is not 0 after each
 * one: edges and features that some of a sample of generated programs show are hidden from it. The sample is always the same,
 * so what an input shows depends on it alone.
 */
#ifndef PX_FUZZ_USUAL_H
#define PX_FUZZ_USUAL_H

#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

enum {
    FUZZ_USUAL_PROGRAMS = 240, /* in the sample, at most 255 */
    FUZZ_USUAL_SHOWN = 2, /* what so many of them show is hidden */
    FUZZ_USUAL_PARTS = 2,
};

/* Bytes that a fuzzer looks at, 0: not shown. */
struct fuzz_usual_part {
    uint8_t *bytes; /* the fuzzer's */
    size_t count;
    uint8_t
        *shown; /* by so many programs of the sample; once settled 0 for what is hidden, 255 for the rest */
};

/* Owned by the caller. */
struct fuzz_usual {
    struct fuzz_usual_part
        parts[FUZZ_USUAL_PARTS]; /* edges, where clang counts them for libFuzzer; features */
};

/* @features, @count of them, is where the fuzzer finds them; they are at most 65536. PX_ERR_NOMEM. */
enum px_status fuzz_usual_init(struct fuzz_usual *usual, uint8_t *features, size_t count,
                               struct px_error *err) PX_CHECKED;
void fuzz_usual_fini(struct fuzz_usual *usual); /* a zeroed one is fine */

/* All bytes are 0: nothing was shown yet. */
void fuzz_usual_clear(struct fuzz_usual *usual);

/* The same for edges alone, before an input is run: how it was read is no part of what it shows. */
void fuzz_usual_begin(struct fuzz_usual *usual);

/* Adds what a program of the sample has shown since fuzz_usual_clear. */
void fuzz_usual_count(struct fuzz_usual *usual);

/* The sample is complete: what at least @shown of its programs have shown is usual. */
void fuzz_usual_settle(struct fuzz_usual *usual, unsigned shown);

/* Hides what is usual, with a zeroed one nothing; @hits, @count of them: which features an input has shown. */
void fuzz_usual_hide(struct fuzz_usual *usual, const uint16_t *hits, size_t count);

#endif
