/*
 * The byte writers inside the emitters. Included by x64_inline.h only. Each takes where to write and returns where it stopped. Every optional
 * byte is stored and then stepped over or not: the red zone has room for it, and a branch predictor
 * would learn nothing from the order in which registers come.
 */
#ifndef PX_JIT_X64_PUT_H
#define PX_JIT_X64_PUT_H

/* What an opcode byte needs in front of it. */
enum {
    OP_ESCAPE = 1, /* 0F */
    OP_16 = 2,     /* 66 */
    OP_REP = 4,    /* F3 */
    OP_W = 8       /* REX.W: its bit in the REX, too */
};

PX_INLINE uint8_t *put8(uint8_t *p, unsigned value)
{
    *p = (uint8_t)value;
    return p + 1;
}

PX_INLINE uint8_t *put8_if(uint8_t *p, bool wanted, unsigned value)
{
    *p = (uint8_t)value;
    return p + wanted;
}

PX_INLINE uint8_t *put32(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof value);
    return p + sizeof value;
}

/* @value in its low @bytes, at most 4. */
PX_INLINE uint8_t *put_imm(uint8_t *p, unsigned bytes, int32_t value)
{
    memcpy(p, &value, sizeof value);
    return p + bytes;
}

/* The bytes of an immediate that the instruction sign-extends. */
PX_INLINE unsigned imm_bytes(int32_t value)
{
    return value == (int8_t)value ? 1 : 4;
}

/* The order counts: a legacy prefix voids a REX in front of it. @rxb are the low bits of the REX. */
PX_INLINE uint8_t *put_op(uint8_t *p, unsigned flags, unsigned byte, unsigned rxb)
{
    p = put8_if(p, flags & OP_16, 0x66);
    p = put8_if(p, flags & OP_REP, 0xF3);
    p = put8(p, 0x40 | (flags & OP_W) | rxb);
    p = put8_if(p, flags & OP_ESCAPE, 0x0F);
    return put8(p, byte);
}

/* The forms with a register as ModRM.rm. @reg is a register or an opcode's /digit. */
PX_INLINE uint8_t *put_rr(uint8_t *p, unsigned flags, unsigned byte, unsigned reg, unsigned rm)
{
    p = put_op(p, flags, byte, reg >> 3 << 2 | rm >> 3);
    return put8(p, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

/* ModRM, SIB and displacement. */
PX_INLINE uint8_t *put_address(uint8_t *p, unsigned reg, struct x64_mem m)
{
    unsigned low = m.base & 7u, sib = 4u << 3 | low, mod;
    bool need_sib = low == 4; /* rm 4, of rsp and r12, announces the SIB byte */

    reg = (reg & 7) << 3;
    if (m.index != X64_NO_REG) {
        assert(m.index <= R15 && m.index != RSP && 1u << __builtin_ctz(m.scale | 8u) == m.scale);
        sib = (unsigned)__builtin_ctz(m.scale) << 6 | (m.index & 7u) << 3 | low;
        need_sib = true;
    }
    if (m.base == X64_NO_REG) { /* SIB base 5 with mod 0; ModRM.rm 5 would be relative to rip */
        p = put8(p, reg | 4);
        p = put8(p, (sib & 0xF8) | 5);
        return put32(p, (uint32_t)m.disp);
    }
    /* Never mod 0, in which rm 5, of rbp and r13, would be no base. */
    mod = 1 + (unsigned)(imm_bytes(m.disp) == 4);
    p = put8(p, mod << 6 | reg | (need_sib ? 4 : low));
    p = put8_if(p, need_sib, sib);
    return put_imm(p, mod * mod, m.disp); /* 1, 4 bytes */
}

/* The forms with memory as ModRM.rm. */
PX_INLINE uint8_t *put_rm(uint8_t *p, unsigned flags, unsigned byte, unsigned reg, struct x64_mem m)
{
    /* Compared, not masked: X64_NO_REG has the bit set. */
    unsigned rxb = reg >> 3 << 2 | (unsigned)(m.index >> 3 == 1) << 1 | (unsigned)(m.base >> 3 == 1);

    p = put8_if(p, m.gs, 0x65);
    p = put8_if(p, m.addr32, 0x67);
    p = put_op(p, flags, byte, rxb);
    return put_address(p, reg, m);
}

/* The three-byte VEX form: @map 2 is 0F38 and 3 is 0F3A; @pp 0 to 3 is none, 66, F3, F2. */
PX_INLINE uint8_t *put_vex(uint8_t *p, unsigned map, unsigned pp, unsigned byte, enum x64_size size,
                           unsigned reg, unsigned vvvv, unsigned rm)
{
    p = put8(p, 0xC4);
    p = put8(p, (~reg & 8) << 4 | 0x40 | (~rm & 8) << 2 | map);
    p = put8(p, (size == X64_64 ? 0x80u : 0) | (~vvvv & 15) << 3 | pp);
    p = put8(p, byte);
    return put8(p, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

#endif
