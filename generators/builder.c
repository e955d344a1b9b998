#include "generators/builder.h"

#include <string.h>

void builder_init(struct builder *b, uint64_t seed, uint64_t index, struct px_program *program)
{
    *b = (struct builder){ .program = program, .compress = 8 };
    prng_init(&b->prng, seed, index);
    uint64_t pick = prng_next(&b->prng);
    for (size_t i = 0; i < sizeof b->favourites; i++, pick >>= 4)
        b->favourites[i] = pick & 15;
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

void builder_map_regions(struct builder *b)
{
    static const uint8_t cow_bytes[] = "parallax lines never meet, unless one of them is bent";
    uint8_t pattern[512];
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 167 + 13);
    keep(b, px_program_map(b->program, PX_REGION_ZERO, 0x3000, PX_MAP_ZERO, NULL, 0));
    keep(b, px_program_map(b->program, PX_REGION_COW, 0x2000, PX_MAP_COW, cow_bytes, sizeof cow_bytes));
    keep(b, px_program_map(b->program, PX_REGION_RO, 0x2000, PX_MAP_RO, pattern, sizeof pattern));
    keep(b, px_program_map(b->program, PX_REGION_TOP, 0x1000, PX_MAP_ZERO, NULL, 0));
}

unsigned builder_source(struct builder *b)
{
    uint64_t pick = prng_next(&b->prng);
    if (pick & 1)
        return b->favourites[(pick >> 1) & 3];
    return (pick >> 8) & 15;
}

unsigned builder_target(struct builder *b)
{
    unsigned rd;
    do {
        rd = builder_source(b);
    } while ((b->reserved >> rd) & 1);
    return rd;
}

void builder_emit(struct builder *b, struct px_insn insn)
{
    if (b->compress && prng_one_in(&b->prng, b->compress))
        (void)px_compress(&insn); /* keeps the wide form where there is no short one */
    keep(b, px_program_emit(b->program, &insn));
}

void builder_op(struct builder *b, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct px_insn insn = { .op = (uint8_t)op,
                            .len = 4,
                            .rd = (uint8_t)rd,
                            .rs1 = (uint8_t)rs1,
                            .rs2 = (uint8_t)rs2,
                            .imm = imm };
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

/* An instruction whose only effect is on registers; rejection keeps it uniform over them. */
static enum px_op any_alu_op(struct prng *prng)
{
    enum px_op op;
    do {
        op = 1 + prng_below(prng, PX_OP_COUNT - 1);
    } while (px_ops[op].effects != PX_EFF_NONE);
    return op;
}

static int32_t any_immediate(struct prng *prng, enum px_format format)
{
    switch (format) {
    case PX_FMT_I:
        return px_any_imm12(prng);
    case PX_FMT_SH6:
        return (int32_t)prng_below(prng, 64);
    case PX_FMT_SH5:
        return (int32_t)prng_below(prng, 32);
    case PX_FMT_U: {
        uint32_t pick = prng_below(prng, 8);
        uint32_t upper = pick == 0 ? 0 : pick == 1 ? 0x80000 : pick == 2 ? 0x7ffff : pick == 3 ? 0xfffff : (uint32_t)prng_next(prng);
        return (int32_t)(upper << 12);
    }
    default:
        return 0;
    }
}

void builder_alu(struct builder *b)
{
    enum px_op op = any_alu_op(&b->prng);
    enum px_format format = px_ops[op].format;
    unsigned has = px_format_regs[format];
    struct px_insn insn = { .op = (uint8_t)op, .len = 4, .imm = any_immediate(&b->prng, format) };
    if (has & PX_HAS_RD)
        insn.rd = (uint8_t)builder_target(b);
    if (has & PX_HAS_RS1)
        insn.rs1 = (uint8_t)builder_source(b);
    if (has & PX_HAS_RS2)
        insn.rs2 = (uint8_t)builder_source(b);
    builder_emit(b, insn);
}

uint32_t builder_here(const struct builder *b)
{
    return (uint32_t)b->program->code_size;
}

void builder_aim(struct builder *b, uint32_t at, uint32_t target)
{
    struct px_insn insn = px_decode(b->program->code, b->program->code_size, at);
    insn.imm = (int32_t)(target - at);
    keep(b, px_program_patch(b->program, at, &insn));
}
