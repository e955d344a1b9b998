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

/* The row that tells of @word, if one does. */
PX_INLINE const struct jit_memo_row *row_of(const struct jit_memo *memo, uint32_t word)
{
    unsigned number = px_decode_rows[PX_DECODE_KEY(word)], unary = word >> 20 & 7;
    if (__builtin_expect(!matches(&memo->rows[number], word), 0))
        number += unary - unary / 4; /* clz to sext.h, of numbers 0, 1, 2, 4, 5, stand in this order */
    return &memo->rows[number];
}

/* A word that @row tells of. */
PX_INLINE struct jit_ahead look_at_word(const struct jit_memo *memo, const uint16_t *index,
                                        const struct jit_memo_row *row, uint32_t word, uint32_t pc)
{
    /* rd and rs1 stand eight bits apart, as they shall. */
    uint32_t fields = word & row->fields, places = (fields >> 3 & 0xffff) | (fields & 0xf00000);
    uint32_t imm = (uint32_t)((int32_t)word >> 20) & row->top;
    uint32_t shape =
        row->base + memo->registers[row->kinds + jit_triple(places)] + memo->imm_steps[imm % JIT_IMMS];
    return (struct jit_ahead){ .number = index[shape], .places = places, .imm = (int32_t)imm, .pc = pc };
}

size_t jit_look_ahead(const struct jit_compiler *c, uint32_t *pc, struct jit_ahead *ahead)
{
    const struct jit_memo *memo = c->memo;
    const struct jit_template *templates = memo->templates;
    const uint16_t *index = memo->index;
    const uint8_t *code = c->code;
    struct jit_ahead *a = ahead, *end = ahead + JIT_AHEAD;
    uint64_t at = *pc, size = c->code_size;
    while (a < end && at + 4 <= size) {
        uint32_t word;
        memcpy(&word, code + at, sizeof word);
        const struct jit_memo_row *row = row_of(memo, word);
        if (__builtin_expect(!matches(row, word), 0)) {
            at += look_at_any(c, (uint32_t)at, a++);
            continue;
        }
        *a = look_at_word(memo, index, row, word, (uint32_t)at);
        __builtin_prefetch(&templates[a->number]);
        at += sizeof word;
        a++;
    }
    while (a < end && at < size)
        at += look_at_any(c, (uint32_t)at, a++);
    *pc = (uint32_t)at;
    return (size_t)(a - ahead);
}
