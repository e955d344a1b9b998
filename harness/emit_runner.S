
/*
 * The runner: maps, runs, tells. It stands above 4 GiB, out of the program's way, and owns x16 to x31, which the program
 * does not have. Every end of the program is a signal: ecalli and the like are illegal instructions to this machine.
 */
    .equ CODE_BASE, 0x400000
    .equ SYS_write, 64
    .equ SYS_exit_group, 94
    .equ SYS_setitimer, 103
    .equ SYS_sigaltstack, 132
    .equ SYS_rt_sigaction, 134
    .equ SYS_rt_sigreturn, 139
    .equ SYS_mmap, 222
    .equ SYS_mprotect, 226
    .equ SIGILL, 4
    .equ SIGBUS, 7
    .equ SIGSEGV, 11
    .equ SIGALRM, 14
    .equ PROT_READ_WRITE, 3
    .equ PROT_READ_EXEC, 5
    .equ MAP_FLAGS, 0x4032              /* private, fixed, anonymous, no reserve */
    .equ UCONTEXT_PC, 176               /* then x1 to x31 */
    .equ STACK_SIZE, 0x10000
    .equ SECONDS, 10

    .text
    .globl _start
_start:
    lla t0, _start
    srli t0, t0, 32
    lla a0, low_text
    beqz t0, start_failed

    /* Code: its illegal instructions become such that are illegal on every machine. */
    li a0, CODE_BASE
    li a1, CODE_PAGES
    beqz a1, code_mapped
    lla a2, code
    li a3, CODE_SIZE
    li a4, PROT_READ_WRITE
    jal map
    li t0, CODE_BASE
    lla t1, illegal
1:  lwu t2, 0(t1)
    li t3, 0xffffffff
    beq t2, t3, 2f
    add t2, t0, t2
    sb zero, 0(t2)
    sb zero, 1(t2)
    addi t1, t1, 4
    j 1b
2:  li a0, CODE_BASE
    li a1, CODE_PAGES
    li a2, PROT_READ_EXEC
    li a7, SYS_mprotect
    ecall
    bnez a0, map_failed
code_mapped:

    lla s6, mappings
1:  ld a0, 0(s6)
    beqz a0, 2f
    ld a1, 8(s6)
    ld a2, 16(s6)
    lla t0, mappings
    add a2, a2, t0
    ld a3, 24(s6)
    ld a4, 32(s6)
    jal map
    addi s6, s6, 40
    j 1b
2:

    lla a0, stack_description
    lla t0, stack
    sd t0, 0(a0)
    li a1, 0
    li a7, SYS_sigaltstack
    ecall
    lla s6, action
    lla t0, on_signal
    sd t0, 0(s6)
    li a0, SIGILL
    jal catch
    li a0, SIGBUS
    jal catch
    li a0, SIGSEGV
    jal catch
    li a0, SIGALRM
    jal catch
    li a0, 0
    lla a1, timer
    li a2, 0
    li a7, SYS_setitimer
    ecall

    lla s1, state
    lla s8, output
    li t0, ENTRY_GOOD
    beqz t0, bad_entry
    li x17, SYS_exit_group              /* should the program find a system call after all */
    mv x31, s1
    ld x30, 0(x31)
    ld x1, 8(x31)
    ld x2, 16(x31)
    ld x3, 24(x31)
    ld x4, 32(x31)
    ld x5, 40(x31)
    ld x6, 48(x31)
    ld x7, 56(x31)
    ld x8, 64(x31)
    ld x9, 72(x31)
    ld x10, 80(x31)
    ld x11, 88(x31)
    ld x12, 96(x31)
    ld x13, 104(x31)
    ld x14, 112(x31)
    ld x15, 120(x31)
    .4byte 0x0000100f                   /* fence.i */
    jr x30

/* Maps a1 bytes at a0, copies the a3 bytes at a2 there, then protects them as a4 says. */
map:
    mv s1, a0
    mv s2, a1
    mv s3, a2
    mv s4, a3
    mv s5, a4
    li a2, PROT_READ_WRITE
    li a3, MAP_FLAGS
    li a4, -1
    li a5, 0
    li a7, SYS_mmap
    ecall
    bne a0, s1, map_failed
    add t0, s1, s4
    mv t1, s1
1:  beq t1, t0, 2f
    lbu t2, 0(s3)
    sb t2, 0(t1)
    addi s3, s3, 1
    addi t1, t1, 1
    j 1b
2:  li t0, PROT_READ_WRITE
    beq s5, t0, 3f
    mv a0, s1
    mv a1, s2
    mv a2, s5
    li a7, SYS_mprotect
    ecall
    bnez a0, map_failed
3:  ret

catch:
    mv a1, s6
    li a2, 0
    li a3, 8
    li a7, SYS_rt_sigaction
    ecall
    ret

map_failed:
    lla a0, map_text
start_failed:
    mv s8, a0
    jal length
    mv a2, a0
    mv a1, s8
    li a0, 2
    li a7, SYS_write
    ecall
    li a0, 2
    li a7, SYS_exit_group
    ecall

/* s1: pc and registers, s2: pc, s3: its offset, s4: the signal, s6: the instruction, s8: end of output. */
on_signal:
    mv s4, a0
    addi s1, a2, UCONTEXT_PC
    lla s8, output
    ld s2, 0(s1)
    li t0, CODE_BASE
    sub s3, s2, t0
    li t0, SIGALRM
    lla a0, time_text
    beq s4, t0, beyond
    li t0, CODE_SIZE
    beq s3, t0, end_of_code
    lla a0, target_text
    bgeu s3, t0, beyond
    li t0, SIGILL
    bne s4, t0, memory

    lla t0, code
    add t0, t0, s3
    lhu s6, 0(t0)
    lhu t1, 2(t0)
    slli t1, t1, 16
    or s6, s6, t1
    lhu t0, 0(s2)
    beqz t0, panic
    andi t0, s6, 0x7f
    li t1, 0x0b
    bne t0, t1, not_custom
    srli t0, s6, 12
    andi t0, t0, 7
    lla a0, trap_text
    beqz t0, tell_exit
    li t1, 2
    beq t0, t1, host_call
    bgtu t0, t1, resume_next            /* fallthrough */
    addi s2, s2, 4
    lla a0, manage_text
    j tell_exit

not_custom:
    li t0, 0xfe00507f
    and t0, s6, t0
    li t1, 0x0e005033
    lla a0, instruction_text
    bne t0, t1, beyond
    srli t0, s6, 12                     /* czero.eqz, czero.nez */
    andi t0, t0, 2
    snez t0, t0
    srli a0, s6, 20
    jal read_register
    snez a0, a0
    xor t3, a0, t0                      /* 0: the result is 0 */
    neg t3, t3
    srli a0, s6, 15
    jal read_register
    and a0, a0, t3
    srli t1, s6, 7
    andi t1, t1, 31
    beqz t1, resume_next
    slli t1, t1, 3
    add t1, t1, s1
    sd a0, 0(t1)
resume_next:
    addi s2, s2, 4
resume_at:
    sd s2, 0(s1)
    li a7, SYS_rt_sigreturn
    ecall

/* The register that the low five bits of a0 name. */
read_register:
    andi a0, a0, 31
    beqz a0, 1f
    slli a0, a0, 3
    add a0, a0, s1
    ld a0, 0(a0)
1:  ret

host_call:
    addi s2, s2, 4
    srli s7, s6, 15
    slli t0, s6, 54
    srli t0, t0, 61
    slli t0, t0, 17
    or s7, s7, t0
    slli s7, s7, 44
    srai s7, s7, 44
    addi t0, s7, -1
    li t1, 3
    lla a0, host_call_text
    bltu t0, t1, beyond
    lla a0, hostcall_text
    jal put_text
    mv a0, s7
    jal put_decimal
    j tell_pc

panic:
    lla a0, ecall_text
    li t0, 0x00000073
    beq s6, t0, tell_exit
    li t0, 0x00100073
    beq s6, t0, tell_exit
    slli t0, s6, 48
    srli t0, t0, 48
    li t1, 0x9002
    beq t0, t1, tell_exit
    lla a0, illegal_text
    j tell_exit

bad_entry:
    ld s2, 0(s1)
    lla a0, entry_text
    j tell_exit

end_of_code:
    lla a0, end_text
    j tell_exit

/*
 * Does the access again by hand: what the program may not reach is its fault, and what it may has been reached by an
 * alias of its address. s4: a store, s5: bytes, s7: the address below 2^32, s9: rd or rs2, s10: kind, s11: length.
 */
memory:
    lla t0, accesses
    lla a0, target_text
1:  lwu t1, 0(t0)
    li t2, 0xffffffff
    beq t1, t2, beyond
    beq t1, s3, 2f
    addi t0, t0, 12
    j 1b
2:  lh s7, 4(t0)
    lbu a0, 6(t0)
    lbu s9, 7(t0)
    lbu s10, 8(t0)
    lbu s11, 9(t0)
    jal read_register
    add s7, a0, s7
    slli s7, s7, 32
    srli s7, s7, 32
    andi t0, s10, 3
    li s5, 1
    sll s5, s5, t0
    srli s4, s10, 3
    andi s4, s4, 1
    mv a0, s7
    jal reach
    beqz a0, page_fault
    addi t0, s5, -1
    add s6, s7, t0
    slli s6, s6, 32
    srli s6, s6, 32
    mv a0, s6
    jal reach
    bnez a0, 3f
    mv s7, s6
    j page_fault

3:  bnez s4, alias_store
    li t3, 0
    mv t4, s5
4:  addi t4, t4, -1
    add t0, s7, t4
    slli t0, t0, 32
    srli t0, t0, 32
    lbu t1, 0(t0)
    slli t3, t3, 8
    or t3, t3, t1
    bnez t4, 4b
    li t0, 8
    sub t0, t0, s5
    slli t0, t0, 3
    sll t3, t3, t0
    andi t1, s10, 16
    bnez t1, 5f
    sra t3, t3, t0
    j 6f
5:  srl t3, t3, t0
6:  beqz s9, resume
    slli t0, s9, 3
    add t0, t0, s1
    sd t3, 0(t0)
    j resume
alias_store:
    mv a0, s9
    jal read_register
    li t4, 0
7:  add t0, s7, t4
    slli t0, t0, 32
    srli t0, t0, 32
    sb a0, 0(t0)
    srli a0, a0, 8
    addi t4, t4, 1
    bne t4, s5, 7b
resume:
    add s2, s2, s11
    j resume_at

/* Whether the program may load from (s4: store to) the address a0. */
reach:
    li t0, CODE_BASE
    sub t1, a0, t0
    li t0, CODE_PAGES
    bgeu t1, t0, 1f
    xori a0, s4, 1
    ret
1:  lla t0, mappings
2:  ld t1, 0(t0)
    beqz t1, 4f
    sub t2, a0, t1
    ld t3, 8(t0)
    bltu t2, t3, 3f
    addi t0, t0, 40
    j 2b
3:  ld t1, 32(t0)
    srli t1, t1, 1
    xori a0, s4, 1
    or a0, a0, t1
    ret
4:  li a0, 0
    ret

page_fault:
    srli s7, s7, 12
    slli s7, s7, 12
    lla a0, fault_text
    jal put_text
    mv a0, s7
    jal put_hex
    j tell_pc

/* --- output --- */

/* a0: why parallax would go on, or end elsewhere. */
beyond:
    mv s7, a0
    lla a0, beyond_text
    jal put_text
    mv a0, s7
    jal put_text
    li s7, 1
    j tell_state
tell_exit:
    jal put_text
tell_pc:
    li s7, 0
tell_state:
    lla a0, pc_text
    jal put_text
    li t0, CODE_BASE
    sub a0, s2, t0
    slli a0, a0, 32
    srli a0, a0, 32
    jal put_decimal
    li s9, 1
1:  lla a0, x_text
    jal put_text
    mv a0, s9
    jal put_decimal
    lla a0, equals_text
    jal put_text
    mv a0, s9
    jal read_register
    jal put_hex
    addi s9, s9, 1
    li t0, 16
    bne s9, t0, 1b
    li t0, 10
    sb t0, 0(s8)
    addi s8, s8, 1
    lla a1, output
    sub a2, s8, a1
    li a0, 1
    li a7, SYS_write
    ecall
    mv a0, s7
    li a7, SYS_exit_group
    ecall

put_text:
    lbu t0, 0(a0)
    beqz t0, 1f
    sb t0, 0(s8)
    addi a0, a0, 1
    addi s8, s8, 1
    j put_text
1:  ret

/* Signed, in decimal. */
put_decimal:
    bgez a0, 1f
    neg a0, a0
    li t0, '-'
    sb t0, 0(s8)
    addi s8, s8, 1
1:  li t0, 10
    j put_digits

put_hex:
    li t0, '0'
    sb t0, 0(s8)
    li t0, 'x'
    sb t0, 1(s8)
    addi s8, s8, 2
    li t0, 16

/* a0, unsigned, to the base t0. */
put_digits:
    lla t1, digits_end
1:  remu t2, a0, t0
    divu a0, a0, t0
    li t3, 10
    bltu t2, t3, 2f
    addi t2, t2, 'a' - '0' - 10
2:  addi t2, t2, '0'
    addi t1, t1, -1
    sb t2, 0(t1)
    bnez a0, 1b
    lla t0, digits_end
3:  lbu t2, 0(t1)
    sb t2, 0(s8)
    addi t1, t1, 1
    addi s8, s8, 1
    bne t1, t0, 3b
    ret

/* The length of the text at a0. */
length:
    mv t0, a0
1:  lbu t1, 0(t0)
    addi t0, t0, 1
    bnez t1, 1b
    sub a0, t0, a0
    addi a0, a0, -1
    ret

    .section .rodata
low_text:         .asciz "repro: it stands below 4 GiB, in the program's memory: link it with -Ttext-segment=0x2d71300000\n"
map_text:         .asciz "repro: the program's memory cannot be mapped\n"
hostcall_text:    .asciz "exit=hostcall:"
manage_text:      .asciz "exit=manage"
trap_text:        .asciz "exit=trap"
illegal_text:     .asciz "exit=panic:illegal"
ecall_text:       .asciz "exit=panic:ecall"
entry_text:       .asciz "exit=panic:bad-entry"
end_text:         .asciz "exit=panic:end-of-code"
fault_text:       .asciz "exit=page_fault:"
beyond_text:      .asciz "exit=not-represented\nbecause="
time_text:        .asciz "time is up, and gas is not counted"
target_text:      .asciz "a jump led to where no instruction is"
host_call_text:   .asciz "a host call that continues"
instruction_text: .asciz "an instruction that this machine does not have"
pc_text:          .asciz "\npc="
x_text:           .asciz "\nx"
equals_text:      .asciz "="

    .data
    .balign 8
action:                                 /* handler, SA_SIGINFO | SA_ONSTACK, all signals wait */
    .8byte 0, 0x08000004, -1
stack_description:
    .8byte 0, 0, STACK_SIZE
timer:
    .8byte 0, 0, SECONDS, 0

    .bss
    .balign 16
stack:
    .skip STACK_SIZE
output:
    .skip 1024
digits:
    .skip 24
digits_end:
    .section .note.GNU-stack, "", @progbits
