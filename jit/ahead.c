#include "jit/ahead.h"

#include <string.h>

#include "jit/memo.h"
#include "vm/decode_word.h"

/* Whatever it is; its length. */
static uint32_t look_at_any(const struct jit_compiler *c, uint32_t pc, struct jit_ahead *ahead)
{
    struct px_insn in;
    px_decode_to(c->code, c->code_size, pc, &in);
    *ahead = jit_ahead_of(c->memo, &in, pc);
    return in.len;
}

PX_INLINE bool matches(const struct jit_memo_row *row, uint32_t word)
{
    return ((word ^ row->match) & row->check) == 0;
}

/* The row that tells of @word, if one does. Clz to sext.h, of numbers 0, 1, 2, 4 and 5, stand in this order. */
PX_INLINE const struct jit_memo_row *row_of(const struct jit_memo *memo, uint32_t word)
{
    unsigned number = px_decode_rows[PX_DECODE_KEY(word)];
    unsigned unary = word >> 20 & memo->unary[number];
    return &memo->rows[number + unary - unary / 4];
}

/* A word that @row tells of. */
PX_INLINE struct jit_ahead look_at_word(const struct jit_memo *memo, const struct jit_memo_row *row,
                                        uint32_t word, uint32_t pc)
{
    uint32_t operands = (word & row->fields) >> JIT_OPERANDS_DOWN;
    uint32_t imm = (uint32_t)((int32_t)word >> 20) & row->top;
    size_t shape = row->base;
    shape += row->registers[jit_triple(operands)];
    shape += (size_t)memo->imm_kinds[imm % JIT_IMMS] * row->imm_step;
    return (struct jit_ahead){
        .t = &memo->templates[memo->index[shape]], .operands = operands, .imm = (int32_t)imm, .pc = pc
    };
}

/* Fills from @a to @end from the words at *@pc on, all of them in the code; stops before one that no row tells of. */
static struct jit_ahead *look_at_words(const struct jit_compiler *c, uint32_t *pc, struct jit_ahead *a,
                                       const struct jit_ahead *end)
{
    const struct jit_memo *memo = c->memo;
    const uint8_t *code = c->code;
    size_t at = *pc;
    for (; a < end; a++) {
        uint32_t word;
        memcpy(&word, code + at, sizeof word);
        const struct jit_memo_row *row = row_of(memo, word);
        if (__builtin_expect(!matches(row, word), 0))
            break;
        *a = look_at_word(memo, row, word, (uint32_t)at);
        __builtin_prefetch(a->t);
        at += sizeof word;
    }
    *pc = (uint32_t)at;
    return a;
}

size_t jit_look_ahead(const struct jit_compiler *c, uint32_t *pc, struct jit_ahead *ahead)
{
    struct jit_ahead *a = ahead, *end = ahead + JIT_AHEAD;
    while (a < end && *pc < c->code_size) {
        size_t words = (c->code_size - *pc) / 4, room = (size_t)(end - a);
        a = look_at_words(c, pc, a, a + (words < room ? words : room));
        if (a < end && *pc < c->code_size)
            *pc += look_at_any(c, *pc, a++);
    }
    return (size_t)(a - ahead);
}
