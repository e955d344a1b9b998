/*
 * Gas: every program of the other generators under limits from 0 to far beyond what it needs. 64 neighbouring indices are one
 * program under 64 limits, spread so that each size of limit is equally likely and none is left out.
 */
#include "generators/builder.h"
#include "generators/generator.h"

enum { STEPS = 64, STEPS_A_DOUBLING = 4 };

static const struct px_generator *const parts[] = {
    &px_gen_control, &px_gen_memory, &px_gen_compressed, &px_gen_hostcall, &px_gen_straight, &px_gen_boundary,
};

/* 0 to 65534: each step starts where the one before ends. */
static uint64_t limit_of(struct prng *prng, unsigned step)
{
    uint64_t scale = UINT64_C(1) << (step / STEPS_A_DOUBLING);
    uint64_t start = (STEPS_A_DOUBLING + step % STEPS_A_DOUBLING) * scale / STEPS_A_DOUBLING;
    uint64_t width = scale / STEPS_A_DOUBLING;
    return start - 1 + prng_below(prng, (uint32_t)width + 1);
}

/* Around a power of two that a signed or a 32-bit comparison would stumble over, or anything at all. */
static uint64_t vast_limit(struct prng *prng)
{
    static const uint64_t edges[] = { UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63, 0 };
    uint32_t pick = prng_below(prng, 5);
    uint64_t any = prng_next(prng);
    return pick == 4 ? any : edges[pick] + any % 65 - 32 - (edges[pick] ? 0 : 33);
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct prng prng;
    uint64_t inner = index / STEPS;
    prng_init(&prng, ~seed, inner); /* what the 64 programs share */
    const struct px_generator *part = parts[prng_below(&prng, sizeof parts / sizeof parts[0])];
    enum px_status status = part->generate(options, seed, part->count ? prng_next(&prng) : inner, program);
    prng_init(&prng, seed ^ UINT64_C(0x676173), index);
    unsigned step = (unsigned)(index % STEPS);
    bool vast = step == STEPS - 1 && part == &px_gen_straight; /* which has no loop */
    program->gas = vast ? vast_limit(&prng) : limit_of(&prng, step);
    return status;
}

const struct px_generator px_gen_gas = {
    .name = "gas",
    .summary = "programs of the others, each under 64 gas limits from 0 up",
    .version = 2,
    .generate = generate,
};
