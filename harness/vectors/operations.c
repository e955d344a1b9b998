/* Operations on registers x boundary operands x aliasing; and all those without a register. */
#include "generators/operands.h"
#include "harness/vectors/maker.h"

static const int32_t uppers[] = { 0, 1, 2, 0x7ffff, -0x80000, -1, 0x12345, -0x3ff, 0x400, -0x400 };
/* What stands for all immediates and shift amounts where registers coincide. */
static const int32_t few_imms[] = { 0, 1, -1, 0x555, 2047, -2048 };
static const int32_t few_amounts[] = { 0, 1, 7, 31, 32, 63 };
/* 1 to 3 go on: the oracle is asked all the same, in case it has learned about them. */
static const int32_t selectors[] = { 1,      2,       3,      0,       4,      5,       -1,       -2,
                                     524287, -524288, 131071, -131073, 131072, 0x155aa, -0x155ab, 1024 };

enum {
    UPPERS = sizeof uppers / sizeof uppers[0],
    FEW_IMMS = sizeof few_imms / sizeof few_imms[0],
    FEW_AMOUNTS = sizeof few_amounts / sizeof few_amounts[0],
    SELECTORS = sizeof selectors / sizeof selectors[0],
    PARTNERS = 3, /* of each operand, where registers coincide */
    FEW_VALUES = 6,
    FENCES = 8,
};

static void begin(struct maker *m, enum px_op op, const struct maker_regs *r, int32_t imm)
{
    unsigned has = px_ops[op].regs;
    maker_begin(m);
    maker_op(m, op, has & PX_HAS_RD ? r->rd : 0, has & PX_HAS_RS1 ? r->rs1 : 0, has & PX_HAS_RS2 ? r->rs2 : 0,
             imm);
    maker_halt(m, 0);
    maker_record(m);
}

static void pair(struct maker *m, const struct maker_regs *r, size_t a, size_t b)
{
    maker_seed(m, r->rs1, px_values[a % px_value_count]);
    maker_seed(m, r->rs2, px_values[b % px_value_count]);
    maker_case(m);
}

/* All pairs where all registers differ, else each value with a few others. */
static void make_pairs(struct maker *m, const struct maker_regs *r, unsigned alias)
{
    bool one = r->rs1 == r->rs2 || r->rs1 == 0 || r->rs2 == 0;
    size_t partners = alias == 0 ? px_value_count : one ? 1 : PARTNERS;
    for (size_t a = 0; a < px_value_count; a++)
        for (size_t k = 0; k < partners; k++)
            pair(m, r, a, alias == 0 ? k : one ? a : a * 5 + k * 15 + (size_t)alias * 3);
}

/* One operand: all values where registers differ, else a few that change with @turn. */
static void make_values(struct maker *m, const struct maker_regs *r, size_t count, size_t turn)
{
    for (size_t i = 0; i < count; i++) {
        maker_seed(m, r->rs1, px_values[(count == px_value_count ? i : i * 7 + turn) % px_value_count]);
        maker_case(m);
    }
}

static void make_immediates(struct maker *m, enum px_op op, const struct maker_regs *r, unsigned alias)
{
    size_t amounts = px_ops[op].format == PX_FMT_SH6 ? 64 : 32;
    size_t all = px_ops[op].format == PX_FMT_I ? px_imm12_count : amounts;
    size_t few = px_ops[op].format == PX_FMT_I ? (size_t)FEW_IMMS : (size_t)FEW_AMOUNTS;
    const int32_t *some = px_ops[op].format == PX_FMT_I ? few_imms : few_amounts;
    for (size_t i = 0; i < (alias == 0 ? all : few); i++) {
        int32_t imm = alias == 0 ? (px_ops[op].format == PX_FMT_I ? px_imm12s[i] : (int32_t)i) : some[i];
        if (px_ops[op].format != PX_FMT_I && (size_t)imm >= amounts)
            continue;
        begin(m, op, r, imm);
        make_values(m, r, alias == 0 ? px_value_count : FEW_VALUES, i + alias);
    }
}

static void make_aliased(struct maker *m, enum px_op op, const struct maker_regs *r, unsigned alias)
{
    switch ((enum px_format)px_ops[op].format) {
    case PX_FMT_R:
        begin(m, op, r, 0);
        make_pairs(m, r, alias);
        break;
    case PX_FMT_R1:
        begin(m, op, r, 0);
        make_values(m, r, px_value_count, 0);
        break;
    case PX_FMT_U:
        for (size_t i = 0; i < UPPERS; i++) {
            begin(m, op, r, (int32_t)((uint32_t)uppers[i] << 12));
            maker_case(m);
        }
        break;
    default:
        make_immediates(m, op, r, alias);
    }
}

/* A few values in other registers: whatever stands for one of them must be able to. */
static void make_turn(struct maker *m, enum px_op op, unsigned turn)
{
    const struct maker_regs r = maker_turn(turn);
    enum px_format format = (enum px_format)px_ops[op].format;
    int32_t imm = format == PX_FMT_I   ? few_imms[turn % FEW_IMMS]
                  : format == PX_FMT_U ? (int32_t)((uint32_t)uppers[turn % UPPERS] << 12)
                  : format == PX_FMT_R || format == PX_FMT_R1 ? 0
                                                              : few_amounts[turn % 4];
    begin(m, op, &r, imm);
    for (size_t k = 0; k < FEW_VALUES; k++)
        pair(m, &r, 7 * k + turn, 11 * k + (size_t)3 * turn);
}

/* What has no register: one case for each immediate, and what follows shows whether it goes on. */
static void make_plain(struct maker *m, enum px_op op)
{
    size_t count = op == PX_OP_ECALLI ? SELECTORS : px_ops[op].format == PX_FMT_FENCE ? FENCES : 1;
    for (size_t i = 0; i < count; i++) {
        int32_t imm = px_ops[op].format == PX_FMT_FENCE ? (int32_t)(i * 0x92493 & 0x3fffff) : 0;
        maker_begin(m);
        maker_op(m, op, 0, 0, 0, op == PX_OP_ECALLI ? selectors[i] : imm);
        maker_op(m, PX_OP_ADDI, 5, 5, 0, 1);
        maker_halt(m, 9);
        maker_record(m);
        maker_case(m);
    }
}

void maker_make_op(struct maker *m, enum px_op op)
{
    if (px_ops[op].regs == 0) {
        make_plain(m, op);
        return;
    }
    for (unsigned alias = 0; alias < MAKER_ALIASES; alias++)
        if (!maker_alias_is_double(alias, px_ops[op].regs))
            make_aliased(m, op, &maker_aliases[alias], alias);
    for (unsigned turn = 0; turn < MAKER_TURNS; turn++)
        make_turn(m, op, turn);
}
