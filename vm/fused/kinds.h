/*
 * What handlers the loop has: one for each kind of instruction, and one for each sequence of kinds that a profile of real
 * programs says is run often (sequences.def).
 */
#ifndef PX_FUSED_KINDS_H
#define PX_FUSED_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/isa.h"

/* A handler's number. Those of single instructions come first, in the order of enum px_op. */
enum fused_kind {
    FUSED_ILLEGAL = 0,
#define PX_OP(name, ...) FUSED_##name,
#include "vm/isa.def"
    FUSED_LI,   /* rd = imm: lui, and addi of x0 */
    FUSED_MV,   /* rd = rs1 */
    FUSED_J,    /* jal without a link */
    FUSED_NEXT, /* goes on with the block behind it; no instruction */
    FUSED_SINGLES,
    FUSED_BEFORE_SEQUENCES = FUSED_SINGLES - 1,
#define FUSED_2(a, b, f) FUSED_##a##_##b##f,
#define FUSED_3(a, b, f, c, g) FUSED_##a##_##b##f##_##c##g,
#define FUSED_4(a, b, f, c, g, d, h) FUSED_##a##_##b##f##_##c##g##_##d##h,
#include "vm/fused/sequences.def"
    FUSED_KINDS
};

/*
 * How an instruction meets the one before it in its block: form 1, its rs1 is what that one writes; form 2, its rs2 (and
 * not its rs1) is; form 0, neither. A sequence names the form of each instruction but the first: its handler has the value
 * at hand. Form 0 serves all.
 */
enum { FUSED_FORMS = 3 };

/* An instruction as handlers see it. */
struct fused_step {
    uint8_t kind;         /* a single one */
    uint8_t form;
    uint8_t rd, rs1, rs2; /* rs1: also of what is a move from rs2 */
};

/*
 * What @insn is behind an instruction that writes register @written (0: none does) in the same block. False when it does
 * nothing but cost gas, and so needs no handler.
 */
bool fused_see(const struct px_insn *insn, unsigned written, struct fused_step *step);

/* What @insn writes, for the next call: 0 for nothing. */
static inline unsigned fused_written(const struct px_insn *insn)
{
    return px_ops[insn->op].regs & PX_HAS_RD ? insn->rd : 0;
}

/* "ld", "li", "mv" and so on: of a single kind. */
const char *fused_kind_name(enum fused_kind kind);

/* The sequence of @kind (a sequence or a single one) and then a @next of @form; 0 when there is none. */
enum fused_kind fused_extend(enum fused_kind kind, enum fused_kind next, unsigned form);

#endif
