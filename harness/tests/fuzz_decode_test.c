/* The target fuzz_decode without its fuzzer. */
#include "harness/fuzz/fuzz_decode.c"
#include "harness/tests/fuzz_target.h"

static void every_halfword_and_any_word_is_an_input(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1, 1);
    for (uint32_t half = 0; half < 0x10000; half++) {
        const uint32_t word = half | (uint32_t)prng_next(&prng) << 16;
        uint8_t bytes[4];
        memcpy(bytes, &word, sizeof bytes);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, sizeof bytes), 0);
    }
    for (unsigned i = 0; i < 5000; i++) {
        size_t size;
        uint8_t *bytes = any_bytes(&prng, 100, &size);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
        free(bytes);
    }
}

static void mutation_reaches_every_row(void **state)
{
    (void)state;
    uint8_t bytes[16] = { 0 };
    size_t rows = 0;
    memset(counters, 0, sizeof counters);
    for (unsigned i = 0; i < 40000; i++) {
        size_t size = LLVMFuzzerCustomMutator(bytes, sizeof bytes, sizeof bytes, i);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
    }
    for (size_t op = 0; op < PX_OP_COUNT; op++)
        rows += counters[2 * op] || counters[2 * op + 1];
    for (size_t row = PX_C_NONE + 1; row < PX_C_COUNT; row++)
        rows += counters[2 * PX_OP_COUNT + row];
    assert_int_equal(rows, (unsigned)PX_OP_COUNT + (unsigned)PX_C_COUNT - 1);
}

static void mutators_keep_to_what_they_are_given(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 2, 2);
    for (unsigned i = 0; i < 100; i++) {
        size_t any;
        uint8_t *bytes = any_bytes(&prng, 200, &any);
        check_mutators(bytes, any, i);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_halfword_and_any_word_is_an_input),
        cmocka_unit_test(mutation_reaches_every_row),
        cmocka_unit_test(mutators_keep_to_what_they_are_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
