/*
 * Control flow: straight runs, forward branches, bounded nested loops, calls and returns, switches through
 * a jump table, host calls, loads and stores over the standard regions; and now and then every way to
 * end badly.
 *
 * Loop counters, bases of accesses and links are reserved while they are needed: instructions drawn at
 * random do not write them, so that loops end and calls return.
 */
#include "generators/builder.h"
#include "generators/generator.h"

enum {
    DEPTH_MAX = 3,
    FUNCTIONS_MAX = 3,
    CALLS_MAX = 8,
    BODY_MAX = 12, /* pieces, over all nesting levels */
    FUNCTION_MAX = 2,
};

struct call {
    uint32_t at; /* of the jal */
    unsigned function;
};

struct shape {
    struct builder b;
    unsigned pieces; /* left to make */
    uint16_t pool;   /* registers that may be reserved; a function may not touch its callers' */
    unsigned function_count;
    unsigned links[FUNCTIONS_MAX]; /* link register of each function */
    struct call calls[CALLS_MAX];
    unsigned call_count;
    bool in_function;
};

static void sequence(struct shape *s, unsigned depth, unsigned pieces);

/* Makes the next offset a block start; once in a while not, so that a jump there panics. */
static void label(struct shape *s)
{
    if (!prng_one_in(&s->b.prng, 200))
        builder_op(&s->b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
}

static unsigned reserve(struct shape *s)
{
    unsigned x;
    do {
        x = prng_below(&s->b.prng, PX_REG_COUNT);
    } while (!((s->pool & ~s->b.reserved) >> x & 1));
    s->b.reserved |= (uint16_t)(1u << x);
    return x;
}

static void release(struct shape *s, unsigned x)
{
    s->b.reserved &= (uint16_t)~(1u << x);
}

/* Two are the most that a piece asks for. */
static bool may_reserve(const struct shape *s)
{
    return __builtin_popcount(s->pool & ~s->b.reserved) >= 2;
}

static void run(struct shape *s)
{
    for (uint32_t n = 1 + prng_below(&s->b.prng, 5); n > 0; n--)
        builder_alu(&s->b);
}

static enum px_op any_branch(struct prng *prng)
{
    static const uint8_t branches[] = { PX_OP_BEQ, PX_OP_BNE, PX_OP_BLT, PX_OP_BGE, PX_OP_BLTU, PX_OP_BGEU };
    return branches[prng_below(prng, sizeof branches)];
}

/* if (!cond) { ... } else { ... } */
static void forward_branch(struct shape *s, unsigned depth)
{
    struct builder *b = &s->b;
    uint32_t skip = builder_here(b);
    /* One after the other: arguments are evaluated in an order that is the compiler's. */
    unsigned rs2 = builder_source(b), rs1 = builder_source(b);
    enum px_op op = any_branch(&b->prng);
    builder_op(b, op, 0, rs1, rs2, 0);
    sequence(s, depth + 1, 1 + prng_below(&b->prng, 2));
    if (prng_one_in(&b->prng, 2)) {
        uint32_t over = builder_here(b);
        builder_op(b, PX_OP_JAL, prng_one_in(&b->prng, 8) ? builder_target(b) : 0, 0, 0, 0);
        builder_aim(b, skip, builder_here(b)); /* after a terminator: a block start */
        sequence(s, depth + 1, 1);
        label(s);
        builder_aim(b, over, builder_here(b));
    } else {
        label(s);
        builder_aim(b, skip, builder_here(b));
    }
}

static void loop(struct shape *s, unsigned depth)
{
    struct builder *b = &s->b;
    if (!may_reserve(s)) {
        run(s);
        return;
    }
    unsigned counter = reserve(s);
    int32_t times = (int32_t)(depth == 0 ? 1 + prng_below(&b->prng, 8) : 1 + prng_below(&b->prng, 3));
    builder_op(b, PX_OP_ADDI, counter, 0, 0, times);
    label(s);
    uint32_t head = builder_here(b);
    sequence(s, depth + 1, 1 + prng_below(&b->prng, 2));
    builder_op(b, PX_OP_ADDI, counter, counter, 0, -1);
    /* counter != 0, spelled in two ways. */
    struct px_insn back = {
        .op = PX_OP_BNE, .len = 4, .rs1 = (uint8_t)counter, .imm = (int32_t)(head - builder_here(b))
    };
    if (prng_one_in(&b->prng, 2)) {
        back.op = PX_OP_BLTU;
        back.rs1 = 0;
        back.rs2 = (uint8_t)counter;
    }
    builder_emit(b, &back);
    release(s, counter);
}

static void call(struct shape *s)
{
    struct builder *b = &s->b;
    if (s->in_function || s->call_count == CALLS_MAX) {
        run(s);
        return;
    }
    unsigned function = prng_below(&b->prng, FUNCTIONS_MAX);
    if (function >= s->function_count)
        s->function_count = function + 1;
    s->calls[s->call_count++] = (struct call){ .at = builder_here(b), .function = function };
    builder_op(b, PX_OP_JAL, s->links[function], 0, 0, 0);
}

/* A jump into a table of four jumps; every case joins behind them. */
static void jump_table(struct shape *s, unsigned depth)
{
    struct builder *b = &s->b;
    enum { CASES = 4 };
    if (!may_reserve(s)) {
        run(s);
        return;
    }
    unsigned index = reserve(s), base = reserve(s);
    builder_op(b, PX_OP_ANDI, index, builder_source(b), 0, CASES - 1);
    uint32_t pc = builder_here(b);
    builder_op(b, PX_OP_AUIPC, base, 0, 0, 0);
    builder_op(b, PX_OP_SH2ADD, base, index, base, 0);
    unsigned link = prng_one_in(&b->prng, 4) ? builder_target(b) : prng_one_in(&b->prng, 4) ? base : 0;
    builder_op(b, PX_OP_JALR, link, base, 0,
               (int32_t)(builder_here(b) + 4 - pc) + (prng_one_in(&b->prng, 4) ? 1 : 0));
    uint32_t table = builder_here(b), outs[CASES];
    for (unsigned i = 0; i < CASES; i++)
        builder_op(b, PX_OP_JAL, 0, 0, 0, 0);
    release(s, index);
    release(s, base);
    for (uint32_t i = 0; i < CASES; i++) {
        builder_aim(b, table + 4 * i, builder_here(b));
        sequence(s, depth + 1, 1);
        outs[i] = builder_here(b);
        builder_op(b, PX_OP_JAL, 0, 0, 0, 0);
    }
    for (unsigned i = 0; i < CASES; i++)
        builder_aim(b, outs[i], builder_here(b));
}

static void access_memory(struct shape *s)
{
    static const uint8_t ops[] = { PX_OP_LB,  PX_OP_LH, PX_OP_LW, PX_OP_LD, PX_OP_LBU, PX_OP_LHU,
                                   PX_OP_LWU, PX_OP_SB, PX_OP_SH, PX_OP_SW, PX_OP_SD };
    struct builder *b = &s->b;
    if (!may_reserve(s)) {
        run(s);
        return;
    }
    static const uint32_t regions[] = { PX_REGION_ZERO, PX_REGION_ZERO, PX_REGION_ZERO + 0x1000,
                                        PX_REGION_COW,  PX_REGION_RO,   PX_CODE_BASE };
    unsigned base = reserve(s);
    uint32_t region = regions[prng_below(&b->prng, sizeof regions / sizeof regions[0])];
    uint32_t anywhere = px_addresses[prng_below(&b->prng, (uint32_t)px_address_count)];
    uint32_t address = prng_one_in(&b->prng, 40) ? anywhere : region + prng_below(&b->prng, 2) * 0x7fc;
    builder_op(b, PX_OP_LUI, base, 0, 0, (int32_t)((address + 0x800) & 0xfffff000));
    builder_op(b, PX_OP_ADDI, base, base, 0, (int32_t)((address & 0xfff) ^ 0x800) - 0x800);
    for (uint32_t n = 1 + prng_below(&b->prng, 4); n > 0; n--) {
        bool loads_only = (region == PX_REGION_RO || region == PX_CODE_BASE) && !prng_one_in(&b->prng, 30);
        enum px_op op = ops[prng_below(&b->prng, loads_only ? 7 : sizeof ops)];
        bool is_load = px_ops[op].effects & PX_EFF_LOAD;
        struct px_insn in = {
            .op = (uint8_t)op, .len = 4, .rs1 = (uint8_t)base, .imm = px_any_imm12(&b->prng)
        };
        if (prng_one_in(&b->prng, 2)) /* something between, that a fault must not lose */
            builder_alu(b);
        if (in.imm < 0 && !prng_one_in(&b->prng, 50)) /* below a region there is nothing */
            in.imm = -(in.imm + 1);
        if (is_load)
            in.rd = (uint8_t)builder_target(b);
        else
            in.rs2 = (uint8_t)builder_source(b);
        builder_emit(b, &in);
    }
    release(s, base);
}

static void host_call(struct shape *s)
{
    struct builder *b = &s->b;
    static const int32_t lengths[] = { 0, 1, 8, 63, 64, 65, 255, 256, 2000 };
    int32_t selector = 1 + (int32_t)prng_below(&b->prng, 3);
    if (b->reserved & 0x1c00) { /* x10..x12 are its operands */
        run(s);
        return;
    }
    if (selector != PX_HOSTCALL_POW) {
        uint32_t address = prng_one_in(&b->prng, 2) ? PX_REGION_ZERO : PX_REGION_COW;
        int32_t length = lengths[prng_below(&b->prng, sizeof lengths / sizeof lengths[0])];
        builder_op(b, PX_OP_LUI, 10, 0, 0, (int32_t)address);
        builder_op(b, PX_OP_ADDI, 10, 10, 0, (int32_t)prng_below(&b->prng, 2048));
        unsigned holder = selector == PX_HOSTCALL_FILL ? 12 : 11;
        if (prng_one_in(&b->prng, 60))
            builder_op(b, PX_OP_LUI, holder, 0, 0, 0x00101000); /* over the limit: bad length */
        else
            builder_op(b, PX_OP_ADDI, holder, 0, 0, length < 2048 ? length : 2047);
    }
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, selector);
}

static void piece(struct shape *s, unsigned depth)
{
    uint32_t pick = prng_below(&s->b.prng, 32);
    bool deep = depth >= DEPTH_MAX;
    if (pick < 5 && !deep)
        forward_branch(s, depth);
    else if (pick < 10 && !deep)
        loop(s, depth);
    else if (pick < 12)
        call(s);
    else if (pick < 14 && !deep)
        jump_table(s, depth);
    else if (pick < 18)
        access_memory(s);
    else if (pick < 19)
        host_call(s);
    else if (pick < 20)
        builder_op(&s->b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    else
        run(s);
}

static void sequence(struct shape *s, unsigned depth, unsigned pieces)
{
    while (pieces-- > 0 && s->pieces > 0) {
        s->pieces--;
        piece(s, depth);
    }
}

/* A jump to nowhere good: odd halves, the middle of an instruction, far outside. */
static void bad_jump(struct shape *s)
{
    static const int32_t targets[] = { 2, -2, 6, -4, 0xffffe, -0x100000, 0x100 };
    struct builder *b = &s->b;
    int32_t target = targets[prng_below(&b->prng, sizeof targets / sizeof targets[0])];
    if (prng_one_in(&b->prng, 2)) {
        builder_op(b, PX_OP_JAL, builder_target(b), 0, 0, target);
        return;
    }
    int32_t imm = px_any_imm12(&b->prng);
    unsigned rs1 = builder_source(b);
    builder_op(b, PX_OP_JALR, builder_target(b), rs1, 0, imm);
}

/* Mostly the clean halt; else one of the other ways a program can end. */
static void ending(struct shape *s)
{
    struct builder *b = &s->b;
    switch (prng_below(&b->prng, 48)) {
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
        bad_jump(s);
        break;
    case 6: /* an odd tail or half an instruction: cut off by the end of the code */
        builder_half(b, prng_one_in(&b->prng, 2) ? 0x0013 : 0x0001);
        return;
    case 7: /* nothing at all */
        return;
    default:
        break;
    }
    builder_word(b, PX_WORD_ECALLI_0);
}

static void functions(struct shape *s)
{
    struct builder *b = &s->b;
    uint32_t starts[FUNCTIONS_MAX] = { 0 };
    s->in_function = true;
    b->reserved = s->pool;
    s->pool = (uint16_t)(~s->pool & 0xfffe);
    for (unsigned i = 0; i < s->function_count; i++) {
        starts[i] = builder_here(b); /* after a terminator */
        s->pieces = FUNCTION_MAX;
        sequence(s, 1, 1 + prng_below(&b->prng, 2));
        struct px_insn back = { .op = PX_OP_JALR, .len = 4, .rs1 = (uint8_t)s->links[i] };
        back.imm = prng_one_in(&b->prng, 4) ? 1 : 0; /* the target's low bit is dropped */
        back.rd = prng_one_in(&b->prng, 4) ? (uint8_t)s->links[i] : 0;
        builder_emit(b, &back);
    }
    for (unsigned i = 0; i < s->call_count; i++)
        builder_aim(b, s->calls[i].at, starts[s->calls[i].function]);
}

static enum px_status generate(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program)
{
    (void)options;
    struct shape s = { .in_function = false };
    builder_init(&s.b, seed, index, program);
    builder_seed_registers(&s.b);
    builder_map_regions(&s.b);
    /* Enough for the loops made here; a jump astray that happens to loop soon ends. */
    program->gas = prng_one_in(&s.b.prng, 16) ? prng_below(&s.b.prng, 6000) : 40000;
    if (prng_one_in(&s.b.prng, 100))
        program->entry_pc = 1 + prng_below(&s.b.prng, 64);
    while (__builtin_popcount(s.pool) < 8)
        s.pool |= (uint16_t)(2u << prng_below(&s.b.prng, PX_REG_COUNT - 1));
    for (unsigned i = 0; i < FUNCTIONS_MAX; i++)
        s.links[i] = reserve(&s);
    s.pieces = BODY_MAX;
    sequence(&s, 0, 3 + prng_below(&s.b.prng, 3));
    ending(&s);
    functions(&s);
    return s.b.status;
}

const struct px_generator px_gen_control = {
    .name = "control",
    .summary = "branches, loops, calls, jump tables, memory, and every way to end",
    .version = 1,
    .generate = generate,
};
