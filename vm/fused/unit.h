/*
 * Pre-decoded code. A unit is an array of cells: each block is two cells of head, then a cell for each instruction,
 * and control goes from head to head. A handler that stands for two instructions reads both of their cells.
 */
#ifndef PX_FUSED_UNIT_H
#define PX_FUSED_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/fused/memory.h"
#include "vm/engine.h"
#include "vm/units.h"

enum {
    FUSED_HEAD = 2, /* cells of a head */
    FUSED_SINK = 16, /* rd of what writes x0: a register that nobody reads */
    FUSED_REGS = 17,
    FUSED_BAD = 0, /* the cell of the head that bad targets lead to: a unit begins with it */
};

struct fused_op {
    const void *go; /* where its handler is */
    int32_t imm;    /* for branches and jal: the target's head, in cells from here */
    uint8_t rd, rs1, rs2;
};

union fused_cell {
    struct fused_op op;
    struct {
        uint64_t limit; /* gas up to here takes the slow way in: total - 1, or UINT64_MAX for always */
        uint64_t need;
    } gate; /* a head's first cell */
    struct {
        uint64_t total; /* need and reserve; 0: no gate */
        uint32_t pc, count; /* count: instructions; 0 behind the last block, where the code ends */
    } block; /* its second */
};

_Static_assert(sizeof(union fused_cell) == 16, "what a dispatch steps by");

/* Where a cell's instruction comes from. */
struct fused_place {
    uint32_t pc, head; /* head: cell */
};

struct px_unit {
    struct px_unit_link link;
    struct px_image image; /* the header; bytes stay borrowed */
    unsigned flags;        /* PX_PREPARE_* */
    union fused_cell *cells;
    struct fused_place *places; /* by cell */
    size_t cell_count;
    uint32_t *heads; /* by pc / 2: the cell of the head of the block that starts there, or FUSED_BAD */
    uint32_t *jumps; /* cells whose imm is a pc until all heads are known */
    size_t jump_count;
    size_t capacity; /* halfwords of code that all these have room for */
};

/* One run. */
struct fused_machine {
    uint64_t x[FUSED_REGS];
    uint64_t gas, begun;
    uint64_t blocks_left; /* that may be entered, where the unit counts */
    enum px_exit exit;
    int64_t arg;
    uint32_t pc;
    const struct px_unit *unit;
    struct fused_memory *memory;
};

/* Makes unit->cells of unit->image, in what the unit has from before. PX_ERR_NOMEM. */
enum px_status fused_translate(struct px_unit *unit) PX_CHECKED;

/* Frees what fused_translate made; the unit itself is the caller's. */
void fused_unit_fini(struct px_unit *unit);

/* The handlers by enum fused_kind (kinds.h). */
const void *const *fused_handlers(void);

/* Runs from the block whose head is at @head until something exits. */
void fused_loop(struct fused_machine *m, const union fused_cell *head);

/*
 * The host call at m->pc; m->x and m->gas are the guest's. True: go on behind it. False: it exited, m->exit, arg and pc
 * are set.
 */
bool fused_hostcall(struct fused_machine *m, int32_t selector);
void fused_manage(struct fused_machine *m); /* ecall.jar: always exits */

#endif
