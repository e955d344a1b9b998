/* The code that all units share, and the C functions it calls. */
#ifndef PX_JIT_RUNTIME_H
#define PX_JIT_RUNTIME_H

#include "jit/codebuf.h"
#include "jit/compiler.h"
#include "jit/memory.h"

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
 * Host call @selector (1 to 3) at context->pc over context->x; the jit's own reading of ISA.md 5. True: go on; false: exit
 * and arg are set. Called from generated code.
 */
int jit_hostcall(struct jit_context *context, int32_t selector);

#endif
