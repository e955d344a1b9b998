/* Findings in order, and where a range with many of them ends: the same for every order of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generators/prng.h"
#include "harness/finding_list.h"

static void add(struct finding_list *list, uint64_t index, enum finding_kind kind)
{
    const struct finding finding = { .index = index, .kind = kind };
    assert_int_equal(finding_list_add(list, &finding), PX_OK);
}

static void expect_list(const struct finding_list *list, const struct finding *expected, size_t count,
                        uint64_t end)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list->items[i].index, expected[i].index);
        assert_int_equal(list->items[i].kind, expected[i].kind);
    }
    assert_int_equal(list->end, end);
}

static void findings_stand_in_the_order_of_their_programs_each_once(void **state)
{
    (void)state;
    const struct finding expected[] = {
        { .index = 0, .kind = FINDING_DIFF },
        { .index = 7, .kind = FINDING_DIFF },
        { .index = 7, .kind = FINDING_LEAK },
        { .index = 9, .kind = FINDING_ABORT },
    };
    struct finding_list list;
    finding_list_init(&list, 0, 0);
    add(&list, 7, FINDING_LEAK);
    add(&list, 9, FINDING_ABORT);
    add(&list, 0, FINDING_DIFF);
    add(&list, 7, FINDING_DIFF);
    add(&list, 7, FINDING_DIFF);
    add(&list, 9, FINDING_ABORT);
    expect_list(&list, expected, 4, UINT64_MAX);
    finding_list_fini(&list);
}

static void a_range_ends_with_its_last_allowed_finding_or_hang(void **state)
{
    (void)state;
    const struct finding by_count[] = { { .index = 2 }, { .index = 5 } },
                         by_hang[] = { { .index = 2 }, { .index = 3, .kind = FINDING_HANG } };
    struct finding_list list;
    finding_list_init(&list, 2, 1);
    add(&list, 90, FINDING_DIFF);
    assert_int_equal(list.end, UINT64_MAX);
    add(&list, 5, FINDING_DIFF);
    assert_int_equal(list.end, 91);
    add(&list, 2, FINDING_DIFF);
    expect_list(&list, by_count, 2, 6);
    add(&list, 6, FINDING_HANG); /* beyond the end */
    expect_list(&list, by_count, 2, 6);
    add(&list, 3, FINDING_HANG);
    expect_list(&list, by_hang, 2, 4);
    finding_list_fini(&list);
}

/* The programs with findings, one in three of 3,000, one in 60 a hang, in an order that @seed draws. */
static void fill(struct finding_list *list, uint64_t seed)
{
    enum { PROGRAMS = 3000 };
    uint32_t order[PROGRAMS];
    struct prng prng;
    prng_init(&prng, seed, 0);
    for (uint32_t i = 0; i < PROGRAMS; i++)
        order[i] = i;
    for (uint32_t i = PROGRAMS; i > 1; i--) {
        uint32_t other = prng_below(&prng, i), last = order[i - 1];
        order[i - 1] = order[other];
        order[other] = last;
    }
    for (uint32_t i = 0; i < PROGRAMS; i++)
        if (order[i] % 3 == 0)
            add(list, order[i], order[i] % 60 == 0 ? FINDING_HANG : FINDING_DIFF);
}

static void the_order_of_arrival_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct finding_list list;
        finding_list_init(&list, 500, 20);
        fill(&list, seed);
        assert_int_equal(list.end, 19 * 60 + 1); /* the twentieth hang */
        assert_int_equal(list.count, 19 * 60 / 3 + 1);
        for (size_t i = 0; i < list.count; i++)
            assert_int_equal(list.items[i].index, 3 * i);
        finding_list_fini(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_stand_in_the_order_of_their_programs_each_once),
        cmocka_unit_test(a_range_ends_with_its_last_allowed_finding_or_hang),
        cmocka_unit_test(the_order_of_arrival_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
