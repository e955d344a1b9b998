/* M: multiplication and division (RISC-V unprivileged, chapter 7; table 11 gives division's edges). */
#include "vm/exec.h"

static uint64_t mulhu(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
}

static uint64_t mulh(uint64_t a, uint64_t b)
{
    return (uint64_t)(((__int128)(int64_t)a * (int64_t)b) >> 64);
}

/* Signed a by unsigned b: the product fits 128 signed bits. */
static uint64_t mulhsu(uint64_t a, uint64_t b)
{
    return mulhu(a, b) - ((int64_t)a < 0 ? b : 0);
}

/* Division by zero gives all ones, the overflowing quotient the dividend; remainders the dividend and 0. */
static uint64_t div64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if ((int64_t)a == INT64_MIN && (int64_t)b == -1)
        return a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t rem64(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    if ((int64_t)a == INT64_MIN && (int64_t)b == -1)
        return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

static uint64_t div32(uint32_t a, uint32_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if ((int32_t)a == INT32_MIN && (int32_t)b == -1)
        return sext32(a);
    return (uint64_t)(int64_t)((int32_t)a / (int32_t)b);
}

static uint64_t rem32(uint32_t a, uint32_t b)
{
    if (b == 0)
        return sext32(a);
    if ((int32_t)a == INT32_MIN && (int32_t)b == -1)
        return 0;
    return (uint64_t)(int64_t)((int32_t)a % (int32_t)b);
}

EXEC_RR(MUL, a * b)
EXEC_RR(MULW, sext32(a * b))
EXEC_RR(MULH, mulh(a, b))
EXEC_RR(MULHU, mulhu(a, b))
EXEC_RR(MULHSU, mulhsu(a, b))
EXEC_RR(DIV, div64(a, b))
EXEC_RR(DIVU, b == 0 ? UINT64_MAX : a / b)
EXEC_RR(REM, rem64(a, b))
EXEC_RR(REMU, b == 0 ? a : a % b)
EXEC_RR(DIVW, div32((uint32_t)a, (uint32_t)b))
EXEC_RR(DIVUW, (uint32_t)b == 0 ? UINT64_MAX : sext32((uint32_t)a / (uint32_t)b))
EXEC_RR(REMW, rem32((uint32_t)a, (uint32_t)b))
EXEC_RR(REMUW, sext32((uint32_t)b == 0 ? (uint32_t)a : (uint32_t)a % (uint32_t)b))
