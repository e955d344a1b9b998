/* What processes keep is told from what comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/resident.h"

struct world {
    struct resident_watch watch;
    struct resident early, late;
};

static void look(struct world *w, uint64_t worker, uint64_t supervisor)
{
    const struct resident now = { .worker = worker, .supervisor = supervisor };
    resident_note(&w->watch, now, (double)w->watch.count, &w->early, &w->late);
}

static void expect(const struct resident *r, uint64_t worker, uint64_t supervisor)
{
    assert_int_equal(r->worker, worker);
    assert_int_equal(r->supervisor, supervisor);
}

static void what_comes_and_goes_does_not_count(void **state)
{
    struct world w = { .watch = { .count = 0 } };
    (void)state;
    look(&w, 30, 5);
    expect(&w.early, 30, 5);
    expect(&w.late, 30, 5);
    look(&w, 20, 7);
    look(&w, 40, 6);
    expect(&w.early, 20, 5);
    expect(&w.late, 20, 5);
}

static void what_stays_counts_once_the_looks_before_are_forgotten(void **state)
{
    struct world w = { .watch = { .count = 0 } };
    (void)state;
    for (unsigned i = 0; i < RESIDENT_LOOKS; i++)
        look(&w, 20, 5);
    look(&w, 10, 4); /* too late to be early */
    expect(&w.early, 20, 5);
    expect(&w.late, 10, 4);
    for (unsigned i = 0; i < RESIDENT_LOOKS; i++)
        look(&w, 50 + i, 9);
    expect(&w.early, 20, 5);
    expect(&w.late, 50, 9);
}

static void the_next_look_is_due_a_while_later(void **state)
{
    struct world w = { .watch = { .count = 0 } };
    (void)state;
    look(&w, 1, 1);
    look(&w, 1, 1);
    assert_true(w.watch.due > 1 && w.watch.due < 2);
}

static void a_process_has_what_it_touches(void **state)
{
    enum { SIZE = 16 << 20 };
    uint64_t before = resident_bytes(getpid());
    (void)state;
    assert_true(before > 0);
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    memset(bytes, 1, SIZE);
    assert_in_range(resident_bytes(getpid()), before + SIZE / 2, before + 2 * SIZE);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_and_goes_does_not_count),
        cmocka_unit_test(what_stays_counts_once_the_looks_before_are_forgotten),
        cmocka_unit_test(the_next_look_is_due_a_while_later),
        cmocka_unit_test(a_process_has_what_it_touches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
