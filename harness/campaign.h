/*
 * The supervisor of a campaign: self-test, workers and their replacement, confirmation and storage of
 * what they find, the live line. It runs no guest program in its own process.
 */
#ifndef PX_CAMPAIGN_H
#define PX_CAMPAIGN_H

#include "harness/worker.h"

enum {
    CAMPAIGN_STORED_MAX = 100, /* findings past this many are only counted */
    CAMPAIGN_CONFIRM_RUNS = 3,
};

struct campaign_options {
    struct worker_config worker; /* engines, generator, seed, limit, jobs */
    double seconds;              /* 0: no time limit */
    uint64_t stop_after;         /* confirmed findings; 0: go on */
    const char *out;             /* folder for findings */
    bool quiet;                  /* no live line */
};

/* A stored finding. */
struct campaign_finding {
    uint64_t index;
    enum finding_kind kind;
    char what[160]; /* finding_format */
    char path[160]; /* folder below `out` */
};

struct campaign_result {
    struct tally tally;
    double seconds;
    unsigned self_tests;       /* deliberately wrong engines that were caught */
    uint64_t confirmed;        /* findings that a fresh process reproduced */
    uint64_t unstable;         /* findings that it did not */
    uint64_t further;          /* findings past CAMPAIGN_STORED_MAX: neither confirmed nor stored */
    uint64_t by_kind[FINDING_KIND_COUNT]; /* confirmed ones */
    uint64_t restarts;         /* workers replaced */
    uint64_t first;            /* lowest index confirmed; valid when confirmed > 0 */
    bool interrupted;
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    struct campaign_finding stored[CAMPAIGN_STORED_MAX];
    size_t stored_count;
};

/*
 * Runs a campaign to its end. PX_ERR_INPUT, PX_ERR_SYSTEM: it could not start (engines, output folder).
 * PX_ERR_INTERNAL: the self-test failed or a worker gave up; @result then holds what was done until then.
 */
enum px_status campaign_run(const struct campaign_options *options, struct campaign_result *result,
                            struct px_error *err) PX_CHECKED;

#endif
