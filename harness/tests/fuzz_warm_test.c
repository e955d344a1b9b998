/* What targets run before their first input: sound, large in the ways that are promised, and the same on all engines. */
#include "harness/fuzz/warm.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "harness/fuzz/map.h"
#include "harness/run.h"

static void first_programs_are_as_large_as_promised_and_engines_agree(void **state)
{
    (void)state;
    struct px_program program;
    struct run run;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(run_open("interp,fused,block,block:templates=off", &run, &err), PX_OK);
    for (unsigned i = 0; i < FUZZ_WARM_PROGRAMS; i++) {
        struct px_image image;
        struct run_slot slot;
        struct run_result result;
        assert_int_equal(fuzz_warm(i, &program, &err), PX_OK);
        px_program_image(&program, &image);
        if (px_image_check(&image, &err) != PX_OK)
            fail_msg("program %u: %s", i, err.text);
        assert_int_equal(program.content_size, FUZZ_WARM_BYTES);
        if (i < 3)
            assert_int_equal(program.code_size, FUZZ_WARM_BYTES);
        assert_int_equal(run_prepare(&run, &image, 0, &slot, &err), PX_OK);
        assert_int_equal(run_compare(&run, &slot, false, &result, &err), PX_OK);
        assert_int_equal(result.diff.fields, 0);
        assert_int_equal(result.outcomes[0].exit, PX_EXIT_PANIC); /* at the end of the code */
        assert_int_equal(result.outcomes[0].dirty_count, i == 3 ? FUZZ_WARM_PAGES : 0);
        run_release(&run, &slot);
    }
    run_close(&run);
    px_program_fini(&program);
}

static void without_afl_features_go_where_libfuzzer_looks(void **state)
{
    (void)state;
    uint8_t counters[8];
    fuzz_map_reserve(sizeof counters);
    assert_ptr_equal(fuzz_map(counters), counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_programs_are_as_large_as_promised_and_engines_agree),
        cmocka_unit_test(without_afl_features_go_where_libfuzzer_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
