/* How programs end: panics, trap, the end of the code, code that is cut off (ISA.md 3, 4, 6). */
#include "harness/tests/accept.h"

/* @last ends a block behind `addi x5, x5, 1`, which has taken effect. The block needs 1. */
static struct accept_case ends(struct px_insn last, enum px_exit exit, int64_t arg)
{
    return (struct accept_case){
        .code = { ri(PX_OP_ADDI, 5, 5, 1), last, halt() },
        .gas = GAS,
        .in = { { 5, 50 } },
        .exit = exit,
        .arg = arg,
        .pc = 4,
        .spent = 1,
        .count = 2,
        .out = { { 5, 51 } },
    };
}

static void every_exit_inside_a_block_is_at_its_own_instruction(void **state)
{
    const struct {
        struct px_insn last;
        enum px_exit exit;
        int64_t arg;
    } rows[] = {
        { plain(PX_OP_TRAP), PX_EXIT_TRAP, 0 },
        { raw4(0x00000073), PX_EXIT_PANIC, PX_PANIC_ECALL },
        { raw4(0x00100073), PX_EXIT_PANIC, PX_PANIC_ECALL },
        { raw2(0x9002), PX_EXIT_PANIC, PX_PANIC_ECALL },
        { raw2(0x0000), PX_EXIT_PANIC, PX_PANIC_ILLEGAL },
        { raw4(0x00200073), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* SYSTEM otherwise */
        { raw4(0x30200073), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* mret */
        { raw4(0x0000500b), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* custom-0 otherwise */
        { raw4(0x0001000b), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* trap with a bit too many */
        { raw4(0x0000002b), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* custom-1 */
        { raw4(0x0000001f), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* longer encodings */
        { raw4(0x00b50833), PX_EXIT_PANIC, PX_PANIC_ILLEGAL }, /* add x16, x10, x11 */
        { raw4(0x01000013), PX_EXIT_HOSTCALL, 0 },             /* a hint: legal */
    };
    for (size_t i = 0; i + 1 < COUNT(rows); i++) {
        struct accept_case c = ends(rows[i].last, rows[i].exit, rows[i].arg);
        accept_check(*state, &c);
    }
    struct accept_case hint = ends(rows[COUNT(rows) - 1].last, PX_EXIT_HOSTCALL, 0);
    hint.pc = 12;
    hint.spent = 1 + CALL;
    hint.count = 3;
    accept_check(*state, &hint);
}

static void an_exit_behind_an_empty_purse_is_out_of_gas(void **state)
{
    struct accept_case c = ends(raw2(0), PX_EXIT_OUT_OF_GAS, 0);
    c.gas = c.pc = 0;
    c.spent = c.count = 0;
    c.out[0].x = 0;
    accept_check(*state, &c);
    c.gas = 1;
    c.exit = PX_EXIT_PANIC;
    c.arg = PX_PANIC_ILLEGAL;
    c.pc = 4;
    c.spent = 1;
    c.count = 2;
    c.out[0].x = 5;
    accept_check(*state, &c);
}

static void an_illegal_word_that_is_not_reached_does_no_harm(void **state)
{
    struct accept_case c = {
        .code = { jal(0, 12), raw4(0xffffffff), raw4(0x00000073), halt(), raw4(0) },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = 12 + CALL,
        .count = 2,
    };
    accept_check(*state, &c);
}

static void what_follows_an_illegal_word_is_a_block_start(void **state)
{
    struct accept_case c = {
        .code = { jal(0, 10), raw4(0xffffffff), raw2(0), ri(PX_OP_ADDI, 5, 5, 1),
                  halt() }, /* 0, 4, 8, 10, 14 */
        .gas = GAS,
        .in = { { 5, 50 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 18,
        .spent = 12 + 1 + CALL,
        .count = 3,
        .out = { { 5, 51 } },
    };
    accept_check(*state, &c);
}

/* `addi x5, x5, 1`, then @last, then the code ends. */
static void runs_off(struct run *run, struct px_insn last, uint64_t spent)
{
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 5, 5, 1), last },
        .gas = spent, /* the end itself asks for none */
        .in = { { 5, 50 } },
        .exit = PX_EXIT_PANIC,
        .arg = PX_PANIC_END_OF_CODE,
        .pc = 4u + last.len,
        .spent = spent,
        .count = 2,
        .out = { { 5, 51 } },
    };
    accept_check(run, &c);
}

static void running_off_the_end_panics_at_the_code_size_uncharged(void **state)
{
    runs_off(*state, nop(), 1);
    runs_off(*state, shrunk(PX_C_NOP, nop()), 1);
    runs_off(*state, fallthrough(), 1);
    runs_off(*state, branch(PX_OP_BNE, 0, 0, -4), 17);
    runs_off(*state, shrunk(PX_C_BEQZ, branch(PX_OP_BEQ, 8, 0, 4)), 17);
    runs_off(*state, rr(PX_OP_DIV, 0, 0, 0), 57);
}

/* Code whose last instruction lacks @cut bytes. */
static struct accept_case cut_off(struct px_insn last, uint32_t cut)
{
    struct accept_case c = ends(last, PX_EXIT_PANIC, PX_PANIC_ILLEGAL);
    c.code[2].len = 0;
    c.cut = cut;
    return c;
}

static void an_instruction_that_the_code_cuts_off_is_illegal_when_reached(void **state)
{
    for (uint32_t cut = 1; cut < 4; cut++) {
        struct accept_case c = cut_off(ri(PX_OP_ADDI, 6, 6, 1), cut);
        accept_check(*state, &c);
        c = cut_off(halt(), cut); /* no legal ecalli: it starts no block */
        accept_check(*state, &c);
        c.entry = c.pc = 4;
        c.arg = PX_PANIC_BAD_ENTRY;
        c.spent = c.count = 0;
        c.out[0].x = 0;
        accept_check(*state, &c);
    }
    struct accept_case half = cut_off(shrunk(PX_C_NOP, nop()), 1);
    accept_check(*state, &half);
}

static void code_of_one_two_or_three_bytes_is_swept_too(void **state)
{
    for (uint32_t size = 1; size < 4; size++) {
        struct accept_case c = {
            .code = { ri(PX_OP_ADDI, 5, 5, 1) },
            .cut = 4 - size,
            .gas = 1,
            .exit = PX_EXIT_PANIC,
            .arg = PX_PANIC_ILLEGAL,
            .spent = 1,
            .count = 1,
        };
        accept_check(*state, &c);
    }
}

static void a_cut_off_tail_that_is_not_reached_does_no_harm(void **state)
{
    for (uint32_t cut = 1; cut < 4; cut++) {
        struct accept_case c = {
            .code = { ri(PX_OP_ADDI, 5, 5, 1), halt(), ri(PX_OP_ADDI, 6, 6, 1) },
            .cut = cut,
            .gas = GAS,
            .in = { { 5, 50 } },
            .exit = PX_EXIT_HOSTCALL,
            .pc = 8,
            .spent = 1 + CALL,
            .count = 2,
            .out = { { 5, 51 } },
        };
        accept_check(*state, &c);
    }
}

static void a_jump_to_the_cut_off_tail_lands_when_a_terminator_precedes_it(void **state)
{
    for (uint32_t cut = 1; cut < 4; cut++) {
        struct accept_case c = {
            .code = { jal(0, 8), plain(PX_OP_TRAP), ri(PX_OP_ADDI, 6, 6, 1) },
            .cut = cut,
            .gas = GAS,
            .exit = PX_EXIT_PANIC,
            .arg = PX_PANIC_ILLEGAL,
            .pc = 8,
            .spent = 12 + 1,
            .count = 2,
        };
        accept_check(*state, &c);
    }
}

static void a_jump_past_an_odd_end_panics(void **state)
{
    for (uint32_t cut = 1; cut < 4; cut++) {
        struct accept_case c = {
            .code = { jal(1, 12), plain(PX_OP_TRAP), ri(PX_OP_ADDI, 6, 6, 1) },
            .cut = cut,
            .gas = GAS,
            .exit = PX_EXIT_PANIC,
            .arg = PX_PANIC_BAD_TARGET,
            .spent = 12,
            .count = 1,
            .out = { { 1, CODE + 4 } },
        };
        accept_check(*state, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(every_exit_inside_a_block_is_at_its_own_instruction),
        ACCEPT_TEST(an_exit_behind_an_empty_purse_is_out_of_gas),
        ACCEPT_TEST(an_illegal_word_that_is_not_reached_does_no_harm),
        ACCEPT_TEST(what_follows_an_illegal_word_is_a_block_start),
        ACCEPT_TEST(running_off_the_end_panics_at_the_code_size_uncharged),
        ACCEPT_TEST(an_instruction_that_the_code_cuts_off_is_illegal_when_reached),
        ACCEPT_TEST(code_of_one_two_or_three_bytes_is_swept_too),
        ACCEPT_TEST(a_cut_off_tail_that_is_not_reached_does_no_harm),
        ACCEPT_TEST(a_jump_to_the_cut_off_tail_lands_when_a_terminator_precedes_it),
        ACCEPT_TEST(a_jump_past_an_odd_end_panics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
