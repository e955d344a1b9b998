/* Branches, jumps, Xjar and what is illegal (ISA.md 4, 5, 6). */
#include "vm/machine.h"

/* Every jump must land on a block start; else the jump itself panics. */
static void jump(struct px_machine *m, uint32_t target)
{
    if (px_blocks_find(m->blocks, target))
        m->next = target;
    else
        px_exit(m, PX_EXIT_PANIC, PX_PANIC_BAD_TARGET);
}

#define EXEC_BRANCH(name, condition)                                                                         \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t a = m->x[in->rs1], b = m->x[in->rs2];                                                       \
        if (condition)                                                                                       \
            jump(m, m->pc + (uint32_t)in->imm);                                                              \
    }

EXEC_BRANCH(BEQ, a == b)
EXEC_BRANCH(BNE, a != b)
EXEC_BRANCH(BLT, (int64_t)a < (int64_t)b)
EXEC_BRANCH(BGE, (int64_t)a >= (int64_t)b)
EXEC_BRANCH(BLTU, a < b)
EXEC_BRANCH(BGEU, a >= b)

#undef EXEC_BRANCH

/* The link is written first, then the target is checked. */
void exec_JAL(struct px_machine *m, const struct px_insn *in)
{
    px_set(m, in->rd, (uint64_t)PX_CODE_BASE + m->next);
    jump(m, m->pc + (uint32_t)in->imm);
}

/* rs1 is read before rd is written. */
void exec_JALR(struct px_machine *m, const struct px_insn *in)
{
    uint64_t address = (m->x[in->rs1] + (uint64_t)(int64_t)in->imm) & ~UINT64_C(1);
    px_set(m, in->rd, (uint64_t)PX_CODE_BASE + m->next);
    jump(m, (uint32_t)address - PX_CODE_BASE);
}

void exec_ILLEGAL(struct px_machine *m, const struct px_insn *in)
{
    (void)in;
    px_exit(m, PX_EXIT_PANIC, PX_PANIC_ILLEGAL);
}

void exec_ECALL(struct px_machine *m, const struct px_insn *in)
{
    (void)in;
    px_exit(m, PX_EXIT_PANIC, PX_PANIC_ECALL);
}

void exec_EBREAK(struct px_machine *m, const struct px_insn *in)
{
    (void)in;
    px_exit(m, PX_EXIT_PANIC, PX_PANIC_ECALL);
}

void exec_TRAP(struct px_machine *m, const struct px_insn *in)
{
    (void)in;
    px_exit(m, PX_EXIT_TRAP, 0);
}

/* Ends its block; the sweep knows. */
void exec_FALLTHROUGH(struct px_machine *m, const struct px_insn *in)
{
    (void)m;
    (void)in;
}

void exec_ECALLI(struct px_machine *m, const struct px_insn *in)
{
    px_hostcall(m, in->imm);
}

void exec_ECALL_JAR(struct px_machine *m, const struct px_insn *in)
{
    (void)in;
    px_hostcall_manage(m);
}
