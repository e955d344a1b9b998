#include "jit/cost.h"

/* Which source saves a slot when it is rd. */
enum { NONE, RS1, EITHER };

/* The gas table by class, a number a row: latency, slots when rd is no source, and which source saves one of them. */
#define ROW(cy, slots, saves) ((cy) << 8 | (slots) << 4 | (saves))
enum {
    CLASS_MEMORY = ROW(0, 1, NONE), /* cy is mem, added for the access */
    CLASS_UPPER = ROW(1, 2, NONE),
    CLASS_ALU = ROW(1, 2, EITHER),
    CLASS_SHIFT = ROW(1, 3, RS1),
    CLASS_SLT = ROW(3, 3, NONE),
    CLASS_ALUW = ROW(2, 3, EITHER),
    CLASS_SHIFTW = ROW(2, 4, RS1),
    CLASS_MUL = ROW(3, 2, EITHER),
    CLASS_MULW = ROW(4, 3, EITHER),
    CLASS_MULH = ROW(4, 4, NONE),
    CLASS_MULHSU = ROW(6, 4, NONE),
    CLASS_DIV = ROW(60, 4, NONE),
    CLASS_UNARY = ROW(1, 1, NONE),
    CLASS_CTZ = ROW(2, 1, NONE),
    CLASS_MINMAX = ROW(3, 3, EITHER),
    CLASS_ANDN = ROW(2, 3, NONE),
    CLASS_XNOR = ROW(2, 3, EITHER),
    CLASS_CZERO = ROW(2, 2, NONE),
    CLASS_JAL = ROW(15, 1, NONE),
    CLASS_JALR = ROW(22, 1, NONE),
    CLASS_BRANCH = ROW(20, 1, NONE),
    CLASS_STOP = ROW(2, 1, NONE),
    CLASS_FENCE = ROW(1, 1, NONE),
    CLASS_CALL = ROW(0, 0, NONE), /* never priced */
};

/* By opcode. */
struct price {
    uint8_t cy; /* latency without `mem` */
    uint8_t slots; /* when rd is no source */
    uint8_t rs1, rs2; /* 1: a slot less when rd is that source */
    uint8_t accesses; /* 1: `mem` is added for the access */
    bool moves; /* its operands may make it a move */
    uint16_t reserve;
};

/* Formats without a second source decode it as 0, which must not pass for rd. */
#define PRICE(name, format, effects, row)                                                                    \
    {                                                                                                        \
        .cy = (row) >> 8,                                                                                    \
        .slots = (row) >> 4 & 15,                                                                            \
        .rs1 = ((row) & 15) != NONE,                                                                         \
        .rs2 = ((row) & 15) == EITHER && PX_FMT_##format == PX_FMT_R,                                        \
        .accesses = ((effects) & (PX_EFF_LOAD | PX_EFF_STORE)) != 0,                                         \
        .moves = PX_OP_##name == PX_OP_ADDI || PX_OP_##name == PX_OP_ADD,                                    \
        .reserve = ((effects) & PX_EFF_LOAD ? 2 * PX_GAS_PAGE_IN : 0) +                                      \
                   ((effects) & PX_EFF_STORE ? 2 * (PX_GAS_PAGE_IN + PX_GAS_COW) : 0),                       \
    }

static const struct price prices[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = PRICE(ILLEGAL, NONE, PX_EFF_TERM, CLASS_STOP),
#define PX_OP(name, mnemonic, format, match, mask, extension, gas, effects)                                  \
    [PX_OP_##name] = PRICE(name, format, effects, CLASS_##gas),
#include "vm/isa.def"
};

unsigned jit_cost_tier(const struct px_image *image)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < image->map_count; i++)
        bytes += image->maps[i].size;
    uint64_t mib = UINT64_C(1) << 20;
    if (bytes > 256 * mib)
        return 3;
    if (bytes > 32 * mib)
        return 2;
    return bytes > 8 * mib ? 1 : 0;
}

/* Whether addi or add is a move, `addi rd, rs, 0` or `add rd, x0, rs`. */
static bool is_move(const struct px_insn *in)
{
    unsigned source = in->op == PX_OP_ADDI ? in->rs1 : in->rs2, zero = in->op == PX_OP_ADDI ? 0 : in->rs1;
    return in->imm == 0 && zero == 0 && source != 0 && in->rd != 0;
}

struct jit_charge jit_charge_of(const struct px_insn *in)
{
    static const uint8_t in_memory[PX_REG_COUNT] = { [3] = 1, [4] = 1 }; /* where x3 and x4 live */
    const struct price *price = &prices[in->op];
    unsigned saved = ((in->rd == in->rs1) & price->rs1) | ((in->rd == in->rs2) & price->rs2);
    unsigned times = 0u + in_memory[in->rd] + in_memory[in->rs1] + in_memory[in->rs2] + price->accesses;
    struct jit_charge charge = { .slots = (uint8_t)(price->slots - saved), .reserve = price->reserve };
    if (price->moves && is_move(in))
        return charge;
    charge.waits = -1;
    for (unsigned tier = 0; tier < JIT_COST_TIERS; tier++)
        charge.latency[tier] = (uint16_t)(price->cy + times * PX_GAS_MEM * (tier + 1));
    return charge;
}
