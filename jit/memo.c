#include "jit/memo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "jit/derive.h"

enum jit_kind jit_memo_kind(unsigned guest, bool fine)
{
    if (jit_home[guest] == X64_NO_REG)
        return guest == 0 ? JIT_KIND_ZERO : guest == 3 ? JIT_KIND_X3 : JIT_KIND_X4;
    if (fine && jit_home[guest] == RCX)
        return JIT_KIND_RCX;
    return fine && jit_home[guest] == R12 ? JIT_KIND_R12 : JIT_KIND_HOME;
}

/* What tells two immediates of a format apart, beside the registers. */
static bool has_imm_kinds(enum px_format format)
{
    switch (format) {
    case PX_FMT_I:
    case PX_FMT_LOAD:
    case PX_FMT_STORE:
    case PX_FMT_SH5:
    case PX_FMT_SH6:
    case PX_FMT_U:
        return true;
    default:
        return false; /* none, or one that no bytes hold */
    }
}

enum {
    HIGH_REGISTERS = 0x01080800
}; /* in a word: the bit of each register's number that makes it 16 or more */

/* Matches one word, which is illegal. */
static const struct jit_memo_row matchless = { .match = UINT32_MAX, .check = UINT32_MAX };

/* Where the shapes of @op are; fine ones come after all coarse ones. */
static uint32_t first_shape(unsigned op, bool fine)
{
    return fine ? (uint32_t)PX_OP_COUNT * JIT_SHAPES_COARSE + op * JIT_SHAPES_FINE : op * JIT_SHAPES_COARSE;
}

static void set_row(struct jit_memo *memo, unsigned op, bool fine)
{
    const struct px_op_info *info = &px_ops[op];
    memo->rows[op] = (struct jit_memo_row){
        .match = info->match,
        .check = info->mask | (info->fields & HIGH_REGISTERS),
        .fields = info->fields,
        .top = (uint32_t)info->top,
        .base = first_shape(op, fine),
        .imm_step = (uint16_t)(!has_imm_kinds((enum px_format)info->format) ? 0
                               : fine                                       ? JIT_CLASSES_FINE
                                                                            : JIT_CLASSES_COARSE),
        .fine = fine,
        .learned = fine,
        .registers = memo->registers + (fine ? JIT_TRIPLE_FREE : 0),
    };
    if (op == PX_OP_ILLEGAL || info->scattered || info->format == PX_FMT_JALR) {
        memo->rows[op].match = matchless.match;
        memo->rows[op].check = matchless.check;
    }
}

enum { KEYS = 1 << 12 };

/* The kinds of three registers, and which of them are equal. */
static unsigned key_of(unsigned rd, unsigned rs1, unsigned rs2, bool fine)
{
    unsigned same = (unsigned)(rd == rs1) | (unsigned)(rd == rs2) << 1 | (unsigned)(rs1 == rs2) << 2;
    return (unsigned)jit_memo_kind(rd, fine) << 9 | (unsigned)jit_memo_kind(rs1, fine) << 6 |
           (unsigned)jit_memo_kind(rs2, fine) << 3 | same;
}

/* Numbers the keys that there are as they are met, so that those of an opcode without rs2 are next to each other. */
static void fill_registers(struct jit_memo *memo, bool fine)
{
    uint8_t class_of[KEYS] = { 0 }; /* and one more, 0: none yet */
    unsigned classes = 0;
    for (unsigned n = 0; n < PX_REG_COUNT * PX_REG_COUNT * PX_REG_COUNT; n++) {
        unsigned rd = n % PX_REG_COUNT, rs1 = n / PX_REG_COUNT % PX_REG_COUNT,
                 rs2 = n / PX_REG_COUNT / PX_REG_COUNT, key = key_of(rd, rs1, rs2, fine);
        const struct px_insn in = { .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2 };
        if (class_of[key] == 0)
            class_of[key] = (uint8_t)++classes;
        memo->registers[jit_triple(jit_operands(&in)) + (fine ? JIT_TRIPLE_FREE : 0)] =
            (uint8_t)(class_of[key] - 1);
    }
    assert(classes <= (fine ? JIT_CLASSES_FINE : JIT_CLASSES_COARSE));
}

enum px_status jit_memo_init(struct jit_memo *memo, struct px_error *err)
{
    *memo = (struct jit_memo){ .count = JIT_MEMO_FIRST };
    memo->index = calloc((size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE), sizeof *memo->index);
    memo->templates = aligned_alloc(64, JIT_TEMPLATES_MAX * sizeof *memo->templates);
    memo->places = aligned_alloc(64, JIT_PLACES_MAX * sizeof *memo->places);
    if (!memo->index || !memo->templates || !memo->places) {
        jit_memo_fini(memo);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for templates");
    }
    for (unsigned i = 0; i < JIT_MEMO_FIRST; i++)
        memo->templates[i] = (struct jit_template){ .special = true, .unknown = true };
    fill_registers(memo, false);
    fill_registers(memo, true);
    for (unsigned imm = 0; imm < JIT_IMMS; imm++)
        memo->imm_kinds[imm] = (uint8_t)jit_imm_kind((int32_t)(imm ^ JIT_IMMS / 2) - JIT_IMMS / 2);
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        set_row(memo, op, false);
    memo->unary[PX_OP_CLZ] = memo->unary[PX_OP_CLZW] = 7;
    for (unsigned i = PX_OP_COUNT; i < sizeof memo->rows / sizeof *memo->rows; i++)
        memo->rows[i] = matchless;
    return PX_OK;
}

void jit_memo_forbid(struct jit_memo *memo)
{
    for (size_t i = 0; i < (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE); i++)
        memo->index[i] = JIT_MEMO_LOWER;
}

void jit_memo_reset(struct jit_memo *memo)
{
    uint16_t *const index = memo->index;
    for (unsigned op = 0; op < PX_OP_COUNT; op++) {
        if (!memo->rows[op].learned)
            continue;
        memset(index + first_shape(op, false), 0, JIT_SHAPES_COARSE * sizeof *index);
        if (memo->rows[op].fine)
            memset(index + first_shape(op, true), 0, JIT_SHAPES_FINE * sizeof *index);
        set_row(memo, op, false);
    }
    memo->count = JIT_MEMO_FIRST;
    memo->place_count = 0;
}

void jit_memo_fini(struct jit_memo *memo)
{
    free(memo->index);
    free(memo->templates);
    free(memo->places);
    free(memo->sites);
    jit_lists_fini(&memo->scratch);
    *memo = (struct jit_memo){ .count = 0 };
}

enum { HOST_PAGE = 4096 };

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
    memo->index[shape] = JIT_MEMO_LOWER;
    memo->rows[c->in->op].learned = true;
    if (memo->count == JIT_TEMPLATES_MAX)
        return;
    struct jit_template *t = &memo->templates[memo->count];
    switch (jit_derive(c, t)) {
    case JIT_DERIVED:
        break;
    case JIT_TOO_COARSE:
        set_row(memo, c->in->op, true);
        return;
    case JIT_UNDERIVABLE:
        *t = (struct jit_template){
            .charge = jit_charge_of(c->in), .op = c->in->op, .special = true, .lowered = true
        };
        break;
    }
    memo->index[shape] = (uint16_t)memo->count++;
    if (memo->count == JIT_TEMPLATES_SETTLED)
        take_all(memo);
}

/* Lowers c->in, and derives a template for its shape unless it is known that there is none to be had. */
static void miss(struct jit_compiler *c)
{
    uint32_t shape = jit_memo_shape(c->memo, c->in);
    if (c->memo->index[shape] == JIT_MEMO_UNKNOWN)
        learn(c, shape);
    jit_lower(c);
}

/* The rest of a template, written at @at, that may be special. */
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

void jit_memo_emit(struct jit_compiler *c, const struct jit_ahead *a)
{
    const struct jit_template *t = a->t;
    if (t->unknown || c->e.end - c->e.at < JIT_TEMPLATE_ROOM) {
        miss(c);
        return;
    }
    if (t->lowered) {
        jit_lower(c);
        return;
    }
    uint8_t *at = c->e.at;
    c->e.at = jit_memo_write(a, at);
    link(c, t, at);
}
