/*
 * The default: a weighted choice of the other generators. Swarm testing: every second program does without a random set
 * of features, so that what is left gets more of the program.
 */
#include "generators/builder.h"
#include "generators/generator.h"

enum {
    WEIGHTS = 32,
    LONG_ONE_IN = 2048, /* one such program costs as much as fifty others */
};

static const struct {
    const struct px_generator *generator;
    uint32_t weight; /* of WEIGHTS */
} parts[] = {
    { &px_gen_control, 12 }, { &px_gen_straight, 5 }, { &px_gen_memory, 4 },  { &px_gen_compressed, 4 },
    { &px_gen_boundary, 3 }, { &px_gen_hostcall, 2 }, { &px_gen_hostile, 1 }, { &px_gen_gas, 1 },
};

enum { PARTS = sizeof parts / sizeof parts[0] };

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct px_gen_options inner = *options;
    struct prng prng;
    prng_init(&prng, ~seed, index); /* a stream of its own: the parts use (seed, index) */
    uint64_t swarm = prng_next(&prng);
    inner.without = swarm >> 63 ? (uint32_t)(swarm & swarm >> 8) & PX_FEATURES : 0;
    if ((swarm >> 16) % LONG_ONE_IN == 0)
        return px_gen_long.generate(&inner, seed, index, program);
    uint32_t pick = prng_below(&prng, WEIGHTS);
    size_t i = 0;
    while (i + 1 < PARTS && pick >= parts[i].weight)
        pick -= parts[i++].weight;
    const struct px_generator *part = parts[i].generator;
    /* An enumerable part takes any number as an index: it is reduced there. */
    return part->generate(&inner, seed, part->count ? prng_next(&prng) : index, program);
}

const struct px_generator px_gen_mix = {
    .name = "mix",
    .summary = "weighted sum of the others, each program with a random set of features; the default",
    .version = 3,
    .generate = generate,
};
