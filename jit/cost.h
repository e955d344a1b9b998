/* The recompiler's own block pricing (ISA.md 7): one instruction at a time, in the same pass that emits. */
#ifndef PX_JIT_COST_H
#define PX_JIT_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/isa.h"

/* What an instruction costs, by opcode: the gas table's row, and what follows from format and effects. */
struct jit_price {
    uint8_t cy;       /* latency without `mem` */
    uint8_t slots;    /* when rd is no source */
    uint8_t rs1, rs2; /* 1: a slot less when rd is that source */
    uint8_t accesses; /* 1: `mem` is added for the access */
    bool moves;       /* its operands may make it a move */
    uint16_t reserve;
};

extern const struct jit_price jit_prices[PX_OP_COUNT];

/*
 * The pipeline of one block after another. Time does not start over at a block: whatever the blocks before it left
 * in ready[] is past by then, as if it were 0.
 */
struct jit_cost {
    uint64_t start;               /* of the block */
    uint64_t cycle, last;         /* >= start */
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

/* Whether addi or add is a move, `addi rd, rs, 0` or `add rd, x0, rs`: renamed, without a latency of its own. */
static inline bool jit_is_move(const struct px_insn *in)
{
    unsigned source = in->op == PX_OP_ADDI ? in->rs1 : in->rs2, zero = in->op == PX_OP_ADDI ? 0 : in->rs1;
    return in->imm == 0 && zero == 0 && source != 0 && in->rd != 0;
}

/*
 * Adds instructions to the block. Sums and tables where conditions would do: on random code each of those is a
 * branch that nobody can predict.
 */
static inline void jit_cost_add(struct jit_cost *cost, const struct px_insn *insns, size_t count,
                                uint64_t mem)
{
    static const uint8_t in_memory[PX_REG_COUNT] = { [3] = 1, [4] = 1 }; /* where x3 and x4 live */
    uint64_t cycle = cost->cycle, last = cost->last, reserve = cost->reserve, *ready = cost->ready;
    uint32_t slots = cost->slots;
    for (const struct px_insn *in = insns; in < insns + count; in++) {
        const struct jit_price *price = &jit_prices[in->op];
        unsigned rd = in->rd, a = in->rs1, b = in->rs2;

        uint32_t full = slots >= 4, saved = ((rd == a) & price->rs1) | ((rd == b) & price->rs2);
        cycle += full;
        slots = (full ? 0 : slots) + price->slots - saved;
        if (price->moves && jit_is_move(in)) {
            ready[rd] = ready[a | b];
            continue;
        }

        unsigned times = 0u + in_memory[rd] + in_memory[a] + in_memory[b] + price->accesses;
        uint64_t done = ready[a] > cycle ? ready[a] : cycle;
        done = ready[b] > done ? ready[b] : done;
        done += price->cy + mem * times;
        ready[rd] = done;
        ready[0] = 0;
        last = done > last ? done : last;
        reserve += price->reserve;
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
