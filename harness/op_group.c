#include "harness/op_group.h"

#include <stddef.h>

const struct op_group op_group_loads = {
    "load", 7, { PX_OP_LB, PX_OP_LH, PX_OP_LW, PX_OP_LD, PX_OP_LBU, PX_OP_LHU, PX_OP_LWU }
};
const struct op_group op_group_stores = { "store", 4, { PX_OP_SB, PX_OP_SH, PX_OP_SW, PX_OP_SD } };
const struct op_group op_group_branches = {
    "branch", 6, { PX_OP_BEQ, PX_OP_BNE, PX_OP_BLT, PX_OP_BGE, PX_OP_BLTU, PX_OP_BGEU }
};

static const struct op_group arithmetic[] = {
    { "addition", 6, { PX_OP_ADD, PX_OP_SUB, PX_OP_ADDW, PX_OP_SUBW, PX_OP_ADDI, PX_OP_ADDIW } },
    { "logic", 6, { PX_OP_AND, PX_OP_OR, PX_OP_XOR, PX_OP_ANDN, PX_OP_ORN, PX_OP_XNOR } },
    { "logic-imm", 3, { PX_OP_ANDI, PX_OP_ORI, PX_OP_XORI } },
    { "comparison", 4, { PX_OP_SLT, PX_OP_SLTU, PX_OP_SLTI, PX_OP_SLTIU } },
    { "shift", 6, { PX_OP_SLL, PX_OP_SRL, PX_OP_SRA, PX_OP_SLLW, PX_OP_SRLW, PX_OP_SRAW } },
    { "shift-imm", 6, { PX_OP_SLLI, PX_OP_SRLI, PX_OP_SRAI, PX_OP_SLLIW, PX_OP_SRLIW, PX_OP_SRAIW } },
    { "rotation", 4, { PX_OP_ROL, PX_OP_ROR, PX_OP_ROLW, PX_OP_RORW } },
    { "rotation-imm", 2, { PX_OP_RORI, PX_OP_RORIW } },
    { "bit", 4, { PX_OP_BCLR, PX_OP_BINV, PX_OP_BSET, PX_OP_BEXT } },
    { "bit-imm", 4, { PX_OP_BCLRI, PX_OP_BINVI, PX_OP_BSETI, PX_OP_BEXTI } },
    { "product", 2, { PX_OP_MUL, PX_OP_MULW } },
    { "product-high", 3, { PX_OP_MULH, PX_OP_MULHU, PX_OP_MULHSU } },
    { "division",
      8,
      { PX_OP_DIV, PX_OP_DIVU, PX_OP_REM, PX_OP_REMU, PX_OP_DIVW, PX_OP_DIVUW, PX_OP_REMW, PX_OP_REMUW } },
    { "shift-add",
      7,
      { PX_OP_SH1ADD, PX_OP_SH2ADD, PX_OP_SH3ADD, PX_OP_ADD_UW, PX_OP_SH1ADD_UW, PX_OP_SH2ADD_UW,
        PX_OP_SH3ADD_UW } },
    { "leading-zeros", 2, { PX_OP_CLZ, PX_OP_CLZW } },
    { "trailing-zeros", 2, { PX_OP_CTZ, PX_OP_CTZW } },
    { "ones", 2, { PX_OP_CPOP, PX_OP_CPOPW } },
    { "extreme", 4, { PX_OP_MIN, PX_OP_MINU, PX_OP_MAX, PX_OP_MAXU } },
    { "conditional", 2, { PX_OP_CZERO_EQZ, PX_OP_CZERO_NEZ } },
    { "upper", 2, { PX_OP_LUI, PX_OP_AUIPC } },
    { "extension", 5, { PX_OP_SEXT_B, PX_OP_SEXT_H, PX_OP_ZEXT_H, PX_OP_REV8, PX_OP_ORC_B } },
};

static bool has(const struct op_group *group, enum px_op op)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->ops[i] == op)
            return true;
    return false;
}

const struct op_group *op_group_of(enum px_op op)
{
    const struct op_group *others[] = { &op_group_loads, &op_group_stores, &op_group_branches };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (has(others[i], op))
            return others[i];
    for (size_t i = 0; i < sizeof arithmetic / sizeof arithmetic[0]; i++)
        if (has(&arithmetic[i], op))
            return &arithmetic[i];
    return NULL;
}
