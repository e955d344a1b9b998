/*
 * Gas that recompiled code takes on lease (jit/meter.h): runs that end before, at and behind the places where a lease ends, blocks
 * whose need or count no longer fits the block's head, and gas up to 2^64 - 1 (ISA.md 7).
 */
#include "harness/tests/accept.h"

#include "jit/meter.h"

enum { AROUND = 40 };

/* @c from gas around @reserve, around @reserve and one lease, two and three. */
static void around_leases(struct run *run, struct accept_case *c, uint64_t reserve,
                          void (*expect)(struct accept_case *c))
{
    struct accept_case cases[4 * AROUND];
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t gas = reserve + i / AROUND * JIT_METER_LEASE + i % AROUND;
        c->gas = gas > AROUND / 2 ? gas - AROUND / 2 : 0;
        expect(c);
        cases[i] = *c;
    }
    accept_check_each(run, cases, COUNT(cases));
}

static void expect_turns(struct accept_case *c)
{
    uint64_t turns = c->gas / 12; /* the jump alone: nothing in the block takes longer */
    c->spent = turns * 12;
    c->count = 2 * turns;
    c->out[0] = (struct accept_reg){ 5, turns };
}

static void a_loop_ends_in_the_turn_that_the_last_lease_does_not_pay_for(void **state)
{
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 5, 5, 1), jal(0, -4) },
        .in = { { 5, 0 } },
        .exit = PX_EXIT_OUT_OF_GAS,
    };
    around_leases(*state, &c, 0, expect_turns);
}

enum { LOAD_NEED = 22, LOAD_RESERVE = 2 * PAGE_IN };

static void expect_loads(struct accept_case *c)
{
    uint64_t turns = 0, left = c->gas;
    for (; left >= LOAD_NEED + LOAD_RESERVE; turns++)
        left -= LOAD_NEED + PAGE_IN;
    c->spent = c->gas - left;
    c->count = 3 * turns;
    c->out[0] = (struct accept_reg){ 6, turns > 0 ? 0 : accept_pattern(6) };
    c->out[1] = (struct accept_reg){ 10, DATA + turns * PAGE };
}

/* What touches cost is not on lease, and may leave less than the next block asks for. */
static void a_loop_over_pages_pays_for_touches_beside_its_leases(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LW, 6, 0, 10), rr(PX_OP_ADD, 10, 10, 11), jal(0, -8) },
        .in = { { 10, DATA }, { 11, PAGE } },
        .maps = { zero(DATA, 2048 * PAGE) },
        .exit = PX_EXIT_OUT_OF_GAS,
    };
    around_leases(*state, &c, LOAD_NEED + LOAD_RESERVE, expect_loads);
}

/* Results that wait for one another, so that the block costs @need (above 1), and a halt. */
static void costs(struct run *run, uint64_t need)
{
    struct accept_case c = { .in = { { 5, 1 } }, .exit = PX_EXIT_HOSTCALL };
    uint64_t divisions = (need + 3) / 60, additions = (need + 3) % 60;
    size_t count = 0;
    struct px_insn *code = test_calloc(divisions + additions + 1, sizeof *code);
    for (uint64_t i = 0; i < divisions; i++)
        code[count++] = rr(PX_OP_DIVU, 5, 5, 5);
    for (uint64_t i = 0; i < additions; i++)
        code[count++] = ri(PX_OP_ADDI, 5, 5, 1);
    code[count++] = halt();
    uint8_t *bytes = test_malloc(4 * count);
    for (size_t i = 0; i < count; i++)
        accept_put(bytes, 4 * i, code[i]);
    c.bytes = bytes;
    c.size = 4 * count;
    c.out[0] = (struct accept_reg){ 5, 1 + additions };
    c.pc = (uint32_t)c.size;
    c.spent = need + CALL;
    c.count = count;
    const uint64_t more[] = {
        0, 1, JIT_METER_LEASE, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX - c.spent
    };
    for (size_t i = 0; i < COUNT(more); i++) {
        c.gas = c.spent + more[i];
        accept_check(run, &c);
    }
    c = (struct accept_case){ .bytes = bytes, .size = c.size, .gas = need - 1, .in = { { 5, 1 } } };
    c.exit = PX_EXIT_OUT_OF_GAS;
    accept_check(run, &c);
    test_free(bytes);
    test_free(code);
}

static void needs_up_to_what_fits_a_head_and_beyond_are_charged_exactly(void **state)
{
    static const uint64_t needs[] = { 2,
                                      JIT_METER_NEED_MAX - 1,
                                      JIT_METER_NEED_MAX,
                                      JIT_METER_NEED_MAX + 1,
                                      JIT_METER_LEASE,
                                      JIT_METER_LEASE + 1,
                                      3 * JIT_METER_LEASE };
    for (size_t i = 0; i < COUNT(needs); i++)
        costs(*state, needs[i]);
}

/* Moves cost nothing, however many: the block needs 1. */
static void counts_beyond_what_fits_a_head_are_exact(void **state)
{
    static const size_t moves[] = { JIT_METER_COUNT_PER_NEED - 1, JIT_METER_COUNT_PER_NEED,
                                    JIT_METER_COUNT_PER_NEED + 1, JIT_METER_COUNT, JIT_METER_COUNT + 2 };
    for (size_t i = 0; i < COUNT(moves); i++) {
        uint8_t *code = test_malloc(4 * (moves[i] + 1));
        for (size_t at = 0; at < moves[i]; at++)
            accept_put(code, 4 * at, ri(PX_OP_ADDI, 5, 6, 0));
        accept_put(code, 4 * moves[i], halt());
        struct accept_case c = {
            .bytes = code,
            .size = 4 * (moves[i] + 1),
            .gas = 1 + CALL,
            .exit = PX_EXIT_HOSTCALL,
            .pc = (uint32_t)(4 * (moves[i] + 1)),
            .spent = 1 + CALL,
            .count = moves[i] + 1,
            .out = { { 5, accept_pattern(6) } },
        };
        accept_check(*state, &c);
        c.gas = UINT64_MAX;
        accept_check(*state, &c);
        test_free(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_loop_ends_in_the_turn_that_the_last_lease_does_not_pay_for),
        ACCEPT_TEST(a_loop_over_pages_pays_for_touches_beside_its_leases),
        ACCEPT_TEST(needs_up_to_what_fits_a_head_and_beyond_are_charged_exactly),
        ACCEPT_TEST(counts_beyond_what_fits_a_head_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
