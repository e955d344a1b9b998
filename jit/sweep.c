/*
 * One pass over the guest's code: look ahead, price, emit; at each block's end its gate's numbers are
 * filled in, at the end of the code jumps find their blocks and cold exits are emitted.
 *
 *   sweep -> (jit_look_ahead -> (emit_plain | emit_any -> open_block, close_block)*)* -> ... -> finish
 */
#include "jit/unit.h"

#include <string.h>

#include "jit/ahead.h"
#include "jit/cost.h"
#include "jit/memo.h"
#include "jit/meter.h"

/* The block being emitted. */
struct open_block {
    bool open;
    bool gated;
    struct jit_gate gate; /* need, reserve and count come at the end */
    uint32_t charge; /* of the head's immediate */
    struct jit_cost cost;
    size_t first_site;
};

static int32_t table_value(const struct jit_compiler *c, uint32_t offset)
{
    return (int32_t)(offset - c->table);
}

static int32_t *table_of(const struct jit_compiler *c)
{
    return (int32_t *)(void *)(c->e.start + c->table);
}

/* The table comes first, filled with the panic, so that block heads can enter themselves as they are met. */
static void emit_table(struct jit_compiler *c)
{
    size_t slots = ((size_t)c->code_size + 1) / 2;
    if ((size_t)(c->e.end - c->e.at) < slots * 4 + X64_RED_ZONE) {
        c->e.overflow = true;
        return;
    }
    c->table = x64_offset(&c->e);
    int32_t *table = table_of(c), bad = table_value(c, jit_stub(c, c->stubs->bad_target));
    for (size_t i = 0; i < slots; i += 4) /* up to three too many: code comes to lie there */
        table[i] = table[i + 1] = table[i + 2] = table[i + 3] = bad;
    c->e.at += slots * 4;
}

static void emit_stop(struct jit_compiler *c)
{
    x64_alu_mi(&c->e, X64_SUB, X64_64, jit_ctx(CTX_BLOCKS_LEFT), 1);
    jit_exit_later(c, x64_jcc(&c->e, X64_B, 0), c->pc, PX_EXIT_STOPPED, 0);
}

/* Block head: table entry, stop check, and the meter's subtraction and branch, the charge still 0. */
PX_INLINE void open_block(struct jit_compiler *c, struct open_block *b, bool gated)
{
    if (!c->e.overflow && c->tier == JIT_TIER_BLOCK)
        table_of(c)[c->pc / 2] = table_value(c, x64_offset(&c->e));
    b->open = true;
    b->gated = gated;
    b->first_site = *c->site_count;
    jit_cost_begin(&b->cost);
    if (c->stoppable)
        emit_stop(c);
    b->gate.pc = c->pc;
    b->gate.head = x64_offset(&c->e);
    b->charge = x64_alu_mi32(&c->e, X64_SUB, X64_64, jit_ctx(CTX_METER), 0);
    if (gated)
        (void)x64_jcc(&c->e, X64_B, 0);
    b->gate.resume = x64_offset(&c->e);
    c->in_block = 0;
}

static void add_gate(struct jit_compiler *c, const struct jit_gate *gate)
{
    struct px_unit *u = c->unit;
    if (!jit_grow(c->lists, (void **)&u->gates, &u->gate_capacity, u->gate_count, sizeof *u->gates))
        return;
    u->gates[u->gate_count++] = *gate;
    if (gate->reserve > u->reserve)
        u->reserve = gate->reserve;
}

static void close_block(struct jit_compiler *c, struct open_block *b)
{
    uint32_t charge = c->in_block;
    b->open = false;
    if (b->gated) {
        b->gate.count = c->in_block;
        b->gate.need = jit_cost_need(&b->cost);
        b->gate.reserve = b->cost.reserve;
        charge = jit_meter_charge(b->gate.need, b->gate.count);
        add_gate(c, &b->gate);
    }
    x64_patch_u32(&c->e, b->charge, charge);
    for (size_t i = b->first_site; i < *c->site_count; i++) /* until now: the position in the block */
        (*c->sites)[i].undone = c->in_block - 1 - (*c->sites)[i].undone;
}

/* Emits instructions that are bytes and a charge and nothing else, up to @end; where it stopped. */
PX_APART static const struct jit_ahead *emit_plain(struct jit_compiler *c, struct jit_cost *cost,
                                                   const struct jit_ahead *a, const struct jit_ahead *end,
                                                   unsigned tier)
{
    const struct jit_ahead *first = a;
    struct jit_clock clock = cost->clock;
    uint8_t *at = c->e.at;
    ptrdiff_t fit = (c->e.end - at - JIT_TEMPLATE_ROOM + JIT_TEMPLATE_BYTES) / JIT_TEMPLATE_BYTES;
    if (fit < end - a)
        end = fit > 0 ? a + fit : a;
    for (; a < end; a++) {
        const struct jit_template *t = a->t;
        if (__builtin_expect(t->special, 0))
            break;
        jit_cost_add(&clock, cost->ready, &t->charge, tier, a->operands);
        at = jit_memo_write(a, at);
    }
    cost->clock = clock;
    c->e.at = at;
    c->in_block += (uint32_t)(a - first);
    return a;
}

/* Whether a run that comes to @in, which ends a block and is no jump, ends there. */
static bool ends_run(const struct px_insn *in)
{
    bool returns = in->op == PX_OP_ECALLI && in->imm >= PX_HOSTCALL_POW && in->imm <= PX_HOSTCALL_HASH;
    return in->op != PX_OP_FALLTHROUGH && !returns;
}

/* The instruction that is to be lowered is @a. */
static const struct px_insn *set_in(struct jit_compiler *c, const struct jit_ahead *a)
{
    struct px_insn *in = &c->lists->any;
    if (a->t->unknown)
        px_decode_to(c->code, c->code_size, a->pc, in);
    else
        *in = (struct px_insn){ .op = a->t->op,
                                .len = (uint8_t)px_length(c->code[a->pc]),
                                .rd = (uint8_t)(jit_operands_rd(a->operands) / 16),
                                .rs1 = (uint8_t)(jit_operands_rs1(a->operands) / 16),
                                .rs2 = (uint8_t)(jit_operands_rs2(a->operands) / 16),
                                .imm = a->imm };
    c->in = in;
    c->pc = a->pc;
    c->next = a->pc + in->len;
    return in;
}

/*
 * Emits any instruction, opening its block before it and closing it after it where ISA.md 4 says so. False: a jump, which
 * the linear tier does not take.
 */
static bool emit_any(struct jit_compiler *c, struct open_block *b, const struct jit_ahead *a, unsigned tier)
{
    const struct px_insn *in = set_in(c, a);
    unsigned effects = px_ops[in->op].effects;
    bool call = effects & PX_EFF_CALL;
    if (c->tier == JIT_TIER_LINEAR && (effects & PX_EFF_TERM)) {
        if (effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
            return false;
        c->line_ended = ends_run(in);
    }
    if (b->open && call)
        close_block(c, b);
    if (!b->open) {
        jit_mark(c, c->pc, PX_CODE_HEAD);
        open_block(c, b, !call);
    }
    struct jit_charge charge = a->t->unknown ? jit_charge_of(in) : a->t->charge;
    jit_cost_add(&b->cost.clock, b->cost.ready, &charge, tier, a->operands);
    b->cost.reserve += charge.reserve;
    jit_mark(c, c->pc, PX_CODE_BODY);
    jit_memo_emit(c, a);
    c->in_block++;
    if (effects & PX_EFF_TERM)
        close_block(c, b);
    return true;
}

/* False: the tier does not take the image. */
static bool emit_ahead(struct jit_compiler *c, struct open_block *b, size_t count, unsigned tier)
{
    const struct jit_ahead *a = c->lists->ahead, *end = a + count;
    while (a < end && !c->line_ended) {
        if (!c->marks && b->open)
            a = emit_plain(c, &b->cost, a, end, tier);
        if (a == end)
            break;
        if (!emit_any(c, b, a, tier))
            return false;
        a++;
    }
    return true;
}

/* False: the tier does not take the image. */
static bool sweep(struct jit_compiler *c, unsigned tier)
{
    struct open_block block = { .open = false };
    uint32_t pc = 0;
    jit_cost_init(&block.cost);
    while (pc < c->code_size && !c->line_ended) {
        size_t count = jit_look_ahead(c, &pc, c->lists->ahead);
        if (!emit_ahead(c, &block, count, tier))
            return false;
    }
    if (block.open)
        close_block(c, &block);
    if (!c->line_ended) {
        jit_mark(c, c->code_size, PX_CODE_HEAD);
        jit_exit(c, c->code_size, PX_EXIT_PANIC, PX_PANIC_END_OF_CODE);
    }
    return true;
}

static void emit_cold_exits(struct jit_compiler *c)
{
    for (size_t i = 0; i < c->lists->exit_count; i++) {
        const struct jit_cold_exit *exit = &c->lists->exits[i];
        x64_patch_rel32(&c->e, exit->at, x64_offset(&c->e));
        jit_mark(c, exit->pc, PX_CODE_COLD);
        jit_exit(c, exit->pc, exit->exit & 0xff, exit->exit >> 8);
    }
}

/* Where heads go whose lease does not pay, and those whose charge does not fit. */
static void emit_gates(struct jit_compiler *c)
{
    for (size_t i = 0; i < c->unit->gate_count; i++) {
        const struct jit_gate *gate = &c->unit->gates[i];
        if (jit_meter_charge(gate->need, gate->count) != 0)
            x64_patch_rel32(&c->e, gate->resume - 4, x64_offset(&c->e));
        else
            x64_patch_jmp(&c->e, gate->head, x64_offset(&c->e));
        jit_mark(c, gate->pc, PX_CODE_COLD);
        x64_mov_ri(&c->e, RDX, i);
        x64_call(&c->e, jit_stub(c, c->stubs->gate));
        x64_jmp(&c->e, gate->resume);
    }
}

/* A target that is no block start gets a panic of its own, with the jump's pc. */
static void resolve_jumps(struct jit_compiler *c)
{
    int32_t bad = table_value(c, jit_stub(c, c->stubs->bad_target));
    for (size_t i = 0; i < c->lists->jump_count; i++) {
        const struct jit_jump *jump = &c->lists->jumps[i];
        uint32_t target = jump->target;
        if (target < c->code_size && target % 2 == 0 && table_of(c)[target / 2] != bad) {
            x64_patch_rel32(&c->e, jump->at, (uint32_t)table_of(c)[target / 2] + c->table);
        } else {
            x64_patch_rel32(&c->e, jump->at, x64_offset(&c->e));
            jit_mark(c, jump->pc, PX_CODE_COLD);
            jit_exit(c, jump->pc, PX_EXIT_PANIC, PX_PANIC_BAD_TARGET);
        }
    }
}

enum px_status jit_compile(struct px_unit *unit, enum jit_tier tier, struct codebuf *buf,
                           const struct jit_stubs *stubs, unsigned cpu, enum jit_touch touch,
                           struct jit_lists *lists, struct jit_memo *memo, struct px_error *err)
{
    if (tier == JIT_TIER_LINEAR && unit->image.entry_pc != 0)
        return px_fail(err, PX_UNSUPPORTED, "engine linear: entered at %#x: expected 0",
                       unit->image.entry_pc);
    struct jit_compiler c = { .unit = unit,
                              .origin = (uint32_t)buf->used,
                              .tier = tier,
                              .stubs = stubs,
                              .cpu = cpu,
                              .touch = touch,
                              .stoppable = unit->flags & PX_PREPARE_STOPPABLE,
                              .code = unit->image.code,
                              .code_size = (uint32_t)unit->image.code_size,
                              .lists = lists,
                              .memo = memo,
                              .sites = &unit->sites,
                              .site_count = &unit->site_count,
                              .site_capacity = &unit->site_capacity,
                              .marks = unit->flags & PX_PREPARE_MAPPED ? &unit->marks : NULL,
                              .mark_count = &unit->mark_count,
                              .mark_capacity = &unit->mark_capacity };
    lists->jump_count = lists->exit_count = 0;
    lists->failed = false;
    unit->site_count = unit->gate_count = unit->mark_count = 0;
    unit->reserve = 0;
    x64_init(&c.e, buf->write + buf->used, buf->capacity - buf->used);

    if (tier == JIT_TIER_BLOCK)
        emit_table(&c);
    if (!c.e.overflow) {
        if (!sweep(&c, jit_cost_tier(&unit->image)))
            return px_fail(err, PX_UNSUPPORTED, "engine linear: a jump before the end of the line");
        emit_cold_exits(&c);
        emit_gates(&c);
        if (!c.e.overflow)
            resolve_jumps(&c);
        jit_mark(&c, 0, PX_CODE_ROLE_COUNT);
    }
    if (lists->failed)
        return px_fail(err, PX_ERR_NOMEM, "out of memory compiling %u bytes of guest code", c.code_size);
    if (c.e.overflow)
        return px_fail(err, PX_ERR_FULL,
                       "code memory is full: %u bytes of guest code do not fit the %zu bytes left",
                       c.code_size, buf->capacity - buf->used);
    unit->tier = tier;
    unit->start = c.origin;
    unit->size = x64_offset(&c.e);
    unit->bad_target = (uint32_t)table_value(&c, jit_stub(&c, stubs->bad_target));
    codebuf_publish(buf, unit->size);
    return PX_OK;
}

/* The table's word for halfword @index: the unit begins with it. */
static uint32_t table_word(const struct px_unit *unit, const struct codebuf *buf, size_t index)
{
    uint32_t word;
    memcpy(&word, buf->exec + unit->start + index * 4, 4);
    return word;
}

bool jit_unit_block(const struct px_unit *unit, const struct codebuf *buf, uint32_t pc, uint32_t *code)
{
    if (unit->tier == JIT_TIER_LINEAR) {
        *code = unit->start;
        return pc == 0 && unit->image.code_size > 0;
    }
    if (pc >= unit->image.code_size || pc % 2 != 0)
        return false;
    uint32_t word = table_word(unit, buf, pc / 2);
    if (word == unit->bad_target)
        return false;
    *code = unit->start + word;
    return true;
}

const struct jit_site *jit_unit_site(const struct px_unit *unit, uint32_t host)
{
    size_t low = 0, high = unit->site_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unit->sites[middle].host + unit->start < host)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < unit->site_count && unit->sites[low].host + unit->start == host;
    return found ? &unit->sites[low] : NULL;
}

bool jit_unit_guest_pc(const struct px_unit *unit, const struct codebuf *buf, uint32_t host, uint32_t *pc)
{
    if (host < unit->start || host - unit->start >= unit->size)
        return false;
    uint32_t at = host - unit->start, best = 0, best_pc = 0;
    for (size_t i = 0; i + 1 < unit->mark_count; i++)
        if (unit->marks[i].host <= at && at < unit->marks[i + 1].host) {
            *pc = unit->marks[i].pc;
            return true;
        }
    size_t slots = unit->tier == JIT_TIER_BLOCK ? (unit->image.code_size + 1) / 2 : 0;
    for (size_t i = 0; i < slots; i++) {
        uint32_t word = table_word(unit, buf, i);
        if (word != unit->bad_target && word <= at && word >= best) {
            best = word;
            best_pc = (uint32_t)i * 2;
        }
    }
    for (size_t i = 0; i < unit->site_count && unit->sites[i].host <= at; i++)
        if (unit->sites[i].host >= best)
            best_pc = unit->sites[i].pc;
    *pc = best_pc;
    return true;
}
