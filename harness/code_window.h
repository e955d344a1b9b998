/* Which instructions to show around one. */
#ifndef PX_CODE_WINDOW_H
#define PX_CODE_WINDOW_H

#include "vm/image.h"
#include "vm/isa.h"

enum { CODE_WINDOW_AROUND = 8 }; /* instructions on either side; more of a block is left out */

struct code_window {
    uint32_t block;       /* where the block starts */
    uint32_t first, last; /* offsets of the first and last instruction to show */
    size_t above, below;  /* instructions of the block that are left out */
    size_t number, count; /* the instruction is the block's @number, from 1, of @count */
    bool gated;
    uint64_t need, reserve; /* of the block */
};

/* Part of the block that holds the instruction at @pc. *found is false when none begins there. PX_ERR_NOMEM. */
enum px_status code_window_find(const struct px_image *image, uint32_t pc, struct code_window *window,
                                bool *found) PX_CHECKED;

#endif
