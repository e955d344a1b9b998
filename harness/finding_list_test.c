/* Which findings of a range are listed, and where it ends: the same for every order of arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "generators/prng.h"
#include "harness/finding_list.h"

enum { PROGRAMS = 3200, SEGMENT = PROGRAMS / FINDING_SEGMENTS + 1, EACH = 3 };

static const struct finding_limits limits = {
    .programs = PROGRAMS, .each = EACH, .severe_max = 40, .hangs_max = 5, .differences_max = 1000000
};

static void add(struct finding_list *list, uint64_t index, enum finding_kind kind, uint32_t fields)
{
    const struct finding finding = { .index = index, .kind = kind, .other = 1, .diff.fields = fields };
    assert_int_equal(finding_list_add(list, &finding), PX_OK);
}

static void expect_list(const struct finding_list *list, const struct finding *expected, size_t count)
{
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list->items[i].index, expected[i].index);
        assert_int_equal(list->items[i].kind, expected[i].kind);
    }
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
    finding_list_init(&list, &limits);
    add(&list, 7, FINDING_LEAK, 0);
    add(&list, 9, FINDING_ABORT, 0);
    add(&list, 0, FINDING_DIFF, DIFF_GAS);
    add(&list, 7, FINDING_DIFF, DIFF_GAS);
    add(&list, 7, FINDING_DIFF, DIFF_GAS);
    add(&list, 9, FINDING_ABORT, 0);
    expect_list(&list, expected, 4);
    assert_int_equal(list.end, PROGRAMS);
    assert_int_equal(finding_list_more(&list), 0);
    finding_list_fini(&list);
}

/* Every program of a range differs in x10, every hundredth in gas too few. */
static void a_frequent_difference_hides_no_rare_one(void **state)
{
    (void)state;
    struct finding_list list;
    finding_list_init(&list, &limits);
    for (uint64_t i = PROGRAMS; i-- > 0;)
        add(&list, i, FINDING_DIFF, i % 100 == 99 ? DIFF_GAS : (uint32_t)DIFF_X0 << (10 + i % 3));
    size_t gas = 0;
    for (size_t i = 0; i < list.count; i++) {
        gas += list.items[i].diff.fields == DIFF_GAS;
        assert_true(list.items[i].diff.fields == DIFF_GAS || list.items[i].index % SEGMENT < EACH);
    }
    assert_int_equal(gas, PROGRAMS / 100);
    assert_int_equal(list.count, FINDING_SEGMENTS * EACH + gas);
    assert_int_equal(finding_list_more(&list), PROGRAMS - list.count);
    assert_int_equal(list.why, FINDING_END_WHOLE);
    finding_list_fini(&list);
}

static void differences_of_two_engines_do_not_look_alike(void **state)
{
    (void)state;
    struct finding_list list;
    finding_list_init(&list, &limits);
    for (size_t i = 0; i < 20; i++) {
        const struct finding finding = { .index = i, .other = 1 + i % 2, .diff.fields = DIFF_PC };
        assert_int_equal(finding_list_add(&list, &finding), PX_OK);
    }
    assert_int_equal(list.count, (size_t)2 * EACH);
    assert_int_equal(finding_list_more(&list), 20 - 2 * EACH);
    finding_list_fini(&list);
}

static void a_range_ends_with_its_last_allowed_death_or_hang(void **state)
{
    (void)state;
    const struct finding_limits few = {
        .programs = 1000, .each = 2, .severe_max = 2, .hangs_max = 1, .differences_max = 1000000
    };
    const struct finding by_count[] = { { .index = 2, .kind = FINDING_ABORT },
                                        { .index = 5, .kind = FINDING_LEAK } },
                         by_hang[] = { { .index = 2, .kind = FINDING_ABORT },
                                       { .index = 3, .kind = FINDING_DIFF },
                                       { .index = 4, .kind = FINDING_HANG } };
    struct finding_list list;
    finding_list_init(&list, &few);
    add(&list, 90, FINDING_ABORT, 0);
    assert_int_equal(list.why, FINDING_END_WHOLE);
    add(&list, 5, FINDING_LEAK, 0);
    assert_int_equal(list.why, FINDING_END_SEVERE);
    assert_int_equal(list.end, 91);
    add(&list, 2, FINDING_ABORT, 0);
    expect_list(&list, by_count, 2);
    assert_int_equal(list.end, 6);
    add(&list, 6, FINDING_DIFF, DIFF_GAS); /* beyond the end */
    expect_list(&list, by_count, 2);
    add(&list, 3, FINDING_DIFF, DIFF_GAS);
    add(&list, 4, FINDING_HANG, 0);
    expect_list(&list, by_hang, 3);
    assert_int_equal(list.end, 5);
    assert_int_equal(finding_list_more(&list), 0);
    finding_list_fini(&list);
}

/* A finding for every second program, in an order that @seed draws; from 2400 on one in 20 is a hang. */
static void fill(struct finding_list *list, uint64_t seed)
{
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
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        bool hangs = order[i] >= 2400 && order[i] % 40 == 0;
        uint32_t fields = order[i] % 6 == 0 ? DIFF_GAS : (uint32_t)DIFF_X0 << order[i] % 5;
        if (order[i] % 2 == 0)
            add(list, order[i], hangs ? FINDING_HANG : FINDING_DIFF, fields);
    }
}

static void the_order_of_arrival_changes_nothing(void **state)
{
    (void)state;
    struct finding_list first, list;
    finding_list_init(&first, &limits);
    fill(&first, 1);
    assert_int_equal(first.why, FINDING_END_SEVERE);
    assert_int_equal(first.end, 2400 + 4 * 40 + 1); /* the fifth hang */
    assert_in_range(first.count, 2 * EACH * 12, 2 * EACH * 13 + 5);
    for (uint64_t seed = 2; seed < 20; seed++) {
        finding_list_init(&list, &limits);
        fill(&list, seed);
        assert_int_equal(list.end, first.end);
        assert_int_equal(list.count, first.count);
        expect_list(&list, first.items, first.count);
        finding_list_fini(&list);
    }
    finding_list_fini(&first);
}

/* Every second program differs: what is left is that of the chunks that hold the first 5000 differences. */
static void very_many_differences_end_a_range_with_their_chunk(void **state)
{
    (void)state;
    const struct finding_limits flood = {
        .programs = 16 * FINDING_CHUNK, .each = 2, .severe_max = 9, .hangs_max = 9, .differences_max = 5000
    };
    struct finding_list up, down;
    finding_list_init(&up, &flood);
    finding_list_init(&down, &flood);
    for (uint64_t i = 0; i < flood.programs; i += 2) {
        add(&up, i, FINDING_DIFF, DIFF_GAS);
        add(&down, flood.programs - 2 - i, FINDING_DIFF, DIFF_GAS);
    }
    const struct finding_list *both[] = { &up, &down };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(both[i]->why, FINDING_END_DIFFERENCES);
        assert_int_equal(both[i]->end, 3 * FINDING_CHUNK);
        assert_int_equal(finding_list_more(both[i]) + both[i]->count, 3 * FINDING_CHUNK / 2);
        expect_list(both[i], up.items, up.count);
    }
    assert_int_equal(up.count, 2 * 3);
    finding_list_fini(&up);
    finding_list_fini(&down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_stand_in_the_order_of_their_programs_each_once),
        cmocka_unit_test(a_frequent_difference_hides_no_rare_one),
        cmocka_unit_test(differences_of_two_engines_do_not_look_alike),
        cmocka_unit_test(a_range_ends_with_its_last_allowed_death_or_hang),
        cmocka_unit_test(the_order_of_arrival_changes_nothing),
        cmocka_unit_test(very_many_differences_end_a_range_with_their_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
