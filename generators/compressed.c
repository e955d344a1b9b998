/*
 * Compressed instructions of every row, mixed with 4-byte ones that then lie at odd halfwords; loads and stores through
 * the stack pointer and x8..x15; code that runs across a page; ends that cut an instruction.
 */
#include "generators/shape.h"
#include "generators/touch.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH,   SHAPE_LOOP, SHAPE_LOOP,
    SHAPE_CALL,   SHAPE_CALL,   SHAPE_CALL,   SHAPE_ACCESS, SHAPE_ACCESS,   SHAPE_OWN,  SHAPE_OWN,
    SHAPE_OWN,    SHAPE_TABLE,  SHAPE_WALK,   SHAPE_FALL,   SHAPE_HOSTCALL,
};

enum { SP = 2 };

static void move_sp(struct shape *s, int32_t by)
{
    struct px_insn in = { .op = PX_OP_ADDI, .len = 4, .rd = SP, .rs1 = SP, .imm = by };
    builder_emit(&s->b, &in);
}

/* A stack frame: opened, used, closed. */
static void frame(struct shape *s)
{
    static const uint16_t sizes[] = { 16, 32, 48, 496 };
    struct spot spot = s->bases[0].spot;
    uint32_t size = sizes[prng_next(&s->b.prng) >> 62];
    spot.address -= size;
    spot.below -= size;
    spot.above += size;
    move_sp(s, -(int32_t)size);
    for (uint32_t n = 1 + prng_below(&s->b.prng, 3); n > 0; n--) {
        touch_one(s, SP, &spot);
        builder_alu(&s->b);
    }
    move_sp(s, (int32_t)size);
}

/* x2 in the middle of writable memory. */
static void seed_sp(struct shape *s)
{
    uint32_t address = prng_one_in(&s->b.prng, 3) ? PX_REGION_COW + 0x1000 : PX_REGION_ZERO + 0x17f0;
    struct spot spot = { .address = address, .below = 0x1000, .above = 0x1000, .writable = true };
    s->bases[s->base_count++] = (struct shape_base){ .reg = SP, .spot = spot };
    s->b.program->x[SP] = address;
    s->b.reserved |= 1u << SP;
}

/* Starts the code shortly before the end of its first page. */
static void skip_page(struct builder *b)
{
    static const uint32_t nops[8] = { 0x13, 0x13, 0x13, 0x13, 0x13, 0x13, 0x13, 0x13 };
    uint32_t start = PX_PAGE_SIZE - 2 * (1 + prng_below(&b->prng, 64)), at = builder_here(b);
    builder_op(b, PX_OP_JAL, 0, 0, 0, 0);
    while (builder_here(b) + sizeof nops <= start)
        builder_bytes(b, nops, sizeof nops);
    while (builder_here(b) < start)
        builder_half(b, 0x0001);
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_aim(b, at, builder_here(b));
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct px_gen_options own = *options;
    own.without &= ~(uint32_t)(PX_FEATURE_COMPRESS | PX_FEATURE_MEMORY);
    struct shape s;
    shape_init(&s, &own, seed, index, program, 0xff02); /* x8..x15 and the link that have short forms */
    s.kinds = kinds;
    s.own = frame;
    s.b.halves = true;
    s.b.compress = prng_one_in(&s.b.prng, 4) ? 3 : 1;
    builder_map_regions(&s.b);
    seed_sp(&s);
    shape_seed_bases(&s, 1 + prng_below(&s.b.prng, 3));
    if (prng_one_in(&s.b.prng, 400)) /* a thousand instructions cost more than ten small programs */
        skip_page(&s.b);
    shape_body(&s, 2 + prng_below(&s.b.prng, 4));
    shape_end(&s, 16);
    shape_functions(&s);
    if (prng_one_in(&s.b.prng, 40) && program->code_size > 3)
        program->code_size -= 1 + prng_below(&s.b.prng, 3);
    return s.b.status;
}

const struct px_generator px_gen_compressed = {
    .name = "compressed",
    .summary = "compressed instructions of every row, at every halfword, across pages, cut off",
    .version = 1,
    .generate = generate,
};
