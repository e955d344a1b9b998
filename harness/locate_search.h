/* The parts of the search in locate_*.c and reduce*.c: private to them. */
#ifndef PX_LOCATE_SEARCH_H
#define PX_LOCATE_SEARCH_H

#include "harness/locate.h"
#include "harness/locate_trace.h"

enum {
    LOCATE_BLOCK_MAX = 4096, /* instructions of a block that is looked into */
    LOCATE_GAS_RAISE = 1 << 20,
    LOCATE_TRIES_MAX = 20000, /* small programs for one name */
    LOCATE_TRY_DEATHS_MAX = 64, /* of them, that kill: each costs a process */
};

/* What a run belongs to; with its number it names the run in the journal. */
enum stage {
    STAGE_NONE,
    STAGE_WHOLE,
    STAGE_BLOCKS,
    STAGE_RAISED, /* blocks once more, with more gas */
    STAGE_CHECK,
    STAGE_CUT,
    STAGE_TRACE, /* the reference alone */
    STAGE_TRIAL,
    STAGE_CODE, /* nothing runs: code is compiled to be shown */
};

struct verdict {
    bool differs, died, compiling;
    struct finding finding; /* when it differs */
    struct px_outcome a;    /* of engine 0, unless it died */
};

/* A program and, once it ran, what the engines made of it. */
struct view {
    struct px_program program;
    struct run_slot slot;
    bool prepared;
};

struct search {
    struct locate *l;
    struct px_error *err;
    struct bucket *bucket;
    size_t other;
    bool sweep;
    bool warm; /* the engines have prepared a program before it counts */
    enum stage blocks; /* STAGE_BLOCKS or STAGE_RAISED */
    struct view whole, variant;
    struct px_program snapshot;
    bool from_snapshot;
    uint64_t block;      /* the one that diverges */
    struct verdict at;   /* behind it */
    struct verdict before;
    uint32_t offsets[LOCATE_BLOCK_MAX];
    size_t count; /* of its instructions */
    uint64_t agreed_x[PX_REG_COUNT]; /* behind the last of them that both sides agree on */
    struct trace trace; /* of it, as far as it ran */
    unsigned tries,
        try_deaths; /* so far, remembered ones too: the name must not depend on what was found before */
    struct locate_trial untried;
};

/* Runs @view from its entry to the end, or for @stop blocks. */
enum px_status locate_look(struct search *s, struct view *view, enum stage stage, uint64_t number,
                           uint64_t stop, struct verdict *v) PX_CHECKED;
/* The death that this step of the search ended in when it was tried before, or NULL. */
const struct locate_death *locate_died(const struct locate_journal *journal, struct locate_step step);

/* Names engine 0 and engine @other in the bucket. */
void locate_write_engines(struct search *s, size_t other);

void locate_release(struct search *s, struct view *view);

/*
 * Runs s->variant.program, a small one, whole: twice, so that what one run leaves to the next shows too, and once by engines
 * that have prepared it before. *trial stays valid
 * until the next try. Once the tries for a name are used up nothing runs and nothing diverges: see locate_tired.
 */
enum px_status locate_try(struct search *s, const struct locate_trial **trial) PX_CHECKED;

/* Whether s->variant.program ends on the reference, if there is one, since its gas is used up. */
enum px_status locate_runs_out(struct search *s, bool *out) PX_CHECKED;

/* Too much was tried: what the search came to is not to be believed. */
bool locate_tired(const struct search *s);

/* State after @k blocks of the whole program. */
enum px_status locate_after_blocks(struct search *s, uint64_t k, struct verdict *v) PX_CHECKED;

/* locate_block.c: sets s->before, the state in front of the block. */
enum px_status locate_look_before(struct search *s) PX_CHECKED;

/* Sets s->offsets and s->count for the block at @pc. */
void locate_read_block(struct search *s, uint32_t pc);

/*
 * Between which instructions of the block it begins to diverge: behind @low of them both sides agree, behind @high they do not,
 * and in between the block could not be cut. *possible is false when it does not let itself be cut at all. s->at is the
 * state behind @high.
 */
enum px_status locate_find_insn(struct search *s, bool *possible, size_t *low, size_t *high) PX_CHECKED;

/* What the access of the located instruction finds, which the minimizer puts into its memory. */
enum px_status locate_find_bytes(struct search *s, size_t agreed) PX_CHECKED;

/* locate_name.c: from a block, refused by its gate or not, or from a divergence without one, to the bucket. */
enum px_status locate_name_block(struct search *s) PX_CHECKED;
enum px_status locate_name_gate(struct search *s) PX_CHECKED;
enum px_status locate_name_vanished(struct search *s, const struct verdict *whole) PX_CHECKED;

#endif
