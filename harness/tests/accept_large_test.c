/* Code of many pages, blocks of millions of instructions, gates beyond 31 and 32 bits (ISA.md 2, 4, 7). */
#include "harness/tests/accept.h"

#include <string.h>

#include "generators/builder.h"

enum { MIB = 1 << 20 };

static void put_same(uint8_t *code, size_t count, struct px_insn in)
{
    for (size_t at = 0; count > 0; count--)
        at = accept_put(code, at, in);
}

/* 1 MiB of register instructions, every so often one that ends a block and leads to the next. */
static uint64_t fill_with_anything(struct builder *b, size_t size)
{
    uint64_t count = 0;
    for (; b->program->code_size < size - 8; count++) {
        switch (prng_below(&b->prng, 64)) {
        case 0:
            builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
            break;
        case 1:
            builder_op(b, PX_OP_BGEU, 0, 5, 5, 4);
            break;
        case 2:
            builder_op(b, PX_OP_BNE, 0, 5, 5, -4096); /* to nowhere in particular, but not taken */
            break;
        case 3:
            builder_op(b, PX_OP_JAL, builder_target(b), 0, 0, 4);
            break;
        default:
            builder_alu(b);
        }
    }
    for (; b->program->code_size < size - 4; count++)
        builder_half(b, 0x0001);
    builder_word(b, PX_WORD_ECALLI_0);
    return count + 1;
}

static void a_mebibyte_of_any_instructions_is_the_same_on_every_engine(void **state)
{
    struct run *run = *state;
    struct px_program program;
    px_program_init(&program);
    accept_route_faults(run->engines, run->count);
    for (uint64_t index = 0; index < 3; index++) {
        struct builder b;
        struct px_image image;
        struct run_result result;
        struct px_error err = { "" };
        px_program_clear(&program);
        builder_init(&b, 0x1a6e, index, &program);
        builder_seed_registers(&b);
        uint64_t count = fill_with_anything(&b, MIB);
        assert_int_equal(b.status, PX_OK);
        program.gas = UINT64_C(1) << 40;
        px_program_image(&program, &image);
        if (run_image(run, &image, true, &result, &err) != PX_OK)
            fail_msg("%s", err.text);
        assert_int_equal(result.diff.fields, 0);
        for (size_t i = 0; i < run->count; i++) {
            const struct px_outcome *out = &result.outcomes[i];
            assert_int_equal(out->exit, PX_EXIT_HOSTCALL);
            assert_int_equal(out->pc, MIB);
            assert_int_equal(out->native + out->interpreted, count);
            assert_true(out->side_exit == 0 &&
                        (accept_interprets(&run->engines[i]) ? out->native : out->interpreted) == 0);
            assert_in_range(program.gas - out->gas, count / 4, 100 * count); /* at most four a cycle */
        }
    }
    px_program_fini(&program);
}

static void the_largest_code_is_one_block_of_nops(void **state)
{
    /* The last of N nops starts in cycle (N - 1) / 4 and is done one later. */
    const uint64_t nops = (PX_CODE_MAX - 4) / 2, need = (nops - 1) / 4 + 1 - 3;
    uint8_t *code = test_malloc(PX_CODE_MAX);
    put_same(code, nops, shrunk(PX_C_NOP, nop()));
    accept_put(code, 2 * nops, halt());
    struct accept_case c = {
        .bytes = code,
        .size = PX_CODE_MAX,
        .gas = need + CALL,
        .exit = PX_EXIT_HOSTCALL,
        .pc = PX_CODE_MAX,
        .spent = need + CALL,
        .count = nops + 1,
    };
    accept_check(*state, &c);
    test_free(code);
}

static void jumps_over_many_pages_of_code_find_their_blocks(void **state)
{
    /* 0 jumps nearly as far as jal can, from there jalr to the end, and that as far back as jal can. */
    const size_t size = 4 * (size_t)MIB + 100;
    uint8_t *code = test_malloc(size);
    put_same(code, size / 4, plain(PX_OP_TRAP));
    accept_put(code, 0, jal(1, MIB - 4));
    accept_put(code, MIB - 4, jalr(5, 0, 6));
    accept_put(code, size - 8, jal(7, -MIB));
    accept_put(code, size - 8 - MIB, halt());
    struct accept_case c = {
        .bytes = code,
        .size = size,
        .gas = GAS,
        .in = { { 6, ALIAS + CODE + size - 8 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = (uint32_t)size - 8 - MIB + 4,
        .spent = 12 + 19 + 12 + CALL,
        .count = 4,
        .out = { { 1, CODE + 4 }, { 5, CODE + MIB }, { 7, CODE + size - 4 } },
    };
    accept_check(*state, &c);
    test_free(code);
}

/* Of @count stores in one block: four start in a cycle and take 25. */
static uint64_t need_of(uint64_t count)
{
    return (count - 1) / 4 + 25 - 3;
}

static uint64_t gate_of(uint64_t count)
{
    return need_of(count) + count * 2 * FIRST_WRITE;
}

/* @count stores of x8 through x9 in one block, then the halt. */
static struct accept_case stores(uint8_t *code, uint64_t count)
{
    put_same(code, count, shrunk(PX_C_SW, store(PX_OP_SW, 8, 0, 9)));
    accept_put(code, 2 * count, halt());
    return (struct accept_case){
        .bytes = code,
        .size = 2 * count + 4,
        .gas = gate_of(count),
        .in = { { 8, 88 }, { 9, DATA }, { 10, DATA + PAGE } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = (uint32_t)(2 * count + 4),
        .spent = need_of(count) + FIRST_WRITE + CALL,
        .count = count + 1,
        .stored = { stored(DATA, 4, 88) },
    };
}

/* With the gas of its gate the block runs; with one less, and with @less, it does not. */
static void expect_gate(struct run *run, uint64_t count, uint64_t less)
{
    uint8_t *code = test_malloc(2 * count + 4);
    struct accept_case enough = stores(code, count), short_by_one = enough;
    short_by_one.gas--;
    short_by_one.exit = PX_EXIT_OUT_OF_GAS;
    short_by_one.pc = 0;
    short_by_one.spent = short_by_one.count = 0;
    short_by_one.stored[0].size = 0;
    struct accept_case far_less = short_by_one;
    far_less.gas = less;
    accept_check_each(run, (const struct accept_case[]){ enough, short_by_one, far_less }, 3);
    test_free(code);
}

static void a_gate_around_2_to_the_31_is_exact(void **state)
{
    const uint64_t last = 1431417; /* the last that fits a signed immediate */
    assert_true(gate_of(last) <= INT32_MAX && gate_of(last + 1) > INT32_MAX);
    expect_gate(*state, last, 0);
    expect_gate(*state, last + 1, INT32_MAX);
}

static void a_gate_over_2_to_the_32_is_exact_and_its_low_half_does_not_do(void **state)
{
    const uint64_t first = 2862835;
    assert_true(gate_of(first - 1) <= UINT32_MAX && gate_of(first) > UINT32_MAX);
    expect_gate(*state, first, UINT32_MAX);
}

static void a_fault_at_either_end_of_a_long_block_counts_what_was_begun(void **state)
{
    const uint64_t count = 1431418;
    uint8_t *code = test_malloc(2 * count + 4);
    struct accept_case c = stores(code, count);
    const struct px_insn astray = shrunk(PX_C_SW, store(PX_OP_SW, 8, 0, 10));
    accept_put(code, 2 * (count - 1), astray);
    c.exit = PX_EXIT_PAGE_FAULT;
    c.arg = DATA + PAGE;
    c.pc = (uint32_t)(2 * (count - 1));
    c.spent = need_of(count) + FIRST_WRITE;
    c.count = count;
    accept_check(*state, &c);
    accept_put(code, 0, astray);
    c.pc = 0;
    c.spent = need_of(count);
    c.count = 1;
    c.stored[0].size = 0;
    accept_check(*state, &c);
    test_free(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_mebibyte_of_any_instructions_is_the_same_on_every_engine),
        ACCEPT_TEST(the_largest_code_is_one_block_of_nops),
        ACCEPT_TEST(jumps_over_many_pages_of_code_find_their_blocks),
        ACCEPT_TEST(a_gate_around_2_to_the_31_is_exact),
        ACCEPT_TEST(a_gate_over_2_to_the_32_is_exact_and_its_low_half_does_not_do),
        ACCEPT_TEST(a_fault_at_either_end_of_a_long_block_counts_what_was_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
