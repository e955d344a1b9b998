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

/* A row of the table in ISA.md 7: latency, slots, and which sources give the second number when they are rd, x0
 * included. */
struct price {
    unsigned cy, dec[2], sources;
};

enum {
    NONE = 0,
    RS1 = PX_HAS_RS1,
    ANY = PX_HAS_RS1 | PX_HAS_RS2,
};

static const struct price prices[PX_GC_CLASS_COUNT] = {
    [PX_GC_MEMORY] = { 0, { 1, 1 }, NONE }, /* cy is mem */
    [PX_GC_UPPER] = { 1, { 2, 2 }, NONE },  [PX_GC_ALU] = { 1, { 2, 1 }, ANY },
    [PX_GC_SHIFT] = { 1, { 3, 2 }, RS1 },   [PX_GC_SLT] = { 3, { 3, 3 }, NONE },
    [PX_GC_ALUW] = { 2, { 3, 2 }, ANY },    [PX_GC_SHIFTW] = { 2, { 4, 3 }, RS1 },
    [PX_GC_MUL] = { 3, { 2, 1 }, ANY },     [PX_GC_MULW] = { 4, { 3, 2 }, ANY },
    [PX_GC_MULH] = { 4, { 4, 4 }, NONE },   [PX_GC_MULHSU] = { 6, { 4, 4 }, NONE },
    [PX_GC_DIV] = { 60, { 4, 4 }, NONE },   [PX_GC_UNARY] = { 1, { 1, 1 }, NONE },
    [PX_GC_CTZ] = { 2, { 1, 1 }, NONE },    [PX_GC_MINMAX] = { 3, { 3, 2 }, ANY },
    [PX_GC_ANDN] = { 2, { 3, 3 }, NONE },   [PX_GC_XNOR] = { 2, { 3, 2 }, ANY },
    [PX_GC_CZERO] = { 2, { 2, 2 }, NONE },  [PX_GC_JAL] = { 15, { 1, 1 }, NONE },
    [PX_GC_JALR] = { 22, { 1, 1 }, NONE },  [PX_GC_BRANCH] = { 20, { 1, 1 }, NONE },
    [PX_GC_STOP] = { 2, { 1, 1 }, NONE },   [PX_GC_FENCE] = { 1, { 1, 1 }, NONE },
    [PX_GC_CALL] = { 0, { 0, 0 }, NONE }, /* its block has no static price */
};

static unsigned slots_of(const struct px_insn *in, const struct price *price, unsigned has)
{
    /* Without a condition: on random code a mispredicted branch costs more than the whole sum. */
    unsigned rd_is = (unsigned)(in->rd == in->rs1) * PX_HAS_RS1 | (unsigned)(in->rd == in->rs2) * PX_HAS_RS2;
    return price->dec[(rd_is & has & price->sources) != 0];
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
        unsigned full = slots >= 4; /* overshoot is not carried */
        cycle += full;
        slots = (full ? 0 : slots) + slots_of(in, price, info->regs);
        if (is_move(in)) {
            ready[in->rd] = ready[in->op == PX_OP_ADDI ? in->rs1 : in->rs2];
            continue;
        }
        /* Fields that the format lacks are 0, so only register positions count. */
        unsigned times =
            (unsigned)(lives_in_memory[in->rd] + lives_in_memory[in->rs1] + lives_in_memory[in->rs2]);
        uint64_t cy = price->cy + mem * (times + (info->gas == PX_GC_MEMORY));
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
