/*
 * Long programs: a few hundred to some thousand instructions. Three registers live from the first to the last, take up what
 * is computed on the way and steer branches, loops, jump tables and addresses; memory carries values from one part of the program
 * to the next. At the end they are stored, so that an early mistake shows.
 */
#include "generators/shape.h"
#include "generators/touch.h"

static const uint8_t kinds[SHAPE_KINDS] = {
    SHAPE_OWN,  SHAPE_OWN,   SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,
    SHAPE_OWN,  SHAPE_OWN,   SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,    SHAPE_OWN,
    SHAPE_OWN,  SHAPE_OWN,   SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH, SHAPE_BRANCH,
    SHAPE_LOOP, SHAPE_TABLE, SHAPE_TABLE,  SHAPE_CALL,   SHAPE_ACCESS, SHAPE_WALK,   SHAPE_FALL,
};

enum {
    LIVES = 3,
    SHORTEST = 256, /* instructions */
    DOUBLINGS = 4,
    BYTES_EACH = 4,
};

/* The registers that live on; in a function they belong to nobody. */
struct lives {
    struct shape s;
    unsigned regs[LIVES];
};

static struct lives *lives_of(struct shape *s)
{
    return (struct lives *)(void *)s; /* its first member */
}

static unsigned any_life(struct shape *s)
{
    return lives_of(s)->regs[prng_below(&s->b.prng, LIVES)];
}

/* Takes up a value or two. */
static void fold(struct shape *s)
{
    static const uint8_t ops[] = { PX_OP_ADD,    PX_OP_XOR,    PX_OP_SUB,      PX_OP_MUL,   PX_OP_ROL,
                                   PX_OP_SH1ADD, PX_OP_ADDW,   PX_OP_XNOR,     PX_OP_MULHU, PX_OP_ORN,
                                   PX_OP_MAX,    PX_OP_SUBW,   PX_OP_ROR,      PX_OP_MULW,  PX_OP_SH3ADD,
                                   PX_OP_BINV,   PX_OP_SH2ADD, PX_OP_DIVU,     PX_OP_MINU,  PX_OP_REMW,
                                   PX_OP_ROLW,   PX_OP_AND,    PX_OP_SH1ADD_UW };
    struct builder *b = &s->b;
    for (uint32_t n = 1 + prng_below(&b->prng, 2); n > 0; n--) {
        unsigned life = any_life(s);
        enum px_op op = ops[prng_below(&b->prng, sizeof ops)];
        struct px_insn in = { .op = (uint8_t)op, .len = 4, .rd = (uint8_t)life, .rs1 = (uint8_t)life };
        in.rs2 = (uint8_t)builder_source(b);
        builder_emit(b, &in);
    }
}

/* A loop that runs as often as some bits of a value say. */
static void counted_by_data(struct shape *s)
{
    struct builder *b = &s->b;
    struct shape_loop loop = { .counter = shape_reserve(s) };
    unsigned bits = prng_below(&b->prng, 4);
    builder_op(b, PX_OP_ANDI, loop.counter, any_life(s), 0, (1 << bits) - 1);
    builder_op(b, PX_OP_ADDI, loop.counter, loop.counter, 0, 1);
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    loop.head = builder_here(b);
    shape_run(s);
    fold(s);
    shape_close_loop(s, &loop);
}

/* A load or store of a double word whose place in the first page some bits of a value choose. */
static void placed_by_data(struct shape *s)
{
    struct builder *b = &s->b;
    const struct shape_base *base = &s->bases[0];
    unsigned place = shape_reserve(s), life = any_life(s);
    int32_t mask = prng_one_in(&b->prng, 4) ? 0x7f : 0x78;
    builder_op(b, PX_OP_ANDI, place, life, 0, mask);
    builder_op(b, PX_OP_ADD, place, place, base->reg, 0);
    if (prng_one_in(&b->prng, 2)) {
        builder_op(b, PX_OP_SD, 0, place, builder_source(b), 0);
    } else {
        builder_op(b, PX_OP_LD, place, place, 0, 0);
        builder_op(b, PX_OP_XOR, life, life, place, 0);
    }
    shape_release(s, place);
}

/* A value leads one way or the other: a bit of it, or how it compares to another. */
static void steer(struct shape *s)
{
    static const uint8_t branches[] = { PX_OP_BEQ, PX_OP_BNE, PX_OP_BLT, PX_OP_BGE, PX_OP_BLTU, PX_OP_BGEU };
    struct builder *b = &s->b;
    unsigned tested = shape_reserve(s), life = any_life(s);
    enum px_op op = branches[prng_below(&b->prng, sizeof branches)];
    builder_op(b, PX_OP_BEXTI, tested, life, 0, (int32_t)prng_below(&b->prng, 64));
    uint32_t skip = builder_here(b);
    if (prng_one_in(&b->prng, 2))
        builder_op(b, PX_OP_BNE, 0, tested, 0, 0);
    else
        builder_op(b, op, 0, life, any_life(s), 0);
    fold(s);
    shape_run(s);
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_aim(b, skip, builder_here(b));
    shape_release(s, tested);
}

static void piece(struct shape *s)
{
    if (s->in_function) { /* the lives are its callers' */
        shape_run(s);
        return;
    }
    uint32_t pick = prng_below(&s->b.prng, 8);
    bool loops = shape_wants(s, SHAPE_LOOP), branches = shape_wants(s, SHAPE_BRANCH);
    if (pick == 0 && loops)
        counted_by_data(s);
    else if (pick < 3 && branches)
        steer(s);
    else if (pick < 5 && s->base_count > 0)
        placed_by_data(s);
    else
        fold(s);
}

/* The registers that live on are read more than others. */
static void choose_lives(struct lives *l)
{
    for (unsigned i = 0; i < LIVES; i++)
        l->regs[i] = shape_reserve(&l->s);
    for (unsigned i = PX_REG_COUNT; i < sizeof l->s.b.likes; i += 2)
        l->s.b.likes[i] = (uint8_t)l->regs[i / 2 % LIVES];
}

static void store_lives(struct lives *l)
{
    for (unsigned i = 0; i < LIVES; i++)
        builder_op(&l->s.b, PX_OP_SD, 0, l->s.bases[0].reg, l->regs[i], (int32_t)(8 * i));
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    struct px_gen_options own = *options;
    own.without &= ~(uint32_t)PX_FEATURE_MEMORY;
    struct lives l;
    struct shape *s = &l.s;
    shape_init(s, &own, seed, index, program, 0x1ffe);
    s->kinds = kinds;
    s->own = piece;
    s->far = true;
    program->gas = 400000;
    builder_map_regions(&s->b);
    /* Its first base is in writable memory, what data chooses beside it too. */
    s->bases[0] = (struct shape_base){
        .reg = shape_reserve(s),
        .spot = { .address = PX_REGION_ZERO + 0xf80, .below = 0xf80, .above = 0x2080, .writable = true }
    };
    s->b.program->x[s->bases[0].reg] = s->bases[0].spot.address;
    s->base_count = 1;
    choose_lives(&l);
    shape_seed_bases(s, 2);
    uint32_t shortest = (uint32_t)SHORTEST << prng_below(&s->b.prng, DOUBLINGS);
    uint32_t end = BYTES_EACH * (shortest + prng_below(&s->b.prng, shortest));
    while (builder_here(&s->b) < end)
        shape_body(s, 4);
    store_lives(&l);
    shape_end(s, 32);
    shape_functions(s);
    return s->b.status;
}

const struct px_generator px_gen_long = {
    .name = "long",
    .summary = "hundreds to thousands of instructions, long live ranges, data that steers control",
    .version = 1,
    .generate = generate,
};
