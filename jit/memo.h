/*
 * Lowering, remembered. The bytes that an instruction became are kept by its shape: opcode, where each operand lives,
 * which operands coincide, how large the immediate is. For other registers and another immediate of the same shape
 * they are the same bytes with other bits in some fields, and writing them takes no branch and no call.
 *
 * lower_*.c alone says what an instruction becomes: a template is derived from it, by lowering the instruction that missed
 * again with other operands, elsewhere and at another pc, and looking which bits follow what. What does not follow in
 * a simple way (divisions, exits, links) is lowered anew each time.
 */
#ifndef PX_JIT_MEMO_H
#define PX_JIT_MEMO_H

#include "jit/compiler.h"

typedef uint8_t jit_lane __attribute__((vector_size(16)));

enum {
    JIT_LANE = 16,
    JIT_TEMPLATE_BYTES = 2 * JIT_LANE,
    JIT_TEMPLATE_SLACK = 4, /* written behind a template's bytes */
    JIT_TEMPLATES_MAX = 8192,
    JIT_LAYOUTS_MAX = 1024,
    JIT_TEMPLATES_SETTLED = 160, /* known to a process that will meet nearly all shapes */
    JIT_KINDS = 2, /* ways of telling registers apart: coarse, fine */
    JIT_SHAPES_COARSE = 1 << 11, /* of one opcode */
    JIT_SHAPES_FINE = 1 << 12,
    /* Values of index[] that are no templates. */
    JIT_MEMO_UNKNOWN = 0,
    JIT_MEMO_LOWER = 1, /* to be lowered each time */
    JIT_MEMO_FIRST = 2,
};

/* A register's number in every place where an instruction may want it: bytes of a field's three bits, twice, and bytes of the
 * fourth, which REX and VEX hold. 0 for registers without one. */
struct jit_spread {
    jit_lane low, high;
};

/* Where in sixteen bytes the numbers of rd, rs1 and rs2 go. */
struct jit_layout_lane {
    struct jit_spread field[3];
};

/* Templates have few layouts between them. */
struct jit_layout {
    struct jit_layout_lane first, second;
};

struct jit_template {
    _Alignas(64) jit_lane first, second; /* the bytes, for registers of number 0 and an immediate of 0 */
    uint32_t imm_mask; /* of the immediate's bytes: 0 without one */
    uint32_t stub; /* called: offset in the code buffer */
    const struct jit_layout *layout;
    uint8_t length, imm_at;
    uint8_t site_at, jump_at, call_at; /* JIT_NOWHERE: none */
    bool plain; /* neither site nor jump nor call */
    struct jit_charge charge; /* follows from the shape, too */
};

enum { JIT_NOWHERE = 255 };

struct jit_memo_row {
    uint32_t base; /* of its shapes in index[] */
    uint16_t imm_step; /* what the immediate's size adds to the shape, times its number */
    uint8_t kinds; /* how it tells registers apart */
};

/* Every choice of three registers. */
enum { JIT_TRIPLES = PX_REG_COUNT * PX_REG_COUNT * PX_REG_COUNT };

struct jit_memo {
    struct jit_spread spread[PX_REG_COUNT];
    uint16_t registers[JIT_KINDS][JIT_TRIPLES]; /* what rd, rs1 and rs2 add to the shape, by jit_triple */
    struct jit_memo_row rows[PX_OP_COUNT];
    uint16_t *index; /* by shape: a template's number, or one of JIT_MEMO_* */
    struct jit_template *templates;
    struct jit_layout *layouts;
    unsigned count, layout_count;
    struct jit_lists scratch;
    struct jit_site *sites; /* for derivation */
    size_t site_count, site_capacity;
};

/* Borrows nothing. Without memory for it PX_ERR_NOMEM. */
enum px_status jit_memo_init(struct jit_memo *memo, struct px_error *err) PX_CHECKED;
/* From now on every instruction is lowered anew: what is done for a program then depends on it alone. */
void jit_memo_forbid(struct jit_memo *memo);
void jit_memo_fini(struct jit_memo *memo); /* a zeroed one is fine */

/*
 * Lowers @count instructions that follow each other from c->pc and c->in_block on, both of which are moved behind them.
 * @numbers: what jit_memo_find said of each.
 */
void jit_memo_emit(struct jit_compiler *c, const struct px_insn *insns, const uint32_t *numbers,
                   size_t count);

/* 0 for none, then by sign and by whether a sign-extended byte holds it. */
static inline unsigned jit_imm_kind(int32_t imm)
{
    return imm == 0 ? 0 : 1u + (unsigned)(imm < 0) + 2u * (unsigned)(imm != (int8_t)imm);
}

static inline unsigned jit_triple(const struct px_insn *in)
{
    return in->rd + 0u + (unsigned)PX_REG_COUNT * (in->rs1 + (unsigned)PX_REG_COUNT * in->rs2);
}

/* The shape of @in: where index[] has the number of its template, which is on its way from memory when it will be wanted. */
static inline uint32_t jit_memo_shape(const struct jit_memo *memo, const struct px_insn *in)
{
    const struct jit_memo_row *row = &memo->rows[in->op];
    uint32_t shape =
        row->base + memo->registers[row->kinds][jit_triple(in)] + jit_imm_kind(in->imm) * row->imm_step;
    __builtin_prefetch(&memo->index[shape]);
    return shape;
}

static inline jit_lane jit_fill(jit_lane bytes, const struct jit_layout_lane *layout,
                                const struct jit_spread *d, const struct jit_spread *a,
                                const struct jit_spread *b)
{
    return bytes ^ (layout->field[0].low & d->low) ^ (layout->field[0].high & d->high) ^
           (layout->field[1].low & a->low) ^ (layout->field[1].high & a->high) ^
           (layout->field[2].low & b->low) ^ (layout->field[2].high & b->high);
}

/* The number of the template for @shape, or one of JIT_MEMO_*; the template is on its way, too. */
static inline uint32_t jit_memo_find(const struct jit_memo *memo, uint32_t shape)
{
    uint32_t number = memo->index[shape];
    __builtin_prefetch(&memo->templates[number]);
    return number;
}

/* Writes what @t makes of @in, JIT_TEMPLATE_BYTES at most and JIT_TEMPLATE_SLACK behind them; returns its end. */
PX_INLINE uint8_t *jit_memo_write(const struct jit_memo *memo, const struct jit_template *t,
                                  const struct px_insn *in, uint8_t *at)
{
    const struct jit_spread *d = &memo->spread[in->rd], *a = &memo->spread[in->rs1],
                            *b = &memo->spread[in->rs2];
    const struct jit_layout *layout = t->layout;
    jit_lane bytes = jit_fill(t->first, &layout->first, d, a, b);
    memcpy(at, &bytes, sizeof bytes);
    if (t->length > JIT_LANE) {
        bytes = jit_fill(t->second, &layout->second, d, a, b);
        memcpy(at + JIT_LANE, &bytes, sizeof bytes);
    }
    uint32_t field;
    memcpy(&field, at + t->imm_at, sizeof field);
    field ^= (uint32_t)in->imm & t->imm_mask;
    memcpy(at + t->imm_at, &field, sizeof field);
    return at + t->length;
}

#endif
