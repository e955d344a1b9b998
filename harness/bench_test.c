/*
 * The benchmark's logic: medians, targets, names, the two ways to print. Nothing here looks at how fast
 * anything is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bench_measure.h"
#include "harness/commands.h"

static void the_median_is_the_middle_and_values_end_up_sorted(void **state)
{
    (void)state;
    double odd[] = { 5, -1, 3, 1e9, 4 }, even[] = { 4, 1, 2, 8 }, one[] = { 7 };
    assert_true(bench_median(odd, 5) == 4);
    assert_true(odd[0] == -1 && odd[4] == 1e9);
    assert_true(bench_median(even, 4) == 3);
    assert_true(bench_median(one, 1) == 7);
}

static void a_target_is_reached_from_the_side_that_is_better(void **state)
{
    (void)state;
    struct bench_result more = { .more_is_better = true, .target = 100, .median = 100 };
    struct bench_result less = { .target = 100, .median = 100 };
    assert_true(bench_reached(&more));
    assert_true(bench_reached(&less));
    more.median = 99;
    less.median = 101;
    assert_false(bench_reached(&more));
    assert_false(bench_reached(&less));
}

static size_t figures_called(const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < bench_measure_count; i++)
        for (size_t j = 0; j < bench_measures[i].count; j++) {
            char text[2 * BENCH_NAME_MAX];
            int length = snprintf(text, sizeof text, "%s/%s", bench_measures[i].name,
                                  bench_measures[i].figures[j].name);
            assert_in_range(length, 1, BENCH_NAME_MAX - 1);
            found += strcmp(text, name) == 0;
        }
    for (size_t i = 0; i < bench_ratio_count; i++)
        found += strcmp(bench_ratios[i].name, name) == 0;
    return found;
}

static void figures_have_names_of_their_own_and_a_place(void **state)
{
    (void)state;
    size_t all = 0;
    for (size_t i = 0; i < bench_measure_count; i++) {
        const struct bench_measure *m = &bench_measures[i];
        assert_in_range(m->count, 1, BENCH_VALUES_MAX);
        assert_true(m->weight > 0);
        all += m->count;
        for (size_t j = 0; j < m->count; j++) {
            char name[BENCH_NAME_MAX];
            assert_non_null(m->figures[j].name);
            assert_non_null(m->figures[j].unit);
            (void)snprintf(name, sizeof name, "%s/%s", m->name, m->figures[j].name);
            assert_int_equal(figures_called(name), 1);
        }
    }
    assert_in_range(all, 1, BENCH_FIGURES_MAX);
}

static void every_target_belongs_to_a_figure(void **state)
{
    (void)state;
    assert_non_null(bench_target_name(0));
    for (size_t i = 0; bench_target_name(i); i++) {
        assert_int_equal(figures_called(bench_target_name(i)), 1);
        assert_true(bench_target(bench_target_name(i)) > 0);
    }
    assert_true(bench_target("host/clock") == 0);
}

static const struct bench_report sample = {
    .machine = { .cpu = "Abacus \"9\\x\"\t\xe9", .cores = 4, .pinned = 2, .share = 0.5 },
    .repetitions = 7,
    .count = 3,
    .results = {
        { "run/fast", "programs/s", true, 300000, 1234567.25, 2000000, 3000000 },
        { "run/slow", "ns/run", false, 30, 29, 31, 32.125 },
        { "host/clock", "ns/call", false, 0, -0.5, 0.25, 123.5 },
    },
};

static void print(void (*printer)(const struct bench_report *, FILE *), const struct bench_report *report,
                  char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    assert_non_null(out);
    printer(report, out);
    assert_int_equal(fclose(out), 0);
}

static void json_is_one_object_with_every_figure_by_name(void **state)
{
    (void)state;
    char *text;
    print(bench_print_json, &sample, &text);
    assert_string_equal(
        text,
        "{\n  \"machine\": {\"cpu\": \"Abacus \\\"9\\\\x\\\"\\u0009\\u00e9\", \"cores\": 4, \"pinned\": 2, "
        "\"share\": 0.5000},\n  \"repetitions\": 7,\n  \"diverged\": 0,\n  \"figures\": {\n"
        "    \"run/fast\": {\"unit\": \"programs/s\", \"better\": \"more\", \"min\": 1.23457e+06, "
        "\"median\": 2e+06, \"max\": 3e+06, \"target\": 300000, \"ok\": true},\n"
        "    \"run/slow\": {\"unit\": \"ns/run\", \"better\": \"less\", \"min\": 29, \"median\": 31, "
        "\"max\": 32.125, \"target\": 30, \"ok\": false},\n"
        "    \"host/clock\": {\"unit\": \"ns/call\", \"better\": \"less\", \"min\": -0.5, \"median\": 0.25, "
        "\"max\": 123.5}\n  }\n}\n");
    free(text);
}

static void json_of_a_machine_that_would_not_pin_says_null(void **state)
{
    (void)state;
    char *text;
    struct bench_report report = sample;
    report.machine.pinned = -1;
    print(bench_print_json, &report, &text);
    assert_non_null(strstr(text, "\"pinned\": null,"));
    free(text);
}

static void the_table_says_which_targets_are_missed(void **state)
{
    (void)state;
    char *text;
    struct bench_report report = sample;
    report.diverged = 2;
    print(bench_print, &report, &text);
    assert_non_null(strstr(text, ", 4 cores; pinned to CPU 2, of which it got 50.0 %; medians of 7 "));
    assert_non_null(strstr(text, " 2,000,000  1,234,567  3,000,000  programs/s        >= 300000   ok\n"));
    assert_non_null(strstr(text, "      31.00      29.00      32.12  ns/run            <= 30       above\n"));
    assert_non_null(strstr(text, "      0.250     -0.500      123.5  ns/call\n"));
    assert_non_null(strstr(text, "disagreed on 2 programs"));
    free(text);
}

static const struct bench_options short_run = {
    .seconds = 1, .repetitions = 5, .quick = true, .filter = "xxh3"
};

static void the_filter_leaves_the_figures_that_contain_it(void **state)
{
    (void)state;
    struct px_error err;
    struct bench_report report;
    assert_int_equal(bench_measure_all(&short_run, NULL, &report, &err), PX_OK);
    assert_int_equal(report.count, 3);
    assert_int_equal(report.repetitions, 5);
    for (size_t i = 0; i < report.count; i++) {
        const struct bench_result *r = &report.results[i];
        assert_non_null(strstr(r->name, "host/xxh3-"));
        assert_true(r->min > 0 && r->min <= r->median && r->median <= r->max);
    }
    struct bench_options nothing = short_run;
    nothing.filter = "no such figure";
    assert_int_equal(bench_measure_all(&nothing, NULL, &report, &err), PX_OK);
    assert_int_equal(report.count, 0);
}

static void a_ratio_is_of_values_of_the_same_turn(void **state)
{
    (void)state;
    struct px_error err;
    struct bench_report report;
    struct bench_options ratio = short_run;
    ratio.filter = "fused-to-interp";
    assert_int_equal(bench_measure_all(&ratio, NULL, &report, &err), PX_OK);
    assert_int_equal(report.count, 1);
    assert_string_equal(report.results[0].name, "guests/fused-to-interp");
    assert_true(report.results[0].min > 0);
    for (size_t i = 0; i < bench_ratio_count; i++) {
        assert_int_equal(figures_called(bench_ratios[i].of), 1);
        assert_int_equal(figures_called(bench_ratios[i].to), 1);
    }
}

static void every_measurement_works_and_the_engines_agree(void **state)
{
    (void)state;
    struct px_error err;
    struct bench_report report;
    struct bench_options all = short_run;
    size_t figures = 0;
    all.filter = "";
    for (size_t i = 0; i < bench_measure_count; i++) /* without programs from outside */
        figures += bench_measures[i].program ? 0 : bench_measures[i].count;
    for (size_t i = 0; i < bench_ratio_count; i++)
        figures += strcmp(bench_ratios[i].name, "guests/fused-to-interp") == 0;
    assert_int_equal(bench_measure_all(&all, NULL, &report, &err), PX_OK);
    assert_int_equal(report.count, figures);
    assert_int_equal(report.diverged, 0);
    assert_true(report.machine.cores > 0);
    assert_true(report.machine.cpu[0] != '\0');
}

/* The exit code of `parallax bench` with @args, and the first character that it prints ('\0': none). */
static int bench_command(const char *const *args, size_t count, char *first)
{
    char *argv[8] = { (char *)"bench" };
    int pipe_ends[2], saved = dup(STDOUT_FILENO), code;
    for (size_t i = 0; i < count; i++)
        argv[1 + i] = (char *)(uintptr_t)args[i];
    *first = '\0';
    assert_int_equal(fflush(stdout), 0);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(dup2(pipe_ends[1], STDOUT_FILENO) >= 0);
    code = command_bench.run(&command_bench, (int)count + 1, argv);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    (void)close(pipe_ends[1]);
    assert_true(read(pipe_ends[0], first, 1) >= 0);
    (void)close(pipe_ends[0]);
    return code;
}

static void options_are_checked_and_json_changes_the_output(void **state)
{
    (void)state;
    static const char *const table[] = { "--quick", "--seconds=1", "--repetitions=5", "--filter=host/clock" };
    static const char *const json[] = { "--quick", "--seconds=1", "--filter=host/clock", "--json" };
    static const char *const wrong[][1] = {
        { "--filter=nothing" }, { "--repetitions=4" }, { "--repetitions=100" },
        { "--seconds=0" },      { "positional" },      { "--json=1" },
    };
    char first;
    assert_int_equal(bench_command(table, 4, &first), EXIT_AGREE);
    assert_int_equal(first, 'm');
    assert_int_equal(bench_command(json, 4, &first), EXIT_AGREE);
    assert_int_equal(first, '{');
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(bench_command(wrong[i], 1, &first), EXIT_USAGE);
        assert_int_equal(first, '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle_and_values_end_up_sorted),
        cmocka_unit_test(a_target_is_reached_from_the_side_that_is_better),
        cmocka_unit_test(figures_have_names_of_their_own_and_a_place),
        cmocka_unit_test(every_target_belongs_to_a_figure),
        cmocka_unit_test(json_is_one_object_with_every_figure_by_name),
        cmocka_unit_test(json_of_a_machine_that_would_not_pin_says_null),
        cmocka_unit_test(the_table_says_which_targets_are_missed),
        cmocka_unit_test(the_filter_leaves_the_figures_that_contain_it),
        cmocka_unit_test(a_ratio_is_of_values_of_the_same_turn),
        cmocka_unit_test(every_measurement_works_and_the_engines_agree),
        cmocka_unit_test(options_are_checked_and_json_changes_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
