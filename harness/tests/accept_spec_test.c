/* Specs of engines and lists of them: what is taken, what is refused and in which words. */
#include "harness/tests/accept.h"

#include <stdio.h>
#include <string.h>

static void expect_refused(const char *list, const char *message)
{
    struct run run, before;
    struct px_error err = { "" };
    memset(&run, 0x5a, sizeof run);
    memcpy(&before, &run, sizeof run);
    assert_int_equal(run_open(list, &run, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_memory_equal(&run, &before, sizeof run);
    assert_int_equal(run_open(list, &run, NULL), PX_ERR_INPUT);
}

static void an_unknown_option_is_refused_by_name_with_what_was_expected(void **state)
{
    (void)state;
    expect_refused("interp:speed=9,block", "engine interp: option 'speed=9': expected none");
    expect_refused("interp,fused:speed=9", "engine fused: option 'speed=9': expected none");
    expect_refused(
        "interp,block:speed=9",
        "engine block: option 'speed=9': expected touch=check, touch=fault, templates=off or cpu=FEATURES");
    expect_refused("interp,block:touch=gently", "engine block: option 'touch=gently': expected touch=check, "
                                                "touch=fault, templates=off or cpu=FEATURES");
    expect_refused(
        "interp,block:cpu=baseline,speed=9",
        "engine block: option 'speed=9': expected touch=check, touch=fault, templates=off or cpu=FEATURES");
    expect_refused("interp,block:cpu=mmx",
                   "cpu feature 'mmx': expected host, baseline, or bmi1, bmi2, lzcnt, popcnt joined by '+'");
    expect_refused(
        "interp,block:cpu=",
        "engine block: option 'cpu=': expected touch=check, touch=fault, templates=off or cpu=FEATURES");
}

static void an_unknown_engine_is_refused_by_name(void **state)
{
    (void)state;
    expect_refused("interp,turbo",
                   "engine 'turbo': expected interp, fused, block, linear, tiered, qemu, plugin or wrong");
    expect_refused("blocks,interp",
                   "engine 'blocks': expected interp, fused, block, linear, tiered, qemu, plugin or wrong");
    expect_refused("interp,", "1 engine: expected at least two to compare");
    expect_refused("interp,,block",
                   "engine '': expected interp, fused, block, linear, tiered, qemu, plugin or wrong");
    expect_refused(":cpu=baseline,interp",
                   "engine '': expected interp, fused, block, linear, tiered, qemu, plugin or wrong");
}

static void fewer_than_two_and_more_than_eight_engines_are_refused(void **state)
{
    (void)state;
    expect_refused("", "0 engines: expected at least two to compare");
    expect_refused("block", "1 engine: expected at least two to compare");
    expect_refused("interp,interp,interp,interp,interp,interp,interp,interp,interp", "more than 8 engines");
}

static void an_overlong_spec_is_refused_by_its_beginning(void **state)
{
    (void)state;
    char list[ENGINES_TEXT + 32] = "interp,block:cpu=";
    memset(list + strlen(list), 'b', ENGINES_TEXT);
    expect_refused(
        list,
        "engine 'block:cpu=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb...': expected a spec of at most 1023 characters");
}

static void a_share_that_is_no_number_or_of_the_first_engine_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "block%",
                                       "block%0",
                                       "block%x",
                                       "block%-1",
                                       "block%07",
                                       "block%2x",
                                       "block%1000001",
                                       "block%99999999999999999999",
                                       "block:cpu=baseline%" };
    char list[80], message[160];
    for (size_t i = 0; i < COUNT(bad); i++) {
        (void)snprintf(list, sizeof list, "interp,%s", bad[i]);
        (void)snprintf(message, sizeof message,
                       "engine '%s': expected %%1 to %%1000000 behind an engine that is not the first",
                       bad[i]);
        expect_refused(list, message);
    }
    expect_refused("interp%2,block",
                   "engine 'interp%2': expected %1 to %1000000 behind an engine that is not the first");
}

static void an_engine_with_a_share_takes_part_in_one_program_of_so_many(void **state)
{
    (void)state;
    const uint8_t code[] = { 0x0b, 0x20, 0, 0 }; /* ecalli 0 */
    const struct px_image image = { .code = code, .code_size = sizeof code, .gas = GAS };
    struct run run;
    struct px_error err = { "" };
    assert_int_equal(run_open("interp,block%3,block:cpu=baseline", &run, &err), PX_OK);
    struct run_result result;
    assert_int_equal(run_image(&run, &image, true, &result, &err), PX_OK);
    assert_true(result.supported[0] && result.supported[1] && result.supported[2]);
    for (uint64_t index = 0; index < 10; index++) {
        run_choose(&run, index);
        assert_int_equal(run_image(&run, &image, true, &result, &err), PX_OK);
        assert_true(result.supported[0] && result.supported[2]);
        assert_int_equal(result.supported[1], index % 3 == 0);
        assert_int_equal(result.diff.fields, 0);
    }
    run_close(&run);
}

/* Where the processor has none of the features, baseline is the default, and defaults are left out. */
static void expect_baseline(const struct engine *engine)
{
    if (strcmp(engine_spec(engine), "block") != 0)
        assert_string_equal(engine_spec(engine), "block:cpu=baseline");
}

static void a_comma_before_a_key_goes_on_with_the_options(void **state)
{
    (void)state;
    struct run run;
    struct px_error err = { "" };
    assert_int_equal(run_open("block:cpu=baseline,touch=check,interp,block:touch=check", &run, &err), PX_OK);
    assert_int_equal(run.count, 3);
    expect_baseline(&run.engines[0]);
    assert_string_equal(engine_spec(&run.engines[1]), "interp");
    assert_string_equal(engine_spec(&run.engines[2]), "block");
    run_close(&run);
}

static void options_stand_in_one_order_and_those_that_are_the_default_not_at_all(void **state)
{
    (void)state;
    struct run run;
    struct px_error err = { "" };
    assert_int_equal(run_open("interp,block:templates=off,touch=fault,linear:templates=off,templates=on,"
                              "block:touch=check,templates=off",
                              &run, &err),
                     PX_OK);
    assert_int_equal(run.count, 4);
    assert_string_equal(engine_spec(&run.engines[1]), "block:touch=fault,templates=off");
    assert_string_equal(engine_spec(&run.engines[2]), "linear");
    assert_string_equal(engine_spec(&run.engines[3]), "block:templates=off");
    run_close(&run);
}

static void the_engines_of_the_acceptance_tests_are_the_ones_named(void **state)
{
    const struct run *run = *state;
    assert_int_equal(run->count, 5);
    assert_string_equal(engine_spec(&run->engines[0]), "interp");
    assert_string_equal(engine_spec(&run->engines[1]), "fused");
    assert_string_equal(engine_spec(&run->engines[2]), "block");
    expect_baseline(&run->engines[3]);
    assert_string_equal(engine_spec(&run->engines[4]), "block:touch=fault");
    for (size_t i = 0; i < run->count; i++) {
        struct px_caps caps = run->caps[i];
        assert_true(caps.registers && caps.gas && caps.dirty && caps.aliasing && caps.block_starts &&
                    caps.counts);
        assert_int_equal(caps.extensions, (1u << PX_EXT_COUNT) - 1);
        assert_int_equal(run->engines[i].ops->abi, PX_ENGINE_ABI);
        assert_int_equal(run->engines[i].ops->size, sizeof(struct px_engine_ops));
        assert_string_equal(run->engines[i].ops->guest, "rv64e-jar.1");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_option_is_refused_by_name_with_what_was_expected),
        cmocka_unit_test(an_unknown_engine_is_refused_by_name),
        cmocka_unit_test(fewer_than_two_and_more_than_eight_engines_are_refused),
        cmocka_unit_test(an_overlong_spec_is_refused_by_its_beginning),
        cmocka_unit_test(a_share_that_is_no_number_or_of_the_first_engine_is_refused),
        cmocka_unit_test(an_engine_with_a_share_takes_part_in_one_program_of_so_many),
        cmocka_unit_test(a_comma_before_a_key_goes_on_with_the_options),
        cmocka_unit_test(options_stand_in_one_order_and_those_that_are_the_default_not_at_all),
        ACCEPT_TEST(the_engines_of_the_acceptance_tests_are_the_ones_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
