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

/* Latency and front-end slots of one instruction. */
struct price {
    uint64_t cy;
    unsigned dec;
};

static struct price class_price(const struct px_insn *in, uint64_t mem)
{
    unsigned has = px_format_regs[px_ops[in->op].format];
    bool rd_is_rs1 = (has & PX_HAS_RS1) && in->rd == in->rs1;
    bool rd_is_source = rd_is_rs1 || ((has & PX_HAS_RS2) && in->rd == in->rs2);
    switch ((enum px_gas_class)px_ops[in->op].gas) {
    case PX_GC_MEMORY:
        return (struct price){ mem, 1 };
    case PX_GC_UPPER:
        return (struct price){ 1, 2 };
    case PX_GC_ALU:
        return (struct price){ 1, rd_is_source ? 1 : 2 };
    case PX_GC_SHIFT:
        return (struct price){ 1, rd_is_rs1 ? 2 : 3 };
    case PX_GC_SLT:
        return (struct price){ 3, 3 };
    case PX_GC_ALUW:
        return (struct price){ 2, rd_is_source ? 2 : 3 };
    case PX_GC_SHIFTW:
        return (struct price){ 2, rd_is_rs1 ? 3 : 4 };
    case PX_GC_MUL:
        return (struct price){ 3, rd_is_source ? 1 : 2 };
    case PX_GC_MULW:
        return (struct price){ 4, rd_is_source ? 2 : 3 };
    case PX_GC_MULH:
        return (struct price){ 4, 4 };
    case PX_GC_MULHSU:
        return (struct price){ 6, 4 };
    case PX_GC_DIV:
        return (struct price){ 60, 4 };
    case PX_GC_UNARY:
        return (struct price){ 1, 1 };
    case PX_GC_CTZ:
        return (struct price){ 2, 1 };
    case PX_GC_MINMAX:
        return (struct price){ 3, rd_is_source ? 2 : 3 };
    case PX_GC_ANDN:
        return (struct price){ 2, 3 };
    case PX_GC_XNOR:
        return (struct price){ 2, rd_is_source ? 2 : 3 };
    case PX_GC_CZERO:
        return (struct price){ 2, 2 };
    case PX_GC_JAL:
        return (struct price){ 15, 1 };
    case PX_GC_JALR:
        return (struct price){ 22, 1 };
    case PX_GC_BRANCH:
        return (struct price){ 20, 1 };
    case PX_GC_STOP:
        return (struct price){ 2, 1 };
    case PX_GC_FENCE:
        return (struct price){ 1, 1 };
    case PX_GC_CALL: /* its block has no static price */
    case PX_GC_CLASS_COUNT:
        break;
    }
    return (struct price){ 0, 0 };
}

static bool lives_in_memory(unsigned x)
{
    return x == 3 || x == 4;
}

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
        unsigned has = px_format_regs[px_ops[in->op].format];
        struct price price = class_price(in, mem);
        price.cy += (has & PX_HAS_RD) && lives_in_memory(in->rd) ? mem : 0;
        price.cy += (has & PX_HAS_RS1) && lives_in_memory(in->rs1) ? mem : 0;
        price.cy += (has & PX_HAS_RS2) && lives_in_memory(in->rs2) ? mem : 0;

        if (slots >= 4) {
            cycle += 1;
            slots = price.dec;
        } else {
            slots += price.dec;
        }
        if (is_move(in)) {
            ready[in->rd] = ready[in->op == PX_OP_ADDI ? in->rs1 : in->rs2];
            continue;
        }
        /* Fields that the format lacks are 0, and x0 is always ready. */
        uint64_t done = larger(cycle, larger(ready[in->rs1], ready[in->rs2])) + price.cy;
        if (in->rd != 0)
            ready[in->rd] = done;
        last = larger(last, done);
    }
    return larger(last, 4) - 3;
}

uint64_t px_gas_reserve(const struct px_insn *insns, size_t count)
{
    uint64_t reserve = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned effects = px_ops[insns[i].op].effects;
        if (effects & PX_EFF_LOAD)
            reserve += 2 * PX_GAS_PAGE_IN;
        if (effects & PX_EFF_STORE)
            reserve += 2 * (PX_GAS_PAGE_IN + PX_GAS_COW);
    }
    return reserve;
}
