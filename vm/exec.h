/*
 * How the exec_* functions of register instructions are written: name and result, as an expression
 * over a = x[rs1], b = x[rs2] and imm. Included by exec_*.c only.
 */
#ifndef PX_EXEC_H
#define PX_EXEC_H

#include "vm/machine.h"

static inline uint64_t sext32(uint64_t value)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)value;
}

#define EXEC_RR(name, result)                                                                                \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t a = m->x[in->rs1], b = m->x[in->rs2];                                                       \
        px_set(m, in->rd, result);                                                                           \
    }

/* imm is sign-extended; shift amounts are 0..63 as decoded. */
#define EXEC_RI(name, result)                                                                                \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t a = m->x[in->rs1], imm = (uint64_t)(int64_t)in->imm;                                        \
        px_set(m, in->rd, result);                                                                           \
    }

#define EXEC_R(name, result)                                                                                 \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t a = m->x[in->rs1];                                                                          \
        px_set(m, in->rd, result);                                                                           \
    }

#endif
