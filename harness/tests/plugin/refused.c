/* The example with one thing about it that is to be refused: -DREFUSE_..., one at a time. */
#include <stddef.h>
#ifdef REFUSE_DYING
#include <stdlib.h>
#endif

#define px_engine_entry example_entry
#include "harness/examples/engine.c"
#undef px_engine_entry

#ifdef REFUSE_DYING
__attribute__((constructor)) static void die(void)
{
    abort();
}
#endif

#ifndef REFUSE_SYMBOL
px_engine_entry_fn px_engine_entry;

const struct px_engine_ops *px_engine_entry(void)
{
    static struct px_engine_ops changed;
    changed = *example_entry();
#ifdef REFUSE_NULL
    return NULL;
#endif
#ifdef REFUSE_ABI
    changed.abi = PX_ENGINE_ABI + 1;
#endif
#ifdef REFUSE_SMALL
    changed.size = (uint32_t)PX_ENGINE_OPS_MIN - 1;
#endif
#ifdef REFUSE_LARGE
    changed.size++;
#endif
#ifdef REFUSE_GUEST
    changed.guest = "rv32i.9";
#endif
#ifdef REFUSE_RUN
    changed.run = NULL;
#endif
#ifdef ACCEPT_SMALL
    changed.size = (uint32_t)PX_ENGINE_OPS_MIN;
    changed.on_fault = (void *)1; /* beyond: not to be looked at */
#endif
    return &changed;
}
#endif
