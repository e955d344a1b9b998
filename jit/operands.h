/*
 * The registers that an instruction names, in one word: as the fields of a 4-byte instruction stand in its encoding, less
 * three bits. So each is an offset in tables of 16 bytes a register.
 */
#ifndef PX_JIT_OPERANDS_H
#define PX_JIT_OPERANDS_H

#include <stddef.h>
#include <stdint.h>

#include "vm/isa.h"

enum {
    JIT_OPERANDS_DOWN = 3, /* from where the encoding has them */
    JIT_TRIPLES = 1 << 13,
    JIT_TRIPLE_FREE = 1 << 4, /* the bit that is 0 in every triple */
};

static inline uint32_t jit_operands(const struct px_insn *in)
{
    return (uint32_t)in->rd << 4 | (uint32_t)in->rs1 << 12 | (uint32_t)in->rs2 << 17;
}

static inline size_t jit_operands_rd(uint32_t operands)
{
    return operands & 0xff;
}

static inline size_t jit_operands_rs1(uint32_t operands)
{
    return operands >> 8 & 0xff;
}

static inline size_t jit_operands_rs2(uint32_t operands)
{
    return (size_t)(operands >> 16) * 8;
}

/* All three as a number below JIT_TRIPLES: rs1, a free bit, rs2, rd. */
static inline unsigned jit_triple(uint32_t operands)
{
    /* One factor brings rs1 and rs2 to the top of the word, the other rd above them. */
    return (operands * UINT32_C(0x1000080)) >> 19;
}

#endif
