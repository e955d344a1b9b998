/* What blocks cost, and what their gates let in. */
#include <stdio.h>
#include <string.h>

#include "harness/reduce.h"
#include "vm/blocks.h"

enum {
    COPIES_MAX = 9, /* more than a cycle takes, so that slots and latency both show */
    PRICE_MAX = 120, /* of a block that is to show the price of one instruction, not that of a long block */
};

#define HUGE_GAS (UINT64_C(1) << 63)

static const uint8_t kinds[] = { PX_OP_ADDI, PX_OP_SLL,  PX_OP_SLT,       PX_OP_ADDW, PX_OP_SLLW, PX_OP_MUL,
                                 PX_OP_MULW, PX_OP_MULH, PX_OP_DIV,       PX_OP_CLZ,  PX_OP_CTZ,  PX_OP_MIN,
                                 PX_OP_ANDN, PX_OP_XNOR, PX_OP_CZERO_EQZ, PX_OP_LUI };

static bool costs_otherwise(struct reduce *r, const struct situation *t, struct locate_trial *trial)
{
    return reduce_try(r, t, trial) && !trial->died && (trial->fields & DIFF_GAS);
}

/* What engine 0 charges for the block that @t begins with. */
static uint64_t price_of(struct reduce *r, const struct situation *t)
{
    struct px_image image;
    struct px_blocks blocks;
    uint64_t need = 0;
    if (!situation_write(r, t))
        return 0;
    px_program_image(&r->s->variant.program, &image);
    px_blocks_init(&blocks);
    r->status = px_blocks_sweep(&blocks, &image);
    if (r->status == PX_OK && blocks.block_count > 0)
        need = blocks.blocks[0].need;
    px_blocks_fini(&blocks);
    return need;
}

/* --- the price of one instruction --- */

static bool keep_price(struct reduce *r, const struct situation *t)
{
    struct locate_trial trial;
    if (!costs_otherwise(r, t, &trial))
        return false;
    r->now = *t;
    r->last = trial;
    return true;
}

/* The instruction at @step, so often that its price shows. False: it costs the same on both sides. */
static bool price_diverges(struct reduce *r, const struct trace_step *step)
{
    static const unsigned copies[] = { 1, 2, 3, 4, 5, COPIES_MAX };
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
        struct situation t = { .insn = step->insn, .copies = copies[i] };
        memcpy(t.rest, step->x, sizeof t.rest);
        if (price_of(r, &t) <= PRICE_MAX && keep_price(r, &t))
            return true;
    }
    return false;
}

/* Which other rows of the table of prices are wrong in the same registers. */
static size_t count_kinds(struct reduce *r)
{
    const struct px_op_info *own = &px_ops[r->now.insn.op];
    size_t count = 0;
    for (size_t i = 0; i < sizeof kinds; i++) {
        const struct px_op_info *info = &px_ops[kinds[i]];
        struct situation t = r->now;
        struct locate_trial trial;
        uint8_t *const roles[] = { &t.insn.rd, &t.insn.rs1, &t.insn.rs2 };
        bool diverges = false;
        t.insn.op = kinds[i];
        t.insn.imm = 0;
        for (unsigned role = 0; role < 3; role++)
            if (!(info->regs & (1u << role)))
                *roles[role] = 0;
            else if (!(own->regs & (1u << role)))
                *roles[role] = reduce_home[role];
        for (unsigned copies = t.copies; copies <= COPIES_MAX && !diverges; copies += COPIES_MAX - 1) {
            t.copies = copies;
            diverges = price_of(r, &t) <= PRICE_MAX && costs_otherwise(r, &t, &trial);
        }
        count += diverges && info->gas != own->gas;
    }
    return count;
}

/* In registers of our choice, equal ones or those in memory only where it takes them. True: any would do. */
static bool plain_registers(struct reduce *r)
{
    static const uint8_t choices[][3] = { { 14, 15, 5 },  { 14, 14, 5 }, { 14, 15, 14 }, { 14, 15, 15 },
                                          { 14, 14, 14 }, { 3, 15, 5 },  { 14, 3, 5 },   { 14, 15, 3 },
                                          { 3, 3, 5 },    { 3, 15, 3 },  { 14, 3, 3 },   { 3, 3, 3 },
                                          { 14, 15, 0 },  { 14, 0, 5 },  { 0, 15, 5 } };
    struct situation t = r->now;
    uint8_t regs = px_ops[t.insn.op].regs;
    uint8_t *const roles[] = { &t.insn.rd, &t.insn.rs1, &t.insn.rs2 };
    t.insn.rvc = PX_C_NONE;
    t.insn.len = 4;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        for (unsigned k = 0; k < 3; k++)
            *roles[k] = regs & (1u << k) ? choices[i][k] : 0;
        for (unsigned copies = 1; copies <= COPIES_MAX; copies += COPIES_MAX - 1) {
            t.copies = copies;
            if (price_of(r, &t) <= PRICE_MAX && keep_price(r, &t))
                return i == 0;
        }
    }
    return false;
}

/* --- the price of blocks --- */

void reduce_write_price(struct reduce *r, const char *op, const char *what)
{
    struct bucket *b = r->s->bucket;
    char conditions[sizeof b->operands];
    reduce_write(r, op);
    r->now.a = r->now.b = 1; /* values have no price */
    reduce_conditions(r, conditions, sizeof conditions);
    (void)snprintf(b->fields, sizeof b->fields, "gas");
    (void)snprintf(b->operands, sizeof b->operands, "%s%s%.60s", what, conditions[0] ? "," : "", conditions);
}

/* A sum that goes wrong whatever it is a sum of: additions, each waiting for the one before. */
static bool long_block(struct reduce *r)
{
    struct situation t = { .insn = { .op = PX_OP_ADDI, .len = 4, .rd = 14, .rs1 = 14, .imm = 1 },
                           .copies = 300 };
    return keep_price(r, &t);
}

/* Many rows of the table at once; with @x3 in registers that live in memory. */
static bool many_kinds(struct reduce *r, bool x3)
{
    size_t count = 0;
    struct situation first = { .copies = 0 };
    for (size_t i = 0; i < sizeof kinds; i++) {
        uint8_t regs = px_ops[kinds[i]].regs;
        struct situation t = { .insn = { .op = kinds[i], .len = 4, .rd = x3 ? 3 : 14, .rs1 = x3 ? 3 : 15 },
                               .copies = x3 ? 1 : COPIES_MAX };
        struct locate_trial trial;
        t.insn.rs1 = regs & PX_HAS_RS1 ? t.insn.rs1 : 0;
        t.insn.rs2 = regs & PX_HAS_RS2 ? 5 : 0;
        if (price_of(r, &t) > PRICE_MAX || !costs_otherwise(r, &t, &trial))
            continue;
        if (count++ == 0)
            first = t;
    }
    return count > 2 && keep_price(r, &first);
}

/* What one block leaves to the next: something slow, then something quick behind it. */
static bool next_block(struct reduce *r)
{
    struct situation t = { .insn = { .op = PX_OP_ADDI, .len = 4, .rd = 14, .rs1 = 15 }, .before_count = 2 };
    t.before[0] = (struct px_insn){ .op = PX_OP_DIV, .len = 4, .rd = 15, .rs1 = 15, .rs2 = 15 };
    t.before[1] = (struct px_insn){ .op = PX_OP_FALLTHROUGH, .len = 4 };
    t.copies = COPIES_MAX;
    return keep_price(r, &t);
}

/* The block at hand costs otherwise for no instruction of it alone: blocks of ours tell what is wrong. */
static void name_sum(struct reduce *r)
{
    r->now = (struct situation){ .insn = { .op = PX_OP_ADDI, .len = 4, .rd = 14, .rs1 = 15 } };
    if (long_block(r))
        reduce_write_price(r, "any", "long-block");
    else if (many_kinds(r, false) || many_kinds(r, true))
        reduce_write_price(r, "any", "price");
    else if (next_block(r))
        reduce_write_price(r, "any", "next-block");
    else
        reduce_write_price(r, "any", "sum");
}

/* One instruction costs otherwise, or all of a kind. */
static void name_price(struct reduce *r)
{
    bool plain = plain_registers(r), many = count_kinds(r) > 2;
    if (!plain && !many)
        many = many_kinds(r, false);
    reduce_write_price(r, many ? "any" : px_ops[r->now.insn.op].mnemonic, "price");
}

enum px_status reduce_price_of(struct search *s, const struct trace_step *step, bool *named)
{
    struct reduce r = { .s = s };
    *named = price_diverges(&r, step);
    if (*named)
        name_price(&r);
    return r.status;
}

/* Without memory every access faults at once: what differs then is what was charged when the block was entered. */
static bool charge_differs(struct reduce *r, const struct trace *trace, size_t end)
{
    struct px_program *p = &r->s->variant.program;
    const struct locate_trial *trial = &r->s->untried;
    static const struct px_insn halt = { .op = PX_OP_ECALLI, .len = 4 };
    locate_release(r->s, &r->s->variant);
    px_program_clear(p);
    p->gas = LOCATE_GAS_RAISE;
    memcpy(p->x, trace->steps[0].x, sizeof p->x);
    for (size_t i = 0; i < end && i < trace->count && r->status == PX_OK; i++) {
        const struct px_insn *insn = &trace->steps[i].insn;
        if (insn->op != PX_OP_ILLEGAL)
            r->status = px_program_emit(p, insn);
    }
    if (r->status == PX_OK)
        r->status = px_program_emit(p, &halt);
    if (r->status == PX_OK)
        r->status = locate_try(r->s, &trial);
    return r->status == PX_OK && trial->differs && !trial->died && (trial->fields & DIFF_GAS) &&
           !(trial->fields & DIFF_ARG); /* another address, which costs what it costs */
}

enum px_status reduce_price(struct search *s, const struct trace *trace, size_t end, bool *named,
                            size_t *index)
{
    struct reduce r = { .s = s };
    *named = false;
    for (size_t i = 0; i < end && i < trace->count && r.status == PX_OK; i++) {
        const struct px_insn *insn = &trace->steps[i].insn;
        unsigned effects = px_ops[insn->op].effects;
        if ((effects & PX_EFF_TERM) || insn->op == PX_OP_ILLEGAL || !price_diverges(&r, &trace->steps[i]))
            continue;
        *index = i;
        if (effects & (PX_EFF_LOAD | PX_EFF_STORE))
            return reduce_insn(s, trace, i, named);
        name_price(&r);
        *named = true;
        return r.status;
    }
    if (r.status != PX_OK || trace->count == 0 ||
        (!charge_differs(&r, trace, end) && !long_block(&r) && !next_block(&r)))
        return r.status;
    *index = end - 1;
    name_sum(&r);
    *named = true;
    return r.status;
}

enum px_status reduce_sum(struct search *s)
{
    struct reduce r = { .s = s };
    name_sum(&r);
    return r.status;
}

/* One block of each kind of reserve, at every gas that can make a difference. */
enum px_status reduce_gate(struct search *s, bool *named)
{
    static const uint8_t ops[] = { PX_OP_ADDI, PX_OP_LB, PX_OP_SB };
    static const char *const names[] = { "", "load", "store" };
    struct reduce r = { .s = s };
    *named = false;
    for (size_t i = 0; i < sizeof ops && r.status == PX_OK; i++) {
        struct situation t = { .insn = { .op = ops[i], .len = 4, .rd = 0, .rs1 = reduce_home[1] },
                               .placed = true };
        struct px_image image;
        struct px_blocks blocks;
        t.insn.rd = ops[i] == PX_OP_SB ? 0 : reduce_home[0];
        r.gas = 0;
        if (!situation_write(&r, &t))
            continue;
        px_program_image(&s->variant.program, &image);
        px_blocks_init(&blocks);
        r.status = px_blocks_sweep(&blocks, &image);
        uint64_t need = r.status == PX_OK ? blocks.blocks[0].need : 0;
        uint64_t total = r.status == PX_OK ? need + blocks.blocks[0].reserve : 0;
        px_blocks_fini(&blocks);
        const uint64_t gases[] = { total - 1, total, total + 1, need,     need - 1,
                                   0,         1,     total / 2, HUGE_GAS, UINT64_MAX };
        for (size_t k = 0; k < sizeof gases / sizeof gases[0] && r.status == PX_OK && !*named; k++) {
            r.gas = gases[k];
            if (gases[k] == 0 || !reduce_keep(&r, &t))
                continue;
            struct bucket *b = s->bucket;
            char exits[sizeof b->operands];
            reduce_write(&r, "gate");
            (void)snprintf(exits, sizeof exits, "%s", b->operands);
            const bool refused_a = r.last.exit_a == PX_EXIT_OUT_OF_GAS,
                       refused_b = r.last.exit_b == PX_EXIT_OUT_OF_GAS;
            (void)snprintf(b->operands, sizeof b->operands, "%s%s%s",
                           refused_a && refused_b ? "-"
                           : refused_a            ? "out_of_gas/none"
                           : refused_b            ? "none/out_of_gas"
                                                  : "-",
                           names[i][0] || gases[k] >= HUGE_GAS ? "," : "",
                           gases[k] >= HUGE_GAS ? "huge" : names[i]);
            *named = true;
        }
        if (*named)
            break;
    }
    return r.status;
}
