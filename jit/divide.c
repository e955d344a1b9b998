/* Division out of line. */
#include "jit/divide.h"

#include "jit/context.h"

/*
 * Leaves the quotient in rax or the remainder in rdx; rax holds the dividend, rcx the divisor. x86 faults on
 * division by zero and on INT_MIN / -1, where RISC-V has results (M, table 11); dividing by -1 is
 * negation for every dividend.
 */
static void emit_cases(struct x64 *e, unsigned how)
{
    enum x64_size size = how & JIT_DIV_32 ? X64_32 : X64_64;
    bool is_signed = how & JIT_DIV_SIGNED, remainder = how & JIT_DIV_REMAINDER;
    uint32_t minus_one = 0, done_negated = 0;
    x64_test_rr(e, size, RCX, RCX);
    uint32_t zero = x64_jcc_short(e, X64_E);
    if (is_signed) {
        x64_alu_ri(e, X64_CMP, size, RCX, -1);
        minus_one = x64_jcc_short(e, X64_E);
        x64_cqo(e, size);
        x64_unary(e, X64_IDIV, size, RCX);
    } else {
        x64_mov_ri(e, RDX, 0);
        x64_unary(e, X64_DIV, size, RCX);
    }
    uint32_t done = x64_jmp_short(e);
    if (is_signed) {
        x64_bind_rel8(e, minus_one);
        if (remainder)
            x64_mov_ri(e, RDX, 0);
        else
            x64_unary(e, X64_NEG, size, RAX);
        done_negated = x64_jmp_short(e);
    }
    x64_bind_rel8(e, zero);
    if (remainder)
        x64_mov_rr(e, X64_64, RDX, RAX);
    else
        x64_mov_ri(e, RAX, UINT64_MAX);
    x64_bind_rel8(e, done);
    if (is_signed)
        x64_bind_rel8(e, done_negated);
}

uint32_t jit_emit_divide(struct x64 *e, unsigned how)
{
    struct x64_mem spare = x64_at(RSP, CTX_SPARE + 8); /* the return address lies below the context */
    x64_align(e, 16);
    uint32_t start = x64_offset(e);
    x64_store(e, 8, spare, RCX);
    x64_mov_rr(e, X64_64, RCX, RDX);
    emit_cases(e, how);
    if (how & JIT_DIV_REMAINDER)
        x64_mov_rr(e, X64_64, RAX, RDX);
    x64_load(e, X64_U64, RCX, spare);
    x64_ret(e);
    return start;
}
