#define _GNU_SOURCE
#include "jit/runtime.h"

#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_GUARD = 64 << 10 };

enum px_status jit_stack_init(struct jit_stack *stack, struct px_error *err)
{
    uint8_t *at =
        mmap(NULL, JIT_STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (at == MAP_FAILED)
        return px_fail(err, PX_ERR_SYSTEM, "stack for generated code: %s", strerror(errno));
    if (mprotect(at, STACK_GUARD, PROT_NONE) != 0) {
        px_fail(err, PX_ERR_SYSTEM, "guard of the stack for generated code: %s", strerror(errno));
        munmap(at, JIT_STACK_BYTES);
        return PX_ERR_SYSTEM;
    }
    size_t room = (sizeof(struct jit_context) + 63) & ~(size_t)63;
    *stack = (struct jit_stack){ .mapping = at,
                                 .context = (struct jit_context *)(void *)(at + JIT_STACK_BYTES - room) };
    return PX_OK;
}

void jit_stack_fini(struct jit_stack *stack)
{
    if (stack->mapping)
        munmap(stack->mapping, JIT_STACK_BYTES);
    *stack = (struct jit_stack){ 0 };
}

/* Called by the touch stubs when a page state refuses: 0 when the access is granted after all. @how is the width, plus 256
 * for a store. */
static int touch_slow(struct jit_context *context, uint32_t address, uint32_t how)
{
    return !jit_touch(context, address, how & 0xff, how >> 8);
}

static const uint8_t callee_saved[] = { RBX, RBP, R12, R13, R14, R15 };

/* Guests in registers that a C function may change. */
static bool lost_in_calls(unsigned guest)
{
    return jit_home[guest] != X64_NO_REG &&
           memchr(callee_saved, jit_home[guest], sizeof callee_saved) == NULL;
}

static bool in_register(unsigned guest)
{
    return jit_home[guest] != X64_NO_REG;
}

/* @below: how far rsp is under the context. */
static void save(struct x64 *e, bool (*which)(unsigned), int32_t below)
{
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if (which(x))
            x64_store(e, 8, jit_ctx(CTX_REG(x) + below), jit_home[x]);
}

static void restore(struct x64 *e, bool (*which)(unsigned), int32_t below)
{
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if (which(x))
            x64_load(e, X64_U64, jit_home[x], jit_ctx(CTX_REG(x) + below));
}

/* rdi = context, then calls @function; rsp is 8 under the context, which is 16-aligned. */
static void call_c(struct x64 *e, uint64_t function)
{
    x64_lea(e, X64_64, RDI, jit_ctx(8));
    x64_mov_ri(e, RAX, function);
    x64_alu_ri(e, X64_SUB, X64_64, RSP, 8);
    x64_call_r(e, RAX);
    x64_alu_ri(e, X64_ADD, X64_64, RSP, 8);
    x64_test_rr(e, X64_32, RAX, RAX);
}

static void emit_enter(struct x64 *e)
{
    for (size_t i = 0; i < sizeof callee_saved; i++)
        x64_push(e, callee_saved[i]);
    x64_store(e, 8, x64_at(RDI, CTX_HOST_RSP), RSP);
    x64_mov_rr(e, X64_64, RSP, RDI);
    x64_mov_rr(e, X64_64, RAX, RSI);
    restore(e, in_register, 0);
    x64_jmp_r(e, RAX);
}

/* Returns where to jump when the guests are in the context already. */
static uint32_t emit_leave(struct x64 *e)
{
    save(e, in_register, 0);
    uint32_t saved = x64_offset(e);
    x64_load(e, X64_U64, RSP, jit_ctx(CTX_HOST_RSP));
    for (size_t i = sizeof callee_saved; i-- > 0;)
        x64_pop(e, callee_saved[i]);
    x64_ret(e);
    return saved;
}

static void emit_hostcall(struct x64 *e, uint32_t leave_saved)
{
    save(e, in_register, 8);
    x64_mov_rr(e, X64_32, RSI, RDX);
    call_c(e, (uint64_t)(uintptr_t)jit_hostcall);
    uint32_t go_on = x64_jcc_short(e, X64_NE);
    x64_pop(e, RDX);
    x64_jmp(e, leave_saved);
    x64_bind_rel8(e, go_on);
    restore(e, in_register, 8);
    x64_ret(e);
}

/* Back to the code that called, or, as the flags have it, on: with rdx where that code is. */
static void emit_return_unless(struct x64 *e, enum x64_cond on)
{
    uint32_t stays = x64_jcc_short(e, on);
    x64_ret(e);
    x64_bind_rel8(e, stays);
    x64_pop(e, RDX);
}

/* edx = number of the gate. */
static void emit_gate(struct x64 *e, uint32_t leave)
{
    save(e, lost_in_calls, 8);
    x64_mov_rr(e, X64_32, RSI, RDX);
    call_c(e, (uint64_t)(uintptr_t)jit_gate);
    restore(e, lost_in_calls, 8); /* moves leave the flags */
    emit_return_unless(e, X64_E);
    x64_jmp(e, leave);
}

/* The lease goes back to the gas; the count stays where it is. */
static void emit_settle(struct x64 *e)
{
    x64_load(e, X64_U64, RAX, jit_ctx(CTX_METER + 8));
    x64_mov_rr(e, X64_64, RDX, RAX);
    x64_shift_ri(e, X64_SHR, X64_64, RDX, JIT_METER_BITS);
    x64_alu_mr(e, X64_ADD, X64_64, jit_ctx(CTX_GAS + 8), RDX);
    x64_alu_ri(e, X64_AND, X64_32, RAX, JIT_METER_COUNT);
    x64_store(e, 8, jit_ctx(CTX_METER + 8), RAX);
    x64_ret(e);
}

/* eax = address, edx = how. Keeps eax. */
static void emit_touch_slow(struct x64 *e, uint32_t leave)
{
    save(e, lost_in_calls, 8);
    x64_store(e, 8, jit_ctx(CTX_SPARE + 8), RAX);
    x64_mov_rr(e, X64_32, RSI, RAX);
    call_c(e, (uint64_t)(uintptr_t)touch_slow);
    restore(e, lost_in_calls, 8); /* moves leave the flags */
    x64_load(e, X64_U64, RAX, jit_ctx(CTX_SPARE + 8));
    emit_return_unless(e, X64_NE);
    x64_store(e, 8, jit_ctx(CTX_FAULT_SITE), RDX);
    x64_jmp(e, leave);
}

/* Tests the state of the page under edx; returns the jump to take when it refuses. */
static uint32_t emit_state_test(struct x64 *e, uint8_t bit)
{
    x64_shift_ri(e, X64_SHR, X64_32, RDX, PX_PAGE_BITS);
    x64_load(
        e, X64_U8, RDX,
        (struct x64_mem){ .base = RDX, .index = X64_NO_REG, .gs = true, .disp = -(int32_t)JIT_STATE_BELOW });
    x64_test_ri8(e, RDX, bit);
    return x64_jcc_short(e, X64_E);
}

/* Both pages of a straddle must grant; within one page the second test repeats the first. */
static uint32_t emit_touch(struct x64 *e, unsigned log2_width, bool store, uint32_t slow)
{
    uint32_t start = x64_offset(e);
    int32_t width = 1 << log2_width;
    uint8_t bit = store ? JIT_PAGE_WRITE : JIT_PAGE_READ;
    x64_mov_rr(e, X64_32, RDX, RAX);
    uint32_t first = emit_state_test(e, bit), last = 0;
    if (width > 1) {
        x64_lea(e, X64_32, RDX, x64_at(RAX, width - 1));
        last = emit_state_test(e, bit);
    }
    x64_ret(e);
    x64_bind_rel8(e, first);
    if (width > 1)
        x64_bind_rel8(e, last);
    x64_mov_ri(e, RDX, (uint64_t)width + (store ? 256 : 0));
    x64_jmp(e, slow);
    return start;
}

enum px_status jit_stubs_emit(struct codebuf *buf, struct jit_stubs *stubs, struct px_error *err)
{
    struct x64 e;
    struct jit_stubs s = { 0 };
    x64_init(&e, buf->write, buf->capacity);
    s.enter = x64_offset(&e);
    emit_enter(&e);
    s.bad_target = x64_offset(&e);
    x64_store_imm(&e, 4, jit_ctx(CTX_EXIT), (int32_t)JIT_EXIT(PX_EXIT_PANIC, PX_PANIC_BAD_TARGET));
    s.leave = x64_offset(&e);
    uint32_t leave_saved = emit_leave(&e);
    s.hostcall = x64_offset(&e);
    emit_hostcall(&e, leave_saved);
    s.gate = x64_offset(&e);
    emit_gate(&e, s.leave);
    s.settle = x64_offset(&e);
    emit_settle(&e);
    uint32_t slow = x64_offset(&e);
    emit_touch_slow(&e, s.leave);
    for (unsigned i = 0; i < 4; i++) {
        x64_align(&e, 64);
        s.load[i] = emit_touch(&e, i, false, slow);
        x64_align(&e, 64);
        s.store[i] = emit_touch(&e, i, true, slow);
    }
    for (unsigned i = 0; i < JIT_DIVISIONS; i++)
        s.divide[i] = jit_emit_divide(&e, i);
    if (e.overflow)
        return px_fail(err, PX_ERR_INTERNAL, "shared stubs do not fit %zu bytes of code memory",
                       buf->capacity);
    codebuf_publish(buf, x64_offset(&e));
    codebuf_fix(buf);
    *stubs = s;
    return PX_OK;
}

/* Telling the processor takes twelve nanoseconds, asking it hardly one. */
static void set_gs(const struct jit_memory *memory)
{
    const void *now;
    if (!memory->fsgsbase) {
        syscall(SYS_arch_prctl, ARCH_SET_GS, memory->base);
        return;
    }
    __asm__ volatile("rdgsbase %0" : "=r"(now));
    if (now != memory->base)
        __asm__ volatile("wrgsbase %0" : : "r"(memory->base));
}

void jit_enter(const struct codebuf *buf, const struct jit_stubs *stubs, struct jit_context *context,
               const void *code)
{
    union {
        const uint8_t *bytes;
        void (*call)(struct jit_context *, const void *);
    } enter = { .bytes = buf->exec + stubs->enter };
    set_gs(context->memory);
    enter.call(context, code);
    __asm__ volatile("cld" : : : "cc"); /* C code copies forward, whatever unit was there */
}
