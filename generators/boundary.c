/*
 * Exhaustive and enumerable: each op x each pair of boundary operands (each immediate, each shift amount, out
 * of range included) x the aliasing patterns. Every program is one instruction under test, closed by the terminator, with
 * all registers seeded so that a clobbered one shows.
 *
 * An index is a number in mixed radix: the op whose range it falls in, then that op's dimensions.
 */
#include "generators/builder.h"
#include "generators/generator.h"

/* Register triples rd, rs1, rs2: apart, every way of coinciding, x0 and the memory registers in every position, and
 * the host registers that multiplication, division and shifts want. */
static const uint8_t aliases[][3] = {
    { 10, 11, 12 }, { 10, 10, 12 }, { 10, 11, 10 }, { 10, 11, 11 }, { 10, 10, 10 },
    { 0, 11, 12 },  { 10, 0, 12 },  { 10, 11, 0 },  { 3, 11, 12 },  { 10, 3, 12 },
    { 10, 11, 4 },  { 3, 4, 3 },    { 4, 4, 4 },    { 3, 3, 4 },    { 12, 11, 12 },
    { 12, 12, 11 }, { 12, 12, 12 }, { 12, 10, 11 }, { 15, 2, 15 },  { 1, 8, 9 },
};

static const int32_t uppers[] = { 0, 1, 2, 0x7ffff, -0x80000, -1, 0x12345, -0x3ff, 0x400, -0x400 };
static const int32_t jumps[] = { 12, 8, 4, 0, -4, 6, 16, 0xffffe, -0x100000 };
static const int32_t branches[] = { 12, 8, 4, 0, 6, 16, 4094, -4096 };
static const int32_t jalr_offsets[] = { 0, 1, 2, 4, 12, 13, 8, -1, 2047, -2048 };
static const int32_t selectors[] = { 0,      1,       2,      3,      4,       -1,      -2,
                                     524287, -524288, 131071, 131072, -131073, 0x155aa, 1024 };
static const uint64_t lengths[] = { 0,    1,    7,    8,    63,     64,       65,       128,
                                    4095, 4096, 4097, 8192, 0x3000, 0x100000, 0x100001, UINT64_MAX };

enum {
    ALIASES = sizeof aliases / sizeof aliases[0],
    UPPERS = sizeof uppers / sizeof uppers[0],
    JUMPS = sizeof jumps / sizeof jumps[0],
    BRANCHES = sizeof branches / sizeof branches[0],
    JALR_OFFSETS = sizeof jalr_offsets / sizeof jalr_offsets[0],
    SELECTORS = sizeof selectors / sizeof selectors[0],
    LENGTHS = sizeof lengths / sizeof lengths[0],
    FENCES = 8,
    JALR_TARGETS = 24,
    HALFWORDS = 0xc000, /* those whose low bits are not 11 */
    WORDS = 32 * 8 * 128, /* opcode, funct3, funct7 */
    RVC_SEEDS = 4,
};

/* What the enumeration runs through: ops by their row, then all compressed halfwords, then raw words of every major
 * opcode, which is where shift amounts out of range and other reserved encodings are. */
static uint64_t format_count(enum px_format format)
{
    uint64_t values = px_value_count, pairs = values * values;
    switch (format) {
    case PX_FMT_R:
        return ALIASES * pairs;
    case PX_FMT_R1:
        return ALIASES * values;
    case PX_FMT_I:
        return ALIASES * values * px_imm12_count;
    case PX_FMT_SH6:
        return ALIASES * values * 64;
    case PX_FMT_SH5:
        return ALIASES * values * 32;
    case PX_FMT_LOAD:
    case PX_FMT_STORE:
        return ALIASES * px_address_count * px_imm12_count * 2;
    case PX_FMT_BRANCH:
        return ALIASES * pairs * BRANCHES / 4;
    case PX_FMT_U:
        return ALIASES * UPPERS;
    case PX_FMT_JAL:
        return ALIASES * JUMPS;
    case PX_FMT_JALR:
        return ALIASES * (uint64_t)JALR_TARGETS * JALR_OFFSETS;
    case PX_FMT_FENCE:
        return FENCES;
    case PX_FMT_ECALLI:
        return SELECTORS * px_address_count * LENGTHS;
    case PX_FMT_NONE:
    case PX_FMT_COUNT:
        break;
    }
    return 1;
}

/* Of one op, by its format. */
static void count_formats(uint64_t counts[PX_FMT_COUNT])
{
    for (unsigned format = 0; format < PX_FMT_COUNT; format++)
        counts[format] = format_count(format);
}

static uint64_t count_all(const uint64_t counts[PX_FMT_COUNT])
{
    uint64_t sum = (uint64_t)HALFWORDS * RVC_SEEDS + WORDS;
    for (unsigned op = 1; op < PX_OP_COUNT; op++)
        sum += counts[px_ops[op].format];
    return sum;
}

static uint64_t count(void)
{
    uint64_t counts[PX_FMT_COUNT];
    count_formats(counts);
    return count_all(counts);
}

/* Takes the lowest digit of radix @n off @index. */
static uint64_t digit(uint64_t *index, uint64_t n)
{
    uint64_t d = *index % n;
    *index /= n;
    return d;
}

/* Every register differs from every other and from the pool. */
static void seed_registers(struct builder *b)
{
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        b->program->x[x] = UINT64_C(0x1111111111111111) * x ^ 0xc3a5000000005a3c;
}

static void seed(struct builder *b, unsigned x, uint64_t value)
{
    if (x != 0)
        b->program->x[x] = value;
}

/* Offset 0: the jump under test, 4: a block start, 8: the middle of that block, 12: a block start, 16: past the
 * terminator's own start. */
static void jump_landing(struct builder *b)
{
    builder_op(b, PX_OP_ADDI, 5, 5, 0, 1);
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_op(b, PX_OP_XORI, 6, 6, 0, 0x55);
    builder_word(b, PX_WORD_ECALLI_0);
}

static uint64_t jalr_value(uint64_t pick)
{
    uint64_t target = PX_CODE_BASE + (pick % 8) * 3;
    static const uint64_t high[] = { 0, UINT64_C(0xdeadbeef00000000), UINT64_C(0xffffffff80000000) };
    return target + high[pick / 8 % 3];
}

static void make_flow(struct builder *b, enum px_op op, const uint8_t *r, uint64_t index)
{
    if (px_ops[op].format == PX_FMT_BRANCH) {
        seed(b, r[1], px_values[digit(&index, px_value_count)]);
        seed(b, r[2], px_values[digit(&index, px_value_count)]);
        /* A quarter of the targets for each pair of operands, all of them over the pairs. */
        uint64_t rotated =
            digit(&index, BRANCHES / 4) * 4 + (b->program->x[r[1]] ^ b->program->x[r[2]] >> 5) % 4;
        builder_op(b, op, 0, r[1], r[2], branches[rotated]);
    } else if (px_ops[op].format == PX_FMT_JAL) {
        builder_op(b, op, r[0], 0, 0, jumps[digit(&index, JUMPS)]);
    } else {
        seed(b, r[1], jalr_value(digit(&index, JALR_TARGETS)));
        builder_op(b, op, r[0], r[1], 0, jalr_offsets[digit(&index, JALR_OFFSETS)]);
    }
    jump_landing(b);
}

static void make_access(struct builder *b, enum px_op op, const uint8_t *r, uint64_t index)
{
    uint64_t alias = digit(&index, 2) ? UINT64_C(0xa5a5a5a500000000) : 0;
    int32_t imm = px_imm12s[digit(&index, px_imm12_count)];
    uint64_t base = px_addresses[digit(&index, px_address_count)] - (uint64_t)(int64_t)imm;
    builder_map_regions(b);
    seed(b, r[1], base + alias);
    if (px_ops[op].effects & PX_EFF_LOAD) {
        builder_op(b, op, r[0], r[1], 0, imm);
    } else {
        if (r[2] != r[1])
            seed(b, r[2], UINT64_C(0x8182838485868788));
        builder_op(b, op, 0, r[1], r[2], imm);
        builder_op(b, PX_OP_LD, 5, r[1], 0, imm); /* read back what was written, where it was */
    }
    builder_word(b, PX_WORD_ECALLI_0);
}

static void make_host_call(struct builder *b, uint64_t index)
{
    int32_t selector = selectors[digit(&index, SELECTORS)];
    builder_map_regions(b);
    seed(b, 10, px_addresses[digit(&index, px_address_count)]);
    seed(b, 11, lengths[digit(&index, LENGTHS)]);
    seed(b, 12, b->program->x[11]);
    builder_op(b, PX_OP_ECALLI, 0, 0, 0, selector);
    builder_word(b, PX_WORD_ECALLI_0);
}

static void make_op(struct builder *b, enum px_op op, uint64_t index)
{
    static const uint8_t first[3] = { 10, 11, 12 };
    enum px_format format = px_ops[op].format;
    bool aliased = px_ops[op].regs != 0;
    const uint8_t *r = aliased ? aliases[digit(&index, ALIASES)] : first;
    int32_t imm = 0;
    switch (format) {
    case PX_FMT_LOAD:
    case PX_FMT_STORE:
        make_access(b, op, r, index);
        return;
    case PX_FMT_BRANCH:
    case PX_FMT_JAL:
    case PX_FMT_JALR:
        make_flow(b, op, r, index);
        return;
    case PX_FMT_ECALLI:
        make_host_call(b, index);
        return;
    case PX_FMT_R:
        seed(b, r[1], px_values[digit(&index, px_value_count)]);
        seed(b, r[2], px_values[digit(&index, px_value_count)]);
        builder_op(b, op, r[0], r[1], r[2], 0);
        break;
    case PX_FMT_U:
        builder_op(b, op, r[0], 0, 0, (int32_t)((uint32_t)uppers[digit(&index, UPPERS)] << 12));
        break;
    case PX_FMT_FENCE:
        builder_op(b, op, 0, 0, 0, (int32_t)(digit(&index, FENCES) * 0x92493 & 0x3fffff));
        break;
    case PX_FMT_NONE:
        builder_op(b, op, 0, 0, 0, 0);
        break;
    case PX_FMT_R1:
    case PX_FMT_I:
    case PX_FMT_SH6:
    case PX_FMT_SH5:
    case PX_FMT_COUNT:
        seed(b, r[1], px_values[digit(&index, px_value_count)]);
        if (format == PX_FMT_I)
            imm = px_imm12s[digit(&index, px_imm12_count)];
        else if (format != PX_FMT_R1)
            imm = (int32_t)digit(&index, format == PX_FMT_SH6 ? 64 : 32);
        builder_op(b, op, r[0], r[1], 0, imm);
        break;
    }
    builder_word(b, PX_WORD_ECALLI_0);
}

/* A halfword between block starts, so that short jumps have somewhere to go. */
static void make_half(struct builder *b, uint64_t index)
{
    uint16_t half = (uint16_t)(digit(&index, HALFWORDS / 3) << 2);
    half |= (uint16_t)digit(&index, 3);
    builder_map_regions(b);
    for (unsigned x = 1; x < PX_REG_COUNT; x++) {
        if (index == 1)
            seed(b, x, PX_REGION_ZERO + 64 * x);
        else if (index == 2)
            seed(b, x, px_any_value(&b->prng));
        else if (index == 3)
            seed(b, x, x % 2 ? 0 : PX_CODE_BASE + 8);
    }
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_half(b, half);
    builder_half(b, 0x0001); /* c.nop: what follows is aligned again */
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_op(b, PX_OP_ADDI, 5, 5, 0, 1);
    builder_op(b, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    builder_word(b, PX_WORD_ECALLI_0);
}

static void make_word(struct builder *b, uint64_t index)
{
    uint32_t word = 3 | 10u << 7 | 11u << 15 | 4u << 20; /* x10, x11, and x4 or shamt */
    word |= (uint32_t)digit(&index, 32) << 2;
    word |= (uint32_t)digit(&index, 8) << 12;
    word |= (uint32_t)digit(&index, 128) << 25;
    builder_word(b, word);
    builder_word(b, PX_WORD_ECALLI_0);
}

static enum px_status generate(const struct px_gen_options *options, uint64_t campaign_seed, uint64_t index,
                               struct px_program *program)
{
    struct builder b;
    uint64_t counts[PX_FMT_COUNT];
    (void)options;
    count_formats(counts);
    builder_init(&b, campaign_seed, index, program);
    b.compress = 0;
    program->gas = 20000; /* ample; a jump to itself soon ends */
    seed_registers(&b);
    index %= count_all(counts);
    for (unsigned op = 1; op < PX_OP_COUNT; op++) {
        uint64_t n = counts[px_ops[op].format];
        if (index < n) {
            make_op(&b, op, index);
            return b.status;
        }
        index -= n;
    }
    if (index < (uint64_t)HALFWORDS * RVC_SEEDS)
        make_half(&b, index);
    else
        make_word(&b, index - (uint64_t)HALFWORDS * RVC_SEEDS);
    return b.status;
}

const struct px_generator px_gen_boundary = {
    .name = "boundary",
    .summary = "every op x boundary operands x aliasing; enumerable by index",
    .version = 1,
    .count = count,
    .generate = generate,
};
