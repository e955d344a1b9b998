/* Loads and stores of data: first touches, straddles, faults, aliases (ISA.md 1, 2, 6, 7). */
#include "harness/tests/accept.h"

/* Need of a block of independent accesses: mem 25 - 3. */
enum { NEED = 22 };

#define TOP UINT32_C(0xfffff000)
#define VALUE UINT64_C(0x8182838485868788)

static const uint8_t letters[] = "content of a mapping";

static void the_first_read_of_a_fresh_page_pays_page_in(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LW, 5, 0, 10), load(PX_OP_LW, 6, 4, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 12,
        .spent = NEED + PAGE_IN + CALL,
        .count = 3,
        .out = { { 5, 0 }, { 6, 0 } },
    };
    accept_check(*state, &c);
}

static void the_first_write_pays_page_in_and_copy_and_is_read_back(void **state)
{
    struct accept_case c = {
        .code = { store(PX_OP_SD, 6, 8, 10), load(PX_OP_LD, 5, 8, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 6, VALUE } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 12,
        .spent = NEED + FIRST_WRITE + CALL,
        .count = 3,
        .out = { { 5, VALUE } },
        .stored = { stored(DATA + 8, 8, VALUE) },
    };
    accept_check(*state, &c);
}

static void a_page_read_then_written_twice_is_copied_once(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LBU, 5, 0, 10), store(PX_OP_SB, 6, 1, 10), store(PX_OP_SB, 6, 2, 10),
                  load(PX_OP_LBU, 7, 2, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 6, VALUE } },
        .maps = { cow(DATA, PAGE, letters, sizeof letters) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 20,
        .spent = NEED + PAGE_IN + COW + CALL, /* four accesses fill one cycle */
        .count = 5,
        .out = { { 5, 'c' }, { 7, 0x88 } },
        .stored = { stored(DATA + 1, 1, 0x88), stored(DATA + 2, 1, 0x88) },
    };
    accept_check(*state, &c);
}

static void a_write_of_what_is_there_already_makes_the_page_dirty(void **state)
{
    struct accept_case c = {
        .code = { store(PX_OP_SW, 0, 64, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 8,
        .spent = NEED + FIRST_WRITE + CALL,
        .count = 2,
        .stored = { stored(DATA + 64, 4, 0) },
    };
    accept_check(*state, &c);
}

static void a_load_into_x0_is_a_full_access(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LD, 0, 0, 10), load(PX_OP_LB, 0, 0, 11), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 11, DATA + PAGE } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = DATA + PAGE,
        .pc = 4,
        .spent = NEED + PAGE_IN,
        .count = 2,
    };
    accept_check(*state, &c);
}

static void a_store_over_two_pages_pays_for_both(void **state)
{
    struct accept_case c = {
        .code = { store(PX_OP_SD, 6, 0, 10), load(PX_OP_LD, 5, 0, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA + PAGE - 3 }, { 6, VALUE } },
        .maps = { zero(DATA, 2 * PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 12,
        .spent = NEED + 2 * FIRST_WRITE + CALL,
        .count = 3,
        .out = { { 5, VALUE } },
        .stored = { stored(DATA + PAGE - 3, 8, VALUE) },
    };
    accept_check(*state, &c);
}

static void a_store_over_a_page_that_was_read_and_a_fresh_one_pays_each_its_due(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LBU, 5, 0, 10), store(PX_OP_SH, 6, 0, 11), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 11, DATA + PAGE - 1 }, { 6, VALUE } },
        .maps = { cow(DATA, PAGE, letters, sizeof letters),
                  zero(DATA + PAGE, PAGE) }, /* two kinds, one store */
        .exit = PX_EXIT_HOSTCALL,
        .pc = 12,
        .spent = NEED + PAGE_IN + COW + FIRST_WRITE + CALL,
        .count = 3,
        .out = { { 5, 'c' } },
        .stored = { stored(DATA + PAGE - 1, 2, 0x8788) },
    };
    accept_check(*state, &c);
}

/* x10 points at the access; the block needs 22, and nothing else is charged or changed. */
static void faults(struct run *run, struct px_insn access, uint64_t address, struct px_mapping map,
                   uint32_t page)
{
    struct accept_case c = {
        .code = { access, halt() },
        .gas = GAS,
        .in = { { 10, address } },
        .maps = { map, ro(DATA + PAGE, PAGE, letters, sizeof letters) },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = page,
        .pc = 0,
        .spent = NEED,
        .count = 1,
    };
    accept_check(run, &c);
}

static void a_load_over_the_end_of_a_mapping_faults_and_charges_nothing(void **state)
{
    const struct px_mapping page = zero(DATA + 8 * PAGE, PAGE);
    const uint32_t end = DATA + 9 * PAGE;
    faults(*state, load(PX_OP_LD, 5, 0, 10), end - 7, page, end);
    faults(*state, load(PX_OP_LD, 5, 0, 10), end - 1, page, end);
    faults(*state, load(PX_OP_LW, 10, 0, 10), end - 3, page, end); /* the base is not lost */
    faults(*state, load(PX_OP_LHU, 5, 0, 10), end - 1, page, end);
    faults(*state, load(PX_OP_LB, 5, 0, 10), end, page, end);
}

static void a_load_over_the_start_of_a_mapping_faults_on_the_page_before(void **state)
{
    const struct px_mapping page = zero(DATA + 8 * PAGE, PAGE);
    const uint32_t start = DATA + 8 * PAGE;
    faults(*state, load(PX_OP_LD, 5, 0, 10), start - 1, page, start - PAGE);
    faults(*state, load(PX_OP_LD, 5, 0, 10), start - 7, page, start - PAGE);
    faults(*state, load(PX_OP_LD, 5, 0, 10), start - 8, page, start - PAGE);
}

static void a_store_whose_second_page_is_unmapped_writes_nothing(void **state)
{
    const struct px_mapping page = zero(DATA + 8 * PAGE, PAGE);
    const uint32_t end = DATA + 9 * PAGE;
    faults(*state, store(PX_OP_SD, 6, 0, 10), end - 7, page, end);
    faults(*state, store(PX_OP_SD, 6, 0, 10), end - 1, page, end);
    faults(*state, store(PX_OP_SW, 6, 0, 10), end - 2, page, end);
    faults(*state, store(PX_OP_SH, 6, 0, 10), end - 1, page, end);
}

static void a_store_whose_second_page_is_ro_writes_nothing(void **state)
{
    faults(*state, store(PX_OP_SD, 6, 0, 10), DATA + PAGE - 4, zero(DATA, PAGE), DATA + PAGE);
    faults(*state, store(PX_OP_SD, 6, 0, 10), DATA + PAGE - 4, cow(DATA, PAGE, letters, 5), DATA + PAGE);
}

static void a_store_whose_first_page_is_ro_faults_on_it(void **state)
{
    faults(*state, store(PX_OP_SD, 6, 0, 10), DATA + 2 * PAGE - 4, zero(DATA + 2 * PAGE, PAGE), DATA + PAGE);
    faults(*state, store(PX_OP_SB, 6, 0, 10), DATA + PAGE, zero(DATA, PAGE), DATA + PAGE);
    faults(*state, store(PX_OP_SD, 6, 0, 10), DATA + 2 * PAGE - 4, zero(DATA, PAGE),
           DATA + PAGE); /* both refuse */
}

static void a_fault_in_a_block_keeps_what_came_before_and_the_whole_blocks_charge(void **state)
{
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 5, 5, 1), store(PX_OP_SB, 5, 0, 10), store(PX_OP_SW, 5, 0, 11),
                  rr(PX_OP_DIV, 6, 6, 6), halt() },
        .gas = GAS,
        .in = { { 5, 6 }, { 10, DATA }, { 11, DATA + PAGE } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = DATA + PAGE,
        .pc = 8,
        .spent = 57 + FIRST_WRITE, /* the division that was not reached is paid for */
        .count = 3,
        .out = { { 5, 7 } },
        .stored = { stored(DATA, 1, 7) },
    };
    accept_check(*state, &c);
}

static void addresses_are_taken_mod_2_to_the_32(void **state)
{
    struct accept_case c = {
        .code = { store(PX_OP_SW, 6, 4, 10), load(PX_OP_LWU, 5, 4, 11), load(PX_OP_LWU, 7, -2048, 12),
                  halt() },
        .gas = GAS,
        .in = { { 10, ALIAS + DATA }, { 11, DATA }, { 12, (UINT64_C(7) << 32) + DATA + 2052 }, { 6, VALUE } },
        .maps = { zero(DATA, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + FIRST_WRITE + CALL,
        .count = 4,
        .out = { { 5, 0x85868788 }, { 7, 0x85868788 } },
        .stored = { stored(DATA + 4, 4, 0x85868788) },
    };
    accept_check(*state, &c);
    faults(*state, store(PX_OP_SD, 6, 0, 10), ALIAS + DATA + PAGE - 4, zero(DATA, PAGE), DATA + PAGE);
    faults(*state, load(PX_OP_LD, 5, 16, 10), UINT64_MAX - 15, zero(DATA, PAGE), 0);
}

static void the_last_bytes_of_the_space_are_memory_like_any_other(void **state)
{
    struct accept_case c = {
        .code = { store(PX_OP_SD, 6, -8, 0), load(PX_OP_LB, 5, -1, 0), load(PX_OP_LD, 7, 8, 10), halt() },
        .gas = GAS,
        .in = { { 10, ALIAS + 0xfffffff0 }, { 6, VALUE } },
        .maps = { zero(TOP, PAGE) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + FIRST_WRITE + CALL,
        .count = 4,
        .out = { { 5, UINT64_C(0xffffffffffffff81) }, { 7, VALUE } },
        .stored = { stored(0xfffffff8, 8, VALUE) },
    };
    accept_check(*state, &c);
}

static void an_access_over_the_end_of_the_space_continues_at_page_0_which_faults(void **state)
{
    const struct px_mapping top = zero(TOP, PAGE);
    faults(*state, load(PX_OP_LD, 5, -7, 0), 0, top, 0);
    faults(*state, load(PX_OP_LD, 5, 0, 10), 0xffffffff, top, 0);
    faults(*state, load(PX_OP_LH, 5, 0, 10), ALIAS + 0xffffffff, top, 0);
    faults(*state, load(PX_OP_LW, 5, 1, 10), UINT64_MAX - 2, top, 0);
    faults(*state, store(PX_OP_SD, 6, -4, 0), 0, top, 0);
    faults(*state, store(PX_OP_SW, 6, 0, 10), 0xfffffffd, top, 0);
    faults(*state, load(PX_OP_LD, 5, -4, 0), 0, zero(DATA, PAGE), TOP); /* the first page is asked first */
}

static void content_shorter_than_its_mapping_is_followed_by_zeros(void **state)
{
    /* 20 letters and a NUL: the load at 17 sees "ing", NUL, then the zeros of the tail. */
    struct accept_case c = {
        .code = { load(PX_OP_LD, 5, 17, 10), load(PX_OP_LD, 6, 17, 11), load(PX_OP_LD, 7, 0, 12), halt() },
        .gas = GAS,
        .in = { { 10, DATA }, { 11, DATA + CLUSTER }, { 12, DATA + PAGE } },
        .maps = { cow(DATA, 2 * PAGE, letters, sizeof letters),
                  ro(DATA + CLUSTER, PAGE, letters, sizeof letters) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = NEED + 3 * PAGE_IN + CALL,
        .count = 4,
        .out = { { 5, 0x676e69 }, { 6, 0x676e69 }, { 7, 0 } },
    };
    accept_check(*state, &c);
}

static void loads_extend_as_their_names_say(void **state)
{
    static const uint8_t bytes[] = { 0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81 };
    struct accept_case c = {
        .code = { load(PX_OP_LB, 1, 0, 10), load(PX_OP_LBU, 2, 0, 10), load(PX_OP_LH, 3, 0, 10),
                  load(PX_OP_LHU, 5, 0, 10), load(PX_OP_LW, 6, 0, 10), load(PX_OP_LWU, 7, 0, 10),
                  load(PX_OP_LD, 8, 0, 10), halt() },
        .gas = GAS,
        .in = { { 10, DATA } },
        .maps = { ro(DATA, PAGE, bytes, sizeof bytes) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 32,
        .spent = 47 + PAGE_IN + CALL, /* the load into x3: 25 + 25 */
        .count = 8,
        .out = { { 1, UINT64_C(0xffffffffffffff88) },
                 { 2, 0x88 },
                 { 3, UINT64_C(0xffffffffffff8788) },
                 { 5, 0x8788 },
                 { 6, UINT64_C(0xffffffff85868788) },
                 { 7, 0x85868788 },
                 { 8, VALUE } },
    };
    accept_check(*state, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(the_first_read_of_a_fresh_page_pays_page_in),
        ACCEPT_TEST(the_first_write_pays_page_in_and_copy_and_is_read_back),
        ACCEPT_TEST(a_page_read_then_written_twice_is_copied_once),
        ACCEPT_TEST(a_write_of_what_is_there_already_makes_the_page_dirty),
        ACCEPT_TEST(a_load_into_x0_is_a_full_access),
        ACCEPT_TEST(a_store_over_two_pages_pays_for_both),
        ACCEPT_TEST(a_store_over_a_page_that_was_read_and_a_fresh_one_pays_each_its_due),
        ACCEPT_TEST(a_load_over_the_end_of_a_mapping_faults_and_charges_nothing),
        ACCEPT_TEST(a_load_over_the_start_of_a_mapping_faults_on_the_page_before),
        ACCEPT_TEST(a_store_whose_second_page_is_unmapped_writes_nothing),
        ACCEPT_TEST(a_store_whose_second_page_is_ro_writes_nothing),
        ACCEPT_TEST(a_store_whose_first_page_is_ro_faults_on_it),
        ACCEPT_TEST(a_fault_in_a_block_keeps_what_came_before_and_the_whole_blocks_charge),
        ACCEPT_TEST(addresses_are_taken_mod_2_to_the_32),
        ACCEPT_TEST(the_last_bytes_of_the_space_are_memory_like_any_other),
        ACCEPT_TEST(an_access_over_the_end_of_the_space_continues_at_page_0_which_faults),
        ACCEPT_TEST(content_shorter_than_its_mapping_is_followed_by_zeros),
        ACCEPT_TEST(loads_extend_as_their_names_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
