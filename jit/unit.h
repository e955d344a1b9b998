/* A compiled image and the compilation of one. */
#ifndef PX_JIT_UNIT_H
#define PX_JIT_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jit/codebuf.h"
#include "jit/compiler.h"
#include "vm/engine.h"
#include "vm/units.h"

/*
 * In code memory, from @start: for the block tier the dense table (int32 per guest halfword, relative to the table: the block head's
 * code, or the bad-target stub), then code, then cold exits.
 */
struct px_unit {
    struct px_unit_link link;
    enum jit_tier tier;
    struct px_image image; /* the header; bytes stay borrowed */
    unsigned flags;        /* PX_PREPARE_* */
    uint32_t start, size;  /* in the code buffer */
    uint32_t bad_target;   /* the table's value where no block starts */
    struct jit_site *sites; /* ascending by host */
    size_t site_count, site_capacity;
    struct jit_gate *gates; /* by number, in the order of the code */
    size_t gate_count, gate_capacity;
    uint64_t reserve; /* no gate asks for more beside its need */
    struct jit_mark *marks; /* of PX_PREPARE_MAPPED, ascending by host; the last one is the end */
    size_t mark_count, mark_capacity;
};

/*
 * Compiles unit->image into @buf and publishes it. PX_UNSUPPORTED: the tier does not take the image. PX_ERR_FULL: the
 * buffer is too small. Nothing is published then. Fills tier, start, size, bad_target, sites, gates and reserve.
 * @memo has been used with the same @buf, @stubs, @cpu and @touch only.
 */
enum px_status jit_compile(struct px_unit *unit, enum jit_tier tier, struct codebuf *buf,
                           const struct jit_stubs *stubs, unsigned cpu, enum jit_touch touch,
                           struct jit_lists *lists, struct jit_memo *memo, struct px_error *err) PX_CHECKED;

/* The code of the block that starts at guest offset @pc, as an offset in the code buffer; false when none does. The linear
 * tier knows of the first one only. */
bool jit_unit_block(const struct px_unit *unit, const struct codebuf *buf, uint32_t pc, uint32_t *code);

/* The access site whose call returns to offset @host of the code buffer, or NULL. */
const struct jit_site *jit_unit_site(const struct px_unit *unit, uint32_t host);

/* The guest offset that code at offset @host of the buffer belongs to (without marks its block's start, or the last access before it).
 * False when @host is outside the unit. Async-signal-safe. */
bool jit_unit_guest_pc(const struct px_unit *unit, const struct codebuf *buf, uint32_t host, uint32_t *pc);

#endif
