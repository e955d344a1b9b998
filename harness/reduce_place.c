/* Where an access or a jump goes, and simpler places. */
#include "harness/reduce.h"

static enum region region_at(const struct px_program *p, uint32_t address)
{
    uint64_t code_end =
        PX_CODE_BASE + ((uint64_t)p->code_size + PX_PAGE_SIZE - 1) / PX_PAGE_SIZE * PX_PAGE_SIZE;
    if (address >= PX_CODE_BASE && address < code_end)
        return REGION_CODE;
    for (size_t i = 0; i < p->map_count; i++)
        if (address >= p->maps[i].start && address - p->maps[i].start < p->maps[i].size)
            return p->maps[i].kind == PX_MAP_ZERO  ? REGION_ZERO
                   : p->maps[i].kind == PX_MAP_COW ? REGION_COW
                                                   : REGION_RO;
    return REGION_NONE;
}

/* Which mapping holds @address; the count of them for none. */
static size_t map_at(const struct px_program *p, uint32_t address)
{
    size_t i = 0;
    while (i < p->map_count && !(address >= p->maps[i].start && address - p->maps[i].start < p->maps[i].size))
        i++;
    return i;
}

static void find_access(struct situation *t, const struct px_program *p, const struct trace_step *step)
{
    uint64_t full = step->x[t->insn.rs1] + (uint64_t)(int64_t)t->insn.imm;
    uint32_t address = (uint32_t)full, width = 1u << PX_EFF_WIDTH_LOG2(px_ops[t->insn.op].effects);
    uint32_t last = address + width - 1;
    t->placed = true;
    t->straddle = address >> PX_PAGE_BITS != last >> PX_PAGE_BITS;
    t->wrap = t->straddle && last < address;
    t->high = step->x[t->insn.rs1] >> 32 != 0 || full >> 32 != 0;
    uint32_t base = (uint32_t)step->x[t->insn.rs1], page = address >> PX_PAGE_BITS;
    bool over = base >> PX_PAGE_BITS != (base + width - 1) >> PX_PAGE_BITS;
    t->far = t->straddle ? !over : over || base >> PX_PAGE_BITS != page;
    t->region[0] = region_at(p, address);
    t->region[1] = t->straddle ? region_at(p, last) : t->region[0];
    t->joined = map_at(p, address) == map_at(p, last);
    t->history[0] = step->pages[0];
    t->history[1] = t->straddle ? step->pages[1] : (uint8_t)TRACE_UNTOUCHED;
}

/* Told by the instructions alone: what an engine takes for a block may be what is wrong. */
static enum landing landing_at(const struct px_program *p, uint32_t at, uint32_t target)
{
    bool ended = true;
    uint32_t pc = 0;
    if (target >= p->code_size)
        return target == p->code_size ? LANDING_END : LANDING_BEYOND;
    while (pc < target) {
        struct px_insn insn = px_decode(p->code, p->code_size, pc);
        ended = (px_ops[insn.op].effects & PX_EFF_TERM) || insn.op == PX_OP_ILLEGAL;
        pc += insn.len;
    }
    if (pc != target)
        return LANDING_MIDDLE;
    if (px_ops[px_decode(p->code, p->code_size, pc).op].effects & PX_EFF_CALL)
        return LANDING_CALL;
    if (!ended)
        return LANDING_INSIDE;
    return target <= at ? LANDING_BACK : LANDING_BLOCK;
}

static void find_landing(struct reduce *r, struct situation *t, const struct trace_step *step)
{
    uint64_t target = step->pc + (uint64_t)(int64_t)t->insn.imm;
    if (t->insn.op == PX_OP_JALR) {
        target = step->x[t->insn.rs1] + (uint64_t)(int64_t)t->insn.imm;
        t->odd = target & 1;
        target = (target & ~UINT64_C(1)) - PX_CODE_BASE;
    }
    t->landing = landing_at(&r->s->whole.program, step->pc, (uint32_t)target);
    t->placed = true;
}

void reduce_find_place(struct reduce *r, const struct trace_step *step)
{
    unsigned effects = px_ops[r->now.insn.op].effects;
    if (effects & (PX_EFF_LOAD | PX_EFF_STORE))
        find_access(&r->now, &r->s->whole.program, step);
    else if (effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
        find_landing(r, &r->now, step);
}

/* --- simpler ones --- */

/* Base and displacement: a low base without one, then with those that need a wide encoding or reach over a page. */
static void make_near(struct reduce *r)
{
    static const struct {
        bool high, far;
        int32_t imm;
    } simple[] = { { false, false, 0 },    { false, false, 8 }, { false, true, 8 }, { false, false, 128 },
                   { false, true, -2048 }, { true, false, 0 },  { true, false, 8 }, { true, true, 8 } };
    struct situation t = r->now;
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        t.high = simple[i].high;
        t.far = simple[i].far && !t.straddle;
        t.insn.imm = simple[i].imm;
        if (reduce_keep(r, &t))
            return;
    }
}

static void forget_history(struct reduce *r)
{
    for (unsigned i = 2; i-- > 0;)
        for (uint8_t state = TRACE_UNTOUCHED; state < r->now.history[i]; state++) {
            struct situation t = r->now;
            t.history[i] = state;
            if (reduce_keep(r, &t))
                break;
        }
}

/* On one page: the first, or the second. */
static void make_whole(struct reduce *r)
{
    for (unsigned i = 0; i < 2 && r->now.straddle; i++) {
        struct situation t = r->now;
        t.straddle = t.wrap = t.joined = t.far = false;
        t.region[0] = t.region[1] = r->now.region[i];
        t.history[0] = r->now.history[i];
        t.history[1] = TRACE_UNTOUCHED;
        if (!reduce_keep(r, &t) && t.insn.imm != 0) {
            t.far = true;
            t.insn.imm = 8;
            (void)reduce_keep(r, &t);
        }
    }
    struct situation t = r->now;
    t.wrap = false;
    if (r->now.wrap)
        (void)reduce_keep(r, &t);
    if (r->now.straddle && r->now.region[0] == REGION_RO)
        (void)reduce_sibling(r);
}

/* On one page, after another that is of its unit, or of one beside. */
bool reduce_sibling(struct reduce *r)
{
    struct situation t = r->now;
    t.straddle = t.wrap = t.joined = t.far = false;
    t.region[0] = t.region[1] = REGION_RO;
    t.history[0] = t.history[1] = TRACE_UNTOUCHED;
    for (t.sibling = SIBLING_SAME; t.sibling <= SIBLING_OTHER; t.sibling++)
        if (reduce_keep(r, &t))
            return true;
    return false;
}

static void make_mapped(struct reduce *r)
{
    for (unsigned i = 2; i-- > 0;) {
        if (i == 1 && (!r->now.straddle || r->now.region[0] == REGION_CODE))
            continue; /* behind the code nothing can be mapped */
        for (enum region region = REGION_ZERO; region < r->now.region[i]; region++) {
            struct situation t = r->now;
            t.region[i] = region;
            if (!t.straddle)
                t.region[1] = region;
            if (reduce_keep(r, &t))
                break;
        }
    }
    struct situation t = r->now;
    t.joined = true;
    if (t.straddle && !r->now.joined && t.region[0] == t.region[1])
        (void)reduce_keep(r, &t);
}

static void make_landing(struct reduce *r)
{
    struct situation t = r->now;
    t.odd = false;
    if (r->now.odd)
        (void)reduce_keep(r, &t);
    for (enum landing landing = LANDING_BLOCK; landing < r->now.landing; landing++) {
        t = r->now;
        t.landing = landing;
        if (reduce_keep(r, &t))
            break;
    }
    t = r->now;
    t.insn.imm = 0;
    if (t.insn.op == PX_OP_JALR && r->now.insn.imm != 0)
        (void)reduce_keep(r, &t);
}

/* x0 as the base leaves no choice of a place. */
static bool give_base(struct reduce *r)
{
    struct situation t = r->now;
    t.insn.rs1 = reduce_home[1];
    t.insn.rvc = PX_C_NONE;
    t.insn.len = 4;
    if (r->now.insn.rs1 != 0 || !(px_ops[r->now.insn.op].regs & PX_HAS_RS1))
        return true;
    if (reduce_keep(r, &t))
        return true;
    r->now.placed = false;
    return false;
}

void reduce_place(struct reduce *r)
{
    bool branch = px_ops[r->now.insn.op].effects & PX_EFF_BRANCH;
    if (!r->now.placed || (!branch && !give_base(r)))
        return;
    if (!(px_ops[r->now.insn.op].effects & (PX_EFF_LOAD | PX_EFF_STORE))) {
        make_landing(r);
        return;
    }
    make_whole(r);
    if (r->now.sibling == SIBLING_NONE)
        make_mapped(r);
    forget_history(r);
    make_near(r);
    if (r->now.sibling == SIBLING_NONE)
        make_mapped(r);
}
