/*
 * What a gate ran and what came of it, and the verdict: functions of this alone, so that the same programs give
 * the same verdict. Who fills it is run.h; who tells it is report.h.
 */
#ifndef PX_GATE_GATE_H
#define PX_GATE_GATE_H

#include "harness/campaign.h"
#include "harness/finding_list.h"
#include "harness/gate/known.h"
#include "harness/preflight.h"

enum gate_part {
    GATE_REGRESS, /* files below CORPUS/regress: what was wrong once */
    GATE_VECTORS, /* CORPUS/vectors: what an oracle expects */
    GATE_SEEDS,   /* CORPUS/seeds: where fuzzers begin */
    GATE_RANGES,  /* programs of generators */
    GATE_PARTS,
};

enum gate_state {
    GATE_NOT_RUN,
    GATE_UNTAKEN, /* too few engines took the file for anything to be compared */
    GATE_RUN,     /* interrupted perhaps: then programs < planned */
};

/* A corpus file or a range of programs. */
struct gate_case {
    enum gate_part part;
    enum gate_state state;
    char *name;         /* the file's path; "mix@2 seed=0x1" */
    char gen[80];       /* a range's generator, with its version ... */
    uint64_t seed;      /* ... and seed; it begins at index 0 */
    uint64_t planned;   /* programs; 1 for a file, but for one of vectors */
    uint64_t programs;  /* that ran */
    uint64_t more;      /* findings that were only counted, since others looked like them */
    enum finding_end end; /* why a range ended early, if it did */
    double seconds;
};

/* Findings of one case in one bucket. */
struct gate_hit {
    size_t at, bucket; /* the case's number, the bucket's in found->buckets */
    uint64_t count;
    uint64_t first; /* lowest index of the programs; 0 for a file */
};

/* What fails a gate besides buckets. */
enum gate_trouble_kind {
    GATE_EXPECTATION, /* an engine does not do what a file's `expect` line says */
    GATE_UNSTABLE,    /* a finding that a fresh process did not reproduce */
    GATE_LOST,        /* workers were killed from outside */
    GATE_IDLE,        /* an engine took no program */
    GATE_OVERFLOW,    /* more buckets than there is room for */
    GATE_TROUBLES,
};

#define GATE_NO_CASE SIZE_MAX

struct gate_trouble {
    enum gate_trouble_kind kind;
    size_t at;  /* case, or GATE_NO_CASE */
    char *text; /* one line */
    char *path; /* the file it is about; NULL: none */
};

struct gate {
    const char *corpus, *out; /* borrowed */
    bool missing[GATE_PARTS]; /* there is no such folder */
    unsigned jobs;
    uint64_t scale; /* size of the ranges, per cent */
    uint64_t max_divergences;
    gate_date today;
    struct known_list known;
    struct preflight preflight;

    struct gate_case *cases; /* by part; files by path */
    size_t case_count, case_capacity;
    struct gate_hit *hits; /* in the order in which they came up */
    size_t hit_count, hit_capacity;
    struct gate_trouble *troubles;
    size_t trouble_count, trouble_capacity;
    struct campaign_result *found; /* its buckets; owned */
    uint64_t took[RUN_ENGINES_MAX]; /* programs of ranges that each engine took */
    struct tally tally; /* over the ranges that did not end early */
    bool interrupted;
    bool broken; /* it ended with an error of our own */
    double seconds;
};

/* PX_ERR_NOMEM. */
enum px_status gate_init(struct gate *gate, struct px_error *err) PX_CHECKED;
void gate_fini(struct gate *gate);

/* Appends; texts are copied. PX_ERR_NOMEM. */
enum px_status gate_add_case(struct gate *gate, enum gate_part part, const char *name, uint64_t planned,
                             struct px_error *err) PX_CHECKED;
enum px_status gate_add_hit(struct gate *gate, size_t at, size_t bucket, uint64_t index,
                            struct px_error *err) PX_CHECKED;
enum px_status gate_add_trouble(struct gate *gate, enum gate_trouble_kind kind, size_t at, const char *path,
                                struct px_error *err, const char *fmt, ...) PX_CHECKED
    __attribute__((format(printf, 6, 7)));

/* --- the verdict ------------------------------------------------------------------------------------- */

enum gate_standing {
    GATE_NEW,
    GATE_KNOWN,   /* reported, not counted */
    GATE_EXPIRED, /* known until a day that is over: it counts again */
};

/* How bucket @index stands; *known: its line in the list, NULL for a new one. */
enum gate_standing gate_standing(const struct gate *gate, size_t index, const struct known **known);

/* An abort, a hang or a state leak: fails the gate, known or not. */
bool gate_severe(const struct campaign_bucket *bucket);

/* Buckets that are not known any more or never were. */
size_t gate_counted(const struct gate *gate);

/* It was not seen, and everything ran. */
bool gate_vanished(const struct gate *gate, const struct known *known);

/* Everything ran that was to run. */
bool gate_complete(const struct gate *gate);

/* Ranges that ended early. */
size_t gate_ended_early(const struct gate *gate);

/* Whether a range or file did not run to its end, early or not. */
bool gate_unfinished(const struct gate_case *c);

/* Files and ranges in which something was compared. */
size_t gate_compared(const struct gate *gate);

/* Whether case @index has its share in a failure. Tolerated and known buckets are none. */
bool gate_case_fails(const struct gate *gate, size_t index);

enum { GATE_REASONS_MAX = 8, GATE_REASON_ROOM = 160 };

/* Why the gate fails, a line each; none: it passes. Gives their number. */
size_t gate_reasons(const struct gate *gate, char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM]);

/* EXIT_INTERRUPTED when interrupted, EXIT_USAGE when nothing ran, EXIT_DIVERGED when it fails, else EXIT_AGREE. */
int gate_exit_code(const struct gate *gate);

/* "pass", "fail", "incomplete" (interrupted), "empty" (nothing ran), "error" (it broke). */
const char *gate_verdict(const struct gate *gate);

#endif
