/* What the tests of the instruction table, decoder and encoder share. Include cmocka.h first. */
#ifndef PX_TEST_INSN_H
#define PX_TEST_INSN_H

#include "vm/isa.h"

/* splitmix64: the state is the caller's, so that a test's words depend on its own seed alone. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Field by field: the struct has padding. */
static inline bool test_same_insn(struct px_insn a, struct px_insn b)
{
    return a.op == b.op && a.rvc == b.rvc && a.len == b.len && a.rd == b.rd && a.rs1 == b.rs1 &&
           a.rs2 == b.rs2 && a.imm == b.imm;
}

static inline void test_expect_insn(uint32_t word, struct px_insn got, struct px_insn want)
{
    if (test_same_insn(got, want))
        return;
    fail_msg("%08x: got %s (%s) len %u rd %u rs1 %u rs2 %u imm %d,\n"
             "      expected %s (%s) len %u rd %u rs1 %u rs2 %u imm %d",
             word, px_ops[got.op].mnemonic, got.rvc ? px_rvcs[got.rvc].mnemonic : "wide", got.len, got.rd,
             got.rs1, got.rs2, got.imm, px_ops[want.op].mnemonic,
             want.rvc ? px_rvcs[want.rvc].mnemonic : "wide", want.len, want.rd, want.rs1, want.rs2, want.imm);
}

#endif
