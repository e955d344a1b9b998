#include "vm/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "vm/units.h"

void px_blocks_init(struct px_blocks *blocks)
{
    *blocks = (struct px_blocks){ 0 };
}

void px_blocks_fini(struct px_blocks *blocks)
{
    free(blocks->insns);
    free(blocks->blocks);
    free(blocks->at);
    px_blocks_init(blocks);
}

/* Makes room for @need elements of @size bytes in *@array, at least doubling. */
static enum px_status reserve(void **array, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return PX_OK;
    size_t grown = *capacity * 2 > need ? *capacity * 2 : need + 64;
    void *moved = realloc(*array, grown * size);
    if (!moved)
        return PX_ERR_NOMEM;
    *array = moved;
    *capacity = grown;
    return PX_OK;
}

PX_APART static enum px_status make_room(struct px_blocks *b, size_t code_size)
{
    /* At most one instruction and one block start per two bytes, and one cut off at the end. */
    size_t most = px_unit_room(code_size) / 2 + 1;
    enum px_status status = reserve((void **)&b->insns, &b->insn_capacity, most, sizeof *b->insns);
    if (status == PX_OK)
        status = reserve((void **)&b->blocks, &b->block_capacity, most, sizeof *b->blocks);
    if (status == PX_OK)
        status = reserve((void **)&b->at, &b->at_capacity, px_unit_room(code_size) + 1,
                         sizeof *b->at); /* never NULL */
    return status;
}

static void open_block(struct px_blocks *b, uint32_t offset)
{
    b->at[offset] = (uint32_t)b->block_count;
    b->blocks[b->block_count++] = (struct px_block){ .start = offset, .first = (uint32_t)b->insn_count };
}

/*
 * Block starts = {0}, the offset after a terminator, the offset of each legal ecalli or ecall.jar,
 * as far as they are inside the code (ISA.md 4).
 */
static void find_blocks(struct px_blocks *b, const struct px_image *image)
{
    bool start = true;
    size_t offset = 0;
    while (offset < image->code_size) {
        struct px_insn insn = px_decode(image->code, image->code_size, offset);
        unsigned effects = px_ops[insn.op].effects;
        if (start || (effects & PX_EFF_CALL))
            open_block(b, (uint32_t)offset);
        b->insns[b->insn_count++] = insn;
        b->blocks[b->block_count - 1].count++;
        start = effects & PX_EFF_TERM;
        offset += px_length(image->code[offset]);
    }
}

enum px_status px_blocks_sweep(struct px_blocks *blocks, const struct px_image *image)
{
    enum px_status status = make_room(blocks, image->code_size);
    if (status != PX_OK)
        return status;
    blocks->insn_count = blocks->block_count = 0;
    blocks->code_size = (uint32_t)image->code_size;
    memset(blocks->at, 0xff, image->code_size * sizeof *blocks->at); /* PX_NO_BLOCK */
    find_blocks(blocks, image);

    uint64_t mem = px_gas_mem(image);
    for (size_t i = 0; i < blocks->block_count; i++) {
        struct px_block *block = &blocks->blocks[i];
        const struct px_insn *insns = &blocks->insns[block->first];
        block->gated = !(px_ops[insns->op].effects & PX_EFF_CALL);
        block->need = px_gas_cost(insns, block->count, mem);
        block->reserve = px_gas_reserve(insns, block->count);
    }
    return PX_OK;
}

const struct px_block *px_blocks_find(const struct px_blocks *blocks, uint32_t pc)
{
    if (pc >= blocks->code_size || blocks->at[pc] == PX_NO_BLOCK)
        return NULL;
    return &blocks->blocks[blocks->at[pc]];
}
