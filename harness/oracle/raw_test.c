/* The oracle's own reading of words, held against the decoder, which it does not share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/oracle/raw.h"
#include "vm/isa.h"
#include "vm/test_insn.h"

static struct raw read_one(uint32_t word)
{
    uint8_t code[sizeof word];
    memcpy(code, &word, sizeof code);
    return raw_read(code, sizeof code, 0);
}

/* What raw_read has to make of a legal instruction. */
static enum raw_kind kind_of(const struct px_insn *in)
{
    const struct px_op_info *op = &px_ops[in->op];
    switch (in->op) {
    case PX_OP_JAL:
        return in->rd == 0 ? RAW_JUMP : RAW_LINK;
    case PX_OP_JALR:
        return RAW_INDIRECT;
    case PX_OP_AUIPC:
        return in->rd == 0 ? RAW_NATIVE : RAW_AUIPC;
    case PX_OP_CTZW:
        return RAW_CTZW;
    case PX_OP_FALLTHROUGH:
        return RAW_FALLTHROUGH;
    case PX_OP_TRAP:
        return RAW_TRAP;
    case PX_OP_ECALL_JAR:
        return RAW_MANAGE;
    case PX_OP_ECALLI:
        return RAW_HOSTCALL;
    case PX_OP_ECALL:
    case PX_OP_EBREAK:
        return RAW_STANDARD;
    default:
        break;
    }
    if (op->effects & PX_EFF_BRANCH)
        return RAW_BRANCH;
    if (op->extension == PX_EXT_ZICOND)
        return RAW_ZICOND;
    return op->effects & PX_EFF_LOAD ? RAW_LOAD : op->effects & PX_EFF_STORE ? RAW_STORE : RAW_NATIVE;
}

static bool same_fields(const struct raw *raw, const struct px_insn *in)
{
    const struct px_op_info *op = &px_ops[in->op];
    unsigned width = 1u << PX_EFF_WIDTH_LOG2(op->effects);
    switch (raw->kind) {
    case RAW_LOAD:
        return raw->rd == in->rd && raw->rs1 == in->rs1 && raw->imm == in->imm && raw->width == width &&
               raw->sign_extends == !(op->match >> 14 & 1);
    case RAW_STORE:
        return raw->rs2 == in->rs2 && raw->rs1 == in->rs1 && raw->imm == in->imm && raw->width == width;
    case RAW_BRANCH:
        return raw->rs1 == in->rs1 && raw->rs2 == in->rs2 && raw->imm == in->imm &&
               raw->condition == (op->match >> 12 & 7);
    case RAW_INDIRECT:
        return raw->rd == in->rd && raw->rs1 == in->rs1 && raw->imm == in->imm;
    case RAW_LINK:
    case RAW_AUIPC:
        return raw->rd == in->rd && raw->imm == in->imm;
    case RAW_JUMP:
    case RAW_HOSTCALL:
        return raw->imm == in->imm;
    case RAW_ZICOND:
        return raw->rd == in->rd && raw->rs1 == in->rs1 && raw->rs2 == in->rs2 &&
               raw->condition == (op->match >> 12 & 7);
    case RAW_CTZW:
        return raw->rd == in->rd && raw->rs1 == in->rs1;
    default:
        return true;
    }
}

static bool names_high_register(uint32_t word)
{
    return read_one(word).kind == RAW_ILLEGAL;
}

/* A legal word is read as what it is; an illegal one is left to qemu, or known to be one. */
static void check(uint32_t word)
{
    struct px_insn in = px_decode_word(word);
    struct raw raw = read_one(word);
    if (in.op == PX_OP_ILLEGAL) {
        if (raw.kind == RAW_TRAP || raw.kind == RAW_MANAGE || raw.kind == RAW_HOSTCALL ||
            raw.kind == RAW_FALLTHROUGH || raw.kind == RAW_STANDARD || raw.kind == RAW_ZICOND)
            fail_msg("%08x: illegal, but read as kind %u", word, raw.kind);
        return;
    }
    if (raw.kind != kind_of(&in) || raw.len != in.len || !same_fields(&raw, &in))
        fail_msg("%08x %s: kind %u rd %u rs1 %u rs2 %u width %u imm %d", word, px_ops[in.op].mnemonic,
                 raw.kind, raw.rd, raw.rs1, raw.rs2, raw.width, raw.imm);
}

static void every_halfword_is_read_as_the_decoder_reads_it(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++)
        if ((half & 3) != 3)
            check(half);
}

static void random_words_of_every_opcode_are_read_as_the_decoder_reads_them(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t opcode = 3; opcode < 0x80; opcode += 4) {
        for (unsigned i = 0; i < 20000; i++) {
            uint32_t word = (uint32_t)test_random(&random) & ~UINT32_C(0x7f);
            check(word | opcode);
            check((word & ~UINT32_C(0x1084000)) | opcode); /* without high registers, as far as fields go */
        }
    }
    for (unsigned op = 1; op < PX_OP_COUNT; op++)
        for (unsigned i = 0; i < 1000; i++)
            check(px_ops[op].match | ((uint32_t)test_random(&random) & ~px_ops[op].mask & 0xfef7f7ff));
}

static void registers_beyond_x15_are_illegal_wherever_they_stand(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        0x00000833, /* add a6, zero, zero */
        0x00080033, /* add zero, a6, zero */
        0x01000033, /* add zero, zero, a6 */
        0x00000817, /* auipc a6, 0 */
        0x0000086f, /* jal a6, 0 */
        0x00080067, /* jalr zero, 0(a6) */
        0x01000023, /* sb a6, 0(zero) */
        0x00080063, /* beq a6, zero, 0 */
        0x4801,     /* c.li a6, 0 */
        0x8082 | 0x800, /* c.jr a7 */
        0xc042,     /* c.swsp a6, 0(sp) */
        0x8042,     /* c.mv zero, a6 */
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!names_high_register(words[i]))
            fail_msg("%08x: not known to be illegal", words[i]);
    assert_false(names_high_register(0x0ff0000f));  /* fence: its fields name none */
    assert_false(names_high_register(0x01f01013));  /* slli zero, zero, 31 */
}

static void the_end_and_what_is_cut_off_by_it_are_told_apart(void **state)
{
    (void)state;
    static const uint8_t code[] = { 0x13, 0x00, 0x00, 0x00, 0x01 };
    assert_int_equal(raw_read(code, 5, 5).kind, RAW_END);
    assert_int_equal(raw_read(code, 5, 6).kind, RAW_END);
    assert_int_equal(raw_read(code, 5, 4).kind, RAW_ILLEGAL); /* half of c.nop */
    assert_int_equal(raw_read(code, 3, 0).kind, RAW_ILLEGAL);
    assert_int_equal(raw_read(code, 4, 0).kind, RAW_NATIVE);
    assert_int_equal(raw_read(code, 0, 0).kind, RAW_END);
}

static void branches_are_taken_by_their_conditions(void **state)
{
    (void)state;
    static const uint64_t values[] = { 0, 1, UINT64_MAX, UINT64_C(1) << 63, INT64_MAX };
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            uint64_t a = values[i], b = values[k];
            assert_int_equal(raw_taken(0, a, b), a == b);
            assert_int_equal(raw_taken(1, a, b), a != b);
            assert_int_equal(raw_taken(4, a, b), (int64_t)a < (int64_t)b);
            assert_int_equal(raw_taken(5, a, b), (int64_t)a >= (int64_t)b);
            assert_int_equal(raw_taken(6, a, b), a < b);
            assert_int_equal(raw_taken(7, a, b), a >= b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_halfword_is_read_as_the_decoder_reads_it),
        cmocka_unit_test(random_words_of_every_opcode_are_read_as_the_decoder_reads_them),
        cmocka_unit_test(registers_beyond_x15_are_illegal_wherever_they_stand),
        cmocka_unit_test(the_end_and_what_is_cut_off_by_it_are_told_apart),
        cmocka_unit_test(branches_are_taken_by_their_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
