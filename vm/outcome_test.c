/*
 * The spelling of exits is part of the .px format: every exit there is, and near misses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "vm/outcome.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    enum px_exit exit;
    int64_t arg;
    const char *text;
} spellings[] = {
    { PX_EXIT_HOSTCALL, 0, "hostcall:0" },
    { PX_EXIT_HOSTCALL, 4, "hostcall:4" },
    { PX_EXIT_HOSTCALL, -1, "hostcall:-1" },
    { PX_EXIT_HOSTCALL, -524288, "hostcall:-524288" },
    { PX_EXIT_HOSTCALL, 524287, "hostcall:524287" },
    { PX_EXIT_MANAGE, 0, "manage" },
    { PX_EXIT_TRAP, 0, "trap" },
    { PX_EXIT_PANIC, PX_PANIC_ILLEGAL, "panic:illegal" },
    { PX_EXIT_PANIC, PX_PANIC_ECALL, "panic:ecall" },
    { PX_EXIT_PANIC, PX_PANIC_BAD_TARGET, "panic:bad-target" },
    { PX_EXIT_PANIC, PX_PANIC_BAD_ENTRY, "panic:bad-entry" },
    { PX_EXIT_PANIC, PX_PANIC_END_OF_CODE, "panic:end-of-code" },
    { PX_EXIT_PANIC, PX_PANIC_BAD_LENGTH, "panic:bad-length" },
    { PX_EXIT_PAGE_FAULT, 0, "page_fault:0x0" },
    { PX_EXIT_PAGE_FAULT, 0x10000000, "page_fault:0x10000000" },
    { PX_EXIT_PAGE_FAULT, 0xfffff000, "page_fault:0xfffff000" },
    { PX_EXIT_OUT_OF_GAS, 0, "out_of_gas" },
    { PX_EXIT_STOPPED, 0, "stopped" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_EXTENSION, "unjudged:extension" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_HOSTCALL, "unjudged:hostcall" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_GAS, "unjudged:gas" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_TIME, "unjudged:time" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_SIZE, "unjudged:size" },
    { PX_EXIT_UNJUDGED, PX_UNJUDGED_LOST, "unjudged:lost" },
};

static void every_exit_is_written_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(spellings); i++) {
        struct px_outcome outcome = { .exit = spellings[i].exit, .arg = spellings[i].arg };
        char text[40];
        assert_int_equal(px_exit_format(&outcome, text, sizeof text), strlen(spellings[i].text));
        assert_string_equal(text, spellings[i].text);

        struct px_outcome read = { .exit = PX_EXIT_COUNT, .arg = 99, .pc = 7, .gas = 8, .x = { 0, 9 } };
        struct px_outcome expected = read;
        expected.exit = spellings[i].exit;
        expected.arg = spellings[i].arg;
        assert_true(px_exit_parse(text, &read));
        assert_memory_equal(&read, &expected, sizeof read);
    }
}

static void every_selector_of_20_bits_is_read_and_no_other(void **state)
{
    (void)state;
    for (int64_t selector = -(1 << 19) - 3; selector < (1 << 19) + 3; selector++) {
        struct px_outcome outcome = { .exit = PX_EXIT_HOSTCALL, .arg = selector }, read = { .arg = 1 };
        char text[40];
        (void)px_exit_format(&outcome, text, sizeof text);
        int fits = selector >= -(1 << 19) && selector < 1 << 19;
        assert_int_equal(px_exit_parse(text, &read), fits);
        assert_int_equal(read.arg, fits ? selector : 1);
    }
}

static void other_spellings_are_refused_and_change_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        ":0",
        "hostcall",
        "hostcall:",
        "hostcall:+1",
        "hostcall:01",
        "hostcall:-0",
        "hostcall: 1",
        "hostcall:1 ",
        "hostcall:0x1",
        "hostcall:1:2",
        "hostcall:524288",
        "hostcall:-524289",
        "hostcall:99999999999999999999",
        "Hostcall:0",
        "hostcal:0",
        "hostcalls:0",
        "manage:",
        "manage:0",
        "trap:0",
        "trap ",
        "panic",
        "panic:",
        "panic:0",
        "panic:bad_target",
        "panic:illegal ",
        "panic:Illegal",
        "page_fault",
        "page_fault:",
        "page_fault:0",
        "page_fault:1000",
        "page_fault:0x800",
        "page_fault:0x01000",
        "page_fault:0X1000",
        "page_fault:0xFFFFF000",
        "page_fault:0x100000000",
        "page_fault:-0x1000",
        "page-fault:0x1000",
        "out_of_gas:0",
        "out of gas",
        "unknown",
        "abort",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct px_outcome outcome = { .exit = PX_EXIT_TRAP, .arg = 5 }, before = outcome;
        if (px_exit_parse(bad[i], &outcome))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_memory_equal(&outcome, &before, sizeof before);
    }
}

static void a_short_buffer_cuts_the_text_and_reports_its_length(void **state)
{
    (void)state;
    struct px_outcome outcome = { .exit = PX_EXIT_PANIC, .arg = PX_PANIC_BAD_TARGET };
    char text[6] = "#####";
    assert_int_equal(px_exit_format(&outcome, text, sizeof text), strlen("panic:bad-target"));
    assert_string_equal(text, "panic");
    assert_int_equal(px_exit_format(&outcome, text, 1), strlen("panic:bad-target"));
    assert_string_equal(text, "");
    assert_int_equal(px_exit_format(&outcome, NULL, 0), strlen("panic:bad-target"));
}

static void what_no_engine_should_report_is_still_shown(void **state)
{
    (void)state;
    const struct {
        enum px_exit exit;
        int64_t arg;
        const char *text;
    } rows[] = {
        { PX_EXIT_PANIC, 77, "panic:77" },
        { PX_EXIT_PANIC, -1, "panic:-1" },
        { PX_EXIT_PANIC, INT64_C(1) << 32, "panic:4294967296" },
        { PX_EXIT_HOSTCALL, INT64_MIN, "hostcall:-9223372036854775808" },
        { PX_EXIT_PAGE_FAULT, -1, "page_fault:0xffffffffffffffff" },
        { PX_EXIT_COUNT, 3, "unknown" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct px_outcome outcome = { .exit = rows[i].exit, .arg = rows[i].arg };
        char text[40];
        assert_int_equal(px_exit_format(&outcome, text, sizeof text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
        assert_false(px_exit_parse(text, &outcome));
    }
}

static void exits_and_causes_have_names(void **state)
{
    (void)state;
    static const char *const exits[] = { "hostcall",   "manage",     "trap",    "panic",
                                         "page_fault", "out_of_gas", "stopped", "unjudged" };
    static const char *const causes[] = { "illegal",   "ecall",       "bad-target",
                                          "bad-entry", "end-of-code", "bad-length" };
    assert_int_equal(COUNT(exits), PX_EXIT_COUNT);
    assert_int_equal(COUNT(causes), PX_PANIC_COUNT);
    for (int i = 0; i < PX_EXIT_COUNT; i++)
        assert_string_equal(px_exit_name((enum px_exit)i), exits[i]);
    for (int i = 0; i < PX_PANIC_COUNT; i++)
        assert_string_equal(px_panic_name((enum px_panic)i), causes[i]);
    static const char *const reasons[] = { "extension", "hostcall", "gas", "time", "size", "lost" };
    assert_int_equal(COUNT(reasons), PX_UNJUDGED_COUNT);
    for (int i = 0; i < PX_UNJUDGED_COUNT; i++)
        assert_string_equal(px_unjudged_name((enum px_unjudged)i), reasons[i]);
    assert_string_equal(px_unjudged_name(PX_UNJUDGED_COUNT), "unknown");
    assert_string_equal(px_exit_name(PX_EXIT_COUNT), "unknown");
    assert_string_equal(px_panic_name(PX_PANIC_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_exit_is_written_and_read_back),
        cmocka_unit_test(every_selector_of_20_bits_is_read_and_no_other),
        cmocka_unit_test(other_spellings_are_refused_and_change_nothing),
        cmocka_unit_test(a_short_buffer_cuts_the_text_and_reports_its_length),
        cmocka_unit_test(what_no_engine_should_report_is_still_shown),
        cmocka_unit_test(exits_and_causes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
