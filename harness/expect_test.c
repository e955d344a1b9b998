/* What of an outcome an `expect` line misses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/expect.h"

/* Everything is expected, and is so. */
static void make_world(struct px_expect *expect, struct px_outcome *out)
{
    *out = (struct px_outcome){ .exit = PX_EXIT_HOSTCALL, .arg = 5, .pc = 0x10, .gas = 900 };
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        out->x[x] = UINT64_MAX - x;
    *expect =
        (struct px_expect){ .has_exit = true, .has_pc = true, .has_gas = true, .has_x = 0xfffe, .out = *out };
}

static void expect_miss(const struct px_expect *expect, const struct px_outcome *out, const char *expected)
{
    char text[128] = "";
    assert_true(expect_missed(expect, out, text, sizeof text));
    assert_string_equal(text, expected);
}

static void what_is_as_expected_misses_nothing(void **state)
{
    (void)state;
    struct px_expect expect;
    struct px_outcome out;
    char text[128] = "";
    make_world(&expect, &out);
    out.native = 7; /* no `expect` line tells how it ran */
    assert_false(expect_missed(&expect, &out, text, sizeof text));
    assert_string_equal(text, "");
}

static void the_first_field_missed_is_told_with_both_values(void **state)
{
    (void)state;
    struct px_expect expect;
    struct px_outcome out;
    make_world(&expect, &out);
    out.x[15] = 0;
    expect_miss(&expect, &out, "a5 is 0, expected 0xfffffffffffffff0");
    out.x[1] = 1;
    expect_miss(&expect, &out, "ra is 0x1, expected 0xfffffffffffffffe");
    out.gas--;
    expect_miss(&expect, &out, "gas is 899, expected 900");
    out.pc = 0x12;
    expect_miss(&expect, &out, "pc is 0x12, expected 0x10");
    out.arg = -6;
    expect_miss(&expect, &out, "exit is hostcall:-6, expected hostcall:5");
    out.exit = PX_EXIT_PANIC;
    out.arg = 12345;
    expect_miss(&expect, &out, "exit is panic:12345, expected hostcall:5");
}

static void what_is_not_expected_is_not_compared(void **state)
{
    (void)state;
    struct px_expect expect;
    struct px_outcome out;
    char text[128];
    make_world(&expect, &out);
    expect.has_exit = expect.has_pc = expect.has_gas = false;
    expect.has_x = 1 << 7;
    expect.out = (struct px_outcome){ .x[7] = out.x[7] };
    assert_false(expect_missed(&expect, &out, text, sizeof text));
    out.x[7]++;
    assert_true(expect_missed(&expect, &out, text, sizeof text));
}

static void an_engine_is_held_to_what_it_can_tell(void **state)
{
    (void)state;
    struct px_expect expect;
    struct px_outcome out;
    const struct px_caps all = { .registers = true, .gas = true }, no_gas = { .registers = true },
                         no_registers = { .gas = true };
    make_world(&expect, &out);
    struct px_expect within = expect_within(&expect, all);
    assert_memory_equal(&within, &expect, sizeof within);
    within = expect_within(&expect, no_gas);
    assert_true(within.has_exit && within.has_pc && !within.has_gas);
    assert_int_equal(within.has_x, 0xfffe);
    within = expect_within(&expect, no_registers);
    assert_true(within.has_exit && within.has_pc && within.has_gas);
    assert_int_equal(within.has_x, 0);
    expect.out.exit = PX_EXIT_OUT_OF_GAS; /* the other may go on for ever */
    within = expect_within(&expect, no_gas);
    assert_true(!within.has_exit && !within.has_pc && !within.has_gas);
    assert_int_equal(within.has_x, 0);
    within = expect_within(&expect, all);
    assert_true(within.has_exit && within.has_pc && within.has_gas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_misses_nothing),
        cmocka_unit_test(the_first_field_missed_is_told_with_both_values),
        cmocka_unit_test(what_is_not_expected_is_not_compared),
        cmocka_unit_test(an_engine_is_held_to_what_it_can_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
