/*
 * A program's code as a list of instructions that can be dropped and edited: branches point at instructions, not at
 * offsets, and are encoded again when the code is put together.
 */
#ifndef PX_LISTING_H
#define PX_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/program.h"

#define LISTING_NOWHERE SIZE_MAX /* a target that is no instruction: the immediate stays as it is */

struct listing_item {
    struct px_insn insn;
    uint32_t word;  /* of an illegal encoding, which is kept as it is */
    size_t target;  /* of branches and jal: item, `count` for the end of code, or LISTING_NOWHERE */
    bool dropped;
};

struct listing {
    struct listing_item *items;
    size_t count;
    size_t entry; /* item, or LISTING_NOWHERE: entry_pc stays as it is */
};

/* Takes @program's code apart, from offset 0 on as ISA.md 4 says. PX_ERR_NOMEM. */
enum px_status listing_read(struct listing *listing, const struct px_program *program) PX_CHECKED;
enum px_status listing_copy(struct listing *to,
                            const struct listing *from) PX_CHECKED; /* @to is uninitialized */
void listing_fini(struct listing *listing);

/*
 * Makes @program @base with the code of @listing, dropped items left out; what pointed to one points to the next that
 * is left. PX_ERR_INPUT when an operand does not fit. @program must not be @base.
 */
enum px_status listing_write(const struct listing *listing, const struct px_program *base,
                             struct px_program *program) PX_CHECKED;

#endif
