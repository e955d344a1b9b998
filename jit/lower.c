#include "jit/lower.h"

static jit_lower_fn *const lower_table[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = lower_ILLEGAL,
#define PX_OP(name, ...) [PX_OP_##name] = lower_##name,
#include "vm/isa.def"
};

static bool only_writes_x0(const struct px_insn *in)
{
    const struct px_op_info *info = &px_ops[in->op];
    return in->rd == 0 && info->effects == PX_EFF_NONE && (info->regs & PX_HAS_RD);
}

void jit_lower(struct jit_compiler *c)
{
    if (!only_writes_x0(c->in))
        lower_table[c->in->op](c);
}
