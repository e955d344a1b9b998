/* What a dead worker left becomes a finding; findings are told apart and named. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "harness/finding.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { EXITED_1 = 1 << 8 }; /* a wait status; that of a signal is its number */

static struct finding from_death(uint32_t words, int signal, int wait_status)
{
    struct host_record record = {
        .words = words, .signal = signal, .address = 0x1234, .guest_pc_known = true, .guest_pc = 8
    };
    struct finding finding = { .index = 5 };
    finding_from_death(&finding, &record, wait_status);
    assert_int_equal(finding.index, 5);
    return finding;
}

static void expect_name(const struct finding *finding, const char *name)
{
    char text[160];
    assert_int_equal(finding_format(finding, text, sizeof text), strlen(name));
    assert_string_equal(text, name);
}

static void last_words_tell_what_a_worker_died_of(void **state)
{
    (void)state;
    struct finding finding = from_death(WORDS_ABORT, SIGFPE, EXITED_1);
    assert_int_equal(finding.kind, FINDING_ABORT);
    assert_false(finding.in_harness);
    assert_true(finding.guest_pc_known);
    assert_int_equal(finding.guest_pc, 8);
    assert_int_equal(finding.address, 0x1234);
    expect_name(&finding, "abort:SIGFPE");

    finding = from_death(WORDS_HARNESS, SIGSEGV, SIGSEGV);
    assert_int_equal(finding.kind, FINDING_ABORT);
    assert_true(finding.in_harness);
    expect_name(&finding, "abort:SIGSEGV");

    finding = from_death(WORDS_HANG, 0, EXITED_1);
    assert_int_equal(finding.kind, FINDING_HANG);
    expect_name(&finding, "hang");
}

static void a_worker_that_died_without_a_word_was_killed_or_left(void **state)
{
    (void)state;
    struct finding finding = from_death(WORDS_NONE, 0, SIGKILL);
    assert_int_equal(finding.kind, FINDING_ABORT);
    assert_true(finding.in_harness);
    assert_false(finding.guest_pc_known);
    expect_name(&finding, "abort:SIGKILL");

    finding = from_death(WORDS_NONE, 0, EXITED_1);
    assert_int_equal(finding.kind, FINDING_ABORT);
    expect_name(&finding, "abort:exit");
}

static void differences_are_named_by_their_fields_and_leaks_as_such(void **state)
{
    (void)state;
    struct finding leak = { .kind = FINDING_LEAK, .other = 1, .between = 7 };
    expect_name(&leak, "state-leak");
    struct finding finding = { .kind = FINDING_DIFF, .diff.fields = DIFF_GAS | DIFF_X0 << 3 };
    expect_name(&finding, "gas,x3");
    char text[4];
    assert_int_equal(finding_format(&finding, text, sizeof text), 6);
    assert_string_equal(text, "gas");
}

static void findings_are_the_same_by_kind_fields_engine_and_signal(void **state)
{
    (void)state;
    static const struct finding kinds[] = {
        { .kind = FINDING_DIFF, .other = 1, .diff.fields = DIFF_GAS },
        { .kind = FINDING_DIFF, .other = 2, .diff.fields = DIFF_GAS },
        { .kind = FINDING_DIFF, .other = 1, .diff.fields = DIFF_GAS | DIFF_PC },
        { .kind = FINDING_ABORT, .signal = SIGFPE },
        { .kind = FINDING_ABORT, .signal = SIGSEGV },
        { .kind = FINDING_HANG },
        { .kind = FINDING_LEAK, .other = 1 },
        { .kind = FINDING_LEAK, .other = 2 },
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct finding other = kinds[i];
        other.index = i + 100; /* where and with which values makes no difference */
        other.address = 0x4000;
        other.guest_pc = 12;
        other.diff.a.gas = 77;
        other.between = 3;
        for (size_t j = 0; j < COUNT(kinds); j++)
            assert_int_equal(finding_same(&kinds[j], &other), i == j);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_words_tell_what_a_worker_died_of),
        cmocka_unit_test(a_worker_that_died_without_a_word_was_killed_or_left),
        cmocka_unit_test(differences_are_named_by_their_fields_and_leaks_as_such),
        cmocka_unit_test(findings_are_the_same_by_kind_fields_engine_and_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
