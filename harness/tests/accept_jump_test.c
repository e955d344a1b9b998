/* Where control may go: block starts, targets, entries, the end of the code (ISA.md 3, 4, 6). */
#include "harness/tests/accept.h"

/* Needs of blocks of one jump: 20, 15, 22, each less 3. */
enum { BRANCH = 17, JAL = 12, JALR = 19 };

/*
 * The jump under test and where it may land. 0: the jump, 4: a block start, 8: the middle of its block, 12: a
 * block start, 16: the end of the code.
 */
static struct accept_case landing(struct px_insn jump, const char *name)
{
    return (struct accept_case){
        .name = name,
        .code = { jump, ri(PX_OP_ADDI, 5, 5, 1), ri(PX_OP_ADDI, 6, 6, 1), halt() },
        .gas = GAS,
        .in = { { 5, 50 }, { 6, 60 } },
    };
}

/* The jump lands on 12 and the program halts. */
static void lands(struct run *run, struct accept_case c, uint64_t need, struct accept_reg link)
{
    c.exit = PX_EXIT_HOSTCALL;
    c.pc = 16;
    c.spent = need + CALL;
    c.count = 2;
    c.out[0] = link;
    accept_check(run, &c);
}

/* The jump panics: its own pc, its block's charge, its link. */
static void panics(struct run *run, struct accept_case c, uint64_t need, struct accept_reg link)
{
    c.exit = PX_EXIT_PANIC;
    c.arg = PX_PANIC_BAD_TARGET;
    c.pc = 0;
    c.spent = need;
    c.count = 1;
    c.out[0] = link;
    accept_check(run, &c);
}

static const struct accept_reg no_link = { 0, 0 };

/* The middle of a block, halves of instructions, the end, past it, before the start. */
static const int32_t bad_offsets[] = { 8, 2, 6, 10, 14, 16, 18, 4094, -2, -4, -4096 };

static void a_taken_branch_must_land_on_a_block_start(void **state)
{
    lands(*state, landing(branch(PX_OP_BEQ, 0, 0, 12), "beq +12"), BRANCH, no_link);
    for (size_t i = 0; i < COUNT(bad_offsets); i++) {
        panics(*state, landing(branch(PX_OP_BEQ, 7, 7, bad_offsets[i]), "beq"), BRANCH, no_link);
        panics(*state, landing(branch(PX_OP_BGEU, 7, 0, bad_offsets[i]), "bgeu"), BRANCH, no_link);
    }
}

static void an_untaken_branch_may_aim_anywhere(void **state)
{
    for (size_t i = 0; i < COUNT(bad_offsets); i++) {
        struct accept_case c = landing(branch(PX_OP_BNE, 7, 7, bad_offsets[i]), "bne");
        c.exit = PX_EXIT_HOSTCALL;
        c.pc = 16;
        c.spent = BRANCH + 1 + CALL;
        c.count = 4;
        c.out[0] = (struct accept_reg){ 5, 51 };
        c.out[1] = (struct accept_reg){ 6, 61 };
        accept_check(*state, &c);
    }
}

static void jal_writes_its_link_and_must_land_on_a_block_start(void **state)
{
    static const int32_t far_offsets[] = { 0xffffe, -0x100000 };
    const struct accept_reg link = { 1, CODE + 4 };
    lands(*state, landing(jal(1, 12), "jal +12"), JAL, link);
    lands(*state, landing(jal(0, 12), "jal x0, +12"), JAL, no_link);
    for (size_t i = 0; i < COUNT(bad_offsets); i++)
        panics(*state, landing(jal(1, bad_offsets[i]), "jal"), JAL, link);
    for (size_t i = 0; i < COUNT(far_offsets); i++)
        panics(*state, landing(jal(1, far_offsets[i]), "far jal"), JAL, link);
}

static struct accept_case through_x7(unsigned rd, uint64_t x7, int32_t imm)
{
    struct accept_case c = landing(jalr(rd, imm, 7), "jalr");
    c.in[2] = (struct accept_reg){ 7, x7 };
    return c;
}

static void jalr_reaches_a_block_start_by_any_of_its_addresses(void **state)
{
    static const uint64_t bases[] = { 0, UINT64_C(0x100000000), UINT64_C(0xffffffff00000000), ALIAS };
    const struct accept_reg link = { 1, CODE + 4 };
    for (size_t i = 0; i < COUNT(bases); i++) {
        lands(*state, through_x7(1, bases[i] + CODE + 12, 0), JALR, link);
        lands(*state, through_x7(1, bases[i] + CODE + 13, 0), JALR,
              link); /* the low bit is dropped from the sum */
        lands(*state, through_x7(1, bases[i] + CODE, 13), JALR, link);
        lands(*state, through_x7(1, bases[i] + CODE + 11, 2), JALR, link);
        lands(*state, through_x7(1, bases[i] + CODE + 2060, -2048), JALR, link);
    }
}

static void jalr_elsewhere_panics_after_its_link(void **state)
{
    const struct accept_reg link = { 1, CODE + 4 };
    for (size_t i = 0; i < COUNT(bad_offsets); i++) {
        uint64_t target = CODE + (uint64_t)(int64_t)bad_offsets[i];
        panics(*state, through_x7(1, target, 0), JALR, link);
        panics(*state, through_x7(1, target + 1, 0), JALR, link);
        panics(*state, through_x7(1, ALIAS + target, 0), JALR, link);
    }
    static const uint64_t wild[] = {
        0, 12, CODE - 1, 0x80000000, UINT64_C(0x80000000) + CODE + 12, 0xffffffff, UINT64_MAX
    };
    for (size_t i = 0; i < COUNT(wild); i++)
        panics(*state, through_x7(1, wild[i], 0), JALR, link);
    panics(*state, landing(jalr(1, -2, 0), "jalr x1, -2(x0)"), JALR, link);
}

static void jalr_reads_its_base_before_it_writes_its_link(void **state)
{
    const struct accept_reg link = { 7, CODE + 4 };
    lands(*state, through_x7(7, ALIAS + CODE + 12, 0), JALR, link);
    panics(*state, through_x7(7, CODE + 8, 0), JALR, link);
}

static void short_jumps_land_on_halfwords(void **state)
{
    struct accept_case c = {
        .code = { shrunk(PX_C_J, jal(0, 4)), shrunk(PX_C_BNEZ, branch(PX_OP_BNE, 8, 0, 8)), /* 0, 2 */
                  shrunk(PX_C_JALR, jalr(1, 0, 9)), shrunk(PX_C_NOP, nop()), /* 4, 6: 6 is a block start */
                  halt(), shrunk(PX_C_JR, jalr(0, 0, 1)) }, /* 8, 12 */
        .gas = GAS,
        .in = { { 9, CODE + 12 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 12,
        .spent = JAL + JALR + JALR + 1 + CALL, /* 4 calls 12, which returns to 6 */
        .count = 5,
        .out = { { 1, CODE + 6 } },
    };
    accept_check(*state, &c);
}

static void a_jump_out_of_the_middle_of_a_four_byte_block_start_is_found(void **state)
{
    struct accept_case c = {
        .code = { shrunk(PX_C_J, jal(0, 2)), jal(5, 4), halt() }, /* 0, 2, 6 */
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 10,
        .spent = JAL + JAL + CALL,
        .count = 3,
        .out = { { 5, CODE + 6 } },
    };
    accept_check(*state, &c);
}

static void entering_off_a_block_start_panics_before_any_gas(void **state)
{
    static const uint32_t entries[] = { 1,  2,  3,    5,          8,          10,         14,
                                        16, 17, 4096, 0x80000000, 0xfffffffe, 0xffffffff, CODE };
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct accept_case c = landing(branch(PX_OP_BEQ, 0, 0, 12), "entry");
        c.entry = c.pc = entries[i];
        c.gas = i % 2 ? GAS : 0;
        c.exit = PX_EXIT_PANIC;
        c.arg = PX_PANIC_BAD_ENTRY;
        accept_check(*state, &c);
    }
}

static void any_block_start_may_be_entered(void **state)
{
    struct accept_case c = landing(branch(PX_OP_BEQ, 0, 0, 12), "entry at 4");
    c.exit = PX_EXIT_HOSTCALL;
    c.pc = 16;
    c.entry = 4;
    c.spent = 1 + CALL;
    c.count = 3;
    c.out[0] = (struct accept_reg){ 5, 51 };
    c.out[1] = (struct accept_reg){ 6, 61 };
    accept_check(*state, &c);

    struct accept_case last = landing(branch(PX_OP_BEQ, 0, 0, 12), "entry at 12");
    last.exit = PX_EXIT_HOSTCALL;
    last.pc = 16;
    last.entry = 12;
    last.spent = CALL;
    last.count = 1;
    accept_check(*state, &last);
}

static void empty_code_has_no_entry(void **state)
{
    struct accept_case c = { .gas = 0, .exit = PX_EXIT_PANIC, .arg = PX_PANIC_BAD_ENTRY };
    accept_check(*state, &c);
    c.gas = GAS;
    c.maps[0] = zero(DATA, PAGE);
    accept_check(*state, &c);
    c.entry = c.pc = 4;
    accept_check(*state, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_taken_branch_must_land_on_a_block_start),
        ACCEPT_TEST(an_untaken_branch_may_aim_anywhere),
        ACCEPT_TEST(jal_writes_its_link_and_must_land_on_a_block_start),
        ACCEPT_TEST(jalr_reaches_a_block_start_by_any_of_its_addresses),
        ACCEPT_TEST(jalr_elsewhere_panics_after_its_link),
        ACCEPT_TEST(jalr_reads_its_base_before_it_writes_its_link),
        ACCEPT_TEST(short_jumps_land_on_halfwords),
        ACCEPT_TEST(a_jump_out_of_the_middle_of_a_four_byte_block_start_is_found),
        ACCEPT_TEST(entering_off_a_block_start_panics_before_any_gas),
        ACCEPT_TEST(any_block_start_may_be_entered),
        ACCEPT_TEST(empty_code_has_no_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
