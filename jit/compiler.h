/*
 * What lowering works with: the emitter, the instruction at hand, where guest registers live, and what
 * must be fixed up at the end of the unit.
 *
 * Host registers. rsp is the context, gs the memory window, rax and rdx are scratch between guest
 * instructions; the other thirteen hold x1, x2, x5..x15 for the whole run. x3 and x4 live in the context.
 */
#ifndef PX_JIT_COMPILER_H
#define PX_JIT_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jit/context.h"
#include "jit/cost.h"
#include "jit/cpu.h"
#include "jit/divide.h"
#include "jit/x64.h"
#include "vm/engine.h"
#include "vm/isa.h"

/* Stubs that every unit shares; offsets in the code buffer. */
struct jit_stubs {
    uint32_t enter;    /* void (struct jit_context *, const void *code), C calling convention */
    uint32_t leave;    /* jump here with pc and exit set */
    uint32_t bad_target; /* jump here with pc set: what a dense table holds where no block starts */
    uint32_t hostcall; /* call with edx = selector and pc set; returns, or leaves */
    uint32_t gate; /* call with edx = number of the gate, when the lease does not pay; returns, or leaves */
    uint32_t settle; /* call: all gas is in the context's gas then */
    uint32_t divide[JIT_DIVISIONS];
    uint32_t load[4], store[4]; /* by log2 of the width: call with eax = address; returns, or leaves */
};

/* RECOMPILER.md 2. */
enum jit_tier { JIT_TIER_BLOCK, JIT_TIER_LINEAR };

/* How first touches are noticed: by an inline state test, or by hardware faults. */
enum jit_touch { JIT_TOUCH_CHECK, JIT_TOUCH_FAULT };

struct px_unit;

/* A host address that can fault on the guest's behalf: a row of the side table (RECOMPILER.md 1). */
struct jit_site {
    uint32_t host; /* relative to the unit: the return address of the touch call, or the access itself */
    uint32_t pc; /* of the guest instruction */
    uint32_t undone; /* instructions of its block after it */
    int32_t disp; /* the access is at x[base] + disp, mod 2^32 */
    uint8_t base, width;
    bool store;
};

/* Where host code of one kind begins, for PX_PREPARE_MAPPED. The next mark ends it. */
struct jit_mark {
    uint32_t host; /* relative to the unit */
    uint32_t pc;
    enum px_code_role role;
};

/* A jump to a guest offset, patched when the unit is complete. */
struct jit_jump {
    uint32_t at; /* of the rel32 */
    uint32_t target; /* guest offset; any value */
    uint32_t pc; /* of the jump: it panics when the target is no block start */
};

/* A jump to an exit that is emitted after the unit's hot code. */
struct jit_cold_exit {
    uint32_t at; /* of the rel32 */
    uint32_t pc;
    uint32_t exit; /* JIT_EXIT(...) */
};

/* A block's gate (ISA.md 7): what it takes, and what it asks for beside that. */
struct jit_gate {
    uint64_t need, reserve;
    uint32_t pc;
    uint32_t count; /* instructions of the block */
    uint32_t head, resume; /* where the block's head begins, and what it leads to */
};

/* An instruction to come. */
struct jit_ahead {
    const struct jit_template *t; /* memo.h */
    uint32_t operands; /* operands.h */
    int32_t imm;
    uint32_t pc;
};

enum { JIT_AHEAD = 32 };

/* Working storage, owned by the engine and reused from unit to unit. */
struct jit_lists {
    struct jit_ahead ahead[JIT_AHEAD];
    struct px_insn any; /* one of these, decoded again */
    struct jit_jump *jumps;
    size_t jump_count, jump_capacity;
    struct jit_cold_exit *exits;
    size_t exit_count, exit_capacity;
    bool failed; /* sticky: an allocation was refused */
};

struct jit_compiler {
    struct x64 e; /* over the unit's bytes; offset 0 is the unit's start */
    struct px_unit *unit;
    uint32_t origin; /* where the unit starts in the code buffer: stubs are at (stub - origin) */
    const struct jit_stubs *stubs;
    unsigned cpu; /* JIT_CPU_* */
    enum jit_touch touch;
    bool stoppable;
    enum jit_tier tier;

    const struct px_insn *in; /* being lowered */
    uint32_t pc, next; /* its guest offset and the one after it */
    uint32_t in_block; /* its position in its block */

    const uint8_t *code; /* guest code */
    uint32_t code_size;
    bool line_ended; /* tier linear: what comes is not compiled */
    uint32_t table; /* tier block: offset of the dense jump table: int32 per halfword, relative to itself */
    struct jit_lists *lists;
    struct jit_memo *memo; /* what lowering has emitted before */
    struct jit_site **sites; /* of the unit, growing */
    size_t *site_count, *site_capacity;
    struct jit_mark **marks; /* likewise; NULL: nobody asked for them */
    size_t *mark_count, *mark_capacity;
};

struct jit_memo;

typedef void jit_lower_fn(struct jit_compiler *c);

/* One emitter per instruction, in lower_*.c; a row of isa.def without one does not link. */
jit_lower_fn lower_ILLEGAL;
#define PX_OP(name, ...) jit_lower_fn lower_##name;
#include "vm/isa.def"

/* Emits c->in by its lower_X; nothing for what only writes x0. */
void jit_lower(struct jit_compiler *c);

/* Where guest registers live: X64_NO_REG for x0 (nowhere) and x3, x4 (context). */
extern const uint8_t jit_home[PX_REG_COUNT];

static inline struct x64_mem jit_ctx(int32_t displacement)
{
    return x64_at(RSP, displacement);
}

/* A register that holds x[@guest]: its home, or @scratch loaded with it. */
enum x64_reg jit_read(struct jit_compiler *c, unsigned guest, enum x64_reg scratch);
/* @dst = x[@guest]. */
void jit_move(struct jit_compiler *c, enum x64_reg dst, unsigned guest);
/* @dst = @dst OP x[@guest], reading the context where x[@guest] lives there. */
void jit_alu(struct jit_compiler *c, enum x64_alu op, enum x64_size size, enum x64_reg dst, unsigned guest);
/* The register to build x[@guest] in: its home, or @scratch. */
enum x64_reg jit_target(unsigned guest, enum x64_reg scratch);
/* x[@guest] = @src; nothing for x0 or when @src is its home. */
void jit_write(struct jit_compiler *c, unsigned guest, enum x64_reg src);

/* rax = rs1 shifted or rotated by rs2 through cl, whose guest register is put aside in rdx meanwhile. */
void jit_shift_by_cl(struct jit_compiler *c, enum x64_shift op, enum x64_size size);

/* Ends the run here: stores pc and exit and leaves. */
void jit_exit(struct jit_compiler *c, uint32_t pc, enum px_exit exit, unsigned arg);
/* The rel32 at @at goes to an exit emitted after the hot code. */
void jit_exit_later(struct jit_compiler *c, uint32_t at, uint32_t pc, enum px_exit exit, unsigned arg);
/* The rel32 at @at goes to guest offset @target; the current instruction panics if that is no block start. */
void jit_jump_later(struct jit_compiler *c, uint32_t at, uint32_t target);
/* Notes that offset @host is where the current instruction, a load or store, can fault. */
void jit_note_site(struct jit_compiler *c, uint32_t host);
/* Notes that code of this kind begins at the cursor, if somebody wants to know. */
void jit_mark_always(struct jit_compiler *c, uint32_t pc, enum px_code_role role);
static inline void jit_mark(struct jit_compiler *c, uint32_t pc, enum px_code_role role)
{
    if (c->marks)
        jit_mark_always(c, pc, role);
}
/* Offset of a shared stub as seen from this unit, for x64_call and x64_jmp. */
static inline uint32_t jit_stub(const struct jit_compiler *c, uint32_t stub)
{
    return stub - c->origin; /* mod 2^32: rel32 arithmetic wraps the same way */
}

void jit_lists_fini(struct jit_lists *lists); /* a zeroed one is fine */

/* Makes room for one more element; false (and lists->failed) when refused. */
bool jit_grow(struct jit_lists *lists, void **array, size_t *capacity, size_t count, size_t size);

#endif
