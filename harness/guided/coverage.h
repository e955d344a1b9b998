/*
 * What the programs of a campaign have shown of the guest so far (harness/features.h), and how that grew: in memory that they
 * share, the workers mark each feature with the doubling of the program numbers in which it came first. An observation,
 * no account: a worker that dies has marked what it has marked, and code under test may scribble over it.
 */
#ifndef PX_COVERAGE_H
#define PX_COVERAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/features.h"

enum {
    COVERAGE_FIRST = 4096, /* a blind campaign looks at its first programs ... */
    COVERAGE_EVERY = 1024, /* ... and at one in so many of the others */
    COVERAGE_POINTS = 65,
};

/* FEATURES marks; 0: not seen, k + 1: first by a program whose number is below 2^k. */
typedef _Atomic uint8_t coverage_mark;

/* Whether a blind campaign looks at program @index. */
static inline bool coverage_looks(uint64_t index)
{
    return index % COVERAGE_EVERY == 0 || index < COVERAGE_FIRST;
}

/* Program @index shows @feature. True: nobody has marked that before. */
bool coverage_show(coverage_mark *seen, unsigned feature, uint64_t index);

/* Features seen so far, of one part of the table or, with NULL, of all. */
unsigned coverage_seen(const coverage_mark *seen, const struct features_group *group);

/* curve[k]: features that programs with numbers below 2^k have shown. */
void coverage_curve(const coverage_mark *seen, unsigned curve[COVERAGE_POINTS]);

#endif
