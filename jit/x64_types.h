/* What the x86-64 encoder works with: registers, operations, operands, the buffer. */
#ifndef PX_JIT_X64_TYPES_H
#define PX_JIT_X64_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang-format off */
enum x64_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    X64_NO_REG = 255
};
/* clang-format on */

/* Operation size in bits. 32-bit forms zero the upper half of their destination. */
enum x64_size { X64_32, X64_64 };

/* clang-format off */
enum x64_cond {
    X64_O, X64_NO, X64_B, X64_AE, X64_E, X64_NE, X64_BE, X64_A,
    X64_S, X64_NS, X64_P, X64_NP, X64_L, X64_GE, X64_LE, X64_G
};
/* clang-format on */

/* Two-operand arithmetic, numbered as the /digit of opcode 81. */
enum x64_alu { X64_ADD, X64_OR, X64_ADC, X64_SBB, X64_AND, X64_SUB, X64_XOR, X64_CMP };

/* Shifts and rotates, numbered as the /digit of opcode C1. */
enum x64_shift { X64_ROL = 0, X64_ROR = 1, X64_SHL = 4, X64_SHR = 5, X64_SAR = 7 };

/* One-operand group, numbered as the /digit of opcode F7. */
enum x64_unary { X64_NOT = 2, X64_NEG = 3, X64_MUL = 4, X64_IMUL = 5, X64_DIV = 6, X64_IDIV = 7 };

/* Bit tests with a register or immediate bit number, numbered as the /digit of 0F BA. */
enum x64_bit { X64_BT = 4, X64_BTS = 5, X64_BTR = 6, X64_BTC = 7 };

/* Loads by width and extension; the S forms extend to 64 bits, the U forms zero-extend. */
enum x64_load { X64_U8, X64_S8, X64_U16, X64_S16, X64_U32, X64_S32, X64_U64 };

/* Bit scans and counts: destination, source. LZCNT, TZCNT, POPCNT need their CPU feature. */
enum x64_scan { X64_BSF, X64_BSR, X64_TZCNT, X64_LZCNT, X64_POPCNT };

/* A memory operand: [base + index * scale + disp], gs-relative when @gs, with the effective address
 * cut to 32 bits when @addr32. */
struct x64_mem {
    uint8_t base;  /* enum x64_reg or X64_NO_REG */
    uint8_t index; /* enum x64_reg or X64_NO_REG; never RSP */
    uint8_t scale; /* 1, 2, 4, 8; ignored without index */
    bool gs, addr32;
    int32_t disp; /* without base and index: absolute, sign-extended (never rip-relative) */
};

_Static_assert(offsetof(struct x64_mem, gs) == 3 && offsetof(struct x64_mem, addr32) == 4 &&
                   offsetof(struct x64_mem, disp) == 8,
               "x64_pack places them");

/* Made in two stores: field by field, the encoder would read the operand back before the single bytes
 * have met, and wait longer for it than it takes to encode it. */
static inline struct x64_mem x64_pack(uint64_t fields, int32_t disp)
{
    struct x64_mem m;

    memcpy(&m, &fields, sizeof fields);
    m.disp = disp;
    return m;
}

/* [base + disp], cheaper than an initializer. */
static inline struct x64_mem x64_at(enum x64_reg base, int32_t disp)
{
    return x64_pack((uint64_t)base | (uint64_t)X64_NO_REG << 8, disp);
}

/* [base + index * scale]. */
static inline struct x64_mem x64_scaled(enum x64_reg base, enum x64_reg index, unsigned scale)
{
    return x64_pack((uint64_t)base | (uint64_t)index << 8 | (uint64_t)scale << 16, 0);
}

/* gs:[base + disp] with the sum cut to 32 bits. */
static inline struct x64_mem x64_at_gs32(enum x64_reg base, int32_t disp)
{
    return x64_pack((uint64_t)base | (uint64_t)X64_NO_REG << 8 | 1ULL << 24 | 1ULL << 32, disp);
}

enum { X64_RED_ZONE = 16 };

struct x64 {
    uint8_t *start, *at, *end; /* the buffer and the cursor; an overflow closes the buffer: end = at */
    bool overflow;             /* sticky; only x64_init ends it */
};

static inline void x64_init(struct x64 *e, uint8_t *start, size_t size)
{
    *e = (struct x64){ .start = start, .at = start, .end = start + size };
}

/* Bytes written so far: the offset of the next instruction. */
static inline uint32_t x64_offset(const struct x64 *e)
{
    return (uint32_t)(e->at - e->start);
}

#endif
