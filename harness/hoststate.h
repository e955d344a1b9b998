/* What C code takes for granted of the processor, and generated code must leave as it was. */
#ifndef PX_HOSTSTATE_H
#define PX_HOSTSTATE_H

#include <stdbool.h>
#include <stdint.h>

struct host_state {
    uint32_t float_control; /* of mxcsr: rounding, exceptions, denormals */
    uint64_t thread;        /* what fs points at holds its own address */
};

static inline struct host_state host_state_get(void)
{
    const uint32_t control_bits = 0xffc0;
    struct host_state state;
    __asm__ volatile("stmxcsr %0" : "=m"(state.float_control));
    __asm__ volatile("mov %%fs:0, %0" : "=r"(state.thread));
    state.float_control &= control_bits;
    return state;
}

static inline bool host_state_is(const struct host_state *before)
{
    struct host_state now = host_state_get();
    return now.float_control == before->float_control && now.thread == before->thread;
}

#endif
