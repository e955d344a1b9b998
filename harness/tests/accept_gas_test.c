/* Gates, touches and footprint tiers (ISA.md 7); what single instructions cost is in accept_cost_test.c. */
#include "harness/tests/accept.h"

#include <string.h>

static void the_worked_costs_of_the_specification_hold(void **state)
{
    struct accept_case division = {
        .code = { rr(PX_OP_DIV, 10, 8, 9), halt() },
        .gas = 1000000,
        .in = { { 8, 100 }, { 9, 7 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 8,
        .spent = 1000000 - 999843,
        .count = 2,
        .out = { { 10, 14 } },
    };
    accept_check(*state, &division);

    struct accept_case nops = {
        .gas = 21 + CALL, .exit = PX_EXIT_HOSTCALL, .pc = 72, .spent = 21 + CALL, .count = 18
    };
    for (size_t i = 0; i < 16; i++)
        nops.code[i] = nop();
    nops.code[16] = branch(PX_OP_BEQ, 0, 0, 4);
    nops.code[17] = halt();
    accept_check(*state, &nops);

    struct accept_case null_load = {
        .code = { load(PX_OP_LW, 5, 0, 0), halt() },
        .gas = 10000,
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = 0,
        .spent = 22,
        .count = 1,
    };
    accept_check(*state, &null_load);
}

/* One access and the halt from @gas: refused below @gate, which is need + reserve. */
static void gated(struct run *run, struct px_insn access, uint64_t gate, uint64_t touches)
{
    struct accept_case c = {
        .name = px_ops[access.op].mnemonic,
        .code = { access, halt() },
        .gas = gate - 1,
        .in = { { 10, DATA }, { 5, 0 } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_OUT_OF_GAS,
    };
    accept_check(run, &c);
    c.gas = gate;
    c.exit = PX_EXIT_HOSTCALL;
    c.pc = 8;
    c.spent = 22 + touches + CALL;
    c.count = 2;
    if (touches == FIRST_WRITE)
        c.stored[0] = stored(DATA, 8, 0);
    accept_check(run, &c);
}

static void the_reserve_for_the_worst_touches_is_asked_for_and_not_taken(void **state)
{
    gated(*state, load(PX_OP_LD, 5, 0, 10), 22 + 2 * PAGE_IN, PAGE_IN);
    gated(*state, load(PX_OP_LBU, 0, 0, 10), 22 + 2 * PAGE_IN,
          PAGE_IN); /* one byte cannot straddle: no matter */
    gated(*state, store(PX_OP_SD, 5, 0, 10), 22 + 2 * FIRST_WRITE, FIRST_WRITE);
}

static void the_reserve_is_asked_for_again_though_the_pages_are_touched(void **state)
{
    /* One block that jumps to itself: the load is done at 25, the jump at 15. It needs 22 and reserves 500. */
    struct accept_case c = {
        .code = { load(PX_OP_LD, 5, 0, 10), jal(0, -4) },
        .in = { { 10, DATA } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_OUT_OF_GAS,
        .out = { { 5, 0 } },
    };
    for (uint64_t turns = 1; turns <= 3; turns++) {
        c.spent = 22 * turns + PAGE_IN;
        c.count = 2 * turns;
        c.gas = c.spent + 22 + 2 * PAGE_IN - 1;
        accept_check(*state, &c);
    }
}

/* One entry of a block: refused below gate; else it takes charge and leaves x5, x1 and the word at DATA so. */
struct step {
    uint64_t gate, charge, count;
    uint64_t x5, x1, word;
    uint32_t pc;
    bool stores;
};

/* Runs @c, whose blocks are entered as @steps say, from every gas value up to what it needs and one more. */
static void every_gas(struct run *run, struct accept_case c, const struct step *steps, size_t count)
{
    uint64_t enough = 0, before = 0;
    for (size_t i = 0; i < count; i++) {
        enough = before + steps[i].gate > enough ? before + steps[i].gate : enough;
        before += steps[i].charge;
    }
    for (c.gas = 0; c.gas <= enough + 1; c.gas++) {
        c.spent = c.count = 0;
        memset(c.out, 0, sizeof c.out);
        memset(c.stored, 0, sizeof c.stored);
        size_t i = 0;
        for (; i < count && c.gas - c.spent >= steps[i].gate; i++) {
            c.spent += steps[i].charge;
            c.count += steps[i].count;
            c.out[0] = (struct accept_reg){ 5, steps[i].x5 };
            c.out[1] = (struct accept_reg){ steps[i].x1 ? 1 : 0, steps[i].x1 };
            if (steps[i].stores)
                c.stored[0] = stored(DATA, 4, steps[i].word);
        }
        c.exit = i < count ? PX_EXIT_OUT_OF_GAS : PX_EXIT_HOSTCALL;
        c.pc = i < count ? steps[i].pc : steps[count - 1].pc + 4;
        /* A call that is refused was begun. */
        c.count += i < count && steps[i].gate == CALL ? 1 : 0;
        accept_check(run, &c);
    }
    assert_int_equal(c.exit, PX_EXIT_HOSTCALL);
}

static void a_loop_runs_out_of_gas_at_the_block_start_that_it_cannot_pay(void **state)
{
    static const struct step steps[] = {
        { .pc = 0, .gate = 1, .charge = 1, .count = 2, .x5 = 3 },
        { .pc = 8, .gate = 18, .charge = 18, .count = 2, .x5 = 2 }, /* the branch waits for x5: 1 + 20 */
        { .pc = 8, .gate = 18, .charge = 18, .count = 2, .x5 = 1 },
        { .pc = 8, .gate = 18, .charge = 18, .count = 2, .x5 = 0 },
        { .pc = 16, .gate = CALL, .charge = CALL, .count = 1, .x5 = 0 },
    };
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 5, 0, 3), fallthrough(), ri(PX_OP_ADDI, 5, 5, -1),
                  branch(PX_OP_BNE, 5, 0, -4), halt() },
    };
    every_gas(*state, c, steps, COUNT(steps));
}

static void a_loop_that_stores_needs_its_reserve_at_every_turn(void **state)
{
    enum { NEED = 22, GATE = NEED + 2 * FIRST_WRITE };
    static const struct step steps[] = {
        { .pc = 0, .gate = 1, .charge = 1, .count = 2, .x5 = 2 },
        { .pc = 8,
          .gate = GATE,
          .charge = NEED + FIRST_WRITE,
          .count = 3,
          .x5 = 1,
          .word = 2,
          .stores = true },
        { .pc = 8, .gate = GATE, .charge = NEED, .count = 3, .x5 = 0, .word = 1, .stores = true },
        { .pc = 20, .gate = CALL, .charge = CALL, .count = 1, .x5 = 0, .word = 1, .stores = true },
    };
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 5, 0, 2), fallthrough(), store(PX_OP_SW, 5, 0, 10), ri(PX_OP_ADDI, 5, 5, -1),
                  branch(PX_OP_BNE, 5, 0, -8), halt() },
        .in = { { 10, DATA } },
        .maps = { zero(DATA, PAGE) },
    };
    every_gas(*state, c, steps, COUNT(steps));
}

static void jumps_and_calls_run_out_of_gas_at_the_block_start_that_they_cannot_pay(void **state)
{
    /* 0 calls 16, which returns to 4, whose fallthrough leads to 8, which jumps to the halt at 20. */
    static const struct step steps[] = {
        { .pc = 0, .gate = 12, .charge = 12, .count = 1, .x5 = 9, .x1 = CODE + 4 },
        { .pc = 16, .gate = 19, .charge = 19, .count = 1, .x5 = 9, .x1 = CODE + 4 },
        { .pc = 4, .gate = 1, .charge = 1, .count = 1, .x5 = 9, .x1 = CODE + 4 },
        { .pc = 8, .gate = 57, .charge = 57, .count = 2, .x5 = 1, .x1 = CODE + 4 },
        { .pc = 20, .gate = CALL, .charge = CALL, .count = 1, .x5 = 1, .x1 = CODE + 4 },
    };
    struct accept_case c = {
        .code = { jal(1, 16), fallthrough(), rr(PX_OP_DIV, 5, 5, 5), jal(0, 8), jalr(0, 0, 1), halt() },
        .in = { { 5, 9 } },
    };
    every_gas(*state, c, steps, COUNT(steps));
}

/* A load and an addition over x3, with @maps: the tier shows in what both need. */
static void costs_at_tier(struct run *run, const struct px_mapping *maps, size_t count, unsigned tier)
{
    const uint64_t mem = UINT64_C(25) * tier;
    struct accept_case c = {
        .code = { load(PX_OP_LW, 5, 0, 10), fallthrough(), rr(PX_OP_ADD, 3, 3, 3), fallthrough(), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 3, 21 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 20,
        .spent = mem - 3 + PAGE_IN + (1 + 3 * mem - 3) + CALL,
        .count = 5,
        .out = { { 5, 0 }, { 3, 42 } },
    };
    memcpy(c.maps, maps, count * sizeof *maps);
    accept_check(run, &c);
}

static void the_footprint_tier_changes_behind_2048_8192_and_65536_pages(void **state)
{
    static const struct {
        uint64_t pages;
        unsigned tier;
    } rows[] = { { 1, 1 },    { 2048, 1 },  { 2049, 2 },  { 8192, 2 },
                 { 8193, 3 }, { 65536, 3 }, { 65537, 4 }, { 0xf0000, 4 } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct px_mapping map = zero(DATA, rows[i].pages * PAGE);
        costs_at_tier(*state, &map, 1, rows[i].tier);
    }
}

static void mappings_of_every_kind_count_for_the_tier(void **state)
{
    static const uint8_t byte = 1;
    for (uint64_t more = 0; more < 2; more++) {
        const struct px_mapping maps[] = {
            zero(DATA, 2000 * PAGE),
            ro(DATA + 8 * CLUSTER, 47 * PAGE, &byte, 1),
            cow(DATA + 16 * CLUSTER, (1 + more) * PAGE, &byte, 1),
        };
        costs_at_tier(*state, maps, COUNT(maps), more ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(the_worked_costs_of_the_specification_hold),
        ACCEPT_TEST(the_reserve_for_the_worst_touches_is_asked_for_and_not_taken),
        ACCEPT_TEST(the_reserve_is_asked_for_again_though_the_pages_are_touched),
        ACCEPT_TEST(a_loop_runs_out_of_gas_at_the_block_start_that_it_cannot_pay),
        ACCEPT_TEST(a_loop_that_stores_needs_its_reserve_at_every_turn),
        ACCEPT_TEST(jumps_and_calls_run_out_of_gas_at_the_block_start_that_they_cannot_pay),
        ACCEPT_TEST(the_footprint_tier_changes_behind_2048_8192_and_65536_pages),
        ACCEPT_TEST(mappings_of_every_kind_count_for_the_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
