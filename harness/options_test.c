/* Parsing from tables: values, ranges, every way to be wrong, --help, and exit codes by status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/tests/capture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ARGS_MAX = 8, UNSET = 77 };

static const struct command command = {
    .name = "try",
    .summary = "Tries options.",
    .usage = "[OPTIONS] FILE",
    .examples = "  parallax try --count 3\n",
};

/* What a command line set. */
struct values {
    uint64_t count, any;
    const char *name;
    bool flag;
    int positional;
    char *argv[ARGS_MAX + 1]; /* as options_parse left it; argv[0] is the command */
    char *out, *err;          /* what it printed */
};

/* Parses @args, up to a NULL, and gives the result of options_parse. */
static int parse(struct values *v, const char *const *args)
{
    *v = (struct values){ .count = UNSET, .any = UNSET, .positional = -1, .argv = { (char *)"try" } };
    const struct option options[] = {
        { "count", OPTION_NUMBER, &v->count, 1, 100, "N", "how many (default 7)" },
        { "any", OPTION_NUMBER, &v->any, 0, UINT64_MAX, "N", "any number" },
        { "name", OPTION_TEXT, &v->name, 0, 0, "NAME", "a name" },
        { "flag", OPTION_FLAG, &v->flag, 0, 0, NULL, "a flag" },
    };
    int argc = 1;
    for (; args[argc - 1]; argc++)
        v->argv[argc] = (char *)(uintptr_t)args[argc - 1];
    struct capture out, err;
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    int code = options_parse(&command, options, COUNT(options), argc, v->argv, &v->positional);
    v->err = capture_end(&err);
    v->out = capture_end(&out);
    return code;
}

static void forget(struct values *v)
{
    free(v->out);
    free(v->err);
}

/* Every value it takes, with no word about it. */
static void expect_good(struct values *v, const char *const *args)
{
    assert_int_equal(parse(v, args), -1);
    assert_string_equal(v->out, "");
    assert_string_equal(v->err, "");
    forget(v);
}

/* One line on stderr, @message, and nothing set. */
static void expect_bad(const char *const *args, const char *message)
{
    struct values v;
    assert_int_equal(parse(&v, args), EXIT_USAGE);
    assert_string_equal(v.out, "");
    assert_string_equal(v.err, message);
    assert_int_equal(v.count, UNSET);
    assert_int_equal(v.positional, -1);
    forget(&v);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void without_arguments_nothing_is_set(void **state)
{
    (void)state;
    struct values v;
    expect_good(&v, (const char *const[]){ NULL });
    assert_int_equal(v.count, UNSET);
    assert_false(v.flag);
    assert_null(v.name);
    assert_int_equal(v.positional, 0);
}

static void values_come_behind_an_equals_sign_or_as_the_next_argument(void **state)
{
    (void)state;
    struct values v;
    expect_good(&v, ARGS("--count=3", "--name", "--flag", "--flag", "--any=0x1f"));
    assert_int_equal(v.count, 3);
    assert_string_equal(v.name, "--flag");
    assert_true(v.flag);
    assert_int_equal(v.any, 31);
    expect_good(&v, ARGS("--name=a=b", "--count", "100", "--count=1"));
    assert_string_equal(v.name, "a=b");
    assert_int_equal(v.count, 1);
    assert_false(v.flag);
    expect_good(&v, ARGS("--name="));
    assert_string_equal(v.name, "");
}

static void numbers_reach_both_ends_of_64_bits_in_decimal_and_hex(void **state)
{
    (void)state;
    static const struct {
        const char *arg;
        uint64_t value;
    } rows[] = {
        { "--any=0", 0 },
        { "--any=0x0", 0 },
        { "--any=007", 7 },
        { "--any=0XfF", 255 },
        { "--any=18446744073709551615", UINT64_MAX },
        { "--any=0xffffffffffffffff", UINT64_MAX },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct values v;
        expect_good(&v, ARGS(rows[i].arg));
        assert_int_equal(v.any, rows[i].value);
    }
}

static void what_is_no_number_or_out_of_range_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "0",
                                         "101",
                                         "",
                                         "-1",
                                         "+1",
                                         " 1",
                                         "1 ",
                                         "1k",
                                         "0x",
                                         "0xg",
                                         "1e1",
                                         "1.0",
                                         "x12",
                                         "18446744073709551616",
                                         "0x10000000000000000" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char arg[64], message[160];
        (void)snprintf(arg, sizeof arg, "--count=%s", wrong[i]);
        (void)snprintf(message, sizeof message,
                       "parallax try: --count: '%s': expected a number from 1 to 100\n", wrong[i]);
        expect_bad(ARGS(arg), message);
    }
    expect_bad(
        ARGS("--any=18446744073709551616"),
        "parallax try: --any: '18446744073709551616': expected a number from 0 to 18446744073709551615\n");
}

static void what_the_table_does_not_know_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "--counts=1", "--coun=1", "-c", "--=", "--no-flag", "-count=1" };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        char message[160];
        (void)snprintf(message, sizeof message,
                       "parallax try: unknown option '%s': see parallax try --help\n", wrong[i]);
        expect_bad(ARGS(wrong[i]), message);
    }
}

static void a_value_too_few_or_too_many_is_refused(void **state)
{
    (void)state;
    expect_bad(ARGS("--flag=1"), "parallax try: --flag takes no value\n");
    expect_bad(ARGS("--flag="), "parallax try: --flag takes no value\n");
    expect_bad(ARGS("--count"), "parallax try: --count: expected a value (N)\n");
    expect_bad(ARGS("--flag", "--name"), "parallax try: --name: expected a value (NAME)\n");
}

static void positional_arguments_come_to_the_front_in_their_order(void **state)
{
    (void)state;
    struct values v;
    expect_good(&v, ARGS("one", "--count=2", "-", "--flag", "--", "--name", "--"));
    assert_int_equal(v.positional, 4);
    assert_string_equal(v.argv[1], "one");
    assert_string_equal(v.argv[2], "-");
    assert_string_equal(v.argv[3], "--name");
    assert_string_equal(v.argv[4], "--");
    assert_int_equal(v.count, 2);
    assert_null(v.name);
}

static void help_lists_every_option_and_ends_well(void **state)
{
    (void)state;
    static const char *const spellings[] = { "--help", "-h" };
    for (size_t i = 0; i < COUNT(spellings); i++) {
        struct values v;
        assert_int_equal(parse(&v, ARGS("--flag", spellings[i], "--nonsense")), EXIT_AGREE);
        assert_string_equal(v.err, "");
        assert_string_equal(v.out, "usage: parallax try [OPTIONS] FILE\n"
                                   "\n"
                                   "Tries options.\n"
                                   "\n"
                                   "options:\n"
                                   "  --count=N                  how many (default 7)\n"
                                   "  --any=N                    any number\n"
                                   "  --name=NAME                a name\n"
                                   "  --flag                     a flag\n"
                                   "  --help                     this text\n"
                                   "\n"
                                   "examples:\n"
                                   "  parallax try --count 3\n");
        forget(&v);
    }
}

static void a_status_becomes_an_exit_code_and_one_line(void **state)
{
    (void)state;
    static const struct {
        enum px_status status;
        int code;
    } rows[] = {
        { PX_ERR_INPUT, EXIT_USAGE }, { PX_ERR_SYSTEM, EXIT_USAGE }, { PX_UNSUPPORTED, EXIT_USAGE },
        { PX_ERR_NOMEM, EXIT_USAGE }, { PX_ERR_FULL, EXIT_USAGE },   { PX_ERR_INTERNAL, EXIT_BROKEN },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct px_error err = { "a.px:1:2: what is wrong" };
        struct capture capture;
        capture_begin(&capture, stderr);
        int code = options_fail_status(&command, rows[i].status, &err);
        char *text = capture_end(&capture);
        assert_int_equal(code, rows[i].code);
        assert_string_equal(text, "parallax try: a.px:1:2: what is wrong\n");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_arguments_nothing_is_set),
        cmocka_unit_test(values_come_behind_an_equals_sign_or_as_the_next_argument),
        cmocka_unit_test(numbers_reach_both_ends_of_64_bits_in_decimal_and_hex),
        cmocka_unit_test(what_is_no_number_or_out_of_range_is_refused),
        cmocka_unit_test(what_the_table_does_not_know_is_refused),
        cmocka_unit_test(a_value_too_few_or_too_many_is_refused),
        cmocka_unit_test(positional_arguments_come_to_the_front_in_their_order),
        cmocka_unit_test(help_lists_every_option_and_ends_well),
        cmocka_unit_test(a_status_becomes_an_exit_code_and_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
