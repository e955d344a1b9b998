/* The cost model of ISA.md 7, as that page states it. */
#include "vm/blocks.h"

uint64_t px_gas_mem(const struct px_image *image)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < image->map_count; i++)
        pages += image->maps[i].size / PX_PAGE_SIZE;
    uint64_t tier = pages <= 2048 ? 1 : pages <= 8192 ? 2 : pages <= 65536 ? 3 : 4;
    return PX_GAS_MEM * tier;
}

/* What makes the smaller number of slots apply. */
enum condition {
    ALWAYS,
    RD_IS_SOURCE, /* rd equals a source register, x0 included */
    RD_IS_RS1,
};

/* A row of the table in ISA.md 7: latency, slots if the condition holds and if not. */
struct price {
    enum condition when;
    unsigned cy, dec, dec_else;
};

static const struct price prices[PX_GC_CLASS_COUNT] = {
    [PX_GC_MEMORY] = { ALWAYS, 0, 1, 1 }, /* cy is mem */
    [PX_GC_UPPER] = { ALWAYS, 1, 2, 2 },      [PX_GC_ALU] = { RD_IS_SOURCE, 1, 1, 2 },
    [PX_GC_SHIFT] = { RD_IS_RS1, 1, 2, 3 },   [PX_GC_SLT] = { ALWAYS, 3, 3, 3 },
    [PX_GC_ALUW] = { RD_IS_SOURCE, 2, 2, 3 }, [PX_GC_SHIFTW] = { RD_IS_RS1, 2, 3, 4 },
    [PX_GC_MUL] = { RD_IS_SOURCE, 3, 1, 2 },  [PX_GC_MULW] = { RD_IS_SOURCE, 4, 2, 3 },
    [PX_GC_MULH] = { ALWAYS, 4, 4, 4 },       [PX_GC_MULHSU] = { ALWAYS, 6, 4, 4 },
    [PX_GC_DIV] = { ALWAYS, 60, 4, 4 },       [PX_GC_UNARY] = { ALWAYS, 1, 1, 1 },
    [PX_GC_CTZ] = { ALWAYS, 2, 1, 1 },        [PX_GC_MINMAX] = { RD_IS_SOURCE, 3, 2, 3 },
    [PX_GC_ANDN] = { ALWAYS, 2, 3, 3 },       [PX_GC_XNOR] = { RD_IS_SOURCE, 2, 2, 3 },
    [PX_GC_CZERO] = { ALWAYS, 2, 2, 2 },      [PX_GC_JAL] = { ALWAYS, 15, 1, 1 },
    [PX_GC_JALR] = { ALWAYS, 22, 1, 1 },      [PX_GC_BRANCH] = { ALWAYS, 20, 1, 1 },
    [PX_GC_STOP] = { ALWAYS, 2, 1, 1 },       [PX_GC_FENCE] = { ALWAYS, 1, 1, 1 },
    [PX_GC_CALL] = { ALWAYS, 0, 0, 0 }, /* its block has no static price */
};

static unsigned slots_of(const struct px_insn *in, const struct price *price, unsigned has)
{
    /* Without short cuts: on random code a mispredicted branch costs more than the whole sum. */
    unsigned rd_is_rs1 = (has / PX_HAS_RS1) & 1u & (in->rd == in->rs1);
    unsigned rd_is_rs2 = (has / PX_HAS_RS2) & 1u & (in->rd == in->rs2);
    unsigned holds = (price->when == ALWAYS) | rd_is_rs1 | ((price->when == RD_IS_SOURCE) & rd_is_rs2);
    return holds ? price->dec : price->dec_else;
}

/* x3 and x4 may live in memory: each position that names them adds `mem`. */
static const uint8_t lives_in_memory[PX_REG_COUNT] = { [3] = 1, [4] = 1 };

static bool is_move(const struct px_insn *in)
{
    if (in->op == PX_OP_ADDI)
        return in->imm == 0 && in->rd != 0 && in->rs1 != 0;
    return in->op == PX_OP_ADD && in->rs1 == 0 && in->rd != 0 && in->rs2 != 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t px_gas_cost(const struct px_insn *insns, size_t count, uint64_t mem)
{
    uint64_t cycle = 0, last = 0, ready[PX_REG_COUNT] = { 0 };
    unsigned slots = 0;
    for (size_t i = 0; i < count; i++) {
        const struct px_insn *in = &insns[i];
        const struct px_op_info *info = &px_ops[in->op];
        const struct price *price = &prices[info->gas];
        /* Fields that the format lacks are 0, so only register positions count. */
        unsigned times =
            (unsigned)(lives_in_memory[in->rd] + lives_in_memory[in->rs1] + lives_in_memory[in->rs2]);
        uint64_t cy = price->cy + mem * (times + (info->gas == PX_GC_MEMORY));
        unsigned full = slots >= 4; /* overshoot is not carried */
        cycle += full;
        slots = (full ? 0 : slots) + slots_of(in, price, info->regs);
        if (is_move(in)) {
            ready[in->rd] = ready[in->op == PX_OP_ADDI ? in->rs1 : in->rs2];
            continue;
        }
        uint64_t done = larger(cycle, larger(ready[in->rs1], ready[in->rs2])) + cy;
        ready[in->rd] = done;
        ready[0] = 0; /* never waits, is never written */
        last = larger(last, done);
    }
    return larger(last, 4) - 3;
}

uint64_t px_gas_reserve(const struct px_insn *insns, size_t count)
{
    uint64_t loads = 0, stores = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned effects = px_ops[insns[i].op].effects;
        loads += (effects / PX_EFF_LOAD) & 1;
        stores += (effects / PX_EFF_STORE) & 1;
    }
    return loads * 2 * PX_GAS_PAGE_IN + stores * 2 * (PX_GAS_PAGE_IN + PX_GAS_COW);
}
