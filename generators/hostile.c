/*
 * Code that no compiler makes: illegal encodings of every kind, bits flipped, code cut anywhere, entries and jumps off
 * block starts, bytes that mean nothing. Most of it does something before it ends.
 */
#include "generators/shape.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_LOOP,     SHAPE_LOOP, SHAPE_CALL,
    SHAPE_CALL,   SHAPE_TABLE,  SHAPE_ACCESS, SHAPE_ACCESS, SHAPE_HOSTCALL, SHAPE_OWN,  SHAPE_OWN,
};

static const uint32_t illegal_words[] = {
    0x0000001f, 0xffffffff, /* longer than 4 bytes */
    0x0000002b, /* custom-1 */
    0x0000300b, 0x0000500b, 0x0000600b, 0x0000700b, /* custom-0 without a meaning */
    0x0000008b, 0x0000108b, 0x0010400b, 0x8000000b, /* trap, ecall.jar, fallthrough: the rest must be 0 */
    0x0000240b, 0x0000280b, /* ecalli with bits 10, 11 */
    0x000000f3, 0x30200073, 0xc0001073, 0x00200073, /* SYSTEM */
    0x0000200f, 0x0000700f, /* MISC-MEM */
    0x0205151b, 0x0205551b, 0x4205551b, 0x6205551b, /* W shifts by 32 and more */
    0x0c05151b, 0x0915151b, 0x0815453b, /* near slli.uw, zext.h with rs2 */
    0x00080533, 0x01050533, 0x00a00813, 0x00080503, /* x16 in each place */
    0x10050533, 0x04a5553b, 0x00057003, 0x00a54023, /* OP, OP-32, LOAD, STORE: reserved */
    0x00a52063, 0x00a53063, 0x00051067, /* BRANCH, JALR: reserved */
    0x0000002f, 0x00000007, 0x00000053, 0x00000057, /* A, F, V */
};

static const uint16_t illegal_halves[] = {
    0x0000, 0x0004, 0x2001, 0x6181, 0x6101, 0x4002, 0x6002, 0x8002, 0x2000, 0xa000,
    0x8000, 0x9c41, 0x9c61, 0x2002, 0xa002, 0x0845, 0x8842, 0x9002, 0x6881,
};

static uint32_t any_illegal(struct prng *prng)
{
    return illegal_words[prng_below(prng, sizeof illegal_words / sizeof illegal_words[0])];
}

/* An instruction that ends the program, or only what follows it in the sweep if a branch leads around. */
static void poison(struct shape *s)
{
    struct builder *b = &s->b;
    uint32_t around = builder_here(b);
    bool guarded = !prng_one_in(&b->prng, 4);
    if (guarded)
        builder_op(b, PX_OP_BEQ, 0, builder_source(b), 0, 0);
    if (prng_one_in(&b->prng, 2))
        builder_word(b, any_illegal(&b->prng));
    else
        builder_half(b, illegal_halves[prng_below(&b->prng, sizeof illegal_halves / 2)]);
    if (guarded)
        builder_aim(b, around, builder_here(b)); /* after an illegal encoding: a block start */
}

/* Damages the finished code at a random place. */
static void damage(struct builder *b)
{
    struct px_program *program = b->program;
    uint32_t size = (uint32_t)program->code_size;
    if (size < 8)
        return;
    uint32_t at = prng_below(&b->prng, size - 4), word = any_illegal(&b->prng);
    switch (prng_below(&b->prng, 8)) {
    case 0:
    case 1:
    case 2:
        program->code[at] ^= (uint8_t)(1u << prng_below(&b->prng, 8));
        break;
    case 3:
        for (unsigned i = 0; i < 4; i++)
            program->code[(at & ~1u) + i] = (uint8_t)(word >> 8 * i);
        break;
    case 4: /* anything, four bytes long as a rule */
        for (unsigned i = 0; i < 4; i++)
            program->code[at + i] = (uint8_t)(prng_next(&b->prng) | (i == 0 ? 3 : 0));
        break;
    case 5:
        program->code_size = prng_below(&b->prng, size);
        break;
    case 6:
        program->code_size -= 1 + prng_below(&b->prng, 5);
        break;
    default:
        program->entry_pc =
            prng_one_in(&b->prng, 4) ? (uint32_t)px_any_value(&b->prng) : prng_below(&b->prng, size + 8);
        break;
    }
}

/* Bytes alone: any, or words whose opcode exists. */
static void noise(struct builder *b)
{
    static const uint8_t opcodes[] = { 0x03, 0x0b, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x33,
                                       0x37, 0x3b, 0x63, 0x67, 0x6f, 0x73, 0x13, 0x33 };
    bool sound = !prng_one_in(&b->prng, 3);
    uint32_t words = prng_below(&b->prng, 24);
    for (uint32_t i = 0; i < words; i++) {
        uint64_t pick = prng_next(&b->prng);
        uint32_t word = (uint32_t)pick;
        if (sound) /* registers x0..x15 and a small funct7 */
            word = (word & 0x20077f80 & ~0x800u) | (word & 0x00f00000) | opcodes[pick >> 60];
        builder_word(b, word);
    }
    if (prng_one_in(&b->prng, 2))
        builder_word(b, PX_WORD_ECALLI_0);
    builder_bytes(b, &words, prng_below(&b->prng, 4));
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct shape s;
    shape_init(&s, options, seed, index, program, 0);
    s.kinds = kinds;
    s.own = poison;
    program->gas = 20000; /* jumps astray may loop until it is gone */
    builder_map_regions(&s.b);
    if (prng_one_in(&s.b.prng, 8)) {
        noise(&s.b);
        return s.b.status;
    }
    shape_seed_bases(&s, 1);
    shape_body(&s, 1 + prng_below(&s.b.prng, 4));
    shape_end(&s, 2);
    shape_functions(&s);
    for (uint32_t n = prng_below(&s.b.prng, 3); n > 0; n--)
        damage(&s.b);
    return s.b.status;
}

const struct px_generator px_gen_hostile = {
    .name = "hostile",
    .summary = "illegal encodings, flipped bits, cut code, entries and jumps off block starts",
    .version = 1,
    .generate = generate,
};
