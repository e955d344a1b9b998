/*
 * The supervisor of a campaign: self-test, workers and their replacement, confirmation and storage of
 * what they find, the live line. It runs no guest program in its own process.
 */
#ifndef PX_CAMPAIGN_H
#define PX_CAMPAIGN_H

#include "harness/arbitrate.h"
#include "harness/bucket.h"
#include "harness/guided/coverage.h"
#include "harness/resident.h"
#include "harness/worker.h"

enum {
    CAMPAIGN_STORED_MAX =
        100, /* programs kept of one bucket, and findings listed in all; the others are counted */
    CAMPAIGN_BUCKETS_MAX = 256,
    CAMPAIGN_TRIAGE_MAX = 1000, /* findings past this many are not looked at any more */
    CAMPAIGN_CONFIRM_RUNS = 3,
};

struct campaign_options {
    struct worker_config
        worker; /* engines, generator, seed, limit, jobs; the rest is the campaign's to fill */
    double seconds;              /* 0: no time limit */
    uint64_t stop_after;         /* confirmed findings; 0: go on */
    const char *out;             /* folder for findings */
    double minimize_seconds;     /* for each bucket's minimal program */
    uint64_t minimize_candidates; /* programs tried for it; 0: any number */
    bool arbitrate;              /* ask the oracle about each bucket's first program */
    bool quiet;                  /* no live line */
    bool guided; /* by coverage: mutants of programs that showed something new ... */
    const char *corpus; /* ... which are kept in this folder; NULL: in @out/corpus */
};

/* Findings that are, as far as we can tell, one bug. */
struct campaign_bucket {
    struct bucket bucket;
    uint64_t count;           /* confirmed findings in it ... */
    uint64_t by_kind[FINDING_KIND_COUNT]; /* ... that a fresh process reproduced as this */
    uint64_t first;           /* lowest index among them */
    bool minimized;           /* there is a minimal.px ... */
    size_t before, after;     /* ... of so many instructions, out of so many */
    char path[64];            /* folder below `out` */
    char verdict[MAJORITY_TEXT];   /* who stands alone in the first of them, "": nothing to tell */
    char oracle[ARBITRATION_TEXT]; /* what the oracle says of it, "": it was not asked */
};

/* A listed finding. */
struct campaign_finding {
    uint64_t index;
    enum finding_kind kind;
    char what[160]; /* finding_format */
    char path[160]; /* its bucket's folder below `out` */
};

struct campaign_result {
    struct tally tally;
    double seconds;
    unsigned self_tests;       /* deliberately wrong engines that were caught */
    uint64_t confirmed;        /* findings that a fresh process reproduced */
    uint64_t unstable;         /* findings that it did not */
    uint64_t further;          /* findings past CAMPAIGN_TRIAGE_MAX: neither confirmed nor stored */
    uint64_t by_kind[FINDING_KIND_COUNT]; /* confirmed ones */
    uint64_t restarts;         /* workers replaced */
    uint64_t first;            /* lowest index confirmed; valid when confirmed > 0 */
    struct resident early, late; /* memory after RESIDENT_EARLY programs, and at the end */
    bool interrupted;
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    uint64_t every[RUN_ENGINES_MAX]; /* an engine's turn is one program in so many */
    struct campaign_finding stored[CAMPAIGN_STORED_MAX];
    size_t stored_count;
    struct campaign_bucket buckets[CAMPAIGN_BUCKETS_MAX];
    size_t bucket_count;

    /* What programs showed of the guest (guided/coverage.h). */
    bool watched; /* there was a reference run to look at */
    unsigned curve[COVERAGE_POINTS]; /* features shown by programs 0 to 2^k - 1 */
    unsigned features, features_by_group[FEATURES_GROUPS]; /* by all */
    uint64_t corpus_loaded, corpus_saved; /* programs of a guided campaign's corpus: of before, new */
};

/*
 * Runs a campaign to its end. PX_ERR_INPUT, PX_ERR_SYSTEM: it could not start (engines, output folder).
 * PX_ERR_INTERNAL: the self-test failed or a worker gave up; @result then holds what was done until then.
 */
enum px_status campaign_run(const struct campaign_options *options, struct campaign_result *result,
                            struct px_error *err) PX_CHECKED;

#endif
