#include "generators/shape.h"

#include "generators/touch.h"

enum { FUNCTION_PIECES = 2, BODY_PIECES = 12 };

static void sequence(struct shape *s, unsigned depth, unsigned pieces);

bool shape_wants(const struct shape *s, enum shape_kind kind)
{
    static const uint8_t features[SHAPE_KIND_COUNT] = {
        [SHAPE_BRANCH] = PX_FEATURE_BRANCH,     [SHAPE_LOOP] = PX_FEATURE_LOOP,
        [SHAPE_CALL] = PX_FEATURE_CALL,         [SHAPE_TABLE] = PX_FEATURE_TABLE,
        [SHAPE_FALL] = PX_FEATURE_BRANCH,       [SHAPE_ACCESS] = PX_FEATURE_MEMORY,
        [SHAPE_WALK] = PX_FEATURE_MEMORY,       [SHAPE_FAULT] = PX_FEATURE_MEMORY,
        [SHAPE_HOSTCALL] = PX_FEATURE_HOSTCALL,
    };
    return !(features[kind] & s->without);
}

/* Makes the next offset a block start; once in a while not, so that a jump there panics. */
static void label(struct shape *s)
{
    if (!prng_one_in(&s->b.prng, 500))
        builder_op(&s->b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
}

unsigned shape_reserve(struct shape *s)
{
    unsigned x;
    do {
        x = prng_below(&s->b.prng, PX_REG_COUNT);
    } while (!((s->pool & ~s->b.reserved) >> x & 1));
    s->b.reserved |= (uint16_t)(1u << x);
    return x;
}

void shape_release(struct shape *s, unsigned x)
{
    s->b.reserved &= (uint16_t)~(1u << x);
}

/* How many of sixteen bits are set. Without an instruction for it, which not every host has, the compiler calls a function. */
static unsigned ones(unsigned bits)
{
    bits -= bits >> 1 & 0x5555;
    bits = (bits & 0x3333) + (bits >> 2 & 0x3333);
    bits = (bits + (bits >> 4)) & 0x0f0f;
    return (bits + (bits >> 8)) & 31;
}

bool shape_may_reserve(const struct shape *s)
{
    return ones(s->pool & ~(unsigned)s->b.reserved) >= 2;
}

void shape_run(struct shape *s)
{
    for (uint32_t n = 1 + prng_below(&s->b.prng, s->in_piece); n > 0; n--)
        builder_alu(&s->b);
}

static enum px_op any_branch(struct prng *prng)
{
    static const uint8_t branches[] = { PX_OP_BEQ, PX_OP_BNE, PX_OP_BLT, PX_OP_BGE, PX_OP_BLTU, PX_OP_BGEU };
    return branches[prng_below(prng, sizeof branches)];
}

/* A branch that is aimed later: sometimes a short one. */
static uint32_t open_branch(struct shape *s)
{
    struct builder *b = &s->b;
    uint32_t at = builder_here(b);
    struct px_insn in = { .op = (uint8_t)any_branch(&b->prng), .len = 4 };
    in.rs1 = (uint8_t)builder_source(b);
    in.rs2 = (uint8_t)builder_source(b);
    if (b->compress && prng_one_in(&b->prng, b->compress)) { /* what has a short form */
        in.op = prng_one_in(&b->prng, 2) ? PX_OP_BEQ : PX_OP_BNE;
        in.rs1 |= 8;
        in.rs2 = 0;
    }
    builder_emit(b, &in);
    return at;
}

static uint32_t open_jump(struct shape *s)
{
    uint32_t at = builder_here(&s->b);
    struct px_insn in = { .op = PX_OP_JAL, .len = 4 };
    if (prng_one_in(&s->b.prng, 16))
        in.rd = (uint8_t)builder_target(&s->b);
    builder_emit(&s->b, &in);
    return at;
}

/* if (!cond) { ... } else { ... } */
static void forward_branch(struct shape *s, unsigned depth)
{
    struct builder *b = &s->b;
    uint32_t skip = open_branch(s);
    sequence(s, depth + 1, 1 + prng_below(&b->prng, 2));
    if (prng_one_in(&b->prng, 2)) {
        uint32_t over = open_jump(s);
        builder_aim(b, skip, builder_here(b)); /* after a terminator: a block start */
        sequence(s, depth + 1, 1);
        label(s);
        builder_aim(b, over, builder_here(b));
    } else {
        label(s);
        builder_aim(b, skip, builder_here(b));
    }
}

struct shape_loop shape_open_loop(struct shape *s, uint32_t times)
{
    struct shape_loop loop = { .counter = shape_reserve(s) };
    struct px_insn count = { .op = PX_OP_ADDI, .len = 4, .rd = (uint8_t)loop.counter, .imm = (int32_t)times };
    builder_emit(&s->b, &count);
    builder_op(&s->b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    loop.head = builder_here(&s->b);
    return loop;
}

void shape_close_loop(struct shape *s, const struct shape_loop *loop)
{
    struct builder *b = &s->b;
    uint8_t counter = (uint8_t)loop->counter;
    struct px_insn down = { .op = PX_OP_ADDI, .len = 4, .rd = counter, .rs1 = counter, .imm = -1 };
    builder_emit(b, &down);
    /* counter != 0, spelled in three ways. */
    if (prng_one_in(&b->prng, 4)) {
        uint32_t out = builder_here(b);
        struct px_insn leave = { .op = PX_OP_BEQ, .len = 4, .rs1 = counter };
        builder_emit(b, &leave);
        struct px_insn again = { .op = PX_OP_JAL, .len = 4, .imm = (int32_t)(loop->head - builder_here(b)) };
        builder_emit(b, &again);
        builder_aim(b, out, builder_here(b));
        shape_release(s, loop->counter);
        return;
    }
    struct px_insn back = {
        .op = PX_OP_BNE, .len = 4, .rs1 = counter, .imm = (int32_t)(loop->head - builder_here(b))
    };
    if (prng_one_in(&b->prng, 3)) {
        back.op = PX_OP_BLTU;
        back.rs1 = 0;
        back.rs2 = counter;
    }
    builder_emit(b, &back);
    shape_release(s, loop->counter);
}

static void loop(struct shape *s, unsigned depth)
{
    uint32_t times = 1 + prng_below(&s->b.prng, depth == 0 ? 8 : 3);
    struct shape_loop loop = shape_open_loop(s, times);
    sequence(s, depth + 1, 1 + prng_below(&s->b.prng, 2));
    shape_close_loop(s, &loop);
}

/* Directly, or through a register, which also has a short form when the link is x1. */
static void call(struct shape *s)
{
    struct builder *b = &s->b;
    if (s->in_function || s->call_count == SHAPE_CALLS_MAX) {
        shape_run(s);
        return;
    }
    unsigned function = prng_below(&b->prng, SHAPE_FUNCTIONS_MAX);
    if (function >= s->function_count)
        s->function_count = function + 1;
    struct shape_call *made = &s->calls[s->call_count++];
    *made = (struct shape_call){ .at = builder_here(b), .from = builder_here(b), .function = function };
    if (s->far || !prng_one_in(&b->prng, 3)) {
        builder_op(b, PX_OP_JAL, s->links[function], 0, 0, 0);
        return;
    }
    unsigned to = s->links[function];
    builder_op(b, PX_OP_AUIPC, to, 0, 0, 0);
    made->at = builder_here(b);
    builder_op(b, PX_OP_ADDI, to, to, 0, 0);
    struct px_insn jump = { .op = PX_OP_JALR, .len = 4, .rd = (uint8_t)to, .rs1 = (uint8_t)to };
    builder_emit(b, &jump);
}

/* A jump into a table of jumps; every case joins behind them. */
static void jump_table(struct shape *s, unsigned depth)
{
    struct builder *b = &s->b;
    enum { CASES = 4 };
    uint32_t cases = prng_one_in(&b->prng, 2) ? CASES : CASES / 2, outs[CASES];
    unsigned index = shape_reserve(s), base = shape_reserve(s);
    builder_op(b, PX_OP_ANDI, index, builder_source(b), 0, (int32_t)cases - 1);
    uint32_t pc = builder_here(b);
    builder_op(b, PX_OP_AUIPC, base, 0, 0, 0);
    builder_op(b, PX_OP_SH2ADD, base, index, base, 0);
    unsigned link = prng_one_in(&b->prng, 4) ? builder_target(b) : prng_one_in(&b->prng, 4) ? base : 0;
    builder_op(b, PX_OP_JALR, link, base, 0,
               (int32_t)(builder_here(b) + 4 - pc) + (prng_one_in(&b->prng, 4) ? 1 : 0));
    uint32_t table = builder_here(b);
    for (uint32_t i = 0; i < cases; i++)
        builder_op(b, PX_OP_JAL, 0, 0, 0, 0);
    shape_release(s, index);
    shape_release(s, base);
    for (uint32_t i = 0; i < cases; i++) {
        builder_aim(b, table + 4 * i, builder_here(b));
        sequence(s, depth + 1, 1);
        outs[i] = open_jump(s);
    }
    for (uint32_t i = 0; i < cases; i++)
        builder_aim(b, outs[i], builder_here(b));
}

/* Draws a kind whose feature is in use and that there is depth and room for. */
static enum shape_kind any_kind(struct shape *s, unsigned depth)
{
    enum shape_kind kind;
    do {
        kind = s->kinds[prng_next(&s->b.prng) >> 59];
    } while (!shape_wants(s, kind));
    bool nests = kind == SHAPE_BRANCH || kind == SHAPE_LOOP || kind == SHAPE_TABLE;
    if (nests && depth >= SHAPE_DEPTH_MAX)
        return SHAPE_RUN;
    return kind >= SHAPE_LOOP && kind != SHAPE_CALL && !shape_may_reserve(s) ? SHAPE_RUN : kind;
}

static void piece(struct shape *s, unsigned depth)
{
    switch (any_kind(s, depth)) {
    case SHAPE_BRANCH:
        forward_branch(s, depth);
        break;
    case SHAPE_LOOP:
        loop(s, depth);
        break;
    case SHAPE_CALL:
        call(s);
        break;
    case SHAPE_TABLE:
        jump_table(s, depth);
        break;
    case SHAPE_FALL:
        builder_op(&s->b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
        break;
    case SHAPE_ACCESS:
        touch_access(s);
        break;
    case SHAPE_WALK:
        touch_walk(s);
        break;
    case SHAPE_FAULT:
        touch_fault(s);
        break;
    case SHAPE_HOSTCALL:
        touch_host_call(s);
        break;
    case SHAPE_OWN:
        s->own(s);
        break;
    case SHAPE_RUN:
    case SHAPE_KIND_COUNT:
        shape_run(s);
        break;
    }
}

static void sequence(struct shape *s, unsigned depth, unsigned pieces)
{
    while (pieces-- > 0 && s->pieces > 0) {
        s->pieces--;
        piece(s, depth);
    }
}

void shape_init(struct shape *s, const struct px_gen_options *options, uint64_t seed, uint64_t index,
                struct px_program *program, uint16_t pool)
{
    *s = (struct shape){ .without = options->without, .in_piece = 4, .pool = pool };
    builder_init(&s->b, seed, index, program);
    if (s->without & PX_FEATURE_COMPRESS)
        s->b.compress = 0;
    builder_seed_registers(&s->b);
    program->gas = 40000; /* enough for the loops made here; a jump astray that happens to loop soon ends */
    while (ones(s->pool) < 9)
        s->pool |= (uint16_t)(2u << prng_below(&s->b.prng, PX_REG_COUNT - 1));
    for (unsigned i = 0; i < SHAPE_FUNCTIONS_MAX; i++)
        s->links[i] = shape_reserve(s);
}

void shape_seed_bases(struct shape *s, unsigned count)
{
    static const uint64_t high[] = { 0, 0, UINT64_C(0xffffffff00000000), UINT64_C(0x8123456700000000) };
    while (s->base_count < count && shape_may_reserve(s)) {
        struct shape_base *base = &s->bases[s->base_count];
        /* Sometimes the place of the base before, so that one address has two names. */
        if (s->base_count > 0 && prng_one_in(&s->b.prng, 4))
            base->spot = base[-1].spot;
        else
            base->spot = layout_spot(&s->b);
        base->reg = shape_reserve(s);
        s->b.program->x[base->reg] = base->spot.address | high[prng_next(&s->b.prng) >> 62];
        s->base_count++;
    }
}

void shape_body(struct shape *s, unsigned pieces)
{
    bool looped = !prng_one_in(&s->b.prng, 8) && shape_may_reserve(s);
    struct shape_loop frame = { 0 };
    if (looped)
        frame = shape_open_loop(s, 2 + prng_below(&s->b.prng, 5));
    s->pieces = BODY_PIECES;
    sequence(s, looped, pieces);
    if (looped)
        shape_close_loop(s, &frame);
}

/* A jump to nowhere good: the middle of a block or of an instruction, far outside. */
static void bad_jump(struct shape *s)
{
    static const int32_t targets[] = { 2, -2, 6, -4, 0xffffe, -0x100000, 0x100 };
    static const int32_t near[] = { 0, 1, 2, 3, 4, 6, -2, -4, -6, -8, 7, 2047 };
    struct builder *b = &s->b;
    uint32_t pick = prng_below(&b->prng, 4);
    if (pick == 0) {
        int32_t target = targets[prng_below(&b->prng, sizeof targets / sizeof targets[0])];
        builder_op(b, PX_OP_JAL, builder_target(b), 0, 0, target);
    } else if (pick == 1) {
        /* One after the other: arguments are evaluated in an order that is the compiler's. */
        int32_t imm = px_any_imm12(&b->prng);
        unsigned rs1 = builder_source(b);
        builder_op(b, PX_OP_JALR, builder_target(b), rs1, 0, imm);
    } else {
        unsigned base = shape_may_reserve(s) ? shape_reserve(s) : 5;
        builder_alu(b); /* behind it the middle of a block begins */
        builder_op(b, PX_OP_AUIPC, base, 0, 0, 0);
        int32_t imm = near[prng_below(&b->prng, sizeof near / sizeof near[0])];
        builder_op(b, PX_OP_JALR, builder_source(b), base, 0, imm);
    }
}

void shape_end(struct shape *s, uint32_t one_in)
{
    struct builder *b = &s->b;
    switch (prng_one_in(&b->prng, one_in) ? prng_below(&b->prng, 10) : UINT32_MAX) {
    case 0:
        builder_op(b, PX_OP_TRAP, 0, 0, 0, 0);
        break;
    case 1:
        builder_op(b, PX_OP_ECALL_JAR, 0, 0, 0, 0);
        break;
    case 2:
        builder_op(b, PX_OP_ECALLI, 0, 0, 0,
                   prng_one_in(&b->prng, 2) ? -1 : (int32_t)prng_below(&b->prng, 1 << 19));
        break;
    case 3:
        builder_op(b, prng_one_in(&b->prng, 2) ? PX_OP_ECALL : PX_OP_EBREAK, 0, 0, 0, 0);
        break;
    case 4:
        builder_half(b, prng_one_in(&b->prng, 2) ? 0 : 0x9002); /* c.unimp, c.ebreak */
        break;
    case 5:
    case 6:
        bad_jump(s);
        break;
    case 7: /* half an instruction: cut off by the end of the code when no function follows */
        builder_half(b, prng_one_in(&b->prng, 2) ? 0x0013 : 0x0001);
        return;
    case 8: /* nothing at all */
        return;
    case 9:
        builder_word(b, (uint32_t)prng_next(&b->prng) | 3);
        break;
    default:
        break;
    }
    builder_word(b, PX_WORD_ECALLI_0);
}

void shape_functions(struct shape *s)
{
    struct builder *b = &s->b;
    uint32_t starts[SHAPE_FUNCTIONS_MAX] = { 0 };
    s->in_function = true;
    b->reserved = s->pool;
    s->pool = (uint16_t)(~s->pool & 0xfffe);
    for (unsigned i = 0; i < s->function_count; i++) {
        starts[i] = builder_here(b); /* after a terminator */
        s->pieces = FUNCTION_PIECES;
        sequence(s, 1, 1 + prng_below(&b->prng, 2));
        struct px_insn back = { .op = PX_OP_JALR, .len = 4, .rs1 = (uint8_t)s->links[i] };
        back.imm = prng_one_in(&b->prng, 6) ? 1 : 0; /* the target's low bit is dropped */
        back.rd = prng_one_in(&b->prng, 6) ? (uint8_t)s->links[i] : 0;
        builder_emit(b, &back);
    }
    for (unsigned i = 0; i < s->call_count; i++) {
        const struct shape_call *made = &s->calls[i];
        builder_aim_from(b, made->at, made->from, starts[made->function]);
    }
}
