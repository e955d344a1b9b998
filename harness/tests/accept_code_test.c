/* Reading code, pinned mappings and the units in which they are paid for (ISA.md 2, 7). */
#include "harness/tests/accept.h"

#include <string.h>

enum { NEED = 22 }; /* of a block of independent accesses: mem 25 - 3 */

#define VALUE UINT64_C(0x8182838485868788)

static const uint8_t letters[2 * PAGE] = "pinned";

/* Code longer than a case holds: @head, then bytes that tell where they are. */
static void long_code(uint8_t *code, size_t size, const struct px_insn *head, size_t count)
{
    for (size_t at = 0; at < size; at++)
        code[at] = (uint8_t)(at ^ at >> 8 ^ at >> 16);
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        assert_int_equal(px_encode(&head[i], &word), 4);
        memcpy(code + 4 * i, &word, 4);
    }
}

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static void a_program_loads_its_own_code_through_auipc(void **state)
{
    /* auipc is ready at 1, the loads behind it at 26. */
    struct accept_case c = {
        .code = { upper(PX_OP_AUIPC, 5, 0), load(PX_OP_LWU, 6, 0, 5), load(PX_OP_LWU, 7, 12, 5), halt() },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = 23 + PAGE_IN + CALL,
        .count = 4,
        .out = { { 5, CODE }, { 6, 0x00000297 }, { 7, 0x0000200b } },
    };
    accept_check(*state, &c);
}

static void auipc_gives_a_64_bit_sum(void **state)
{
    struct accept_case c = {
        .code = { upper(PX_OP_AUIPC, 5, 0x80000), upper(PX_OP_AUIPC, 6, 0xffc00),
                  upper(PX_OP_AUIPC, 7, 0x7ffff), upper(PX_OP_LUI, 8, 0x80000), halt() },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 20,
        .spent = 1 + CALL,
        .count = 5,
        .out = { { 5, UINT64_C(0xffffffff80400000) },
                 { 6, 4 },
                 { 7, UINT64_C(0x803ff008) },
                 { 8, UINT64_C(0xffffffff80000000) } },
    };
    accept_check(*state, &c);
}

static void the_last_code_page_ends_in_zeros(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LD, 5, 8, 10), load(PX_OP_LD, 6, 12, 10), load(PX_OP_LD, 7, 0, 11), halt(),
                  raw2(0x0001) },
        .cut = 1, /* 17 bytes of code */
        .gas = GAS,
        .in = { { 10, CODE + 8 }, { 11, CODE + PAGE - 8 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + PAGE_IN + CALL,
        .count = 4,
        .out = { { 5, 1 }, { 6, 0 }, { 7, 0 } },
    };
    accept_check(*state, &c);
}

/* One access through x10 that faults on @page and charges nothing. */
static void faults(struct run *run, struct px_insn access, uint64_t address, uint32_t page)
{
    struct accept_case c = {
        .code = { access, halt() },
        .gas = GAS,
        .in = { { 10, address } },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = page,
        .spent = NEED,
        .count = 1,
    };
    accept_check(run, &c);
}

static void a_store_to_code_faults(void **state)
{
    faults(*state, store(PX_OP_SB, 6, 0, 10), CODE, CODE);
    faults(*state, store(PX_OP_SD, 6, 0, 10), ALIAS + CODE + 100, CODE); /* the tail is code's too */
    faults(*state, store(PX_OP_SD, 6, 0, 10), CODE + PAGE - 1, CODE);
}

static void there_is_nothing_before_code_and_nothing_behind_its_last_page(void **state)
{
    faults(*state, load(PX_OP_LB, 6, 0, 10), CODE - 1, CODE - PAGE);
    faults(*state, load(PX_OP_LD, 6, 0, 10), CODE - 1, CODE - PAGE);
    faults(*state, load(PX_OP_LB, 6, 0, 10), CODE + PAGE, CODE + PAGE);
    faults(*state, load(PX_OP_LD, 6, 0, 10), CODE + PAGE - 7, CODE + PAGE);
}

static void both_pages_of_code_are_read_and_paid_once(void **state)
{
    uint8_t code[2 * PAGE - 100];
    const struct px_insn head[] = { load(PX_OP_LD, 5, 0, 10), load(PX_OP_LD, 6, 4, 10),
                                    load(PX_OP_LD, 7, 0, 11), load(PX_OP_LBU, 8, 0, 12), halt() };
    long_code(code, sizeof code, head, COUNT(head));
    struct accept_case c = {
        .bytes = code,
        .size = sizeof code,
        .gas = GAS,
        .in = { { 10, CODE + PAGE - 4 }, { 11, CODE + PAGE + 64 }, { 12, CODE + 2 * PAGE - 100 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 20,
        .spent = NEED + PAGE_IN + CALL,
        .count = 5,
        .out = { { 5, word_at(code + PAGE - 4) },
                 { 6, word_at(code + PAGE) },
                 { 7, word_at(code + PAGE + 64) },
                 { 8, 0 } },
    };
    accept_check(*state, &c);
}

static void code_of_two_clusters_is_paid_twice(void **state)
{
    uint8_t *code = test_malloc(CLUSTER + PAGE);
    const struct px_insn head[] = { load(PX_OP_LD, 5, 0, 10), load(PX_OP_LD, 6, 0, 11),
                                    load(PX_OP_LD, 7, 0, 12), halt() };
    long_code(code, CLUSTER + PAGE, head, COUNT(head));
    struct accept_case c = {
        .bytes = code,
        .size = CLUSTER + PAGE,
        .gas = GAS,
        .in = { { 10, CODE + PAGE }, { 11, CODE + CLUSTER - 4 }, { 12, CODE + CLUSTER + 64 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + 2 * PAGE_IN + CALL,
        .count = 4,
        .out = { { 5, word_at(code + PAGE) },
                 { 6, word_at(code + CLUSTER - 4) },
                 { 7, word_at(code + CLUSTER + 64) } },
    };
    accept_check(*state, &c);
    test_free(code);
}

static void code_and_data_touched_in_one_block_each_pay(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LWU, 5, 0, 10), store(PX_OP_SW, 5, 0, 11), load(PX_OP_LBU, 7, 0, 12), halt() },
        .gas = GAS,
        .in = { { 10, CODE + 12 }, { 11, DATA }, { 12, DATA + PAGE } },
        .maps = { zero(DATA, PAGE), ro(DATA + PAGE, PAGE, letters, 7) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = 50 - 3 + PAGE_IN + FIRST_WRITE + PAGE_IN + CALL, /* the store waits for x5: 25 + 25 */
        .count = 4,
        .out = { { 5, 0x0000200b }, { 7, 'p' } },
        .stored = { stored(DATA, 4, 0x0000200b) },
    };
    accept_check(*state, &c);
}

/* Three loads through x10, x11, x12 over ro mappings; @units are paid for. */
static void reads(struct run *run, const struct px_mapping *maps, size_t count, const uint32_t *at,
                  unsigned units)
{
    struct accept_case c = {
        .code = { load(PX_OP_LD, 5, 0, 10), load(PX_OP_LD, 6, 0, 11), load(PX_OP_LD, 7, 0, 12), halt() },
        .gas = GAS,
        .in = { { 10, at[0] }, { 11, at[1] }, { 12, at[2] } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + units * PAGE_IN + CALL,
        .count = 4,
        .out = { { 5, 0 }, { 6, 0 }, { 7, 0 } },
    };
    memcpy(c.maps, maps, count * sizeof *maps);
    accept_check(run, &c);
}

static void two_pages_of_one_ro_mapping_are_paid_once(void **state)
{
    const struct px_mapping map = ro(DATA, 2 * PAGE, letters, sizeof letters);
    reads(*state, &map, 1, (const uint32_t[]){ DATA + 8, DATA + PAGE, DATA + 16 }, 1);
    reads(*state, &map, 1, (const uint32_t[]){ DATA + PAGE - 4, DATA + 8, DATA + PAGE }, 1);
    reads(*state, &map, 1, (const uint32_t[]){ DATA + PAGE, DATA + PAGE - 4, DATA + 8 }, 1);
}

static void two_ro_mappings_in_one_cluster_are_paid_twice(void **state)
{
    const struct px_mapping maps[] = { ro(DATA, PAGE, letters, 8), ro(DATA + PAGE, PAGE, letters, 8) };
    reads(*state, maps, 2, (const uint32_t[]){ DATA + 8, DATA + PAGE + 8, DATA + 16 }, 2);
    reads(*state, maps, 2, (const uint32_t[]){ DATA + PAGE - 8, DATA + 8, DATA + 16 }, 1);
}

static void a_load_over_two_ro_mappings_pays_for_both(void **state)
{
    const struct px_mapping maps[] = { ro(DATA, PAGE, letters, 8), ro(DATA + PAGE, PAGE, NULL, 0) };
    reads(*state, maps, 2, (const uint32_t[]){ DATA + PAGE - 4, DATA + 8, DATA + PAGE }, 2);
    reads(*state, maps, 2, (const uint32_t[]){ DATA + PAGE, DATA + PAGE - 4, DATA + 8 }, 2);
}

static void two_ro_mappings_2_mib_apart_are_paid_twice(void **state)
{
    const struct px_mapping maps[] = { ro(DATA, PAGE, letters, 8), ro(DATA + CLUSTER, PAGE, letters, 8) };
    reads(*state, maps, 2, (const uint32_t[]){ DATA + 8, DATA + CLUSTER + 8, DATA + 16 }, 2);
}

static void one_ro_mapping_over_two_clusters_is_paid_in_each(void **state)
{
    const uint32_t border = DATA + CLUSTER;
    const struct px_mapping map = ro(border - 2 * PAGE, 4 * PAGE, letters, 8);
    reads(*state, &map, 1, (const uint32_t[]){ border - PAGE, border + PAGE, border }, 2);
    reads(*state, &map, 1, (const uint32_t[]){ border - 4, border - PAGE, border }, 2);
    reads(*state, &map, 1, (const uint32_t[]){ border, border - 4, border - PAGE }, 2);
    reads(*state, &map, 1, (const uint32_t[]){ border, border + PAGE, border + 8 }, 1);
}

static void writable_pages_are_paid_one_by_one(void **state)
{
    const struct px_mapping map = zero(DATA, 3 * PAGE);
    reads(*state, &map, 1, (const uint32_t[]){ DATA, DATA + PAGE, DATA + 2 * PAGE }, 3);
    reads(*state, &map, 1, (const uint32_t[]){ DATA + PAGE - 1, DATA + PAGE, DATA }, 2);
}

static void a_store_to_ro_faults_though_it_was_read(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LBU, 5, 0, 10), store(PX_OP_SB, 5, 0, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA + PAGE } },
        .maps = { ro(DATA, 2 * PAGE, letters, 8) },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = DATA + PAGE,
        .pc = 4,
        .spent = 50 - 3 + PAGE_IN, /* the store waits for x5 */
        .count = 2,
        .out = { { 5, 0 } },
    };
    accept_check(*state, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_program_loads_its_own_code_through_auipc),
        ACCEPT_TEST(auipc_gives_a_64_bit_sum),
        ACCEPT_TEST(the_last_code_page_ends_in_zeros),
        ACCEPT_TEST(a_store_to_code_faults),
        ACCEPT_TEST(there_is_nothing_before_code_and_nothing_behind_its_last_page),
        ACCEPT_TEST(both_pages_of_code_are_read_and_paid_once),
        ACCEPT_TEST(code_of_two_clusters_is_paid_twice),
        ACCEPT_TEST(code_and_data_touched_in_one_block_each_pay),
        ACCEPT_TEST(two_pages_of_one_ro_mapping_are_paid_once),
        ACCEPT_TEST(two_ro_mappings_in_one_cluster_are_paid_twice),
        ACCEPT_TEST(a_load_over_two_ro_mappings_pays_for_both),
        ACCEPT_TEST(two_ro_mappings_2_mib_apart_are_paid_twice),
        ACCEPT_TEST(one_ro_mapping_over_two_clusters_is_paid_in_each),
        ACCEPT_TEST(writable_pages_are_paid_one_by_one),
        ACCEPT_TEST(a_store_to_ro_faults_though_it_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
