#include "harness/reduce.h"

#include <stdio.h>
#include <string.h>

bool reduce_try(struct reduce *r, const struct situation *situation, struct locate_trial *trial)
{
    const struct locate_trial *t;
    *trial = (struct locate_trial){ .differs = false };
    if (r->status != PX_OK || !situation_write(r, situation))
        return false;
    r->status = locate_try(r->s, &t);
    if (r->status == PX_OK)
        *trial = *t;
    return trial->differs;
}

bool reduce_keep(struct reduce *r, const struct situation *situation)
{
    struct locate_trial trial;
    if (!reduce_try(r, situation, &trial))
        return false;
    r->now = *situation;
    r->last = trial;
    return true;
}

/* What the registers that nobody names hold: a pattern in which a lost or wrong one shows. */
static void set_plain(uint64_t rest[PX_REG_COUNT])
{
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        rest[x] = UINT64_C(0x0101010101010101) * x;
}

static void plain_rest(struct reduce *r)
{
    struct situation t = r->now;
    set_plain(t.rest);
    (void)reduce_keep(r, &t);
}

bool reduce_keep_placed(struct reduce *r)
{
    const struct situation found = r->now;
    struct situation t = found;
    bool load = px_ops[t.insn.op].effects & PX_EFF_LOAD;
    if (reduce_keep(r, &t))
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (t.region[i] == REGION_ZERO || t.region[i] == REGION_CODE)
            t.region[i] = REGION_COW;
    if (load && reduce_keep(r, &t))
        return true;
    r->now = found;
    return load && found.region[0] == REGION_RO && reduce_sibling(r);
}

/* In the second block of straight code, and at the end of the code. */
static bool begin_elsewhere(struct reduce *r, const struct trace_step *step)
{
    struct situation t = { .insn = step->insn, .a = step->x[step->insn.rs1], .b = step->x[step->insn.rs2] };
    bool jump = px_ops[t.insn.op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
    memcpy(t.rest, step->x, sizeof t.rest);
    r->now = t;
    reduce_find_place(r, step);
    t = r->now;
    t.second = true;
    if (reduce_keep(r, &t))
        return true;
    t.second = false;
    t.open = !jump;
    return t.open && reduce_keep(r, &t);
}

/* Alone, at its place, with only the registers that it names as they were: what a search before this one has tried, often. */
static bool begin_plainly(struct reduce *r, const struct trace_step *step)
{
    struct situation t = { .insn = step->insn, .a = step->x[step->insn.rs1], .b = step->x[step->insn.rs2] };
    set_plain(t.rest);
    r->now = t;
    reduce_find_place(r, step);
    return reduce_keep_placed(r);
}

/* With plain registers, then with those that it met. */
static bool begin_after_like(struct reduce *r, const struct trace_step *step)
{
    struct situation t = { .insn = step->insn, .a = step->x[step->insn.rs1], .b = step->x[step->insn.rs2] };
    set_plain(t.rest);
    r->now = t;
    reduce_find_place(r, step);
    if (reduce_begin_like(r, step->pc))
        return true;
    memcpy(t.rest, step->x, sizeof t.rest);
    r->now = t;
    return reduce_begin_like(r, step->pc);
}

/* The last of some in a row was only compiled, perhaps, and one of its opcode in front of it is what goes wrong. */
static void put_like_first(struct reduce *r, const struct trace_step *first)
{
    const struct situation found = r->now;
    const struct locate_trial last = r->last;
    for (size_t i = 0; i < found.before_count; i++) {
        struct situation t = { .insn = first[i].insn, .like = found.insn };
        if (t.insn.op != t.like.op)
            continue;
        memcpy(t.rest, first[i].x, sizeof t.rest);
        t.a = t.rest[t.insn.rs1];
        t.b = t.rest[t.insn.rs2];
        r->now = t;
        reduce_find_place(r, &first[i]);
        if (reduce_keep_placed(r))
            return;
    }
    r->now = found;
    r->last = last;
}

/* The instruction in the registers and pages that it met; if need be after those in front of it. */
static bool begin(struct reduce *r, const struct trace *trace, size_t step)
{
    struct situation t = { .insn = trace->steps[step].insn };
    if (begin_plainly(r, &trace->steps[step]))
        return true;
    for (size_t back = 0; back <= SITUATION_BEFORE_MAX && back <= step && r->status == PX_OK; back++) {
        const struct trace_step *first = &trace->steps[step - back];
        t.before_count = back;
        for (size_t i = 0; i < back; i++)
            t.before[i] = first[i].insn;
        memcpy(t.rest, first->x, sizeof t.rest);
        t.a = first->x[t.insn.rs1];
        t.b = first->x[t.insn.rs2];
        r->now = t;
        if (back == 0)
            reduce_find_place(r, first);
        bool kept = reduce_keep_placed(r);
        if (!kept)
            r->now = t;
        if (kept || reduce_keep(r, &t)) {
            put_like_first(r, first);
            return true;
        }
        if (back == 0 && begin_after_like(r, first))
            return true;
    }
    return begin_elsewhere(r, &trace->steps[step]);
}

enum { RANGE_PAGES_MAX = 8 };

static bool begin_access(struct reduce *r, const struct trace_step *access)
{
    struct situation t = { .insn = access->insn, .a = access->x[10], .b = access->x[11] };
    memcpy(t.rest, access->x, sizeof t.rest);
    r->now = t;
    reduce_find_place(r, access);
    return reduce_keep_placed(r);
}

/* A host call over a range of memory: an access of its kind to one of its pages. */
static bool begin_range(struct reduce *r, const struct trace_step *step)
{
    bool fill = step->insn.imm == PX_HOSTCALL_FILL;
    uint64_t length = step->x[fill ? 12 : 11], start = (uint32_t)step->x[10];
    struct trace_step access = *step;
    if (step->insn.op != PX_OP_ECALLI || (!fill && step->insn.imm != PX_HOSTCALL_HASH) || length == 0 ||
        length > PX_HOSTCALL_LENGTH_MAX)
        return false;
    access.insn = (struct px_insn){
        .op = fill ? PX_OP_SB : PX_OP_LB, .len = 4, .rd = fill ? 0 : 14, .rs1 = 10, .rs2 = fill ? 11 : 0
    };
    uint64_t first = start / PX_PAGE_SIZE, last = (start + length - 1) / PX_PAGE_SIZE;
    for (uint64_t page = first; page <= last && page < first + RANGE_PAGES_MAX; page++) {
        access.x[10] = page == first ? start : page * PX_PAGE_SIZE;
        access.pages[0] = page == first  ? step->pages[0]
                          : page == last ? step->pages[1]
                                         : (uint8_t)TRACE_UNTOUCHED;
        if (begin_access(r, &access))
            return true;
    }
    access.insn.op = fill ? PX_OP_SH : PX_OP_LH; /* over each end of a page */
    for (uint64_t page = first; page < last && page < first + RANGE_PAGES_MAX; page++) {
        access.x[10] = (page + 1) * PX_PAGE_SIZE - 1;
        access.pages[0] = page == first ? step->pages[0] : (uint8_t)TRACE_UNTOUCHED;
        access.pages[1] = page + 1 == last ? step->pages[1] : (uint8_t)TRACE_UNTOUCHED;
        if (begin_access(r, &access))
            return true;
    }
    return false;
}

/* Without any instruction: what differs then is how programs are entered and left. */
static bool nothing_diverges(struct reduce *r)
{
    struct situation t = { .insn = { .op = PX_OP_FALLTHROUGH, .len = 4 }, .open = r->now.open };
    memcpy(t.rest, r->now.rest, sizeof t.rest);
    return reduce_keep(r, &t);
}

/* Programs of ours end with host call 0: that side went on. */
static struct px_outcome outcome_of(enum px_exit exit, int64_t arg)
{
    bool halts = exit == PX_EXIT_HOSTCALL && arg == 0;
    return (struct px_outcome){ .exit = halts ? PX_EXIT_STOPPED : exit, .arg = arg };
}

static void write_fields(const struct reduce *r, struct bucket *b)
{
    const struct locate_trial *t = &r->last;
    const struct px_outcome a = outcome_of(t->exit_a, t->arg_a), other = outcome_of(t->exit_b, t->arg_b);
    char conditions[sizeof b->operands], exits[sizeof b->operands] = "";
    if (t->died)
        bucket_death(t->kind, t->signal, b->fields, sizeof b->fields);
    else
        (void)snprintf(b->fields, sizeof b->fields, "%s", bucket_field(t->fields));
    if (!t->died && (t->fields & (DIFF_EXIT | DIFF_ARG)))
        bucket_exits(&a, &other, exits, sizeof exits);
    reduce_conditions(r, conditions, sizeof conditions);
    (void)snprintf(b->operands, sizeof b->operands, "%.60s%s%.60s", exits,
                   exits[0] && conditions[0] ? "," : "", conditions);
    if (b->operands[0] == '\0')
        (void)snprintf(b->operands, sizeof b->operands, "-");
}

/* Engines that stand before in the list, and diverge just the same, name the pair. */
static void name_engines(struct reduce *r)
{
    struct search *s = r->s;
    size_t other = s->other;
    struct locate_trial trial;
    for (s->other = 1; s->other < other && !reduce_try(r, &r->now, &trial); s->other++)
        ;
    locate_write_engines(s, s->other);
    s->other = other;
}

void reduce_write(struct reduce *r, const char *op)
{
    struct bucket *b = r->s->bucket;
    (void)snprintf(b->op, sizeof b->op, "%s", op);
    write_fields(r, b);
    name_engines(r);
}

/* A program of ours does not end where gas is to end it: if gates differ, that is why. */
static bool gate_explains(struct reduce *r, bool *named)
{
    bool out = false;
    if (!r->last.died || r->last.kind != FINDING_HANG || !situation_write(r, &r->now))
        return false;
    r->status = locate_runs_out(r->s, &out);
    if (r->status == PX_OK && out)
        r->status = reduce_gate(r->s, named);
    return *named;
}

enum px_status reduce_insn(struct search *s, const struct trace *trace, size_t step, bool *named)
{
    struct reduce r = { .s = s, .maps = &s->whole.program };
    *named = false;
    if (trace->steps[step].insn.op == PX_OP_ILLEGAL ||
        (!begin_range(&r, &trace->steps[step]) && !begin(&r, trace, step)))
        return r.status;
    if (gate_explains(&r, named) || r.status != PX_OK)
        return r.status;
    unsigned effects = px_ops[r.now.insn.op].effects;
    bool price = !r.last.died && r.last.fields == DIFF_GAS && r.now.before_count == 0 &&
                 !(effects & (PX_EFF_LOAD | PX_EFF_STORE));
    if (price && !(effects & PX_EFF_TERM))
        return reduce_price_of(s, &trace->steps[step], named);
    const char *name = r.now.open ? "end" : "enter";
    if (!nothing_diverges(&r)) {
        plain_rest(&r);
        if (r.now.before_count == 0) {
            reduce_place(&r);
            reduce_registers(&r);
            reduce_operands(&r);
        }
        name = reduce_name(&r);
    }
    if (price && !(effects & PX_EFF_CALL))
        reduce_write_price(&r, name, "price");
    else
        reduce_write(&r, name);
    *named = r.status == PX_OK;
    return r.status;
}
