/*
 * x86-64 byte encoder. Writes one instruction per call at the cursor; when fewer than
 * X64_RED_ZONE bytes are left nothing is written and a sticky overflow is set, which the caller checks once
 * per unit. Nothing here knows the guest.
 *
 * Code for one register is code for another with other bits in it (memo.h): whatever registers they name, forms with
 * register operands have a REX and addresses with a base have a displacement. Only r12 as a base takes a byte more.
 *
 * The emitters that lowering calls most are in x64_inline.h.
 */
#ifndef PX_JIT_X64_H
#define PX_JIT_X64_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Inlined whatever it weighs: where operands are constant, most of it folds away. */
#define PX_INLINE static inline __attribute__((always_inline))

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

/* dst = dst OP src (X64_CMP only sets flags). */
PX_INLINE void x64_alu_rr(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst,
                          enum x64_reg src);
PX_INLINE void x64_alu_ri(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst, int32_t imm);
PX_INLINE void x64_alu_rm(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst,
                          struct x64_mem src);
void x64_alu_mr(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst, enum x64_reg src);
PX_INLINE void x64_alu_mi(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst,
                          int32_t imm);
/* The same with a 4-byte immediate whatever its value; returns the offset of that immediate, for patching. */
PX_INLINE uint32_t x64_alu_mi32(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst,
                                int32_t imm);
/* dst8 = dst8 OP byte [src] on the low byte of any register. */
void x64_alu_rm8(struct x64 *e, enum x64_alu op, enum x64_reg dst, struct x64_mem src);
PX_INLINE void x64_test_rr(struct x64 *e, enum x64_size size, enum x64_reg a, enum x64_reg b);
void x64_test_ri8(struct x64 *e, enum x64_reg reg, uint8_t imm); /* test reg8, imm8 */

PX_INLINE void x64_mov_rr(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src);
/* dst = imm in the shortest of: mov r32 imm32 (zero-extends), mov r64 simm32, mov r64 imm64. Leaves flags. */
void x64_mov_ri(struct x64 *e, enum x64_reg dst, uint64_t imm);
PX_INLINE void x64_load(struct x64 *e, enum x64_load kind, enum x64_reg dst, struct x64_mem src);
/* Register-to-register forms of the same extensions (X64_U64 is a plain mov). */
PX_INLINE void x64_extend(struct x64 *e, enum x64_load kind, enum x64_reg dst, enum x64_reg src);
/* Stores the low @bytes (1, 2, 4, 8) of src. */
PX_INLINE void x64_store(struct x64 *e, unsigned bytes, struct x64_mem dst, enum x64_reg src);
/* Stores @imm cut to @bytes; with 8 bytes it is sign-extended from 32 bits. */
PX_INLINE void x64_store_imm(struct x64 *e, unsigned bytes, struct x64_mem dst, int32_t imm);
/* The address itself: without the gs base, whatever @gs says. */
PX_INLINE void x64_lea(struct x64 *e, enum x64_size size, enum x64_reg dst, struct x64_mem src);
/* lea dst, [rip + x]: returns the offset of the 4-byte displacement, for x64_patch_rel32. */
uint32_t x64_lea_rip(struct x64 *e, enum x64_reg dst);
void x64_movsxd_rm(struct x64 *e, enum x64_reg dst, struct x64_mem src);

PX_INLINE void x64_unary(struct x64 *e, enum x64_unary op, enum x64_size size, enum x64_reg reg);
void x64_imul_rr(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src);
void x64_imul_rri(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src, int32_t imm);
void x64_cqo(struct x64 *e, enum x64_size size); /* cdq, cqo */

/* Immediate counts are masked to the operation size; a count of 0 emits nothing. */
void x64_shift_ri(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg reg, unsigned count);
void x64_shift_cl(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg reg);
/* BMI2: shlx, shrx, sarx (X64_SHL, X64_SHR, X64_SAR); flags untouched. */
void x64_shiftx(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg dst, enum x64_reg src,
                enum x64_reg count);
/* BMI2; a masked count of 0 copies. */
void x64_rorx(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src, unsigned count);
/* BMI1: dst = ~inverted & src. */
void x64_andn(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg inverted, enum x64_reg src);

void x64_bit_rr(struct x64 *e, enum x64_bit op, enum x64_size size, enum x64_reg reg, enum x64_reg bit);
/* @bit is masked to the operation size. */
void x64_bit_ri(struct x64 *e, enum x64_bit op, enum x64_size size, enum x64_reg reg, unsigned bit);
void x64_scan(struct x64 *e, enum x64_scan op, enum x64_size size, enum x64_reg dst, enum x64_reg src);
void x64_bswap(struct x64 *e, enum x64_size size, enum x64_reg reg);
void x64_xchg(struct x64 *e, enum x64_size size, enum x64_reg a, enum x64_reg b);

/* setcc reg8: writes the low byte only; with the REX that spl, bpl, sil, dil need. */
void x64_setcc(struct x64 *e, enum x64_cond cond, enum x64_reg reg);
void x64_cmovcc(struct x64 *e, enum x64_cond cond, enum x64_size size, enum x64_reg dst, enum x64_reg src);

void x64_push(struct x64 *e, enum x64_reg reg);
void x64_pop(struct x64 *e, enum x64_reg reg);
void x64_ret(struct x64 *e);
void x64_ud2(struct x64 *e);
void x64_jmp_r(struct x64 *e, enum x64_reg reg);
void x64_jmp_m(struct x64 *e, struct x64_mem target);
void x64_call_r(struct x64 *e, enum x64_reg reg);
void x64_call_m(struct x64 *e, struct x64_mem target);

/*
 * rel32 jumps and calls. Each returns the offset of its 4-byte displacement, for x64_patch_rel32, and
 * goes to @target, an offset in this buffer (0 when it will be patched). After overflow they return 0.
 */
uint32_t x64_jmp(struct x64 *e, uint32_t target);
uint32_t x64_jcc(struct x64 *e, enum x64_cond cond, uint32_t target);
uint32_t x64_call(struct x64 *e, uint32_t target);

/* rel8 jump over a short span: returns the offset of the displacement byte; x64_bind_rel8 makes it land
 * at the cursor and sets the sticky overflow when that is over 127 bytes away. */
uint32_t x64_jcc_short(struct x64 *e, enum x64_cond cond);
uint32_t x64_jmp_short(struct x64 *e);
void x64_bind_rel8(struct x64 *e, uint32_t at);

/* Points the displacement at offset @at (as returned above) to offset @target. No-op after overflow. */
void x64_patch_rel32(struct x64 *e, uint32_t at, uint32_t target);
/* Overwrites the 4 bytes at @at. No-op after overflow. */
void x64_patch_u32(struct x64 *e, uint32_t at, uint32_t value);

/* Overwrites the 5 bytes at @at with a jump to offset @target. No-op after overflow. */
static inline void x64_patch_jmp(struct x64 *e, uint32_t at, uint32_t target)
{
    if (e->overflow)
        return;
    e->start[at] = 0xe9;
    x64_patch_rel32(e, at + 1, target);
}

/* Raw data (tables) and padding of the offset to a power of two with int3. Both obey the sticky overflow. */
void x64_bytes(struct x64 *e, const void *bytes, size_t size);
void x64_align(struct x64 *e, unsigned alignment);

#include "jit/x64_inline.h"

#endif
