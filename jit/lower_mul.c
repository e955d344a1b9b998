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

struct division {
    enum x64_size size;
    bool is_signed, remainder;
};

/*
 * Leaves the quotient in rax or the remainder in rdx; rax holds the dividend, @v the divisor. x86 faults on
 * division by zero and on INT_MIN / -1, where RISC-V has results (M, table 11); dividing by -1 is
 * negation for every dividend.
 */
static void divide(struct jit_compiler *c, struct division how, enum x64_reg v)
{
    uint32_t minus_one = 0, done_negated = 0;
    x64_test_rr(&c->e, how.size, v, v);
    uint32_t zero = x64_jcc_short(&c->e, X64_E);
    if (how.is_signed) {
        x64_alu_ri(&c->e, X64_CMP, how.size, v, -1);
        minus_one = x64_jcc_short(&c->e, X64_E);
        x64_cqo(&c->e, how.size);
        x64_unary(&c->e, X64_IDIV, how.size, v);
    } else {
        x64_mov_ri(&c->e, RDX, 0);
        x64_unary(&c->e, X64_DIV, how.size, v);
    }
    uint32_t done = x64_jmp_short(&c->e);
    if (how.is_signed) {
        x64_bind_rel8(&c->e, minus_one);
        if (how.remainder)
            x64_mov_ri(&c->e, RDX, 0);
        else
            x64_unary(&c->e, X64_NEG, how.size, RAX);
        done_negated = x64_jmp_short(&c->e);
    }
    x64_bind_rel8(&c->e, zero);
    if (how.remainder)
        x64_mov_rr(&c->e, X64_64, RDX, RAX);
    else
        x64_mov_ri(&c->e, RAX, UINT64_MAX);
    x64_bind_rel8(&c->e, done);
    if (how.is_signed)
        x64_bind_rel8(&c->e, done_negated);
}

static void lower_division(struct jit_compiler *c, struct division how)
{
    unsigned b = c->in->rs2;
    enum x64_reg v = jit_home[b];
    bool borrowed = v == X64_NO_REG;
    jit_move(c, RAX, c->in->rs1);
    if (borrowed) { /* rax and rdx are taken: borrow a guest's register */
        v = RCX;
        x64_store(&c->e, 8, jit_ctx(CTX_SPARE), RCX);
        jit_move(c, v, b);
    }
    divide(c, how, v);
    if (borrowed)
        x64_load(&c->e, X64_U64, RCX, jit_ctx(CTX_SPARE));
    enum x64_reg result = how.remainder ? RDX : RAX;
    if (how.size == X64_32)
        write_sext32(c, result);
    else
        jit_write(c, c->in->rd, result);
}

LOWER(DIV)
{
    lower_division(c, (struct division){ .size = X64_64, .is_signed = true });
}

LOWER(DIVU)
{
    lower_division(c, (struct division){ .size = X64_64 });
}

LOWER(REM)
{
    lower_division(c, (struct division){ .size = X64_64, .is_signed = true, .remainder = true });
}

LOWER(REMU)
{
    lower_division(c, (struct division){ .size = X64_64, .remainder = true });
}

LOWER(DIVW)
{
    lower_division(c, (struct division){ .size = X64_32, .is_signed = true });
}

LOWER(DIVUW)
{
    lower_division(c, (struct division){ .size = X64_32 });
}

LOWER(REMW)
{
    lower_division(c, (struct division){ .size = X64_32, .is_signed = true, .remainder = true });
}

LOWER(REMUW)
{
    lower_division(c, (struct division){ .size = X64_32, .remainder = true });
}
