/*
 * What a worker has done: which program comes next, the sums over those before it, and what it found in them. It stands
 * in memory that survives the worker and that the code under test may scribble over.
 *
 * There are two copies, which take turns; one store makes the new one valid. So whenever the worker dies, what stands
 * there is the state at the end of a batch: a program that is counted was run, one that is not counted is run
 * again, and its findings are published with its count or not at all.
 */
#ifndef PX_LEDGER_H
#define PX_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/finding.h"

enum {
    LEDGER_RING = 64,    /* findings that wait for the supervisor */
    LEDGER_PENDING = 64, /* findings that wait for the end of their batch */
};

/* Sums over completed programs. */
struct tally {
    uint64_t programs;
    uint64_t exits[PX_EXIT_COUNT], panics[PX_PANIC_COUNT];
    uint64_t supported[RUN_ENGINES_MAX]; /* programs that the engine took, and could say how they end */
    uint64_t unjudged[RUN_ENGINES_MAX][PX_UNJUDGED_COUNT]; /* programs that it took and could not say */
    uint64_t native[RUN_ENGINES_MAX], side_exit[RUN_ENGINES_MAX],
        interpreted[RUN_ENGINES_MAX]; /* instructions */
};

void tally_add(struct tally *sum, const struct tally *more);

struct ledger_record {
    uint64_t at;       /* the program to do next: a replacement goes on here */
    uint64_t findings; /* published so far */
    struct tally tally;
    uint64_t digest; /* of all above */
};

struct ledger_finding {
    struct finding finding;
    uint64_t digest;
};

/* In shared memory. */
struct ledger {
    _Atomic uint64_t commits; /* records[commits % 2] is valid */
    struct ledger_record records[2];
    _Atomic uint64_t taken; /* of the findings, by the supervisor */
    struct ledger_finding ring[LEDGER_RING]; /* number n at n % LEDGER_RING */
};

/* Starts @ledger over at @record, whose digest does not matter, with no finding to be taken. Nobody else may look. */
void ledger_init(struct ledger *ledger, const struct ledger_record *record);

/* The worker's side, in memory of its own. */
struct ledger_writer {
    struct ledger *ledger;
    uint64_t commits;
    struct ledger_record next; /* of the batch under way; the caller adds to its tally */
    struct finding pending[LEDGER_PENDING];
    size_t pending_count;
};

/* Goes on where @ledger stands. */
void ledger_writer_init(struct ledger_writer *writer, struct ledger *ledger);

/* Notes a finding of the batch. At most LEDGER_PENDING in one. */
void ledger_note(struct ledger_writer *writer, const struct finding *finding);

/* Ends the batch: program @at comes next. Waits while the supervisor has not taken enough findings. */
void ledger_commit(struct ledger_writer *writer, uint64_t at);

/*
 * The supervisor's side. Copies the valid record; false when what stands there is no record, after many looks: then it
 * was overwritten, unless the worker lives and commits all the time.
 */
bool ledger_read(const struct ledger *ledger, struct ledger_record *record);

/* Copies finding number @number, which a record says is there; false when it was overwritten. */
bool ledger_finding_read(const struct ledger *ledger, uint64_t number, struct finding *finding);

#endif
