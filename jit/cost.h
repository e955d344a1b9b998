/* The recompiler's own block pricing (ISA.md 7): one instruction at a time, in the same pass that emits. */
#ifndef PX_JIT_COST_H
#define PX_JIT_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/isa.h"

/* What an instruction adds to its block: the gas table's row, and what follows from format, effects and which operands it names. */
struct jit_charge {
    uint8_t cy; /* latency without `mem` */
    uint8_t slots;
    uint8_t times; /* how often `mem` is added: for the access, and for x3 and x4, which live in memory */
    bool moves; /* renamed: no latency, and no wait for the cycle */
    uint16_t reserve;
};

struct jit_charge jit_charge_of(const struct px_insn *in);

/*
 * The pipeline of one block after another. Time does not start over at a block: whatever the blocks before it left
 * in ready[] is past by then, as if it were 0.
 */
struct jit_cost {
    uint64_t start; /* of the block */
    uint64_t cycle, last; /* >= start */
    uint64_t ready[PX_REG_COUNT]; /* ready[0] stays 0 */
    uint64_t reserve;
    uint32_t slots;
};

/* 25 x the footprint tier of the mappings. */
uint64_t jit_cost_mem(const struct px_image *image);

/* Before the first block. */
static inline void jit_cost_init(struct jit_cost *cost)
{
    *cost = (struct jit_cost){ .start = 0 };
}

/* Starts a block. */
static inline void jit_cost_begin(struct jit_cost *cost)
{
    cost->start = cost->last > cost->cycle ? cost->last : cost->cycle;
    cost->cycle = cost->last = cost->start;
    cost->reserve = 0;
    cost->slots = 0;
}

/*
 * Adds instructions with their charges to the block. Sums and moves where conditions would do: on random code each of
 * those is a branch that nobody can predict.
 */
static inline void jit_cost_add(struct jit_cost *cost, const struct px_insn *insns,
                                const struct jit_charge *const *charges, size_t count, uint64_t mem)
{
    uint64_t cycle = cost->cycle, last = cost->last, reserve = cost->reserve, *ready = cost->ready;
    uint32_t slots = cost->slots;
    for (size_t i = 0; i < count; i++) {
        const struct px_insn *in = &insns[i];
        const struct jit_charge *charge = charges[i];
        uint64_t a = ready[in->rs1], b = ready[in->rs2], full = slots >= 4;
        cycle += full;
        slots = (full ? 0 : slots) + charge->slots;
        uint64_t done = charge->moves ? 0 : cycle; /* a move is done when its source is */
        done = a > done ? a : done;
        done = b > done ? b : done;
        done += charge->cy + mem * charge->times;
        ready[in->rd] = done;
        ready[0] = 0;
        last = done > last ? done : last;
        reserve += charge->reserve;
    }
    cost->cycle = cycle;
    cost->last = last;
    cost->reserve = reserve;
    cost->slots = slots;
}

/* What the block costs. */
static inline uint64_t jit_cost_need(const struct jit_cost *cost)
{
    uint64_t last = cost->last - cost->start;
    return last > 4 ? last - 3 : 1;
}

#endif
