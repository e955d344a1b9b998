/* Branches, jumps, Xjar and what is illegal. Falling through leads into the next block's head. */
#include "jit/lower.h"

static void branch(struct jit_compiler *c, enum x64_cond cond)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    if (c->in->rs2 == 0)
        x64_test_rr(&c->e, X64_64, a, a);
    else
        jit_alu(c, X64_CMP, X64_64, a, c->in->rs2);
    jit_jump_later(c, x64_jcc(&c->e, cond, 0), c->pc + (uint32_t)c->in->imm);
}

LOWER(BEQ)
{
    branch(c, X64_E);
}

LOWER(BNE)
{
    branch(c, X64_NE);
}

LOWER(BLT)
{
    branch(c, X64_L);
}

LOWER(BGE)
{
    branch(c, X64_GE);
}

LOWER(BLTU)
{
    branch(c, X64_B);
}

LOWER(BGEU)
{
    branch(c, X64_AE);
}

static void write_link(struct jit_compiler *c)
{
    unsigned rd = c->in->rd;
    uint64_t link = (uint64_t)PX_CODE_BASE + c->next; /* below 2^31: one immediate */
    if (rd == 3 || rd == 4)
        x64_store_imm(&c->e, 8, jit_ctx(CTX_REG(rd)), (int32_t)link);
    else if (rd != 0)
        x64_mov_ri(&c->e, jit_home[rd], link);
}

LOWER(JAL)
{
    write_link(c);
    jit_jump_later(c, x64_jmp(&c->e, 0), c->pc + (uint32_t)c->in->imm);
}

/*
 * A bounds check and a jump through the dense table, in which every slot that is no block start leads to
 * the panic. The target is computed before the link is written; code addresses are even, so clearing the low
 * bit and subtracting CODE_BASE commute.
 */
LOWER(JALR)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX);
    x64_lea(&c->e, X64_32, RAX, x64_at(a, (int32_t)((uint32_t)c->in->imm - PX_CODE_BASE)));
    write_link(c);
    x64_store_imm(&c->e, 4, jit_ctx(CTX_PC), (int32_t)c->pc);
    x64_alu_ri(&c->e, X64_AND, X64_32, RAX, -2);
    x64_alu_ri(&c->e, X64_CMP, X64_32, RAX, (int32_t)c->code_size);
    x64_jcc(&c->e, X64_AE, jit_stub(c, c->stubs->bad_target));
    uint32_t table = x64_lea_rip(&c->e, RDX);
    x64_patch_rel32(&c->e, table, c->table);
    x64_load(&c->e, X64_S32, RAX, (struct x64_mem){ .base = RDX, .index = RAX, .scale = 2 });
    x64_alu_rr(&c->e, X64_ADD, X64_64, RAX, RDX);
    x64_jmp_r(&c->e, RAX);
}

LOWER(ILLEGAL)
{
    jit_exit(c, c->pc, PX_EXIT_PANIC, PX_PANIC_ILLEGAL);
}

LOWER(ECALL)
{
    jit_exit(c, c->pc, PX_EXIT_PANIC, PX_PANIC_ECALL);
}

LOWER(EBREAK)
{
    jit_exit(c, c->pc, PX_EXIT_PANIC, PX_PANIC_ECALL);
}

LOWER(TRAP)
{
    jit_exit(c, c->pc, PX_EXIT_TRAP, 0);
}

LOWER(FALLTHROUGH)
{
    (void)c;
}

/* Checks and takes the 100 of a call that exits. */
static void charge_call(struct jit_compiler *c)
{
    x64_call(&c->e, jit_stub(c, c->stubs->settle));
    x64_alu_mi(&c->e, X64_CMP, X64_64, jit_ctx(CTX_GAS), (int32_t)PX_GAS_HOSTCALL);
    jit_exit_later(c, x64_jcc(&c->e, X64_B, 0), c->pc, PX_EXIT_OUT_OF_GAS, 0);
    x64_alu_mi(&c->e, X64_SUB, X64_64, jit_ctx(CTX_GAS), (int32_t)PX_GAS_HOSTCALL);
}

LOWER(ECALLI)
{
    int32_t selector = c->in->imm;
    if (selector >= PX_HOSTCALL_POW && selector <= PX_HOSTCALL_HASH) {
        x64_store_imm(&c->e, 4, jit_ctx(CTX_PC), (int32_t)c->pc);
        x64_mov_ri(&c->e, RDX, (uint64_t)selector);
        x64_call(&c->e, jit_stub(c, c->stubs->hostcall));
        return;
    }
    charge_call(c);
    x64_store_imm(&c->e, 8, jit_ctx(CTX_ARG), selector);
    jit_exit(c, c->next, PX_EXIT_HOSTCALL, 0);
}

LOWER(ECALL_JAR)
{
    charge_call(c);
    jit_exit(c, c->next, PX_EXIT_MANAGE, 0);
}
