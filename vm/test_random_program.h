/* Random programs that use the whole format. Include cmocka.h first. */
#ifndef PX_TEST_RANDOM_PROGRAM_H
#define PX_TEST_RANDOM_PROGRAM_H

#include <string.h>

#include "vm/program.h"
#include "vm/test_insn.h"

static inline size_t test_below(uint64_t *rng, size_t limit)
{
    return (size_t)(test_random(rng) % limit);
}

/* Small, large, and with few bits: numbers of every length. */
static inline uint64_t test_random_number(uint64_t *rng)
{
    uint64_t value = test_random(rng);
    return value >> (test_random(rng) & 63);
}

static inline void test_random_name(uint64_t *rng, char name[PX_NAME_MAX])
{
    static const char letters[] = "abcxyzABCXYZ0189-._+:=/,!\"\\~";
    size_t length = 1 + test_below(rng, PX_NAME_MAX - 1);
    memset(name, 0, PX_NAME_MAX);
    for (size_t i = 0; i < length; i++)
        name[i] = letters[test_below(rng, sizeof letters - 1)];
}

static inline void test_random_code(uint64_t *rng, struct px_program *program)
{
    size_t words = test_below(rng, 12);
    for (size_t i = 0; i < words; i++) {
        /* Most random words are illegal; a row's match with random registers mostly is not. */
        size_t row = 1 + test_below(rng, PX_OP_COUNT - 1);
        uint32_t word = (uint32_t)test_random(rng);
        if (test_below(rng, 4) != 0)
            word = px_ops[row].match | (word & ~px_ops[row].mask & ~UINT32_C(0x01080800));
        assert_int_equal(px_program_append(program, &word, 2 + 2 * test_below(rng, 2)), PX_OK);
    }
    uint64_t tail = test_random(rng);
    assert_int_equal(px_program_append(program, &tail, test_below(rng, 8)), PX_OK);
}

static inline void test_random_maps(uint64_t *rng, struct px_program *program)
{
    uint8_t content[64];
    size_t count = test_below(rng, 8) ? test_below(rng, 5) : test_below(rng, PX_PROGRAM_MAPS_MAX + 1);
    /* Starts go round an area of 64 slots by an odd step: never the same slot, hardly in order. */
    size_t slot = test_below(rng, 64), step = test_below(rng, 32) * 2 + 1;
    for (size_t i = 0; i < count; i++, slot = (slot + step) % 64) {
        enum px_map_kind kind = (enum px_map_kind)test_below(rng, PX_MAP_KIND_COUNT);
        size_t size = kind == PX_MAP_ZERO ? 0 : test_below(rng, sizeof content + 1);
        for (size_t j = 0; j < size; j++)
            content[j] = (uint8_t)test_random(rng);
        assert_int_equal(px_program_map(program, PX_SPACE_SIZE - (slot + 1) * 8192,
                                        4096 + 4096 * test_below(rng, 2), kind, content, size),
                         PX_OK);
    }
}

static inline void test_random_expect(uint64_t *rng, struct px_expect *expect)
{
    static const enum px_exit plain[] = { PX_EXIT_MANAGE, PX_EXIT_TRAP, PX_EXIT_OUT_OF_GAS };
    struct px_outcome *out = &expect->out;
    switch (test_below(rng, 4)) {
    case 0:
        out->exit = PX_EXIT_HOSTCALL;
        out->arg = (int64_t)test_below(rng, 1 << 20) - (1 << 19);
        break;
    case 1:
        out->exit = PX_EXIT_PANIC;
        out->arg = (int64_t)test_below(rng, PX_PANIC_COUNT);
        break;
    case 2:
        out->exit = PX_EXIT_PAGE_FAULT;
        out->arg = (int64_t)test_below(rng, 1 << 20) << PX_PAGE_BITS;
        break;
    default:
        out->exit = plain[test_below(rng, sizeof plain / sizeof plain[0])];
        break;
    }
    out->pc = (uint32_t)test_random_number(rng);
    out->gas = test_random_number(rng);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        out->x[i] = test_random_number(rng);
    expect->has_exit = test_random(rng) & 1;
    expect->has_pc = test_random(rng) & 1;
    expect->has_gas = test_random(rng) & 1;
    expect->has_x = (uint16_t)(test_random(rng) & 0xfffe);
    if (!expect->has_exit && !expect->has_pc && !expect->has_gas && expect->has_x == 0)
        expect->has_exit = true;
    if (test_random(rng) & 1)
        test_random_name(rng, expect->oracle);
}

static inline void test_random_program(uint64_t *rng, struct px_program *program)
{
    px_program_clear(program);
    program->gas = test_random_number(rng);
    program->entry_pc = test_random(rng) & 1 ? 0 : (uint32_t)test_random_number(rng);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        program->x[i] = test_random(rng) & 1 ? 0 : test_random_number(rng);
    if (test_random(rng) & 1) {
        program->origin.known = true;
        program->origin.seed = test_random_number(rng);
        program->origin.index = test_random_number(rng);
        if (test_random(rng) & 1) {
            test_random_name(rng, program->origin.gen);
            program->origin.version = (unsigned)test_random_number(rng);
        }
    }
    test_random_code(rng, program);
    test_random_maps(rng, program);
    program->has_expect = test_random(rng) & 1;
    if (program->has_expect)
        test_random_expect(rng, &program->expect);
}

#endif
