/* The stubs that divide, one for each kind of division. */
#ifndef PX_JIT_DIVIDE_H
#define PX_JIT_DIVIDE_H

#include "jit/x64.h"

/* Bits of a kind; without them it is the 64-bit unsigned quotient. */
enum jit_division {
    JIT_DIV_SIGNED = 1,
    JIT_DIV_REMAINDER = 2,
    JIT_DIV_32 = 4,
    JIT_DIVISIONS = 8,
};

/*
 * Emits the stub for @how and returns its offset: called with the dividend in rax and the divisor in rdx, it returns
 * rax as RISC-V has it and changes rdx and the flags only. JIT_DIV_32: the upper half of rax is undefined.
 */
uint32_t jit_emit_divide(struct x64 *e, unsigned how);

#endif
