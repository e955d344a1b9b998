#include "jit/cost.h"

#include <stdbool.h>
#include <string.h>

/* A row of the gas table: latency, and slots when rd is a source of the kind the row asks for or is not. */
struct price {
    uint8_t cy, same, other;
    uint8_t asks; /* RS1, EITHER: what "same" means */
};

enum { RS1 = 1, EITHER = 2 };

static const struct price prices[PX_GC_CLASS_COUNT] = {
    [PX_GC_MEMORY] = { 0, 1, 1, RS1 }, /* cy = mem, added below */
    [PX_GC_UPPER] = { 1, 2, 2, RS1 },   [PX_GC_ALU] = { 1, 1, 2, EITHER },
    [PX_GC_SHIFT] = { 1, 2, 3, RS1 },   [PX_GC_SLT] = { 3, 3, 3, RS1 },
    [PX_GC_ALUW] = { 2, 2, 3, EITHER }, [PX_GC_SHIFTW] = { 2, 3, 4, RS1 },
    [PX_GC_MUL] = { 3, 1, 2, EITHER },  [PX_GC_MULW] = { 4, 2, 3, EITHER },
    [PX_GC_MULH] = { 4, 4, 4, RS1 },    [PX_GC_MULHSU] = { 6, 4, 4, RS1 },
    [PX_GC_DIV] = { 60, 4, 4, RS1 },    [PX_GC_UNARY] = { 1, 1, 1, RS1 },
    [PX_GC_CTZ] = { 2, 1, 1, RS1 },     [PX_GC_MINMAX] = { 3, 2, 3, EITHER },
    [PX_GC_ANDN] = { 2, 3, 3, RS1 },    [PX_GC_XNOR] = { 2, 2, 3, EITHER },
    [PX_GC_CZERO] = { 2, 2, 2, RS1 },   [PX_GC_JAL] = { 15, 1, 1, RS1 },
    [PX_GC_JALR] = { 22, 1, 1, RS1 },   [PX_GC_BRANCH] = { 20, 1, 1, RS1 },
    [PX_GC_STOP] = { 2, 1, 1, RS1 },    [PX_GC_FENCE] = { 1, 1, 1, RS1 },
    [PX_GC_CALL] = { 0, 0, 0, RS1 }, /* never priced */
};

/* x3 and x4 live in memory. */
static const uint8_t memory_register[PX_REG_COUNT] = { [3] = 1, [4] = 1 };

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

void jit_cost_begin(struct jit_cost *cost)
{
    memset(cost, 0, sizeof *cost);
}

void jit_cost_add(struct jit_cost *cost, const struct px_insn *in, uint64_t mem)
{
    const struct px_op_info *info = &px_ops[in->op];
    const struct price *price = &prices[info->gas];
    unsigned rd = in->rd, a = in->rs1, b = in->rs2;

    /* Formats without a second source decode it as 0, which must not pass for rd. */
    unsigned same = (rd == a) | ((price->asks == EITHER) & (rd == b) & (info->format == PX_FMT_R));
    uint32_t dec = same ? price->same : price->other;
    cost->count++;
    uint32_t full = cost->slots >= 4;
    cost->cycle += full;
    cost->slots = (full ? 0 : cost->slots) + dec;

    /* Moves rename: no latency of their own. */
    if (rd != 0 &&
        ((in->op == PX_OP_ADDI && in->imm == 0 && a != 0) || (in->op == PX_OP_ADD && a == 0 && b != 0))) {
        cost->ready[rd] = cost->ready[a | b];
        return;
    }

    uint64_t cy = price->cy + mem * (uint64_t)(memory_register[rd] + memory_register[a] + memory_register[b]);
    if (info->effects & (PX_EFF_LOAD | PX_EFF_STORE)) {
        cy += mem;
        cost->reserve += 2 * PX_GAS_PAGE_IN + (info->effects & PX_EFF_STORE ? 2 * PX_GAS_COW : 0);
    }
    uint64_t start = cost->cycle;
    start = cost->ready[a] > start ? cost->ready[a] : start;
    start = cost->ready[b] > start ? cost->ready[b] : start;
    cost->ready[rd] = start + cy;
    cost->last = start + cy > cost->last ? start + cy : cost->last;
    cost->ready[0] = 0;
}

uint64_t jit_cost_need(const struct jit_cost *cost)
{
    return cost->last > 4 ? cost->last - 3 : 1;
}
