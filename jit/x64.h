/*
 * x86-64 byte encoder. Writes one instruction per call at the cursor; when fewer than
 * X64_RED_ZONE bytes are left nothing is written and a sticky overflow is set, which the caller checks once
 * per unit. Forms are the shortest that always mean the same. Nothing here knows the guest.
 */
#ifndef PX_JIT_X64_H
#define PX_JIT_X64_H

#include "jit/x64_put.h"

/* Closes the buffer: the room check alone then keeps out everything that comes later. */
void x64_overflow(struct x64 *e);

struct x64_opcode {
    uint8_t flags, byte;
};

static const struct x64_opcode x64_load_op[] = {
    [X64_U8] = { OP_ESCAPE, 0xB6 },  [X64_S8] = { OP_ESCAPE | OP_W, 0xBE },
    [X64_U16] = { OP_ESCAPE, 0xB7 }, [X64_S16] = { OP_ESCAPE | OP_W, 0xBF },
    [X64_U32] = { 0, 0x8B },         [X64_S32] = { OP_W, 0x63 },
    [X64_U64] = { OP_W, 0x8B },
};

/* By width in bytes. */
static const uint8_t x64_store_flags[] = { [1] = OP_REG8, [2] = OP_16, [4] = 0, [8] = OP_W };

PX_INLINE unsigned x64_op_size(enum x64_size size)
{
    return size == X64_64 ? OP_W : 0;
}

PX_INLINE unsigned x64_mask_count(enum x64_size size, unsigned count)
{
    return count & (size == X64_64 ? 63 : 31);
}

PX_INLINE bool x64_room(struct x64 *e)
{
    if (__builtin_expect(e->end - e->at < X64_RED_ZONE, 0)) {
        x64_overflow(e);
        return false;
    }
    return true;
}

PX_INLINE void x64_emit_rr(struct x64 *e, unsigned flags, unsigned byte, unsigned reg, unsigned rm)
{
    if (x64_room(e))
        e->at = put_rr(e->at, flags, byte, reg, rm);
}

PX_INLINE void x64_emit_rm(struct x64 *e, unsigned flags, unsigned byte, unsigned reg, struct x64_mem m)
{
    if (x64_room(e))
        e->at = put_rm(e->at, flags, byte, reg, m);
}

/* dst = dst OP src (X64_CMP only sets flags). */
PX_INLINE void x64_alu_rr(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst,
                          enum x64_reg src)
{
    x64_emit_rr(e, x64_op_size(size), op << 3 | 3, dst, src);
}

/* Opcode 81 becomes 83 when the immediate is one byte. */
PX_INLINE void x64_alu_ri(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst, int32_t imm)
{
    unsigned bytes = imm_bytes(imm);

    if (x64_room(e))
        e->at = put_imm(put_rr(e->at, x64_op_size(size), bytes == 1 ? 0x83 : 0x81, op, dst), bytes, imm);
}

PX_INLINE void x64_alu_rm(struct x64 *e, enum x64_alu op, enum x64_size size, enum x64_reg dst,
                          struct x64_mem src)
{
    x64_emit_rm(e, x64_op_size(size), op << 3 | 3, dst, src);
}

void x64_alu_mr(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst, enum x64_reg src);
PX_INLINE void x64_alu_mi(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst, int32_t imm)
{
    unsigned bytes = imm_bytes(imm);

    if (x64_room(e))
        e->at = put_imm(put_rm(e->at, x64_op_size(size), bytes == 1 ? 0x83 : 0x81, op, dst), bytes, imm);
}

/* The same with a 4-byte immediate whatever its value; returns the offset of that immediate, for patching. */
PX_INLINE uint32_t x64_alu_mi32(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst,
                                int32_t imm)
{
    if (!x64_room(e))
        return 0;
    e->at = put_imm(put_rm(e->at, x64_op_size(size), 0x81, op, dst), 4, imm);
    return x64_offset(e) - 4;
}

/* dst8 = dst8 OP byte [src] on the low byte of any register. */
void x64_alu_rm8(struct x64 *e, enum x64_alu op, enum x64_reg dst, struct x64_mem src);
PX_INLINE void x64_test_rr(struct x64 *e, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    x64_emit_rr(e, x64_op_size(size), 0x85, b, a);
}

void x64_test_ri8(struct x64 *e, enum x64_reg reg, uint8_t imm); /* test reg8, imm8 */

PX_INLINE void x64_mov_rr(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, x64_op_size(size), 0x8B, dst, src);
}

/* dst = imm in the shortest of: mov r32 imm32 (zero-extends), mov r64 simm32, mov r64 imm64. Leaves flags. */
void x64_mov_ri(struct x64 *e, enum x64_reg dst, uint64_t imm);
PX_INLINE void x64_load(struct x64 *e, enum x64_load kind, enum x64_reg dst, struct x64_mem src)
{
    /* Masked for the compiler: no load has another flag. */
    x64_emit_rm(e, x64_load_op[kind].flags & (OP_ESCAPE | OP_W), x64_load_op[kind].byte, dst, src);
}

/* Register-to-register forms of the same extensions (X64_U64 is a plain mov). */
PX_INLINE void x64_extend(struct x64 *e, enum x64_load kind, enum x64_reg dst, enum x64_reg src)
{
    unsigned rm8 = kind == X64_U8 ? OP_RM8 : 0; /* X64_S8 has a REX anyway */

    x64_emit_rr(e, x64_load_op[kind].flags | rm8, x64_load_op[kind].byte, dst, src);
}

/* Stores the low @bytes (1, 2, 4, 8) of src. */
PX_INLINE void x64_store(struct x64 *e, unsigned bytes, struct x64_mem dst, enum x64_reg src)
{
    x64_emit_rm(e, x64_store_flags[bytes], bytes == 1 ? 0x88 : 0x89, src, dst);
}

/* Stores @imm cut to @bytes; with 8 bytes it is sign-extended from 32 bits. */
PX_INLINE void x64_store_imm(struct x64 *e, unsigned bytes, struct x64_mem dst, int32_t imm)
{
    uint8_t *p;

    if (!x64_room(e))
        return;
    p = put_rm(e->at, x64_store_flags[bytes], bytes == 1 ? 0xC6 : 0xC7, 0, dst);
    e->at = put_imm(p, bytes < 4 ? bytes : 4, imm);
}

/* The address itself: without the gs base, whatever @gs says. */
PX_INLINE void x64_lea(struct x64 *e, enum x64_size size, enum x64_reg dst, struct x64_mem src)
{
    src.gs = false; /* lea looks at no segment */
    x64_emit_rm(e, x64_op_size(size), 0x8D, dst, src);
}

/* lea dst, [rip + x]: returns the offset of the 4-byte displacement, for x64_patch_rel32. */
uint32_t x64_lea_rip(struct x64 *e, enum x64_reg dst);
void x64_movsxd_rm(struct x64 *e, enum x64_reg dst, struct x64_mem src);

PX_INLINE void x64_unary(struct x64 *e, enum x64_unary op, enum x64_size size, enum x64_reg reg)
{
    x64_emit_rr(e, x64_op_size(size), 0xF7, op, reg);
}

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

#endif
