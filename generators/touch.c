#include "generators/touch.h"

enum { LOADS = 7 };

static const uint8_t access_ops[] = { PX_OP_LB,  PX_OP_LH, PX_OP_LW, PX_OP_LD, PX_OP_LBU, PX_OP_LHU,
                                      PX_OP_LWU, PX_OP_SB, PX_OP_SH, PX_OP_SW, PX_OP_SD };

/* An offset that keeps eight bytes inside @spot, nearly always. */
static int32_t any_offset(struct builder *b, const struct spot *spot)
{
    uint64_t pick = prng_next(&b->prng);
    int32_t offset = pick & 1 ? (int32_t)(pick >> 60) - 8 : px_any_imm12(&b->prng);
    bool inside = offset < 0 ? (uint32_t)-offset <= spot->below : (uint32_t)offset + 8 <= spot->above;
    if (inside || (pick >> 8 & 63) == 0)
        return offset;
    return spot->above >= 8 ? 0 : -8;
}

/* What has a short form: a word or more, aligned to it, from x8..x15. */
static void shorten(struct builder *b, struct px_insn *in)
{
    uint64_t pick = prng_next(&b->prng);
    bool load = px_ops[in->op].effects & PX_EFF_LOAD, wide = pick & 1;
    in->op = load ? (wide ? PX_OP_LD : PX_OP_LW) : (wide ? PX_OP_SD : PX_OP_SW);
    in->imm = in->imm >= 0 ? in->imm & 0x78 : 0;
    if (load && !(b->reserved >> (in->rd | 8) & 1))
        in->rd |= 8;
    else if (!load)
        in->rs2 |= 8;
}

void touch_one(struct shape *s, unsigned base, const struct spot *spot)
{
    struct builder *b = &s->b;
    bool loads_only = !spot->writable && !prng_one_in(&b->prng, 64);
    enum px_op op = access_ops[prng_below(&b->prng, loads_only ? LOADS : sizeof access_ops)];
    struct px_insn in = { .op = (uint8_t)op, .len = 4, .rs1 = (uint8_t)base };
    in.imm = any_offset(b, spot);
    if (px_ops[op].effects & PX_EFF_LOAD)
        in.rd = (uint8_t)builder_target(b);
    else
        in.rs2 = (uint8_t)builder_source(b);
    if (b->compress && prng_one_in(&b->prng, b->compress) && spot->above >= 128)
        shorten(b, &in);
    builder_emit(b, &in);
}

/* Loads of the program's own code, near the instruction that reads. */
static void read_code(struct shape *s)
{
    struct builder *b = &s->b;
    unsigned base = shape_reserve(s);
    uint32_t here = builder_here(b);
    struct spot spot = { .address = PX_CODE_BASE + here,
                         .below = here,
                         .above = PX_PAGE_SIZE - here % PX_PAGE_SIZE };
    builder_op(b, PX_OP_AUIPC, base, 0, 0, 0);
    touch_one(s, base, &spot);
    shape_release(s, base);
}

void touch_access(struct shape *s)
{
    struct builder *b = &s->b;
    struct spot spot;
    unsigned base;
    bool seeded = s->base_count > 0 && !prng_one_in(&b->prng, 3);
    if (!seeded && prng_one_in(&b->prng, 8)) {
        read_code(s);
        return;
    }
    if (seeded) {
        const struct shape_base *chosen = &s->bases[prng_below(&b->prng, s->base_count)];
        base = chosen->reg;
        spot = chosen->spot;
    } else {
        spot = layout_spot(b);
        base = shape_reserve(s);
        layout_load(b, base, spot.address);
    }
    for (uint32_t n = 1 + prng_below(&b->prng, 3); n > 0; n--) {
        if (prng_one_in(&b->prng, 2)) /* something between, that a fault must not lose */
            builder_alu(b);
        touch_one(s, base, &spot);
    }
    if (!seeded)
        shape_release(s, base);
}

void touch_walk(struct shape *s)
{
    static const int16_t strides[] = { 8, 1, 7, 509, 1024, 2040, 2047, 2047 };
    struct builder *b = &s->b;
    struct spot spot = layout_spot(b);
    int32_t stride = strides[prng_next(&b->prng) >> 61];
    bool down = spot.below > spot.above;
    uint32_t room = down ? spot.below : spot.above > 8 ? spot.above - 8 : 0;
    uint32_t times = 2 + prng_below(&b->prng, 7);
    if (times * (uint32_t)stride > room)
        times = room / (uint32_t)stride;
    if (times == 0) {
        touch_access(s);
        return;
    }
    unsigned base = shape_reserve(s);
    layout_load(b, base, spot.address - (down && spot.above < 8 ? 8 : 0));
    struct shape_loop loop = shape_open_loop(s, times);
    spot.below = 0;
    spot.above = 16; /* offsets are small here: the base moves */
    for (uint32_t n = 1 + prng_below(&b->prng, 2); n > 0; n--)
        touch_one(s, base, &spot);
    builder_alu(b);
    builder_op(b, PX_OP_ADDI, base, base, 0, down ? -stride : stride);
    shape_close_loop(s, &loop);
    shape_release(s, base);
}

void touch_fault(struct shape *s)
{
    struct builder *b = &s->b;
    unsigned base = shape_reserve(s);
    int32_t offset = px_any_imm12(&b->prng);
    layout_load(b, base, layout_bad_address(b) - (uint32_t)offset);
    shape_run(s);
    enum px_op op = access_ops[prng_below(&b->prng, sizeof access_ops)];
    struct px_insn in = { .op = (uint8_t)op, .len = 4, .rs1 = (uint8_t)base, .imm = offset };
    if (px_ops[op].effects & PX_EFF_LOAD)
        in.rd = prng_one_in(&b->prng, 4) ? (uint8_t)base : (uint8_t)builder_target(b);
    else
        in.rs2 = (uint8_t)builder_source(b);
    builder_emit(b, &in);
    builder_alu(b);
    shape_release(s, base);
}

static uint32_t any_length(struct builder *b, const struct spot *spot)
{
    static const uint16_t lengths[] = { 0, 1, 7, 8, 63, 64, 65, 255, 256, 2000, 4095, 4096, 4097, 8192 };
    uint32_t length = lengths[prng_below(&b->prng, sizeof lengths / sizeof lengths[0])];
    if (length > spot->above && !prng_one_in(&b->prng, 16))
        length = spot->above;
    return length;
}

void touch_host_call(struct shape *s)
{
    /* Over the limit, by one, by far, as a signed number; and the limit itself. */
    static const uint32_t bad[] = { 0x100001, 0x7fffffff, UINT32_MAX, 0x100000 };
    struct builder *b = &s->b;
    int32_t selector = 1 + (int32_t)prng_below(&b->prng, 3);
    if (b->reserved & 0x1c00) { /* x10..x12 are its operands */
        shape_run(s);
        return;
    }
    if (selector != PX_HOSTCALL_POW) {
        struct spot spot = layout_spot(b);
        if (!spot.writable && !prng_one_in(&b->prng, 16))
            selector = PX_HOSTCALL_HASH;
        layout_load(b, 10, spot.address);
        uint32_t length = any_length(b, &spot);
        if (prng_one_in(&b->prng, 60))
            length = bad[prng_next(&b->prng) >> 62];
        layout_load(b, selector == PX_HOSTCALL_FILL ? 12 : 11, length);
    } else if (prng_one_in(&b->prng, 4)) {
        layout_load(b, 11, (uint32_t)px_any_value(&b->prng));
    }
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, selector);
}
