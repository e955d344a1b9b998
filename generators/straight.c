/* Random register-only lines, closed by the terminator. */
#include "generators/builder.h"
#include "generators/generator.h"

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct builder b;
    builder_init(&b, seed, index, program);
    if (options->without & PX_FEATURE_COMPRESS)
        b.compress = 0;
    builder_seed_registers(&b);
    uint32_t length = options->length ? options->length : 1 + prng_below(&b.prng, 64);
    while (length-- > 0)
        builder_alu(&b);
    builder_word(&b, PX_WORD_ECALLI_0);
    return b.status;
}

const struct px_generator px_gen_straight = {
    .name = "straight",
    .summary = "random register-only lines (option length=1..4096)",
    .version = 1,
    .generate = generate,
    .takes_length = true,
};
