#include "generators/builder.h"

#include <string.h>

/* The instructions that only change registers, by the formats that such instructions have. */
static const uint8_t alu_ops[] = {
#define PX_OP(name, mnemonic, format, ...) LIST_##format(PX_OP_##name)
#define LIST_R(op) op,
#define LIST_R1(op) op,
#define LIST_I(op) op,
#define LIST_SH6(op) op,
#define LIST_SH5(op) op,
#define LIST_U(op) op,
#define LIST_FENCE(op) op,
#define LIST_LOAD(op)
#define LIST_STORE(op)
#define LIST_BRANCH(op)
#define LIST_JAL(op)
#define LIST_JALR(op)
#define LIST_NONE(op)
#define LIST_ECALLI(op)
#include "vm/isa.def"
};

void builder_init(struct builder *b, uint64_t seed, uint64_t index, struct px_program *program)
{
    *b = (struct builder){ .program = program, .compress = 8 };
    prng_init(&b->prng, seed, index);
    uint64_t pick = prng_next(&b->prng);
    for (unsigned i = 0; i < PX_REG_COUNT; i++)
        b->likes[i] = (uint8_t)i;
    for (unsigned i = PX_REG_COUNT; i < sizeof b->likes; i++)
        b->likes[i] = (pick >> (4 * (i % 4))) & 15;
    /* Swarm testing: half of the programs know a few neighbouring operations only, so that those meet each other. */
    b->first = (uint8_t)((pick >> 16 & 0xff) % sizeof alu_ops);
    b->span = (uint8_t)(pick >> 63 ? sizeof alu_ops : 6 + (pick >> 24 & 31));
    program->gas = 1000000;
}

void builder_seed_registers(struct builder *b)
{
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        b->program->x[x] = px_any_value(&b->prng);
}

static void keep(struct builder *b, enum px_status status)
{
    if (b->status == PX_OK)
        b->status = status;
}

void builder_map(struct builder *b, uint64_t start, uint64_t size, enum px_map_kind kind, const void *content,
                 size_t content_size)
{
    keep(b, px_program_map(b->program, start, size, kind, content, content_size));
}

#define PATTERN(i) (uint8_t)((i) * 167 + 13)
#define PATTERN_4(i) PATTERN(i), PATTERN((i) + 1), PATTERN((i) + 2), PATTERN((i) + 3)
#define PATTERN_16(i) PATTERN_4(i), PATTERN_4((i) + 4), PATTERN_4((i) + 8), PATTERN_4((i) + 12)
#define PATTERN_64(i) PATTERN_16(i), PATTERN_16((i) + 16), PATTERN_16((i) + 32), PATTERN_16((i) + 48)
#define PATTERN_256 PATTERN_64(0), PATTERN_64(64), PATTERN_64(128), PATTERN_64(192)
#define PATTERN_1K PATTERN_256, PATTERN_256, PATTERN_256, PATTERN_256
#define PATTERN_4K PATTERN_1K, PATTERN_1K, PATTERN_1K, PATTERN_1K
const uint8_t builder_pattern[BUILDER_PATTERN] = { PATTERN_4K, PATTERN_4K };

void builder_map_regions(struct builder *b)
{
    static const uint8_t cow_bytes[] = "parallax lines never meet, unless one of them is bent";
    builder_map(b, PX_REGION_ZERO, 0x3000, PX_MAP_ZERO, NULL, 0);
    builder_map(b, PX_REGION_COW, 0x2000, PX_MAP_COW, cow_bytes, sizeof cow_bytes);
    builder_map(b, PX_REGION_RO, 0x2000, PX_MAP_RO, builder_pattern, 512);
    builder_map(b, PX_REGION_TOP, 0x1000, PX_MAP_ZERO, NULL, 0);
}

unsigned builder_source(struct builder *b)
{
    return b->likes[prng_next(&b->prng) >> 59];
}

unsigned builder_target(struct builder *b)
{
    unsigned rd;
    do {
        rd = builder_source(b);
    } while ((b->reserved >> rd) & 1);
    return rd;
}

void builder_emit(struct builder *b, struct px_insn *insn)
{
    if (b->compress && prng_one_in(&b->prng, b->compress))
        (void)px_compress(insn); /* keeps the wide form where there is no short one */
    keep(b, px_program_emit(b->program, insn));
}

void builder_op(struct builder *b, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct px_insn insn = {
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
    keep(b, px_program_emit(b->program, &insn));
}

void builder_word(struct builder *b, uint32_t word)
{
    keep(b, px_program_append(b->program, &word, sizeof word));
}

void builder_half(struct builder *b, uint16_t half)
{
    keep(b, px_program_append(b->program, &half, sizeof half));
}

void builder_bytes(struct builder *b, const void *bytes, size_t size)
{
    keep(b, px_program_append(b->program, bytes, size));
}

/* What of a boundary-biased 12-bit immediate a format keeps. */
static const int32_t imm_mask[PX_FMT_COUNT] = { [PX_FMT_I] = -1, [PX_FMT_SH6] = 63, [PX_FMT_SH5] = 31 };

static int32_t any_upper(struct prng *prng)
{
    static const uint32_t uppers[4] = { 0, 0x80000, 0x7ffff, 0xfffff };
    uint32_t pick = prng_below(prng, 8);
    return (int32_t)((pick < 4 ? uppers[pick] : (uint32_t)prng_next(prng)) << 12);
}

/* A compressed instruction that only changes registers. Drawn as bits, so that every field gets every value; what is
 * illegal or does something else is drawn again. */
static void any_half(struct builder *b)
{
    for (unsigned tries = 0; tries < 16; tries++) {
        uint64_t pick = prng_next(&b->prng);
        uint32_t quadrant = (pick & 15) == 0 ? 0 : 1 + (pick >> 4 & 1);
        uint32_t half = (uint32_t)(pick >> 48 & 0xfffc) | quadrant;
        if (quadrant == 0)
            half &= 0x1fff; /* the only row there that is not an access */
        else if (quadrant == 2 || half >> 13 != 4)
            half &= 0xf7ff; /* there is no x16..x31 */
        struct px_insn in = px_decode_word(half);
        if (in.op == PX_OP_ILLEGAL || px_ops[in.op].effects >= PX_EFF_LOAD || (b->reserved >> in.rd & 1))
            continue;
        builder_half(b, (uint16_t)half);
        return;
    }
}

void builder_alu(struct builder *b)
{
    if (b->halves && prng_one_in(&b->prng, 2)) {
        any_half(b);
        return;
    }
    /* One draw for the instruction, the three registers and the immediate; then what the format has is kept. A draw or a
     * random branch for each would cost more than all the rest. */
    uint64_t pick = prng_next(&b->prng);
    uint32_t drawn = b->first + (uint32_t)(((pick & UINT32_MAX) * b->span) >> 32);
    enum px_op op = alu_ops[drawn < sizeof alu_ops ? drawn : drawn - sizeof alu_ops];
    enum px_format format = px_ops[op].format;
    unsigned has = px_ops[op].regs, rd = b->likes[(pick >> 32) & 31];
    if ((b->reserved >> rd) & 1)
        rd = builder_target(b);
    struct px_insn insn = { .op = (uint8_t)op, .len = 4 };
    insn.rd = has & PX_HAS_RD ? (uint8_t)rd : 0;
    insn.rs1 = has & PX_HAS_RS1 ? b->likes[(pick >> 37) & 31] : 0;
    insn.rs2 = has & PX_HAS_RS2 ? b->likes[(pick >> 42) & 31] : 0;
    insn.imm = px_imm12_of((uint32_t)(pick >> 47)) & imm_mask[format];
    if (format == PX_FMT_U)
        insn.imm = any_upper(&b->prng);
    builder_emit(b, &insn);
}

uint32_t builder_here(const struct builder *b)
{
    return (uint32_t)b->program->code_size;
}

void builder_aim(struct builder *b, uint32_t at, uint32_t target)
{
    builder_aim_from(b, at, at, target);
}

void builder_aim_from(struct builder *b, uint32_t at, uint32_t from, uint32_t target)
{
    struct px_insn insn = px_decode(b->program->code, b->program->code_size, at);
    insn.imm = (int32_t)(target - from);
    if (px_program_patch(b->program, at, &insn) == PX_OK)
        return;
    insn.imm = (int32_t)(at - from + insn.len);
    keep(b, px_program_patch(b->program, at, &insn));
}
