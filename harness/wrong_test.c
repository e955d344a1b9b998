/* The harness sees every lie that an engine can tell about a run, and no lie where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/diff.h"
#include "harness/run.h"
#include "harness/wrong.h"

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
    assert_string_equal(err.text, "engine wrong: option 'x16': expected a compared field or none");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_self_test_catches_a_lie_about_every_field),
        cmocka_unit_test(a_lie_about_no_field_is_refused),
        cmocka_unit_test(a_liar_is_seen_among_honest_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
