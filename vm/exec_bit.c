/* Zba, Zbb, Zbs and Zicond (RISC-V unprivileged, chapters "B" and "Zicond"). */
#include "vm/exec.h"

static uint64_t rol64(uint64_t a, unsigned count)
{
    return a << (count & 63) | a >> (-count & 63);
}

static uint64_t rol32(uint32_t a, unsigned count)
{
    return sext32(a << (count & 31) | a >> (-count & 31));
}

/* The compiler's counts are undefined for 0. */
static unsigned clz64(uint64_t a)
{
    return a == 0 ? 64 : (unsigned)__builtin_clzll(a);
}

static unsigned ctz64(uint64_t a)
{
    return a == 0 ? 64 : (unsigned)__builtin_ctzll(a);
}

static unsigned cpop64(uint64_t a)
{
    return (unsigned)__builtin_popcountll(a);
}

/* Each byte that is not zero becomes 0xff. */
static uint64_t orc_b(uint64_t a)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 8)
        if ((a >> shift) & 0xff)
            result |= UINT64_C(0xff) << shift;
    return result;
}

#define LESS(a, b) ((int64_t)(a) < (int64_t)(b))
#define BIT(n) (UINT64_C(1) << ((n) & 63))

EXEC_RR(SH1ADD, b + (a << 1))
EXEC_RR(SH2ADD, b + (a << 2))
EXEC_RR(SH3ADD, b + (a << 3))
EXEC_RR(ADD_UW, b + (uint32_t)a)
EXEC_RR(SH1ADD_UW, b + ((uint64_t)(uint32_t)a << 1))
EXEC_RR(SH2ADD_UW, b + ((uint64_t)(uint32_t)a << 2))
EXEC_RR(SH3ADD_UW, b + ((uint64_t)(uint32_t)a << 3))
EXEC_RI(SLLI_UW, (uint64_t)(uint32_t)a << imm)

EXEC_RR(ANDN, a & ~b)
EXEC_RR(ORN, a | ~b)
EXEC_RR(XNOR, ~(a ^ b))
EXEC_RR(MIN, LESS(a, b) ? a : b)
EXEC_RR(MINU, a < b ? a : b)
EXEC_RR(MAX, LESS(a, b) ? b : a)
EXEC_RR(MAXU, a < b ? b : a)
EXEC_RR(ROL, rol64(a, (unsigned)b & 63))
EXEC_RR(ROR, rol64(a, -(unsigned)b & 63))
EXEC_RR(ROLW, rol32((uint32_t)a, (unsigned)b & 31))
EXEC_RR(RORW, rol32((uint32_t)a, -(unsigned)b & 31))
EXEC_RI(RORI, rol64(a, -(unsigned)imm & 63))
EXEC_RI(RORIW, rol32((uint32_t)a, -(unsigned)imm & 31))
EXEC_R(CLZ, clz64(a))
EXEC_R(CLZW, clz64((uint32_t)a) - 32)
EXEC_R(CTZ, ctz64(a))
EXEC_R(CTZW, ctz64(a | UINT64_C(1) << 32))
EXEC_R(CPOP, cpop64(a))
EXEC_R(CPOPW, cpop64((uint32_t)a))
EXEC_R(SEXT_B, (uint64_t)(int64_t)(int8_t)(uint8_t)a)
EXEC_R(SEXT_H, (uint64_t)(int64_t)(int16_t)(uint16_t)a)
EXEC_R(ZEXT_H, (uint16_t)a)
EXEC_R(ORC_B, orc_b(a))
EXEC_R(REV8, __builtin_bswap64(a))

EXEC_RR(BCLR, a & ~BIT(b))
EXEC_RR(BEXT, (a >> (b & 63)) & 1)
EXEC_RR(BINV, a ^ BIT(b))
EXEC_RR(BSET, a | BIT(b))
EXEC_RI(BCLRI, a & ~BIT(imm))
EXEC_RI(BEXTI, (a >> imm) & 1)
EXEC_RI(BINVI, a ^ BIT(imm))
EXEC_RI(BSETI, a | BIT(imm))

EXEC_RR(CZERO_EQZ, b == 0 ? 0 : a)
EXEC_RR(CZERO_NEZ, b != 0 ? 0 : a)

#undef LESS
#undef BIT
