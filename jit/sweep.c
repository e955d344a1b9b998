/*
 * One pass over the guest's code: decode, price, emit; at each block's end its gate's numbers are
 * filled in, at the end of the code jumps find their blocks and cold exits are emitted.
 *
 *   sweep -> decode_ahead -> (open_block -> jit_cost_add -> jit_memo_emit -> close_block)* -> ... -> finish
 */
#include "jit/unit.h"

#include <string.h>

#include "jit/cost.h"
#include "jit/memo.h"
#include "jit/meter.h"
#include "vm/decode_word.h"

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

/* Decoded instructions. */
struct ahead {
    size_t count;
    uint64_t ends; /* bit n: a block ends with number n, or, in bit n - 1, is ended by number n */
};

/* What an opcode adds to ends: as a block's last instruction, and as one that is a block by itself. */
enum { ENDS_BEFORE = 1, ENDS_BEHIND = 2 };

static const uint8_t ends_of[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = ENDS_BEHIND,
#define PX_OP(name, mnemonic, format, match, mask, extension, gas, effects)                                  \
    [PX_OP_##name] =                                                                                         \
        ((effects) & PX_EFF_TERM ? ENDS_BEHIND : 0) | ((effects) & PX_EFF_CALL ? ENDS_BEFORE : 0),
#include "vm/isa.def"
};

/* Decodes what is at @pc; its length. */
PX_INLINE uint32_t decode_at(const struct jit_compiler *c, uint32_t pc, struct px_insn *in)
{
    uint32_t word;
    if (c->code_size - pc < sizeof word || px_length(c->code[pc]) != sizeof word) {
        px_decode_to(c->code, c->code_size, pc, in);
        return px_length(c->code[pc]);
    }
    memcpy(&word, c->code + pc, sizeof word);
    px_decode_32(word, in);
    return sizeof word;
}

/*
 * Decodes ahead. What takes long to come from memory, or is decided late, is asked for long before it is wanted: the steps
 * of one instruction wait for each other, those of many need not.
 */
PX_INLINE struct ahead decode_ahead(const struct jit_compiler *c)
{
    struct jit_lists *l = c->lists;
    struct ahead a = { .count = 0 };
    for (uint32_t pc = c->pc; a.count < JIT_AHEAD && pc < c->code_size; a.count++) {
        struct px_insn *in = &l->ahead[a.count];
        pc += decode_at(c, pc, in);
        l->shapes[a.count] = jit_memo_shape(c->memo, in);
        a.ends |= (uint64_t)ends_of[in->op] << a.count >> 1;
    }
    for (size_t i = 0; i < a.count; i++) {
        uint32_t number = jit_memo_find(c->memo, l->shapes[i]);
        l->shapes[i] = number;
        l->charges[i] = number >= JIT_MEMO_FIRST ? &c->memo->templates[number].charge : &l->own_charges[i];
        if (__builtin_expect(number < JIT_MEMO_FIRST, 0))
            l->own_charges[i] = jit_charge_of(&l->ahead[i]);
    }
    return a;
}

/* How many instructions from @first on belong to one block, as far as decoded. */
static size_t stretch(const struct ahead *a, size_t first)
{
    uint64_t ends = a->ends >> first;
    size_t count = ends != 0 ? (size_t)__builtin_ctzll(ends) + 1 : JIT_AHEAD;
    return count < a->count - first ? count : a->count - first;
}

/* With a mark before each. */
static void emit_mapped(struct jit_compiler *c, const struct px_insn *insns, const uint32_t *numbers,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        jit_mark(c, c->pc, PX_CODE_BODY);
        jit_memo_emit(c, insns + i, numbers + i, 1);
    }
}

/* Emits @count instructions of one block, opening it before them and closing it after them where ISA.md 4 says so. */
PX_INLINE void emit_stretch(struct jit_compiler *c, struct open_block *block, size_t first, size_t count,
                            uint64_t mem)
{
    const struct px_insn *insns = c->lists->ahead + first;
    const uint32_t *numbers = c->lists->shapes + first;
    bool call = px_ops[insns->op].effects & PX_EFF_CALL;
    if (block->open && call)
        close_block(c, block);
    if (!block->open) {
        jit_mark(c, c->pc, PX_CODE_HEAD);
        open_block(c, block, !call);
    }
    jit_cost_add(&block->cost, insns, c->lists->charges + first, count, mem);
    if (c->marks)
        emit_mapped(c, insns, numbers, count);
    else
        jit_memo_emit(c, insns, numbers, count);
    if (px_ops[insns[count - 1].op].effects & PX_EFF_TERM)
        close_block(c, block);
}

/* Whether a run that comes to @in, which ends a block and is no jump, ends there. */
static bool ends_run(const struct px_insn *in)
{
    bool returns = in->op == PX_OP_ECALLI && in->imm >= PX_HOSTCALL_POW && in->imm <= PX_HOSTCALL_HASH;
    return in->op != PX_OP_FALLTHROUGH && !returns;
}

/*
 * Cuts what has been decoded behind the end of the line, which is then the end of the code. False: a jump comes first. Both end
 * blocks, so that nothing else need be looked at.
 */
static bool cut_line(struct jit_compiler *c, struct ahead *a)
{
    for (uint64_t ends = a->ends; ends != 0; ends &= ends - 1) {
        size_t i = (size_t)__builtin_ctzll(ends);
        if (i >= a->count)
            return true;
        const struct px_insn *in = &c->lists->ahead[i];
        unsigned effects = px_ops[in->op].effects;
        if (effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
            return false;
        if (!(effects & PX_EFF_TERM) || !ends_run(in))
            continue;
        a->count = i + 1;
        c->line_ended = true;
        return true;
    }
    return true;
}

/* False: the tier does not take the image. */
static bool sweep(struct jit_compiler *c, uint64_t mem)
{
    struct open_block block = { .open = false };
    jit_cost_init(&block.cost);
    while (c->pc < c->code_size && !c->line_ended) {
        struct ahead a = decode_ahead(c);
        if (c->tier == JIT_TIER_LINEAR && !cut_line(c, &a))
            return false;
        for (size_t i = 0, count; i < a.count; i += count) {
            count = stretch(&a, i);
            emit_stretch(c, &block, i, count, mem);
        }
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
        if (!sweep(&c, jit_cost_mem(&unit->image)))
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
