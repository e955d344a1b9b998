/* Dates, and lists of known buckets: good ones, and where bad ones go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/bucket.h"
#include "harness/gate/known.h"
#include "harness/tests/folder.h"

/* --- dates --- */

static void days_that_there_are_are_read(void **state)
{
    (void)state;
    static const char *const days[] = { "2026-12-31", "2026-01-01", "2024-02-29", "2000-02-29",
                                        "1000-01-01", "9999-12-31", "2026-04-30" };
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        gate_date date = 0;
        char text[GATE_DATE_ROOM];
        assert_true(gate_date_parse(days[i], strlen(days[i]), &date));
        assert_string_equal(gate_date_format(date, text), days[i]);
    }
    gate_date before, after;
    assert_true(gate_date_parse("2026-12-31", 10, &before));
    assert_true(gate_date_parse("2027-01-01", 10, &after));
    assert_true(before < after);
    assert_in_range(gate_date_today(), 20250101, 99991231);
}

static void days_that_there_are_not_are_refused(void **state)
{
    (void)state;
    static const char *const days[] = {
        "",           "2026-02-29", "1900-02-29", "2026-04-31",  "2026-00-10",
        "2026-13-01", "2026-01-00", "2026-01-32", "0999-12-31",  "2026-1-01",
        "2026/01/01", "20260101",   "2026-01-1x", " 2026-01-01", "2026-01-011"
    };
    gate_date date = 7;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
        assert_false(gate_date_parse(days[i], strlen(days[i]), &date));
    assert_int_equal(date, 7);
}

/* --- lists --- */

static void expect_known(const struct known *known, const char *hash, const char *owner, gate_date expires,
                         const char *reason, size_t line)
{
    assert_string_equal(known->hash, hash);
    assert_string_equal(known->owner, owner);
    assert_int_equal(known->expires, expires);
    assert_string_equal(known->reason, reason);
    assert_int_equal(known->line, line);
}

static void a_line_is_bucket_owner_day_and_reason(void **state)
{
    (void)state;
    static const char text[] = "# bucket  owner  expires  reason\n"
                               "\n"
                               "1f8e412a alice 2026-12-31  remw by zero, see #812 \r\n"
                               "  00000000\t@jit-team\t2027-01-01\n"
                               "abcdef01 bob 2027-06-30 # not a comment\n"
                               "interp|block:touch=fault:lw:exit:page_fault/none carol 2026-11-21";
    struct known_list list;
    struct px_error err = { "" };
    char hash[9];
    assert_int_equal(known_parse(&list, "known.txt", text, strlen(text), &err), PX_OK);
    assert_int_equal(list.count, 4);
    expect_known(&list.items[0], "1f8e412a", "alice", 20261231, "remw by zero, see #812", 3);
    expect_known(&list.items[1], "00000000", "@jit-team", 20270101, "", 4);
    expect_known(&list.items[2], "abcdef01", "bob", 20270630, "not a comment", 5);
    bucket_hash("interp|block:touch=fault:lw:exit:page_fault/none", 48, hash);
    expect_known(&list.items[3], hash, "carol", 20261121, "", 6);
    assert_ptr_equal(known_find(&list, "00000000"), &list.items[1]);
    assert_ptr_equal(known_find(&list, hash), &list.items[3]);
    assert_null(known_find(&list, "00000001"));
    known_fini(&list);
    assert_null(known_find(&list, "00000000"));
}

static void an_empty_list_knows_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n\n", "# nothing\n#", "   \t\r\n" };
    struct known_list list;
    struct px_error err = { "" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(known_parse(&list, "known.txt", texts[i], strlen(texts[i]), &err), PX_OK);
        assert_int_equal(list.count, 0);
        known_fini(&list);
    }
}

static void expect_refused(const char *text, size_t size, const char *message)
{
    struct known_list list;
    struct px_error err = { "" };
    assert_int_equal(known_parse(&list, "known.txt", text, size, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_int_equal(list.count, 0);
    assert_null(list.items);
}

static void a_malformed_line_is_refused_with_its_place(void **state)
{
    (void)state;
#define BUCKET "expected a bucket: eight hex digits in lower case, or its whole id"
#define DAY "expected the last day on which it is accepted, YYYY-MM-DD"
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "1f8e412 alice 2026-12-31", "known.txt:1:1: found \"1f8e412\", " BUCKET },
        { "\n  1F8E412A alice 2026-12-31", "known.txt:2:3: found \"1F8E412A\", " BUCKET },
        { "1f8e412a-remw alice 2026-12-31", "known.txt:1:1: found \"1f8e412a-remw\", " BUCKET },
        { "interp:lw:reg:- alice 2026-12-31", "known.txt:1:1: found \"interp:lw:reg:-\", " BUCKET },
        { "1f8e412a", "known.txt:1:9: found end of line, expected who looks after the bucket" },
        { "1f8e412a # alice", "known.txt:1:10: found end of line, expected who looks after the bucket" },
        { "1f8e412a alice", "known.txt:1:15: found end of line, " DAY },
        { "1f8e412a alice\n", "known.txt:1:15: found end of line, " DAY },
        { "1f8e412a alice tomorrow x\n", "known.txt:1:16: found \"tomorrow\", " DAY },
        { "1f8e412a alice 2026-02-30", "known.txt:1:16: found \"2026-02-30\", " DAY },
        { "1f8e412a alice 2026-12-31 x\n00000000 bob 2026-12-31\n1f8e412a carol 2027-12-31",
          "known.txt:3:1: found \"1f8e412a\", expected each bucket once: line 1 has it already" },
        { "1f8e412a \x1b 2026-12-31\n\xff", "known.txt:2:1: found \"\\xff\", " BUCKET },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i].text, strlen(cases[i].text), cases[i].message);
    expect_refused("1f8e412a alice 2026-12-31 a\0b", 29,
                   "known.txt:1:28: found \"\\x00\", expected text without NUL bytes");
#undef BUCKET
#undef DAY
}

static void a_list_names_a_bucket_by_digits_or_by_id_but_once(void **state)
{
    (void)state;
    char text[128], message[160], hash[9];
    bucket_hash("interp|block:lw:reg:-", 21, hash);
    (void)snprintf(text, sizeof text, "interp|block:lw:reg:- alice 2026-12-31\n%s bob 2026-12-31\n", hash);
    (void)snprintf(message, sizeof message,
                   "known.txt:2:1: found \"%s\", expected each bucket once: line 1 has it already", hash);
    expect_refused(text, strlen(text), message);
}

static void a_file_that_is_none_or_too_large_is_refused(void **state)
{
    (void)state;
    struct folder folder = { "" };
    struct known_list list;
    struct px_error err = { "" };
    char path[256], message[512];
    folder_make(&folder);
    folder_path(&folder, "known.txt", path, sizeof path);
    assert_int_equal(known_load(&list, path, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message, "%s: cannot open: No such file or directory", path);
    assert_string_equal(err.text, message);
    folder_add(&folder, "known.txt");
    assert_int_equal(known_load(&list, path, &err), PX_OK);
    assert_int_equal(list.count, 0);
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    assert_int_equal(known_load(&list, path, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message, "%s: over 1 MiB, expected a list of known buckets", path);
    assert_string_equal(err.text, message);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_that_there_are_are_read),
        cmocka_unit_test(days_that_there_are_not_are_refused),
        cmocka_unit_test(a_line_is_bucket_owner_day_and_reason),
        cmocka_unit_test(an_empty_list_knows_nothing),
        cmocka_unit_test(a_malformed_line_is_refused_with_its_place),
        cmocka_unit_test(a_list_names_a_bucket_by_digits_or_by_id_but_once),
        cmocka_unit_test(a_file_that_is_none_or_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
