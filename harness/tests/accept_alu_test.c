/* Arithmetic that hosts do differently, and what ISA.md 7 says that it costs. */
#include "harness/tests/accept.h"

#define INT64_LEAST (UINT64_C(1) << 63)
#define MINUS_1 UINT64_MAX

/* One register instruction, then the halt; @spent is the first block's need. */
static struct accept_case one(struct px_insn in, uint64_t need)
{
    return (struct accept_case){
        .name = px_ops[in.op].mnemonic,
        .code = { in, halt() },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 8,
        .spent = need + CALL,
        .count = 2,
    };
}

/* x10 = x8 OP x9, of the division family: max(60, 4) - 3. */
static void divides(struct run *run, enum px_op op, uint64_t dividend, uint64_t divisor, uint64_t result)
{
    struct accept_case c = one(rr(op, 10, 8, 9), 57);
    c.in[0] = (struct accept_reg){ 8, dividend };
    c.in[1] = (struct accept_reg){ 9, divisor };
    c.out[0] = (struct accept_reg){ 10, result };
    accept_check(run, &c);
}

static void div_of_the_least_integer_by_minus_one_gives_it_back(void **state)
{
    divides(*state, PX_OP_DIV, INT64_LEAST, MINUS_1, INT64_LEAST);
    divides(*state, PX_OP_REM, INT64_LEAST, MINUS_1, 0);
}

static void divw_of_the_least_word_by_minus_one_gives_it_back(void **state)
{
    divides(*state, PX_OP_DIVW, 0x80000000, 0xffffffff, UINT64_C(0xffffffff80000000));
    divides(*state, PX_OP_DIVW, UINT64_C(0x7777777780000000), MINUS_1, UINT64_C(0xffffffff80000000));
    divides(*state, PX_OP_REMW, UINT64_C(0x7777777780000000), MINUS_1, 0);
}

static void division_by_zero_gives_all_ones_and_the_dividend_remains(void **state)
{
    divides(*state, PX_OP_DIV, 77, 0, UINT64_MAX);
    divides(*state, PX_OP_DIVU, 77, 0, UINT64_MAX);
    divides(*state, PX_OP_REM, INT64_LEAST, 0, INT64_LEAST);
    divides(*state, PX_OP_REMU, MINUS_1, 0, MINUS_1);
}

/* Only the low half counts: a 64-bit test for zero would divide by 0 on the host. */
static void word_division_looks_at_the_low_half_of_the_divisor_alone(void **state)
{
    static const uint64_t divisors[] = { 0, UINT64_C(0x100000000), UINT64_C(0xffffffff00000000),
                                         INT64_LEAST };
    const uint64_t dividend = UINT64_C(0x12345678fedcba98), low = UINT64_C(0xfffffffffedcba98);
    for (size_t i = 0; i < COUNT(divisors); i++) {
        divides(*state, PX_OP_DIVW, dividend, divisors[i], UINT64_MAX);
        divides(*state, PX_OP_DIVUW, dividend, divisors[i], UINT64_MAX);
        divides(*state, PX_OP_REMW, dividend, divisors[i], low);
        divides(*state, PX_OP_REMUW, dividend, divisors[i], low);
    }
}

static void word_division_looks_at_the_low_half_of_the_dividend_alone(void **state)
{
    divides(*state, PX_OP_DIVW, UINT64_C(0x7fffffff00000064), UINT64_C(0x5500000007), 14);
    divides(*state, PX_OP_REMW, UINT64_C(0x7fffffffffffff9c), UINT64_C(0x5500000007), (uint64_t)INT64_C(-2));
    divides(*state, PX_OP_DIVUW, UINT64_C(0x1fffffffe), UINT64_C(0xf00000001), (uint64_t)INT64_C(-2));
    divides(*state, PX_OP_REMUW, UINT64_C(0x1fffffffe), UINT64_C(0xf000fffff), 4094);
}

/* rd = rs1 OP rs2 over @in, costing @need. */
static void computes(struct run *run, struct px_insn in, uint64_t a, uint64_t b, uint64_t result,
                     uint64_t need)
{
    struct accept_case c = one(in, need);
    c.in[0] =
        (struct accept_reg){ in.rs2, b }; /* x0 ends the list: formats without rs2 leave a to stand alone */
    c.in[in.rs2 != 0] = (struct accept_reg){ in.rs1, a };
    c.out[0] = (struct accept_reg){ in.rd, result };
    accept_check(run, &c);
}

/* The host's variable shift wants one fixed register for the count, whichever the guest names. */
static void word_shifts_into_x15_change_nothing_else(void **state)
{
    const uint64_t a = UINT64_C(0xdeadbeef80000003);
    computes(*state, rr(PX_OP_SLLW, 15, 10, 11), a, 30, UINT64_C(0xffffffffc0000000), 1);
    computes(*state, rr(PX_OP_SLLW, 15, 15, 11), a, UINT64_C(0xffffffe1), 6, 1);
    computes(*state, rr(PX_OP_SLLW, 15, 10, 15), a, 32, UINT64_C(0xffffffff80000003), 1);
    computes(*state, rr(PX_OP_SRLW, 15, 12, 1), a, 31, 1, 1);
    computes(*state, rr(PX_OP_SRAW, 15, 12, 1), a, 31, MINUS_1, 1);
}

static void sra_by_x15_into_x15_takes_its_count_before_it_writes(void **state)
{
    computes(*state, rr(PX_OP_SRA, 15, 2, 15), INT64_LEAST, 63, MINUS_1, 1);
    computes(*state, rr(PX_OP_SRA, 15, 2, 15), INT64_LEAST, 64, INT64_LEAST, 1);
    computes(*state, rr(PX_OP_SRL, 15, 2, 15), INT64_LEAST, UINT64_C(0xffffffffffffffc1), INT64_LEAST >> 1,
             1);
    computes(*state, rr(PX_OP_SLL, 15, 2, 15), 3, 62, UINT64_C(0xc000000000000000), 1);
}

static void orc_b_fills_every_byte_that_is_not_zero(void **state)
{
    static const uint64_t rows[][2] = {
        { UINT64_C(0x0001008000ff7f00), UINT64_C(0x00ff00ff00ffff00) },
        { UINT64_C(0x8000000000000001), UINT64_C(0xff000000000000ff) },
        { UINT64_C(0x1000000000100000), UINT64_C(0xff00000000ff0000) },
        { UINT64_C(0x0100010001000100), UINT64_C(0xff00ff00ff00ff00) },
        { UINT64_C(0x0180ff407f020408), UINT64_MAX },
        { 0, 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        computes(*state, ri(PX_OP_ORC_B, 10, 11, 0), rows[i][0], 0, rows[i][1], 1);
}

static void slli_uw_by_32_and_more_moves_the_low_half_up(void **state)
{
    const uint64_t a = UINT64_C(0xffffffff80000003);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 11, 0), a, 0, 0x80000003, 1);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 11, 31), a, 0, UINT64_C(0x4000000180000000), 1);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 11, 32), a, 0, UINT64_C(0x8000000300000000), 1);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 11, 33), a, 0, UINT64_C(0x0000000600000000), 1);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 11, 63), a, 0, UINT64_C(0x8000000000000000), 1);
    computes(*state, ri(PX_OP_SLLI_UW, 10, 10, 63), 2, 0, 0, 1);
}

static void a_register_instruction_into_x0_changes_nothing_and_costs_the_same(void **state)
{
    accept_check(*state, &(struct accept_case){
                             .code = { rr(PX_OP_DIV, 0, 8, 9), rr(PX_OP_MULHU, 0, 8, 9), halt() },
                             .gas = GAS,
                             .in = { { 8, 100 }, { 9, 0 } },
                             .exit = PX_EXIT_HOSTCALL,
                             .pc = 12,
                             .spent = 57 + CALL,
                             .count = 3,
                         });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(div_of_the_least_integer_by_minus_one_gives_it_back),
        ACCEPT_TEST(divw_of_the_least_word_by_minus_one_gives_it_back),
        ACCEPT_TEST(division_by_zero_gives_all_ones_and_the_dividend_remains),
        ACCEPT_TEST(word_division_looks_at_the_low_half_of_the_divisor_alone),
        ACCEPT_TEST(word_division_looks_at_the_low_half_of_the_dividend_alone),
        ACCEPT_TEST(word_shifts_into_x15_change_nothing_else),
        ACCEPT_TEST(sra_by_x15_into_x15_takes_its_count_before_it_writes),
        ACCEPT_TEST(orc_b_fills_every_byte_that_is_not_zero),
        ACCEPT_TEST(slli_uw_by_32_and_more_moves_the_low_half_up),
        ACCEPT_TEST(a_register_instruction_into_x0_changes_nothing_and_costs_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
