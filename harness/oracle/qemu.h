/*
 * qemu-riscv64 as an engine: another's idea of what RISC-V instructions mean. It runs every instruction but those that
 * ask where they are (auipc, links), those that jump to where a register says, and Zicond, which qemu 7.2 does not
 * know: these the runner does, in other instructions, as it applies what only this guest has: first touches, addresses
 * mod 2^32, block starts, exits. What it cannot say ends a run as PX_EXIT_UNJUDGED: host calls that go on, `ctzw` where
 * qemu 7.2 is wrong. Gas is not metered, dirty pages and instructions are not counted.
 */
#ifndef PX_ORACLE_QEMU_H
#define PX_ORACLE_QEMU_H

#include <sys/types.h>

#include "vm/engine.h"

extern const struct px_engine_ops px_qemu_engine;

/* What stands behind an instance of it, for measurements and tests. */
struct qemu_facts {
    pid_t broker, qemu; /* processes; qemu is 0 while none runs */
    uint32_t starts;    /* of qemu, so far */
};
struct qemu_facts qemu_facts(const struct px_engine *engine);

#endif
