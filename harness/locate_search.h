/* The parts of the search in locate.c, locate_block.c and locate_cause.c: private to them. */
#ifndef PX_LOCATE_SEARCH_H
#define PX_LOCATE_SEARCH_H

#include "harness/locate.h"

enum {
    LOCATE_BLOCK_MAX = 4096, /* instructions of a block that is looked into */
    LOCATE_GAS_RAISE = 1 << 20,
};

/* What a run belongs to; with its number it names the run in the journal. */
enum stage {
    STAGE_NONE,
    STAGE_WHOLE,
    STAGE_BLOCKS,
    STAGE_RAISED, /* blocks once more, with more gas */
    STAGE_CHECK,
    STAGE_CUT,
    STAGE_OPERANDS,
    STAGE_PRICE,
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
    enum stage blocks; /* STAGE_BLOCKS or STAGE_RAISED */
    struct view whole, variant;
    struct px_program snapshot;
    bool from_snapshot;
    uint64_t block;      /* the one that diverges */
    struct verdict at;   /* behind it */
    struct verdict before;
    uint32_t offsets[LOCATE_BLOCK_MAX];
    size_t count; /* of its instructions */
};

/* Runs @view from its entry to the end, or for @stop blocks. */
enum px_status locate_look(struct search *s, struct view *view, enum stage stage, uint64_t number,
                           uint64_t stop, struct verdict *v) PX_CHECKED;
/* The death that this step of the search ended in when it was tried before, or NULL. */
const struct locate_death *locate_died(const struct locate_journal *journal, struct locate_step step);

void locate_release(struct search *s, struct view *view);

/* State after @k blocks of the whole program. */
enum px_status locate_after_blocks(struct search *s, uint64_t k, struct verdict *v) PX_CHECKED;

/* locate_block.c: sets s->before, the state in front of the block. */
enum px_status locate_look_before(struct search *s) PX_CHECKED;

/* Sets s->offsets and s->count for the block at @pc. */
void locate_read_block(struct search *s, uint32_t pc);

/* State after @keep instructions of the block. */
enum px_status locate_after_insns(struct search *s, size_t keep, struct verdict *v) PX_CHECKED;

/*
 * *keep: how many instructions of the block it takes to diverge; *agreed is the state in front of the last of them and
 * s->at the one behind it. *possible is false when the block does not let itself be cut.
 */
enum px_status locate_find_insn(struct search *s, bool *possible, size_t *keep,
                                struct verdict *agreed) PX_CHECKED;

/* locate_cause.c: operands, price or bytes, which of them matter for the instruction that was found as number
 * @keep of its block. */
enum px_status locate_find_cause(struct search *s, size_t keep) PX_CHECKED;

#endif
