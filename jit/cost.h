/* The recompiler's own block pricing (ISA.md 7): one instruction at a time, in the same pass that emits. */
#ifndef PX_JIT_COST_H
#define PX_JIT_COST_H

#include <stdint.h>

#include "vm/image.h"
#include "vm/isa.h"

struct jit_cost {
    uint64_t cycle, last, reserve;
    uint64_t ready[PX_REG_COUNT]; /* ready[0] stays 0 */
    uint32_t slots, count;
};

/* 25 x the footprint tier of the mappings. */
uint64_t jit_cost_mem(const struct px_image *image);

void jit_cost_begin(struct jit_cost *cost);
void jit_cost_add(struct jit_cost *cost, const struct px_insn *in, uint64_t mem);
uint64_t jit_cost_need(const struct jit_cost *cost);

#endif
