/*
 * Measures how fast everything is, beside what the machine itself can do. Targets are information: nothing
 * here judges.
 */
#ifndef PX_BENCH_H
#define PX_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vm/status.h"

enum {
    BENCH_NAME_MAX = 64,
    BENCH_FIGURES_MAX = 200,
    BENCH_REPETITIONS_MIN = 5, /* a median of fewer says little */
    BENCH_REPETITIONS_MAX = 99,
};

struct bench_options {
    uint64_t seconds;     /* for all of it, about */
    uint64_t repetitions; /* BENCH_REPETITIONS_MIN..BENCH_REPETITIONS_MAX */
    bool quick;           /* a tenth of the time */
    const char *filter;   /* only figures whose names contain it; "" for all */
    const char *
        guests; /* folder with what `scripts/guests programs` makes, for figures of native code and qemu; or NULL */
};

struct bench_machine {
    char cpu[96]; /* as /proc/cpuinfo names it */
    long cores;
    int pinned; /* the processor that this process was kept on, -1 when it was not */
    double
        share; /* of that processor which it got; the rest, which others had, is taken out of the figures */
};

struct bench_result {
    char name[BENCH_NAME_MAX];
    const char *unit;
    bool more_is_better;
    double target; /* 0: none */
    double min, median, max;
};

struct bench_report {
    struct bench_machine machine;
    uint64_t repetitions, diverged; /* programs on which the engines disagreed meanwhile */
    struct bench_result results[BENCH_FIGURES_MAX];
    size_t count; /* 0: the filter left nothing */
};

/*
 * Pins this process to the processor it is on and measures, the repetitions of all figures taking turns so that
 * a disturbance meets them all. Tells how far it is on @progress unless that is NULL. Any status.
 */
enum px_status bench_measure_all(const struct bench_options *options, FILE *progress,
                                 struct bench_report *report, struct px_error *err) PX_CHECKED;

/* A table for people, or one JSON object with the same names. */
void bench_print(const struct bench_report *report, FILE *out);
void bench_print_json(const struct bench_report *report, FILE *out);

/* Sorts @values, of which there is at least one. The mean of the middle two where they are even in number. */
double bench_median(double *values, size_t count);

/* Whether a figure with a target is where it should be. */
bool bench_reached(const struct bench_result *result);

/* The target of the figure called @name, 0 without one. */
double bench_target(const char *name);
/* The names that have targets, for tests: NULL past the last. */
const char *bench_target_name(size_t index);

#endif
