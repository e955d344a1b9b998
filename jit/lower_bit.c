/* Zba, Zbb, Zbs and Zicond; each with a path for machines without the matching CPU feature. */
#include "jit/lower.h"

static void shift_add(struct jit_compiler *c, unsigned shift)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX), b = jit_read(c, c->in->rs2, RDX);
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_lea(&c->e, X64_64, d, x64_scaled(b, a, 1u << shift));
    jit_write(c, c->in->rd, d);
}

/* The same on the zero-extended low word of rs1. */
static void shift_add_uw(struct jit_compiler *c, unsigned shift)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX), b = jit_read(c, c->in->rs2, RDX);
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_extend(&c->e, X64_U32, RAX, a);
    x64_lea(&c->e, X64_64, d, x64_scaled(b, RAX, 1u << shift));
    jit_write(c, c->in->rd, d);
}

LOWER(SH1ADD)
{
    shift_add(c, 1);
}

LOWER(SH2ADD)
{
    shift_add(c, 2);
}

LOWER(SH3ADD)
{
    shift_add(c, 3);
}

LOWER(ADD_UW)
{
    shift_add_uw(c, 0);
}

LOWER(SH1ADD_UW)
{
    shift_add_uw(c, 1);
}

LOWER(SH2ADD_UW)
{
    shift_add_uw(c, 2);
}

LOWER(SH3ADD_UW)
{
    shift_add_uw(c, 3);
}

LOWER(SLLI_UW)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_extend(&c->e, X64_U32, d, jit_read(c, c->in->rs1, RAX));
    x64_shift_ri(&c->e, X64_SHL, X64_64, d, (unsigned)c->in->imm);
    jit_write(c, c->in->rd, d);
}

LOWER(ANDN)
{
    if (c->cpu & JIT_CPU_BMI1) {
        enum x64_reg a = jit_read(c, c->in->rs1, RAX), b = jit_read(c, c->in->rs2, RDX);
        enum x64_reg d = jit_target(c->in->rd, RAX);
        x64_andn(&c->e, X64_64, d, b, a);
        jit_write(c, c->in->rd, d);
        return;
    }
    jit_move(c, RAX, c->in->rs2);
    x64_unary(&c->e, X64_NOT, X64_64, RAX);
    jit_alu(c, X64_AND, X64_64, RAX, c->in->rs1);
    jit_write(c, c->in->rd, RAX);
}

LOWER(ORN)
{
    jit_move(c, RAX, c->in->rs2);
    x64_unary(&c->e, X64_NOT, X64_64, RAX);
    jit_alu(c, X64_OR, X64_64, RAX, c->in->rs1);
    jit_write(c, c->in->rd, RAX);
}

LOWER(XNOR)
{
    jit_move(c, RAX, c->in->rs1);
    jit_alu(c, X64_XOR, X64_64, RAX, c->in->rs2);
    x64_unary(&c->e, X64_NOT, X64_64, RAX);
    jit_write(c, c->in->rd, RAX);
}

/* rd = rs1, or rs2 when rs1 compares @cond to it. */
static void select_by_compare(struct jit_compiler *c, enum x64_cond cond)
{
    enum x64_reg b = jit_read(c, c->in->rs2, RDX);
    jit_move(c, RAX, c->in->rs1);
    x64_alu_rr(&c->e, X64_CMP, X64_64, RAX, b);
    x64_cmovcc(&c->e, cond, X64_64, RAX, b);
    jit_write(c, c->in->rd, RAX);
}

LOWER(MIN)
{
    select_by_compare(c, X64_G);
}

LOWER(MINU)
{
    select_by_compare(c, X64_A);
}

LOWER(MAX)
{
    select_by_compare(c, X64_L);
}

LOWER(MAXU)
{
    select_by_compare(c, X64_B);
}

LOWER(ROL)
{
    jit_shift_by_cl(c, X64_ROL, X64_64);
    jit_write(c, c->in->rd, RAX);
}

LOWER(ROR)
{
    jit_shift_by_cl(c, X64_ROR, X64_64);
    jit_write(c, c->in->rd, RAX);
}

LOWER(ROLW)
{
    jit_shift_by_cl(c, X64_ROL, X64_32);
    write_sext32(c, RAX);
}

LOWER(RORW)
{
    jit_shift_by_cl(c, X64_ROR, X64_32);
    write_sext32(c, RAX);
}

static enum x64_reg rotate_imm(struct jit_compiler *c, enum x64_size size)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    if (c->cpu & JIT_CPU_BMI2) {
        x64_rorx(&c->e, size, d, jit_read(c, c->in->rs1, RAX), (unsigned)c->in->imm);
    } else {
        jit_move(c, d, c->in->rs1);
        x64_shift_ri(&c->e, X64_ROR, size, d, (unsigned)c->in->imm);
    }
    return d;
}

LOWER(RORI)
{
    jit_write(c, c->in->rd, rotate_imm(c, X64_64));
}

LOWER(RORIW)
{
    write_sext32(c, rotate_imm(c, X64_32));
}

/*
 * Without lzcnt: bsr leaves its destination undefined for 0, so that case gets the value which the
 * final xor turns into the width.
 */
static void leading_zeros(struct jit_compiler *c, enum x64_size size)
{
    unsigned top = size == X64_64 ? 63 : 31;
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    if (c->cpu & JIT_CPU_LZCNT) {
        x64_scan(&c->e, X64_LZCNT, size, RAX, a);
    } else {
        x64_mov_ri(&c->e, RDX, 2 * top + 1);
        x64_scan(&c->e, X64_BSR, size, RAX, a);
        x64_cmovcc(&c->e, X64_E, X64_32, RAX, RDX);
        x64_alu_ri(&c->e, X64_XOR, X64_32, RAX, (int32_t)top);
    }
    jit_write(c, c->in->rd, RAX);
}

LOWER(CLZ)
{
    leading_zeros(c, X64_64);
}

LOWER(CLZW)
{
    leading_zeros(c, X64_32);
}

static void trailing_zeros(struct jit_compiler *c, enum x64_size size)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    if (c->cpu & JIT_CPU_BMI1) {
        x64_scan(&c->e, X64_TZCNT, size, RAX, a);
    } else {
        x64_mov_ri(&c->e, RDX, size == X64_64 ? 64 : 32);
        x64_scan(&c->e, X64_BSF, size, RAX, a);
        x64_cmovcc(&c->e, X64_E, X64_32, RAX, RDX);
    }
    jit_write(c, c->in->rd, RAX);
}

LOWER(CTZ)
{
    trailing_zeros(c, X64_64);
}

LOWER(CTZW)
{
    trailing_zeros(c, X64_32);
}

/* Without popcnt: shift the bits out one by one into the carry and add them up. */
static void count_bits(struct jit_compiler *c, enum x64_size size)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    if (c->cpu & JIT_CPU_POPCNT) {
        x64_scan(&c->e, X64_POPCNT, size, RAX, a);
    } else {
        x64_mov_rr(&c->e, size, RDX, a);
        x64_mov_ri(&c->e, RAX, 0);
        uint32_t loop = x64_offset(&c->e);
        x64_shift_ri(&c->e, X64_SHR, X64_64, RDX, 1);
        x64_alu_ri(&c->e, X64_ADC, X64_32, RAX, 0);
        x64_test_rr(&c->e, X64_64, RDX, RDX);
        x64_jcc(&c->e, X64_NE, loop);
    }
    jit_write(c, c->in->rd, RAX);
}

LOWER(CPOP)
{
    count_bits(c, X64_64);
}

LOWER(CPOPW)
{
    count_bits(c, X64_32);
}

static void extend(struct jit_compiler *c, enum x64_load kind)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_extend(&c->e, kind, d, jit_read(c, c->in->rs1, RAX));
    jit_write(c, c->in->rd, d);
}

LOWER(SEXT_B)
{
    extend(c, X64_S8);
}

LOWER(SEXT_H)
{
    extend(c, X64_S16);
}

LOWER(ZEXT_H)
{
    extend(c, X64_U16);
}

/*
 * (x & 0x7f..) + 0x7f.. sets a byte's top bit when its low seven bits are not 0; or-ing x adds its own
 * top bit. A set top bit t then becomes 2t - t/128, which is 0xff in its byte.
 */
LOWER(ORC_B)
{
    jit_move(c, RAX, c->in->rs1);
    x64_mov_ri(&c->e, RDX, UINT64_C(0x7f7f7f7f7f7f7f7f));
    x64_alu_rr(&c->e, X64_AND, X64_64, RAX, RDX);
    x64_alu_rr(&c->e, X64_ADD, X64_64, RAX, RDX);
    jit_alu(c, X64_OR, X64_64, RAX, c->in->rs1);
    x64_unary(&c->e, X64_NOT, X64_64, RDX);
    x64_alu_rr(&c->e, X64_AND, X64_64, RAX, RDX);
    x64_mov_rr(&c->e, X64_64, RDX, RAX);
    x64_shift_ri(&c->e, X64_SHR, X64_64, RDX, 7);
    x64_alu_rr(&c->e, X64_ADD, X64_64, RAX, RAX);
    x64_alu_rr(&c->e, X64_SUB, X64_64, RAX, RDX);
    jit_write(c, c->in->rd, RAX);
}

LOWER(REV8)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    jit_move(c, d, c->in->rs1);
    x64_bswap(&c->e, X64_64, d);
    jit_write(c, c->in->rd, d);
}

/* The host masks a register bit number to 6 bits as the guest does. */
static void change_bit(struct jit_compiler *c, enum x64_bit op)
{
    enum x64_reg n = jit_read(c, c->in->rs2, RDX);
    jit_move(c, RAX, c->in->rs1);
    x64_bit_rr(&c->e, op, X64_64, RAX, n);
    jit_write(c, c->in->rd, RAX);
}

LOWER(BCLR)
{
    change_bit(c, X64_BTR);
}

LOWER(BINV)
{
    change_bit(c, X64_BTC);
}

LOWER(BSET)
{
    change_bit(c, X64_BTS);
}

static void change_bit_imm(struct jit_compiler *c, enum x64_bit op)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    jit_move(c, d, c->in->rs1);
    x64_bit_ri(&c->e, op, X64_64, d, (unsigned)c->in->imm);
    jit_write(c, c->in->rd, d);
}

LOWER(BCLRI)
{
    change_bit_imm(c, X64_BTR);
}

LOWER(BINVI)
{
    change_bit_imm(c, X64_BTC);
}

LOWER(BSETI)
{
    change_bit_imm(c, X64_BTS);
}

static void write_carry(struct jit_compiler *c)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_setcc(&c->e, X64_B, RAX);
    x64_extend(&c->e, X64_U8, d, RAX);
    jit_write(c, c->in->rd, d);
}

LOWER(BEXT)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX), n = jit_read(c, c->in->rs2, RDX);
    x64_bit_rr(&c->e, X64_BT, X64_64, a, n);
    write_carry(c);
}

LOWER(BEXTI)
{
    x64_bit_ri(&c->e, X64_BT, X64_64, jit_read(c, c->in->rs1, RAX), (unsigned)c->in->imm);
    write_carry(c);
}

/* rd = rs1, or 0 when rs2 tests @cond against 0. */
static void select_zero(struct jit_compiler *c, enum x64_cond cond)
{
    enum x64_reg b = jit_read(c, c->in->rs2, RDX);
    jit_move(c, RAX, c->in->rs1);
    x64_test_rr(&c->e, X64_64, b, b);
    x64_mov_ri(&c->e, RDX, 0); /* leaves the flags; b has been read */
    x64_cmovcc(&c->e, cond, X64_64, RAX, RDX);
    jit_write(c, c->in->rd, RAX);
}

LOWER(CZERO_EQZ)
{
    select_zero(c, X64_E);
}

LOWER(CZERO_NEZ)
{
    select_zero(c, X64_NE);
}
