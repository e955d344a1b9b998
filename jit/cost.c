#include "jit/cost.h"

/* The gas table by class: latency, slots when rd is no source, and which source saves one of them. */
#define CLASS_MEMORY 0, 1, NONE /* cy is mem, added for the access */
#define CLASS_UPPER 1, 2, NONE
#define CLASS_ALU 1, 2, EITHER
#define CLASS_SHIFT 1, 3, RS1
#define CLASS_SLT 3, 3, NONE
#define CLASS_ALUW 2, 3, EITHER
#define CLASS_SHIFTW 2, 4, RS1
#define CLASS_MUL 3, 2, EITHER
#define CLASS_MULW 4, 3, EITHER
#define CLASS_MULH 4, 4, NONE
#define CLASS_MULHSU 6, 4, NONE
#define CLASS_DIV 60, 4, NONE
#define CLASS_UNARY 1, 1, NONE
#define CLASS_CTZ 2, 1, NONE
#define CLASS_MINMAX 3, 3, EITHER
#define CLASS_ANDN 2, 3, NONE
#define CLASS_XNOR 2, 3, EITHER
#define CLASS_CZERO 2, 2, NONE
#define CLASS_JAL 15, 1, NONE
#define CLASS_JALR 22, 1, NONE
#define CLASS_BRANCH 20, 1, NONE
#define CLASS_STOP 2, 1, NONE
#define CLASS_FENCE 1, 1, NONE
#define CLASS_CALL 0, 0, NONE /* never priced */

enum { NONE, RS1, EITHER };

/* Formats without a second source decode it as 0, which must not pass for rd. */
#define PRICE(name, format, effects, class) PRICE_OF(name, format, effects, class)
#define PRICE_OF(name, format, effects, cy_, slots_, saves)                                                  \
    {                                                                                                        \
        .cy = cy_,                                                                                           \
        .slots = slots_,                                                                                     \
        .rs1 = (saves) != NONE,                                                                              \
        .rs2 = (saves) == EITHER && PX_FMT_##format == PX_FMT_R,                                             \
        .accesses = ((effects) & (PX_EFF_LOAD | PX_EFF_STORE)) != 0,                                         \
        .moves = PX_OP_##name == PX_OP_ADDI || PX_OP_##name == PX_OP_ADD,                                    \
        .reserve = ((effects) & PX_EFF_LOAD ? 2 * PX_GAS_PAGE_IN : 0) +                                      \
                   ((effects) & PX_EFF_STORE ? 2 * (PX_GAS_PAGE_IN + PX_GAS_COW) : 0),                       \
    }

const struct jit_price jit_prices[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = PRICE(ILLEGAL, NONE, PX_EFF_TERM, CLASS_STOP),
#define PX_OP(name, mnemonic, format, match, mask, extension, gas, effects)                                  \
    [PX_OP_##name] = PRICE(name, format, effects, CLASS_##gas),
#include "vm/isa.def"
};

uint64_t jit_cost_mem(const struct px_image *image)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < image->map_count; i++)
        bytes += image->maps[i].size;
    uint64_t mib = UINT64_C(1) << 20;
    if (bytes > 256 * mib)
        return 4 * PX_GAS_MEM;
    if (bytes > 32 * mib)
        return 3 * PX_GAS_MEM;
    return bytes > 8 * mib ? 2 * PX_GAS_MEM : PX_GAS_MEM;
}
