/* Host calls (ISA.md 5): which exit, what they charge, in what order they refuse. */
#include "harness/tests/accept.h"

#include <string.h>

#include <xxhash.h>

#define MIB (UINT64_C(1) << 20)

static void selectors_that_do_nothing_exit_behind_themselves_for_100(void **state)
{
    static const int32_t selectors[] = { 0, 4, 5, 1024, 131071, 131072, 524287, -1, -2, -131073, -524288 };
    for (size_t i = 0; i < COUNT(selectors); i++) {
        struct accept_case c = {
            .code = { ecalli(selectors[i]) },
            .gas = 100,
            .exit = PX_EXIT_HOSTCALL,
            .arg = selectors[i],
            .pc = 4,
            .spent = 100,
            .count = 1,
        };
        accept_check(*state, &c);
        c.gas = 99;
        c.exit = PX_EXIT_OUT_OF_GAS;
        c.arg = c.pc = 0;
        c.spent = 0;
        accept_check(*state, &c);
    }
}

static void ecall_jar_exits_behind_itself_for_100(void **state)
{
    struct accept_case c = {
        .code = { plain(PX_OP_ECALL_JAR) },
        .gas = 100,
        .exit = PX_EXIT_MANAGE,
        .pc = 4,
        .spent = 100,
        .count = 1,
    };
    accept_check(*state, &c);
    c.gas = 99;
    c.exit = PX_EXIT_OUT_OF_GAS;
    c.pc = 0;
    c.spent = 0;
    accept_check(*state, &c);
}

static void a_call_is_a_block_start_even_in_the_middle_of_a_run(void **state)
{
    struct accept_case c = {
        .code = { jal(0, 8), nop(), ecalli(7), nop(), plain(PX_OP_ECALL_JAR) },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .arg = 7,
        .pc = 12,
        .spent = 12 + CALL,
        .count = 2,
    };
    accept_check(*state, &c);
    c.code[0] = jal(0, 16);
    c.exit = PX_EXIT_MANAGE;
    c.arg = 0;
    c.pc = 20;
    accept_check(*state, &c);
    c.code[0] = nop(); /* two nops are a block of 1, then the call */
    c.exit = PX_EXIT_HOSTCALL;
    c.arg = 7;
    c.pc = 12;
    c.spent = 1 + CALL;
    c.count = 3;
    accept_check(*state, &c);
}

static void pow_wraps_and_anything_to_the_0_is_1(void **state)
{
    static const uint64_t rows[][3] = {
        { 3, 5, 243 },
        { 7, 0, 1 },
        { 0, 0, 1 },
        { 0, 9, 0 },
        { 2, 63, UINT64_C(1) << 63 },
        { 2, 64, 0 },
        { 3, UINT64_MAX, UINT64_C(0xaaaaaaaaaaaaaaab) }, /* the inverse of 3: its order divides 2^62 */
        { UINT64_MAX, UINT64_C(1) << 63, 1 },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX },
        { UINT64_C(0x100000001), 2, UINT64_C(0x200000001) },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct accept_case c = {
            .code = { ecalli(1), halt() },
            .gas = GAS,
            .in = { { 10, rows[i][0] }, { 11, rows[i][1] } },
            .exit = PX_EXIT_HOSTCALL,
            .pc = 8,
            .spent = CALL + 64 + CALL,
            .count = 2,
            .out = { { 10, rows[i][2] } },
        };
        accept_check(*state, &c);
    }
}

static void pow_costs_164_and_the_next_block_asks_at_its_own_gate(void **state)
{
    struct accept_case c = {
        .code = { ecalli(1), ri(PX_OP_ADDI, 5, 0, 9), halt() },
        .gas = 163,
        .in = { { 10, 3 }, { 11, 2 } },
        .exit = PX_EXIT_OUT_OF_GAS,
        .count = 1,
    };
    accept_check(*state, &c);
    c.gas = c.spent = 164;
    c.pc = 4;
    c.out[0] = (struct accept_reg){ 10, 9 };
    accept_check(*state, &c);
    c.gas = 165 + 99;
    c.spent = 165;
    c.pc = 8;
    c.count = 3; /* the halt was begun */
    c.out[1] = (struct accept_reg){ 5, 9 };
    accept_check(*state, &c);
}

static void the_end_of_code_behind_a_call_that_continues_panics(void **state)
{
    for (int32_t selector = 1; selector <= 3; selector++) {
        uint64_t extra = selector == 1 ? 64 : 0;
        struct accept_case c = {
            .code = { ecalli(selector) },
            .gas = CALL + extra,
            .in = { { 10, 1 }, { 11, 0 }, { 12, 0 } },
            .exit = PX_EXIT_PANIC,
            .arg = PX_PANIC_END_OF_CODE,
            .pc = 4,
            .spent = CALL + extra,
            .count = 1,
            .out = { { 10, selector == 3 ? XXH3_64bits("", 0) : 1 } },
        };
        accept_check(*state, &c);
    }
}

/* fill (2) or hash (3) of [address, address + length) with the halt behind it. How it ends is set later. */
static struct accept_case ranged(int32_t selector, uint64_t address, uint64_t length)
{
    return (struct accept_case){
        .name = selector == 2 ? "fill" : "hash",
        .code = { ecalli(selector), halt() },
        .in = { { 10, address }, { 11, length }, { 12, length } },
        .maps = { zero(DATA, 2 * CLUSTER) },
        .count = 1,
    };
}

static void a_length_over_1_mib_panics_before_anything_else(void **state)
{
    static const uint64_t lengths[] = { MIB + 1, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1,
                                        UINT64_C(1) << 63, UINT64_MAX };
    static const uint64_t addresses[] = { DATA, 0, CODE, 0xffffffff, UINT64_MAX };
    for (size_t i = 0; i < COUNT(lengths) * COUNT(addresses); i++) {
        for (int32_t selector = 2; selector <= 3; selector++) {
            struct accept_case c =
                ranged(selector, addresses[i / COUNT(lengths)], lengths[i % COUNT(lengths)]);
            c.gas = i % 2 ? GAS : 0;
            c.exit = PX_EXIT_PANIC;
            c.arg = PX_PANIC_BAD_LENGTH;
            accept_check(*state, &c);
        }
    }
}

static void an_inaccessible_page_faults_before_gas_is_asked_for(void **state)
{
    static const struct {
        uint64_t address, length;
        uint32_t page;
    } rows[] = {
        { 0, 1, 0 },
        { DATA - 1, 1, DATA - PAGE },
        { DATA - 1, 2, DATA - PAGE },
        { DATA + 2 * CLUSTER, MIB, DATA + 2 * CLUSTER },
        { DATA + 2 * CLUSTER - 1, 2, DATA + 2 * CLUSTER },
        { ALIAS + DATA + 2 * CLUSTER - MIB + 1, MIB, DATA + 2 * CLUSTER },
        { 0xffffffff, MIB, 0xfffff000 },
        { CODE - 1, 2, CODE - PAGE },
        { CODE + PAGE - 1, 2, CODE + PAGE }, /* a fill faults on CODE already */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int32_t selector = 2; selector <= 3; selector++) {
            struct accept_case c = ranged(selector, rows[i].address, rows[i].length);
            c.gas = i % 2 ? GAS : 0;
            c.exit = PX_EXIT_PAGE_FAULT;
            c.arg = selector == 2 && rows[i].page == CODE + PAGE ? CODE : rows[i].page;
            accept_check(*state, &c);
        }
    }
}

static void a_length_of_0_touches_nothing_wherever_it_points(void **state)
{
    static const uint64_t addresses[] = { 0, DATA, CODE, CODE - 1, 0xffffffff, UINT64_MAX };
    for (size_t i = 0; i < COUNT(addresses); i++) {
        for (int32_t selector = 2; selector <= 3; selector++) {
            struct accept_case c = ranged(selector, addresses[i], 0);
            c.gas = 2 * CALL;
            c.exit = PX_EXIT_HOSTCALL;
            c.pc = 8;
            c.spent = 2 * CALL;
            c.count = 2;
            if (selector == 3)
                c.out[0] = (struct accept_reg){ 10, UINT64_C(0x2d06800538d394c2) }; /* XXH3 of nothing */
            accept_check(*state, &c);
            c.gas = CALL - 1;
            c.exit = PX_EXIT_OUT_OF_GAS;
            c.pc = 0;
            c.spent = 0;
            c.count = 1;
            c.out[0].x = 0;
            accept_check(*state, &c);
        }
    }
}

/* What [at, at + length) over fresh writable pages costs beside CALL. */
static uint64_t extra_of(int32_t selector, uint64_t at, uint64_t length)
{
    uint64_t pages = length ? (at % PAGE + length + PAGE - 1) / PAGE : 0;
    return pages * (selector == 2 ? FIRST_WRITE : PAGE_IN) + length / 64;
}

static void gas_that_is_one_short_changes_nothing_and_exactly_enough_does(void **state)
{
    static const uint64_t lengths[] = { 1, 63, 64, 65, 4095, 4096, 4097, 70000, MIB };
    uint8_t *zeros = test_calloc(1, MIB);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        for (int32_t selector = 2; selector <= 3; selector++) {
            const uint32_t at = DATA + (uint32_t)(i % 3) * 2047;
            struct accept_case c = ranged(selector, at, lengths[i]);
            c.gas = CALL + extra_of(selector, at, lengths[i]) - 1;
            c.exit = PX_EXIT_OUT_OF_GAS;
            accept_check(*state, &c);
            c.spent = ++c.gas;
            c.pc = 4;
            c.count = 2; /* the halt was begun and refused */
            if (selector == 2)
                c.stored[0] = filled(at, (uint32_t)lengths[i], (uint8_t)lengths[i]);
            else
                c.out[0] = (struct accept_reg){ 10, XXH3_64bits(zeros, lengths[i]) };
            accept_check(*state, &c);
        }
    }
    test_free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(selectors_that_do_nothing_exit_behind_themselves_for_100),
        ACCEPT_TEST(ecall_jar_exits_behind_itself_for_100),
        ACCEPT_TEST(a_call_is_a_block_start_even_in_the_middle_of_a_run),
        ACCEPT_TEST(pow_wraps_and_anything_to_the_0_is_1),
        ACCEPT_TEST(pow_costs_164_and_the_next_block_asks_at_its_own_gate),
        ACCEPT_TEST(the_end_of_code_behind_a_call_that_continues_panics),
        ACCEPT_TEST(a_length_over_1_mib_panics_before_anything_else),
        ACCEPT_TEST(an_inaccessible_page_faults_before_gas_is_asked_for),
        ACCEPT_TEST(a_length_of_0_touches_nothing_wherever_it_points),
        ACCEPT_TEST(gas_that_is_one_short_changes_nothing_and_exactly_enough_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
