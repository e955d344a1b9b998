/*
 * Memory: loads and stores of every width and alignment, across pages, over random layouts of `zero`, `cow` and `ro`
 * mappings and the code, through several names of one address; walks over many pages; faults on purpose.
 */
#include "generators/shape.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS,
    SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_ACCESS,
    SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_WALK,   SHAPE_WALK,   SHAPE_WALK,   SHAPE_WALK,   SHAPE_WALK,
    SHAPE_WALK,   SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_LOOP,   SHAPE_CALL,   SHAPE_FAULT,
};

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct px_gen_options own = *options;
    own.without &= ~(uint32_t)PX_FEATURE_MEMORY; /* there would be nothing left */
    struct shape s;
    shape_init(&s, &own, seed, index, program, 0);
    s.kinds = kinds;
    s.in_piece = 3;
    program->gas = 60000; /* first touches and the reserves of blocks full of accesses */
    layout_map(&s.b);
    shape_seed_bases(&s, 1 + prng_below(&s.b.prng, 4));
    shape_body(&s, 3 + prng_below(&s.b.prng, 3));
    shape_end(&s, 32);
    shape_functions(&s);
    return s.b.status;
}

const struct px_generator px_gen_memory = {
    .name = "memory",
    .summary = "loads and stores over every kind of mapping and edge, faults on purpose",
    .version = 1,
    .generate = generate,
};
