/*
 * The encoder as the inverse of the decoder (which decode_test.c and decode_rvc_test.c judge), and its
 * refusals: an operand that a form cannot hold must give 0 and leave the word alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "vm/isa.h"
#include "vm/test_insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { UNTOUCHED = 0x5a5a5a5a };

/* What px_encode does with @insn: @length 0 means a refusal. */
static void expect_encoding(struct px_insn insn, unsigned length, uint32_t word)
{
    uint32_t got = UNTOUCHED;
    unsigned got_length = px_encode(&insn, &got);
    if (got_length != length || got != (length ? word : UNTOUCHED))
        fail_msg("%s (%s) rd %u rs1 %u rs2 %u imm %d: length %u, word %08x; expected length %u, word %08x",
                 px_ops[insn.op].mnemonic, insn.rvc ? px_rvcs[insn.rvc].mnemonic : "wide", insn.rd, insn.rs1,
                 insn.rs2, insn.imm, got_length, got, length, length ? word : UNTOUCHED);
}

static void expect_refusal(struct px_insn insn)
{
    expect_encoding(insn, 0, 0);
}

static void every_legal_halfword_encodes_back_to_itself(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        if ((half & 3) == 3)
            continue;
        struct px_insn insn = px_decode_word(half);
        expect_encoding(insn, insn.op == PX_OP_ILLEGAL ? 0 : 2, half);
    }
}

static void random_words_of_every_instruction_encode_back_to_themselves(void **state)
{
    (void)state;
    uint64_t random = 4;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++) {
        for (unsigned i = 0; i < 4000; i++) {
            uint32_t bits = (uint32_t)test_random(&random);
            if (i & 1)
                bits &= ~UINT32_C(0x01088800); /* every register field below x16: legal */
            uint32_t word = px_ops[op].match | (bits & ~px_ops[op].mask);
            struct px_insn insn = px_decode_word(word);
            if (insn.op != op && ((i & 1) || insn.op != PX_OP_ILLEGAL))
                fail_msg("%08x is %s, not %s", word, px_ops[insn.op].mnemonic, px_ops[op].mnemonic);
            expect_encoding(insn, insn.op == PX_OP_ILLEGAL ? 0 : 4, word);
        }
    }
}

/* ISA.md 5: imm[16:0] in inst[31:15], imm[19:17] in inst[9:7]. */
static void every_ecalli_immediate_goes_where_isa_md_5_says_and_comes_back(void **state)
{
    (void)state;
    struct px_insn insn = { .op = PX_OP_ECALLI, .len = 4 };
    assert_int_equal(PX_WORD_ECALLI_0, 0x0000200b);
    expect_encoding(insn, 4, 0x0000200b);
    for (int32_t imm = -(1 << 19); imm < 1 << 19; imm++) {
        uint32_t bits = (uint32_t)imm;
        uint32_t word = 0x200b | (bits & 0x1ffff) << 15 | (bits >> 17 & 7) << 7;
        insn.imm = imm;
        expect_encoding(insn, 4, word);
        test_expect_insn(word, px_decode_word(word), insn);
    }
}

/* What each format's immediate can be: the multiples of @step from @min to @max. */
static const struct range {
    int32_t min, max, step;
} ranges[PX_FMT_COUNT] = {
    [PX_FMT_NONE] = { 0, 0, 1 },
    [PX_FMT_R] = { 0, 0, 1 },
    [PX_FMT_R1] = { 0, 0, 1 },
    [PX_FMT_I] = { -2048, 2047, 1 },
    [PX_FMT_SH6] = { 0, 63, 1 },
    [PX_FMT_SH5] = { 0, 31, 1 },
    [PX_FMT_LOAD] = { -2048, 2047, 1 },
    [PX_FMT_STORE] = { -2048, 2047, 1 },
    [PX_FMT_BRANCH] = { -4096, 4094, 2 },
    [PX_FMT_U] = { INT32_MIN, 0x7ffff000, 4096 },
    [PX_FMT_JAL] = { -1048576, 1048574, 2 },
    [PX_FMT_JALR] = { -2048, 2047, 1 },
    [PX_FMT_FENCE] = { 0, 0x3fffff, 1 },
    [PX_FMT_ECALLI] = { -524288, 524287, 1 },
};

static void expect_immediate(unsigned op, int64_t imm)
{
    struct px_insn insn = { .op = (uint8_t)op, .len = 4, .imm = (int32_t)imm };
    const struct range *range = &ranges[px_ops[op].format];
    if (imm < INT32_MIN || imm > INT32_MAX)
        return;
    if (imm < range->min || imm > range->max || imm % range->step != 0) {
        expect_refusal(insn);
        return;
    }
    uint32_t word = 0;
    assert_int_equal(px_encode(&insn, &word), 4);
    test_expect_insn(word, px_decode_word(word), insn);
}

static void immediates_up_to_the_edges_are_encoded_and_beyond_them_refused(void **state)
{
    (void)state;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++) {
        const struct range *range = &ranges[px_ops[op].format];
        for (int64_t near = -2 * (int64_t)range->step; near <= 2 * (int64_t)range->step; near++) {
            expect_immediate(op, range->min + near);
            expect_immediate(op, range->max + near);
            expect_immediate(op, near);
        }
        for (unsigned bit = 0; bit < 32; bit++) {
            expect_immediate(op, (int32_t)(1u << bit));
            expect_immediate(op, (int32_t)~(1u << bit));
        }
    }
}

static uint8_t *register_field(struct px_insn *insn, unsigned position)
{
    return position == PX_HAS_RD ? &insn->rd : position == PX_HAS_RS1 ? &insn->rs1 : &insn->rs2;
}

static void registers_that_the_format_lacks_and_registers_above_x15_are_refused(void **state)
{
    (void)state;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++) {
        for (unsigned position = PX_HAS_RD; position <= PX_HAS_RS2; position <<= 1) {
            bool has = px_ops[op].regs & position;
            for (unsigned reg = 1; reg < 256; reg++) {
                struct px_insn insn = { .op = (uint8_t)op, .len = 4 };
                *register_field(&insn, position) = (uint8_t)reg;
                unsigned at = position == PX_HAS_RD ? 7 : position == PX_HAS_RS1 ? 15 : 20;
                expect_encoding(insn, has && reg < 16 ? 4 : 0, px_ops[op].match | reg << at);
            }
        }
    }
}

static void instructions_that_are_not_in_the_table_are_refused(void **state)
{
    (void)state;
    uint32_t word = UNTOUCHED;
    expect_refusal((struct px_insn){ .op = PX_OP_ILLEGAL, .len = 4 });
    expect_refusal((struct px_insn){ .op = PX_OP_ILLEGAL, .rvc = PX_C_NOP, .len = 2 });
    for (unsigned beyond = 0; beyond < 256; beyond++) {
        struct px_insn op = { .op = (uint8_t)beyond, .len = 4 };
        struct px_insn row = { .op = PX_OP_ADDI, .rvc = (uint8_t)beyond, .len = 2 };
        assert_true(beyond < PX_OP_COUNT || px_encode(&op, &word) == 0);
        assert_true(beyond < PX_C_COUNT || px_encode(&row, &word) == 0);
    }
    assert_int_equal(word, UNTOUCHED);
}

/* All that 16 bits can say: each legal halfword under its key, sorted. */
struct book {
    size_t count;
    struct entry {
        uint64_t key;
        uint32_t half;
    } entries[0x10000];
};

/* The operands, and the row unless @any_row: a book with rows tells forms apart, one without expansions. */
static uint64_t key_of(struct px_insn insn, bool any_row)
{
    uint64_t row = any_row ? 0 : insn.rvc;
    return row << 56 | (uint64_t)insn.op << 48 | (uint64_t)insn.rd << 43 | (uint64_t)insn.rs1 << 38 |
           (uint64_t)insn.rs2 << 33 | (uint32_t)insn.imm;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct entry *)a)->key, y = ((const struct entry *)b)->key;
    return (x > y) - (x < y);
}

static struct book *book_create(bool any_row)
{
    struct book *book = malloc(sizeof *book);
    assert_non_null(book);
    book->count = 0;
    for (uint32_t half = 0; half < 0x10000; half++) {
        struct px_insn insn = px_decode_word(half);
        if ((half & 3) != 3 && insn.op != PX_OP_ILLEGAL)
            book->entries[book->count++] = (struct entry){ key_of(insn, any_row), half };
    }
    qsort(book->entries, book->count, sizeof book->entries[0], by_key);
    return book;
}

static const struct entry *book_find(const struct book *book, struct px_insn insn, bool any_row)
{
    struct entry wanted = { .key = key_of(insn, any_row) };
    return bsearch(&wanted, book->entries, book->count, sizeof wanted, by_key);
}

typedef void visit(const struct book *book, struct px_insn insn);

/* Visits @insn with one immediate or register changed at a time: just inside, just outside, far outside. */
static void visit_neighbours(const struct book *book, struct px_insn insn, visit *expect)
{
    static const uint8_t registers[] = { 0, 1, 2, 3, 7, 8, 15, 16, 24 };
    expect(book, insn);
    for (unsigned bit = 0; bit < 32; bit++) {
        struct px_insn other = insn;
        other.imm = (int32_t)((uint32_t)insn.imm ^ 1u << bit);
        expect(book, other);
        other.imm = (int32_t)((uint32_t)insn.imm + (1u << bit));
        expect(book, other);
    }
    for (unsigned position = PX_HAS_RD; position <= PX_HAS_RS2; position <<= 1) {
        for (size_t i = 0; i < COUNT(registers); i++) {
            struct px_insn other = insn;
            *register_field(&other, position) = registers[i];
            expect(book, other);
        }
    }
}

static void visit_all(const struct book *book, visit *expect)
{
    for (size_t i = 0; i < book->count; i++)
        visit_neighbours(book, px_decode_word(book->entries[i].half), expect);
}

static void expect_form(const struct book *book, struct px_insn insn)
{
    const struct entry *entry = book_find(book, insn, false);
    expect_encoding(insn, entry ? 2 : 0, entry ? entry->half : 0);
}

static void a_compressed_form_is_encoded_iff_some_halfword_decodes_to_it(void **state)
{
    (void)state;
    struct book *book = book_create(false);
    visit_all(book, expect_form);
    free(book);
}

static void a_compressed_row_never_encodes_another_instruction(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        struct px_insn insn = px_decode_word(half);
        if ((half & 3) == 3 || insn.op == PX_OP_ILLEGAL)
            continue;
        struct px_insn other = insn;
        other.op = (uint8_t)(insn.op + 1 < PX_OP_COUNT ? insn.op + 1 : PX_OP_ADDI);
        expect_refusal(other);
        other.op = PX_OP_ILLEGAL;
        expect_refusal(other);
    }
}

static void expect_compression(const struct book *book, struct px_insn insn)
{
    insn.rvc = PX_C_NONE;
    insn.len = 4;
    bool found = book_find(book, insn, true) != NULL;
    struct px_insn small = insn;
    if (px_compress(&small) != found)
        fail_msg("%s rd %u rs1 %u rs2 %u imm %d is%s compressible", px_ops[insn.op].mnemonic, insn.rd,
                 insn.rs1, insn.rs2, insn.imm, found ? "" : " not");
    struct px_insn expected = insn;
    uint32_t word = 0;
    if (found) {
        expected.rvc = small.rvc;
        expected.len = 2;
        assert_int_equal(px_encode(&small, &word), 2);
        test_expect_insn(word, px_decode_word(word), expected);
    }
    test_expect_insn(word, small, expected);
}

static void an_instruction_compresses_iff_some_halfword_expands_to_it(void **state)
{
    (void)state;
    struct book *book = book_create(true);
    visit_all(book, expect_compression);
    uint64_t random = 5;
    for (unsigned op = PX_OP_ILLEGAL; op < PX_OP_COUNT; op++) {
        for (unsigned i = 0; i < 2000; i++) {
            uint32_t bits = (uint32_t)test_random(&random) & ~UINT32_C(0x01088800);
            expect_compression(book, px_decode_word(px_ops[op].match | (bits & ~px_ops[op].mask)));
        }
    }
    free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_legal_halfword_encodes_back_to_itself),
        cmocka_unit_test(random_words_of_every_instruction_encode_back_to_themselves),
        cmocka_unit_test(every_ecalli_immediate_goes_where_isa_md_5_says_and_comes_back),
        cmocka_unit_test(immediates_up_to_the_edges_are_encoded_and_beyond_them_refused),
        cmocka_unit_test(registers_that_the_format_lacks_and_registers_above_x15_are_refused),
        cmocka_unit_test(instructions_that_are_not_in_the_table_are_refused),
        cmocka_unit_test(a_compressed_form_is_encoded_iff_some_halfword_decodes_to_it),
        cmocka_unit_test(a_compressed_row_never_encodes_another_instruction),
        cmocka_unit_test(an_instruction_compresses_iff_some_halfword_expands_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
