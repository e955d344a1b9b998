#include "harness/vectors/errata.h"

#include "vm/guest.h"

/* qemu's translator, before 8.0, counts zeros of the whole register and does not stop at bit 32. */
static bool low_half_is_zero(const struct px_insn *insn, const uint64_t x[PX_REG_COUNT])
{
    return (uint32_t)x[insn->rs1] == 0;
}

/* The runner has nobody to ask about what a host does. */
static bool goes_on(const struct px_insn *insn, const uint64_t x[PX_REG_COUNT])
{
    (void)x;
    return insn->imm >= PX_HOSTCALL_POW && insn->imm <= PX_HOSTCALL_HASH;
}

const struct erratum vectors_errata[] = {
    { .oracle = "qemu-7.2",
      .op = PX_OP_CTZW,
      .covers = low_half_is_zero,
      .reason = PX_UNJUDGED_EXTENSION,
      .what = "counts on beyond 32 bits where the low half is 0" },
    { .oracle = "qemu-7.2",
      .op = PX_OP_ECALLI,
      .covers = goes_on,
      .reason = PX_UNJUDGED_HOSTCALL,
      .what = "does not know host calls that go on" },
};
const size_t vectors_errata_count = sizeof vectors_errata / sizeof vectors_errata[0];
