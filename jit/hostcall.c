/* Host calls on the memory window (ISA.md 5), independent of the reference engine's. */
#include "jit/meter.h"
#include "jit/runtime.h"

#include <string.h>
#include <xxhash.h>

enum { LEAVE = 0, GO_ON = 1 };

static int leave(struct jit_context *context, enum px_exit exit, int64_t arg)
{
    context->exit = JIT_EXIT(exit, 0);
    context->arg = arg;
    return LEAVE;
}

/* Square and multiply from the top bit down. */
static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (int bit = 63; bit >= 0; bit--) {
        result *= result;
        if ((exponent >> bit) & 1)
            result *= base;
    }
    return result;
}

static int charge(struct jit_context *context, uint64_t price)
{
    if (context->gas < price)
        return leave(context, PX_EXIT_OUT_OF_GAS, 0);
    context->gas -= price;
    return GO_ON;
}

/* The common part of fill and hash; the range stands in the window when it says GO_ON. */
static int claim(struct jit_context *context, uint64_t length, bool store)
{
    struct jit_memory *memory = context->memory;
    uint32_t address = (uint32_t)context->x[10];
    uint64_t touches = 0;
    uint32_t fault;
    if (length > PX_HOSTCALL_LENGTH_MAX) {
        context->exit = JIT_EXIT(PX_EXIT_PANIC, PX_PANIC_BAD_LENGTH);
        return LEAVE;
    }
    if (length > 0 && !jit_memory_scan(memory, address, length, store, &touches, &fault))
        return leave(context, PX_EXIT_PAGE_FAULT, (int64_t)fault * PX_PAGE_SIZE);
    if (!charge(context, PX_GAS_HOSTCALL + touches + (length >> 6)))
        return LEAVE;
    if (length > 0)
        jit_memory_touch(memory, address, length, store);
    return memory->failed ? LEAVE : GO_ON;
}

static int perform(struct jit_context *context, int32_t selector)
{
    uint64_t *x = context->x;
    uint8_t *bytes = context->memory->base + (uint32_t)x[10];
    switch (selector) {
    case PX_HOSTCALL_POW:
        if (!charge(context, PX_GAS_HOSTCALL + PX_GAS_POW))
            return LEAVE;
        x[10] = power(x[10], x[11]);
        return GO_ON;
    case PX_HOSTCALL_FILL:
        if (!claim(context, x[12], true))
            return LEAVE;
        if (x[12] > 0)
            memset(bytes, (int)(uint8_t)x[11], x[12]);
        return GO_ON;
    default: /* PX_HOSTCALL_HASH: lowering sends no other selector */
        if (!claim(context, x[11], false))
            return LEAVE;
        x[10] = XXH3_64bits(bytes, x[11]);
        return GO_ON;
    }
}

int jit_hostcall(struct jit_context *context, int32_t selector)
{
    jit_meter_settle(context);
    int verdict = perform(context, selector);
    jit_meter_lease(context);
    return verdict;
}
