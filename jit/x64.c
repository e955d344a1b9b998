#include "jit/x64.h"

static const struct x64_opcode scan_op[] = {
    [X64_BSF] = { OP_ESCAPE, 0xBC },
    [X64_BSR] = { OP_ESCAPE, 0xBD },
    [X64_TZCNT] = { OP_ESCAPE | OP_REP, 0xBC },
    [X64_LZCNT] = { OP_ESCAPE | OP_REP, 0xBD },
    [X64_POPCNT] = { OP_ESCAPE | OP_REP, 0xB8 },
};

void x64_overflow(struct x64 *e)
{
    e->overflow = true;
    e->end = e->at;
}

PX_INLINE unsigned mask_count(enum x64_size size, unsigned count)
{
    return count & (size == X64_64 ? 63 : 31);
}

/* A register named in the low bits of the opcode byte, or none (RAX). The one kind of form that has a REX only if needed. */
PX_INLINE void emit_op(struct x64 *e, unsigned flags, unsigned byte, unsigned reg)
{
    unsigned rex = (flags & OP_W) | reg >> 3;
    uint8_t *p = e->at;

    if (!x64_room(e))
        return;
    p = put8_if(p, rex != 0, 0x40 | rex);
    p = put8_if(p, flags & OP_ESCAPE, 0x0F);
    e->at = put8(p, byte | (reg & 7));
}

void x64_alu_mr(struct x64 *e, enum x64_alu op, enum x64_size size, struct x64_mem dst, enum x64_reg src)
{
    x64_emit_rm(e, x64_op_size(size), op << 3 | 1, src, dst);
}

void x64_alu_rm8(struct x64 *e, enum x64_alu op, enum x64_reg dst, struct x64_mem src)
{
    x64_emit_rm(e, 0, op << 3 | 2, dst, src);
}

void x64_test_ri8(struct x64 *e, enum x64_reg reg, uint8_t imm)
{
    if (x64_room(e))
        e->at = put8(put_rr(e->at, 0, 0xF6, 0, reg), imm);
}

void x64_mov_ri(struct x64 *e, enum x64_reg dst, uint64_t imm)
{
    if (!x64_room(e))
        return;
    if (imm <= UINT32_MAX) {
        e->at = put32(put_op(e->at, 0, 0xB8u | (dst & 7), dst >> 3), (uint32_t)imm);
    } else if (imm >= (uint64_t)INT32_MIN) {
        e->at = put32(put_rr(e->at, OP_W, 0xC7, 0, dst), (uint32_t)imm);
    } else {
        uint8_t *p = put_op(e->at, OP_W, 0xB8u | (dst & 7), dst >> 3);

        memcpy(p, &imm, sizeof imm);
        e->at = p + sizeof imm;
    }
}

uint32_t x64_lea_rip(struct x64 *e, enum x64_reg dst)
{
    uint8_t *p;

    if (!x64_room(e))
        return 0;
    p = put_op(e->at, OP_W, 0x8D, dst >> 3 << 2);
    p = put8(p, (dst & 7) << 3 | 5);
    e->at = put32(p, 0);
    return x64_offset(e) - 4;
}

void x64_movsxd_rm(struct x64 *e, enum x64_reg dst, struct x64_mem src)
{
    x64_load(e, X64_S32, dst, src);
}

void x64_imul_rr(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, OP_ESCAPE | x64_op_size(size), 0xAF, dst, src);
}

void x64_imul_rri(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src, int32_t imm)
{
    unsigned bytes = imm_bytes(imm);

    if (x64_room(e))
        e->at = put_imm(put_rr(e->at, x64_op_size(size), bytes == 1 ? 0x6B : 0x69, dst, src), bytes, imm);
}

void x64_cqo(struct x64 *e, enum x64_size size)
{
    emit_op(e, x64_op_size(size), 0x99, RAX);
}

void x64_shift_ri(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg reg, unsigned count)
{
    count = mask_count(size, count);
    if (count && x64_room(e))
        e->at = put8(put_rr(e->at, x64_op_size(size), 0xC1, op, reg), count);
}

void x64_shift_cl(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg reg)
{
    x64_emit_rr(e, x64_op_size(size), 0xD3, op, reg);
}

void x64_shiftx(struct x64 *e, enum x64_shift op, enum x64_size size, enum x64_reg dst, enum x64_reg src,
                enum x64_reg count)
{
    unsigned pp = op == X64_SHL ? 1 : op == X64_SAR ? 2 : 3;

    assert(op == X64_SHL || op == X64_SHR || op == X64_SAR);
    if (x64_room(e))
        e->at = put_vex(e->at, 2, pp, 0xF7, size, dst, count, src);
}

void x64_rorx(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg src, unsigned count)
{
    if (x64_room(e))
        e->at = put8(put_vex(e->at, 3, 3, 0xF0, size, dst, 0, src), mask_count(size, count));
}

void x64_andn(struct x64 *e, enum x64_size size, enum x64_reg dst, enum x64_reg inverted, enum x64_reg src)
{
    if (x64_room(e))
        e->at = put_vex(e->at, 2, 0, 0xF2, size, dst, inverted, src);
}

void x64_bit_rr(struct x64 *e, enum x64_bit op, enum x64_size size, enum x64_reg reg, enum x64_reg bit)
{
    x64_emit_rr(e, OP_ESCAPE | x64_op_size(size), 0x83 | op << 3, bit, reg);
}

void x64_bit_ri(struct x64 *e, enum x64_bit op, enum x64_size size, enum x64_reg reg, unsigned bit)
{
    if (x64_room(e))
        e->at = put8(put_rr(e->at, OP_ESCAPE | x64_op_size(size), 0xBA, op, reg), mask_count(size, bit));
}

void x64_scan(struct x64 *e, enum x64_scan op, enum x64_size size, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, scan_op[op].flags | x64_op_size(size), scan_op[op].byte, dst, src);
}

void x64_bswap(struct x64 *e, enum x64_size size, enum x64_reg reg)
{
    emit_op(e, OP_ESCAPE | x64_op_size(size), 0xC8, reg);
}

void x64_xchg(struct x64 *e, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    x64_emit_rr(e, x64_op_size(size), 0x87, b, a);
}

void x64_setcc(struct x64 *e, enum x64_cond cond, enum x64_reg reg)
{
    x64_emit_rr(e, OP_ESCAPE, 0x90 | cond, 0, reg);
}

void x64_cmovcc(struct x64 *e, enum x64_cond cond, enum x64_size size, enum x64_reg dst, enum x64_reg src)
{
    x64_emit_rr(e, OP_ESCAPE | x64_op_size(size), 0x40 | cond, dst, src);
}

void x64_push(struct x64 *e, enum x64_reg reg)
{
    emit_op(e, 0, 0x50, reg);
}

void x64_pop(struct x64 *e, enum x64_reg reg)
{
    emit_op(e, 0, 0x58, reg);
}

void x64_ret(struct x64 *e)
{
    emit_op(e, 0, 0xC3, RAX);
}

void x64_ud2(struct x64 *e)
{
    emit_op(e, OP_ESCAPE, 0x0B, RAX);
}

void x64_jmp_r(struct x64 *e, enum x64_reg reg)
{
    x64_emit_rr(e, 0, 0xFF, 4, reg);
}

void x64_jmp_m(struct x64 *e, struct x64_mem target)
{
    x64_emit_rm(e, 0, 0xFF, 4, target);
}

void x64_call_r(struct x64 *e, enum x64_reg reg)
{
    x64_emit_rr(e, 0, 0xFF, 2, reg);
}

void x64_call_m(struct x64 *e, struct x64_mem target)
{
    x64_emit_rm(e, 0, 0xFF, 2, target);
}

PX_INLINE uint32_t emit_rel32(struct x64 *e, unsigned flags, unsigned byte, uint32_t target)
{
    uint8_t *p;
    uint32_t at;

    if (!x64_room(e))
        return 0;
    p = put8(put8_if(e->at, flags & OP_ESCAPE, 0x0F), byte);
    at = (uint32_t)(p - e->start);
    e->at = put32(p, target - (at + 4));
    return at;
}

uint32_t x64_jmp(struct x64 *e, uint32_t target)
{
    return emit_rel32(e, 0, 0xE9, target);
}

uint32_t x64_jcc(struct x64 *e, enum x64_cond cond, uint32_t target)
{
    return emit_rel32(e, OP_ESCAPE, 0x80 | cond, target);
}

uint32_t x64_call(struct x64 *e, uint32_t target)
{
    return emit_rel32(e, 0, 0xE8, target);
}

PX_INLINE uint32_t emit_rel8(struct x64 *e, unsigned byte)
{
    if (!x64_room(e))
        return 0;
    e->at = put8(put8(e->at, byte), 0);
    return x64_offset(e) - 1;
}

uint32_t x64_jcc_short(struct x64 *e, enum x64_cond cond)
{
    return emit_rel8(e, 0x70 | cond);
}

uint32_t x64_jmp_short(struct x64 *e)
{
    return emit_rel8(e, 0xEB);
}

void x64_bind_rel8(struct x64 *e, uint32_t at)
{
    uint32_t span = x64_offset(e) - (at + 1);

    if (e->overflow)
        return;
    assert(at < x64_offset(e));
    if (span > INT8_MAX)
        x64_overflow(e);
    else
        e->start[at] = (uint8_t)span;
}

void x64_patch_rel32(struct x64 *e, uint32_t at, uint32_t target)
{
    x64_patch_u32(e, at, target - (at + 4));
}

void x64_patch_u32(struct x64 *e, uint32_t at, uint32_t value)
{
    if (e->overflow)
        return;
    assert(at < x64_offset(e) && x64_offset(e) - at >= sizeof value);
    put32(e->start + at, value);
}

void x64_bytes(struct x64 *e, const void *bytes, size_t size)
{
    if ((size_t)(e->end - e->at) < size) {
        x64_overflow(e);
    } else if (size) { /* an empty table may be a null pointer, which memcpy does not take */
        memcpy(e->at, bytes, size);
        e->at += size;
    }
}

void x64_align(struct x64 *e, unsigned alignment)
{
    size_t pad = (alignment - x64_offset(e)) & (alignment - 1);

    assert(alignment && !(alignment & (alignment - 1)));
    if ((size_t)(e->end - e->at) < pad) {
        x64_overflow(e);
        return;
    }
    memset(e->at, 0xCC, pad);
    e->at += pad;
}
