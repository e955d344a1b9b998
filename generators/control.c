/*
 * Control flow: straight runs, forward branches, bounded nested loops, calls and returns, switches through
 * a jump table, host calls, loads and stores over the standard regions; and now and then every way to
 * end badly.
 */
#include "generators/shape.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH,   SHAPE_BRANCH, SHAPE_LOOP,
    SHAPE_LOOP,   SHAPE_LOOP,   SHAPE_CALL,   SHAPE_CALL,     SHAPE_TABLE,  SHAPE_ACCESS,
    SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_WALK,   SHAPE_HOSTCALL, SHAPE_FALL,
};

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct shape s;
    shape_init(&s, options, seed, index, program, 0);
    s.kinds = kinds;
    struct prng *prng = &s.b.prng;
    if (shape_wants(&s, SHAPE_ACCESS) || shape_wants(&s, SHAPE_HOSTCALL)) {
        builder_map_regions(&s.b);
        shape_seed_bases(&s, prng_below(prng, 3));
    }
    if (prng_one_in(prng, 64))
        program->gas = prng_below(prng, 6000);
    if (prng_one_in(prng, 200))
        program->entry_pc = 1 + prng_below(prng, 64);
    shape_body(&s, 2 + prng_below(prng, 3));
    shape_end(&s, 8);
    shape_functions(&s);
    return s.b.status;
}

const struct px_generator px_gen_control = {
    .name = "control",
    .summary = "branches, loops, calls, jump tables, memory, and every way to end",
    .version = 1,
    .generate = generate,
};
