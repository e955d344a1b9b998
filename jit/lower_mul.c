/* M: multiplication and division. */
#include "jit/lower.h"

static enum x64_reg product(struct jit_compiler *c, enum x64_size size)
{
    enum x64_reg a = jit_read(c, c->in->rs1, RAX), b = jit_read(c, c->in->rs2, RDX);
    enum x64_reg d = jit_target(c->in->rd, RAX);
    if (d == b) {
        x64_imul_rr(&c->e, size, d, a);
    } else {
        if (d != a)
            x64_mov_rr(&c->e, X64_64, d, a);
        x64_imul_rr(&c->e, size, d, b);
    }
    return d;
}

LOWER(MUL)
{
    jit_write(c, c->in->rd, product(c, X64_64));
}

LOWER(MULW)
{
    write_sext32(c, product(c, X64_32));
}

/* rdx = the high half of rs1 * rs2. */
static void high_product(struct jit_compiler *c, enum x64_unary op)
{
    enum x64_reg b = jit_read(c, c->in->rs2, RDX);
    jit_move(c, RAX, c->in->rs1);
    x64_unary(&c->e, op, X64_64, b);
}

LOWER(MULH)
{
    high_product(c, X64_IMUL);
    jit_write(c, c->in->rd, RDX);
}

LOWER(MULHU)
{
    high_product(c, X64_MUL);
    jit_write(c, c->in->rd, RDX);
}

/* A negative rs1, read as unsigned, is 2^64 too large: the high half then has rs2 too much. */
LOWER(MULHSU)
{
    high_product(c, X64_MUL);
    jit_move(c, RAX, c->in->rs1);
    x64_shift_ri(&c->e, X64_SAR, X64_64, RAX, 63);
    jit_alu(c, X64_AND, X64_64, RAX, c->in->rs2);
    x64_alu_rr(&c->e, X64_SUB, X64_64, RDX, RAX);
    jit_write(c, c->in->rd, RDX);
}

/* A shared stub divides: most of it is for what x86 faults on. */
static void divide(struct jit_compiler *c, unsigned how)
{
    jit_move(c, RAX, c->in->rs1);
    jit_move(c, RDX, c->in->rs2);
    x64_call(&c->e, jit_stub(c, c->stubs->divide[how]));
}

static void lower_division(struct jit_compiler *c, unsigned how)
{
    divide(c, how);
    jit_write(c, c->in->rd, RAX);
}

static void lower_division_w(struct jit_compiler *c, unsigned how)
{
    divide(c, how | JIT_DIV_32);
    write_sext32(c, RAX);
}

LOWER(DIV)
{
    lower_division(c, JIT_DIV_SIGNED);
}

LOWER(DIVU)
{
    lower_division(c, 0);
}

LOWER(REM)
{
    lower_division(c, JIT_DIV_SIGNED | JIT_DIV_REMAINDER);
}

LOWER(REMU)
{
    lower_division(c, JIT_DIV_REMAINDER);
}

LOWER(DIVW)
{
    lower_division_w(c, JIT_DIV_SIGNED);
}

LOWER(DIVUW)
{
    lower_division_w(c, 0);
}

LOWER(REMW)
{
    lower_division_w(c, JIT_DIV_SIGNED | JIT_DIV_REMAINDER);
}

LOWER(REMUW)
{
    lower_division_w(c, JIT_DIV_REMAINDER);
}
