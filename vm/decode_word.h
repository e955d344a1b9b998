/*
 * The 4-byte half of the decoder, for those who decode so much that a call would show; isa.h has the rest. Facts of
 * decode.c: (opcode, funct3, funct7) -> row -> match/mask -> fields by format.
 */
#ifndef PX_DECODE_WORD_H
#define PX_DECODE_WORD_H

#include <stddef.h>
#include <string.h>

#include "vm/isa.h"

/* Index of a 4-byte instruction: funct3, opcode bits 6..2, funct7. Times 33, the first two stand side by side. */
#define PX_DECODE_KEY(word) ((((word) & 0x707cu) * 33u & 0x7f80u) | (word) >> 25)
#define PX_DECODE_KEY_BITS 0xfe00707cu /* of the word */
enum { PX_DECODE_KEYS = 1 << 15 };

/* The row by index, 0 where there is none. */
extern const uint8_t px_decode_rows[PX_DECODE_KEYS];

/* The row behind @row that @word matches, whose index is the same; 0: none. */
unsigned px_decode_later_row(uint32_t word, unsigned row);

/* Immediates that are not at the top of the word. Kept out of the way of those that are. */
int32_t px_decode_scattered(uint32_t word, enum px_format format);

_Static_assert(offsetof(struct px_insn, op) == 0 && offsetof(struct px_insn, rvc) == 1 &&
                   offsetof(struct px_insn, len) == 2 && offsetof(struct px_insn, rd) == 3 &&
                   offsetof(struct px_insn, rs1) == 4 && offsetof(struct px_insn, rs2) == 5 &&
                   offsetof(struct px_insn, imm) == 8,
               "px_decode_pack() places them");

/* Two stores: written byte by byte, the struct would be read back before its bytes have met. */
static inline void px_decode_pack(struct px_insn *insn, uint64_t head, int32_t imm)
{
    memcpy(insn, &head, sizeof head);
    insn->imm = imm;
}

static inline void px_decode_illegal(struct px_insn *insn, unsigned len)
{
    *insn = (struct px_insn){ .op = PX_OP_ILLEGAL, .len = (uint8_t)len };
}

/* Decodes a word whose low two bits are set. */
static inline __attribute__((always_inline)) void px_decode_32(uint32_t word, struct px_insn *insn)
{
    unsigned row = px_decode_rows[PX_DECODE_KEY(word)];
    if (__builtin_expect((word & px_ops[row].mask) != px_ops[row].match, 0)) /* row 0 takes any */
        row = px_decode_later_row(word, row);

    /* Most immediates are at the top of the word; asking the format would be a branch that random code mispredicts. */
    const struct px_op_info *info = &px_ops[row];
    uint32_t fields = word & info->fields;
    if (row == 0 || (fields & 0x01080800)) { /* the top bit of a register field: x16..x31 */
        px_decode_illegal(insn, 4);
        return;
    }
    int32_t imm = ((int32_t)word >> 20) & info->top;
    if (info->scattered)
        imm = px_decode_scattered(word, info->format);
    /* rd and rs1 stand as far apart in the word as in the struct. */
    px_decode_pack(
        insn, row | 4u << 16 | (uint64_t)(fields & 0x000f8f80) << 17 | (uint64_t)(fields & 0x01f00000) << 20,
        imm);
}

#endif
