/*
 * Constants of the guest machine (ISA.md 0 to 7), shared by every engine. Facts only: nothing here
 * computes behaviour.
 */
#ifndef PX_GUEST_H
#define PX_GUEST_H

#include <stdint.h>

#define PX_GUEST_NAME "rv64e-jar.1"

enum {
    PX_REG_COUNT = 16, /* x0..x15; x0 is always 0 */
    PX_PAGE_BITS = 12,
    PX_PAGE_SIZE = 1 << PX_PAGE_BITS,
    PX_CLUSTER_BITS = 21,
    PX_CLUSTER_SIZE = 1 << PX_CLUSTER_BITS,
};

#define PX_SPACE_SIZE UINT64_C(0x100000000)
#define PX_CODE_BASE UINT32_C(0x00400000)
#define PX_CODE_MAX (UINT32_C(16) << 20)
#define PX_DATA_BASE UINT32_C(0x10000000)

/* Gas (ISA.md 5 and 7). */
#define PX_GAS_PAGE_IN UINT64_C(250)
#define PX_GAS_COW UINT64_C(500)
#define PX_GAS_HOSTCALL UINT64_C(100)
#define PX_GAS_POW UINT64_C(64)
#define PX_GAS_MEM UINT64_C(25) /* per footprint tier */

/* Host calls that act (ISA.md 5); every other selector exits. */
enum {
    PX_HOSTCALL_HALT = 0,
    PX_HOSTCALL_POW = 1,
    PX_HOSTCALL_FILL = 2,
    PX_HOSTCALL_HASH = 3,
};
#define PX_HOSTCALL_LENGTH_MAX (UINT64_C(1) << 20)

/* The terminator that generators append: `ecalli 0`. */
#define PX_WORD_ECALLI_0 UINT32_C(0x0000200b)

#endif
