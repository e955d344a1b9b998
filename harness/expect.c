#include "harness/expect.h"

#include <inttypes.h>
#include <stdio.h>

static bool tell(char *text, size_t size, const char *field, uint64_t found, uint64_t expected)
{
    (void)snprintf(text, size, "%s is %#" PRIx64 ", expected %#" PRIx64, field, found, expected);
    return true;
}

bool expect_missed(const struct px_expect *expect, const struct px_outcome *out, char *text, size_t size)
{
    const struct px_outcome *wanted = &expect->out;
    if (expect->has_exit && (wanted->exit != out->exit || wanted->arg != out->arg)) {
        char found[48], expected[48];
        px_exit_format(out, found, sizeof found);
        px_exit_format(wanted, expected, sizeof expected);
        (void)snprintf(text, size, "exit is %s, expected %s", found, expected);
        return true;
    }
    if (expect->has_pc && wanted->pc != out->pc)
        return tell(text, size, "pc", out->pc, wanted->pc);
    if (expect->has_gas && wanted->gas != out->gas) {
        (void)snprintf(text, size, "gas is %" PRIu64 ", expected %" PRIu64, out->gas, wanted->gas);
        return true;
    }
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if ((expect->has_x >> x & 1) && wanted->x[x] != out->x[x])
            return tell(text, size, px_reg_names[x], out->x[x], wanted->x[x]);
    return false;
}

struct px_expect expect_within(const struct px_expect *expect, struct px_caps caps)
{
    struct px_expect within = *expect;
    bool by_gas = expect->has_exit && expect->out.exit == PX_EXIT_OUT_OF_GAS;
    within.has_gas = expect->has_gas && caps.gas;
    within.has_x = caps.registers ? expect->has_x : 0;
    if (by_gas && !caps.gas) {
        within.has_exit = within.has_pc = false;
        within.has_x = 0;
    }
    return within;
}
