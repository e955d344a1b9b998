/* Is it the instruction, its group, or any instruction in this situation? */
#include <stdio.h>
#include <string.h>

#include "harness/reduce.h"

enum { ENOUGH = 2 }; /* others of a group, or its only other: a bug in what they share */

static bool named(enum px_op op, unsigned number)
{
    return px_ops[op].regs & (1u << number);
}

static bool is_jump(enum px_op op)
{
    return px_ops[op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
}

/* The operands of @t belong to the special case @special of another instruction: those of its own. */
static void specialize(struct situation *t, const char *special)
{
    const char *own = bucket_special((enum px_op)t->insn.op, t->a, t->b);
    if (!special || (own && strcmp(own, special) == 0))
        return;
    uint64_t a, b;
    for (size_t i = 0; reduce_plain_pair(i, &a, &b); i++) {
        own = bucket_special((enum px_op)t->insn.op, a, b);
        if (own && strcmp(own, special) == 0) {
            t->a = a;
            t->b = b;
            return;
        }
    }
}

/* The compressed form of a jump @insn without a link; it stays as it is where there is none. */
static void compress_jump(struct px_insn *insn)
{
    static const uint8_t forms[PX_OP_COUNT] = {
        [PX_OP_BEQ] = PX_C_BEQZ, [PX_OP_BNE] = PX_C_BNEZ, [PX_OP_JAL] = PX_C_J, [PX_OP_JALR] = PX_C_JR
    };
    if (forms[insn->op] == PX_C_NONE)
        return;
    insn->rvc = forms[insn->op];
    insn->len = 2;
    insn->rd = insn->rs2 = 0;
}

/* What was compiled before @from, as instruction @op. */
static struct px_insn like_with_op(const struct situation *from, enum px_op op)
{
    struct situation like = *from;
    like.insn = from->like;
    like.like.len = 0;
    return reduce_with_op(&like, op).insn;
}

/* @from with instruction @op in the same registers; an immediate stands for a second operand and the other way round. */
struct situation reduce_with_op(const struct situation *from, enum px_op op)
{
    struct situation t = *from;
    const enum px_op old = (enum px_op)from->insn.op;
    const struct px_op_info *info = &px_ops[op];
    uint8_t *const roles[] = { &t.insn.rd, &t.insn.rs1, &t.insn.rs2 };
    bool places = reduce_is_access(op) || is_jump(op);
    t.insn.op = (uint8_t)op;
    t.insn.rvc = PX_C_NONE;
    t.insn.len = 4;
    for (unsigned i = 0; i < 3; i++)
        if (!named(op, i))
            *roles[i] = 0;
        else if (!named(old, i))
            *roles[i] = i == 0 && is_jump(op) ? 0 : reduce_home[i];
    if (named(op, 2) && !named(old, 2))
        t.b = (uint64_t)(int64_t)from->insn.imm;
    if (!places)
        t.insn.imm = reduce_has_operand(op)     ? (named(old, 2) ? (int32_t)from->b : from->insn.imm)
                     : info->format == PX_FMT_U ? 0x1000
                                                : 0;
    specialize(&t, bucket_special(old, from->a, from->b));
    if (from->insn.rvc != PX_C_NONE && is_jump(old) && is_jump(op))
        compress_jump(&t.insn);
    if (from->like.len)
        t.like = like_with_op(from, op);
    return t;
}

/* Operands with which a branch is taken. */
static void take(struct situation *t)
{
    static const struct {
        uint8_t op, a, b;
    } taken[] = { { PX_OP_BEQ, 1, 1 }, { PX_OP_BNE, 1, 2 },  { PX_OP_BLT, 1, 2 },
                  { PX_OP_BGE, 2, 1 }, { PX_OP_BLTU, 1, 2 }, { PX_OP_BGEU, 2, 1 } };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (taken[i].op == t->insn.op) {
            t->a = taken[i].a;
            t->b = taken[i].b;
        }
}

/* With other operands, no special case unless that is what it takes. */
static bool try_pairs(struct reduce *r, struct situation *t, struct locate_trial *trial)
{
    bool special = bucket_special((enum px_op)r->now.insn.op, r->now.a, r->now.b) != NULL;
    uint64_t a, b;
    for (size_t i = 0; reduce_plain_pair(i, &a, &b) && !special; i++) {
        t->a = a;
        t->b = t->insn.rs1 == t->insn.rs2 ? a : b;
        if (bucket_special((enum px_op)t->insn.op, a, b) == NULL && reduce_try(r, t, trial))
            return true;
    }
    return false;
}

static bool try_op(struct reduce *r, enum px_op op, struct situation *t, struct locate_trial *trial)
{
    const struct op_group *group = op_group_of(op);
    *t = reduce_with_op(&r->now, op);
    if (reduce_try(r, t, trial))
        return true;
    /* Of two, each may have a bug of its own. */
    if (group && group->count > ENOUGH && named(op, 2) && !reduce_is_access(op) && try_pairs(r, t, trial))
        return true;
    if (!(px_ops[op].effects & PX_EFF_BRANCH) || r->now.landing == LANDING_BLOCK)
        return false;
    take(t);
    return reduce_try(r, t, trial);
}

/* What a search among instructions has found: how many others, and the first of all. */
struct found {
    size_t others;
    bool any;
    struct situation first;
    struct locate_trial trial;
};

static void note(struct found *found, const struct situation *t, const struct locate_trial *trial, bool other)
{
    if (!found->any) {
        found->first = *t;
        found->trial = *trial;
    }
    found->any = true;
    found->others += other;
}

static void try_group(struct reduce *r, const struct op_group *group, struct found *found)
{
    struct situation t;
    struct locate_trial trial;
    for (size_t i = 0; i < group->count; i++)
        if (try_op(r, (enum px_op)group->ops[i], &t, &trial))
            note(found, &t, &trial, group->ops[i] != r->now.insn.op);
}

static void adopt(struct reduce *r, const struct found *found)
{
    r->now = found->first;
    r->last = found->trial;
}

/* Loads and stores share what finds their pages. */
static const char *name_access(struct reduce *r)
{
    bool is_load = px_ops[r->now.insn.op].effects & PX_EFF_LOAD;
    struct found loads = { .others = 0 }, stores = { .others = 0 };
    try_group(r, &op_group_loads, &loads);
    try_group(r, &op_group_stores, &stores);
    const struct found *own = is_load ? &loads : &stores, *counterpart = is_load ? &stores : &loads;
    if (own->others < ENOUGH)
        return px_ops[r->now.insn.op].mnemonic;
    bool both = counterpart->others >= ENOUGH;
    adopt(r, both ? &loads : own);
    return both ? "access" : is_load ? op_group_loads.name : op_group_stores.name;
}

/* Branches, jal and jalr share what a target is. */
static const char *name_jump(struct reduce *r)
{
    const enum px_op op = (enum px_op)r->now.insn.op;
    struct found branches = { .others = 0 }, jumps = { .others = 0 };
    struct situation t;
    struct locate_trial trial;
    try_group(r, &op_group_branches, &branches);
    if (try_op(r, PX_OP_JAL, &t, &trial))
        note(&jumps, &t, &trial, op != PX_OP_JAL);
    if (try_op(r, PX_OP_JALR, &t, &trial))
        note(&jumps, &t, &trial, op != PX_OP_JALR);
    size_t enough = r->now.insn.rvc != PX_C_NONE ? 1 : ENOUGH; /* two branches have a compressed form */
    if (branches.others >= enough && jumps.any) {
        adopt(r, &branches);
        t = r->now;
        take(&t); /* as jal and jalr are */
        (void)reduce_keep(r, &t);
        return "jump";
    }
    if (!(px_ops[op].effects & PX_EFF_BRANCH) || branches.others < enough)
        return px_ops[op].mnemonic;
    adopt(r, &branches);
    return op_group_branches.name;
}

static const char *name_group(struct reduce *r)
{
    const struct op_group *group = op_group_of((enum px_op)r->now.insn.op);
    struct found found = { .others = 0 };
    if (!group)
        return px_ops[r->now.insn.op].mnemonic;
    try_group(r, group, &found);
    size_t enough = group->count - 1u < ENOUGH ? group->count - 1u : ENOUGH;
    if (found.others < enough)
        return px_ops[r->now.insn.op].mnemonic;
    adopt(r, &found);
    return group->name;
}

/* A register that no other could stand in for; 0: none. */
static uint8_t special_register(const struct px_insn *insn)
{
    const uint8_t roles[] = { insn->rd, insn->rs1, insn->rs2 };
    for (unsigned i = 0; i < 3; i++)
        if (named((enum px_op)insn->op, i) && roles[i] != 0 && roles[i] != reduce_home[0] &&
            roles[i] != reduce_home[1] && roles[i] != reduce_home[2])
            return roles[i];
    return 0;
}

/*
 * Instructions of many kinds: in the situation at hand, or with register @x in each of their places. An encoding that
 * is wrong for a register shows in all of them that use it.
 */
static void try_panel(struct reduce *r, uint8_t x, struct found *found)
{
    static const uint8_t ops[] = { PX_OP_ADDI, PX_OP_ADD,    PX_OP_XOR, PX_OP_SLTU,   PX_OP_SLL, PX_OP_ADDIW,
                                   PX_OP_MUL,  PX_OP_SH1ADD, PX_OP_MIN, PX_OP_SEXT_B, PX_OP_LB,  PX_OP_SB };
    const struct op_group *own = op_group_of((enum px_op)r->now.insn.op);
    struct locate_trial trial;
    for (size_t i = 0; i < sizeof ops; i++) {
        const enum px_op op = (enum px_op)ops[i];
        bool counted = false;
        for (unsigned place = x ? 0 : 3; place < 4; place++) {
            struct situation t = { .placed = reduce_is_access(op), .region = { REGION_ZERO, REGION_ZERO } };
            memcpy(t.rest, r->now.rest, sizeof t.rest);
            t.insn = (struct px_insn){ .op = ops[i], .len = 4, .rd = reduce_home[0], .rs1 = reduce_home[1] };
            t.insn.rs2 = named(op, 2) ? reduce_home[2] : 0;
            t.insn.rd = named(op, 0) ? t.insn.rd : 0;
            t.insn.imm = named(op, 2) || op == PX_OP_SEXT_B ? 0 : 1;
            t.a = UINT64_C(0x0123456789abcdef);
            t.b = 7;
            if (place == 3)
                t = reduce_with_op(&r->now, op);
            else if (!named(op, place))
                continue;
            else
                *(place == 0 ? &t.insn.rd : place == 1 ? &t.insn.rs1 : &t.insn.rs2) = x;
            if (!reduce_try(r, &t, &trial))
                continue;
            note(found, &t, &trial, !counted && (own ? own != op_group_of(op) : op != r->now.insn.op));
            counted = true;
        }
    }
}

static bool has_immediate(enum px_op op)
{
    enum px_format format = (enum px_format)px_ops[op].format;
    return format == PX_FMT_I || format == PX_FMT_LOAD || format == PX_FMT_STORE;
}

/* r->now with instruction @op and the same @imm, be it an operand or an offset. */
static bool try_immediate(struct reduce *r, enum px_op op, int32_t imm, struct found *found)
{
    const enum px_op old = (enum px_op)r->now.insn.op;
    struct situation t = op == old ? r->now : reduce_with_op(&r->now, op);
    struct locate_trial trial;
    t.insn.imm = imm;
    if (reduce_is_access(op) && !reduce_is_access(old)) {
        t.placed = true;
        t.region[0] = t.region[1] = REGION_ZERO;
    }
    if (t.like.len)
        t.like.imm = r->now.like.imm;
    if (!reduce_try(r, &t, &trial))
        return false;
    note(found, &t, &trial, op != old);
    return true;
}

/* Whatever takes an immediate goes wrong with this one: the way that it is encoded. */
static bool is_immediate(struct reduce *r)
{
    static const int32_t imms[] = { -1, 8, 127, 128, -128, -129, 2047, -2048 };
    static const uint8_t ops[] = { PX_OP_ADDI, PX_OP_ADDIW, PX_OP_XORI, PX_OP_SLTI, PX_OP_LB, PX_OP_SB };
    const enum px_op own = (enum px_op)r->now.insn.op;
    struct found ignored = { .others = 0 };
    if (!has_immediate(own) || r->now.insn.imm == 0 || try_immediate(r, own, 1, &ignored))
        return false;
    for (size_t i = 0; i < sizeof imms / sizeof imms[0]; i++) {
        struct found found = { .others = 0 };
        if (!try_immediate(r, own, imms[i], &ignored))
            continue;
        for (size_t k = 0; k < sizeof ops; k++)
            (void)try_immediate(r, (enum px_op)ops[k], imms[i], &found);
        if (found.others > ENOUGH) {
            adopt(r, &found);
            r->immediate = true;
            return true;
        }
    }
    return false;
}

/* The one register that differs behind an instruction that names none; 0: there is not one. */
static uint8_t lost_register(const struct reduce *r)
{
    uint32_t registers = (r->last.fields & DIFF_REGISTERS) / DIFF_X0;
    bool one = !r->last.died && registers != 0 && (registers & (registers - 1)) == 0;
    return one ? (uint8_t)__builtin_ctz(registers) : 0;
}

/* Register @x in whatever uses it. */
static bool is_register(struct reduce *r, uint8_t x)
{
    struct found panel = { .others = 0 };
    if (x != 0)
        try_panel(r, x, &panel);
    if (panel.others < ENOUGH)
        return false;
    adopt(r, &panel);
    reduce_registers(r);
    return true;
}

const char *reduce_name(struct reduce *r)
{
    struct found panel = { .others = 0 };
    if (r->now.before_count > 0)
        return reduce_name_sequence(r);
    if (px_ops[r->now.insn.op].effects & PX_EFF_CALL)
        return is_register(r, lost_register(r)) ? "any" : px_ops[r->now.insn.op].mnemonic;
    if (is_immediate(r))
        return "immediate";
    if (!is_jump((enum px_op)r->now.insn.op) || r->now.like.len || special_register(&r->now.insn) != 0)
        try_panel(r, special_register(&r->now.insn), &panel);
    if (panel.others >= (special_register(&r->now.insn) ? ENOUGH : ENOUGH + 1u)) {
        adopt(r, &panel);
        reduce_registers(r);
        return "any";
    }
    if (reduce_is_access((enum px_op)r->now.insn.op))
        return name_access(r);
    return is_jump((enum px_op)r->now.insn.op) ? name_jump(r) : name_group(r);
}

/* --- conditions --- */

struct words {
    char *text;
    size_t size, used;
};

static void add(struct words *w, const char *word)
{
    if (w->used < w->size)
        w->used += (size_t)snprintf(w->text + w->used, w->size - w->used, "%s%s", w->used ? "," : "", word);
}

static void add_registers(struct words *w, const struct px_insn *insn)
{
    static const char *const zero[] = { "rd=x0", "rs1=x0", "rs2=x0" };
    const uint8_t roles[] = { insn->rd, insn->rs1, insn->rs2 };
    const enum px_op op = (enum px_op)insn->op;
    uint32_t told = 1u | 1u << reduce_home[0] | 1u << reduce_home[1] | 1u << reduce_home[2];
    for (unsigned i = 0; i < 3; i++) {
        char text[8];
        if (named(op, i) && roles[i] == 0)
            add(w, zero[i]);
        if (!named(op, i) || (told >> roles[i] & 1))
            continue;
        told |= 1u << roles[i];
        (void)snprintf(text, sizeof text, "x%u", roles[i]);
        add(w, text);
    }
    bool rd_rs1 = named(op, 0) && named(op, 1) && insn->rd == insn->rs1 && insn->rd != 0;
    bool rd_rs2 = named(op, 0) && named(op, 2) && insn->rd == insn->rs2 && insn->rd != 0;
    bool rs1_rs2 = named(op, 1) && named(op, 2) && insn->rs1 == insn->rs2 && insn->rs1 != 0;
    if (rd_rs1 && rd_rs2)
        add(w, "rd=rs1=rs2");
    else if (rd_rs1 || rd_rs2 || rs1_rs2)
        add(w, rd_rs1 ? "rd=rs1" : rd_rs2 ? "rd=rs2" : "rs1=rs2");
}

/* What was compiled before: "after-like", "after-like-x4". */
static void add_like(struct words *w, const struct px_insn *like)
{
    char text[48], registers[32] = "";
    struct words of = { .text = registers, .size = sizeof registers };
    add_registers(&of, like);
    (void)snprintf(text, sizeof text, "after-like%s%s", registers[0] ? "-" : "", registers);
    add(w, text);
}

static void add_immediate(struct words *w, int32_t imm)
{
    char text[16];
    (void)snprintf(text, sizeof text, "imm=%d", imm);
    add(w, text);
}

static void add_access(struct words *w, const struct situation *t)
{
    static const char *const regions[] = { "", "cow", "unmapped", "ro", "code" };
    static const char *const second_regions[] = { "2nd-zero", "2nd-cow", "2nd-unmapped", "2nd-ro",
                                                  "2nd-code" };
    static const char *const histories[] = { "", "read", "written" };
    static const char *const second_histories[] = { "", "2nd-read", "2nd-written" };
    if (t->high)
        add(w, "high-address");
    if (t->insn.imm != 0)
        add(w, t->far ? "offset-from-another-page" : "offset");
    if (t->straddle)
        add(w, t->wrap                                     ? "over-2^32"
               : t->joined || t->region[0] != t->region[1] ? "straddle"
                                                           : "two-mappings");
    if (t->region[0] != REGION_ZERO)
        add(w, regions[t->region[0]]);
    if (t->sibling != SIBLING_NONE)
        add(w, t->sibling == SIBLING_SAME ? "after-another-page" : "after-another-mapping");
    if (t->history[0] != TRACE_UNTOUCHED)
        add(w, histories[t->history[0]]);
    if (t->straddle && !t->wrap && t->region[1] != t->region[0])
        add(w, second_regions[t->region[1]]);
    if (t->straddle && t->history[1] != TRACE_UNTOUCHED)
        add(w, second_histories[t->history[1]]);
}

void reduce_conditions(const struct reduce *r, char *text, size_t size)
{
    static const char *const landings[] = {
        "", "to-call", "back", "inside-block", "inside-instruction", "to-end", "beyond-end"
    };
    const struct situation *t = &r->now;
    const enum px_op op = (enum px_op)t->insn.op;
    struct words w = { .text = text, .size = size };
    text[0] = '\0';
    if (t->before_count > 0) {
        reduce_hand_on_condition(r, text, size);
        return;
    }
    if (t->like.len)
        add_like(&w, &t->like);
    if (t->second)
        add(&w, "second-block");
    if (t->open)
        add(&w, "open-end");
    if (t->insn.rvc != PX_C_NONE)
        add(&w, "compressed");
    add_registers(&w, &t->insn);
    const char *special = bucket_special(op, t->a, t->b);
    if (special)
        add(&w, special);
    if (r->immediate)
        add_immediate(&w, t->insn.imm);
    if (reduce_is_access(op) && t->placed)
        add_access(&w, t);
    if (is_jump(op) && t->landing != LANDING_BLOCK)
        add(&w, landings[t->landing]);
    if (is_jump(op) && t->odd)
        add(&w, "odd");
}
