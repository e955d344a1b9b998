/* Host faults of generated code: first touches and guest page faults under touch=fault, aborts otherwise. */
#ifndef PX_JIT_FAULT_H
#define PX_JIT_FAULT_H

#include "jit/codebuf.h"
#include "jit/unit.h"
#include "vm/engine.h"

/* What the handler works with. */
struct jit_fault_world {
    const struct codebuf *buf;
    const struct jit_stubs *stubs;
    struct jit_context *context;
    const struct px_unit *running; /* NULL when no unit runs */
    enum jit_touch touch;
};

/*
 * Judges a fault at the host state of @ucontext. RESUMED: the access was granted, charged and its pages opened; EXIT:
 * it is a guest page fault, and the context now leads out with the guest's registers as they were before the access. ABORT:
 * generated code did what no guest can make it do. Async-signal-safe as long as it is generated code that faulted, which holds no lock.
 */
enum px_fault_verdict jit_fault(const struct jit_fault_world *world, int signal, const void *siginfo,
                                void *ucontext, struct px_fault_site *site);

#endif
