/* Who stands alone, over every kind of disagreement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "harness/majority.h"

static const char *const names[] = { "a", "b", "c", "d", "e" };

/* Relations as a text: "ab= ac! bc?" means that a and b agree, a and c differ, and b and c are not known. */
static struct majority relate(const char *text)
{
    struct majority m = { 0 };
    for (; text[0]; text += text[3] ? 4 : 3)
        majority_set(&m, (size_t)(text[0] - 'a'), (size_t)(text[1] - 'a'),
                     text[2] == '='   ? RELATION_AGREE
                     : text[2] == '!' ? RELATION_DIFFER
                                      : RELATION_UNKNOWN);
    return m;
}

static void expect_verdict(const char *relations, size_t count, const char *expected)
{
    char text[MAJORITY_TEXT] = "x";
    struct majority m = relate(relations);
    bool told = majority_describe(&m, names, count, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(told, expected[0] != '\0');
}

static void one_against_two_stands_alone(void **state)
{
    (void)state;
    expect_verdict("ab! ac= bc!", 3, "b stands alone against a and c");
    expect_verdict("ab= ac! bc!", 3, "c stands alone against a and b");
    expect_verdict("ab! ac! bc=", 3, "a stands alone against b and c");
    expect_verdict("ab= ac! ad= bc! bd= cd!", 4, "c stands alone against a, b and d");
}

static void a_minority_of_several_is_named_too(void **state)
{
    (void)state;
    expect_verdict("ab! ac! ad= ae= bc= bd! be! cd! ce! de=", 5, "b and c stand against a, d and e");
}

static void equal_parts_and_three_opinions_are_no_majority(void **state)
{
    (void)state;
    expect_verdict("ab! ac! bc!", 3, "no majority: a against b against c");
    expect_verdict("ab! ac! ad= bc= bd! cd!", 4, "no majority: a and d against b and c");
}

static void two_cannot_be_judged(void **state)
{
    (void)state;
    expect_verdict("ab!", 2, "");
    expect_verdict("ab! ac? bc?", 3, "");
    expect_verdict("ab= ac= bc=", 3, "");
}

static void who_sees_no_difference_abstains(void **state)
{
    (void)state;
    expect_verdict("ab! ac= bc=", 3, "no majority: a against b; c cannot tell");
    expect_verdict("ab! ac= bc?", 3, "no majority: a against b; c cannot tell");
    expect_verdict("ab! ac! ad= bc= bd= cd=", 4, "a stands alone against b and c; d cannot tell");
}

static void a_text_too_short_is_cut(void **state)
{
    (void)state;
    char text[10];
    struct majority m = relate("ab! ac= bc!");
    assert_true(majority_describe(&m, names, 3, text, sizeof text));
    assert_string_equal(text, "b stands ");
}

static void anything_can_be_read_once_it_is_harmless(void **state)
{
    (void)state;
    struct majority m;
    char text[MAJORITY_TEXT];
    memset(&m, 0xa5, sizeof m);
    majority_make_harmless(&m);
    assert_false(majority_describe(&m, names, 3, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_against_two_stands_alone),
        cmocka_unit_test(a_minority_of_several_is_named_too),
        cmocka_unit_test(equal_parts_and_three_opinions_are_no_majority),
        cmocka_unit_test(two_cannot_be_judged),
        cmocka_unit_test(who_sees_no_difference_abstains),
        cmocka_unit_test(a_text_too_short_is_cut),
        cmocka_unit_test(anything_can_be_read_once_it_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
