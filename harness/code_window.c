#include "harness/code_window.h"

#include "vm/blocks.h"

/* Where instruction @number of @block, from 1, begins. */
static uint32_t offset_of(const struct px_blocks *blocks, const struct px_block *block, size_t number)
{
    uint32_t pc = block->start;
    for (size_t i = 1; i < number; i++)
        pc += blocks->insns[block->first + i - 1].len;
    return pc;
}

static void place(const struct px_blocks *blocks, const struct px_block *block, size_t number,
                  struct code_window *w)
{
    size_t first = number > CODE_WINDOW_AROUND ? number - CODE_WINDOW_AROUND : 1;
    size_t last = block->count - number > CODE_WINDOW_AROUND ? number + CODE_WINDOW_AROUND : block->count;
    *w = (struct code_window){ .block = block->start,
                               .first = offset_of(blocks, block, first),
                               .last = offset_of(blocks, block, last),
                               .above = first - 1,
                               .below = block->count - last,
                               .number = number,
                               .count = block->count,
                               .gated = block->gated,
                               .need = block->need,
                               .reserve = block->reserve };
}

enum px_status code_window_find(const struct px_image *image, uint32_t pc, struct code_window *window,
                                bool *found)
{
    struct px_blocks blocks;
    px_blocks_init(&blocks);
    enum px_status status = px_blocks_sweep(&blocks, image);
    *found = false;
    for (size_t i = 0; i < blocks.block_count && status == PX_OK && !*found; i++) {
        const struct px_block *block = &blocks.blocks[i];
        uint32_t at = block->start;
        for (size_t number = 1; number <= block->count && !*found; number++) {
            *found = at == pc;
            if (*found)
                place(&blocks, block, number, window);
            at += blocks.insns[block->first + number - 1].len;
        }
    }
    px_blocks_fini(&blocks);
    return status;
}
