/* Steps within one instruction. */
#include "generators/mutate_edit.h"

static bool names_register(const struct listing_item *item)
{
    return item->insn.op != PX_OP_ILLEGAL && px_ops[item->insn.op].regs != 0;
}

/* A branch or jal; what a jalr does is its register's affair. */
static bool is_aimed(const struct listing_item *item)
{
    const struct px_op_info *info = &px_ops[item->insn.op];
    return info->format == PX_FMT_BRANCH || info->format == PX_FMT_JAL;
}

static bool has_immediate(const struct listing_item *item)
{
    enum px_format format = px_ops[item->insn.op].format;
    bool without = format == PX_FMT_NONE || format == PX_FMT_R || format == PX_FMT_R1;
    return item->insn.op != PX_OP_ILLEGAL && !without && !is_aimed(item);
}

static bool is_legal(const struct listing_item *item)
{
    return item->insn.op != PX_OP_ILLEGAL;
}

static bool is_compressed(const struct listing_item *item)
{
    return item->insn.rvc != PX_C_NONE;
}

static bool may_compress(const struct listing_item *item)
{
    struct px_insn insn = item->insn;
    return insn.op != PX_OP_ILLEGAL && insn.rvc == PX_C_NONE && px_compress(&insn);
}

/* The first item from a random one on that @fits; the count when none does. */
static uint32_t find(struct mutator *m, bool (*fits)(const struct listing_item *item))
{
    uint32_t count = m->code.count, at = count ? prng_below(&m->prng, count) : 0;
    for (uint32_t i = 0; i < count; i++, at = at + 1 < count ? at + 1 : 0)
        if (fits(&m->code.items[at]))
            return at;
    return count;
}

/* Makes @insn item @index; a compressed one that does not fit its row becomes a 4-byte one when there is room. */
static bool install(struct mutator *m, uint32_t index, struct px_insn insn)
{
    struct listing_item *item = &m->code.items[index];
    uint32_t word;
    if (px_encode(&insn, &word) == 0 && insn.rvc != PX_C_NONE && mutate_room(m) >= 2) {
        insn.rvc = PX_C_NONE;
        insn.len = 4;
    }
    if (px_encode(&insn, &word) == 0)
        return false;
    item->insn = insn;
    return true;
}

/* Whether @b takes the operands of @a and does with them the same kind of thing. */
static bool same_class(unsigned a, unsigned b)
{
    const struct px_op_info *one = &px_ops[a], *other = &px_ops[b];
    return one->format == other->format &&
           (one->format == PX_FMT_NONE || ((one->effects ^ other->effects) & ~PX_EFF_W8) == 0);
}

bool mutate_op(struct mutator *m)
{
    uint32_t index = find(m, is_legal);
    if (index == m->code.count)
        return false;
    struct px_insn insn = m->code.items[index].insn;
    unsigned others[PX_OP_COUNT], count = 0;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++)
        if (op != insn.op && same_class(op, insn.op))
            others[count++] = op;
    if (count == 0)
        return false;
    insn.op = (uint8_t)others[prng_below(&m->prng, count)];
    return install(m, index, insn);
}

/* One operand of @insn that its format names; NULL never: names_register holds. */
static uint8_t *any_operand(struct mutator *m, struct px_insn *insn)
{
    unsigned has = px_ops[insn->op].regs;
    uint8_t *operands[3] = { NULL };
    uint32_t count = 0;
    if (has & PX_HAS_RD)
        operands[count++] = &insn->rd;
    if (has & PX_HAS_RS1)
        operands[count++] = &insn->rs1;
    if (has & PX_HAS_RS2)
        operands[count++] = &insn->rs2;
    return operands[prng_below(&m->prng, count)];
}

bool mutate_register(struct mutator *m)
{
    static const uint8_t special[] = { 0, 3, 4,
                                       12 }; /* no register, those in the context, that in host rcx */
    uint32_t index = find(m, names_register);
    if (index == m->code.count)
        return false;
    struct px_insn insn = m->code.items[index].insn;
    uint8_t *operand = any_operand(m, &insn), old = *operand, base = insn.rs1;
    uint32_t pick = prng_below(&m->prng, 8);
    if (pick < 2)
        *operand = special[prng_next(&m->prng) >> 62];
    else if (pick < 4)
        *operand = *any_operand(m, &insn);
    else
        *operand = (uint8_t)mutate_draw_register(m, index);
    if (*operand == old || !install(m, index, insn))
        return false;
    if (insn.rs1 != base && m->code.items[index].base != LISTING_NOWHERE)
        mutate_detach(m, index);
    return true;
}

bool mutate_immediate(struct mutator *m)
{
    uint32_t index = find(m, has_immediate);
    if (index == m->code.count)
        return false;
    struct px_insn insn = m->code.items[index].insn;
    int32_t old = insn.imm;
    uint32_t pick = prng_below(&m->prng, 4), bits = insn.op == PX_OP_LUI || insn.op == PX_OP_AUIPC ? 12 : 0;
    int32_t step = (int32_t)(1u << (bits + prng_below(&m->prng, 8)));
    if (pick == 0) /* near what it was */
        insn.imm = (int32_t)((uint32_t)insn.imm + (uint32_t)(prng_one_in(&m->prng, 2) ? step : -step));
    else
        insn.imm = mutate_draw_immediate(m, insn.op);
    if (insn.imm == old || !install(m, index, insn))
        return false;
    mutate_detach(m, index);
    return true;
}

/* A block start that item @index does not lead to; made where there is none. The count: there is no room for one. */
static uint32_t other_start(struct mutator *m, uint32_t *index)
{
    struct listing *code = &m->code;
    for (unsigned tries = 0; tries < 4; tries++) {
        uint32_t start = mutate_draw_start(m);
        if (start != code->items[*index].target)
            return start;
    }
    uint32_t at = prng_below(&m->prng, code->count);
    if (mutate_room(m) < 4 || (m->status = listing_open(code, at, 1)) != PX_OK)
        return code->count;
    code->items[at].insn = (struct px_insn){ .op = PX_OP_FALLTHROUGH, .len = 4 };
    *index += *index >= at;
    return at + 1;
}

bool mutate_retarget(struct mutator *m)
{
    uint32_t index = find(m, is_aimed);
    if (index == m->code.count)
        return false;
    uint32_t start = other_start(m, &index);
    if (start == m->code.count)
        return false;
    m->code.items[index].target = start;
    return true;
}

/* Whether no instruction is @imm bytes from item @index: outside the code, or inside the item itself. */
static bool leads_astray(const struct listing *code, uint32_t index, int32_t imm)
{
    int64_t offset = 0;
    for (uint32_t i = 0; i < index; i++)
        offset += code->items[i].insn.len;
    int64_t target = offset + imm;
    return target < 0 || target >= (int64_t)listing_size(code) ||
           (imm == 2 && code->items[index].insn.len == 4);
}

bool mutate_mistarget(struct mutator *m)
{
    static const int32_t astray[] = { 2, 2, 2, 0xffe, -0x1000, 0x100, -0x100, 0xffffe };
    uint32_t index = find(m, is_aimed), count = m->code.count;
    if (index == count)
        return false;
    struct listing_item *item = &m->code.items[index];
    if (prng_one_in(&m->prng, 2)) {
        uint32_t at = prng_below(&m->prng, count);
        if (at == item->target || listing_is_start(&m->code, at))
            return false;
        item->target = at;
        return true;
    }
    struct px_insn insn = item->insn;
    insn.imm = astray[prng_next(&m->prng) >> 61];
    if ((insn.imm == item->insn.imm && item->target == LISTING_NOWHERE) || !install(m, index, insn) ||
        !leads_astray(&m->code, index, insn.imm))
        return false;
    mutate_detach(m, index);
    return true;
}

bool mutate_compress(struct mutator *m)
{
    uint32_t index = find(m, may_compress);
    return index != m->code.count && px_compress(&m->code.items[index].insn);
}

bool mutate_expand(struct mutator *m)
{
    uint32_t index = find(m, is_compressed);
    if (index == m->code.count || mutate_room(m) < 2)
        return false;
    struct px_insn *insn = &m->code.items[index].insn;
    insn->rvc = PX_C_NONE;
    insn->len = 4;
    return true;
}

bool mutate_flip(struct mutator *m)
{
    uint32_t whole = listing_whole(&m->code);
    if (whole == 0)
        return false;
    uint32_t index = prng_below(&m->prng, whole);
    struct listing_item *item = &m->code.items[index];
    if (item->insn.op != PX_OP_ILLEGAL && px_encode(&item->insn, &item->word) == 0)
        return false;
    uint32_t word = item->word ^ 1u << prng_below(&m->prng, 8 * item->insn.len);
    struct px_insn insn = px_decode_word(word);
    if (insn.len != item->insn.len) /* the instructions behind it would be others, too */
        return false;
    item->insn = insn;
    item->word = word;
    mutate_detach(m, index);
    return true;
}
