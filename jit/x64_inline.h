/*
 * The emitters that lowering calls most, and what the others in x64.c share with them. Included by x64.h only,
 * which says what they do.
 */
#ifndef PX_JIT_X64_INLINE_H
#define PX_JIT_X64_INLINE_H

#include "jit/x64_put.h"

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
static const uint8_t x64_store_flags[] = { [1] = 0, [2] = OP_16, [4] = 0, [8] = OP_W };

PX_INLINE unsigned x64_op_size(enum x64_size size)
{
    return size == X64_64 ? OP_W : 0;
}

/* Closes the buffer: the room check alone then keeps out everything that comes later. */
void x64_overflow(struct x64 *e);

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

PX_INLINE void x64_alu_mi(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst, int32_t imm)
{
    unsigned bytes = imm_bytes(imm);

    if (x64_room(e))
        e->at = put_imm(put_rm(e->at, x64_op_size(size), bytes == 1 ? 0x83 : 0x81, op, dst), bytes, imm);
}

PX_INLINE uint32_t x64_alu_mi32(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst,
                                int32_t imm)
{
    if (!x64_room(e))
        return 0;
    e->at = put_imm(put_rm(e->at, x64_op_size(size), 0x81, op, dst), 4, imm);
    return x64_offset(e) - 4;
}

PX_INLINE void x64_test_rr(struct x64 *e, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    x64_emit_rr(e, x64_op_size(size), 0x85, b, a);
}

PX_INLINE void x64_mov_rr(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, x64_op_size(size), 0x8B, dst, src);
}

PX_INLINE void x64_load(struct x64 *e, enum x64_load kind, enum x64_reg dst, struct x64_mem src)
{
    /* Masked for the compiler: no load has another flag. */
    x64_emit_rm(e, x64_load_op[kind].flags & (OP_ESCAPE | OP_W), x64_load_op[kind].byte, dst, src);
}

PX_INLINE void x64_extend(struct x64 *e, enum x64_load kind, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, x64_load_op[kind].flags, x64_load_op[kind].byte, dst, src);
}

PX_INLINE void x64_store(struct x64 *e, unsigned bytes, struct x64_mem dst, enum x64_reg src)
{
    x64_emit_rm(e, x64_store_flags[bytes], bytes == 1 ? 0x88 : 0x89, src, dst);
}

PX_INLINE void x64_store_imm(struct x64 *e, unsigned bytes, struct x64_mem dst, int32_t imm)
{
    uint8_t *p;

    if (!x64_room(e))
        return;
    p = put_rm(e->at, x64_store_flags[bytes], bytes == 1 ? 0xC6 : 0xC7, 0, dst);
    e->at = put_imm(p, bytes < 4 ? bytes : 4, imm);
}

PX_INLINE void x64_lea(struct x64 *e, enum x64_size size, enum x64_reg dst, struct x64_mem src)
{
    src.gs = false; /* lea looks at no segment */
    x64_emit_rm(e, x64_op_size(size), 0x8D, dst, src);
}

PX_INLINE void x64_unary(struct x64 *e, enum x64_unary op, enum x64_size size, enum x64_reg reg)
{
    x64_emit_rr(e, x64_op_size(size), 0xF7, op, reg);
}

#endif
