/* What it is about an instruction: operands, price, the bytes it meets. */
#include "harness/locate_search.h"

#include <stdio.h>
#include <string.h>

/* Does the instruction alone diverge with these operands? */
static enum px_status try_operands(struct search *s, uint64_t number, const struct px_insn *insn,
                                   const uint64_t *x, struct verdict *v)
{
    static const struct px_insn stop = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    struct px_program *p = &s->variant.program;
    locate_release(s, &s->variant);
    px_program_clear(p);
    p->gas = LOCATE_GAS_RAISE;
    memcpy(p->x, x, sizeof p->x);
    enum px_status status = px_program_emit(p, insn);
    if (status == PX_OK)
        status = px_program_emit(p, &stop);
    *v = (struct verdict){ .differs = false };
    return status == PX_OK ? locate_look(s, &s->variant, STAGE_OPERANDS, number, 1, v) : status;
}

/* A register that @insn does not name. */
static uint8_t unnamed_register(const struct px_insn *insn)
{
    uint8_t x = 5;
    while (x == insn->rd || x == insn->rs1 || x == insn->rs2)
        x++;
    return x;
}

/* @insn with room for any operand: a source that is x0, or with @apart the same as the first, gets a register of its own. */
static struct px_insn with_free_sources(struct px_insn insn, bool apart)
{
    uint8_t regs = px_ops[insn.op].regs;
    insn.rvc = PX_C_NONE;
    insn.len = 4;
    if ((regs & PX_HAS_RS1) && insn.rs1 == 0)
        insn.rs1 = unnamed_register(&insn);
    if ((regs & PX_HAS_RS2) && (insn.rs2 == 0 || (apart && insn.rs2 == insn.rs1)))
        insn.rs2 = unnamed_register(&insn);
    return insn;
}

/* *found: with operands that are no special case it diverges too. @number is that of the first run. */
static enum px_status try_harmless(struct search *s, uint64_t number, const struct px_insn *insn, bool *found)
{
    static const uint64_t first[] = { UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
                                      UINT64_C(0x00000000deadbeef) };
    static const uint64_t second[] = { 7, 19, 3, 30, 35, 60 };
    enum { FIRSTS = sizeof first / sizeof first[0] + 1, SECONDS = sizeof second / sizeof second[0] };
    const struct bucket *b = s->bucket;
    enum px_status status = PX_OK;
    *found = false;
    for (uint64_t i = 0; i < (uint64_t)FIRSTS * SECONDS && status == PX_OK && !*found; i++) {
        uint64_t x[PX_REG_COUNT];
        struct verdict v = { .died = false };
        memcpy(x, b->x, sizeof x);
        x[insn->rs1] = i / SECONDS == 0 ? b->x[b->insn.rs1] : first[i / SECONDS - 1];
        if (px_ops[insn->op].regs & PX_HAS_RS2)
            x[insn->rs2] = second[i % SECONDS];
        if (bucket_special((enum px_op)insn->op, x[insn->rs1], x[insn->rs2]))
            continue;
        status = try_operands(s, number + i, insn, x, &v);
        *found = status == PX_OK && v.differs;
    }
    return status;
}

/*
 * A special case names the bucket only if it takes that case to diverge: no operand beside it does, whether
 * with its own companion or with another, in the same registers or in two.
 */
static enum px_status find_operands(struct search *s)
{
    struct bucket *b = s->bucket;
    const char *special = bucket_special((enum px_op)b->insn.op, b->x[b->insn.rs1], b->x[b->insn.rs2]);
    struct verdict v = { .died = false };
    bool found = false;
    if (!special || !b->x_known)
        return PX_OK;
    enum px_status status = try_operands(s, 0, &b->insn, b->x, &v);
    if (status != PX_OK || !v.differs)
        return status;
    for (unsigned apart = 0; apart < 2 && status == PX_OK && !found; apart++) {
        const struct px_insn insn = with_free_sources(b->insn, apart);
        status = try_harmless(s, 1 + (uint64_t)apart * 100, &insn, &found);
    }
    if (status == PX_OK && !found)
        (void)snprintf(b->operands, sizeof b->operands, "%s", special);
    return status;
}

/* What the access of the located instruction finds, which the minimizer puts into its memory. */
static enum px_status find_bytes(struct search *s, size_t agreed)
{
    struct bucket *b = s->bucket;
    unsigned effects = px_ops[b->insn.op].effects;
    const struct engine *e = &s->l->run->engines[0];
    struct verdict v = { .died = false };
    uint8_t scratch[PX_PAGE_SIZE];
    if (!(effects & (PX_EFF_LOAD | PX_EFF_STORE)) || !b->x_known)
        return PX_OK;
    enum px_status status = PX_OK;
    if (agreed > 0)
        status = locate_after_insns(s, agreed, &v);
    else if (s->block > 1)
        status = locate_look_before(s);
    else
        return PX_OK; /* nothing has run: memory is as the program says */
    b->address = (uint32_t)(b->x[b->insn.rs1] + (uint64_t)(int64_t)b->insn.imm);
    size_t width = (size_t)1 << PX_EFF_WIDTH_LOG2(effects);
    for (size_t i = 0; i < width && status == PX_OK; i++) {
        uint32_t at = b->address + (uint32_t)i;
        const uint8_t *bytes;
        status = e->ops->read_page(e->instance, at >> PX_PAGE_BITS, scratch, &bytes);
        if (status == PX_OK)
            b->bytes[i] = bytes[at % PX_PAGE_SIZE];
    }
    if (status == PX_OK)
        b->bytes_known = width;
    return status;
}

/*
 * A wrong price shows in the block's gas only where it makes the sum larger, often behind some other instruction. So each
 * is asked alone, in a block full of it.
 */
static enum px_status find_price(struct search *s, size_t keep)
{
    static const struct px_insn stop = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    struct bucket *b = s->bucket;
    const struct px_program *from = &s->whole.program;
    struct px_program *p = &s->variant.program;
    enum px_status status = PX_OK;
    for (size_t i = 0; i < keep && status == PX_OK; i++) {
        struct px_insn insn = px_decode(from->code, from->code_size, s->offsets[i]);
        struct verdict v = { .died = false };
        if ((px_ops[insn.op].effects & PX_EFF_TERM) || insn.op == PX_OP_ILLEGAL)
            continue;
        locate_release(s, &s->variant);
        px_program_clear(p);
        p->gas = LOCATE_GAS_RAISE;
        for (int copy = 0; copy < LOCATE_PRICE_COPIES && status == PX_OK; copy++)
            status = px_program_emit(p, &insn);
        if (status == PX_OK)
            status = px_program_emit(p, &stop);
        if (status == PX_OK)
            status = locate_look(s, &s->variant, STAGE_PRICE, i, 1, &v);
        if (status != PX_OK || v.died || !(v.finding.diff.fields & DIFF_GAS))
            continue;
        b->pc = s->offsets[i];
        b->number = i + 1;
        b->insn = insn;
        b->x_known = false; /* those of the place where it showed are of no use */
        (void)snprintf(b->op, sizeof b->op, "%s", px_ops[insn.op].mnemonic);
        (void)snprintf(b->operands, sizeof b->operands, "price");
        break;
    }
    return status;
}

enum px_status locate_find_cause(struct search *s, size_t keep)
{
    const struct bucket *b = s->bucket;
    enum px_status status = find_bytes(s, keep - 1);
    if (status != PX_OK)
        return status;
    if (strcmp(b->fields, "gas") == 0)
        return find_price(s, keep);
    return strcmp(b->operands, "-") == 0 ? find_operands(s) : PX_OK;
}
