/* The code that all units share, and the C functions it calls. */
#ifndef PX_JIT_RUNTIME_H
#define PX_JIT_RUNTIME_H

#include "jit/codebuf.h"
#include "jit/compiler.h"
#include "jit/memory.h"
#include "jit/meter.h"

enum { JIT_STACK_BYTES = 256 << 10 };

/* A context at the top of a stack of its own, below which generated code calls and signals push. */
struct jit_stack {
    void *mapping;
    struct jit_context *context;
};

enum px_status jit_stack_init(struct jit_stack *stack, struct px_error *err) PX_CHECKED;
void jit_stack_fini(struct jit_stack *stack);

/* Emits the shared stubs at the start of @buf and fixes them there. */
enum px_status jit_stubs_emit(struct codebuf *buf, struct jit_stubs *stubs, struct px_error *err) PX_CHECKED;

/* Enters generated code at @code (in the RX view) with gs on context->memory's window; returns when it leaves. */
void jit_enter(const struct codebuf *buf, const struct jit_stubs *stubs, struct jit_context *context,
               const void *code);

/*
 * An access that no page state grants yet: charges and opens its pages, with the lease taken back and given anew. False:
 * exit and arg are set, to a page fault or to 0 when the host refused memory. Async-signal-safe.
 */
static inline bool jit_touch(struct jit_context *context, uint32_t address, unsigned width, bool store)
{
    uint32_t fault = 0;
    struct jit_memory *memory = context->memory;
    jit_meter_settle(context);
    bool granted = jit_memory_access(memory, address, width, store, &context->gas, &fault);
    jit_meter_lease(context);
    if (granted && !memory->failed)
        return true;
    context->exit = JIT_EXIT(PX_EXIT_PAGE_FAULT, 0);
    context->arg = (int64_t)fault * PX_PAGE_SIZE;
    return false;
}

/*
 * Host call @selector (1 to 3) at context->pc over context->x; the jit's own reading of ISA.md 5. True: go on; false: exit
 * and arg are set. Called from generated code.
 */
int jit_hostcall(struct jit_context *context, int32_t selector);

#endif
