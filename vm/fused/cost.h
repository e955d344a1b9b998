/* The fused interpreter's own reading of block prices (ISA.md 7). */
#ifndef PX_FUSED_COST_H
#define PX_FUSED_COST_H

#include <stdint.h>

#include "vm/image.h"
#include "vm/isa.h"

/* The front end between two instructions of a block. */
struct fused_cost {
    uint32_t cycle, slots;
    uint64_t last;
    uint64_t ready[PX_REG_COUNT];
    uint64_t reserve; /* the most that the block's touches can cost */
};

/* `mem`, which an access of memory takes. */
uint64_t fused_cost_mem(const struct px_image *image);

/* Starts a block. */
void fused_cost_start(struct fused_cost *cost);
void fused_cost_add(struct fused_cost *cost, const struct px_insn *insn, uint64_t mem);
uint64_t fused_cost_need(const struct fused_cost *cost);

#endif
