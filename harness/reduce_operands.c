/* Registers and operands that do not matter become those of our choice. */
#include "harness/reduce.h"

/* x14, x15 and x5: none of them needs an encoding of its own on x86-64, as r12, r13, rsp and rbp do. */
const uint8_t reduce_home[3] = { 14, 15, 5 };

/* A 4-byte form where the instruction was compressed. */
static void expand(struct reduce *r)
{
    struct situation t = r->now;
    t.insn.rvc = PX_C_NONE;
    t.insn.len = 4;
    if (r->now.insn.rvc != PX_C_NONE)
        (void)reduce_keep(r, &t);
}

/*
 * Registers to try, from those that need least: every role its own, some of them equal, one in memory, some of them equal
 * there, x0, one after the other, those that were found.
 */
enum { D = 14, A = 15, B = 5, EACH = 254, FOUND = 255 };

static const uint8_t choices[][3] = {
    { D, A, B },         { D, D, B },    { D, A, D },    { D, A, A },         { D, D, D },
    { 3, A, B },         { D, 3, B },    { D, A, 3 },    { 3, 3, B },         { 3, A, 3 },
    { D, 3, 3 },         { 3, 3, 3 },    { D, 3, 4 },    { 3, 4, B },         { 3, A, 4 },
    { 3, 4, 4 },         { D, 0, B },    { D, A, 0 },    { 0, A, B },         { D, 0, 0 },
    { EACH, A, B },      { D, EACH, B }, { D, A, EACH }, { FOUND, FOUND, B }, { FOUND, A, FOUND },
    { D, FOUND, FOUND },
};

/* Row @row of the choices, with @each and what was found filled in. */
static bool keep_choice(struct reduce *r, size_t row, uint8_t each, const uint8_t found[3])
{
    struct situation t = r->now;
    uint8_t *const roles[] = { &t.insn.rd, &t.insn.rs1, &t.insn.rs2 };
    for (unsigned k = 0; k < 3; k++) {
        uint8_t choice = choices[row][k];
        if (px_ops[t.insn.op].regs & (1u << k))
            *roles[k] = choice == FOUND ? found[k] : choice == EACH ? each : choice;
    }
    if (t.insn.rs1 == t.insn.rs2)
        t.b = t.a;
    return reduce_keep(r, &t);
}

static bool is_each(size_t row)
{
    return choices[row][0] == EACH || choices[row][1] == EACH || choices[row][2] == EACH;
}

void reduce_registers(struct reduce *r)
{
    const uint8_t found[] = { r->now.insn.rd, r->now.insn.rs1, r->now.insn.rs2 };
    expand(r);
    if (r->now.like.len && reduce_like_registers(r))
        return;
    for (size_t row = 0; row < sizeof choices / sizeof choices[0] && r->status == PX_OK; row++)
        for (uint8_t each = 1; each < (is_each(row) ? PX_REG_COUNT : 2) && r->status == PX_OK; each++)
            if (keep_choice(r, row, each, found))
                return;
}

static const uint64_t plain_a[] = {
    1,
    UINT64_MAX,
    UINT64_C(0x0123456789abcdef),
    UINT64_C(0x80000000),
    UINT64_C(1) << 63,
    UINT64_C(0xffffffff),
    UINT64_C(1) << 32,
    UINT64_C(0xfedcba9876543210),
    UINT64_C(0xffffffff80000000),
    0,
};
static const uint64_t plain_b[] = {
    1,
    7,
    35,
    60,
    UINT64_MAX,
    UINT64_C(0x0123456789abcdef),
    UINT64_C(0x80000000),
    UINT64_C(1) << 63,
    UINT64_C(1) << 32,
    UINT64_C(0xffffffff),
    0,
};

bool reduce_plain_pair(size_t index, uint64_t *a, uint64_t *b)
{
    enum { FIRST = sizeof plain_a / sizeof plain_a[0], SECOND = sizeof plain_b / sizeof plain_b[0] };
    if (index >= (size_t)FIRST * SECOND)
        return false;
    *a = plain_a[index / SECOND];
    *b = plain_b[index % SECOND];
    return true;
}

/* An immediate takes the place of the second operand. */
static bool set_pair(struct situation *t, uint64_t a, uint64_t b)
{
    const struct px_op_info *info = &px_ops[t->insn.op];
    bool immediate = reduce_has_operand((enum px_op)t->insn.op);
    uint32_t word;
    t->a = t->insn.rs1 == 0 ? 0 : a;
    t->b = t->insn.rs2 == 0 ? 0 : b;
    if (t->insn.rs1 == t->insn.rs2 && (info->regs & PX_HAS_RS1) && (info->regs & PX_HAS_RS2))
        t->b = t->a;
    if (immediate)
        t->insn.imm = (int32_t)b;
    if (info->format == PX_FMT_U)
        t->insn.imm = (int32_t)((uint32_t)a & 0xfffff000);
    return !immediate || px_encode(&t->insn, &word) != 0;
}

/* Special cases only when nothing else shows it. */
void reduce_operands(struct reduce *r)
{
    unsigned effects = px_ops[r->now.insn.op].effects;
    if (effects & (PX_EFF_LOAD | PX_EFF_STORE | PX_EFF_CALL))
        return;
    for (int special = 0; special < 2; special++) {
        uint64_t a, b;
        for (size_t i = 0; reduce_plain_pair(i, &a, &b); i++) {
            struct situation t = r->now;
            if (!set_pair(&t, a, b) || (bucket_special((enum px_op)t.insn.op, t.a, t.b) != NULL) != special)
                continue;
            if (reduce_keep(r, &t) || r->status != PX_OK)
                return;
        }
    }
}
