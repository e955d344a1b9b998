/*
 * Every halfword decoded twice: by px_decode_word and by the model below, which is written from the tables
 * of the manual's C chapter and ISA.md 3, bit by bit, without the rows of isa.def or the lists of fields.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vm/isa.h"
#include "vm/test_insn.h"

/* No immediate bit at this place of the halfword. */
#define N (-1)

/* @to[k]: which immediate bit is at bit 12 - k of @half, as the manual's tables list them. */
static uint32_t scattered(uint32_t half, const int8_t to[11])
{
    uint32_t imm = 0;
    for (unsigned k = 0; k < 11; k++)
        if (to[k] != N)
            imm |= (half >> (12 - k) & 1) << to[k];
    return imm;
}

static int32_t negative_if(uint32_t imm, unsigned sign_bit)
{
    return (imm >> sign_bit & 1) ? (int32_t)imm - (int32_t)(UINT32_C(2) << sign_bit) : (int32_t)imm;
}

/* Positions: bit 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2. */
static const int8_t ci_bits[11] = { 5, N, N, N, N, N, 4, 3, 2, 1, 0 };
static const int8_t lui_bits[11] = { 17, N, N, N, N, N, 16, 15, 14, 13, 12 };
static const int8_t addi16sp_bits[11] = { 9, N, N, N, N, N, 4, 6, 8, 7, 5 };
static const int8_t addi4spn_bits[11] = { 5, 4, 9, 8, 7, 6, 2, 3, N, N, N };
static const int8_t word_bits[11] = { 5, 4, 3, N, N, N, 2, 6, N, N, N };
static const int8_t double_bits[11] = { 5, 4, 3, N, N, N, 7, 6, N, N, N };
static const int8_t lwsp_bits[11] = { 5, N, N, N, N, N, 4, 3, 2, 7, 6 };
static const int8_t ldsp_bits[11] = { 5, N, N, N, N, N, 4, 3, 8, 7, 6 };
static const int8_t swsp_bits[11] = { 5, 4, 3, 2, 7, 6, N, N, N, N, N };
static const int8_t sdsp_bits[11] = { 5, 4, 3, 8, 7, 6, N, N, N, N, N };
static const int8_t jump_bits[11] = { 11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5 };
static const int8_t branch_bits[11] = { 8, 4, 3, N, N, N, 7, 6, 2, 1, 5 };

#undef N

static const struct px_insn illegal = { .op = PX_OP_ILLEGAL, .len = 2 };

static struct px_insn insn(enum px_op op, enum px_rvc row, unsigned rd, unsigned rs1, unsigned rs2,
                           int32_t imm)
{
    if (rd > 15 || rs1 > 15 || rs2 > 15)
        return illegal; /* before HINTs: illegality wins */
    return (struct px_insn){ .op = (uint8_t)op,
                             .rvc = (uint8_t)row,
                             .len = 2,
                             .rd = (uint8_t)rd,
                             .rs1 = (uint8_t)rs1,
                             .rs2 = (uint8_t)rs2,
                             .imm = imm };
}

static struct px_insn quadrant_0(uint32_t half)
{
    unsigned low = 8 + (half >> 2 & 7), high = 8 + (half >> 7 & 7);
    int32_t w = (int32_t)scattered(half, word_bits), d = (int32_t)scattered(half, double_bits);
    int32_t spn = (int32_t)scattered(half, addi4spn_bits);
    switch (half >> 13) {
    case 0: /* nzuimm 0 is reserved, and 0x0000 is illegal by definition */
        return spn == 0 ? illegal : insn(PX_OP_ADDI, PX_C_ADDI4SPN, low, 2, 0, spn);
    case 2:
        return insn(PX_OP_LW, PX_C_LW, low, high, 0, w);
    case 3:
        return insn(PX_OP_LD, PX_C_LD, low, high, 0, d);
    case 6:
        return insn(PX_OP_SW, PX_C_SW, 0, high, low, w);
    case 7:
        return insn(PX_OP_SD, PX_C_SD, 0, high, low, d);
    default: /* 1, 5: c.fld, c.fsd; 4: reserved */
        return illegal;
    }
}

/* Quadrant 1, funct3 100: shifts, c.andi, and the two-register forms. */
static struct px_insn arithmetic(uint32_t half)
{
    unsigned rd = 8 + (half >> 7 & 7), rs2 = 8 + (half >> 2 & 7);
    uint32_t imm = scattered(half, ci_bits);
    switch (half >> 10 & 3) {
    case 0:
        return insn(PX_OP_SRLI, PX_C_SRLI, rd, rd, 0, (int32_t)imm);
    case 1:
        return insn(PX_OP_SRAI, PX_C_SRAI, rd, rd, 0, (int32_t)imm);
    case 2:
        return insn(PX_OP_ANDI, PX_C_ANDI, rd, rd, 0, negative_if(imm, 5));
    default:
        break;
    }
    switch ((half >> 12 & 1) << 2 | (half >> 5 & 3)) {
    case 0:
        return insn(PX_OP_SUB, PX_C_SUB, rd, rd, rs2, 0);
    case 1:
        return insn(PX_OP_XOR, PX_C_XOR, rd, rd, rs2, 0);
    case 2:
        return insn(PX_OP_OR, PX_C_OR, rd, rd, rs2, 0);
    case 3:
        return insn(PX_OP_AND, PX_C_AND, rd, rd, rs2, 0);
    case 4:
        return insn(PX_OP_SUBW, PX_C_SUBW, rd, rd, rs2, 0);
    case 5:
        return insn(PX_OP_ADDW, PX_C_ADDW, rd, rd, rs2, 0);
    default: /* bits 12, 11, 10 and 6 all 1 */
        return illegal;
    }
}

static struct px_insn lui_or_addi16sp(uint32_t half, unsigned rd)
{
    uint32_t sp = scattered(half, addi16sp_bits), upper = scattered(half, lui_bits);
    if (rd == 2)
        return sp == 0 ? illegal : insn(PX_OP_ADDI, PX_C_ADDI16SP, 2, 2, 0, negative_if(sp, 9));
    return upper == 0 ? illegal : insn(PX_OP_LUI, PX_C_LUI, rd, 0, 0, negative_if(upper, 17));
}

static struct px_insn quadrant_1(uint32_t half)
{
    unsigned rd = half >> 7 & 31, rs1 = 8 + (half >> 7 & 7);
    int32_t imm = negative_if(scattered(half, ci_bits), 5);
    int32_t branch = negative_if(scattered(half, branch_bits), 8);
    switch (half >> 13) {
    case 0:
        return insn(PX_OP_ADDI, rd == 0 ? PX_C_NOP : PX_C_ADDI, rd, rd, 0, imm);
    case 1:
        return rd == 0 ? illegal : insn(PX_OP_ADDIW, PX_C_ADDIW, rd, rd, 0, imm);
    case 2:
        return insn(PX_OP_ADDI, PX_C_LI, rd, 0, 0, imm);
    case 3:
        return lui_or_addi16sp(half, rd);
    case 4:
        return arithmetic(half);
    case 5:
        return insn(PX_OP_JAL, PX_C_J, 0, 0, 0, negative_if(scattered(half, jump_bits), 11));
    case 6:
        return insn(PX_OP_BEQ, PX_C_BEQZ, 0, rs1, 0, branch);
    default:
        return insn(PX_OP_BNE, PX_C_BNEZ, 0, rs1, 0, branch);
    }
}

/* Quadrant 2, funct3 100. */
static struct px_insn jumps_and_moves(uint32_t half)
{
    unsigned rd = half >> 7 & 31, rs2 = half >> 2 & 31;
    if (half >> 12 & 1) {
        if (rs2 != 0)
            return insn(PX_OP_ADD, PX_C_ADD, rd, rd, rs2, 0);
        return rd == 0 ? insn(PX_OP_EBREAK, PX_C_EBREAK, 0, 0, 0, 0)
                       : insn(PX_OP_JALR, PX_C_JALR, 1, rd, 0, 0);
    }
    if (rs2 != 0)
        return insn(PX_OP_ADD, PX_C_MV, rd, 0, rs2, 0);
    return rd == 0 ? illegal : insn(PX_OP_JALR, PX_C_JR, 0, rd, 0, 0);
}

static struct px_insn quadrant_2(uint32_t half)
{
    unsigned rd = half >> 7 & 31, rs2 = half >> 2 & 31;
    switch (half >> 13) {
    case 0:
        return insn(PX_OP_SLLI, PX_C_SLLI, rd, rd, 0, (int32_t)scattered(half, ci_bits));
    case 2:
        return rd == 0 ? illegal : insn(PX_OP_LW, PX_C_LWSP, rd, 2, 0, (int32_t)scattered(half, lwsp_bits));
    case 3:
        return rd == 0 ? illegal : insn(PX_OP_LD, PX_C_LDSP, rd, 2, 0, (int32_t)scattered(half, ldsp_bits));
    case 4:
        return jumps_and_moves(half);
    case 6:
        return insn(PX_OP_SW, PX_C_SWSP, 0, 2, rs2, (int32_t)scattered(half, swsp_bits));
    case 7:
        return insn(PX_OP_SD, PX_C_SDSP, 0, 2, rs2, (int32_t)scattered(half, sdsp_bits));
    default: /* 1, 5: c.fldsp, c.fsdsp */
        return illegal;
    }
}

static struct px_insn expected_insn(uint32_t half)
{
    switch (half & 3) {
    case 0:
        return quadrant_0(half);
    case 1:
        return quadrant_1(half);
    default:
        return quadrant_2(half);
    }
}

static void every_halfword_expands_as_the_manual_says(void **state)
{
    (void)state;
    unsigned legal = 0;
    for (uint32_t half = 0; half < 0x10000; half++) {
        if ((half & 3) == 3)
            continue;
        struct px_insn got = px_decode_word(half);
        test_expect_insn(half, got, expected_insn(half));
        legal += got.op != PX_OP_ILLEGAL;
    }
    /* Counted on paper, funct3 by funct3, so that a misreading shared by both sides shows. */
    unsigned q0 = (2048 - 8) + 4 * 2048;
    unsigned q1 = 16 * 64 + 15 * 64 + 16 * 64 + 16 * 63 + (2048 - 128) + 3 * 2048;
    unsigned q2 = 16 * 64 + 15 * 64 + 15 * 64 + (16 * 15 + 15) + (16 * 15 + 15 + 1) + 2 * 16 * 64;
    assert_int_equal(legal, q0 + q1 + q2);
}

static void halfwords_that_end_in_11_are_never_compressed(void **state)
{
    (void)state;
    for (uint32_t half = 3; half < 0x10000; half += 4) {
        struct px_insn got = px_decode_word(half);
        if (got.len != 4 || got.rvc != PX_C_NONE)
            fail_msg("%04x: length %u, row %s", half, got.len, px_rvcs[got.rvc].mnemonic);
    }
}

static void the_upper_half_of_a_word_is_not_part_of_a_compressed_instruction(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t half = 0; half < 0x10000; half++) {
        if ((half & 3) == 3)
            continue;
        uint32_t above = (uint32_t)test_random(&random) << 16;
        test_expect_insn(half | above, px_decode_word(half | above), expected_insn(half));
    }
}

/* The list of ISA.md 3, halfword by halfword: the model above could share a misreading with the rows. */
static void the_named_illegal_and_legal_halfwords_are_as_named(void **state)
{
    (void)state;
    static const uint16_t illegal_halves[] = {
        0x0000, /* defined illegal */
        0x0004, /* c.addi4spn s1, sp, 0 */
        0x2000, /* c.fld */
        0xa000, /* c.fsd */
        0x2002, /* c.fldsp */
        0xa002, /* c.fsdsp */
        0x8000, /* quadrant 0, funct3 100 */
        0x2001, /* c.addiw zero, 0 */
        0x2005, /* c.addiw zero, 1 */
        0x6001, /* c.lui zero, 0 */
        0x6101, /* c.addi16sp 0 */
        0x6081, /* c.lui ra, 0 */
        0x9c41, /* quadrant 1, funct3 100, bits 12, 11, 10 and 6 */
        0x9c61, /* the same, bit 5 too */
        0x4002, /* c.lwsp zero */
        0x6002, /* c.ldsp zero */
        0x8002, /* c.jr zero */
        0x0801, /* c.addi x16, 0: a hint, but x16 */
        0x4801, /* c.li x16, 0 */
        0x8042, /* c.mv zero, x16 */
        0x9042, /* c.add zero, x16 */
        0x8802, /* c.jr x16 */
        0xc042, /* c.swsp x16 */
    };
    static const uint16_t legal_halves[] = {
        0x0001, /* c.nop */
        0x0005, /* c.nop 1 */
        0x0081, /* c.addi ra, 0 */
        0x2081, /* c.addiw ra, 0: sext.w */
        0x4005, /* c.li zero, 1 */
        0x6005, /* c.lui zero, 1 */
        0x0006, /* c.slli zero, 1 */
        0x0002, /* c.slli zero, 0 */
        0x8006, /* c.mv zero, ra */
        0x9006, /* c.add zero, ra */
        0x0082, /* c.slli ra, 0 */
        0x8001, /* c.srli s0, 0 */
        0x8401, /* c.srai s0, 0 */
    };
    for (size_t i = 0; i < sizeof illegal_halves / sizeof *illegal_halves; i++)
        test_expect_insn(illegal_halves[i], px_decode_word(illegal_halves[i]), illegal);
    for (size_t i = 0; i < sizeof legal_halves / sizeof *legal_halves; i++)
        if (px_decode_word(legal_halves[i]).op == PX_OP_ILLEGAL)
            fail_msg("%04x is illegal", legal_halves[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_halfword_expands_as_the_manual_says),
        cmocka_unit_test(halfwords_that_end_in_11_are_never_compressed),
        cmocka_unit_test(the_upper_half_of_a_word_is_not_part_of_a_compressed_instruction),
        cmocka_unit_test(the_named_illegal_and_legal_halfwords_are_as_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
