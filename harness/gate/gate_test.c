/* The verdict: what fails a gate, what does not, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gate/gate.h"
#include "harness/options.h"
#include "harness/tests/gates.h"

/* A gate with a regression, a vector and a range. */
struct world {
    struct gate gate;
    size_t regression, vector, range;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    gates_make(&w->gate);
    w->regression = gates_add_file(&w->gate, GATE_REGRESS, "corpus/regress/a.px");
    w->vector = gates_add_file(&w->gate, GATE_VECTORS, "corpus/vectors/b.px");
    w->range = gates_add_range(&w->gate, "mix@2", 1, 1000);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    gate_fini(&w->gate);
    free(w);
    return 0;
}

/* Exit code, verdict, and the one reason or none (NULL). */
static void expect_verdict(const struct gate *gate, int code, const char *verdict, const char *why)
{
    char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM];
    assert_int_equal(gate_exit_code(gate), code);
    assert_string_equal(gate_verdict(gate), verdict);
    assert_int_equal(gate_reasons(gate, reasons), why ? 1 : 0);
    if (why)
        assert_string_equal(reasons[0], why);
}

static void add_trouble(struct gate *gate, enum gate_trouble_kind kind, size_t at)
{
    struct px_error err = { "" };
    assert_int_equal(gate_add_trouble(gate, kind, at, NULL, &err, "text"), PX_OK);
}

static void what_agrees_passes(void **state)
{
    struct world *w = *state;
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
    assert_true(gate_complete(&w->gate));
    assert_int_equal(gate_compared(&w->gate), 3);
    for (size_t i = 0; i < w->gate.case_count; i++)
        assert_false(gate_case_fails(&w->gate, i));
}

static void buckets_are_counted_against_the_number_allowed(void **state)
{
    struct world *w = *state;
    gates_add_bucket(&w->gate, "xor", "reg", FINDING_DIFF, w->range, 5, 17);
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail", "1 divergence bucket, at most 0 allowed");
    assert_true(gate_case_fails(&w->gate, w->range));
    assert_false(gate_case_fails(&w->gate, w->vector));
    w->gate.max_divergences = 1;
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
    assert_false(gate_case_fails(&w->gate, w->range));
    gates_add_bucket(&w->gate, "lw", "mem", FINDING_DIFF, w->vector, 1, 0);
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail", "2 divergence buckets, at most 1 allowed");
    assert_true(gate_case_fails(&w->gate, w->range));
    assert_true(gate_case_fails(&w->gate, w->vector));
    assert_int_equal(gate_counted(&w->gate), 2);
}

static void a_known_bucket_is_not_counted_until_its_day_is_over(void **state)
{
    struct world *w = *state;
    const struct known *known;
    size_t bucket = gates_add_bucket(&w->gate, "xor", "reg", FINDING_DIFF, w->range, 5, 17);
    const char *hash = w->gate.found->buckets[bucket].bucket.hash;
    assert_int_equal(gate_standing(&w->gate, bucket, &known), GATE_NEW);
    assert_null(known);
    gates_add_known(&w->gate, hash, "alice", 20261121, "");
    assert_int_equal(gate_standing(&w->gate, bucket, &known), GATE_KNOWN);
    assert_ptr_equal(known, &w->gate.known.items[0]);
    assert_int_equal(gate_counted(&w->gate), 0);
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
    assert_false(gate_case_fails(&w->gate, w->range));
    w->gate.today = 20261122;
    assert_int_equal(gate_standing(&w->gate, bucket, &known), GATE_EXPIRED);
    assert_ptr_equal(known, &w->gate.known.items[0]);
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail", "1 divergence bucket, at most 0 allowed");
    assert_true(gate_case_fails(&w->gate, w->range));
}

static void a_known_bucket_does_not_use_up_what_is_allowed(void **state)
{
    struct world *w = *state;
    size_t bucket = gates_add_bucket(&w->gate, "xor", "reg", FINDING_DIFF, w->range, 5, 17);
    gates_add_known(&w->gate, w->gate.found->buckets[bucket].bucket.hash, "alice", 20261231, "");
    gates_add_bucket(&w->gate, "lw", "mem", FINDING_DIFF, w->vector, 1, 0);
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail", "1 divergence bucket, at most 0 allowed");
    assert_false(gate_case_fails(&w->gate, w->range));
    assert_true(gate_case_fails(&w->gate, w->vector));
    w->gate.max_divergences = 1;
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
}

static void a_known_bucket_that_was_not_seen_has_vanished(void **state)
{
    struct world *w = *state;
    size_t bucket = gates_add_bucket(&w->gate, "xor", "reg", FINDING_DIFF, w->range, 5, 17);
    gates_add_known(&w->gate, w->gate.found->buckets[bucket].bucket.hash, "alice", 20261231, "");
    gates_add_known(&w->gate, "00000000", "bob", 20200101, "");
    assert_false(gate_vanished(&w->gate, &w->gate.known.items[0]));
    assert_true(gate_vanished(&w->gate, &w->gate.known.items[1]));
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
    w->gate.interrupted = true; /* it might yet have come up */
    assert_false(gate_vanished(&w->gate, &w->gate.known.items[1]));
}

static void aborts_hangs_and_leaks_fail_known_and_allowed_or_not(void **state)
{
    static const struct {
        const char *fields;
        enum finding_kind kind;
    } cases[] = { { "SIGFPE", FINDING_ABORT }, { "hang", FINDING_HANG }, { "leak", FINDING_LEAK } };
    struct world *w = *state;
    w->gate.max_divergences = 10;
    for (size_t i = 0; i < 3; i++) {
        size_t bucket = gates_add_bucket(&w->gate, "div", cases[i].fields, cases[i].kind, w->range, 1, 3);
        gates_add_known(&w->gate, w->gate.found->buckets[bucket].bucket.hash, "alice", 20261231, "");
        assert_true(gate_severe(&w->gate.found->buckets[bucket]));
        assert_int_equal(gate_counted(&w->gate), 0);
        assert_true(gate_case_fails(&w->gate, w->range));
        if (i == 0)
            expect_verdict(&w->gate, EXIT_DIVERGED, "fail",
                           "1 bucket of aborts, hangs or state leaks, which always fail");
    }
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail",
                   "3 buckets of aborts, hangs or state leaks, which always fail");
}

/* On one engine it faults, on another only the result is wrong: one bucket, by its first finding. */
static void one_abort_among_differences_makes_a_bucket_fail(void **state)
{
    struct world *w = *state;
    w->gate.max_divergences = 1;
    size_t bucket = gates_add_bucket(&w->gate, "div", "reg", FINDING_DIFF, w->range, 7, 3);
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
    w->gate.found->buckets[bucket].by_kind[FINDING_DIFF]--;
    w->gate.found->buckets[bucket].by_kind[FINDING_ABORT]++;
    expect_verdict(&w->gate, EXIT_DIVERGED, "fail",
                   "1 bucket of aborts, hangs or state leaks, which always fail");
}

static void every_other_trouble_fails(void **state)
{
    static const char *const reasons[GATE_TROUBLES] = {
        [GATE_EXPECTATION] = "1 expectation missed",          [GATE_UNSTABLE] = "1 unstable finding",
        [GATE_LOST] = "1 range in which workers were killed", [GATE_IDLE] = "1 engine that took no program",
        [GATE_OVERFLOW] = "1 finding past the last bucket",
    };
    struct world *w = *state;
    w->gate.max_divergences = 10;
    for (unsigned kind = 0; kind < GATE_TROUBLES; kind++) {
        size_t at = kind == GATE_IDLE ? GATE_NO_CASE : w->vector;
        w->gate.trouble_count = 0;
        add_trouble(&w->gate, kind, at);
        expect_verdict(&w->gate, EXIT_DIVERGED, "fail", reasons[kind]);
        assert_true(gate_case_fails(&w->gate, at));
        assert_false(gate_case_fails(&w->gate, w->range));
        free(w->gate.troubles[0].text);
    }
    w->gate.trouble_count = 0;
}

static void all_reasons_are_told(void **state)
{
    struct world *w = *state;
    char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM];
    gates_add_bucket(&w->gate, "div", "SIGFPE", FINDING_ABORT, w->range, 1, 3);
    for (unsigned kind = 0; kind < GATE_TROUBLES; kind++) {
        add_trouble(&w->gate, kind, w->regression);
        add_trouble(&w->gate, kind, w->vector);
    }
    assert_int_equal(gate_reasons(&w->gate, reasons), 7);
    assert_string_equal(reasons[0], "1 divergence bucket, at most 0 allowed");
    assert_string_equal(reasons[2], "2 expectations missed");
    assert_string_equal(reasons[6], "2 findings past the last bucket");
}

static void a_gate_that_compared_nothing_does_not_pass(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->gate.case_count; i++) {
        w->gate.cases[i].state = GATE_UNTAKEN;
        w->gate.cases[i].programs = 0;
    }
    expect_verdict(&w->gate, EXIT_USAGE, "empty", NULL);
    w->gate.cases[w->vector].state = GATE_RUN;
    w->gate.cases[w->vector].programs = 1;
    expect_verdict(&w->gate, EXIT_AGREE, "pass", NULL);
}

static void an_interrupted_gate_is_incomplete_whatever_it_found(void **state)
{
    struct world *w = *state;
    w->gate.interrupted = true;
    w->gate.cases[w->range].programs = 10;
    expect_verdict(&w->gate, EXIT_INTERRUPTED, "incomplete", NULL);
    assert_false(gate_complete(&w->gate));
    gates_add_bucket(&w->gate, "div", "reg", FINDING_DIFF, w->range, 1, 3);
    expect_verdict(&w->gate, EXIT_INTERRUPTED, "incomplete", "1 divergence bucket, at most 0 allowed");
}

static void a_broken_gate_does_not_pass(void **state)
{
    struct world *w = *state;
    w->gate.broken = true;
    expect_verdict(&w->gate, EXIT_BROKEN, "error", NULL);
    assert_false(gate_complete(&w->gate));
}

static void findings_of_a_case_in_a_bucket_are_one_hit(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    size_t bucket = gates_add_bucket(&w->gate, "xor", "reg", FINDING_DIFF, w->range, 3, 17);
    assert_int_equal(gate_add_hit(&w->gate, w->range, bucket, 4, &err), PX_OK);
    assert_int_equal(gate_add_hit(&w->gate, w->vector, bucket, 0, &err), PX_OK);
    assert_int_equal(w->gate.hit_count, 2);
    assert_int_equal(w->gate.hits[0].count, 4);
    assert_int_equal(w->gate.hits[0].first, 4);
    assert_int_equal(w->gate.hits[1].at, w->vector);
    assert_int_equal(w->gate.hits[1].count, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_agrees_passes),
        CASE(buckets_are_counted_against_the_number_allowed),
        CASE(a_known_bucket_is_not_counted_until_its_day_is_over),
        CASE(a_known_bucket_does_not_use_up_what_is_allowed),
        CASE(a_known_bucket_that_was_not_seen_has_vanished),
        CASE(aborts_hangs_and_leaks_fail_known_and_allowed_or_not),
        CASE(one_abort_among_differences_makes_a_bucket_fail),
        CASE(every_other_trouble_fails),
        CASE(all_reasons_are_told),
        CASE(a_gate_that_compared_nothing_does_not_pass),
        CASE(an_interrupted_gate_is_incomplete_whatever_it_found),
        CASE(a_broken_gate_does_not_pass),
        CASE(findings_of_a_case_in_a_bucket_are_one_hit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
