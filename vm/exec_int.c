/* I: integer arithmetic, logic, shifts, upper immediates and fences (RISC-V unprivileged, chapters 2 and 4). */
#include "vm/exec.h"

/* Sign-propagating right shifts of a value seen as signed. */
static uint64_t sra64(uint64_t value, unsigned count)
{
    return (uint64_t)((int64_t)value >> count);
}

static uint64_t sra32(uint64_t value, unsigned count)
{
    return (uint64_t)(int64_t)((int32_t)(uint32_t)value >> count);
}

EXEC_RI(ADDI, a + imm)
EXEC_RI(SLTI, (int64_t)a < (int64_t)imm)
EXEC_RI(SLTIU, a < imm)
EXEC_RI(XORI, a ^ imm)
EXEC_RI(ORI, a | imm)
EXEC_RI(ANDI, a & imm)
EXEC_RI(SLLI, a << imm)
EXEC_RI(SRLI, a >> imm)
EXEC_RI(SRAI, sra64(a, (unsigned)imm))

EXEC_RI(ADDIW, sext32(a + imm))
EXEC_RI(SLLIW, sext32(a << imm))
EXEC_RI(SRLIW, sext32((uint32_t)a >> imm))
EXEC_RI(SRAIW, sra32(a, (unsigned)imm))

EXEC_RR(ADD, a + b)
EXEC_RR(SUB, a - b)
EXEC_RR(SLT, (int64_t)a < (int64_t)b)
EXEC_RR(SLTU, a < b)
EXEC_RR(XOR, a ^ b)
EXEC_RR(OR, a | b)
EXEC_RR(AND, a & b)
EXEC_RR(SLL, a << (b & 63))
EXEC_RR(SRL, a >> (b & 63))
EXEC_RR(SRA, sra64(a, b & 63))

EXEC_RR(ADDW, sext32(a + b))
EXEC_RR(SUBW, sext32(a - b))
EXEC_RR(SLLW, sext32(a << (b & 31)))
EXEC_RR(SRLW, sext32((uint32_t)a >> (b & 31)))
EXEC_RR(SRAW, sra32(a, b & 31))

void exec_LUI(struct px_machine *m, const struct px_insn *in)
{
    px_set(m, in->rd, (uint64_t)(int64_t)in->imm);
}

void exec_AUIPC(struct px_machine *m, const struct px_insn *in)
{
    px_set(m, in->rd, (uint64_t)PX_CODE_BASE + m->pc + (uint64_t)(int64_t)in->imm);
}

/* One hart and no device: nothing to order. */
void exec_FENCE(struct px_machine *m, const struct px_insn *in)
{
    (void)m;
    (void)in;
}

void exec_FENCE_I(struct px_machine *m, const struct px_insn *in)
{
    (void)m;
    (void)in;
}
