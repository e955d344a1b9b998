/* What engine.h promises of units: stops, many runs in any order, nothing left over from other programs. */
#include "harness/tests/accept.h"

#include <stdio.h>

#include "generators/generator.h"

static void make(uint64_t index, struct px_program *program, struct px_image *image)
{
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    assert_int_equal(px_gen_make(&gen, 0xaba, index, program), PX_OK);
    px_program_image(program, image);
}

static uint64_t run_unit(struct engine *engine, const struct px_image *image, struct px_unit *unit,
                         uint64_t stop, struct px_outcome *outcome)
{
    struct px_entry entry = run_entry(image);
    struct px_error err = { "" };
    entry.stop_after_blocks = stop;
    accept_route_faults(engine, 1);
    if (engine->ops->run(engine->instance, unit, &entry, outcome, &err) != PX_OK)
        fail_msg("%s", err.text);
    return accept_digest(engine, image, outcome);
}

static struct px_unit *prepare(struct engine *engine, const struct px_image *image, unsigned flags)
{
    struct px_unit *unit;
    struct px_error err = { "" };
    if (engine->ops->prepare(engine->instance, image, flags, &unit, &err) != PX_OK)
        fail_msg("%s", err.text);
    return unit;
}

/*
 * Blocks at 0; 8 twice; 16, a host call; 20, which stores and jumps; 32, the halt.
 */
static struct accept_case six_blocks(void)
{
    return (struct accept_case){
        .code = { ri(PX_OP_ADDI, 5, 0, 2), fallthrough(), ri(PX_OP_ADDI, 5, 5, -1),
                  branch(PX_OP_BNE, 5, 0, -4), ecalli(1), store(PX_OP_SW, 10, 0, 13), jal(1, 8),
                  plain(PX_OP_TRAP), halt() },
        .in = { { 10, 3 }, { 11, 3 }, { 13, DATA } },
        .maps = { zero(DATA, PAGE) },
    };
}

static void a_stop_comes_before_the_gate_of_the_block_that_is_not_entered(void **state)
{
    static const struct {
        uint32_t pc;
        uint64_t gas, spent, count, x5, x10, x1;
    } rows[] = {
        /* stop after 1, 2, ... blocks; the gas is too little for the next one where that can be had */
        { 8, 1, 1, 2, 2, 3, 0 },
        { 8, 19, 19, 4, 1, 3, 0 },
        { 16, 37, 37, 6, 0, 3, 0 },
        { 20, 201, 201, 7, 0, 27, 0 },
        { 32, 201 + 22 + 2 * FIRST_WRITE, 201 + 22 + FIRST_WRITE, 9, 0, 27, CODE + 28 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct accept_case c = six_blocks();
        c.gas = rows[i].gas;
        c.exit = PX_EXIT_STOPPED;
        c.pc = rows[i].pc;
        c.spent = rows[i].spent;
        c.count = rows[i].count;
        c.out[0] = (struct accept_reg){ 5, rows[i].x5 };
        c.out[1] = (struct accept_reg){ 10, rows[i].x10 };
        c.out[2] = (struct accept_reg){ rows[i].x1 ? 1 : 0, rows[i].x1 };
        if (rows[i].x1 != 0)
            c.stored[0] = stored(DATA, 4, 27);
        accept_check_stopped(*state, &c, i + 1);
    }
}

static void a_stop_that_is_not_reached_changes_nothing(void **state)
{
    static const uint64_t stops[] = { 0, 6, 7, 1000, UINT64_MAX };
    for (size_t i = 0; i < COUNT(stops); i++) {
        struct accept_case c = six_blocks();
        c.gas = GAS;
        c.exit = PX_EXIT_HOSTCALL;
        c.pc = 36;
        c.spent = 201 + 22 + FIRST_WRITE + CALL;
        c.count = 10;
        c.out[0] = (struct accept_reg){ 5, 0 };
        c.out[1] = (struct accept_reg){ 10, 27 };
        c.out[2] = (struct accept_reg){ 1, CODE + 28 };
        c.stored[0] = stored(DATA, 4, 27);
        accept_check_stopped(*state, &c, stops[i]);
    }
}

static void an_exit_before_the_stop_comes_first(void **state)
{
    struct accept_case poor = six_blocks();
    poor.gas = 18;
    poor.exit = PX_EXIT_OUT_OF_GAS;
    poor.pc = 8;
    poor.spent = 1;
    poor.count = 2;
    poor.out[0] = (struct accept_reg){ 5, 2 };
    accept_check_stopped(*state, &poor, 2);

    struct accept_case end = { .code = { fallthrough() },
                               .gas = 1,
                               .exit = PX_EXIT_PANIC,
                               .arg = PX_PANIC_END_OF_CODE,
                               .pc = 4,
                               .spent = 1,
                               .count = 1 };
    accept_check_stopped(*state, &end, 1); /* the end of the code is no block */

    struct accept_case astray = { .code = { jal(0, 8), nop(), nop() },
                                  .gas = GAS,
                                  .exit = PX_EXIT_PANIC,
                                  .arg = PX_PANIC_BAD_TARGET,
                                  .spent = 12,
                                  .count = 1 };
    accept_check_stopped(*state, &astray, 1);

    struct accept_case bad_entry = {
        .code = { nop(), nop() }, .entry = 4, .pc = 4, .exit = PX_EXIT_PANIC, .arg = PX_PANIC_BAD_ENTRY
    };
    accept_check_stopped(*state, &bad_entry, 1);
}

static void a_stop_asked_of_a_unit_prepared_without_is_our_error(void **state)
{
    struct run *run = *state;
    const uint8_t code[] = { 0x0b, 0x20, 0, 0 };
    const struct px_image image = { .code = code, .code_size = sizeof code, .gas = GAS };
    for (size_t i = 0; i < run->count; i++) {
        struct engine *e = &run->engines[i];
        struct px_unit *unit = prepare(e, &image, 0);
        struct px_entry entry = run_entry(&image);
        struct px_outcome outcome;
        struct px_error err = { "" };
        char text[100];
        entry.stop_after_blocks = 1;
        assert_int_equal(e->ops->run(e->instance, unit, &entry, &outcome, &err), PX_ERR_INTERNAL);
        (void)snprintf(text, sizeof text, "engine %s: stop_after_blocks on a unit prepared without it",
                       e->ops->name);
        assert_string_equal(err.text, text);
    }
}

static void every_stop_of_generated_programs_is_the_same_on_every_engine(void **state)
{
    enum { PROGRAMS = 400, STOPS_MAX = 24 };
    struct run *run = *state;
    struct px_program program;
    px_program_init(&program);
    uint64_t stopped = 0;
    for (uint64_t index = 0; index < PROGRAMS; index++) {
        struct px_image image;
        struct px_unit *units[RUN_ENGINES_MAX] = { NULL };
        make(index, &program, &image);
        for (size_t i = 0; i < run->count; i++)
            units[i] = prepare(&run->engines[i], &image, PX_PREPARE_STOPPABLE);
        bool more = true;
        for (uint64_t stop = 1; more && stop <= STOPS_MAX; stop++) {
            struct px_outcome outcome;
            uint64_t digest = run_unit(&run->engines[0], &image, units[0], stop, &outcome);
            for (size_t i = 1; i < run->count; i++)
                if (run_unit(&run->engines[i], &image, units[i], stop, &outcome) != digest)
                    fail_msg("%s: mix index %d stopped after %d blocks differs",
                             engine_spec(&run->engines[i]), (int)index, (int)stop);
            more = outcome.exit == PX_EXIT_STOPPED;
            stopped += more;
        }
        for (size_t i = 0; i < run->count; i++)
            run->engines[i].ops->release(run->engines[i].instance, units[i]);
    }
    assert_true(stopped > PROGRAMS); /* they have blocks to stop between */
    px_program_fini(&program);
}

enum { UNITS = 32 };

/* Prepares @programs on @e, checks each against @digests (or sets them), then runs them over and over. */
static void run_in_any_order(struct engine *e, struct px_program *programs, uint64_t *digests, bool known)
{
    enum { ROUNDS = 6 };
    struct px_image images[UNITS];
    struct px_unit *units[UNITS];
    struct px_outcome outcome;
    for (size_t n = 0; n < UNITS; n++) {
        make(n, &programs[n], &images[n]);
        units[n] = prepare(e, &images[n], 0);
    }
    for (size_t n = 0; n < UNITS && !known; n++)
        digests[n] = run_unit(e, &images[n], units[n], 0, &outcome);
    for (size_t round = 0; round < ROUNDS; round++) {
        /* Some are prepared anew, so that old and young units stand beside each other. */
        for (size_t n = round; n < UNITS; n += 5) {
            e->ops->release(e->instance, units[n]);
            units[n] = prepare(e, &images[n], round % 2 ? PX_PREPARE_STOPPABLE : 0);
        }
        for (size_t step = 0; step < 2 * UNITS; step++) {
            size_t n =
                (step * 13 + round * 7) % UNITS; /* 13 and 32 have no common factor: each comes twice */
            if (run_unit(e, &images[n], units[n], 0, &outcome) != digests[n])
                fail_msg("%s: mix index %d in round %d differs", engine_spec(e), (int)n, (int)round);
        }
    }
    for (size_t n = 0; n < UNITS; n++)
        e->ops->release(e->instance, units[n]);
}

static void units_run_many_times_and_in_any_order(void **state)
{
    struct run *run = *state;
    struct px_program *programs = test_calloc(UNITS, sizeof *programs);
    uint64_t digests[UNITS];
    for (size_t n = 0; n < UNITS; n++)
        px_program_init(&programs[n]);
    for (size_t i = 0; i < run->count; i++)
        run_in_any_order(&run->engines[i], programs, digests, i > 0);
    for (size_t n = 0; n < UNITS; n++)
        px_program_fini(&programs[n]);
    test_free(programs);
}

/* What @image gives on an engine that has seen nothing else. */
static uint64_t on_fresh_engine(const char *spec, const struct px_image *image)
{
    struct engine engine;
    struct px_outcome outcome;
    struct px_error err = { "" };
    if (engine_open(spec, &engine, &err) != PX_OK)
        fail_msg("%s", err.text);
    uint64_t digest = run_unit(&engine, image, prepare(&engine, image, 0), 0, &outcome);
    engine_close(&engine);
    return digest;
}

static void expect_independence(struct engine *e, const struct px_image *a, const struct px_image *b,
                                uint64_t index)
{
    struct px_outcome outcome;
    struct px_unit *unit_a = prepare(e, a, 0), *unit_b = prepare(e, b, 0);
    uint64_t want = on_fresh_engine(engine_spec(e), a), first = run_unit(e, a, unit_a, 0, &outcome);
    (void)run_unit(e, b, unit_b, 0, &outcome);
    uint64_t second = run_unit(e, a, unit_a, 0, &outcome);
    if (first != want || second != want)
        fail_msg("%s: the %s run of mix index %d is not what it is on a fresh engine", engine_spec(e),
                 first != want ? "first" : "second", (int)index);
    e->ops->release(e->instance, unit_a);
    e->ops->release(e->instance, unit_b);
}

static void another_program_between_two_runs_changes_nothing(void **state)
{
    enum { PAIRS = 2000, FAR = 1000000 };
    struct run *run = *state;
    struct px_program a, b;
    px_program_init(&a);
    px_program_init(&b);
    for (uint64_t index = 0; index < PAIRS; index++) {
        struct px_image image_a, image_b;
        make(index, &a, &image_a);
        make(index + FAR, &b, &image_b);
        for (size_t i = 0; i < run->count; i++)
            expect_independence(&run->engines[i], &image_a, &image_b, index);
    }
    px_program_fini(&a);
    px_program_fini(&b);
}

static void a_reset_engine_has_forgotten_memory_but_not_its_units(void **state)
{
    struct run *run = *state;
    const uint8_t code[] = { 0x0b, 0x20, 0x01, 0, 0x0b, 0x20, 0, 0 }; /* ecalli 2; ecalli 0 */
    const struct px_mapping map = zero(DATA, PAGE);
    const struct px_image image = { .code = code,
                                    .code_size = sizeof code,
                                    .gas = GAS,
                                    .x = { [10] = DATA, [11] = 0x77, [12] = PAGE },
                                    .maps = &map,
                                    .map_count = 1 };
    for (size_t i = 0; i < run->count; i++) {
        struct engine *e = &run->engines[i];
        struct px_unit *unit = prepare(e, &image, 0);
        struct px_outcome outcome;
        uint8_t scratch[PAGE];
        const uint8_t *bytes;
        uint64_t before = run_unit(e, &image, unit, 0, &outcome);
        assert_int_equal(e->ops->read_page(e->instance, DATA / PAGE, scratch, &bytes), PX_OK);
        assert_int_equal(bytes[17], 0x77);
        e->ops->reset(e->instance);
        assert_int_equal(e->ops->read_page(e->instance, DATA / PAGE, scratch, &bytes), PX_OK);
        assert_int_equal(bytes[17], 0);
        assert_int_equal(run_unit(e, &image, unit, 0, &outcome), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_stop_comes_before_the_gate_of_the_block_that_is_not_entered),
        ACCEPT_TEST(a_stop_that_is_not_reached_changes_nothing),
        ACCEPT_TEST(an_exit_before_the_stop_comes_first),
        ACCEPT_TEST(a_stop_asked_of_a_unit_prepared_without_is_our_error),
        ACCEPT_TEST(every_stop_of_generated_programs_is_the_same_on_every_engine),
        ACCEPT_TEST(units_run_many_times_and_in_any_order),
        ACCEPT_TEST(another_program_between_two_runs_changes_nothing),
        ACCEPT_TEST(a_reset_engine_has_forgotten_memory_but_not_its_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
