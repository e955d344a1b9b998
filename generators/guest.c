/* Real C programs (corpus/guests) with random inputs: what compilers make, which no other generator does. */
#include "generators/builder.h"
#include "generators/generator.h"

#include <string.h>

enum {
    INPUT_MAX = 640,
    START_MAX = PX_PAGE_SIZE, /* where in its pages the input begins */
    SCALES = 3,
    GAS = 4000000, /* several times what any of them needs */
    GAS_BITS = 20, /* of the limits that may cut a run short */
};

/* Text, anything, the values that bugs like, or one byte over and over. */
static void fill(struct prng *prng, uint8_t *bytes, size_t size)
{
    static const char letters[] = "0123456789+-.e, \nabcdefghijklmno";
    uint32_t kind = prng_below(prng, 4);
    uint8_t same = (uint8_t)prng_next(prng);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = kind == 2 ? px_any_value(prng) : prng_next(prng);
        size_t count = size - i < 8 ? size - i : 8;
        for (size_t j = 0; j < count; j++) {
            uint8_t byte = (uint8_t)(word >> 8 * j);
            bytes[i + j] = kind == 0 ? (uint8_t)letters[byte % 32] : kind == 3 ? same : byte;
        }
    }
}

static uint32_t any_size(struct prng *prng)
{
    switch (prng_below(prng, 8)) {
    case 0:
        return 0;
    case 1:
    case 2:
        return 1 + prng_below(prng, INPUT_MAX);
    default:
        return 1 + prng_below(prng, 64);
    }
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct prng prng;
    uint8_t bytes[START_MAX + INPUT_MAX] = { 0 };
    prng_init(&prng, seed, index);
    const struct px_guest *guest = &px_guests[prng_below(&prng, (uint32_t)px_guest_count)];
    if (options->guest)
        guest = options->guest;
    uint32_t start = prng_one_in(&prng, 2) ? 0 : prng_below(&prng, START_MAX), size = any_size(&prng);
    fill(&prng, bytes + start, size);
    struct px_guest_input input = { .bytes = bytes, .start = start, .end = start + size };
    input.kind = prng_one_in(&prng, 2) ? PX_MAP_RO : PX_MAP_COW;
    input.scale = prng_below(&prng, SCALES);
    enum px_status status = px_guest_make(guest, &input, program);
    if (status != PX_OK)
        return status;

    program->gas = GAS;
    if (prng_one_in(&prng, 8)) {
        uint32_t bits = prng_below(&prng, GAS_BITS);
        program->gas = prng_next(&prng) >> (63 - bits) >> 1;
    }
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if (x < 10 || x > 12)
            program->x[x] = px_any_value(&prng); /* C must not care */
    return PX_OK;
}

const struct px_generator px_gen_guest = {
    .name = "guest",
    .summary = "real C programs with random inputs (option name=sieve and others of corpus/guests)",
    .version = 2,
    .generate = generate,
    .takes_guest = true,
};
