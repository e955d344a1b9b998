/* Any bytes as text of another language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/quote.h"

static void expect_quoted(void (*quote)(FILE *file, const char *text), const char *text, const char *expected)
{
    char *quoted = NULL;
    size_t size;
    FILE *file = open_memstream(&quoted, &size);
    assert_non_null(file);
    quote(file, text);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(quoted, expected);
    free(quoted);
}

/* A NUL-terminated text of every byte but NUL. */
static void all_bytes(char text[256])
{
    for (int i = 1; i < 256; i++)
        text[i - 1] = (char)i;
    text[255] = '\0';
}

static const char good[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";

static void characters_come_through_as_they_are(void **state)
{
    (void)state;
    expect_quoted(quote_plain, good, good);
    expect_quoted(quote_xml, good, good);
    expect_quoted(quote_json, good, "\"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    expect_quoted(quote_plain, "", "");
    expect_quoted(quote_json, "", "\"\"");
}

static void marks_of_the_language_are_escaped(void **state)
{
    (void)state;
    static const char text[] = "<a b=\"c\" d='e'>\\&\t\r\n\x1b]";
    expect_quoted(quote_plain, text, "<a b=\"c\" d='e'>\\&\\x09\\x0d\\x0a\\x1b]");
    expect_quoted(quote_xml, text, "&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;\\&#38;&#9;&#13;&#10;\\x1b]");
    expect_quoted(quote_json, text, "\"<a b=\\\"c\\\" d='e'>\\\\&\\u0009\\u000d\\u000a\\u001b]\"");
}

static void bytes_that_are_no_characters_are_spelled_out(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain;
    } cases[] = {
        { "\x80", "\\x80" },                                 /* a tail without a lead */
        { "\xc3", "\\xc3" },                                 /* cut short */
        { "\xe2\x82", "\\xe2\\x82" },
        { "\xe2\x82(", "\\xe2\\x82(" },
        { "\xc0\xaf", "\\xc0\\xaf" },                        /* longer than need be */
        { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },               /* half a surrogate pair */
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },      /* past the last one */
        { "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },
        { "\xff\xfe", "\\xff\\xfe" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[64], *end = json;
        expect_quoted(quote_plain, cases[i].text, cases[i].plain);
        expect_quoted(quote_xml, cases[i].text, cases[i].plain);
        *end++ = '"';
        for (const char *c = cases[i].plain; *c; c++) {
            if (*c == '\\')
                *end++ = '\\';
            *end++ = *c;
        }
        memcpy(end, "\"", 2);
        expect_quoted(quote_json, cases[i].text, json);
    }
    expect_quoted(quote_xml, "\xef\xbf\xbe|\xef\xbf\xbd",
                  "\\xef\\xbf\\xbe|\xef\xbf\xbd"); /* U+FFFE is none in XML */
    expect_quoted(quote_plain, "\xc2\x9b", "\\xc2\\x9b"); /* a control of eight bits */
}

static void whatever_goes_in_plain_text_comes_out(void **state)
{
    (void)state;
    char text[256], *quoted = NULL;
    size_t size;
    all_bytes(text);
    FILE *file = open_memstream(&quoted, &size);
    assert_non_null(file);
    quote_plain(file, text);
    quote_xml(file, text);
    quote_json(file, text);
    quote_uri(file, text);
    assert_int_equal(fclose(file), 0);
    for (size_t i = 0; i < size; i++)
        assert_in_range(quoted[i], ' ', '~');
    free(quoted);
}

static void paths_become_uris(void **state)
{
    (void)state;
    expect_quoted(quote_uri, "parallax-out/1a2b-lui/minimal.px", "parallax-out/1a2b-lui/minimal.px");
    expect_quoted(quote_uri, "/tmp/a b#c%", "file:///tmp/a%20b%23c%25");
    expect_quoted(quote_uri, "x:\xff\n", "x%3A%FF%0A");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_come_through_as_they_are),
        cmocka_unit_test(marks_of_the_language_are_escaped),
        cmocka_unit_test(bytes_that_are_no_characters_are_spelled_out),
        cmocka_unit_test(whatever_goes_in_plain_text_comes_out),
        cmocka_unit_test(paths_become_uris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
