/*
 * x3 and x4 are ordinary registers that an engine may keep in memory: in every position of every instruction they
 * do what other registers do, and the cost is the only difference.
 */
#include "harness/tests/accept.h"

#include <string.h>

/* Stand-ins for x3 and x4, and the registers of the other positions. */
enum { FOR_X3 = 13, FOR_X4 = 14, RD = 10, RS1 = 11, RS2 = 12 };

static bool in_memory(unsigned x)
{
    return x == 3 || x == 4;
}

static unsigned stand_in(unsigned x)
{
    return x == 3 ? FOR_X3 : x == 4 ? FOR_X4 : x;
}

/* Latencies of ISA.md 7 by class, for a block of the one instruction; memory is added by the caller. */
static const unsigned latencies[PX_GC_CLASS_COUNT] = {
    [PX_GC_MEMORY] = 25, [PX_GC_UPPER] = 1,  [PX_GC_ALU] = 1,   [PX_GC_SHIFT] = 1, [PX_GC_SLT] = 3,
    [PX_GC_ALUW] = 2,    [PX_GC_SHIFTW] = 2, [PX_GC_MUL] = 3,   [PX_GC_MULW] = 4,  [PX_GC_MULH] = 4,
    [PX_GC_MULHSU] = 6,  [PX_GC_DIV] = 60,   [PX_GC_UNARY] = 1, [PX_GC_CTZ] = 2,   [PX_GC_MINMAX] = 3,
    [PX_GC_ANDN] = 2,    [PX_GC_XNOR] = 2,   [PX_GC_CZERO] = 2, [PX_GC_JAL] = 15,  [PX_GC_JALR] = 22,
    [PX_GC_BRANCH] = 20,
};

static uint64_t need(const struct px_insn *in)
{
    unsigned has = px_ops[in->op].regs, mentions = 0;
    mentions += (has & PX_HAS_RD) && in_memory(in->rd);
    mentions += (has & PX_HAS_RS1) && in_memory(in->rs1);
    mentions += (has & PX_HAS_RS2) && in_memory(in->rs2);
    uint64_t last = latencies[px_ops[in->op].gas] + 25 * mentions;
    return last > 4 ? last - 3 : 1;
}

/* Values of x3, x4, rs1's and rs2's other register: addresses for accesses and jalr, else operands. */
static void seed(struct px_image *image, enum px_op op, unsigned set)
{
    static const uint64_t operands[][4] = {
        { UINT64_C(0x8000000000000000), UINT64_MAX, 7, UINT64_C(0x123456789abcdef0) },
        { UINT64_C(0xffffffff80000000), 33, UINT64_C(0x00ff01007f800000), UINT64_C(0x100000000) },
        { 5, 5, 5, 3 },
    };
    static const uint64_t addresses[] = { DATA + 8, DATA + 2044, ALIAS + DATA + 4090, DATA + 4096 };
    static const unsigned registers[] = { 3, 4, RS1, RS2 };
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        image->x[x] = accept_pattern(x);
    for (unsigned i = 0; i < COUNT(registers); i++) {
        uint64_t value = operands[set][i];
        if (px_ops[op].effects & (PX_EFF_LOAD | PX_EFF_STORE))
            value = addresses[i];
        else if (op == PX_OP_JALR)
            value = CODE + 8;
        image->x[registers[i]] = image->x[stand_in(registers[i])] = value;
    }
}

/* 0: the instruction; 4 and 8: exits that tell whether it jumped. */
static void write_code(const struct px_insn *in, uint8_t *code)
{
    const struct px_insn program[] = { *in, ecalli(4), ecalli(8) };
    for (size_t i = 0; i < COUNT(program); i++) {
        uint32_t word;
        assert_int_equal(px_encode(&program[i], &word), 4);
        memcpy(code + 4 * i, &word, 4);
    }
}

/* Runs @in on every engine; they agree, and engine 0's outcome and memory come back. */
static struct px_outcome outcome_of(struct run *run, const struct px_insn *in, unsigned set, uint8_t *memory)
{
    static const uint8_t content[] = {
        0x88, 0x97, 0xa6, 0xb5, 0xc4, 0xd3, 0xe2, 0xf1, 0x81, 0x72, 0x63, 0x54
    };
    uint8_t code[12];
    write_code(in, code);
    const struct px_mapping map = cow(DATA, 2 * PAGE, content, sizeof content);
    struct px_image image = {
        .code = code, .code_size = sizeof code, .gas = GAS, .maps = &map, .map_count = 1
    };
    seed(&image, in->op, set);
    struct run_result result;
    struct px_error err;
    accept_route_faults(run->engines, run->count);
    assert_int_equal(run_image(run, &image, true, &result, &err), PX_OK);
    if (result.diff.fields != 0)
        fail_msg("%s x%u, x%u, x%u: engines diverge in %#x", px_ops[in->op].mnemonic, in->rd, in->rs1,
                 in->rs2, result.diff.fields);
    const struct engine *e = &run->engines[0];
    for (uint32_t page = 0; page < 2; page++) {
        uint8_t scratch[PAGE];
        const uint8_t *bytes;
        assert_int_equal(e->ops->read_page(e->instance, DATA / PAGE + page, scratch, &bytes), PX_OK);
        memcpy(memory + (size_t)page * PAGE, bytes, PAGE);
    }
    for (size_t i = 0; i < run->count; i++) {
        const struct px_outcome *out = &result.outcomes[i];
        assert_int_equal(accept_interprets(&run->engines[i]) ? out->interpreted : out->native, 2);
    }
    return result.outcomes[0];
}

/* The same instruction with x3 and x4 and with their stand-ins. */
static void expect_same(struct run *run, struct px_insn in, unsigned set)
{
    uint8_t memories[2][2 * PAGE];
    struct px_insn other = in;
    other.rd = (uint8_t)stand_in(in.rd);
    other.rs1 = (uint8_t)stand_in(in.rs1);
    other.rs2 = (uint8_t)stand_in(in.rs2);
    struct px_outcome a = outcome_of(run, &in, set, memories[0]),
                      b = outcome_of(run, &other, set, memories[1]);
    uint64_t spent_a = GAS - a.gas, spent_b = GAS - b.gas;
    bool same = a.exit == b.exit && a.arg == b.arg && a.pc == b.pc && a.dirty_count == b.dirty_count;
    for (unsigned x = 0; x < PX_REG_COUNT;
         x++) /* what the stand-ins got, x3 and x4 got; nothing else changed */
        same = same && a.x[x] == (in_memory(x)  ? b.x[stand_in(x)]
                                  : x == FOR_X3 ? b.x[3]
                                  : x == FOR_X4 ? b.x[4]
                                                : b.x[x]);
    same = same && spent_a - need(&in) == spent_b - need(&other);
    same = same && memcmp(memories[0], memories[1], sizeof memories[0]) == 0;
    if (!same)
        fail_msg("%s x%u, x%u, x%u of operands %u: not what x%u, x%u, x%u do (spent %d, %d)",
                 px_ops[in.op].mnemonic, in.rd, in.rs1, in.rs2, set, other.rd, other.rs1, other.rs2,
                 (int)spent_a, (int)spent_b);
    /* The cost in itself: touches are what is left, and both have the same. */
    uint64_t touches = spent_a - need(&in) - CALL;
    assert_true(touches % PAGE_IN == 0 && touches <= 2 * FIRST_WRITE);
    assert_true(touches == 0 || (px_ops[in.op].effects & (PX_EFF_LOAD | PX_EFF_STORE)));
}

static int32_t immediate(enum px_format format)
{
    switch (format) {
    case PX_FMT_BRANCH:
    case PX_FMT_JAL:
        return 8;
    case PX_FMT_SH5:
    case PX_FMT_SH6:
        return 4; /* its bits look like x4 where a register field would be */
    case PX_FMT_I:
        return 3;
    case PX_FMT_U:
        return 3 << 15;
    default:
        return 0;
    }
}

static unsigned choose(unsigned own, unsigned pick)
{
    return pick == 0 ? own : pick + 2;
}

/* Every assignment of x3, x4 and the position's own register to the positions that @op has. */
static void expect_every_position(struct run *run, enum px_op op)
{
    enum px_format format = px_ops[op].format;
    unsigned has = px_ops[op].regs;
    for (unsigned pick = 0; pick < 27; pick++) {
        unsigned rd = pick % 3, rs1 = pick / 3 % 3, rs2 = pick / 9;
        if ((!(has & PX_HAS_RD) && rd) || (!(has & PX_HAS_RS1) && rs1) || (!(has & PX_HAS_RS2) && rs2))
            continue;
        struct px_insn in =
            insn(op, has & PX_HAS_RD ? choose(RD, rd) : 0, has & PX_HAS_RS1 ? choose(RS1, rs1) : 0,
                 has & PX_HAS_RS2 ? choose(RS2, rs2) : 0, immediate(format));
        for (unsigned set = 0; set < 3; set++)
            expect_same(run, in, set);
    }
}

static void every_op_takes_x3_and_x4_in_every_position(void **state)
{
    unsigned tried = 0;
    for (unsigned op = 1; op < PX_OP_COUNT; op++) {
        if (px_ops[op].regs == 0)
            continue;
        expect_every_position(*state, op);
        tried++;
    }
    assert_int_equal(tried,
                     PX_OP_COUNT - 1 - 8); /* all but fence, fence.i, ecall, ebreak and the four of Xjar */
}

static void a_load_through_x3_into_x3_that_faults_leaves_it(void **state)
{
    struct accept_case c = {
        .code = { load(PX_OP_LD, 3, 0, 3), halt() },
        .gas = GAS,
        .in = { { 3, DATA } },
        .exit = PX_EXIT_PAGE_FAULT,
        .arg = DATA,
        .spent = 75 - 3,
        .count = 1,
    };
    accept_check(*state, &c);
}

static void host_calls_leave_x3_and_x4_alone(void **state)
{
    struct accept_case c = {
        .code = { ri(PX_OP_ADDI, 3, 3, 1), ecalli(1), rr(PX_OP_ADD, 4, 3, 4), halt() },
        .gas = GAS,
        .in = { { 3, 30 }, { 4, 40 }, { 10, 3 }, { 11, 4 } },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 16,
        .spent = (1 + 50 - 3) + (CALL + 64) + (1 + 75 - 3) + CALL,
        .count = 4,
        .out = { { 3, 31 }, { 4, 71 }, { 10, 81 } },
    };
    accept_check(*state, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(every_op_takes_x3_and_x4_in_every_position),
        ACCEPT_TEST(a_load_through_x3_into_x3_that_faults_leaves_it),
        ACCEPT_TEST(host_calls_leave_x3_and_x4_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
