/*
 * A program's code as a list of instructions that can be dropped, edited, inserted and moved: what mutation and the
 * minimizer work on. Branches point at instructions, not at offsets, and are encoded again when the code is put
 * together; so do the addresses that an auipc with immediate 0 begins and an addi or a jalr of its block completes.
 *
 * A listing keeps its buffers from one program to the next.
 */
#ifndef PX_LISTING_H
#define PX_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/program.h"

#define LISTING_NOWHERE UINT32_MAX /* a target that is no instruction: the immediate stays as it is */

struct listing_item {
    struct px_insn insn;
    uint32_t word;   /* of an illegal encoding, which is kept as it is */
    uint32_t target; /* where it leads to: item, `count` for the end of code, or LISTING_NOWHERE */
    uint32_t base;   /* of addi and jalr with a target: the auipc; LISTING_NOWHERE for branches and jal */
    bool dropped;
};

/* Zeroed is empty. */
struct listing {
    struct listing_item *items;
    uint32_t count;
    uint32_t entry; /* item, or LISTING_NOWHERE: entry_pc stays as it is */
    uint32_t *offsets; /* where listing_read found each item and the end; edits leave it behind */
    uint32_t *items_at; /* by halfword, while reading: item */
    size_t item_room, offset_room, halfword_room;
};

/* Takes @program's code apart, from offset 0 on as ISA.md 4 says. PX_ERR_NOMEM. */
enum px_status listing_read(struct listing *listing, const struct px_program *program) PX_CHECKED;
void listing_fini(struct listing *listing);

/* How many items are whole: an instruction that is cut by the end of code must stay the last. */
uint32_t listing_whole(const struct listing *listing);

/* Bytes of the code that listing_put makes. */
size_t listing_size(const struct listing *listing);

/* Whether a block starts at @index, which is below the count (ISA.md 4). No item may be dropped. */
bool listing_is_start(const struct listing *listing, uint32_t index);

/*
 * Makes room for @count items before @index, at most the count; what pointed to it points to the first of them. The
 * items are zero but for their targets, which are LISTING_NOWHERE, and the caller's to fill. PX_ERR_NOMEM leaves the
 * listing as it was.
 */
enum px_status listing_open(struct listing *listing, uint32_t index, uint32_t count) PX_CHECKED;

/* Takes out @count items from @index on; what pointed to one of them points to the next that is left. */
void listing_close(struct listing *listing, uint32_t index, uint32_t count);

/*
 * Makes every jump reach its target: a compressed one that does not becomes a 4-byte one while the code stays within
 * @size_max bytes; one that still does not leads to the instruction behind it. No item may be dropped.
 */
void listing_reach(struct listing *listing, size_t size_max);

/*
 * Makes the code of @listing, dropped items left out, that of @program; what pointed to one points to the next that
 * is left. PX_ERR_INPUT when an operand does not fit, PX_ERR_NOMEM; the code then ends early.
 */
enum px_status listing_put(struct listing *listing, struct px_program *program) PX_CHECKED;

/* The same for @program as a copy of @base, which it must not be. */
enum px_status listing_write(struct listing *listing, const struct px_program *base,
                             struct px_program *program) PX_CHECKED;

#endif
