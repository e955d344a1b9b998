/*
 * The reference engine's machine: what every exec_* function reads and writes. Private to the
 * reference engine; the recompiler must not see it.
 */
#ifndef PX_MACHINE_H
#define PX_MACHINE_H

#include "vm/blocks.h"
#include "vm/image.h"
#include "vm/isa.h"
#include "vm/memory.h"
#include "vm/outcome.h"

struct px_machine {
    uint64_t x[PX_REG_COUNT]; /* x[0] is 0 between instructions */
    uint32_t pc;              /* of the instruction being executed */
    uint32_t next;            /* where execution goes on unless it exits */
    uint64_t gas;
    bool exited;
    enum px_exit exit;
    int64_t arg;
    const struct px_image *image;
    const struct px_blocks *blocks;
    struct px_memory *memory;
};

typedef void px_exec_fn(struct px_machine *m, const struct px_insn *in);

/* One function per instruction, in exec_*.c; a row of isa.def without one does not link. */
px_exec_fn exec_ILLEGAL;
#define PX_OP(name, ...) px_exec_fn exec_##name;
#include "vm/isa.def"

static inline void px_set(struct px_machine *m, unsigned rd, uint64_t value)
{
    m->x[rd] = value;
    m->x[0] = 0;
}

/* Ends the run at the current instruction: pc is its own offset unless the caller moved it. */
static inline void px_exit(struct px_machine *m, enum px_exit exit, int64_t arg)
{
    m->exited = true;
    m->exit = exit;
    m->arg = arg;
}

/* The host call of ISA.md 5 with @selector, at m->pc; the charge included. In hostcall.c. */
void px_hostcall(struct px_machine *m, int32_t selector);
void px_hostcall_manage(struct px_machine *m); /* ecall.jar */

#endif
