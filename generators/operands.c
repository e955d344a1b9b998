#include "generators/operands.h"

#include "vm/guest.h"

/* 0, +-1, 2, the extremes of every width and their neighbours, zero- and sign-extended; single and alternating bits. */
const uint64_t px_values[] = {
    0,
    1,
    2,
    UINT64_MAX,
    UINT64_MAX - 1,
    0x7e,
    0x7f,
    0x80,
    0x81,
    0xff,
    0x100,
    UINT64_C(0xffffffffffffff7f),
    UINT64_C(0xffffffffffffff80),
    0x7fff,
    0x8000,
    0xffff,
    0x10000,
    UINT64_C(0xffffffffffff8000),
    0x1f,
    0x20,
    0x3f,
    0x40,
    0x7ffffffe,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xfffffffe,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x100000001),
    UINT64_C(0xffffffff7fffffff),
    UINT64_C(0xffffffff80000000),
    UINT64_C(0xffffffff00000000),
    UINT64_C(0xdeadbeef00000000),
    UINT64_C(0x7ffffffffffffffe),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0x8000000000000001),
    UINT64_C(0x4000000000000000),
    UINT64_C(0x5555555555555555),
    UINT64_C(0xaaaaaaaaaaaaaaaa),
    UINT64_C(0x0123456789abcdef),
    UINT64_C(0x00ff0100807f0001),
    UINT64_C(0x8000000080000000),
};
const size_t px_value_count = sizeof px_values / sizeof px_values[0];

const int32_t px_imm12s[] = {
    0,    1,    -1,    2,     3,    7,     -8,     31,   32,   63,    64,
    0x7f, 0x80, -0x80, -0x81, 0xff, 0x555, -0x556, 2046, 2047, -2047, -2048,
};
const size_t px_imm12_count = sizeof px_imm12s / sizeof px_imm12s[0];

const uint32_t px_addresses[] = {
    0,
    PX_CODE_BASE,
    PX_CODE_BASE + 1,
    PX_CODE_BASE + 0xffc,
    PX_CODE_BASE + 0x1000,
    PX_CODE_BASE - 4,
    PX_REGION_ZERO,
    PX_REGION_ZERO - 1,
    PX_REGION_ZERO - 8,
    PX_REGION_ZERO + 0xff8,
    PX_REGION_ZERO + 0xff9,
    PX_REGION_ZERO + 0xfff,
    PX_REGION_ZERO + 0x1000,
    PX_REGION_ZERO + 0x2ff8,
    PX_REGION_ZERO + 0x2ffd,
    PX_REGION_ZERO + 0x3000,
    PX_REGION_COW,
    PX_REGION_COW + 0x7fe,
    PX_REGION_COW + 0xffe,
    PX_REGION_COW + 0x1ffc,
    PX_REGION_COW + 0x1fff,
    PX_REGION_RO,
    PX_REGION_RO + 0xffd,
    PX_REGION_RO + 0x1ff8,
    PX_REGION_RO + 0x2000,
    PX_REGION_TOP,
    PX_REGION_TOP - 1,
    PX_REGION_TOP + 0xff8,
    PX_REGION_TOP + 0xff9,
    PX_REGION_TOP + 0xfff,
    0x80000000,
};
const size_t px_address_count = sizeof px_addresses / sizeof px_addresses[0];

uint64_t px_any_value(struct prng *prng)
{
    uint64_t pick = prng_next(prng);
    uint64_t value = px_values[(pick >> 8) % px_value_count];
    unsigned kind = pick & 15;
    if (kind < 2) {
        uint64_t any = prng_next(prng);
        return kind == 0 ? any : (uint32_t)any;
    }
    /* All of them made and one taken: nobody can foresee which branch a random kind takes. */
    const uint64_t kinds[] = { UINT64_C(1) << ((pick >> 32) & 63), value + (pick >> 62) - 1, ~value, value };
    return kinds[kind < 5 ? kind - 2 : 3];
}

int32_t px_imm12_of(uint32_t bits)
{
    int32_t boundary = px_imm12s[((bits & 127) * (uint32_t)px_imm12_count) >> 7];
    int32_t any = (int32_t)(bits & 4095) - 2048;
    return (bits & 0x18000) ? boundary : any; /* bits that neither of them uses */
}

int32_t px_any_imm12(struct prng *prng)
{
    return px_imm12_of((uint32_t)(prng_next(prng) >> 47));
}
