/* The harness sees every lie that an engine can tell about a run, and no lie where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>

#include "harness/diff.h"
#include "harness/isolate.h"
#include "harness/run.h"
#include "harness/wrong.h"
#include "vm/body.h"

static void the_self_test_catches_a_lie_about_every_field(void **state)
{
    (void)state;
    struct px_error err = { "" };
    unsigned caught, fields = 0;
    if (px_self_test(&caught, &err) != PX_OK)
        fail_msg("%s", err.text);
    for (unsigned bit = 0; bit < 32; bit++)
        fields += diff_fields_format(UINT32_C(1) << bit, NULL, 0) > 0;
    assert_int_equal(caught, fields);
    assert_in_range(caught, 7 + PX_REG_COUNT, 32); /* exit, arg, pc, gas, count, dirty, memory; x0..x15 */
}

static void a_lie_about_no_field_is_refused(void **state)
{
    (void)state;
    struct px_engine *engine;
    struct px_error err = { "" };
    assert_int_equal(px_wrong_engine.create("x16", &engine, &err), PX_ERR_INPUT);
    assert_string_equal(err.text,
                        "engine wrong: option 'x16': expected a compared field, none, op=INSTRUCTION, "
                        "die=INSTRUCTION, hang=INSTRUCTION or registers=no");
    assert_int_equal(px_wrong_engine.create("op=nope", &engine, &err), PX_ERR_INPUT);
    assert_string_equal(
        err.text, "engine wrong: option 'op=nope': expected the name of an instruction that has a result");
    assert_int_equal(px_wrong_engine.create("op=sd", &engine, &err), PX_ERR_INPUT);
    assert_int_equal(px_wrong_engine.create("x1,hang=", &engine, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "engine wrong: option 'hang=': expected the name of an instruction");
}

/* ecalli 0. */
static const uint8_t halt[] = { 0x0b, 0x20, 0x00, 0x00 };

static void a_liar_is_seen_among_honest_engines(void **state)
{
    (void)state;
    struct px_image image = { .code = halt, .code_size = sizeof halt, .gas = 100 };
    struct engine engines[3] = { { .ops = &px_interp_engine },
                                 { .ops = &px_wrong_engine },
                                 { .ops = &px_wrong_engine } };
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    assert_int_equal(px_interp_engine.create("", &engines[0].instance, &err), PX_OK);
    assert_int_equal(px_wrong_engine.create("none", &engines[1].instance, &err), PX_OK);
    assert_int_equal(px_wrong_engine.create("x9", &engines[2].instance, &err), PX_OK);
    assert_int_equal(run_open_engines(engines, 3, &run, &err), PX_OK);
    assert_int_equal(run_image(&run, &image, false, &result, &err), PX_OK);
    assert_int_equal(result.other, 2);
    assert_int_equal(result.diff.fields, DIFF_X0 << 9);
    assert_int_equal(result.diff.b.x[9], 1);
    run_close(&run);
}

/* xor a0, s0, s1; div a1, s0, s1; ecalli 0. */
static const uint32_t mixed[] = { 0x00944533, 0x029445b3 };

static void make_mixed(struct px_program *program)
{
    static const uint32_t end = PX_WORD_ECALLI_0;
    px_program_init(program);
    program->gas = 100000;
    program->x[8] = 12;
    program->x[9] = 4;
    assert_int_equal(px_program_append(program, mixed, sizeof mixed), PX_OK);
    assert_int_equal(px_program_append(program, &end, sizeof end), PX_OK);
}

/* What the reference and wrong:@options make of it, each time in a process of its own. */
static void isolate(const char *options, struct isolated *result)
{
    char list[128];
    struct px_program program;
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = list, .hang_ms = 20 };
    (void)snprintf(list, sizeof list, "interp,wrong:%s", options);
    make_mixed(&program);
    if (isolate_run(&sandbox, &program, 1, result, &err) != PX_OK)
        fail_msg("%s", err.text);
    px_program_fini(&program);
}

static void an_engine_can_be_wrong_about_one_instruction(void **state)
{
    (void)state;
    struct isolated result;
    isolate("op=xor", &result);
    assert_string_equal(result.specs[1], "wrong:op=xor");
    assert_int_equal(result.diverged, 1);
    assert_int_equal(result.finding.diff.fields, DIFF_X0 << 10);
    assert_int_equal(result.finding.diff.a.x[10], 8);
    assert_int_equal(result.finding.diff.b.x[10], 9);
    isolate("op=div", &result);
    assert_int_equal(result.finding.diff.fields, DIFF_X0 << 11);
    assert_int_equal(result.finding.diff.b.x[11], 2);
    isolate("op=mul", &result);
    assert_int_equal(result.diverged, 0);
}

static void an_engine_can_die_or_hang_over_one_instruction(void **state)
{
    (void)state;
    struct isolated result;
    isolate("die=div", &result);
    assert_int_equal(result.diverged, 1);
    assert_int_equal(result.finding.kind, FINDING_ABORT);
    assert_int_equal(result.finding.signal, SIGILL);
    assert_false(result.finding.in_harness);
    assert_true(result.finding.guest_pc_known);
    assert_int_equal(result.finding.guest_pc, 4);
    isolate("hang=xor", &result);
    assert_int_equal(result.diverged, 1);
    assert_int_equal(result.finding.kind, FINDING_HANG);
    isolate("die=mul", &result);
    assert_int_equal(result.diverged, 0);
}

/* The signature epilogue makes up for it: what the registers held is in memory. */
static void an_engine_that_reports_no_registers_is_compared_by_its_signature(void **state)
{
    (void)state;
    struct isolated result;
    isolate("registers=no", &result);
    assert_string_equal(result.specs[1], "wrong:none,registers=no");
    assert_int_equal(result.diverged, 0);
    assert_int_equal(result.outcomes[0].dirty_count, 1);
    assert_int_equal(result.outcomes[1].x[10], 0);
    isolate("op=xor,registers=no", &result);
    assert_int_equal(result.diverged, 1);
    assert_int_equal(result.finding.diff.fields, DIFF_MEMORY);
    assert_int_equal(result.finding.diff.page, 0x7ffff);
    assert_int_equal(result.finding.diff.offset, px_signature_offset(10));
    assert_int_equal(result.finding.diff.byte_a, 8);
    assert_int_equal(result.finding.diff.byte_b, 9);
}

static void a_program_that_cannot_be_signed_is_compared_without(void **state)
{
    (void)state;
    struct px_image image = { .code = halt, .code_size = 3, .gas = 100 };
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    assert_int_equal(run_open("interp,wrong:pc,registers=no", &run, &err), PX_OK);
    assert_int_equal(run_image(&run, &image, false, &result, &err), PX_OK);
    assert_int_equal(result.outcomes[0].exit, PX_EXIT_PANIC);
    assert_int_equal(result.diff.fields, DIFF_PC);
    run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_can_be_wrong_about_one_instruction),
        cmocka_unit_test(an_engine_can_die_or_hang_over_one_instruction),
        cmocka_unit_test(an_engine_that_reports_no_registers_is_compared_by_its_signature),
        cmocka_unit_test(a_program_that_cannot_be_signed_is_compared_without),
        cmocka_unit_test(the_self_test_catches_a_lie_about_every_field),
        cmocka_unit_test(a_lie_about_no_field_is_refused),
        cmocka_unit_test(a_liar_is_seen_among_honest_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
