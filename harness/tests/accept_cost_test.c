/* The pipeline model of ISA.md 7: latency and slots of every row of its table, moves, x0, x3 and x4. */
#include "harness/tests/accept.h"

/*
 * An instruction, which writes x5 or nothing from x6, x7 or x10, with its latency and slots. What depends on
 * whether rd is a source has rows for both.
 */
struct row {
    struct px_insn in;
    unsigned cy, dec;
};

static const struct accept_reg seeds[] = { { 6, 3 }, { 7, 2 }, { 10, DATA } };

/* @code goes through to the halt. What it does to x5 is another test's business. */
static void expect_need(struct run *run, const struct px_insn *code, size_t count, uint64_t need,
                        const char *name)
{
    uint8_t bytes[4 * ACCEPT_CODE_MAX];
    struct px_mapping map = zero(DATA, PAGE);
    struct px_image image = { .code = bytes, .gas = GAS, .maps = &map, .map_count = 1 };
    for (size_t i = 0; i < COUNT(seeds); i++)
        image.x[seeds[i].x] = seeds[i].value;
    uint64_t touches = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        assert_int_equal(px_encode(&code[i], &word), 4);
        for (unsigned byte = 0; byte < 4; byte++)
            bytes[image.code_size++] = (uint8_t)(word >> (8 * byte));
        if (px_ops[code[i].op].effects & PX_EFF_LOAD)
            touches = touches > PAGE_IN ? touches : PAGE_IN;
        if (px_ops[code[i].op].effects & PX_EFF_STORE)
            touches = FIRST_WRITE;
    }
    struct run_result result;
    struct px_error err;
    accept_route_faults(run->engines, run->count);
    assert_int_equal(run_image(run, &image, true, &result, &err), PX_OK);
    for (size_t i = 0; i < run->count; i++)
        if (result.outcomes[i].exit != PX_EXIT_HOSTCALL ||
            GAS - result.outcomes[i].gas != need + touches + CALL)
            fail_msg("%s on %s: spent %d, expected %d", name, engine_spec(&run->engines[i]),
                     (int)(GAS - result.outcomes[i].gas), (int)(need + touches + CALL));
    assert_int_equal(result.diff.fields, 0);
}

/* `op; bne x5, x5`: the branch waits for what op makes. */
static void expect_latency(struct run *run, const struct row *row)
{
    const struct px_insn code[] = { row->in, branch(PX_OP_BNE, 5, 5, 4), halt() };
    unsigned ready = row->in.rd == 5 ? row->cy : 0;
    unsigned done = ready + 20 > row->cy ? ready + 20 : row->cy;
    expect_need(run, code, COUNT(code), done - 3, px_ops[row->in.op].mnemonic);
}

/*
 * `nop; op; op; bne x0, x0` and the same with three ops: the cycles of the branch and of the last op tell 1, 2, 3
 * and 4 slots apart. The overshoot of a full cycle is not carried over.
 */
static void expect_slots(struct run *run, const struct row *row)
{
    static const unsigned branch_cycle[2][5] = { { 0, 0, 1, 1, 2 }, { 0, 1, 1, 2, 3 } };
    static const unsigned op_cycle[2][5] = { { 0, 0, 0, 1, 1 }, { 0, 0, 1, 1, 2 } };
    for (unsigned more = 0; more < 2; more++) {
        struct px_insn code[6] = { nop(), row->in, row->in, row->in };
        code[3 + more] = branch(PX_OP_BNE, 0, 0, 4);
        code[4 + more] = halt();
        /* A form that reads what it wrote waits for itself. */
        unsigned copies = 2 + more, last = op_cycle[more][row->dec] + row->cy;
        if (row->in.rd == 5 && (row->in.rs1 == 5 || row->in.rs2 == 5))
            last = copies * row->cy > last ? copies * row->cy : last;
        unsigned done = branch_cycle[more][row->dec] + 20;
        done = last > done ? last : done;
        expect_need(run, code, 5 + more, done - 3, px_ops[row->in.op].mnemonic);
    }
}

static void expect_rows(struct run *run, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_latency(run, &rows[i]);
        expect_slots(run, &rows[i]);
    }
}

#define R(op, cy, dec) { rr(PX_OP_##op, 5, 6, 7), cy, dec }
#define RD_IS_RS1(op, cy, dec) { rr(PX_OP_##op, 5, 5, 7), cy, dec }
#define RD_IS_RS2(op, cy, dec) { rr(PX_OP_##op, 5, 6, 5), cy, dec }
#define I(op, cy, dec) { ri(PX_OP_##op, 5, 6, 3), cy, dec }
#define I_RD_IS_RS1(op, cy, dec) { ri(PX_OP_##op, 5, 5, 3), cy, dec }
#define UNARY(op, cy, dec) { ri(PX_OP_##op, 5, 6, 0), cy, dec }

static void loads_stores_and_upper_immediates_cost_as_the_table_says(void **state)
{
    const struct row rows[] = {
        { load(PX_OP_LB, 5, 0, 10), 25, 1 },  { load(PX_OP_LH, 5, 0, 10), 25, 1 },
        { load(PX_OP_LW, 5, 0, 10), 25, 1 },  { load(PX_OP_LD, 5, 0, 10), 25, 1 },
        { load(PX_OP_LBU, 5, 0, 10), 25, 1 }, { load(PX_OP_LHU, 5, 0, 10), 25, 1 },
        { load(PX_OP_LWU, 5, 0, 10), 25, 1 }, { store(PX_OP_SB, 6, 0, 10), 25, 1 },
        { store(PX_OP_SH, 6, 0, 10), 25, 1 }, { store(PX_OP_SW, 6, 0, 10), 25, 1 },
        { store(PX_OP_SD, 6, 0, 10), 25, 1 }, { upper(PX_OP_LUI, 5, 1), 1, 2 },
        { upper(PX_OP_AUIPC, 5, 1), 1, 2 },   { plain(PX_OP_FENCE), 1, 1 },
        { plain(PX_OP_FENCE_I), 1, 1 },
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void one_cycle_arithmetic_takes_one_slot_if_rd_is_a_source_else_two(void **state)
{
    const struct row rows[] = {
        R(ADD, 1, 2),         RD_IS_RS1(ADD, 1, 1),       RD_IS_RS2(ADD, 1, 1), R(SUB, 1, 2),
        RD_IS_RS1(SUB, 1, 1), RD_IS_RS2(SUB, 1, 1),       R(AND, 1, 2),         RD_IS_RS2(AND, 1, 1),
        R(OR, 1, 2),          RD_IS_RS1(OR, 1, 1),        R(XOR, 1, 2),         RD_IS_RS2(XOR, 1, 1),
        I(ADDI, 1, 2),        I_RD_IS_RS1(ADDI, 1, 1),    I(ANDI, 1, 2),        I_RD_IS_RS1(ANDI, 1, 1),
        I(ORI, 1, 2),         I_RD_IS_RS1(ORI, 1, 1),     I(XORI, 1, 2),        I_RD_IS_RS1(XORI, 1, 1),
        I(SLTI, 1, 2),        I_RD_IS_RS1(SLTI, 1, 1),    I(SLTIU, 1, 2),       I_RD_IS_RS1(SLTIU, 1, 1),
        I(SLLI, 1, 2),        I_RD_IS_RS1(SLLI, 1, 1),    I(SRLI, 1, 2),        I_RD_IS_RS1(SRLI, 1, 1),
        I(SRAI, 1, 2),        I_RD_IS_RS1(SRAI, 1, 1),    I(RORI, 1, 2),        I_RD_IS_RS1(RORI, 1, 1),
        R(SH1ADD, 1, 2),      RD_IS_RS2(SH1ADD, 1, 1),    R(SH2ADD, 1, 2),      RD_IS_RS1(SH2ADD, 1, 1),
        R(SH3ADD, 1, 2),      RD_IS_RS2(SH3ADD, 1, 1),    R(ADD_UW, 1, 2),      RD_IS_RS1(ADD_UW, 1, 1),
        R(SH1ADD_UW, 1, 2),   RD_IS_RS2(SH1ADD_UW, 1, 1), R(SH2ADD_UW, 1, 2),   RD_IS_RS1(SH2ADD_UW, 1, 1),
        R(SH3ADD_UW, 1, 2),   RD_IS_RS2(SH3ADD_UW, 1, 1), I(SLLI_UW, 1, 2),     I_RD_IS_RS1(SLLI_UW, 1, 1),
        R(BCLR, 1, 2),        RD_IS_RS2(BCLR, 1, 1),      R(BEXT, 1, 2),        RD_IS_RS1(BEXT, 1, 1),
        R(BINV, 1, 2),        RD_IS_RS2(BINV, 1, 1),      R(BSET, 1, 2),        RD_IS_RS1(BSET, 1, 1),
        I(BCLRI, 1, 2),       I_RD_IS_RS1(BCLRI, 1, 1),   I(BEXTI, 1, 2),       I_RD_IS_RS1(BEXTI, 1, 1),
        I(BINVI, 1, 2),       I_RD_IS_RS1(BINVI, 1, 1),   I(BSETI, 1, 2),       I_RD_IS_RS1(BSETI, 1, 1),
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void variable_shifts_take_fewer_slots_only_when_rd_is_rs1(void **state)
{
    const struct row rows[] = {
        R(SLL, 1, 3),          RD_IS_RS1(SLL, 1, 2),  RD_IS_RS2(SLL, 1, 3),  R(SRL, 1, 3),
        RD_IS_RS1(SRL, 1, 2),  R(SRA, 1, 3),          RD_IS_RS2(SRA, 1, 3),  R(ROL, 1, 3),
        RD_IS_RS1(ROL, 1, 2),  R(ROR, 1, 3),          RD_IS_RS2(ROR, 1, 3),  R(SLLW, 2, 4),
        RD_IS_RS1(SLLW, 2, 3), RD_IS_RS2(SLLW, 2, 4), R(SRLW, 2, 4),         RD_IS_RS1(SRLW, 2, 3),
        R(SRAW, 2, 4),         RD_IS_RS2(SRAW, 2, 4), R(ROLW, 2, 4),         RD_IS_RS1(ROLW, 2, 3),
        R(RORW, 2, 4),         RD_IS_RS1(RORW, 2, 3), RD_IS_RS2(RORW, 2, 4),
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void comparisons_and_word_arithmetic_cost_as_the_table_says(void **state)
{
    const struct row rows[] = {
        R(SLT, 3, 3),
        RD_IS_RS1(SLT, 3, 3),
        R(SLTU, 3, 3),
        RD_IS_RS2(SLTU, 3, 3),
        R(ADDW, 2, 3),
        RD_IS_RS1(ADDW, 2, 2),
        RD_IS_RS2(ADDW, 2, 2),
        R(SUBW, 2, 3),
        RD_IS_RS2(SUBW, 2, 2),
        I(ADDIW, 2, 3),
        I_RD_IS_RS1(ADDIW, 2, 2),
        I(SLLIW, 2, 3),
        I_RD_IS_RS1(SLLIW, 2, 2),
        I(SRLIW, 2, 3),
        I_RD_IS_RS1(SRLIW, 2, 2),
        I(SRAIW, 2, 3),
        I_RD_IS_RS1(SRAIW, 2, 2),
        I(RORIW, 2, 3),
        I_RD_IS_RS1(RORIW, 2, 2),
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void multiplication_and_division_cost_as_the_table_says(void **state)
{
    const struct row rows[] = {
        R(MUL, 3, 2),          RD_IS_RS1(MUL, 3, 1),   RD_IS_RS2(MUL, 3, 1), R(MULW, 4, 3),
        RD_IS_RS1(MULW, 4, 2), RD_IS_RS2(MULW, 4, 2),  R(MULH, 4, 4),        RD_IS_RS1(MULH, 4, 4),
        R(MULHU, 4, 4),        RD_IS_RS2(MULHU, 4, 4), R(MULHSU, 6, 4),      RD_IS_RS1(MULHSU, 6, 4),
        R(DIV, 60, 4),         RD_IS_RS1(DIV, 60, 4),  R(DIVU, 60, 4),       R(REM, 60, 4),
        RD_IS_RS2(REM, 60, 4), R(REMU, 60, 4),         R(DIVW, 60, 4),       R(DIVUW, 60, 4),
        R(REMW, 60, 4),        R(REMUW, 60, 4),
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void bit_manipulation_costs_as_the_table_says(void **state)
{
    const struct row rows[] = {
        UNARY(CLZ, 1, 1),
        UNARY(CLZW, 1, 1),
        UNARY(CPOP, 1, 1),
        UNARY(CPOPW, 1, 1),
        UNARY(SEXT_B, 1, 1),
        UNARY(SEXT_H, 1, 1),
        UNARY(ZEXT_H, 1, 1),
        UNARY(REV8, 1, 1),
        UNARY(ORC_B, 1, 1),
        UNARY(CTZ, 2, 1),
        UNARY(CTZW, 2, 1),
        R(MIN, 3, 3),
        RD_IS_RS1(MIN, 3, 2),
        RD_IS_RS2(MINU, 3, 2),
        R(MINU, 3, 3),
        R(MAX, 3, 3),
        RD_IS_RS2(MAX, 3, 2),
        R(MAXU, 3, 3),
        RD_IS_RS1(MAXU, 3, 2),
        R(ANDN, 2, 3),
        RD_IS_RS1(ANDN, 2, 3),
        RD_IS_RS2(ANDN, 2, 3),
        R(ORN, 2, 3),
        RD_IS_RS1(ORN, 2, 3),
        R(XNOR, 2, 3),
        RD_IS_RS1(XNOR, 2, 2),
        RD_IS_RS2(XNOR, 2, 2),
        R(CZERO_EQZ, 2, 2),
        RD_IS_RS1(CZERO_EQZ, 2, 2),
        R(CZERO_NEZ, 2, 2),
        RD_IS_RS2(CZERO_NEZ, 2, 2),
    };
    expect_rows(*state, rows, COUNT(rows));
}

static void a_move_renames_and_a_near_move_does_not(void **state)
{
    const struct {
        const char *name;
        struct px_insn move;
        uint64_t need; /* of: lw x5; move; bne x6, x0 */
    } rows[] = {
        { "mv x6, x5", ri(PX_OP_ADDI, 6, 5, 0), 42 }, /* 25 + 20 - 3 */
        { "add x6, x0, x5", rr(PX_OP_ADD, 6, 0, 5), 42 },
        { "add x6, x5, x0", rr(PX_OP_ADD, 6, 5, 0), 43 },
        { "addi x6, x5, 1", ri(PX_OP_ADDI, 6, 5, 1), 43 },
        { "addiw x6, x5, 0", ri(PX_OP_ADDIW, 6, 5, 0), 44 },
        { "ori x6, x5, 0", ri(PX_OP_ORI, 6, 5, 0), 43 },
        { "li x6, 0", ri(PX_OP_ADDI, 6, 0, 0), 22 }, /* waits for nothing: the load is last */
        { "mv x0, x5", ri(PX_OP_ADDI, 0, 5, 0), 23 }, /* an addition, done at 26 */
        { "mv x5, x5", ri(PX_OP_ADDI, 5, 5, 0), 22 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct px_insn code[] = { load(PX_OP_LW, 5, 0, 10), rows[i].move, branch(PX_OP_BNE, 6, 0, 4),
                                        halt() };
        expect_need(*state, code, COUNT(code), rows[i].need, rows[i].name);
    }
}

static void every_mention_of_x3_and_x4_adds_mem_but_in_moves(void **state)
{
    const struct {
        const char *name;
        struct px_insn in;
        uint64_t need; /* of the instruction alone */
    } rows[] = {
        { "add x5, x3, x4", rr(PX_OP_ADD, 5, 3, 4), 1 + 50 - 3 },
        { "add x3, x3, x3", rr(PX_OP_ADD, 3, 3, 3), 1 + 75 - 3 },
        { "add x4, x6, x7", rr(PX_OP_ADD, 4, 6, 7), 1 + 25 - 3 },
        { "slli x5, x6, 3", ri(PX_OP_SLLI, 5, 6, 3), 1 }, /* a shift amount names no register */
        { "sraiw x5, x6, 4", ri(PX_OP_SRAIW, 5, 6, 4), 1 },
        { "lui x3", upper(PX_OP_LUI, 3, 0x18000), 1 + 25 - 3 },
        { "mv x3, x4", ri(PX_OP_ADDI, 3, 4, 0), 1 },
        { "add x4, x0, x3", rr(PX_OP_ADD, 4, 0, 3), 1 },
        { "lw x3, 0(x10)", load(PX_OP_LW, 3, 0, 10), 25 + 25 - 3 },
        { "sw x4, 3(x10)", store(PX_OP_SW, 4, 3, 10), 25 + 25 - 3 },
        { "clz x4, x3", ri(PX_OP_CLZ, 4, 3, 0), 1 + 50 - 3 },
        { "bne x3, x3", branch(PX_OP_BNE, 3, 3, 4), 20 + 50 - 3 },
        { "jal x3", jal(3, 4), 15 + 25 - 3 },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct px_insn code[] = { rows[i].in, halt() };
        expect_need(*state, code, COUNT(code), rows[i].need, rows[i].name);
    }
}

static void x0_never_waits_and_counts_as_a_source_of_x0(void **state)
{
    const struct px_insn division[] = { rr(PX_OP_DIV, 0, 6, 7), branch(PX_OP_BNE, 0, 0, 4), halt() };
    expect_need(*state, division, COUNT(division), 57, "div x0");
    /* Four of them fill a cycle, so rd = rs2 = x0 takes one slot. */
    const struct px_insn adds[] = { rr(PX_OP_ADD, 0, 6, 0),     rr(PX_OP_ADD, 0, 0, 6),
                                    rr(PX_OP_SUB, 0, 6, 0),     ri(PX_OP_ADDI, 0, 0, 9),
                                    branch(PX_OP_BNE, 0, 0, 4), halt() };
    expect_need(*state, adds, COUNT(adds), 18, "add x0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(loads_stores_and_upper_immediates_cost_as_the_table_says),
        ACCEPT_TEST(one_cycle_arithmetic_takes_one_slot_if_rd_is_a_source_else_two),
        ACCEPT_TEST(variable_shifts_take_fewer_slots_only_when_rd_is_rs1),
        ACCEPT_TEST(comparisons_and_word_arithmetic_cost_as_the_table_says),
        ACCEPT_TEST(multiplication_and_division_cost_as_the_table_says),
        ACCEPT_TEST(bit_manipulation_costs_as_the_table_says),
        ACCEPT_TEST(a_move_renames_and_a_near_move_does_not),
        ACCEPT_TEST(every_mention_of_x3_and_x4_adds_mem_but_in_moves),
        ACCEPT_TEST(x0_never_waits_and_counts_as_a_source_of_x0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
