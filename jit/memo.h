/*
 * Lowering, remembered. The bytes that an instruction became are kept by its shape: opcode, where each operand lives,
 * which operands coincide, how large the immediate is. For other registers and another immediate of the same shape
 * they are the same bytes with other bits in some fields, and writing them takes no branch and no call.
 *
 * lower_*.c alone says what an instruction becomes: a template is derived from it, by lowering the instruction that missed
 * again with other operands, elsewhere and at another pc, and looking which bits follow what. What does not follow in
 * a simple way (exits, links, what is too long) is lowered anew each time.
 */
#ifndef PX_JIT_MEMO_H
#define PX_JIT_MEMO_H

#include <string.h>

#include "jit/compiler.h"

typedef uint8_t jit_lane __attribute__((vector_size(16)));

enum {
    JIT_LANE = 16,
    JIT_TEMPLATE_BYTES = 2 * JIT_LANE,
    JIT_TEMPLATE_SLACK = 4, /* written behind a template's bytes */
    JIT_TEMPLATES_MAX = 8192,
    JIT_PLACES_MAX = 1024,
    /*
     * Then it takes the memory of all that may come. No guest program alone makes more than 110, no program of `mix` more than 70,
     * so that who runs one takes what it needs; a dozen of `mix` make as many, and by and by nearly all there can be.
     */
    JIT_TEMPLATES_SETTLED = 160,
    /* What three registers can be to each other and to the host, told apart by kind; and that with an immediate of each size. */
    JIT_CLASSES_COARSE = 77,
    JIT_CLASSES_FINE = 235,
    JIT_IMM_KINDS = 5,
    JIT_SHAPES_COARSE = JIT_IMM_KINDS * JIT_CLASSES_COARSE, /* of one opcode */
    JIT_SHAPES_FINE = JIT_IMM_KINDS * JIT_CLASSES_FINE,
    /* Values of index[] that are no templates. */
    JIT_MEMO_UNKNOWN = 0,
    JIT_MEMO_LOWER = 1, /* to be lowered each time, without a template that says so */
    JIT_MEMO_FIRST = 2,
};

/* What each register's number changes in sixteen bytes. Templates have few of these between them. */
struct jit_place {
    jit_lane by_register[PX_REG_COUNT];
    /* How that follows: the bits that are the three low ones of the number, and those that are the fourth, which REX and VEX hold. */
    uint8_t low[JIT_LANE], high[JIT_LANE];
};

/*
 * The first 64 bytes are all that most instructions take. Special are those that are more than bytes and a charge: with a site, a
 * jump, a second field, the end of a block; or without bytes.
 */
struct jit_template {
    _Alignas(64) jit_lane first; /* the bytes, for registers of number 0 and an immediate of 0 */
    const struct jit_place *places[3]; /* of rd, rs1 and rs2 in them */
    struct jit_charge charge; /* follows from the shape, too */
    uint32_t imm_mask; /* of the immediate's bytes: 0 without one */
    uint32_t call_mask; /* of a call's distance, which is there instead, likewise */
    uint8_t length;
    uint8_t field_at; /* where the immediate or the distance is */
    uint8_t op; /* enum px_op */
    bool special;
    jit_lane second;
    const struct jit_place *more[3]; /* in the second lane */
    uint32_t stub; /* called: offset in the code buffer */
    uint8_t site_at, jump_at, call_at; /* JIT_NOWHERE: none */
    bool lowered; /* each time: no bytes are known */
    bool unknown; /* not even op and charge are */
};
_Static_assert(offsetof(struct jit_template, second) == 64 && sizeof(struct jit_template) == 128,
               "one line of cache, and another for few");

enum { JIT_NOWHERE = 255 };

/*
 * Of an opcode. Words whose bits under @check are those of @match are instructions of it, with the operands where @fields and @top
 * say; what only vm/decode.c knows does not match.
 */
struct jit_memo_row {
    _Alignas(16) uint32_t match, check;
    uint32_t fields, top; /* as in px_ops */
    uint32_t base; /* of its shapes in index[] */
    uint16_t
        imm_step; /* what the immediate's size adds to the shape, times its number; 0: it makes no difference */
    bool fine; /* how it tells registers apart */
    bool learned; /* something of it stands in index[] */
    const uint8_t *registers; /* what they add to the shape, by jit_triple */
};

enum { JIT_IMMS = 1 << 12 };

struct jit_memo {
    /* Small, as index[] is, since each instruction of a program asks at a place of its own. */
    uint8_t registers[JIT_TRIPLES]; /* their class; the free bit of a triple: told apart finely */
    uint8_t imm_kinds[JIT_IMMS]; /* by an immediate's low 12 bits */
    struct jit_memo_row rows[PX_OP_COUNT + 8]; /* those behind match nothing */
    uint8_t unary
        [PX_OP_COUNT]; /* the bits of rs2 that tell clz to sext.h apart, which share an index; 0 for others */
    uint16_t *index; /* by shape: a template's number, or one of JIT_MEMO_* */
    struct jit_template *templates; /* those of numbers below JIT_MEMO_FIRST are unknown */
    struct jit_place *places;
    unsigned count, place_count;
    struct jit_lists scratch;
    struct jit_site *sites; /* for derivation */
    size_t site_count, site_capacity;
};

/* Where a register lives, as far as emitted bytes tell registers apart by more than their number. */
enum jit_kind {
    JIT_KIND_ZERO,
    JIT_KIND_X3,
    JIT_KIND_X4,
    JIT_KIND_HOME,
    /* Fine: counts are in rcx, and r12 as a base has an encoding of its own. */
    JIT_KIND_RCX,
    JIT_KIND_R12,
};

enum jit_kind jit_memo_kind(unsigned guest, bool fine);

/* Borrows nothing. Without memory for it PX_ERR_NOMEM. */
enum px_status jit_memo_init(struct jit_memo *memo, struct px_error *err) PX_CHECKED;
/* From now on every instruction is lowered anew: what is done for a program then depends on it alone. */
void jit_memo_forbid(struct jit_memo *memo);
/* Forgets all templates; one that is forbidden stays so. */
void jit_memo_reset(struct jit_memo *memo);
void jit_memo_fini(struct jit_memo *memo); /* a zeroed one is fine */

/* Lowers c->in, which is @a. */
void jit_memo_emit(struct jit_compiler *c, const struct jit_ahead *a);

/* What is needed in the buffer to write a template. */
enum { JIT_TEMPLATE_ROOM = JIT_TEMPLATE_BYTES + JIT_TEMPLATE_SLACK + X64_RED_ZONE };

/* Below JIT_IMM_KINDS: 0 for none, then by sign and by whether a sign-extended byte holds it. */
static inline unsigned jit_imm_kind(int32_t imm)
{
    return imm == 0 ? 0 : 1u + (unsigned)(imm < 0) + 2u * (unsigned)(imm != (int8_t)imm);
}

/* The shape of @in: where index[] has the number of its template. */
static inline uint32_t jit_memo_shape(const struct jit_memo *memo, const struct px_insn *in)
{
    const struct jit_memo_row *row = &memo->rows[in->op];
    return row->base + row->registers[jit_triple(jit_operands(in))] + jit_imm_kind(in->imm) * row->imm_step;
}

/* @in at @pc. */
static inline struct jit_ahead jit_ahead_of(const struct jit_memo *memo, const struct px_insn *in,
                                            uint32_t pc)
{
    return (struct jit_ahead){ .t = &memo->templates[memo->index[jit_memo_shape(memo, in)]],
                               .operands = jit_operands(in),
                               .imm = in->imm,
                               .pc = pc };
}

/* @bytes with the registers of @operands put in. */
static inline jit_lane jit_fill(jit_lane bytes, const struct jit_place *const places[3], uint32_t operands)
{
    const uint8_t *d = (const void *)places[0], *a = (const void *)places[1], *b = (const void *)places[2];
    return bytes ^ *(const jit_lane *)(const void *)(d + jit_operands_rd(operands)) ^
           *(const jit_lane *)(const void *)(a + jit_operands_rs1(operands)) ^
           *(const jit_lane *)(const void *)(b + jit_operands_rs2(operands));
}

/* Writes what in->t makes of @in, JIT_TEMPLATE_BYTES at most and JIT_TEMPLATE_SLACK behind them; returns its end. */
PX_INLINE uint8_t *jit_memo_write(const struct jit_ahead *in, uint8_t *at)
{
    const struct jit_template *t = in->t;
    jit_lane bytes = jit_fill(t->first, t->places, in->operands);
    memcpy(at, &bytes, sizeof bytes);
    if (t->length > JIT_LANE) {
        bytes = jit_fill(t->second, t->more, in->operands);
        memcpy(at + JIT_LANE, &bytes, sizeof bytes);
    }
    uint32_t field; /* of a call, from host address 0 on, mod 2^32 */
    memcpy(&field, at + t->field_at, sizeof field);
    field += ((uint32_t)in->imm & t->imm_mask) - ((uint32_t)(uintptr_t)at & t->call_mask);
    memcpy(at + t->field_at, &field, sizeof field);
    return at + t->length;
}

#endif
