/* Instructions that go wrong only behind others: these, or any. */
#include <stdio.h>
#include <string.h>

#include "harness/reduce.h"

enum { PAIRS_ENOUGH = 2 }; /* other pairs: a bug in what they share */

/* What the second of a pair reads of what the first wrote. */
enum handed { HANDED_NONE, HANDED_RS1, HANDED_RS2 };

/* @insn in registers @rd, @rs1 and @rs2, as far as it names them. */
static struct px_insn in_registers(enum px_op op, uint8_t rd, uint8_t rs1, uint8_t rs2)
{
    const struct px_op_info *info = &px_ops[op];
    return (struct px_insn){ .op = (uint8_t)op,
                             .len = 4,
                             .rd = info->regs & PX_HAS_RD ? rd : 0,
                             .rs1 = info->regs & PX_HAS_RS1 ? rs1 : 0,
                             .rs2 = info->regs & PX_HAS_RS2 ? rs2 : 0,
                             .imm = reduce_has_operand(op) };
}

/* @first and @second in registers of our choice, and memory where the second goes if it is not to fault. */
static struct situation pair_of(enum px_op first, enum px_op second, enum handed handed, bool faults)
{
    struct situation t = { .before_count = 1, .placed = reduce_is_access(second) };
    t.region[0] = t.region[1] = faults ? REGION_NONE : REGION_ZERO;
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        t.rest[x] = UINT64_C(0x0101010101010101) * x;
    t.before[0] = in_registers(first, 14, 15, 5);
    t.insn = in_registers(second, 13, handed == HANDED_RS1 ? 14 : 12, handed == HANDED_RS2 ? 14 : 11);
    t.a = t.rest[t.insn.rs1];
    t.b = t.rest[t.insn.rs2];
    return t;
}

/* Pairs that are taken for one by the fused interpreter (vm/fused/sequences.def). */
static const struct {
    uint8_t first, second, handed;
} pairs[] = {
    { PX_OP_ADD, PX_OP_LD, HANDED_NONE },     { PX_OP_MUL, PX_OP_LD, HANDED_NONE },
    { PX_OP_XOR, PX_OP_LD, HANDED_NONE },     { PX_OP_ADDI, PX_OP_SD, HANDED_NONE },
    { PX_OP_ADD, PX_OP_ADD, HANDED_NONE },    { PX_OP_ADDI, PX_OP_ADDI, HANDED_NONE },
    { PX_OP_ADDI, PX_OP_XOR, HANDED_NONE },   { PX_OP_ADD, PX_OP_CZERO_EQZ, HANDED_NONE },
    { PX_OP_ADD, PX_OP_LBU, HANDED_RS1 },     { PX_OP_SH2ADD, PX_OP_LW, HANDED_RS1 },
    { PX_OP_SH3ADD, PX_OP_LD, HANDED_RS1 },   { PX_OP_XOR, PX_OP_ANDI, HANDED_RS1 },
    { PX_OP_XOR, PX_OP_RORI, HANDED_RS1 },    { PX_OP_MUL, PX_OP_SRLI, HANDED_RS1 },
    { PX_OP_ANDI, PX_OP_SH3ADD, HANDED_RS1 }, { PX_OP_RORIW, PX_OP_XOR, HANDED_RS2 },
    { PX_OP_ADD, PX_OP_SUB, HANDED_RS2 },     { PX_OP_SH1ADD, PX_OP_SH1ADD, HANDED_RS2 },
    { PX_OP_XOR, PX_OP_SD, HANDED_RS2 },
};

/* Pairs that hand on as @handed says, in registers of our choice. */
static bool any_pair_that(struct reduce *r, enum handed handed, bool faults)
{
    const struct px_insn *last = &r->now.before[r->now.before_count - 1];
    struct situation first;
    struct locate_trial trial, of_first;
    size_t others = 0;
    bool any = false;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const enum px_op a = (enum px_op)pairs[i].first, b = (enum px_op)pairs[i].second;
        if (pairs[i].handed != handed ||
            (faults ? !reduce_is_access(b) : reduce_is_access(b) && handed == HANDED_RS1))
            continue;
        struct situation t = pair_of(a, b, handed, faults);
        if (!reduce_try(r, &t, &trial))
            continue;
        others += a != last->op || b != r->now.insn.op;
        if (!any) {
            first = t;
            of_first = trial;
        }
        any = true;
    }
    if (others <= PAIRS_ENOUGH)
        return false;
    r->now = first;
    r->last = of_first;
    r->handed = handed;
    return true;
}

static enum handed handed_in(const struct situation *t)
{
    enum handed handed = HANDED_NONE;
    const uint8_t regs = px_ops[t->insn.op].regs;
    for (size_t i = 0; i < t->before_count; i++) {
        uint8_t rd = t->before[i].rd;
        if (rd != 0 && (regs & PX_HAS_RS2) && t->insn.rs2 == rd)
            handed = HANDED_RS2;
        else if (rd != 0 && (regs & PX_HAS_RS1) && t->insn.rs1 == rd)
            handed = HANDED_RS1;
    }
    return handed;
}

/* Pairs that hand nothing on, then such as hand on what this one does; they fault if it does, at least at first. */
static bool any_pair(struct reduce *r)
{
    const enum handed handed = handed_in(&r->now);
    bool faults = !r->last.died && r->last.exit_a == PX_EXIT_PAGE_FAULT;
    return any_pair_that(r, HANDED_NONE, faults) ||
           (handed != HANDED_NONE &&
            (any_pair_that(r, handed, faults) || (faults && any_pair_that(r, handed, false))));
}

/* Other pairs in the registers that were found. */
static bool any_pair_as_found(struct reduce *r)
{
    static const uint8_t also[][2] = {
        { PX_OP_RORIW, PX_OP_XOR }, { PX_OP_RORI, PX_OP_ADD },      { PX_OP_SRLIW, PX_OP_XOR },
        { PX_OP_ADD, PX_OP_SUB },   { PX_OP_SH1ADD, PX_OP_SH1ADD }, { PX_OP_ADD, PX_OP_ADD },
        { PX_OP_ADDI, PX_OP_ADDI }, { PX_OP_ADD, PX_OP_LD },        { PX_OP_XOR, PX_OP_LD },
        { PX_OP_MUL, PX_OP_LD },    { PX_OP_LD, PX_OP_LD },         { PX_OP_LBU, PX_OP_LD },
        { PX_OP_ADDI, PX_OP_SD },   { PX_OP_XOR, PX_OP_SD },        { PX_OP_SD, PX_OP_SD },
    };
    size_t last = r->now.before_count - 1, others = 0;
    struct situation first = r->now;
    struct locate_trial trial;
    first.insn = r->now.before[last];
    for (size_t i = 0; i < sizeof also / sizeof also[0]; i++) {
        struct situation t = reduce_with_op(&r->now, (enum px_op)also[i][1]);
        t.before[last] = reduce_with_op(&first, (enum px_op)also[i][0]).insn;
        others += (also[i][0] != first.insn.op || also[i][1] != r->now.insn.op) && reduce_try(r, &t, &trial);
    }
    return others > PAIRS_ENOUGH;
}

const char *reduce_name_sequence(struct reduce *r)
{
    size_t used = 0;
    if (any_pair(r) || any_pair_as_found(r))
        return "any+any";
    for (size_t i = 0; i <= r->now.before_count && used < sizeof r->name; i++) {
        const struct px_insn *insn = i < r->now.before_count ? &r->now.before[i] : &r->now.insn;
        used += (size_t)snprintf(r->name + used, sizeof r->name - used, "%s%s", i ? "+" : "",
                                 px_ops[insn->op].mnemonic);
    }
    return r->name;
}

void reduce_hand_on_condition(const struct reduce *r, char *text, size_t size)
{
    static const char *const words[] = { "", "rs1-from-before", "rs2-from-before" };
    (void)snprintf(text, size, "%s", words[r->handed]);
}
