#include "jit/memo.h"

#include <stdlib.h>
#include <string.h>

/* Where a register lives, as far as emitted bytes tell registers apart by more than their number. */
enum kind {
    KIND_ZERO,
    KIND_X3,
    KIND_X4,
    KIND_HOME,
    /* Fine: counts are in rcx, and r12 as a base has an encoding of its own. */
    KIND_RCX,
    KIND_R12,
};

static enum kind kind_of(unsigned guest, bool fine)
{
    if (jit_home[guest] == X64_NO_REG)
        return guest == 0 ? KIND_ZERO : guest == 3 ? KIND_X3 : KIND_X4;
    if (fine && jit_home[guest] == RCX)
        return KIND_RCX;
    return fine && jit_home[guest] == R12 ? KIND_R12 : KIND_HOME;
}

/* Where in a shape the kinds of rd, rs1 and rs2 are: three bits each, or two for a coarse rs1. Below them is which are equal. */
static unsigned kind_shift(unsigned place, bool fine)
{
    return place == 0 ? (fine ? 9 : 8) : place == 1 ? 6 : 3;
}

/* Shapes have a place for the immediate's size where a format names no register. */
static uint16_t imm_step(enum px_format format, bool fine)
{
    switch (format) {
    case PX_FMT_I:
    case PX_FMT_LOAD:
    case PX_FMT_SH5:
    case PX_FMT_SH6:
    case PX_FMT_U:
        return (uint16_t)(1u << kind_shift(2, fine));
    case PX_FMT_STORE:
        return (uint16_t)(1u << kind_shift(0, fine));
    default:
        return 0; /* none, or one that no bytes hold */
    }
}

static void set_row(struct jit_memo *memo, unsigned op, bool fine)
{
    uint32_t behind = (uint32_t)PX_OP_COUNT * JIT_SHAPES_COARSE; /* fine shapes come after all coarse ones */
    memo->rows[op] = (struct jit_memo_row){
        .base = fine ? behind + op * JIT_SHAPES_FINE : op * JIT_SHAPES_COARSE,
        .imm_step = imm_step(px_ops[op].format, fine),
        .kinds = fine,
    };
}

static void spread(struct jit_spread *spread, unsigned number)
{
    memset(&spread->low, (int)((number & 7) | (number & 7) << 3), sizeof spread->low);
    memset(&spread->high, number & 8 ? 0xff : 0, sizeof spread->high);
}

/* The kinds of three registers, and which of them are equal. */
static uint16_t registers_of(unsigned triple, bool fine)
{
    unsigned rd = triple % PX_REG_COUNT, rs1 = triple / PX_REG_COUNT % PX_REG_COUNT,
             rs2 = triple / (PX_REG_COUNT * PX_REG_COUNT);
    unsigned same = (unsigned)(rd == rs1) | (unsigned)(rd == rs2) << 1 | (unsigned)(rs1 == rs2) << 2;
    return (uint16_t)(((unsigned)kind_of(rd, fine) << kind_shift(0, fine)) +
                      ((unsigned)kind_of(rs1, fine) << kind_shift(1, fine)) +
                      ((unsigned)kind_of(rs2, fine) << kind_shift(2, fine)) + same);
}

enum px_status jit_memo_init(struct jit_memo *memo, struct px_error *err)
{
    *memo = (struct jit_memo){ .count = JIT_MEMO_FIRST };
    memo->index = calloc((size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE), sizeof *memo->index);
    memo->templates = aligned_alloc(64, JIT_TEMPLATES_MAX * sizeof *memo->templates);
    memo->layouts = aligned_alloc(64, JIT_LAYOUTS_MAX * sizeof *memo->layouts);
    if (!memo->index || !memo->templates || !memo->layouts) {
        jit_memo_fini(memo);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for templates");
    }
    for (unsigned i = 0; i < PX_REG_COUNT; i++) {
        if (jit_home[i] != X64_NO_REG)
            spread(&memo->spread[i], jit_home[i]);
    }
    for (unsigned fine = 0; fine < JIT_KINDS; fine++)
        for (unsigned triple = 0; triple < JIT_TRIPLES; triple++)
            memo->registers[fine][triple] = registers_of(triple, fine);
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        set_row(memo, op, false);
    return PX_OK;
}

void jit_memo_forbid(struct jit_memo *memo)
{
    for (size_t i = 0; i < (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE); i++)
        memo->index[i] = JIT_MEMO_LOWER;
}

void jit_memo_fini(struct jit_memo *memo)
{
    free(memo->index);
    free(memo->templates);
    free(memo->layouts);
    free(memo->sites);
    jit_lists_fini(&memo->scratch);
    *memo = (struct jit_memo){ .count = 0 };
}

/* --- deriving --- */

/* One lowering into scratch memory, of no more than a template's bytes. */
struct trial {
    uint8_t bytes[JIT_TEMPLATE_BYTES];
    uint8_t length, site_at, jump_at;
};

struct derivation {
    struct jit_compiler *c; /* whose instruction it is */
    struct jit_memo *memo;
    struct trial base; /* as it is */
    struct jit_template t;
    struct jit_layout layout;
    bool finer; /* the opcode must tell more kinds of registers apart */
};

enum {
    HOST_PAGE = 4096,
    TRIAL_ROOM = 512,
    TRIAL_AT = 64, /* where trials begin, but one */
};

/* Lowers @in at offset @at of an otherwise empty unit. False: it is not of the kind that a template can hold. */
static bool try_at(const struct derivation *v, const struct px_insn *in, uint32_t at, uint32_t pc,
                   struct trial *trial)
{
    uint8_t room[TRIAL_ROOM];
    struct jit_memo *memo = v->memo;
    struct jit_compiler c = *v->c;
    c.lists = &memo->scratch;
    c.sites = &memo->sites;
    c.site_count = &memo->site_count;
    c.site_capacity = &memo->site_capacity;
    c.in = in;
    c.pc = pc;
    c.next = pc + in->len;
    memo->scratch.jump_count = memo->scratch.exit_count = memo->site_count = 0;
    memo->scratch.failed = false;
    x64_init(&c.e, room, sizeof room);
    c.e.at += at;
    jit_lower(&c);
    uint32_t length = x64_offset(&c.e) - at;
    if (c.e.overflow || memo->scratch.failed || memo->scratch.exit_count > 0 || length > JIT_TEMPLATE_BYTES ||
        memo->scratch.jump_count > 1 || memo->site_count > 1)
        return false;
    *trial = (struct trial){ .length = (uint8_t)length, .site_at = JIT_NOWHERE, .jump_at = JIT_NOWHERE };
    memcpy(trial->bytes, room + at, length);
    if (memo->site_count == 1)
        trial->site_at = (uint8_t)(memo->sites[0].host - at);
    if (memo->scratch.jump_count == 1) {
        if (memo->scratch.jumps[0].target != pc + (uint32_t)in->imm)
            return false;
        trial->jump_at = (uint8_t)(memo->scratch.jumps[0].at - at);
        memset(trial->bytes + trial->jump_at, 0, 4); /* patched later, whatever it is */
    }
    return true;
}

static bool same_layout(const struct trial *a, const struct trial *b)
{
    return a->length == b->length && a->site_at == b->site_at && a->jump_at == b->jump_at;
}

/* Lowers a variation of the instruction; false: it is laid out in another way. */
static bool vary(const struct derivation *v, const struct px_insn *in, struct trial *trial)
{
    if (!try_at(v, in, TRIAL_AT, v->c->pc, trial) || !same_layout(trial, &v->base))
        return false;
    if (v->t.call_at != JIT_NOWHERE)
        memset(trial->bytes + v->t.call_at, 0, 4);
    return true;
}

static uint32_t word_at(const uint8_t *bytes, unsigned at)
{
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

/* The bytes may not depend on pc, and on the place only by the distance of one call. */
static bool derive_place(struct derivation *v)
{
    struct trial other;
    struct jit_template *t = &v->t;
    t->call_at = JIT_NOWHERE;
    if (!try_at(v, v->c->in, TRIAL_AT, v->c->pc + 0x135a, &other) || !same_layout(&other, &v->base) ||
        memcmp(other.bytes, v->base.bytes, other.length) != 0)
        return false;
    if (!try_at(v, v->c->in, 0, v->c->pc, &other) || !same_layout(&other, &v->base))
        return false;
    if (memcmp(other.bytes, v->base.bytes, other.length) == 0)
        return true;
    for (unsigned at = 0; at + 4 <= other.length; at++) {
        uint32_t here = word_at(v->base.bytes, at), there = word_at(other.bytes, at);
        if (there - here != TRIAL_AT)
            continue;
        t->call_at = (uint8_t)at;
        t->stub = here + TRIAL_AT + at + 4 + v->c->origin;
        memset(v->base.bytes + at, 0, 4);
        memset(other.bytes + at, 0, 4);
        return memcmp(other.bytes, v->base.bytes, other.length) == 0;
    }
    return false;
}

/* Whether the bytes differ just as @value differs in @size bytes at @at. */
static bool follows(const struct trial *trial, const struct trial *base, unsigned at, unsigned size,
                    uint32_t difference)
{
    uint8_t expected[JIT_TEMPLATE_BYTES];
    memcpy(expected, base->bytes, sizeof expected);
    for (unsigned i = 0; i < size; i++)
        expected[at + i] ^= (uint8_t)(difference >> 8 * i);
    return memcmp(expected, trial->bytes, base->length) == 0;
}

/* Immediates of the size that @imm has, in each format's range and step. */
static size_t alternatives(const struct px_insn *in, int32_t values[4])
{
    static const int32_t low[5][4] = {
        { 0 },
        { 1, 0x15, 0x0a, 0x1f },
        { -1, -0x56, -0x2b, -128 },
        { 128, 0x555, 0x2aa, 2047 },
        { -129, -0x556, -0x2ab, -2048 },
    };
    static const uint32_t high[2][4] = { { 0x1000, 0x55555000, 0x2aaaa000, 0x7ffff000 },
                                         { 0xfffff000, 0xd5555000, 0xaaaaa000, 0x80000000 } };
    unsigned kind = jit_imm_kind(in->imm);
    for (size_t i = 0; i < 4; i++)
        values[i] = px_ops[in->op].format == PX_FMT_U ? (int32_t)high[in->imm < 0][i] : low[kind][i];
    return kind == 0 ? 0 : 4;
}

static bool imm_is_at(const struct trial *trials, const int32_t *values, size_t count,
                      const struct derivation *v, unsigned at, unsigned size)
{
    for (size_t i = 0; i < count; i++)
        if (!follows(&trials[i], &v->base, at, size, (uint32_t)(values[i] ^ v->c->in->imm)))
            return false;
    return true;
}

static bool derive_imm(struct derivation *v)
{
    int32_t values[4];
    struct trial trials[4];
    struct px_insn in = *v->c->in;
    if (v->memo->rows[in.op].imm_step == 0)
        return true;
    size_t count = alternatives(&in, values);
    for (size_t i = 0; i < count; i++) {
        in.imm = values[i];
        if (!vary(v, &in, &trials[i]))
            return false;
    }
    if (imm_is_at(trials, values, count, v, 0, 0)) /* no bytes follow it */
        return true;
    for (unsigned size = 1; size <= 4; size += 3) {
        for (unsigned at = 0; at + size <= v->base.length; at++) {
            if (!imm_is_at(trials, values, count, v, at, size))
                continue;
            v->t.imm_at = (uint8_t)at;
            v->t.imm_mask = size == 1 ? 0xff : UINT32_MAX;
            for (unsigned i = 0; i < size; i++)
                v->base.bytes[at + i] ^= (uint8_t)((uint32_t)v->c->in->imm >> 8 * i);
            return true;
        }
    }
    return false;
}

static uint8_t *operand(struct px_insn *in, unsigned which)
{
    return which == 0 ? &in->rd : which == 1 ? &in->rs1 : &in->rs2;
}

/* How a bit of the bytes may depend on a register's number; each bit of these is a bit of the byte. */
struct guess {
    uint8_t none[JIT_TEMPLATE_BYTES], low[JIT_TEMPLATE_BYTES], high[JIT_TEMPLATE_BYTES];
};

static void narrow(struct guess *guess, const struct trial *trial, const struct trial *base, unsigned number)
{
    unsigned low = number & 7, spread = low | low << 3;
    uint8_t high = number & 8 ? 0xff : 0;
    for (unsigned i = 0; i < base->length; i++) {
        uint8_t changed = trial->bytes[i] ^ base->bytes[i];
        guess->none[i] &= (uint8_t)~changed;
        guess->low[i] &= (uint8_t)(~(changed ^ spread) & 0x3f);
        guess->high[i] &= (uint8_t)~(changed ^ high);
    }
}

static bool names(const struct px_insn *in, unsigned reg)
{
    return reg == in->rd || reg == in->rs1 || reg == in->rs2;
}

/* Puts @other in place of @own. */
static void rename_operand(struct px_insn *in, unsigned own, unsigned other)
{
    for (unsigned i = 0; i < 3; i++)
        if (*operand(in, i) == own)
            *operand(in, i) = (uint8_t)other;
}

/* A register like any other that @in does not name. */
static unsigned spare_register(const struct px_insn *in)
{
    unsigned spare = PX_REG_COUNT - 1;
    while (kind_of(spare, true) != KIND_HOME || names(in, spare))
        spare--;
    return spare;
}

/* As vary, without the bytes of the immediate. */
static bool vary_registers(const struct derivation *v, const struct px_insn *in, struct trial *trial)
{
    if (!vary(v, in, trial))
        return false;
    for (unsigned i = 0; i < 4; i++)
        trial->bytes[v->t.imm_at + i] ^= (uint8_t)(((uint32_t)in->imm & v->t.imm_mask) >> 8 * i);
    return true;
}

/*
 * Lowers the instruction with each other register of its kind in place of operand @which and those equal to it. None is left
 * out, since it may be the one that makes a difference: where another operand is that register, it makes room first.
 */
static bool try_registers(struct derivation *v, unsigned which, struct guess *guess)
{
    const struct px_insn *original = v->c->in;
    bool fine = v->memo->rows[original->op].kinds;
    struct px_insn copy = *original;
    unsigned own = *operand(&copy, which);
    for (unsigned other = 1; other < PX_REG_COUNT; other++) {
        struct trial trial, base = v->base;
        struct px_insn in = *original;
        if (kind_of(other, fine) != kind_of(own, fine) || other == own)
            continue;
        if (names(&in, other)) {
            rename_operand(&in, other, spare_register(&in));
            if (!vary_registers(v, &in, &base))
                return false;
        }
        rename_operand(&in, own, other);
        if (!vary_registers(v, &in, &trial))
            return false;
        narrow(guess, &trial, &base, jit_home[own] ^ jit_home[other]);
    }
    return true;
}

/* Finds the bits that follow operand @which, and those of the operands that are the same register. */
static bool derive_operand(struct derivation *v, unsigned which)
{
    struct px_insn in = *v->c->in;
    unsigned own = *operand(&in, which);
    struct guess guess;
    memset(&guess, 0xff, sizeof guess);
    for (unsigned i = 0; i < which; i++)
        if (*operand(&in, i) == own)
            return true; /* done with that one */
    if (jit_home[own] == X64_NO_REG)
        return true;
    if (!try_registers(v, which, &guess))
        return false;
    uint8_t low[JIT_TEMPLATE_BYTES] = { 0 }, high[JIT_TEMPLATE_BYTES] = { 0 };
    for (unsigned i = 0; i < v->base.length; i++) {
        low[i] = guess.low[i] & (uint8_t)~guess.none[i];
        high[i] = guess.high[i] & (uint8_t)~(guess.none[i] | low[i]);
        if ((guess.none[i] | low[i] | high[i]) != 0xff)
            return false;
    }
    memcpy(&v->layout.first.field[which].low, low, JIT_LANE);
    memcpy(&v->layout.second.field[which].low, low + JIT_LANE, JIT_LANE);
    memcpy(&v->layout.first.field[which].high, high, JIT_LANE);
    memcpy(&v->layout.second.field[which].high, high + JIT_LANE, JIT_LANE);
    return true;
}

/* The number of a layout like the derived one; false when there are too many. */
static bool find_layout(struct derivation *v)
{
    struct jit_memo *memo = v->memo;
    const void *wanted = &v->layout, *known = memo->layouts;
    unsigned i = 0;
    while (i < memo->layout_count &&
           memcmp((const uint8_t *)known + i * sizeof v->layout, wanted, sizeof v->layout) != 0)
        i++;
    if (i == JIT_LAYOUTS_MAX)
        return false;
    if (i == memo->layout_count)
        memo->layouts[memo->layout_count++] = v->layout;
    v->t.layout = &memo->layouts[i];
    return true;
}

/* Takes the instruction's own registers out of the bytes, so that any can be put in. */
static bool finish(struct derivation *v)
{
    struct jit_template *t = &v->t;
    const struct px_insn *in = v->c->in;
    const struct jit_spread *d = &v->memo->spread[in->rd], *a = &v->memo->spread[in->rs1],
                            *b = &v->memo->spread[in->rs2];
    memset(v->base.bytes + v->base.length, 0, JIT_TEMPLATE_BYTES - v->base.length);
    memcpy(&t->first, v->base.bytes, JIT_LANE);
    memcpy(&t->second, v->base.bytes + JIT_LANE, JIT_LANE);
    t->first = jit_fill(t->first, &v->layout.first, d, a, b);
    t->second = jit_fill(t->second, &v->layout.second, d, a, b);
    t->charge = jit_charge_of(in);
    t->length = v->base.length;
    t->site_at = v->base.site_at;
    t->jump_at = v->base.jump_at;
    t->plain = t->site_at == JIT_NOWHERE && t->jump_at == JIT_NOWHERE && t->call_at == JIT_NOWHERE;
    return find_layout(v);
}

static bool derive(struct derivation *v)
{
    if (!try_at(v, v->c->in, TRIAL_AT, v->c->pc, &v->base) || !derive_place(v) || !derive_imm(v))
        return false;
    for (unsigned which = 0; which < 3; which++) {
        v->finer = !derive_operand(v, which);
        if (v->finer)
            return false;
    }
    return finish(v);
}

/* Takes the memory that comes bit by bit otherwise, for hours: a process that lives long is to stay as large as it is. */
static void take_all(struct jit_memo *memo)
{
    volatile uint16_t *index = memo->index;
    for (size_t i = 0; i < (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE);
         i += HOST_PAGE / sizeof *index)
        index[i] = memo->index[i];
    volatile uint8_t *templates = (volatile uint8_t *)memo->templates;
    for (size_t i = memo->count * sizeof *memo->templates; i < JIT_TEMPLATES_MAX * sizeof *memo->templates;
         i += HOST_PAGE)
        templates[i] = 0;
}

static void learn(struct jit_compiler *c, uint32_t shape)
{
    struct jit_memo *memo = c->memo;
    struct derivation v = { .c = c, .memo = memo };
    memo->index[shape] = JIT_MEMO_LOWER;
    if (memo->count == JIT_TEMPLATES_MAX)
        return;
    if (derive(&v)) {
        memo->templates[memo->count] = v.t;
        memo->index[shape] = (uint16_t)memo->count++;
        if (memo->count == JIT_TEMPLATES_SETTLED)
            take_all(memo);
    } else if (v.finer) { /* a second time is in vain, and does no harm */
        set_row(memo, c->in->op, true);
    }
}

/* Lowers c->in, and derives a template for its shape unless it is known that there is none to be had. */
static void miss(struct jit_compiler *c)
{
    uint32_t shape = jit_memo_shape(c->memo, c->in);
    if (c->memo->index[shape] == JIT_MEMO_UNKNOWN)
        learn(c, shape);
    jit_lower(c);
}

/* The rest of a template that is not plain, written at @at. */
static void link(struct jit_compiler *c, const struct jit_template *t, const uint8_t *at)
{
    uint32_t start = (uint32_t)(at - c->e.start);
    if (t->call_at != JIT_NOWHERE)
        x64_patch_rel32(&c->e, start + t->call_at, jit_stub(c, t->stub));
    if (t->site_at != JIT_NOWHERE)
        jit_note_site(c, start + t->site_at);
    if (t->jump_at != JIT_NOWHERE)
        jit_jump_later(c, start + t->jump_at, c->pc + (uint32_t)c->in->imm);
}

/* The next instruction is @in. */
static void step_to(struct jit_compiler *c, const struct px_insn *in, uint32_t pc, uint32_t in_block)
{
    c->in = in;
    c->pc = pc;
    c->next = pc + in->len;
    c->in_block = in_block;
}

void jit_memo_emit(struct jit_compiler *c, const struct px_insn *insns, const uint32_t *numbers, size_t count)
{
    const struct jit_memo *memo = c->memo;
    const ptrdiff_t room = JIT_TEMPLATE_BYTES + JIT_TEMPLATE_SLACK + X64_RED_ZONE;
    uint32_t pc = c->pc, in_block = c->in_block;
    uint8_t *at = c->e.at;
    for (size_t i = 0; i < count; i++) {
        const struct px_insn *in = &insns[i];
        const struct jit_template *t = &memo->templates[numbers[i]];
        bool known = numbers[i] >= JIT_MEMO_FIRST && c->e.end - at >= room;
        uint8_t *end = known ? jit_memo_write(memo, t, in, at) : at;
        if (__builtin_expect(!known || !t->plain, 0)) {
            c->e.at = end;
            step_to(c, in, pc, in_block + (uint32_t)i);
            known ? link(c, t, at) : miss(c);
            end = c->e.at;
        }
        at = end;
        pc += in->len;
    }
    c->e.at = at;
    c->pc = pc;
    c->in_block = in_block + (uint32_t)count;
}
