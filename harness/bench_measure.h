/* What the files of the benchmark share: a measurement gives one value for each of its figures. */
#ifndef PX_BENCH_MEASURE_H
#define PX_BENCH_MEASURE_H

#include <time.h>

#include "generators/generator.h"
#include "harness/bench.h"
#include "harness/oracle/oracle.h"
#include "harness/run.h"
#include "jit/codebuf.h"
#include "vm/program.h"

enum {
    BENCH_BATCH = 32, /* programs prepared before the first of them runs, as in a campaign */
    BENCH_INTERP = 0, /* indices of the engines in struct run */
    BENCH_BLOCK = 1,
    BENCH_ENGINES = 2,
    BENCH_LINEAR = BENCH_ENGINES, /* by itself, in no comparison */
    BENCH_VALUES_MAX = 16, /* figures of one measurement */
};

/* Owned by bench.c; every measurement leaves it as it found it, but for the numbers. */
struct bench {
    struct run run;
    struct engine linear;
    struct px_program programs[BENCH_BATCH];
    struct run_slot slots[BENCH_BATCH];
    uint64_t index;    /* of the next program: each is made once, so that nothing learns its branches */
    uint64_t diverged; /* programs */
    double clock_ns;   /* what reading the clock costs */
    const char *guests; /* folder of native and RISC-V builds of the guests, or NULL */
    struct codebuf code;
    uint8_t *pages; /* two */
    struct oracle oracle; /* opened by the first measurement that asks it */
    struct px_error *err;
};

struct bench_figure {
    const char *name; /* behind the measurement's and a slash */
    const char *unit;
    bool more_is_better;
};

struct bench_measure {
    const char *name;
    const char *spec; /* of the generator or the engine, where there is one */
    size_t engine;    /* where there is one */
    const char *program; /* the suffix of programs that need bench.guests */
    const struct bench_figure *figures;
    size_t count;
    unsigned weight; /* its part of the time */
    bool asks_oracle; /* left out where there is none */
    bool waits;      /* for another process, which is part of what it measures */
    /* Spends about @ns and gives a value for each figure. */
    enum px_status (*sample)(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values);
};

/* The figures' tables and the functions that fill them. */
enum {
    BENCH_COMPARE_FIGURES = 8,
    BENCH_PREPARE_FIGURES = 4,
    BENCH_RUN_FIGURES = 4,
    BENCH_FORM_FIGURES = 4,
    BENCH_MUTATE_FIGURES = 2,
    BENCH_LIBRARY_FIGURES = 2,
    BENCH_JOBS_FIGURES = 5,
    BENCH_GUEST_FIGURES = 11, /* the guests, and their geometric mean */
    BENCH_ORACLE_FIGURES = 3,
    BENCH_HOST_FIGURES = 11,
    BENCH_HOST_WAITING = 1, /* the last of them */
};
extern const struct bench_figure bench_compare_figures[BENCH_COMPARE_FIGURES];
extern const struct bench_figure bench_prepare_figures[BENCH_PREPARE_FIGURES];
extern const struct bench_figure bench_run_figures[BENCH_RUN_FIGURES];
extern const struct bench_figure bench_form_figures[BENCH_FORM_FIGURES];
extern const struct bench_figure bench_mutate_figures[BENCH_MUTATE_FIGURES];
extern const struct bench_figure bench_library_figures[BENCH_LIBRARY_FIGURES];
extern const struct bench_figure bench_jobs_figures[BENCH_JOBS_FIGURES];
extern const struct bench_figure bench_guest_figures[BENCH_GUEST_FIGURES];
extern const struct bench_figure bench_oracle_figures[BENCH_ORACLE_FIGURES];
extern const struct bench_figure bench_host_figures[BENCH_HOST_FIGURES];

enum px_status bench_compare(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values);
enum px_status bench_prepare(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values);
enum px_status bench_run(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values);
enum px_status bench_form(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values);
enum px_status bench_mutate(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                            double *values);
enum px_status bench_library(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values);
enum px_status bench_jobs(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values);
enum px_status bench_guests(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                            double *values);
enum px_status bench_oracle(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                            double *values);
enum px_status bench_host(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values);

extern const struct bench_measure bench_measures[];
extern const size_t bench_measure_count;

/* A figure that is one figure divided by another of the same turn. */
struct bench_ratio {
    const char *name, *of, *to;
};
extern const struct bench_ratio bench_ratios[];
extern const size_t bench_ratio_count;

static inline uint64_t bench_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#endif
