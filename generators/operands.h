/* Operands and registers that bugs like: one pool, drawn from by every generator (FUZZING.md 1). */
#ifndef PX_OPERANDS_H
#define PX_OPERANDS_H

#include <stddef.h>
#include <stdint.h>

#include "generators/prng.h"

extern const uint64_t px_values[];
extern const size_t px_value_count;

extern const int32_t px_imm12s[]; /* 12-bit signed immediates */
extern const size_t px_imm12_count;

/* A register value: usually from the pool, sometimes one of its neighbours or anything at all. */
uint64_t px_any_value(struct prng *prng);

/* A 12-bit signed immediate. */
int32_t px_any_imm12(struct prng *prng);

/* The same from 17 random bits. */
int32_t px_imm12_of(uint32_t bits);

/* The data regions that generated programs share, so that host pages are reused from program to program. */
enum {
    PX_REGION_ZERO = 0x10000000, /* zero, 3 pages */
    PX_REGION_COW = 0x10200000,  /* cow, 2 pages, content shorter than the mapping */
    PX_REGION_RO = 0x10400000,   /* ro, 2 pages */
    PX_REGION_MANY = 0x10800000, /* layouts: zero, 16 pages */
    PX_REGION_HUGE = 0x18000000, /* hostcall: zero, as long as a range may be */
    PX_REGION_BIG = 0x20000000,  /* layouts: zero, up to 512 MiB */
};
#define PX_REGION_TOP UINT32_C(0xfffff000) /* zero, the last page of the space */

extern const uint32_t px_addresses[]; /* page, mapping, cluster, window and 4 GiB edges around them */
extern const size_t px_address_count;

#endif
