/*
 * Reference side: where instructions and blocks are (ISA.md 4) and what a block costs (ISA.md 7).
 */
#ifndef PX_BLOCKS_H
#define PX_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/isa.h"
#include "vm/status.h"

#define PX_NO_BLOCK UINT32_MAX

struct px_block {
    uint32_t start;        /* offset of its first instruction */
    uint32_t first, count; /* its instructions in px_blocks.insns */
    bool gated;            /* false for the blocks of ecalli and ecall.jar */
    uint64_t need, reserve;
};

/* The linear sweep of one image. Buffers grow and are kept. */
struct px_blocks {
    struct px_insn *insns;
    size_t insn_count, insn_capacity;
    struct px_block *blocks;
    size_t block_count, block_capacity;
    uint32_t *at; /* by offset: index into blocks, PX_NO_BLOCK where no block starts */
    size_t at_capacity;
    uint32_t code_size;
};

void px_blocks_init(struct px_blocks *blocks);
void px_blocks_fini(struct px_blocks *blocks);

/* Sweeps @image's code and prices every block. PX_ERR_NOMEM. */
enum px_status px_blocks_sweep(struct px_blocks *blocks, const struct px_image *image) PX_CHECKED;

/* The block that starts at @pc, or NULL: any pc whatever. */
const struct px_block *px_blocks_find(const struct px_blocks *blocks, uint32_t pc);

/* `mem` of ISA.md 7: 25 x the footprint tier of the image's mappings. */
uint64_t px_gas_mem(const struct px_image *image);

/* cost(block) and worst_case_touch(block) of ISA.md 7. */
uint64_t px_gas_cost(const struct px_insn *insns, size_t count, uint64_t mem);
uint64_t px_gas_reserve(const struct px_insn *insns, size_t count);

#endif
