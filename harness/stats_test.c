/*
 * What stats counts, on programs small enough to count by hand; then what the default generator must reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "generators/generator.h"
#include "harness/stats.h"

enum { ZERO_MAP = 0x10000000, RO_MAP = 0x10200000 };

struct world {
    struct stats *stats;
    struct px_program program;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(stats_create(&w->stats, NULL), PX_OK);
    px_program_init(&w->program);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    px_program_fini(&w->program);
    stats_destroy(w->stats);
    free(w);
    return 0;
}

/* An empty program with gas for anything, four writable pages and one that is read-only. */
static void begin(struct world *w)
{
    px_program_clear(&w->program);
    w->program.gas = 1000000;
    assert_int_equal(px_program_map(&w->program, ZERO_MAP, 0x4000, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_program_map(&w->program, RO_MAP, 0x1000, PX_MAP_RO, NULL, 0), PX_OK);
}

static void put(struct world *w, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct px_insn insn = {
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
    assert_int_equal(px_program_emit(&w->program, &insn), PX_OK);
}

static void half(struct world *w, uint16_t bits)
{
    assert_int_equal(px_program_append(&w->program, &bits, sizeof bits), PX_OK);
}

static const struct stats_counts *run(struct world *w)
{
    assert_int_equal(stats_run(w->stats, &w->program, NULL), PX_OK);
    return stats_get(w->stats);
}

static const struct stats_counts *halt(struct world *w)
{
    put(w, PX_OP_ECALLI, 0, 0, 0, 0);
    return run(w);
}

static void nothing_counted_gives_zeros(void **state)
{
    const struct stats_counts *counts = stats_get(((struct world *)*state)->stats);
    assert_int_equal(counts->programs, 0);
    assert_true(stats_mean(&counts->static_length) == 0);
    assert_int_equal(stats_percentile(&counts->static_length, 50), 0);
    assert_int_equal(stats_pairs_seen(counts), 0);
}

/* One instruction, one way to end. */
static void end_with(struct world *w, enum px_op last, unsigned rs1, int32_t imm)
{
    begin(w);
    put(w, last, 0, rs1, 0, imm);
    run(w);
}

static void every_exit_is_counted_as_itself(void **state)
{
    struct world *w = *state;
    end_with(w, PX_OP_ECALLI, 0, 0);
    end_with(w, PX_OP_ECALLI, 0, -7);
    end_with(w, PX_OP_ECALL_JAR, 0, 0);
    end_with(w, PX_OP_TRAP, 0, 0);
    end_with(w, PX_OP_EBREAK, 0, 0);
    end_with(w, PX_OP_JAL, 0, 2);
    end_with(w, PX_OP_FALLTHROUGH, 0, 0);
    end_with(w, PX_OP_LB, 0, 0);
    begin(w);
    half(w, 0);
    run(w);
    begin(w);
    w->program.entry_pc = 2;
    halt(w);
    begin(w);
    w->program.x[12] = (1 << 20) + 1;
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_FILL);
    run(w);
    begin(w);
    w->program.gas = 99;
    const struct stats_counts *counts = halt(w);

    static const uint64_t exits[PX_EXIT_COUNT] = {
        [PX_EXIT_HOSTCALL] = 2, [PX_EXIT_MANAGE] = 1,     [PX_EXIT_TRAP] = 1,
        [PX_EXIT_PANIC] = 6,    [PX_EXIT_PAGE_FAULT] = 1, [PX_EXIT_OUT_OF_GAS] = 1,
    };
    static const uint64_t panics[PX_PANIC_COUNT] = { 1, 1, 1, 1, 1, 1 };
    assert_memory_equal(counts->exits, exits, sizeof exits);
    assert_memory_equal(counts->panics, panics, sizeof panics);
    assert_int_equal(counts->programs, 12);
    assert_int_equal(stats_intended(counts), 4);
}

/* Counts down from @times: 2 + 2 * @times instructions begun, of 4. */
static const struct stats_counts *count_down(struct world *w, int32_t times)
{
    begin(w);
    put(w, PX_OP_ADDI, 5, 0, 0, times);
    put(w, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    put(w, PX_OP_ADDI, 5, 5, 0, -1);
    put(w, PX_OP_BNE, 0, 5, 0, -4);
    return halt(w);
}

static void lengths_are_those_of_the_sweep_and_of_the_run(void **state)
{
    struct world *w = *state;
    begin(w);
    put(w, PX_OP_TRAP, 0, 0, 0, 0);
    half(w, 0x0001);
    half(w, 0x0013); /* half an instruction: one more in the sweep */
    run(w);
    const struct stats_counts *counts = count_down(w, 10);
    assert_int_equal(counts->static_length.sum, 3 + 5);
    assert_int_equal(counts->static_length.max, 5);
    assert_int_equal(counts->dynamic_length.sum, 1 + 23);
    assert_int_equal(counts->dynamic_length.max, 23);
    assert_int_equal(counts->instructions, 24);
    assert_true(stats_mean(&counts->static_length) == 4);
}

static void percentiles_are_exact_when_small_and_close_when_large(void **state)
{
    struct world *w = *state;
    const struct stats_counts *counts = stats_get(w->stats);
    for (int32_t times = 1; times <= 100; times++)
        count_down(w, times);
    assert_int_equal(stats_percentile(&counts->dynamic_length, 1), 3 + 2);
    assert_int_equal(stats_percentile(&counts->dynamic_length, 50), 3 + 2 * 50);
    assert_int_equal(stats_percentile(&counts->dynamic_length, 90), 3 + 2 * 90);
    assert_int_equal(stats_percentile(&counts->dynamic_length, 100), 3 + 2 * 100);
    for (int32_t i = 0; i < 900; i++)
        count_down(w, 2000);
    uint64_t median = stats_percentile(&counts->dynamic_length, 50);
    assert_int_equal(counts->dynamic_length.max, 4003);
    assert_in_range(median, 4003 - 4003 / 256, 4003);
}

static void ops_rows_and_pairs_are_what_was_begun(void **state)
{
    struct world *w = *state;
    begin(w);
    put(w, PX_OP_BEQ, 0, 0, 0, 8);
    put(w, PX_OP_TRAP, 0, 0, 0, 0); /* jumped over */
    half(w, 0x0001);               /* c.nop */
    put(w, PX_OP_XOR, 5, 6, 7, 0);
    half(w, 0x0001);
    const struct stats_counts *counts = halt(w);
    for (unsigned i = 0; i < PX_OP_COUNT; i++) {
        uint64_t want = i == PX_OP_ADDI ? 2 : i == PX_OP_BEQ || i == PX_OP_XOR || i == PX_OP_ECALLI ? 1 : 0;
        assert_int_equal(counts->ops[i], want);
    }
    for (unsigned i = 0; i < PX_C_COUNT; i++)
        assert_int_equal(counts->rows[i], i == PX_C_NOP ? 2 : 0);
    assert_int_equal(stats_pairs_seen(counts), 4);
    assert_int_equal(counts->pairs[PX_OP_BEQ][PX_OP_ADDI], 1);
    assert_int_equal(counts->pairs[PX_OP_ADDI][PX_OP_XOR], 1);
    assert_int_equal(counts->pairs[PX_OP_XOR][PX_OP_ADDI], 1);
    assert_int_equal(counts->pairs[PX_OP_ADDI][PX_OP_ECALLI], 1);
}

static void one_program_ends_no_pair_that_the_next_begins(void **state)
{
    struct world *w = *state;
    end_with(w, PX_OP_TRAP, 0, 0);
    end_with(w, PX_OP_TRAP, 0, 0);
    assert_int_equal(stats_pairs_seen(stats_get(w->stats)), 0);
    assert_int_equal(stats_pairs_possible(), 108 * 112);
}

/* Bit i: alias i was seen of @op. */
static unsigned aliases_of(const struct stats_counts *counts, enum px_op op)
{
    unsigned seen = 0;
    for (unsigned alias = 0; alias < STATS_ALIAS_COUNT; alias++)
        seen |= (unsigned)stats_alias_seen(counts, op, alias) << alias;
    return seen;
}

static void aliases_are_those_of_the_positions_that_a_format_has(void **state)
{
    enum { RD_RS1 = 1, RD_RS2 = 2, RS1_RS2 = 4, X0 = 8, X3_X4 = 16 };
    struct world *w = *state;
    begin(w);
    put(w, PX_OP_ADD, 5, 6, 7, 0);
    put(w, PX_OP_SUB, 5, 5, 7, 0);
    put(w, PX_OP_AND, 5, 6, 5, 0);
    put(w, PX_OP_OR, 5, 6, 6, 0);
    put(w, PX_OP_XOR, 0, 6, 7, 0);
    put(w, PX_OP_SLL, 5, 6, 4, 0);
    put(w, PX_OP_SRL, 3, 0, 3, 0);
    put(w, PX_OP_CLZ, 5, 6, 0, 0);  /* no rs2: no x0 */
    put(w, PX_OP_LUI, 5, 0, 0, 0);  /* rd alone */
    put(w, PX_OP_AUIPC, 0, 0, 0, 0);
    put(w, PX_OP_ADDI, 8, 8, 0, 3); /* an immediate of 3 is no register */
    put(w, PX_OP_BNE, 0, 6, 6, 4);
    put(w, PX_OP_FENCE, 0, 0, 0, 0);
    const struct stats_counts *counts = halt(w);
    assert_int_equal(aliases_of(counts, PX_OP_ADD), 0);
    assert_int_equal(aliases_of(counts, PX_OP_SUB), RD_RS1);
    assert_int_equal(aliases_of(counts, PX_OP_AND), RD_RS2);
    assert_int_equal(aliases_of(counts, PX_OP_OR), RS1_RS2);
    assert_int_equal(aliases_of(counts, PX_OP_XOR), X0);
    assert_int_equal(aliases_of(counts, PX_OP_SLL), X3_X4);
    assert_int_equal(aliases_of(counts, PX_OP_SRL), RD_RS2 | X0 | X3_X4);
    assert_int_equal(aliases_of(counts, PX_OP_CLZ), 0);
    assert_int_equal(aliases_of(counts, PX_OP_LUI), 0);
    assert_int_equal(aliases_of(counts, PX_OP_AUIPC), X0);
    assert_int_equal(aliases_of(counts, PX_OP_ADDI), RD_RS1);
    assert_int_equal(aliases_of(counts, PX_OP_BNE), RS1_RS2);
    assert_int_equal(aliases_of(counts, PX_OP_FENCE), 0);
    assert_int_equal(aliases_of(counts, PX_OP_ECALLI), 0);
}

static void values_of_sources_fall_into_their_classes(void **state)
{
    static const struct {
        uint64_t value;
        enum stats_value class;
    } values[] = {
        { 1, STATS_VALUE_ONE },
        { UINT64_MAX, STATS_VALUE_MINUS_ONE },
        { 2, STATS_VALUE_SMALL },
        { 0xfff, STATS_VALUE_SMALL },
        { 0x1000, STATS_VALUE_POSITIVE32 },
        { INT32_MAX, STATS_VALUE_POSITIVE32 },
        { (uint64_t)INT32_MIN, STATS_VALUE_INT32_MIN },
        { (uint64_t)INT32_MIN + 1, STATS_VALUE_NEGATIVE32 },
        { UINT64_MAX - 1, STATS_VALUE_NEGATIVE32 },
        { (uint64_t)INT64_MIN, STATS_VALUE_INT64_MIN },
        { INT64_MAX, STATS_VALUE_INT64_MAX },
        { UINT64_C(0x80000000), STATS_VALUE_OTHER },
        { UINT64_MAX << 32, STATS_VALUE_OTHER },
        { (uint64_t)INT32_MIN - 1, STATS_VALUE_OTHER },
        { INT64_MAX - 1, STATS_VALUE_OTHER },
        { (uint64_t)INT64_MIN + 1, STATS_VALUE_OTHER },
    };
    struct world *w = *state;
    uint64_t want[STATS_VALUE_COUNT] = { 0 }, got[STATS_VALUE_COUNT];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        begin(w);
        w->program.x[6] = values[i].value;
        put(w, PX_OP_ADD, 5, 6, 0, 0); /* counts x0 as well */
        put(w, PX_OP_ADDI, 5, 6, 0, 9);
        put(w, PX_OP_LUI, 5, 0, 0, 0); /* reads nothing */
        halt(w);
        want[values[i].class] += 2;
        want[STATS_VALUE_ZERO]++;
        stats_values(stats_get(w->stats), got);
        assert_memory_equal(got, want, sizeof want);
    }
}

static void branches_are_taken_or_not_by_their_condition(void **state)
{
    static const struct {
        uint64_t a, b;
        enum px_op op;
        bool taken;
    } branches[] = {
        { 1, 1, PX_OP_BEQ, true },           { 1, 2, PX_OP_BEQ, false },
        { 1, 2, PX_OP_BNE, true },           { 1, 1, PX_OP_BNE, false },
        { UINT64_MAX, 1, PX_OP_BLT, true },  { 1, UINT64_MAX, PX_OP_BLT, false },
        { 1, 1, PX_OP_BLT, false },          { 1, UINT64_MAX, PX_OP_BGE, true },
        { 1, 1, PX_OP_BGE, true },           { UINT64_MAX, 1, PX_OP_BGE, false },
        { 1, UINT64_MAX, PX_OP_BLTU, true }, { UINT64_MAX, 1, PX_OP_BLTU, false },
        { 1, 1, PX_OP_BLTU, false },         { UINT64_MAX, 1, PX_OP_BGEU, true },
        { 1, 1, PX_OP_BGEU, true },          { 1, UINT64_MAX, PX_OP_BGEU, false },
    };
    struct world *w = *state;
    uint64_t want[PX_OP_COUNT][2] = { { 0 } }, forward = 0;
    for (size_t i = 0; i < sizeof branches / sizeof branches[0]; i++) {
        begin(w);
        w->program.x[5] = branches[i].a;
        w->program.x[6] = branches[i].b;
        put(w, branches[i].op, 0, 5, 6, 4); /* goes on at the same place either way */
        const struct stats_counts *counts = halt(w);
        want[branches[i].op][branches[i].taken]++;
        forward += branches[i].taken;
        assert_memory_equal(counts->branches, want, sizeof want);
        assert_int_equal(counts->jumps[STATS_JUMP_BRANCH][STATS_TARGET_FORWARD], forward);
    }
}

/* A jump of kind @jump from offset 8 by @distance, over code with block starts at 0, 4, 8, 12 and 22. */
static void jump_by(struct world *w, enum stats_jump jump, int32_t distance)
{
    begin(w);
    w->program.entry_pc = 8;
    w->program.x[5] = PX_CODE_BASE + 8 + UINT64_C(0xffffffff00000001); /* what is odd or high is dropped */
    put(w, PX_OP_TRAP, 0, 0, 0, 0);
    put(w, PX_OP_TRAP, 0, 0, 0, 0);
    if (jump == STATS_JUMP_BRANCH)
        put(w, PX_OP_BEQ, 0, 5, 5, distance);
    else if (jump == STATS_JUMP_JAL)
        put(w, PX_OP_JAL, 5, 0, 0, distance);
    else
        put(w, PX_OP_JALR, 5, 5, 0, distance);
    put(w, PX_OP_ADD, 5, 6, 7, 0);
    half(w, 0x0001);
    put(w, PX_OP_TRAP, 0, 0, 0, 0);
    put(w, PX_OP_TRAP, 0, 0, 0, 0);
    run(w);
}

static void jumps_are_counted_by_where_they_go(void **state)
{
    static const struct {
        int32_t distance;
        enum stats_target target;
    } jumps[] = {
        { 4, STATS_TARGET_FORWARD },   { 14, STATS_TARGET_FORWARD },  { -4, STATS_TARGET_BACKWARD },
        { -8, STATS_TARGET_BACKWARD }, { 8, STATS_TARGET_MID_BLOCK }, { 10, STATS_TARGET_MID_BLOCK },
        { 6, STATS_TARGET_MID_INSN },  { -2, STATS_TARGET_MID_INSN }, { 18, STATS_TARGET_OUTSIDE },
        { -10, STATS_TARGET_OUTSIDE },
    };
    struct world *w = *state;
    uint64_t want[STATS_JUMP_COUNT][STATS_TARGET_COUNT] = { { 0 } };
    for (unsigned jump = 0; jump < STATS_JUMP_COUNT; jump++)
        for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
            jump_by(w, jump, jumps[i].distance);
            want[jump][jumps[i].target]++;
            assert_memory_equal(stats_get(w->stats)->jumps, want, sizeof want);
        }
}

static void a_jump_to_itself_goes_backward(void **state)
{
    struct world *w = *state;
    begin(w);
    w->program.gas = 24; /* a jal alone costs 12 */
    put(w, PX_OP_JAL, 0, 0, 0, 0);
    const struct stats_counts *counts = run(w);
    assert_int_equal(counts->exits[PX_EXIT_OUT_OF_GAS], 1);
    assert_int_equal(counts->jumps[STATS_JUMP_JAL][STATS_TARGET_BACKWARD], 2);
}

static void expect_pages(const struct world *w, uint64_t touched, uint64_t dirty)
{
    const struct stats_counts *counts = stats_get(w->stats);
    assert_int_equal(counts->touched.sum, touched);
    assert_int_equal(counts->dirty.sum, dirty);
}

static void pages_are_counted_once_however_often_they_are_touched(void **state)
{
    struct world *w = *state;
    begin(w);
    w->program.x[5] = ZERO_MAP;
    w->program.x[6] = RO_MAP;
    w->program.x[7] = ZERO_MAP + 0x2000 - 4;
    put(w, PX_OP_LB, 8, 5, 0, 0);
    put(w, PX_OP_SD, 0, 5, 8, 8);
    put(w, PX_OP_LW, 8, 6, 0, 0);
    put(w, PX_OP_LW, 8, 7, 0, 0);
    expect_pages(w, 0, 0);
    halt(w);
    expect_pages(w, 3, 1);
    begin(w);
    put(w, PX_OP_SD, 0, 7, 8, 0); /* over the edge */
    w->program.x[7] = ZERO_MAP + 0x2000 - 4;
    halt(w);
    expect_pages(w, 3 + 2, 1 + 2);
    assert_int_equal(stats_get(w->stats)->touched.max, 3);
}

static void the_end_of_the_space_is_followed_by_its_start(void **state)
{
    struct world *w = *state;
    begin(w);
    assert_int_equal(px_program_map(&w->program, 0xfffff000, 0x1000, PX_MAP_ZERO, NULL, 0), PX_OK);
    w->program.x[5] = UINT64_MAX;
    put(w, PX_OP_SB, 0, 5, 0, 0);
    put(w, PX_OP_LH, 6, 5, 0, 0); /* page 0 refuses it */
    halt(w);
    expect_pages(w, 1, 1);
}

static void refused_accesses_touch_nothing(void **state)
{
    struct world *w = *state;
    begin(w);
    w->program.x[5] = RO_MAP;
    put(w, PX_OP_SB, 0, 5, 0, 0);
    halt(w);
    begin(w);
    w->program.x[10] = ZERO_MAP;
    w->program.x[11] = 0x2000;
    w->program.gas = 600; /* 100 and 128 and two pages */
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_HASH);
    run(w);
    assert_int_equal(stats_get(w->stats)->exits[PX_EXIT_OUT_OF_GAS], 1);
    begin(w);
    w->program.x[12] = UINT64_MAX;
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_FILL);
    run(w);
    expect_pages(w, 0, 0);
}

static void host_calls_touch_their_range(void **state)
{
    struct world *w = *state;
    begin(w);
    w->program.x[10] = ZERO_MAP + 0xfff;
    w->program.x[11] = 0x1002; /* hash: three pages */
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_HASH);
    halt(w);
    expect_pages(w, 3, 0);
    begin(w);
    w->program.x[10] = ZERO_MAP;
    w->program.x[12] = 0x1000; /* fill: one, and x11 is its byte */
    w->program.x[11] = 0x4000;
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_FILL);
    halt(w);
    expect_pages(w, 3 + 1, 1);
    begin(w);
    w->program.x[10] = ZERO_MAP; /* length 0: none */
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_FILL);
    halt(w);
    expect_pages(w, 3 + 1, 1);
}

static void an_access_counts_although_its_block_is_refused_later(void **state)
{
    struct world *w = *state;
    begin(w);
    w->program.x[5] = ZERO_MAP;
    put(w, PX_OP_LB, 6, 5, 0, 0); /* reserves 500 and pays 250, so its second round is refused */
    put(w, PX_OP_JAL, 0, 0, 0, -4);
    w->program.gas = 700;
    const struct stats_counts *counts = run(w);
    assert_int_equal(counts->exits[PX_EXIT_OUT_OF_GAS], 1);
    assert_int_equal(counts->ops[PX_OP_LB], 1);
    expect_pages(w, 1, 0);
}

static void faults_are_mid_block_unless_first_in_their_block(void **state)
{
    struct world *w = *state;
    begin(w);
    put(w, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    put(w, PX_OP_LB, 0, 0, 0, 0);
    run(w);
    begin(w);
    w->program.x[11] = 1;
    put(w, PX_OP_ADDI, 5, 5, 0, 1);
    put(w, PX_OP_ECALLI, 0, 0, 0, PX_HOSTCALL_HASH); /* starts a block without a terminator before it */
    run(w);
    assert_int_equal(stats_get(w->stats)->exits[PX_EXIT_PAGE_FAULT], 2);
    assert_int_equal(stats_get(w->stats)->mid_block_faults, 0);
    begin(w);
    put(w, PX_OP_ADDI, 5, 5, 0, 1);
    put(w, PX_OP_LB, 0, 0, 0, 0);
    run(w);
    assert_int_equal(stats_get(w->stats)->mid_block_faults, 1);
}

/* FUZZING.md 1 wants it within a million. */
static void mix_reaches_every_exit_opand_alias(void **state)
{
    enum { PROGRAMS = 200000 };
    struct world *w = *state;
    struct px_gen gen;
    assert_int_equal(px_gen_parse("mix", &gen, NULL), PX_OK);
    for (uint64_t i = 0; i < PROGRAMS; i++) {
        assert_int_equal(px_gen_make(&gen, 1, i, &w->program), PX_OK);
        run(w);
    }
    const struct stats_counts *counts = stats_get(w->stats);
    for (unsigned i = 0; i < PX_EXIT_STOPPED; i++) /* from there on no exits of a whole run */
        if (counts->exits[i] == 0)
            fail_msg("no program ends in %s", px_exit_name(i));
    for (unsigned i = 0; i < PX_PANIC_COUNT; i++)
        if (counts->panics[i] == 0)
            fail_msg("no program ends in panic:%s", px_panic_name(i));
    for (unsigned op = 1; op < PX_OP_COUNT; op++) {
        if (counts->ops[op] == 0)
            fail_msg("%s is never begun", px_ops[op].mnemonic);
        for (unsigned alias = 0; alias < STATS_ALIAS_COUNT; alias++)
            if (stats_alias_possible(op, alias) && !stats_alias_seen(counts, op, alias))
                fail_msg("%s is never begun with %s", px_ops[op].mnemonic, stats_alias_name(alias));
    }
    assert_true(stats_intended(counts) * 100 >= counts->programs * 85);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(nothing_counted_gives_zeros),
        TEST(every_exit_is_counted_as_itself),
        TEST(lengths_are_those_of_the_sweep_and_of_the_run),
        TEST(percentiles_are_exact_when_small_and_close_when_large),
        TEST(ops_rows_and_pairs_are_what_was_begun),
        TEST(one_program_ends_no_pair_that_the_next_begins),
        TEST(aliases_are_those_of_the_positions_that_a_format_has),
        TEST(values_of_sources_fall_into_their_classes),
        TEST(branches_are_taken_or_not_by_their_condition),
        TEST(jumps_are_counted_by_where_they_go),
        TEST(a_jump_to_itself_goes_backward),
        TEST(pages_are_counted_once_however_often_they_are_touched),
        TEST(the_end_of_the_space_is_followed_by_its_start),
        TEST(refused_accesses_touch_nothing),
        TEST(host_calls_touch_their_range),
        TEST(an_access_counts_although_its_block_is_refused_later),
        TEST(faults_are_mid_block_unless_first_in_their_block),
        TEST(mix_reaches_every_exit_opand_alias),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
