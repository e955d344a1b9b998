/* The driver that climbs: when it climbs and where to, that no outcome depends on it, and how it is configured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/run.h"
#include "harness/tests/accept.h"
#include "harness/tiered/tiered.h"

enum { PROGRAMS = 3000, RUNS = 4 };

static struct engine open_tiered(const char *options)
{
    struct engine engine = { .ops = &px_tiered_engine };
    struct px_error err = { "" };
    if (px_tiered_engine.create(options, &engine.instance, &err) != PX_OK)
        fail_msg("%s", err.text);
    return engine;
}

/* addi a0, a0, 1; ecalli 0: a line that linear takes. */
static void make_line(struct px_program *program)
{
    static const struct px_insn code[] = { { .op = PX_OP_ADDI, .len = 4, .rd = 10, .rs1 = 10, .imm = 1 },
                                           { .op = PX_OP_ECALLI, .len = 4 } };
    px_program_init(program);
    for (size_t i = 0; i < COUNT(code); i++)
        assert_int_equal(px_program_emit(program, &code[i]), PX_OK);
    program->gas = GAS;
}

/* Which of a unit's runs were native, the first one as the first letter: "inn" is interpreted, native, native. */
static void expect_climb(const char *options, const char *runs)
{
    struct engine engine = open_tiered(options);
    struct px_program program;
    struct px_image image;
    struct px_unit *unit;
    struct px_error err = { "" };
    make_line(&program);
    px_program_image(&program, &image);
    assert_int_equal(engine.ops->prepare(engine.instance, &image, 0, &unit, &err), PX_OK);
    for (const char *run = runs; *run; run++) {
        struct px_outcome out;
        struct px_entry entry = run_entry(&image);
        entry.x[10] = (uint64_t)*run;
        assert_int_equal(engine.ops->run(engine.instance, unit, &entry, &out, &err), PX_OK);
        assert_int_equal(out.exit, PX_EXIT_HOSTCALL);
        assert_int_equal(out.x[10], *run + 1);
        if ((out.native > 0 ? 'n' : 'i') != *run || out.native + out.interpreted != 2)
            fail_msg("tiered:%s: run %d is %s", options, (int)(run - runs),
                     out.native ? "native" : "not native");
    }
    engine.ops->release(engine.instance, unit);
    engine_close(&engine);
    px_program_fini(&program);
}

static void a_unit_is_compiled_when_it_reaches_the_threshold(void **state)
{
    (void)state;
    expect_climb("", "innn");
    expect_climb("block-threshold=0", "nnn");
    expect_climb("block-threshold=3", "iiinn");
    expect_climb("tiers=fused+block,block-threshold=2", "iinn");
    expect_climb("tiers=fused+linear", "inn");
    expect_climb("tiers=block,block-threshold=2", "nnn");
    expect_climb("tiers=interp", "iiii");
    expect_climb("tiers=fused,block-threshold=0", "ii");
}

/* Bytes of host code that a line takes: linear's has no table in front, and no gate to come back to. */
static size_t code_size_after(const char *options, uint32_t entry_pc)
{
    struct engine engine = open_tiered(options);
    struct px_program program;
    struct px_image image;
    struct px_unit *unit;
    struct px_outcome out;
    struct px_error err = { "" };
    size_t size;
    make_line(&program);
    px_program_image(&program, &image);
    assert_int_equal(engine.ops->prepare(engine.instance, &image, 0, &unit, &err), PX_OK);
    struct px_entry entry = run_entry(&image);
    entry.pc = entry_pc;
    assert_int_equal(engine.ops->run(engine.instance, unit, &entry, &out, &err), PX_OK);
    (void)engine.ops->code(engine.instance, unit, &size);
    engine.ops->release(engine.instance, unit);
    engine_close(&engine);
    px_program_fini(&program);
    return size;
}

static void a_line_goes_to_linear_and_the_rest_to_block(void **state)
{
    (void)state;
    size_t block = code_size_after("tiers=block", 0), linear = code_size_after("tiers=linear+block", 0);
    assert_true(block > 0 && linear > 0);
    assert_int_not_equal(block, linear);
    assert_int_equal(code_size_after("tiers=linear+block", 4), block); /* entered in its middle */
    assert_int_equal(code_size_after("tiers=interp+linear+block", 0), 0);
    assert_int_equal(code_size_after("tiers=interp+linear,block-threshold=0", 0), linear);
    assert_int_equal(code_size_after("tiers=interp+linear,block-threshold=0", 4), 0);
}

/* Every run of a unit, whoever runs it, against the reference engine: outcome, registers, gas, memory. */
static void no_run_shows_which_tier_it_was(void **state)
{
    static const char *const options[] = { "", "tiers=fused+linear+block", "block-threshold=2,touch=fault",
                                           "block-threshold=0,cpu=baseline" };
    (void)state;
    for (size_t i = 0; i < COUNT(options); i++) {
        struct engine engines[] = { { .ops = &px_interp_engine }, open_tiered(options[i]) };
        struct px_error err = { "" };
        struct run run;
        struct px_gen gen;
        struct px_program program;
        assert_int_equal(px_interp_engine.create("", &engines[0].instance, &err), PX_OK);
        assert_int_equal(run_open_engines(engines, 2, &run, &err), PX_OK);
        accept_route_faults(run.engines, run.count);
        assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
        px_program_init(&program);
        for (uint64_t index = 0; index < PROGRAMS; index++) {
            struct px_image image;
            struct run_slot slot;
            assert_int_equal(px_gen_make(&gen, i, index, &program), PX_OK);
            px_program_image(&program, &image);
            assert_int_equal(run_prepare(&run, &image, 0, &slot, &err), PX_OK);
            for (unsigned n = 0; n < RUNS; n++) {
                struct run_result result;
                assert_int_equal(run_compare(&run, &slot, true, &result, &err), PX_OK);
                if (result.diff.fields != 0)
                    fail_msg("tiered:%s: run %u of program %d differs", options[i], n, (int)index);
            }
            run_release(&run, &slot);
        }
        px_program_fini(&program);
        run_close(&run);
    }
}

static void a_spec_names_what_is_not_the_default(void **state)
{
    static const char *const rows[][2] = {
        { "", "tiered" },
        { "tiers=interp+block,block-threshold=1", "tiered" },
        { "tiers=block+interp", "tiered" },
        { "tiers=fused+linear+block", "tiered:tiers=fused+linear+block" },
        { "block-threshold=7", "tiered:block-threshold=7" },
        { "touch=fault", "tiered:touch=fault" },
        { "cpu=baseline,touch=fault,block-threshold=0,touch=check,tiers=block",
          "tiered:tiers=block,block-threshold=0,cpu=baseline,touch=check" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct engine engine = open_tiered(rows[i][0]);
        assert_string_equal(engine_spec(&engine), rows[i][1]);
        engine_close(&engine);
    }
}

static void expect_refusal(const char *options, const char *text)
{
    struct px_engine *engine;
    struct px_error err = { "" };
    assert_int_equal(px_tiered_engine.create(options, &engine, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, text);
}

static void mistakes_in_options_are_told(void **state)
{
    (void)state;
    expect_refusal(
        "tiers=interp+jit",
        "engine tiered: tiers: unknown tier 'jit': expected interp, fused, linear, block joined by '+'");
    expect_refusal(
        "tiers=",
        "engine tiered: tiers: unknown tier '': expected interp, fused, linear, block joined by '+'");
    expect_refusal("tiers=interp+fused", "engine tiered: tiers: expected one of interp and fused, not both");
    expect_refusal("tiers=linear",
                   "engine tiered: tiers: expected a tier beside linear, which takes straight lines only");
    expect_refusal(
        "block-threshold=1000000001",
        "engine tiered: block-threshold: '1000000001': expected a number of runs, 0 to 1000000000");
    expect_refusal("block-threshold=-1",
                   "engine tiered: block-threshold: '-1': expected a number of runs, 0 to 1000000000");
    expect_refusal("block-threshold=1k",
                   "engine tiered: block-threshold: '1k': expected a number of runs, 0 to 1000000000");
    expect_refusal("speed=1",
                   "engine tiered: option 'speed=1': expected tiers=, block-threshold=, touch= or cpu=");
    expect_refusal("touch=never",
                   "engine block: option 'touch=never': expected touch=check, touch=fault, templates=off or "
                   "cpu=FEATURES");
}

static void the_environment_comes_before_the_options(void **state)
{
    (void)state;
    assert_int_equal(setenv("PX_BLOCK_THRESHOLD", "2", 1), 0);
    assert_int_equal(setenv("PX_TIERS", "fused+block", 1), 0);
    assert_int_equal(setenv("PX_TOUCH", "fault", 1), 0);
    assert_int_equal(setenv("PX_CPU_FEATURES", "", 1), 0);
    struct engine engine = open_tiered("");
    assert_string_equal(engine_spec(&engine), "tiered:tiers=fused+block,block-threshold=2,touch=fault");
    engine_close(&engine);
    engine = open_tiered("block-threshold=1,touch=check,tiers=interp+block");
    assert_string_equal(engine_spec(&engine), "tiered:touch=check");
    engine_close(&engine);
    assert_int_equal(setenv("PX_BLOCK_THRESHOLD", "many", 1), 0);
    expect_refusal("", "PX_BLOCK_THRESHOLD: 'many': expected a number of runs, 0 to 1000000000");
    assert_int_equal(setenv("PX_BLOCK_THRESHOLD", "", 1), 0);
    assert_int_equal(setenv("PX_TIERS", "all", 1), 0);
    expect_refusal("", "PX_TIERS: unknown tier 'all': expected interp, fused, linear, block joined by '+'");
    assert_int_equal(unsetenv("PX_BLOCK_THRESHOLD") + unsetenv("PX_TIERS") + unsetenv("PX_TOUCH") +
                         unsetenv("PX_CPU_FEATURES"),
                     0);
}

static void it_is_none_to_compare(void **state)
{
    struct run run;
    struct px_error err = { "" };
    (void)state;
    assert_int_equal(run_open("interp,tiered", &run, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "engine tiered chooses who runs a program: to compare, name the tier: "
                                  "interp, fused, linear or block");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_compiled_when_it_reaches_the_threshold),
        cmocka_unit_test(a_line_goes_to_linear_and_the_rest_to_block),
        cmocka_unit_test(no_run_shows_which_tier_it_was),
        cmocka_unit_test(a_spec_names_what_is_not_the_default),
        cmocka_unit_test(mistakes_in_options_are_told),
        cmocka_unit_test(the_environment_comes_before_the_options),
        cmocka_unit_test(it_is_none_to_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
