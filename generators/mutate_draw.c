#include "generators/mutate_edit.h"

#include "generators/operands.h"

uint32_t mutate_draw_few(struct mutator *m, uint32_t max)
{
    uint32_t few = 1 + (uint32_t)__builtin_ctzll(prng_next(&m->prng) | UINT64_C(1) << 63);
    return few < max ? few : max;
}

/* What item @index reads or writes, a register of it at random. */
static unsigned register_of(struct mutator *m, uint32_t index)
{
    const struct px_insn *insn = &m->code.items[index].insn;
    const uint8_t registers[] = { insn->rd, insn->rs1, insn->rs2, insn->rd };
    return registers[prng_next(&m->prng) >> 62];
}

unsigned mutate_draw_register(struct mutator *m, uint32_t index)
{
    enum { NEAR = 6 };
    uint32_t pick = prng_below(&m->prng, 4 * (2 * NEAR + 1)), near = index + pick % (2 * NEAR + 1);
    if (pick / (2 * NEAR + 1) == 0 || near < NEAR || near - NEAR >= m->code.count)
        return prng_below(&m->prng, PX_REG_COUNT);
    return register_of(m, near - NEAR);
}

static int32_t draw_upper(struct mutator *m)
{
    static const uint32_t uppers[] = {
        0, 1, 0x80000, 0x7ffff, 0xfffff, PX_REGION_ZERO >> 12, PX_CODE_BASE >> 12
    };
    uint32_t pick = prng_below(&m->prng, 12);
    bool any = pick >= sizeof uppers / sizeof uppers[0];
    return (int32_t)((any ? (uint32_t)prng_next(&m->prng) : uppers[pick]) << 12);
}

static int32_t draw_selector(struct mutator *m)
{
    static const int32_t selectors[] = { PX_HOSTCALL_POW, PX_HOSTCALL_FILL, PX_HOSTCALL_HASH, 0, -1, 4,
                                         524287,          -524288 };
    uint32_t pick = prng_below(&m->prng, 32);
    if (pick < 24) /* those that go on */
        return selectors[pick % 3];
    return selectors[pick - 24];
}

int32_t mutate_draw_immediate(struct mutator *m, enum px_op op)
{
    static const uint8_t shifts[] = { 0, 1, 7, 8, 15, 16, 31, 32, 33, 47, 48, 62, 63 };
    uint32_t shift = prng_below(&m->prng, 2 * sizeof shifts);
    switch ((enum px_format)px_ops[op].format) {
    case PX_FMT_I:
    case PX_FMT_LOAD:
    case PX_FMT_STORE:
    case PX_FMT_JALR:
        return px_any_imm12(&m->prng);
    case PX_FMT_SH6:
        return shift < sizeof shifts ? shifts[shift] : (int32_t)prng_below(&m->prng, 64);
    case PX_FMT_SH5:
        return shift < sizeof shifts ? shifts[shift] & 31 : (int32_t)prng_below(&m->prng, 32);
    case PX_FMT_BRANCH:
    case PX_FMT_JAL:
        return 2 * px_any_imm12(&m->prng);
    case PX_FMT_U:
        return draw_upper(m);
    case PX_FMT_FENCE:
        return (int32_t)(prng_next(&m->prng) & 0x3fffff);
    case PX_FMT_ECALLI:
        return draw_selector(m);
    case PX_FMT_NONE:
    case PX_FMT_R:
    case PX_FMT_R1:
    case PX_FMT_COUNT:
        break;
    }
    return 0;
}

uint64_t mutate_draw_value(struct mutator *m)
{
    static const int8_t near[] = { 0, 0, 0, 0, -1, 1, -4, -7, -8, 4, 7, 8, 16, 64, -64, 100 };
    const struct px_program *program = m->program;
    uint64_t pick = prng_next(&m->prng), edge;
    if (pick & 3)
        return px_any_value(&m->prng);
    if (program->map_count == 0 || (pick >> 2 & 7) == 0) {
        edge = PX_CODE_BASE + (pick >> 8) % (program->code_size + 1);
    } else {
        const struct px_program_map *map = &program->maps[(pick >> 8) % program->map_count];
        edge =
            map->start + (pick >> 5 & 1 ? (pick >> 16) % (map->size / PX_PAGE_SIZE + 1) * PX_PAGE_SIZE : 0);
    }
    return edge + (uint64_t)(int64_t)near[pick >> 60];
}

uint32_t mutate_draw_start(struct mutator *m)
{
    uint32_t count = m->code.count, at = count ? prng_below(&m->prng, count) : 0;
    for (uint32_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0)
        if (listing_is_start(&m->code, at))
            return at;
    return count;
}

/* Any op, seldom one that ends the program. */
static enum px_op draw_op(struct mutator *m)
{
    for (;;) {
        enum px_op op = (enum px_op)(1 + prng_below(&m->prng, PX_OP_COUNT - 1));
        bool ends = px_ops[op].format == PX_FMT_NONE && op != PX_OP_FALLTHROUGH, jumps = op == PX_OP_JALR;
        if ((!ends && !jumps) || prng_one_in(&m->prng, 8))
            return op;
    }
}

struct listing_item mutate_draw_item(struct mutator *m, uint32_t index)
{
    enum px_op op = draw_op(m);
    unsigned has = px_ops[op].regs;
    struct listing_item item = { .insn = { .op = (uint8_t)op, .len = 4 },
                                 .target = LISTING_NOWHERE,
                                 .base = LISTING_NOWHERE };
    if (has & PX_HAS_RD)
        item.insn.rd = (uint8_t)mutate_draw_register(m, index);
    if (has & PX_HAS_RS1)
        item.insn.rs1 = (uint8_t)mutate_draw_register(m, index);
    if (has & PX_HAS_RS2)
        item.insn.rs2 = (uint8_t)mutate_draw_register(m, index);
    item.insn.imm = mutate_draw_immediate(m, op);
    if (px_ops[op].format != PX_FMT_BRANCH && px_ops[op].format != PX_FMT_JAL)
        return item;
    item.target = mutate_draw_start(m);
    if (item.target <= index &&
        !prng_one_in(&m->prng, 4)) /* once more: most loops made so end with the gas */
        item.target = mutate_draw_start(m);
    return item;
}

size_t mutate_room(const struct mutator *m)
{
    size_t size = listing_size(&m->code), max = mutate_code_max(m);
    return size < max ? max - size : 0;
}
