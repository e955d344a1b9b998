/* The default: a weighted choice of the other generators. */
#include "generators/builder.h"
#include "generators/generator.h"

struct part {
    const struct px_generator *generator;
    uint32_t weight;
};

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    const struct part parts[] = {
        { &px_gen_control, 8 },
        { &px_gen_straight, 5 },
        { &px_gen_boundary, 3 },
    };
    enum { PARTS = sizeof parts / sizeof parts[0], WEIGHTS = 16 };
    struct prng prng;
    prng_init(&prng, ~seed, index); /* a stream of its own: the parts use (seed, index) */
    uint32_t pick = prng_below(&prng, WEIGHTS);
    size_t i = 0;
    while (i + 1 < PARTS && pick >= parts[i].weight)
        pick -= parts[i++].weight;
    const struct px_generator *part = parts[i].generator;
    /* An enumerable part takes any number as an index: it is reduced there. */
    uint64_t inner = part->count ? prng_next(&prng) : index;
    return part->generate(options, seed, inner, program);
}

const struct px_generator px_gen_mix = {
    .name = "mix",
    .summary = "weighted sum of the others; the default",
    .version = 1,
    .generate = generate,
};
