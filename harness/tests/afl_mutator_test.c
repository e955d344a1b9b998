/* libparallax-afl.so without AFL++: any bytes are fine, sizes stay in range, trimming never makes more of them. */
#include "harness/fuzz/afl/mutator.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "harness/tests/any_bytes.h"
#include "vm/test_program.h"

enum { ROOM = 8192 };

static void check_program(const uint8_t *bytes, size_t size)
{
    struct px_program program;
    struct px_error err;
    px_program_init(&program);
    if (px_program_unpack(&program, "mutant", bytes, size, &err) != PX_OK)
        fail_msg("%s", err.text);
    px_program_fini(&program);
}

static void whatever_comes_mutants_are_programs_within_their_room(void **state)
{
    (void)state;
    struct afl_mutator *m = afl_custom_init(NULL, 1);
    struct prng prng;
    assert_non_null(m);
    prng_init(&prng, 1, 1);
    for (unsigned i = 0; i < 1500; i++) {
        size_t size, add_size, max = 1 + prng_below(&prng, i % 2 ? 4096 : 40);
        uint8_t *bytes = any_bytes(&prng, 300, &size), *add = any_bytes(&prng, 300, &add_size), *out = NULL;
        size_t made = afl_custom_fuzz(m, bytes, size, &out, i % 3 ? add : NULL, i % 3 ? add_size : 0, max);
        assert_in_range(made, 1, max);
        if (max >= 40)
            check_program(out, made);
        uint8_t *again = NULL, *mutant = malloc(made + 1);
        assert_true(mutant && out);
        memcpy(mutant, out, made);
        made = afl_custom_fuzz(m, mutant, made, &again, add, add_size, max);
        assert_in_range(made, 1, max);
        free(mutant);
        free(bytes);
        free(add);
    }
    uint8_t *out = NULL, byte = 0;
    assert_int_equal(afl_custom_fuzz(m, &byte, 1, &out, NULL, 0, 0), 0);
    assert_in_range(afl_custom_fuzz(m, NULL, 0, &out, NULL, 0, 9), 1, 9);
    afl_custom_deinit(m);
    afl_custom_deinit(NULL);
}

/* The same seed makes the same mutants, another one others. */
static void the_seed_decides(void **state)
{
    (void)state;
    struct afl_mutator *m[3] = { afl_custom_init(NULL, 5), afl_custom_init(NULL, 5),
                                 afl_custom_init(NULL, 6) };
    unsigned differ = 0;
    for (unsigned i = 0; i < 50; i++) {
        uint8_t *out[3], byte = 0;
        size_t made[3];
        for (unsigned k = 0; k < 3; k++)
            made[k] = afl_custom_fuzz(m[k], &byte, 1, &out[k], NULL, 0, 4096);
        assert_int_equal(made[0], made[1]);
        assert_memory_equal(out[0], out[1], made[0]);
        differ += made[0] != made[2] || memcmp(out[0], out[2], made[0]) != 0;
    }
    assert_true(differ > 40);
    for (unsigned k = 0; k < 3; k++)
        afl_custom_deinit(m[k]);
}

/* As afl-fuzz does; what is kept is a coin's choice. The bytes that are left. */
static size_t trim_as_afl_does(struct afl_mutator *m, uint8_t *bytes, size_t size, struct prng *prng,
                               unsigned keep_percent)
{
    int32_t steps = afl_custom_init_trim(m, bytes, size), step = 0;
    size_t best = size;
    assert_in_range(steps, 0, TRIM_TRIES);
    while (step < steps) {
        uint8_t *out = NULL;
        size_t made = afl_custom_trim(m, &out);
        assert_in_range(made, 1, best);
        check_program(out, made);
        bool keep = prng_below(prng, 100) < keep_percent;
        if (keep)
            best = made;
        int32_t next = afl_custom_post_trim(m, keep);
        assert_in_range(next, step + 1, steps);
        step = next;
    }
    return best;
}

static void trimming_ends_and_never_makes_more_of_it(void **state)
{
    (void)state;
    struct afl_mutator *m = afl_custom_init(NULL, 1);
    struct prng prng;
    assert_non_null(m);
    prng_init(&prng, 2, 2);
    for (unsigned i = 0; i < 200; i++) {
        size_t size;
        uint8_t *bytes = any_bytes(&prng, 200, &size), *out = bytes;
        assert_in_range(trim_as_afl_does(m, bytes, size, &prng, 50), 0, size);
        size_t made = afl_custom_fuzz(m, bytes, size, &out, NULL, 0, ROOM);
        uint8_t *program = malloc(made + 1);
        assert_true(program && out);
        memcpy(program, out, made);
        assert_int_equal(trim_as_afl_does(m, program, made, &prng, 0), made);
        assert_in_range(trim_as_afl_does(m, program, made, &prng, 50), 1, made);
        assert_in_range(trim_as_afl_does(m, program, made, &prng, 100), 1, 27); /* numbers of gas and entry */
        free(program);
        free(bytes);
    }
    afl_custom_deinit(m);
}

static void what_is_no_program_is_not_trimmed(void **state)
{
    (void)state;
    struct afl_mutator *m = afl_custom_init(NULL, 1);
    uint8_t bytes[] = "parallax";
    assert_non_null(m);
    assert_int_equal(afl_custom_init_trim(m, bytes, sizeof bytes), 0);
    assert_int_equal(afl_custom_init_trim(m, bytes, 0), 0);
    assert_int_equal(afl_custom_init_trim(m, NULL, 0), 0);
    afl_custom_deinit(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_mutants_are_programs_within_their_room),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(trimming_ends_and_never_makes_more_of_it),
        cmocka_unit_test(what_is_no_program_is_not_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
