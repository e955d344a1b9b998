#include "vm/fused/cost.h"

#include <stdbool.h>

/* Rows of the gas table: latency, slots when rd is no source, and whether rs1, rs2 save one by being rd. */
#define ROW_MEMORY 0, 1, 0, 0
#define ROW_UPPER 1, 2, 0, 0
#define ROW_ALU 1, 2, 1, 1
#define ROW_SHIFT 1, 3, 1, 0
#define ROW_SLT 3, 3, 0, 0
#define ROW_ALUW 2, 3, 1, 1
#define ROW_SHIFTW 2, 4, 1, 0
#define ROW_MUL 3, 2, 1, 1
#define ROW_MULW 4, 3, 1, 1
#define ROW_MULH 4, 4, 0, 0
#define ROW_MULHSU 6, 4, 0, 0
#define ROW_DIV 60, 4, 0, 0
#define ROW_UNARY 1, 1, 0, 0
#define ROW_CTZ 2, 1, 0, 0
#define ROW_MINMAX 3, 3, 1, 1
#define ROW_ANDN 2, 3, 0, 0
#define ROW_XNOR 2, 3, 1, 1
#define ROW_CZERO 2, 2, 0, 0
#define ROW_JAL 15, 1, 0, 0
#define ROW_JALR 22, 1, 0, 0
#define ROW_BRANCH 20, 1, 0, 0
#define ROW_STOP 2, 1, 0, 0
#define ROW_FENCE 1, 1, 0, 0
#define ROW_CALL 0, 0, 0, 0

struct row {
    uint8_t latency, slots;
    bool by_rs1, by_rs2;
    bool memory;
    uint16_t reserve;
};

enum { LOAD_RESERVE = 2 * PX_GAS_PAGE_IN, STORE_RESERVE = 2 * (PX_GAS_PAGE_IN + PX_GAS_COW) };

/* A format without a second source has 0 there, which is not rd even if rd is x0. */
#define MAKE(format, effects, latency_, slots_, by_rs1_, by_rs2_)                                            \
    {                                                                                                        \
        .latency = (latency_),                                                                               \
        .slots = (slots_),                                                                                   \
        .by_rs1 = (by_rs1_),                                                                                 \
        .by_rs2 = (by_rs2_) && PX_FMT_##format == PX_FMT_R,                                                  \
        .memory = ((effects) & (PX_EFF_LOAD | PX_EFF_STORE)) != 0,                                           \
        .reserve = ((effects) & PX_EFF_LOAD)    ? LOAD_RESERVE                                               \
                   : ((effects) & PX_EFF_STORE) ? STORE_RESERVE                                              \
                                                : 0,                                                         \
    }
#define MAKE_ROW(...) MAKE(__VA_ARGS__)

static const struct row rows[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = MAKE_ROW(NONE, 0, ROW_STOP),
#define PX_OP(name, mnemonic, format, match, mask, extension, gas, effects)                                  \
    [PX_OP_##name] = MAKE_ROW(format, effects, ROW_##gas),
#include "vm/isa.def"
};

uint64_t fused_cost_mem(const struct px_image *image)
{
    static const uint32_t tiers[] = { 2048, 8192, 65536 }; /* pages */
    uint64_t pages = 0, tier = 1;
    for (size_t i = 0; i < image->map_count; i++)
        pages += image->maps[i].size >> PX_PAGE_BITS;
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++)
        tier += pages > tiers[i];
    return tier * PX_GAS_MEM;
}

void fused_cost_start(struct fused_cost *cost)
{
    *cost = (struct fused_cost){ .cycle = 0 };
}

/* addi rd, rs, 0 and add rd, x0, rs, without x0 elsewhere, rename a register; 0 for all else, else the source. */
static unsigned moved_from(const struct px_insn *insn)
{
    if (insn->rd == 0 || insn->imm != 0)
        return 0;
    if (insn->op == PX_OP_ADDI)
        return insn->rs1;
    return insn->op == PX_OP_ADD && insn->rs1 == 0 ? insn->rs2 : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a < b ? b : a;
}

void fused_cost_add(struct fused_cost *cost, const struct px_insn *insn, uint64_t mem)
{
    const struct row *row = &rows[insn->op];
    unsigned rd = insn->rd, rs1 = insn->rs1, rs2 = insn->rs2, source = moved_from(insn);
    uint32_t slots = row->slots - (uint32_t)((row->by_rs1 & (rd == rs1)) | (row->by_rs2 & (rd == rs2)));
    bool full = cost->slots > 3;
    cost->cycle += full;
    cost->slots = full ? slots : cost->slots + slots;
    if (source != 0) {
        cost->ready[rd] = cost->ready[source];
        return;
    }
    /* x3 and x4 may live in memory. */
    const unsigned in_memory = 1u << 3 | 1u << 4;
    unsigned accesses = row->memory + (in_memory >> rd & 1) + (in_memory >> rs1 & 1) + (in_memory >> rs2 & 1);
    uint64_t start = later(cost->cycle, later(cost->ready[rs1], cost->ready[rs2]));
    uint64_t done = start + row->latency + accesses * mem;
    cost->ready[rd] = rd == 0 ? 0 : done;
    cost->last = later(cost->last, done);
    cost->reserve += row->reserve;
}

uint64_t fused_cost_need(const struct fused_cost *cost)
{
    return later(cost->last, 4) - 3;
}
