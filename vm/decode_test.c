/*
 * 4-byte words decoded twice: by px_decode_word and by the model below, which is written from the opcode
 * tables of the manuals and ISA.md 3 and 5 without isa.def or fields.h. Its tables go by funct7 where
 * isa.def goes by funct3, so that a slip in one is not a slip in the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "vm/isa.h"
#include "vm/test_insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct px_insn illegal_4 = { .op = PX_OP_ILLEGAL, .len = 4 };
static const struct px_insn illegal_2 = { .op = PX_OP_ILLEGAL, .len = 2 };

struct fields {
    unsigned rd, funct3, rs1, rs2, funct7;
};

/* OP, by funct7 and funct3. */
static unsigned op_row(struct fields f)
{
    static const uint8_t rows[128][8] = {
        [0x00] = { PX_OP_ADD, PX_OP_SLL, PX_OP_SLT, PX_OP_SLTU, PX_OP_XOR, PX_OP_SRL, PX_OP_OR, PX_OP_AND },
        [0x01] = { PX_OP_MUL, PX_OP_MULH, PX_OP_MULHSU, PX_OP_MULHU, PX_OP_DIV, PX_OP_DIVU, PX_OP_REM,
                   PX_OP_REMU },
        [0x05] = { [4] = PX_OP_MIN, [5] = PX_OP_MINU, [6] = PX_OP_MAX, [7] = PX_OP_MAXU },
        [0x07] = { [5] = PX_OP_CZERO_EQZ, [7] = PX_OP_CZERO_NEZ },
        [0x10] = { [2] = PX_OP_SH1ADD, [4] = PX_OP_SH2ADD, [6] = PX_OP_SH3ADD },
        [0x14] = { [1] = PX_OP_BSET },
        [0x20] = { [0] = PX_OP_SUB, [4] = PX_OP_XNOR, [5] = PX_OP_SRA, [6] = PX_OP_ORN, [7] = PX_OP_ANDN },
        [0x24] = { [1] = PX_OP_BCLR, [5] = PX_OP_BEXT },
        [0x30] = { [1] = PX_OP_ROL, [5] = PX_OP_ROR },
        [0x34] = { [1] = PX_OP_BINV },
    };
    return rows[f.funct7][f.funct3];
}

static unsigned op_32_row(struct fields f)
{
    static const uint8_t rows[128][8] = {
        [0x00] = { [0] = PX_OP_ADDW, [1] = PX_OP_SLLW, [5] = PX_OP_SRLW },
        [0x01] = { [0] = PX_OP_MULW,
                   [4] = PX_OP_DIVW,
                   [5] = PX_OP_DIVUW,
                   [6] = PX_OP_REMW,
                   [7] = PX_OP_REMUW },
        [0x04] = { [0] = PX_OP_ADD_UW, [4] = PX_OP_ZEXT_H },
        [0x10] = { [2] = PX_OP_SH1ADD_UW, [4] = PX_OP_SH2ADD_UW, [6] = PX_OP_SH3ADD_UW },
        [0x20] = { [0] = PX_OP_SUBW, [5] = PX_OP_SRAW },
        [0x30] = { [1] = PX_OP_ROLW, [5] = PX_OP_RORW },
    };
    unsigned op = rows[f.funct7][f.funct3];
    return op == PX_OP_ZEXT_H && f.rs2 != 0 ? PX_OP_ILLEGAL : op;
}

/* OP-IMM funct3 001 and 101. A 6-bit shamt takes the low bit of funct7. */
static unsigned shift_row(struct fields f)
{
    static const uint8_t left[64] = {
        [0x00] = PX_OP_SLLI, [0x0a] = PX_OP_BSETI, [0x12] = PX_OP_BCLRI, [0x1a] = PX_OP_BINVI
    };
    static const uint8_t right[64] = {
        [0x00] = PX_OP_SRLI, [0x10] = PX_OP_SRAI, [0x12] = PX_OP_BEXTI, [0x18] = PX_OP_RORI
    };
    static const uint8_t unary[32] = {
        [0] = PX_OP_CLZ, [1] = PX_OP_CTZ, [2] = PX_OP_CPOP, [4] = PX_OP_SEXT_B, [5] = PX_OP_SEXT_H
    };
    unsigned funct12 = f.funct7 << 5 | f.rs2;
    if (f.funct3 == 1)
        return f.funct7 == 0x30 ? unary[f.rs2] : left[f.funct7 >> 1];
    if (funct12 == 0x287)
        return PX_OP_ORC_B;
    return funct12 == 0x6b8 ? PX_OP_REV8 : right[f.funct7 >> 1];
}

/* OP-IMM-32 funct3 001 and 101: a W shift with inst[25] = 1 is illegal, slli.uw is not a W shift. */
static unsigned shift_w_row(struct fields f)
{
    static const uint8_t unary[32] = { [0] = PX_OP_CLZW, [1] = PX_OP_CTZW, [2] = PX_OP_CPOPW };
    if (f.funct3 == 1 && f.funct7 >> 1 == 0x02)
        return PX_OP_SLLI_UW;
    switch (f.funct7) {
    case 0x00:
        return f.funct3 == 1 ? PX_OP_SLLIW : PX_OP_SRLIW;
    case 0x20:
        return f.funct3 == 5 ? PX_OP_SRAIW : PX_OP_ILLEGAL;
    case 0x30:
        return f.funct3 == 5 ? PX_OP_RORIW : unary[f.rs2];
    default:
        return PX_OP_ILLEGAL;
    }
}

/* Opcodes whose funct3 alone decides. 0 is PX_OP_ILLEGAL. */
static unsigned plain_row(uint32_t word, unsigned funct3)
{
    static const uint8_t loads[8] = {
        PX_OP_LB, PX_OP_LH, PX_OP_LW, PX_OP_LD, PX_OP_LBU, PX_OP_LHU, PX_OP_LWU
    };
    static const uint8_t stores[8] = { PX_OP_SB, PX_OP_SH, PX_OP_SW, PX_OP_SD };
    static const uint8_t branches[8] = { PX_OP_BEQ, PX_OP_BNE, 0,          0,
                                         PX_OP_BLT, PX_OP_BGE, PX_OP_BLTU, PX_OP_BGEU };
    static const uint8_t immediates[8] = { [0] = PX_OP_ADDI, [2] = PX_OP_SLTI, [3] = PX_OP_SLTIU,
                                           [4] = PX_OP_XORI, [6] = PX_OP_ORI,  [7] = PX_OP_ANDI };
    switch (word & 0x7f) {
    case 0x03:
        return loads[funct3];
    case 0x0f:
        return funct3 == 0 ? PX_OP_FENCE : funct3 == 1 ? PX_OP_FENCE_I : PX_OP_ILLEGAL;
    case 0x13:
        return immediates[funct3];
    case 0x17:
        return PX_OP_AUIPC;
    case 0x1b:
        return funct3 == 0 ? PX_OP_ADDIW : PX_OP_ILLEGAL;
    case 0x23:
        return stores[funct3];
    case 0x37:
        return PX_OP_LUI;
    case 0x63:
        return branches[funct3];
    case 0x67:
        return funct3 == 0 ? PX_OP_JALR : PX_OP_ILLEGAL;
    case 0x6f:
        return PX_OP_JAL;
    default:
        return PX_OP_ILLEGAL;
    }
}

static int32_t sign_extended(uint32_t value, unsigned bits)
{
    return value >> (bits - 1) & 1 ? (int32_t)((int64_t)value - (INT64_C(1) << bits)) : (int32_t)value;
}

static int32_t store_offset(uint32_t w)
{
    return sign_extended((w >> 25) << 5 | (w >> 7 & 31), 12);
}

static int32_t branch_offset(uint32_t w)
{
    return sign_extended((w >> 31) << 12 | (w >> 7 & 1) << 11 | (w >> 25 & 63) << 5 | (w >> 8 & 15) << 1, 13);
}

static int32_t jal_offset(uint32_t w)
{
    return sign_extended(
        (w >> 31) << 20 | (w >> 12 & 255) << 12 | (w >> 20 & 1) << 11 | (w >> 21 & 1023) << 1, 21);
}

static struct px_insn make(unsigned op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    if (op == PX_OP_ILLEGAL || rd > 15 || rs1 > 15 || rs2 > 15)
        return illegal_4;
    return (struct px_insn){
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
}

/* OP-IMM and OP-IMM-32. */
static struct px_insn immediate_insn(uint32_t w, struct fields f, bool word_sized)
{
    if (f.funct3 != 1 && f.funct3 != 5)
        return make(plain_row(w, f.funct3), f.rd, f.rs1, 0, sign_extended(w >> 20, 12));
    unsigned op = word_sized ? shift_w_row(f) : shift_row(f);
    /* clz and its like have funct7 0x30 and shift left; what shifts right there is a rotation. */
    bool unary = (f.funct3 == 1 && f.funct7 == 0x30) || op == PX_OP_ORC_B || op == PX_OP_REV8;
    return make(op, f.rd, f.rs1, 0, unary ? 0 : (int32_t)(w >> 20 & 63)); /* bit 25 of a W shift is 0 */
}

static struct px_insn custom_0(uint32_t w, struct fields f)
{
    uint32_t selector = (w >> 15) | (w >> 7 & 7) << 17;
    if (f.funct3 == 2)
        return w >> 10 & 3 ? illegal_4 : make(PX_OP_ECALLI, 0, 0, 0, sign_extended(selector, 20));
    switch (w) {
    case 0x0000000b:
        return make(PX_OP_TRAP, 0, 0, 0, 0);
    case 0x0000100b:
        return make(PX_OP_ECALL_JAR, 0, 0, 0, 0);
    case 0x0000400b:
        return make(PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    default:
        return illegal_4;
    }
}

static struct px_insn expected_insn(uint32_t w)
{
    struct fields f = { w >> 7 & 31, w >> 12 & 7, w >> 15 & 31, w >> 20 & 31, w >> 25 };
    unsigned op = plain_row(w, f.funct3);
    switch (w & 0x7f) {
    case 0x03:
    case 0x67:
        return make(op, f.rd, f.rs1, 0, sign_extended(w >> 20, 12));
    case 0x0b:
        return custom_0(w, f);
    case 0x0f: /* no field of a fence names a register, whatever its value */
        return make(op, 0, 0, 0, (int32_t)((w >> 15) << 5 | f.rd));
    case 0x13:
        return immediate_insn(w, f, false);
    case 0x1b:
        return immediate_insn(w, f, true);
    case 0x17:
    case 0x37:
        return make(op, f.rd, 0, 0, sign_extended(w & 0xfffff000, 32));
    case 0x23:
        return make(op, 0, f.rs1, f.rs2, store_offset(w));
    case 0x33:
        return make(op_row(f), f.rd, f.rs1, f.rs2, 0);
    case 0x3b:
        return make(op_32_row(f), f.rd, f.rs1, op_32_row(f) == PX_OP_ZEXT_H ? 0 : f.rs2, 0);
    case 0x63:
        return make(op, 0, f.rs1, f.rs2, branch_offset(w));
    case 0x6f:
        return make(op, f.rd, 0, 0, jal_offset(w));
    case 0x73:
        return make(w == 0x73 ? PX_OP_ECALL : w == 0x100073 ? PX_OP_EBREAK : PX_OP_ILLEGAL, 0, 0, 0, 0);
    default: /* no such opcode here; 11111 in bits 4..0 is a longer encoding */
        return illegal_4;
    }
}

/* All of opcode, funct3, funct7 and rs2, with registers at the edges of what a field may name. */
static void every_opcode_and_function_code_decodes_as_the_manuals_say(void **state)
{
    (void)state;
    static const struct {
        uint32_t rd, rs1;
    } registers[] = { { 0, 0 }, { 1, 2 }, { 15, 15 }, { 16, 1 }, { 1, 16 }, { 31, 31 }, { 8, 0 }, { 4, 31 } };
    for (uint32_t head = 0; head < 1u << 20; head++) {
        uint32_t word = 3 | (head & 31) << 2 | (head >> 5 & 7) << 12 | (head >> 8) << 20;
        for (size_t i = 0; i < COUNT(registers); i++) {
            uint32_t whole = word | registers[i].rd << 7 | registers[i].rs1 << 15;
            test_expect_insn(whole, px_decode_word(whole), expected_insn(whole));
        }
    }
}

static void random_words_decode_as_the_manuals_say(void **state)
{
    (void)state;
    uint64_t random = 2;
    for (unsigned i = 0; i < 1000000; i++) {
        uint32_t word = (uint32_t)test_random(&random) | 3;
        test_expect_insn(word, px_decode_word(word), expected_insn(word));
        word &= ~UINT32_C(0x01088800); /* the same with every register field below x16 */
        test_expect_insn(word, px_decode_word(word), expected_insn(word));
    }
}

static void every_word_of_custom_0_with_funct3_2_decodes_as_isa_md_5_says(void **state)
{
    (void)state;
    uint32_t legal = 0;
    for (uint32_t bits = 0; bits < 1u << 22; bits++) {
        uint32_t word = 0x200b | (bits & 31) << 7 | (bits >> 5) << 15;
        struct px_insn got = px_decode_word(word);
        test_expect_insn(word, got, custom_0(word, (struct fields){ .funct3 = 2 }));
        legal += got.op == PX_OP_ECALLI;
    }
    assert_int_equal(legal, 1 << 20);
}

static void words_one_bit_away_from_an_operandless_instruction_are_not_it(void **state)
{
    (void)state;
    static const struct {
        uint32_t word;
        enum px_op op;
    } exact[] = { { 0x0000000b, PX_OP_TRAP },
                  { 0x0000100b, PX_OP_ECALL_JAR },
                  { 0x0000400b, PX_OP_FALLTHROUGH },
                  { 0x00000073, PX_OP_ECALL },
                  { 0x00100073, PX_OP_EBREAK } };
    for (size_t i = 0; i < COUNT(exact); i++) {
        test_expect_insn(exact[i].word, px_decode_word(exact[i].word), make(exact[i].op, 0, 0, 0, 0));
        for (unsigned bit = 2; bit < 32; bit++) {
            uint32_t other = exact[i].word ^ 1u << bit;
            test_expect_insn(other, px_decode_word(other), expected_insn(other));
            assert_int_not_equal(px_decode_word(other).op, exact[i].op);
        }
    }
}

/* Encodings by llvm-mc-19, fields by eye. */
static void immediates_at_the_edges_of_each_format_decode_to_their_values(void **state)
{
    (void)state;
    static const struct {
        uint32_t word;
        struct px_insn insn;
    } golden[] = {
        { 0x80070793, { PX_OP_ADDI, 0, 4, 15, 14, 0, -2048 } }, /* addi a5, a4, -2048 */
        { 0x7ff70793, { PX_OP_ADDI, 0, 4, 15, 14, 0, 2047 } }, /* addi a5, a4, 2047 */
        { 0x80073783, { PX_OP_LD, 0, 4, 15, 14, 0, -2048 } }, /* ld a5, -2048(a4) */
        { 0x7ff78083, { PX_OP_LB, 0, 4, 1, 15, 0, 2047 } }, /* lb ra, 2047(a5) */
        { 0x800780e7, { PX_OP_JALR, 0, 4, 1, 15, 0, -2048 } }, /* jalr ra, -2048(a5) */
        { 0x80f73023, { PX_OP_SD, 0, 4, 0, 14, 15, -2048 } }, /* sd a5, -2048(a4) */
        { 0x7e178fa3, { PX_OP_SB, 0, 4, 0, 15, 1, 2047 } }, /* sb ra, 2047(a5) */
        { 0x02849023, { PX_OP_SH, 0, 4, 0, 9, 8, 32 } }, /* sh s0, 32(s1) */
        { 0x80e78063, { PX_OP_BEQ, 0, 4, 0, 15, 14, -4096 } }, /* beq a5, a4, -4096 */
        { 0x7ef0ffe3, { PX_OP_BGEU, 0, 4, 0, 1, 15, 4094 } }, /* bgeu ra, a5, 4094 */
        { 0x009440e3, { PX_OP_BLT, 0, 4, 0, 8, 9, 2048 } }, /* blt s0, s1, 2048 */
        { 0x02946063, { PX_OP_BLTU, 0, 4, 0, 8, 9, 32 } }, /* bltu s0, s1, 32 */
        { 0xfffff7b7, { PX_OP_LUI, 0, 4, 15, 0, 0, -4096 } }, /* lui a5, 1048575 */
        { 0x800007b7, { PX_OP_LUI, 0, 4, 15, 0, 0, INT32_MIN } }, /* lui a5, 524288 */
        { 0x00001097, { PX_OP_AUIPC, 0, 4, 1, 0, 0, 4096 } }, /* auipc ra, 1 */
        { 0x800000ef, { PX_OP_JAL, 0, 4, 1, 0, 0, -1048576 } }, /* jal ra, -1048576 */
        { 0x7ffff7ef, { PX_OP_JAL, 0, 4, 15, 0, 0, 1048574 } }, /* jal a5, 1048574 */
        { 0x0010006f, { PX_OP_JAL, 0, 4, 0, 0, 0, 2048 } }, /* jal zero, 2048 */
        { 0x0000106f, { PX_OP_JAL, 0, 4, 0, 0, 0, 4096 } }, /* jal zero, 4096 */
        { 0x03f71793, { PX_OP_SLLI, 0, 4, 15, 14, 0, 63 } }, /* slli a5, a4, 63 */
        { 0x0bf7179b, { PX_OP_SLLI_UW, 0, 4, 15, 14, 0, 63 } }, /* slli.uw a5, a4, 63 */
        { 0x01f7179b, { PX_OP_SLLIW, 0, 4, 15, 14, 0, 31 } }, /* slliw a5, a4, 31 */
        { 0x6007d09b, { PX_OP_RORIW, 0, 4, 1, 15, 0, 0 } }, /* roriw ra, a5, 0 */
        { 0x0000200b, { PX_OP_ECALLI, 0, 4, 0, 0, 0, 0 } }, /* ecalli 0 */
        { 0xffffa38b, { PX_OP_ECALLI, 0, 4, 0, 0, 0, -1 } }, /* ecalli -1 */
        { 0xffffa18b, { PX_OP_ECALLI, 0, 4, 0, 0, 0, 524287 } }, /* ecalli 524287 */
        { 0x0000220b, { PX_OP_ECALLI, 0, 4, 0, 0, 0, -524288 } }, /* ecalli -524288 */
        { 0x0000a00b, { PX_OP_ECALLI, 0, 4, 0, 0, 0, 1 } }, /* ecalli 1 */
    };
    for (size_t i = 0; i < COUNT(golden); i++)
        test_expect_insn(golden[i].word, px_decode_word(golden[i].word), golden[i].insn);
}

/* Decodes from a heap copy of exactly @size bytes, so that a sanitizer sees a read past the end. */
static struct px_insn decode_copy(const uint8_t *code, size_t size, size_t offset)
{
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, code, size);
    struct px_insn insn = px_decode(copy, size, offset);
    free(copy);
    return insn;
}

static void an_instruction_cut_by_the_end_of_code_is_illegal_with_its_own_length(void **state)
{
    (void)state;
    static const uint8_t wide[] = { 0x13, 0x05, 0x15, 0x00 };   /* addi a0, a0, 1 */
    static const uint8_t narrow[] = { 0x05, 0x05, 0x13, 0x05 }; /* c.addi a0, 1 */
    static const uint8_t longer[] = { 0x1f, 0x00, 0x00, 0x00 }; /* bits 4..0 are 11111 */
    const struct px_insn addi = make(PX_OP_ADDI, 10, 10, 0, 1);
    struct px_insn c_addi = addi;
    c_addi.rvc = PX_C_ADDI;
    c_addi.len = 2;
    for (size_t left = 1; left <= 4; left++) {
        test_expect_insn((uint32_t)left, decode_copy(wide, left, 0), left == 4 ? addi : illegal_4);
        test_expect_insn((uint32_t)left, decode_copy(narrow, left, 0), left >= 2 ? c_addi : illegal_2);
        test_expect_insn((uint32_t)left, decode_copy(longer, left, 0), illegal_4);
    }
}

static void decoding_at_an_offset_sees_the_bytes_from_there_to_the_end(void **state)
{
    (void)state;
    uint64_t random = 3;
    uint8_t code[24];
    for (unsigned round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof code; i++)
            code[i] = (uint8_t)test_random(&random);
        for (size_t size = 1; size <= sizeof code; size++) {
            for (size_t offset = 0; offset < size; offset++) {
                unsigned length = (code[offset] & 3) == 3 ? 4 : 2;
                uint32_t word = 0;
                for (size_t i = 0; i < length && offset + i < size; i++)
                    word |= (uint32_t)code[offset + i] << 8 * i;
                bool inside = length <= size - offset;
                test_expect_insn(word, decode_copy(code, size, offset),
                                 inside        ? px_decode_word(word)
                                 : length == 4 ? illegal_4
                                               : illegal_2);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opcode_and_function_code_decodes_as_the_manuals_say),
        cmocka_unit_test(random_words_decode_as_the_manuals_say),
        cmocka_unit_test(every_word_of_custom_0_with_funct3_2_decodes_as_isa_md_5_says),
        cmocka_unit_test(words_one_bit_away_from_an_operandless_instruction_are_not_it),
        cmocka_unit_test(immediates_at_the_edges_of_each_format_decode_to_their_values),
        cmocka_unit_test(an_instruction_cut_by_the_end_of_code_is_illegal_with_its_own_length),
        cmocka_unit_test(decoding_at_an_offset_sees_the_bytes_from_there_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
