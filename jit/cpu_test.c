#include "jit/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void host_and_baseline_are_all_and_nothing(void **state)
{
    (void)state;
    struct px_error err;
    unsigned features = 99;
    assert_int_equal(jit_cpu_parse("host", 4, &features, &err), PX_OK);
    assert_int_equal(features, jit_cpu_host());
    assert_int_equal(jit_cpu_parse("baseline", 8, &features, &err), PX_OK);
    assert_int_equal(features, 0);
}

static void every_set_of_the_hosts_features_reads_back_from_its_spelling(void **state)
{
    (void)state;
    for (unsigned set = 0; set <= JIT_CPU_ALL; set++) {
        char text[JIT_CPU_TEXT];
        unsigned features = 99;
        struct px_error err;
        jit_cpu_format(set, text);
        enum px_status status = jit_cpu_parse(text, strlen(text), &features, &err);
        bool possible = (set & ~jit_cpu_host()) == 0;
        assert_int_equal(status, possible ? PX_OK : PX_ERR_INPUT);
        assert_int_equal(features, possible ? set : 99);
    }
}

static void expect_refused(const char *text, const char *message)
{
    struct px_error err = { "" };
    unsigned features = 99;
    assert_int_equal(jit_cpu_parse(text, strlen(text), &features, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_int_equal(features, 99);
}

static void unknown_features_are_named(void **state)
{
    (void)state;
    expect_refused("sse9",
                   "cpu feature 'sse9': expected host, baseline, or bmi1, bmi2, lzcnt, popcnt joined by '+'");
    expect_refused("", "cpu feature '': expected host, baseline, or bmi1, bmi2, lzcnt, popcnt joined by '+'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_baseline_are_all_and_nothing),
        cmocka_unit_test(every_set_of_the_hosts_features_reads_back_from_its_spelling),
        cmocka_unit_test(unknown_features_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
