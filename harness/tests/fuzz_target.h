/* What the tests of fuzz targets share. Each takes in its target's source, so that all are one program; include it first. */
#ifndef PX_TEST_FUZZ_TARGET_H
#define PX_TEST_FUZZ_TARGET_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#include "harness/tests/any_bytes.h"

enum { TARGET_ROOM = 8192 };

/* Stands in for libFuzzer's: one byte changes; grows and shrinks by one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    if (size == 0)
        data[size++] = 1;
    data[size / 2] ^= (uint8_t)(size * 37 + 1);
    if (size < max_size)
        data[size++] = 0;
    return size;
}

/* What libFuzzer relies on: whatever is mutated and crossed, sizes stay in range and nothing past the room is touched. */
static void check_mutators(const uint8_t *input, size_t input_size, uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed, input_size);
    for (unsigned i = 0; i < 40; i++) {
        /* While it minimizes a crash libFuzzer asks for less than it gives. */
        size_t max = 1 + prng_below(&prng, i % 3 == 0 ? 40 : i % 3 == 1 ? 600 : TARGET_ROOM);
        size_t size = input_size < TARGET_ROOM ? input_size : TARGET_ROOM, room = size > max ? size : max;
        uint8_t *data = malloc(room), *again = malloc(room), *out = malloc(max);
        unsigned draw = (unsigned)prng_next(&prng);
        assert_true(data && again && out);
        memcpy(data, input, size);
        memcpy(again, input, size);
        size_t made = LLVMFuzzerCustomMutator(data, size, max, draw);
        assert_in_range(made, 1, max);
        assert_int_equal(LLVMFuzzerCustomMutator(again, size, max, draw), made);
        assert_memory_equal(data, again, made);
        size_t crossed = LLVMFuzzerCustomCrossOver(input, size, data, made, out, max, draw);
        assert_in_range(crossed, 0, max);
        free(data);
        free(again);
        free(out);
    }
}

#endif
