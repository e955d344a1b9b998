/*
 * Host calls of all kinds, in loops, over random layouts: edge lengths, ranges over the edges of mappings and over 2^32, read-only
 * and unmapped pages in the middle, exponents of every size, lengths beyond the limit, selectors that nobody knows.
 */
#include "generators/shape.h"
#include "generators/touch.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL,
    SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_HOSTCALL, SHAPE_OWN,      SHAPE_OWN,
    SHAPE_OWN,      SHAPE_OWN,      SHAPE_OWN,      SHAPE_OWN,      SHAPE_ACCESS,   SHAPE_ACCESS,
    SHAPE_BRANCH,   SHAPE_LOOP,     SHAPE_CALL,     SHAPE_FALL,
};

enum { OPERANDS = 1 << 10 | 1 << 11 | 1 << 12 };

/* A selector that exits: near the known ones, at the ends of 20 bits, anything. */
static void unknown(struct builder *b)
{
    static const int32_t selectors[] = { -1, 4, -2, -3, 5, 524287, -524288, 131072, -131073, 65536, 256 };
    uint32_t pick = prng_below(&b->prng, 16);
    int32_t selector = pick < sizeof selectors / sizeof selectors[0]
                           ? selectors[pick]
                           : (int32_t)prng_below(&b->prng, 1 << 20) - (1 << 19);
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, selector);
}

/* One call again and again over memory that advances, the result of each feeding the next where it has one. */
static void chain(struct shape *s)
{
    static const int16_t strides[] = { 0, 1, 8, 64, 1000, 2047, -1, -64 };
    struct builder *b = &s->b;
    if (b->reserved & OPERANDS || s->in_function) { /* a function has no counter besides x10..x12 */
        touch_host_call(s);
        return;
    }
    if (prng_one_in(&b->prng, 60)) {
        unknown(b);
        return;
    }
    struct spot spot = layout_spot(b);
    int32_t selector = spot.writable ? PX_HOSTCALL_FILL : PX_HOSTCALL_HASH;
    if (prng_one_in(&b->prng, 4))
        selector = PX_HOSTCALL_POW;
    else
        layout_load(b, 10, spot.address);
    uint32_t length = prng_below(&b->prng, spot.above < 300 ? spot.above : 300);
    layout_load(b, 11, selector == PX_HOSTCALL_POW ? (uint32_t)px_any_value(&b->prng) : length);
    layout_load(b, 12, length);
    b->reserved |= OPERANDS;
    struct shape_loop loop = shape_open_loop(s, 2 + prng_below(&b->prng, 4));
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, selector);
    builder_alu(b);
    if (selector == PX_HOSTCALL_FILL) {
        int32_t stride = strides[prng_next(&b->prng) >> 61];
        bool inside = stride < 0 || (uint32_t)stride * 6 + length < spot.above;
        builder_op(b, PX_OP_ADDI, 10, 10, 0, inside ? stride : 0);
        builder_op(b, PX_OP_ADDI, 11, 11, 0, 1);
    } else if (selector == PX_HOSTCALL_HASH) {
        builder_op(b, PX_OP_ADDI, 13, 10, 0, 0); /* the hash is no address: back to where it was */
        layout_load(b, 10, spot.address);
    }
    shape_close_loop(s, &loop);
    b->reserved &= (uint16_t)~OPERANDS;
}

/* A range too long for what is mapped, or just as long: thousands of bytes, so seldom. */
static void long_range(struct shape *s)
{
    struct builder *b = &s->b;
    builder_map(b, PX_REGION_HUGE, PX_HOSTCALL_LENGTH_MAX, PX_MAP_ZERO, NULL, 0);
    s->b.program->gas = 1000000;
    layout_load(b, 10, PX_REGION_HUGE + prng_below(&b->prng, 2));
    layout_load(b, prng_one_in(&b->prng, 2) ? 11 : 12, (uint32_t)PX_HOSTCALL_LENGTH_MAX);
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, 2 + (int32_t)prng_below(&b->prng, 2));
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct px_gen_options own = *options;
    own.without &= ~(uint32_t)(PX_FEATURE_HOSTCALL | PX_FEATURE_MEMORY);
    struct shape s;
    shape_init(&s, &own, seed, index, program, (uint16_t)(0xfffe & ~OPERANDS));
    s.kinds = kinds;
    s.own = chain;
    s.in_piece = 3;
    program->gas = 60000;
    layout_map(&s.b);
    shape_seed_bases(&s, prng_below(&s.b.prng, 3));
    if (prng_one_in(&s.b.prng, 2000))
        long_range(&s);
    shape_body(&s, 2 + prng_below(&s.b.prng, 3));
    if (prng_one_in(&s.b.prng, 32))
        unknown(&s.b);
    shape_end(&s, 32);
    shape_functions(&s);
    return s.b.status;
}

const struct px_generator px_gen_hostcall = {
    .name = "hostcall",
    .summary = "host calls of all kinds in loops, with edge lengths, exponents and selectors",
    .version = 1,
    .generate = generate,
};
