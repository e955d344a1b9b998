/* Comparison: every field alone, what caps leave out, dirty sets, pages; and how differences are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/diff.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct px_caps all_caps = { .registers = true, .gas = true, .dirty = true, .counts = true };

static struct px_outcome some_outcome(void)
{
    struct px_outcome out = { .exit = PX_EXIT_HOSTCALL, .arg = 5, .pc = 12, .gas = 900, .interpreted = 3 };
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        out.x[x] = UINT64_C(0x1000) + x;
    return out;
}

static uint32_t fields_of(const struct px_outcome *a, const struct px_outcome *b)
{
    struct diff diff;
    diff_outcomes(a, all_caps, b, all_caps, &diff);
    return diff.fields;
}

static void equal_outcomes_do_not_differ(void **state)
{
    (void)state;
    struct px_outcome a = some_outcome(), b = some_outcome();
    assert_int_equal(fields_of(&a, &b), 0);
}

static void every_field_alone_is_seen_as_itself(void **state)
{
    (void)state;
    static const uint32_t page = 0x10000;
    struct px_outcome a = some_outcome();
    struct {
        struct px_outcome b;
        uint32_t field;
    } rows[6] = { { a, DIFF_EXIT }, { a, DIFF_ARG },   { a, DIFF_PC },
                  { a, DIFF_GAS },  { a, DIFF_COUNT }, { a, DIFF_DIRTY } };
    rows[0].b.exit = PX_EXIT_MANAGE;
    rows[1].b.arg = -5;
    rows[2].b.pc = 14;
    rows[3].b.gas = 900 + (UINT64_C(1) << 63);
    rows[4].b.interpreted = 4;
    rows[5].b.dirty = &page;
    rows[5].b.dirty_count = 1;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(fields_of(&a, &rows[i].b), rows[i].field);
        assert_int_equal(fields_of(&rows[i].b, &a), rows[i].field);
    }
    for (unsigned x = 0; x < PX_REG_COUNT; x++) {
        struct px_outcome b = a;
        b.x[x] ^= UINT64_C(1) << 63;
        assert_int_equal(fields_of(&a, &b), (uint32_t)DIFF_X0 << x);
    }
}

static void how_instructions_were_run_makes_no_difference(void **state)
{
    (void)state;
    struct px_outcome a = some_outcome(), b = some_outcome();
    b.interpreted = 0;
    b.native = 2;
    b.side_exit = 1;
    assert_int_equal(fields_of(&a, &b), 0);
}

static void what_one_side_cannot_report_is_not_compared(void **state)
{
    (void)state;
    static const uint32_t page = 0x10000;
    struct px_outcome a = some_outcome(), b = some_outcome();
    b.gas = 0;
    b.interpreted = 0;
    b.x[7] = 0;
    b.dirty = &page;
    b.dirty_count = 1;
    static const struct {
        struct px_caps caps;
        uint32_t fields;
    } rows[] = {
        { { .registers = true }, DIFF_X0 << 7 },
        { { .gas = true }, DIFF_GAS },
        { { .dirty = true }, DIFF_DIRTY },
        { { .counts = true }, DIFF_COUNT },
        { { .aliasing = true }, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct diff diff;
        diff_outcomes(&a, rows[i].caps, &b, all_caps, &diff);
        assert_int_equal(diff.fields, rows[i].fields);
        diff_outcomes(&a, all_caps, &b, rows[i].caps, &diff);
        assert_int_equal(diff.fields, rows[i].fields);
    }
}

static void both_outcomes_are_kept_without_their_dirty_sets(void **state)
{
    (void)state;
    static const uint32_t pages[] = { 3, 9 };
    struct px_outcome a = some_outcome(), b = some_outcome();
    struct diff diff;
    a.dirty = pages;
    a.dirty_count = 2;
    b.gas = 1;
    diff_outcomes(&a, all_caps, &b, all_caps, &diff);
    assert_int_equal(diff.fields, DIFF_GAS | DIFF_DIRTY);
    assert_int_equal(diff.a.gas, 900);
    assert_int_equal(diff.b.gas, 1);
    assert_int_equal(diff.a.dirty_count, 2);
    assert_null(diff.a.dirty);
    assert_null(diff.b.dirty);
}

static void dirty_sets_name_the_first_page_that_one_side_lacks(void **state)
{
    (void)state;
    static const struct {
        uint32_t a[3], b[3];
        size_t a_count, b_count;
        uint32_t first;
    } rows[] = {
        { { 1 }, { 0 }, 1, 0, 1 },          { { 1, 2 }, { 1 }, 2, 1, 2 },
        { { 1, 2, 3 }, { 1, 3 }, 3, 2, 2 }, { { 2, 3 }, { 1, 2, 3 }, 2, 3, 1 },
        { { 5, 7 }, { 5, 6 }, 2, 2, 6 },    { { 0xfffff }, { 0 }, 1, 1, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct px_outcome a = some_outcome(), b = some_outcome();
        struct diff diff;
        a.dirty = rows[i].a;
        a.dirty_count = rows[i].a_count;
        b.dirty = rows[i].b;
        b.dirty_count = rows[i].b_count;
        diff_outcomes(&a, all_caps, &b, all_caps, &diff);
        assert_int_equal(diff.fields, DIFF_DIRTY);
        assert_int_equal(diff.dirty_page, rows[i].first);
        diff_outcomes(&b, all_caps, &a, all_caps, &diff);
        assert_int_equal(diff.dirty_page, rows[i].first);
        assert_int_equal(fields_of(&a, &a), 0);
    }
}

static void the_first_page_that_differs_is_kept_with_its_first_byte(void **state)
{
    (void)state;
    static uint8_t a[PX_PAGE_SIZE], b[PX_PAGE_SIZE];
    struct diff diff = { .fields = DIFF_GAS };
    memset(a, 0x11, sizeof a);
    memset(b, 0x11, sizeof b);
    b[PX_PAGE_SIZE - 1] = 0x91;
    diff_page(&diff, 0x10001, a, b);
    assert_int_equal(diff.fields, DIFF_GAS | DIFF_MEMORY);
    assert_int_equal(diff.page, 0x10001);
    assert_int_equal(diff.offset, PX_PAGE_SIZE - 1);
    assert_int_equal(diff.byte_a, 0x11);
    assert_int_equal(diff.byte_b, 0x91);
    b[0] = 0;
    diff_page(&diff, 0x10000, a, b);
    assert_int_equal(diff.page, 0x10001);
    assert_int_equal(diff.offset, PX_PAGE_SIZE - 1);
}

static void fields_have_names(void **state)
{
    (void)state;
    char text[256];
    assert_int_equal(diff_fields_format(0, text, sizeof text), 4);
    assert_string_equal(text, "none");
    diff_fields_format(DIFF_PC | DIFF_GAS | DIFF_X0 << 10, text, sizeof text);
    assert_string_equal(text, "pc,gas,x10");
    diff_fields_format(UINT32_MAX, text, sizeof text);
    assert_string_equal(text, "exit,arg,pc,gas,count,dirty,memory,x0,x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11,x12,"
                              "x13,x14,x15");
}

static void a_short_buffer_cuts_names_and_reports_their_length(void **state)
{
    (void)state;
    char text[8];
    memset(text, '#', sizeof text);
    assert_int_equal(diff_fields_format(DIFF_EXIT | DIFF_MEMORY, text, 7), strlen("exit,memory"));
    assert_string_equal(text, "exit,m");
    assert_int_equal(text[7], '#');
    assert_int_equal(diff_fields_format(DIFF_EXIT, NULL, 0), 4);
}

static void a_description_has_a_line_for_each_field(void **state)
{
    (void)state;
    struct diff diff = { .fields = DIFF_EXIT | DIFF_PC | DIFF_GAS | DIFF_COUNT | DIFF_DIRTY | DIFF_MEMORY |
                                   DIFF_X0 << 1 | DIFF_REGISTERS << 15,
                         .a = some_outcome(),
                         .b = some_outcome(),
                         .dirty_page = 0x10001,
                         .page = 0x10002,
                         .offset = 7,
                         .byte_a = 0xab,
                         .byte_b = 1 };
    diff.b.exit = PX_EXIT_PAGE_FAULT;
    diff.b.arg = 0x10000000;
    diff.b.pc = 16;
    diff.b.gas = 650;
    diff.b.native = 1;
    diff.b.dirty_count = 2;
    diff.b.x[15] = UINT64_MAX;
    char text[2048];
    size_t length = diff_describe(&diff, "interp", "block", text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "  exit    interp hostcall:5   block page_fault:0x10000000\n"
                              "  pc      interp 0xc   block 0x10\n"
                              "  gas     interp 900   block 650   (difference -250)\n"
                              "  count   interp 3   block 4 instructions\n"
                              "  x1      interp 0x0000000000001001   block 0x0000000000001001\n"
                              "  x15     interp 0x000000000000100f   block 0xffffffffffffffff\n"
                              "  dirty   interp 0 pages   block 2 pages   (first in one only: 0x10001000)\n"
                              "  memory  at 0x10002007   interp 0xab   block 0x01\n");
    assert_int_equal(diff_describe(&diff, "interp", "block", NULL, 0), length);
    diff.fields = 0;
    assert_int_equal(diff_describe(&diff, "interp", "block", text, sizeof text), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_outcomes_do_not_differ),
        cmocka_unit_test(every_field_alone_is_seen_as_itself),
        cmocka_unit_test(how_instructions_were_run_makes_no_difference),
        cmocka_unit_test(what_one_side_cannot_report_is_not_compared),
        cmocka_unit_test(both_outcomes_are_kept_without_their_dirty_sets),
        cmocka_unit_test(dirty_sets_name_the_first_page_that_one_side_lacks),
        cmocka_unit_test(the_first_page_that_differs_is_kept_with_its_first_byte),
        cmocka_unit_test(fields_have_names),
        cmocka_unit_test(a_short_buffer_cuts_names_and_reports_their_length),
        cmocka_unit_test(a_description_has_a_line_for_each_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
