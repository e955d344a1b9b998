/*
 * What one run of a program showed of the guest and of the code made for it (FUZZING.md 3): one table of bytes, 0 or 1, for
 * libFuzzer's extra counters, AFL++'s map and guided campaigns alike. Everything comes from an observer of the reference run,
 * from outcomes, and from the host code that engines lend: nothing is recorded, and nothing costs, unless asked for.
 *
 *   operands   op x class of its first operand, of its second one or of its immediate; how far they are apart; which
 *              registers coincide
 *   pairs      two ops, one run right after the other
 *   exits      op x way in which it ended the program
 *   forms      host instructions: opcode, ModRM, SIB, size of displacement and immediate
 *   touches    kinds of first and later touches (vm/memory.h)
 *   sizes      how large a run was: instructions, blocks, gas, pages and so on, four steps to a doubling
 *   events     branches taken or not, forwards or backwards; compressed rows
 */
#ifndef PX_FEATURES_H
#define PX_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/run.h"
#include "vm/interp.h"

enum {
    FEATURES_EACH_OP = 48, /* operands */
    FEATURES_PAIR_BITS = 12, /* pairs are hashed into so many bits: three share a byte */
    FEATURES_EXIT_KINDS = 16,
    FEATURES_FORM_BITS = 11,

    FEATURE_OPERANDS = 0,
    FEATURE_PAIRS = FEATURE_OPERANDS + PX_OP_COUNT * FEATURES_EACH_OP,
    FEATURE_EXITS = FEATURE_PAIRS + (1 << FEATURES_PAIR_BITS),
    FEATURE_FORMS = FEATURE_EXITS + PX_OP_COUNT * FEATURES_EXIT_KINDS,
    FEATURE_TOUCHES = FEATURE_FORMS + (1 << FEATURES_FORM_BITS),
    FEATURE_SIZES = FEATURE_TOUCHES + PX_TOUCHES,
    FEATURES_SIZES = 10, /* kinds of them */
    FEATURES_SIZE_STEPS = 64, /* of each */
    FEATURE_EVENTS = FEATURE_SIZES + FEATURES_SIZES * FEATURES_SIZE_STEPS,
    FEATURES_EVENTS = 128,
    FEATURES = FEATURE_EVENTS + FEATURES_EVENTS,
    FEATURES_MAX = 16384, /* what counters may cost a fuzzer: FUZZING.md 3 */

    FEATURES_VISITED = 1024, /* instructions further apart share a count of their visits */
    FEATURES_FORMS_EVERY = 8, /* one program in so many shows the forms of its host code */
};
_Static_assert(FEATURES <= FEATURES_MAX, "the table is too large");

/* Owned by the caller, who also owns the table. */
struct features {
    uint8_t *table;          /* FEATURES bytes; 1: seen in the program since features_begin */
    uint16_t hits[FEATURES + 1]; /* where; one entry is scratch */
    size_t count;
    struct px_engine *interp;
    uint8_t touches[PX_TOUCHES];
    /* The reference run until now. */
    uint32_t last_pc, next_pc;
    uint8_t last_op;
    uint32_t in_block, block_max, blocks;
    uint16_t visits[FEATURES_VISITED]; /* by halfword */
};

/*
 * Watches the reference engine of @run, which must have one, from now until features_detach. @table is all 0.
 * PX_ERR_INPUT: there is none.
 */
enum px_status features_attach(struct features *features, struct run *run, uint8_t *table,
                               struct px_error *err) PX_CHECKED;
void features_detach(struct features *features);

/* Forgets what the last program showed; @image runs next. */
void features_begin(struct features *features, const struct px_image *image);

/* After run_compare, the slot not yet released: adds what outcomes and host code show of the engines that run every program. */
void features_end(struct features *features, const struct run *run, const struct run_slot *slot,
                  const struct run_result *result);

/* The parts of the table, in its order. */
struct features_group {
    const char *name;
    unsigned first, count;
};
enum { FEATURES_GROUPS = 7 };
extern const struct features_group features_groups[FEATURES_GROUPS];

/* features_host.c: the form of the host instruction at @code, of at most @size bytes; its length, 0 when it is none that we emit. */
unsigned features_host_form(const uint8_t *code, size_t size, unsigned *form);

#endif
