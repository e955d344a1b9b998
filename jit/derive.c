#include "jit/derive.h"

#include <string.h>

/* One lowering into scratch memory, of no more than a template's bytes. */
struct trial {
    uint8_t bytes[JIT_TEMPLATE_BYTES];
    uint8_t length, site_at, jump_at;
};

/* Which bits of the bytes follow an operand's number: the three low bits of it, and the fourth, which REX and VEX hold. */
struct bits {
    uint8_t low[JIT_TEMPLATE_BYTES], high[JIT_TEMPLATE_BYTES];
};

struct derivation {
    struct jit_compiler *c; /* whose instruction it is */
    struct jit_memo *memo;
    struct trial base; /* as it is */
    struct jit_template t;
    struct bits operands[3];
    bool finer; /* the opcode must tell more kinds of registers apart */
};

enum {
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
            v->t.field_at = (uint8_t)at;
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
    while (jit_memo_kind(spare, true) != JIT_KIND_HOME || names(in, spare))
        spare--;
    return spare;
}

/* As vary, without the bytes of the immediate. */
static bool vary_registers(const struct derivation *v, const struct px_insn *in, struct trial *trial)
{
    if (!vary(v, in, trial))
        return false;
    for (unsigned i = 0; i < 4; i++)
        trial->bytes[v->t.field_at + i] ^= (uint8_t)(((uint32_t)in->imm & v->t.imm_mask) >> 8 * i);
    return true;
}

/*
 * Lowers the instruction with each other register of its kind in place of operand @which and those equal to it. None is left
 * out, since it may be the one that makes a difference: where another operand is that register, it makes room first.
 */
static bool try_registers(struct derivation *v, unsigned which, struct guess *guess)
{
    const struct px_insn *original = v->c->in;
    bool fine = v->memo->rows[original->op].fine;
    struct px_insn copy = *original;
    unsigned own = *operand(&copy, which);
    for (unsigned other = 1; other < PX_REG_COUNT; other++) {
        struct trial trial, base = v->base;
        struct px_insn in = *original;
        if (jit_memo_kind(other, fine) != jit_memo_kind(own, fine) || other == own)
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
    struct bits *bits = &v->operands[which];
    for (unsigned i = 0; i < v->base.length; i++) {
        bits->low[i] = guess.low[i] & (uint8_t)~guess.none[i];
        bits->high[i] = guess.high[i] & (uint8_t)~(guess.none[i] | bits->low[i]);
        if ((guess.none[i] | bits->low[i] | bits->high[i]) != 0xff)
            return false;
    }
    return true;
}

static void fill_place(struct jit_place *place)
{
    for (unsigned reg = 0; reg < PX_REG_COUNT; reg++) {
        unsigned number = jit_home[reg] != X64_NO_REG ? jit_home[reg] : 0;
        unsigned low = (number & 7) | (number & 7) << 3, high = number & 8 ? 0xff : 0;
        for (unsigned i = 0; i < JIT_LANE; i++)
            place->by_register[reg][i] = (uint8_t)((place->low[i] & low) | (place->high[i] & high));
    }
}

/* The place of @bits from @from on; NULL when there are too many. */
static const struct jit_place *find_place(struct jit_memo *memo, const struct bits *bits, unsigned from)
{
    struct jit_place *place = memo->places, *end = place + memo->place_count;
    const uint8_t *low = bits->low + from, *high = bits->high + from;
    while (place < end &&
           (memcmp(place->low, low, JIT_LANE) != 0 || memcmp(place->high, high, JIT_LANE) != 0))
        place++;
    if (place == memo->places + JIT_PLACES_MAX)
        return NULL;
    if (place == end) {
        memcpy(place->low, low, JIT_LANE);
        memcpy(place->high, high, JIT_LANE);
        fill_place(place);
        memo->place_count++;
    }
    return place;
}

static bool find_places(struct derivation *v)
{
    struct jit_template *t = &v->t;
    for (unsigned i = 0; i < 3; i++) {
        t->places[i] = find_place(v->memo, &v->operands[i], 0);
        t->more[i] = find_place(v->memo, &v->operands[i], JIT_LANE);
        if (!t->places[i] || !t->more[i])
            return false;
    }
    return true;
}

/* Makes the call a field, as an immediate is: its distance from host address 0 on, of which the place will be taken. */
static void call_in_field(struct derivation *v)
{
    struct jit_template *t = &v->t;
    uint32_t buffer = (uint32_t)(uintptr_t)v->c->e.start - v->c->origin; /* its address, mod 2^32 */
    uint32_t distance = t->stub + buffer - t->call_at - 4;
    memcpy(v->base.bytes + t->call_at, &distance, sizeof distance);
    t->field_at = t->call_at;
    t->call_mask = UINT32_MAX;
    t->call_at = JIT_NOWHERE;
}

/* Takes the instruction's own registers out of the bytes, so that any can be put in. */
static bool finish(struct derivation *v)
{
    struct jit_template *t = &v->t;
    const struct px_insn *in = v->c->in;
    if (!find_places(v))
        return false;
    memset(v->base.bytes + v->base.length, 0, JIT_TEMPLATE_BYTES - v->base.length);
    if (t->call_at != JIT_NOWHERE && t->imm_mask == 0)
        call_in_field(v);
    memcpy(&t->first, v->base.bytes, JIT_LANE);
    memcpy(&t->second, v->base.bytes + JIT_LANE, JIT_LANE);
    t->first = jit_fill(t->first, t->places, jit_operands(in));
    t->second = jit_fill(t->second, t->more, jit_operands(in));
    t->charge = jit_charge_of(in);
    t->length = v->base.length;
    t->op = in->op;
    t->site_at = v->base.site_at;
    t->jump_at = v->base.jump_at;
    t->special = t->site_at != JIT_NOWHERE || t->jump_at != JIT_NOWHERE || t->call_at != JIT_NOWHERE ||
                 (px_ops[in->op].effects & (PX_EFF_TERM | PX_EFF_CALL));
    return true;
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

enum jit_derived jit_derive(struct jit_compiler *c, struct jit_template *template)
{
    struct derivation v = { .c = c, .memo = c->memo };
    if (derive(&v)) {
        *template = v.t;
        return JIT_DERIVED;
    }
    return v.finer && !c->memo->rows[c->in->op].fine ? JIT_TOO_COARSE : JIT_UNDERIVABLE;
}
