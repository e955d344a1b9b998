/* What C cannot say. No global or thread pointer: the guest owns x1..x15. The rest is the runner's alone. */
#include "harness/oracle/runner/offsets.h"

    .text
    .globl _start
_start:
    mv a0, sp           /* in what qemu mapped */
    la sp, stack_end
    call runner_main
    j resume

    /* Where the guest's code goes in place of an instruction: `jalr x31, 0(x30)`, four bytes. */
    .globl runner_trap
runner_trap:
    la x29, runner
    sd x1, RUNNER_X + 8(x29)
    sd x2, RUNNER_X + 16(x29)
    sd x3, RUNNER_X + 24(x29)
    sd x4, RUNNER_X + 32(x29)
    sd x5, RUNNER_X + 40(x29)
    sd x6, RUNNER_X + 48(x29)
    sd x7, RUNNER_X + 56(x29)
    sd x8, RUNNER_X + 64(x29)
    sd x9, RUNNER_X + 72(x29)
    sd x10, RUNNER_X + 80(x29)
    sd x11, RUNNER_X + 88(x29)
    sd x12, RUNNER_X + 96(x29)
    sd x13, RUNNER_X + 104(x29)
    sd x14, RUNNER_X + 112(x29)
    sd x15, RUNNER_X + 120(x29)
    addi a0, x31, -4
    la sp, stack_end
    call runner_on_trap
resume:
    la x29, runner
    la x30, runner_trap
    ld x31, RUNNER_RESUME(x29)
    ld x1, RUNNER_X + 8(x29)
    ld x2, RUNNER_X + 16(x29)
    ld x3, RUNNER_X + 24(x29)
    ld x4, RUNNER_X + 32(x29)
    ld x5, RUNNER_X + 40(x29)
    ld x6, RUNNER_X + 48(x29)
    ld x7, RUNNER_X + 56(x29)
    ld x8, RUNNER_X + 64(x29)
    ld x9, RUNNER_X + 72(x29)
    ld x10, RUNNER_X + 80(x29)
    ld x11, RUNNER_X + 88(x29)
    ld x12, RUNNER_X + 96(x29)
    ld x13, RUNNER_X + 104(x29)
    ld x14, RUNNER_X + 112(x29)
    ld x15, RUNNER_X + 120(x29)
    jr x31

    /* A handler that needs no code of qemu's to return: all registers are in the frame. */
    .globl runner_signal
runner_signal:
    mv s0, sp
    call runner_on_signal
    mv sp, s0
    li a7, 139          /* rt_sigreturn */
    ecall

    .globl runner_call
runner_call:            /* (number, six arguments) */
    mv a7, a0
    mv a0, a1
    mv a1, a2
    mv a2, a3
    mv a3, a4
    mv a4, a5
    mv a5, a6
    ecall
    ret

    .bss
    .balign 16
stack:
    .zero 16384
stack_end:
