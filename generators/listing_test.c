/*
 * Code taken apart and put together: what pointed to an instruction points to it again, wherever it went.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "generators/generator.h"
#include "generators/listing.h"
#include "vm/test_program.h"

#define HEADER "parallax 1 rv64e-jar.1\ngas 1000\n"

static void load(struct px_program *program, const char *text)
{
    px_program_init(program);
    test_parse(program, text, strlen(text));
}

static void expect_code(const struct px_program *program, const char *text)
{
    struct px_program expected;
    load(&expected, text);
    test_expect_same_program(program, &expected);
    px_program_fini(&expected);
}

static void any_code_comes_back_from_its_listing(void **state)
{
    (void)state;
    struct px_program program, back;
    struct listing listing = { 0 };
    px_program_init(&program);
    px_program_init(&back);
    for (size_t g = 0; px_generators[g]; g++) {
        struct px_gen gen;
        struct px_error err = { "" };
        assert_int_equal(px_gen_parse(px_generators[g]->name, &gen, &err), PX_OK);
        for (uint64_t i = 0; i < 2000; i++) {
            assert_int_equal(px_gen_make(&gen, 11, i * 97, &program), PX_OK);
            assert_int_equal(listing_read(&listing, &program), PX_OK);
            assert_int_equal(listing_size(&listing), program.code_size);
            assert_int_equal(listing_write(&listing, &program, &back), PX_OK);
            test_expect_same_program(&program, &back);
            listing_reach(&listing, 0); /* everything reaches what it reached */
            assert_int_equal(listing_put(&listing, &back), PX_OK);
            test_expect_same_program(&program, &back);
        }
    }
    listing_fini(&listing);
    px_program_fini(&program);
    px_program_fini(&back);
}

static void jumps_keep_their_targets_when_instructions_go(void **state)
{
    (void)state;
    struct px_program program, small;
    struct listing listing = { 0 };
    px_program_init(&small);
    load(&program, HEADER "entry 0x4\ncode\n"
                          "  00000013\n" /* nop */
                          "  0002c863\n" /* 4: bltz t0, 16 -> 20 */
                          "  0001\n" /* 8: c.nop */
                          "  0001\n"
                          "  ff9ff06f\n" /* 12: j -8 -> 4 */
                          "  00000013\n"
                          "  0000200b\n"); /* 20 */
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    assert_int_equal(listing.count, 7);
    assert_int_equal(listing.entry, 1);
    assert_int_equal(listing.items[1].target, 6);
    assert_int_equal(listing.items[4].target, 1);
    listing.items[0].dropped = listing.items[3].dropped = listing.items[5].dropped = true;
    assert_int_equal(listing_size(&listing), 14);
    assert_int_equal(listing_write(&listing, &program, &small), PX_OK);
    expect_code(&small, HEADER "entry 0x0\ncode\n"
                               "  0002c563\n" /* bltz t0, 10 */
                               "  0001\n"
                               "  ffbff06f\n" /* j -6 */
                               "  0000200b\n");
    listing_fini(&listing);
    px_program_fini(&program);
    px_program_fini(&small);
}

/* What control.c makes of a switch and of a call through a register. */
static const char table[] = HEADER "entry 0x1c\ncode\n"
                                   "  00357293\n" /* andi t0, a0, 3 */
                                   "  00000317\n" /* 4: auipc t1, 0 */
                                   "  2062c333\n" /* sh2add t1, t0, t1 */
                                   "  00d30067\n" /* jalr zero, 13(t1): to 16, the low bit is dropped */
                                   "  0100006f\n" /* 16: j 16 -> 32 */
                                   "  00c0006f\n" /* 20: j 12 -> 32 */
                                   "  0001\n"
                                   "  0001\n"
                                   "  00000397\n" /* 28: auipc t2, 0 */
                                   "  01038393\n" /* 32: addi t2, t2, 16 -> 44 */
                                   "  000380e7\n" /* jalr ra, 0(t2) */
                                   "  0000400b\n" /* fallthrough */
                                   "  0000200b\n"; /* 44: ecalli 0 */

static void what_pointed_to_an_instruction_follows_it(void **state)
{
    (void)state;
    struct px_program program;
    struct listing listing = { 0 };
    load(&program, table);
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    assert_int_equal(listing.items[3].target, 4);
    assert_int_equal(listing.items[3].base, 1);
    assert_int_equal(listing.items[9].target, 12);
    assert_int_equal(listing.items[9].base, 8);
    assert_int_equal(listing.items[10].target, LISTING_NOWHERE);

    /* Two nops before the sh2add, one before the entry, one before the target of the addi. */
    const uint32_t at[] = { 12, 8, 2, 2 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(listing_open(&listing, at[i], 1), PX_OK);
        listing.items[at[i]].insn = (struct px_insn){ .op = PX_OP_ADDI, .len = 4 };
    }
    assert_int_equal(listing_put(&listing, &program), PX_OK);
    expect_code(&program, HEADER "entry 0x24\ncode\n"
                                 "  00357293\n"
                                 "  00000317\n" /* 4: auipc t1, 0 */
                                 "  00000013\n"
                                 "  00000013\n"
                                 "  2062c333\n"
                                 "  01530067\n" /* jalr zero, 21(t1): 4 + 20 = 24 */
                                 "  0140006f\n" /* 24: j 20 -> 44 */
                                 "  0100006f\n" /* 28: j 16 -> 44 */
                                 "  0001\n"
                                 "  0001\n"
                                 "  00000013\n" /* 36: comes before what was pointed to */
                                 "  00000397\n" /* 40 */
                                 "  01038393\n" /* 44: addi t2, t2, 16 -> 56 */
                                 "  000380e7\n"
                                 "  0000400b\n"
                                 "  00000013\n" /* 56 */
                                 "  0000200b\n");
    listing_fini(&listing);
    px_program_fini(&program);
}

static void closing_takes_back_what_opening_made(void **state)
{
    (void)state;
    struct px_program program, back;
    struct listing listing = { 0 };
    px_program_init(&back);
    load(&program, table);
    for (uint32_t at = 0; at <= 13; at++) {
        assert_int_equal(listing_read(&listing, &program), PX_OK);
        assert_int_equal(listing.count, 13);
        assert_int_equal(listing_open(&listing, at, 3), PX_OK);
        assert_int_equal(listing.count, 16);
        listing_close(&listing, at, 3);
        assert_int_equal(listing_write(&listing, &program, &back), PX_OK);
        test_expect_same_program(&program, &back);
    }
    /* Without its auipc an address is but a number. */
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    listing_close(&listing, 8, 1);
    listing_close(&listing, 0, 2);
    assert_int_equal(listing_put(&listing, &program), PX_OK);
    expect_code(&program, HEADER "entry 0x14\ncode\n"
                                 "  2062c333\n"
                                 "  00d30067\n"
                                 "  00c0006f\n" /* 8: j 12 -> 20 */
                                 "  0080006f\n" /* 12: j 8 -> 20 */
                                 "  0001\n"
                                 "  0001\n"
                                 "  01038393\n" /* 20: addi t2, t2, 16 */
                                 "  000380e7\n"
                                 "  0000400b\n"
                                 "  0000200b\n");
    listing_fini(&listing);
    px_program_fini(&program);
    px_program_fini(&back);
}

/* A compressed branch over @count nops to the terminator. */
static void make_branch(struct px_program *program, uint32_t count)
{
    const struct px_insn branch = { .op = PX_OP_BEQ, .rvc = PX_C_BEQZ, .len = 2, .rs1 = 8, .imm = 254 };
    const struct px_insn nop = { .op = PX_OP_ADDI, .len = 4 }, halt = { .op = PX_OP_ECALLI, .len = 4 };
    px_program_clear(program);
    assert_int_equal(px_program_emit(program, &branch), PX_OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(px_program_emit(program, &nop), PX_OK);
    assert_int_equal(px_program_emit(program, &halt), PX_OK);
}

static struct px_insn first_of(const struct px_program *program)
{
    return px_decode(program->code, program->code_size, 0);
}

static void a_jump_that_reaches_no_more_grows_or_gives_up(void **state)
{
    (void)state;
    struct px_program program;
    struct listing listing = { 0 };
    px_program_init(&program);
    static const struct {
        uint32_t count, size_max;
        uint8_t len;
        int32_t imm;
    } rows[] = {
        { 63, 0, 2, 254 }, /* c.beqz goes 254 bytes at most, in even steps */
        { 64, UINT32_MAX, 4, 260 },
        { 64, 264, 4, 260 },
        { 64, 263, 2, 2 }, /* no room: it leads to the instruction behind it */
        { 1022, UINT32_MAX, 4, 4092 },
        { 1023, UINT32_MAX, 4, 4 }, /* beq goes 4094 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_branch(&program, rows[i].count);
        assert_int_equal(listing_read(&listing, &program), PX_OK);
        listing.items[0].target = listing.count - 1;
        listing_reach(&listing, rows[i].size_max);
        assert_int_equal(listing_put(&listing, &program), PX_OK);
        struct px_insn branch = first_of(&program);
        assert_int_equal(branch.op, PX_OP_BEQ);
        assert_int_equal(branch.len, rows[i].len);
        assert_int_equal(branch.imm, rows[i].imm);
        assert_int_equal(program.code_size, rows[i].len + 4 * rows[i].count + 4);
    }
    /* One that is not made to reach is refused. */
    make_branch(&program, 64);
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    listing.items[0].target = listing.count - 1;
    assert_int_equal(listing_put(&listing, &program), PX_ERR_INPUT);
    listing_fini(&listing);
    px_program_fini(&program);
}

static void blocks_start_where_the_guest_says(void **state)
{
    (void)state;
    static const bool starts[] = { true, false, true, true, false, true };
    struct px_program program;
    struct listing listing = { 0 };
    load(&program, HEADER "code\n"
                          "  00000013\n"
                          "  0000400b\n" /* fallthrough */
                          "  0000\n" /* illegal */
                          "  00000013\n"
                          "  00000013\n"
                          "  0000208b\n" /* ecalli 131072 */
                          "  13\n"); /* cut: behind a terminator it would be a start, too */
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    assert_int_equal(listing.count, 7);
    assert_int_equal(listing_whole(&listing), 6);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(listing_is_start(&listing, i), starts[i]);
    assert_true(listing_is_start(&listing, 6));
    program.code_size = 0;
    assert_int_equal(listing_read(&listing, &program), PX_OK);
    assert_int_equal(listing.count, 0);
    assert_int_equal(listing_whole(&listing), 0);
    assert_int_equal(listing.entry, 0); /* the end, which is the start of the first instruction to come */
    listing_fini(&listing);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_code_comes_back_from_its_listing),
        cmocka_unit_test(jumps_keep_their_targets_when_instructions_go),
        cmocka_unit_test(what_pointed_to_an_instruction_follows_it),
        cmocka_unit_test(closing_takes_back_what_opening_made),
        cmocka_unit_test(a_jump_that_reaches_no_more_grows_or_gives_up),
        cmocka_unit_test(blocks_start_where_the_guest_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
