/* I: arithmetic, logic, shifts, upper immediates, fences. Instructions that only write x0 never get here. */
#include "jit/lower.h"

/* rd = rs1 OP rs2, where rd may be either source. @size X64_32 leaves a result to be extended. */
static enum x64_reg two_sources(struct jit_compiler *c, enum x64_alu op, enum x64_size size, bool commutes)
{
    unsigned a = c->in->rs1, b = c->in->rs2;
    enum x64_reg d = jit_target(c->in->rd, RAX);
    if (c->in->rd == b && a != b && jit_home[b] != X64_NO_REG) {
        if (commutes) {
            jit_alu(c, op, size, d, a);
            return d;
        }
        d = RAX; /* d holds the right operand */
    }
    jit_move(c, d, a);
    jit_alu(c, op, size, d, b);
    return d;
}

static void lower_rr(struct jit_compiler *c, enum x64_alu op, bool commutes)
{
    jit_write(c, c->in->rd, two_sources(c, op, X64_64, commutes));
}

static void lower_rr_w(struct jit_compiler *c, enum x64_alu op, bool commutes)
{
    write_sext32(c, two_sources(c, op, X64_32, commutes));
}

static void lower_ri(struct jit_compiler *c, enum x64_alu op)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    jit_move(c, d, c->in->rs1);
    x64_alu_ri(&c->e, op, X64_64, d, c->in->imm);
    jit_write(c, c->in->rd, d);
}

static void load_constant(struct jit_compiler *c, uint64_t value)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_mov_ri(&c->e, d, value);
    jit_write(c, c->in->rd, d);
}

LOWER(LUI)
{
    load_constant(c, (uint64_t)(int64_t)c->in->imm);
}

LOWER(AUIPC)
{
    load_constant(c, (uint64_t)PX_CODE_BASE + c->pc + (uint64_t)(int64_t)c->in->imm);
}

LOWER(ADDI)
{
    if (c->in->rs1 == 0) {
        load_constant(c, (uint64_t)(int64_t)c->in->imm);
        return;
    }
    enum x64_reg d = jit_target(c->in->rd, RAX), a = jit_home[c->in->rs1];
    if (c->in->imm == 0) {
        jit_move(c, d, c->in->rs1);
    } else if (a != X64_NO_REG && a != d) {
        x64_lea(&c->e, X64_64, d, x64_at(a, c->in->imm));
    } else {
        jit_move(c, d, c->in->rs1);
        x64_alu_ri(&c->e, X64_ADD, X64_64, d, c->in->imm);
    }
    jit_write(c, c->in->rd, d);
}

LOWER(XORI)
{
    lower_ri(c, X64_XOR);
}

LOWER(ORI)
{
    lower_ri(c, X64_OR);
}

LOWER(ANDI)
{
    lower_ri(c, X64_AND);
}

/* rd = the condition, 0 or 1. */
static void write_condition(struct jit_compiler *c, enum x64_cond cond)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_setcc(&c->e, cond, RAX);
    x64_extend(&c->e, X64_U8, d, RAX);
    jit_write(c, c->in->rd, d);
}

LOWER(SLTI)
{
    x64_alu_ri(&c->e, X64_CMP, X64_64, jit_read(c, c->in->rs1, RAX), c->in->imm);
    write_condition(c, X64_L);
}

LOWER(SLTIU)
{
    x64_alu_ri(&c->e, X64_CMP, X64_64, jit_read(c, c->in->rs1, RAX), c->in->imm);
    write_condition(c, X64_B);
}

LOWER(SLT)
{
    jit_alu(c, X64_CMP, X64_64, jit_read(c, c->in->rs1, RAX), c->in->rs2);
    write_condition(c, X64_L);
}

LOWER(SLTU)
{
    jit_alu(c, X64_CMP, X64_64, jit_read(c, c->in->rs1, RAX), c->in->rs2);
    write_condition(c, X64_B);
}

LOWER(ADD)
{
    enum x64_reg a = jit_home[c->in->rs1], b = jit_home[c->in->rs2], d = jit_target(c->in->rd, RAX);
    if (a != X64_NO_REG && b != X64_NO_REG && a != d && b != d) {
        x64_lea(&c->e, X64_64, d, x64_scaled(a, b, 1));
        jit_write(c, c->in->rd, d);
    } else if (c->in->rs1 == 0 || c->in->rs2 == 0) {
        jit_move(c, d, c->in->rs1 ? c->in->rs1 : c->in->rs2);
        jit_write(c, c->in->rd, d);
    } else {
        lower_rr(c, X64_ADD, true);
    }
}

LOWER(SUB)
{
    lower_rr(c, X64_SUB, false);
}

LOWER(XOR)
{
    lower_rr(c, X64_XOR, true);
}

LOWER(OR)
{
    lower_rr(c, X64_OR, true);
}

LOWER(AND)
{
    lower_rr(c, X64_AND, true);
}

LOWER(ADDIW)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    if (c->in->imm != 0) {
        x64_lea(&c->e, X64_32, RAX, x64_at(a, c->in->imm));
        a = RAX;
    }
    write_sext32(c, a);
}

LOWER(ADDW)
{
    lower_rr_w(c, X64_ADD, true);
}

LOWER(SUBW)
{
    lower_rr_w(c, X64_SUB, false);
}

static void shift_imm(struct jit_compiler *c, enum x64_shift op)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    jit_move(c, d, c->in->rs1);
    x64_shift_ri(&c->e, op, X64_64, d, (unsigned)c->in->imm);
    jit_write(c, c->in->rd, d);
}

LOWER(SLLI)
{
    shift_imm(c, X64_SHL);
}

LOWER(SRLI)
{
    shift_imm(c, X64_SHR);
}

LOWER(SRAI)
{
    shift_imm(c, X64_SAR);
}

static void shift_imm_w(struct jit_compiler *c, enum x64_shift op)
{
    jit_move(c, RAX, c->in->rs1);
    x64_shift_ri(&c->e, op, X64_32, RAX, (unsigned)c->in->imm);
    write_sext32(c, RAX);
}

LOWER(SLLIW)
{
    shift_imm_w(c, X64_SHL);
}

LOWER(SRLIW)
{
    shift_imm_w(c, X64_SHR);
}

LOWER(SRAIW)
{
    shift_imm_w(c, X64_SAR);
}

/* The host masks counts to the operation size as the guest does. */
static enum x64_reg shift_reg(struct jit_compiler *c, enum x64_shift op, enum x64_size size)
{
    if (!(c->cpu & JIT_CPU_BMI2)) {
        jit_shift_by_cl(c, op, size);
        return RAX;
    }
    enum x64_reg a = jit_read(c, c->in->rs1, RAX), n = jit_read(c, c->in->rs2, RDX);
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_shiftx(&c->e, op, size, d, a, n);
    return d;
}

LOWER(SLL)
{
    jit_write(c, c->in->rd, shift_reg(c, X64_SHL, X64_64));
}

LOWER(SRL)
{
    jit_write(c, c->in->rd, shift_reg(c, X64_SHR, X64_64));
}

LOWER(SRA)
{
    jit_write(c, c->in->rd, shift_reg(c, X64_SAR, X64_64));
}

LOWER(SLLW)
{
    write_sext32(c, shift_reg(c, X64_SHL, X64_32));
}

LOWER(SRLW)
{
    write_sext32(c, shift_reg(c, X64_SHR, X64_32));
}

LOWER(SRAW)
{
    write_sext32(c, shift_reg(c, X64_SAR, X64_32));
}

LOWER(FENCE)
{
    (void)c;
}

LOWER(FENCE_I)
{
    (void)c;
}
