#include "jit/meter.h"

#include <stdlib.h>

int jit_gate(struct jit_context *context, uint32_t number)
{
    const struct px_unit *unit = context->unit;
    if (number >= unit->gate_count)
        abort(); /* the code that we made is wrong: the end of code that goes astray, a finding */
    const struct jit_gate *gate = &unit->gates[number];
    context->meter += jit_meter_charge(gate->need, gate->count); /* the head took it before it knew */
    jit_meter_settle(context);
    if (context->gas < gate->need || context->gas - gate->need < gate->reserve) {
        context->pc = gate->pc;
        context->exit = JIT_EXIT(PX_EXIT_OUT_OF_GAS, 0);
        return 0;
    }
    context->gas -= gate->need;
    context->native += gate->count;
    jit_meter_lease(context);
    return 1;
}
