/*
 * Gas and instruction count of generated code (ISA.md 7), in one word, so that a block head is one subtraction and one branch:
 *
 *     sub  qword [rsp], need << 20 | count
 *     jb   gate
 *
 * The upper bits are gas on lease, the lower 20 count down by instructions. The rest of the gas is in reserve: as long as
 * that is no less than what any block of the unit asks for beside its need, a lease that pays for a block is enough for it to
 * run. When the lease is used up, or none is given since gas runs low, jit_gate decides exactly and leases again.
 */
#ifndef PX_JIT_METER_H
#define PX_JIT_METER_H

#include "jit/unit.h"

enum {
    JIT_METER_BITS = 20, /* of the count */
    JIT_METER_COUNT = (1 << JIT_METER_BITS) - 1,
    /* Charges that fit the head: four instructions a cycle and 3 cycles off keep counts below 20 times the need. */
    JIT_METER_NEED_MAX = INT32_MAX >> JIT_METER_BITS,
    JIT_METER_COUNT_PER_NEED = 20,
    JIT_METER_LEASE = JIT_METER_COUNT / JIT_METER_COUNT_PER_NEED - 1,
};

/* What a head subtracts, or 0 when it does not fit one: then the head is a jump to the gate. */
static inline uint32_t jit_meter_charge(uint64_t need, uint32_t count)
{
    bool fits = need <= JIT_METER_NEED_MAX && count <= JIT_METER_COUNT_PER_NEED * need;
    return fits ? (uint32_t)need << JIT_METER_BITS | count : 0;
}

/* Puts the lease back and the count to its sum: context->gas and context->native are all there is. */
static inline void jit_meter_settle(struct jit_context *context)
{
    context->gas += context->meter >> JIT_METER_BITS;
    context->native += JIT_METER_COUNT - (context->meter & JIT_METER_COUNT);
    context->meter = JIT_METER_COUNT;
}

/* Leases anew; @context is settled and its unit set. */
static inline void jit_meter_lease(struct jit_context *context)
{
    uint64_t reserve = context->unit->reserve;
    uint64_t lease = context->gas > reserve ? context->gas - reserve : 0;
    if (lease > JIT_METER_LEASE)
        lease = JIT_METER_LEASE;
    context->gas -= lease;
    context->meter = lease << JIT_METER_BITS | JIT_METER_COUNT;
}

/* Called from generated code that the lease does not pay for, at gate @number of the unit. True: the block is paid for, go on; false: out
 * of gas, pc and exit are set. */
int jit_gate(struct jit_context *context, uint32_t number);

#endif
