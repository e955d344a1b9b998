/* The recompiler's own block pricing (ISA.md 7): one instruction at a time, in the same pass that emits. */
#ifndef PX_JIT_COST_H
#define PX_JIT_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jit/operands.h"
#include "vm/image.h"
#include "vm/isa.h"

/* Footprint tiers (ISA.md 7), less one. */
enum { JIT_COST_TIERS = 4 };

/* What an instruction adds to its block: the gas table's row, and what follows from format, effects and which operands it names. */
struct jit_charge {
    uint16_t
        latency[JIT_COST_TIERS]; /* with `mem`: for the access, and for x3 and x4, which live in memory */
    uint16_t reserve;
    uint8_t slots;
    int8_t waits; /* -1: for the cycle; 0: a move, which is done when its source is */
};

struct jit_charge jit_charge_of(const struct px_insn *in);

/* Where a block has come to. */
struct jit_clock {
    uint64_t cycle, last, slots;
};

/*
 * The pipeline of one block after another. Time does not start over at a block: whatever the blocks before it left
 * in ready[] is past by then, as if it were 0.
 */
struct jit_cost {
    uint64_t start; /* of the block */
    struct jit_clock clock; /* cycle, last: >= start */
    uint64_t reserve;
    struct jit_ready {
        _Alignas(16) uint64_t at;
    } ready[PX_REG_COUNT]; /* ready[0] stays 0 */
};

/* The footprint tier of the mappings, less one. */
unsigned jit_cost_tier(const struct px_image *image);

/* Before the first block. */
static inline void jit_cost_init(struct jit_cost *cost)
{
    *cost = (struct jit_cost){ .start = 0 };
}

/* Starts a block. */
static inline void jit_cost_begin(struct jit_cost *cost)
{
    cost->start = cost->clock.last > cost->clock.cycle ? cost->clock.last : cost->clock.cycle;
    cost->clock = (struct jit_clock){ .cycle = cost->start, .last = cost->start };
    cost->reserve = 0;
}

/*
 * Adds an instruction to the block, but for its reserve. Sums and moves where conditions would do: on random code each of
 * those is a branch that nobody can predict.
 */
static inline __attribute__((always_inline)) void jit_cost_add(struct jit_clock *clock,
                                                               struct jit_ready *ready,
                                                               const struct jit_charge *charge, unsigned tier,
                                                               uint32_t operands)
{
    uint8_t *rows = (void *)ready;
    struct jit_ready *d = (void *)(rows + jit_operands_rd(operands)),
                     *a = (void *)(rows + jit_operands_rs1(operands)),
                     *b = (void *)(rows + jit_operands_rs2(operands));
    uint64_t full = clock->slots >> 2; /* of the four; never more than seven */
    clock->cycle += full;
    clock->slots = (clock->slots & (full - 1)) + charge->slots;
    uint64_t done = clock->cycle & (uint64_t)charge->waits;
    done = a->at > done ? a->at : done;
    done = b->at > done ? b->at : done;
    done += charge->latency[tier];
    d->at = done;
    ready[0].at = 0;
    clock->last = done > clock->last ? done : clock->last;
}

/* What the block costs. */
static inline uint64_t jit_cost_need(const struct jit_cost *cost)
{
    uint64_t last = cost->clock.last - cost->start;
    return last > 4 ? last - 3 : 1;
}

#endif
