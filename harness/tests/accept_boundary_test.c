/*
 * The whole enumeration of the boundary generator on every engine: every op over every pair of boundary operands
 * and every way of aliasing its registers.
 */
#include "harness/tests/accept.h"

#include <inttypes.h>

#include "generators/generator.h"

enum { BATCH = 32 };

/* What came out so far. */
struct tally {
    uint64_t programs, divergences;
    uint64_t exits[PX_EXIT_COUNT], panics[PX_PANIC_COUNT];
    uint64_t halts; /* host call 0 among the exits */
};

static void count_exit(struct tally *tally, const struct px_outcome *out)
{
    assert_in_range(out->exit, 0, PX_EXIT_COUNT - 1);
    tally->programs++;
    tally->exits[out->exit]++;
    tally->halts += out->exit == PX_EXIT_HOSTCALL && out->arg == 0;
    if (out->exit == PX_EXIT_PANIC) {
        assert_in_range(out->arg, 0, PX_PANIC_COUNT - 1);
        tally->panics[out->arg]++;
    }
}

static void report(const struct run *run, const struct run_result *result, uint64_t index)
{
    char text[1024];
    diff_describe(&result->diff, engine_spec(&run->engines[0]), engine_spec(&run->engines[result->other]),
                  text, sizeof text);
    print_error("boundary index %" PRIu64 "\n%s", index, text);
}

/* Prepares @count programs from @first on, then runs them: units stand beside each other as in a campaign. */
static void run_batch(struct run *run, const struct px_gen *gen, struct px_program *programs, uint64_t first,
                      size_t count, struct tally *tally)
{
    struct run_slot slots[BATCH];
    struct px_error err = { "" };
    for (size_t i = 0; i < count; i++) {
        struct px_image image;
        assert_int_equal(px_gen_make(gen, 1, first + i, &programs[i]), PX_OK);
        px_program_image(&programs[i], &image);
        run_choose(run, first + i);
        if (run_prepare(run, &image, 0, &slots[i], &err) != PX_OK)
            fail_msg("boundary index %" PRIu64 ": %s", first + i, err.text);
    }
    for (size_t i = 0; i < count; i++) {
        struct run_result result;
        if (run_compare(run, &slots[i], false, &result, &err) != PX_OK)
            fail_msg("boundary index %" PRIu64 ": %s", first + i, err.text);
        count_exit(tally, &result.outcomes[0]);
        if (result.diff.fields != 0 && tally->divergences++ < 10)
            report(run, &result, first + i);
        run_release(run, &slots[i]);
    }
}

static void run_all(struct run *run, const struct px_gen *gen, struct tally *tally)
{
    struct px_program *programs = test_calloc(BATCH, sizeof *programs);
    uint64_t total = px_gen_count(gen);
    accept_route_faults(run->engines, run->count);
    for (size_t i = 0; i < BATCH; i++)
        px_program_init(&programs[i]);
    for (uint64_t first = 0; first < total; first += BATCH)
        run_batch(run, gen, programs, first, total - first < BATCH ? total - first : BATCH, tally);
    for (size_t i = 0; i < BATCH; i++)
        px_program_fini(&programs[i]);
    test_free(programs);
}

/* Every program ends in a terminator and is entered at 0, so two panics cannot be. */
static void expect_every_exit(const struct tally *tally)
{
    for (unsigned exit = 0; exit < PX_EXIT_COUNT; exit++)
        if ((tally->exits[exit] > 0) != (exit < PX_EXIT_STOPPED)) /* what comes behind is no guest's exit */
            fail_msg("%" PRIu64 " programs exit with %s", tally->exits[exit],
                     px_exit_name((enum px_exit)exit));
    for (unsigned cause = 0; cause < PX_PANIC_COUNT; cause++)
        if ((tally->panics[cause] > 0) != (cause != PX_PANIC_BAD_ENTRY && cause != PX_PANIC_END_OF_CODE))
            fail_msg("%" PRIu64 " programs panic with %s", tally->panics[cause],
                     px_panic_name((enum px_panic)cause));
    assert_true(tally->halts > tally->programs / 2);
    assert_true(tally->halts < tally->exits[PX_EXIT_HOSTCALL]);
}

static void the_whole_boundary_enumeration_agrees(void **state)
{
    (void)state;
    struct run run;
    struct px_gen gen;
    struct px_error err = { "" };
    struct tally tally = { 0 };
    assert_int_equal(px_gen_parse("boundary", &gen, &err), PX_OK);
    /* A host fault takes as long as many programs: a part of them shows what touch=fault does. */
    assert_int_equal(run_open("interp,block,block:cpu=baseline,block:touch=fault%13,linear", &run, &err),
                     PX_OK);
    run_all(&run, &gen, &tally);
    run_close(&run);
    assert_int_equal(tally.programs, px_gen_count(&gen));
    assert_in_range(tally.programs, 3000000, UINT64_MAX);
    assert_int_equal(tally.divergences, 0);
    expect_every_exit(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_whole_boundary_enumeration_agrees) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
