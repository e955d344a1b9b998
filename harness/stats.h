/*
 * What a generator makes, counted: every program runs once on the reference interpreter while an observer looks
 * on (FUZZING.md 1). Counting allocates nothing per program.
 */
#ifndef PX_STATS_H
#define PX_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/isa.h"
#include "vm/outcome.h"
#include "vm/program.h"
#include "vm/status.h"

/* Register positions of one instruction that coincide, or name x0, or the registers that may live in memory. */
enum stats_alias {
    STATS_ALIAS_RD_RS1,
    STATS_ALIAS_RD_RS2,
    STATS_ALIAS_RS1_RS2,
    STATS_ALIAS_X0,
    STATS_ALIAS_X3_X4,
    STATS_ALIAS_COUNT
};

/* Values of source registers; the first class that holds. */
enum stats_value {
    STATS_VALUE_ZERO,
    STATS_VALUE_ONE,
    STATS_VALUE_MINUS_ONE,
    STATS_VALUE_SMALL, /* 2 .. 2^12 - 1 */
    STATS_VALUE_POSITIVE32, /* 2^12 .. 2^31 - 1 */
    STATS_VALUE_INT32_MIN, /* -2^31 */
    STATS_VALUE_NEGATIVE32, /* -2^31 + 1 .. -2 */
    STATS_VALUE_INT64_MIN,
    STATS_VALUE_INT64_MAX,
    STATS_VALUE_OTHER,
    STATS_VALUE_COUNT
};

enum stats_jump {
    STATS_JUMP_BRANCH, /* taken ones */
    STATS_JUMP_JAL,
    STATS_JUMP_JALR,
    STATS_JUMP_COUNT
};

/* Where a jump goes: to a block start, or (bad target) to none. */
enum stats_target {
    STATS_TARGET_FORWARD,
    STATS_TARGET_BACKWARD, /* or to itself */
    STATS_TARGET_MID_BLOCK,
    STATS_TARGET_MID_INSN,
    STATS_TARGET_OUTSIDE, /* not inside the code */
    STATS_TARGET_COUNT
};

enum {
    STATS_EXACT_BITS = 9, /* smaller numbers have a bucket each, larger ones share with those that ... */
    STATS_RANGE_BITS = 24, /* ... have the same first 9 bits, up to this size */
    STATS_BUCKETS = (STATS_RANGE_BITS - STATS_EXACT_BITS + 2) << (STATS_EXACT_BITS - 1),
};

/* How a number is spread over the programs. */
struct stats_spread {
    uint64_t count, sum, max;
    uint64_t buckets[STATS_BUCKETS];
};

struct stats_counts {
    uint64_t programs, instructions;
    uint64_t exits[PX_EXIT_COUNT], panics[PX_PANIC_COUNT];
    uint64_t mid_block_faults; /* page faults of an instruction that is not its block's first */
    struct stats_spread static_length; /* instructions in the linear sweep */
    struct stats_spread dynamic_length; /* instructions begun */
    struct stats_spread touched, dirty; /* pages */
    uint64_t ops[PX_OP_COUNT]; /* how often each was begun; row 0: illegal encodings */
    uint64_t rows[PX_C_COUNT]; /* the same by compressed row; row 0 is not kept */
    uint64_t branches[PX_OP_COUNT][2]; /* [1]: taken */
    uint64_t jumps[STATS_JUMP_COUNT][STATS_TARGET_COUNT];
    uint8_t pairs[PX_OP_COUNT][PX_OP_COUNT]; /* 1: the second op was begun right after the first */

    /* As the observer leaves them, for what is below. */
    uint8_t forms[PX_OP_COUNT];
    uint64_t values[2][2][128]; /* of rs1, of rs2 */
};

struct stats;

/* The caller owns *stats. PX_ERR_NOMEM. */
enum px_status stats_create(struct stats **stats, struct px_error *err) PX_CHECKED;
void stats_destroy(struct stats *stats); /* NULL is fine */

/* Runs @program and counts it. A status other than PX_OK means that we failed; nothing about it can be used then. */
enum px_status stats_run(struct stats *stats, struct px_program *program, struct px_error *err) PX_CHECKED;

/* What was counted so far. Borrowed. */
const struct stats_counts *stats_get(const struct stats *stats);

/* Programs that ended as a program should: hostcall, manage or trap. */
uint64_t stats_intended(const struct stats_counts *counts);

double stats_mean(const struct stats_spread *spread); /* 0 when there is nothing */

/*
 * The smallest number that at least @percent of the programs do not exceed: exact up to 511, above it too small by
 * less than 1/256; 0 when there is nothing.
 */
uint64_t stats_percentile(const struct stats_spread *spread, unsigned percent);

/* Whether the format of @op has the register positions for @alias, and whether @op was begun with it. */
bool stats_alias_possible(unsigned op, enum stats_alias alias);
bool stats_alias_seen(const struct stats_counts *counts, unsigned op, enum stats_alias alias);

/* Distinct pairs of legal ops that were begun one after the other, and how many there can be: after some ops nothing
 * runs. */
unsigned stats_pairs_seen(const struct stats_counts *counts);
unsigned stats_pairs_possible(void);

/* Source register values by class. */
void stats_values(const struct stats_counts *counts, uint64_t classes[STATS_VALUE_COUNT]);

/* "rd=rs1", "zero", "branch", "forward" and so on; the spelling of --json. */
const char *stats_alias_name(enum stats_alias alias);
const char *stats_value_name(enum stats_value value);
const char *stats_jump_name(enum stats_jump jump);
const char *stats_target_name(enum stats_target target);

#endif
