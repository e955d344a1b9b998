/*
 * The fused interpreter's handlers of sequences: each of them, over random operands in the form that it is for, does what
 * its instructions do one by one on the reference engine, faults in the middle included.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vm/fused/kinds.h"
#include "vm/fused/unit.h"
#include "generators/operands.h"
#include "harness/tests/accept.h"

enum {
    STEPS_MAX = 4,
    TRIES = 1500, /* programs for each sequence */
};

struct sequence {
    enum fused_kind kind;
    unsigned steps;
    enum fused_kind kinds[STEPS_MAX];
    unsigned forms[STEPS_MAX];
    const char *name;
};

static const struct sequence sequences[] = {
#define FUSED_2(a, b, f) { FUSED_##a##_##b##f, 2, { FUSED_##a, FUSED_##b }, { 0, f }, #a " " #b ":" #f },
#define FUSED_3(a, b, f, c, g)                                                                               \
    { FUSED_##a##_##b##f##_##c##g,                                                                           \
      3,                                                                                                     \
      { FUSED_##a, FUSED_##b, FUSED_##c },                                                                   \
      { 0, f, g },                                                                                           \
      #a " " #b ":" #f " " #c ":" #g },
#define FUSED_4(a, b, f, c, g, d, h)                                                                         \
    { FUSED_##a##_##b##f##_##c##g##_##d##h,                                                                  \
      4,                                                                                                     \
      { FUSED_##a, FUSED_##b, FUSED_##c, FUSED_##d },                                                        \
      { 0, f, g, h },                                                                                        \
      #a " " #b ":" #f " " #c ":" #g " " #d ":" #h },
#include "vm/fused/sequences.def"
};

static const struct px_mapping maps[] = {
    { .start = DATA, .size = PAGE, .kind = PX_MAP_ZERO },
    { .start = DATA + PAGE, .size = PAGE, .kind = PX_MAP_COW, .content = px_zero_page, .content_size = 99 },
    { .start = DATA + 2 * PAGE, .size = PAGE, .kind = PX_MAP_RO },
};

/* Not @but. */
static uint8_t any_register(struct prng *prng, unsigned but)
{
    uint8_t x = (uint8_t)(1 + prng_below(prng, 15));
    return x == but ? (uint8_t)(1 + x % 15) : x;
}

/* The opcode that a kind stands for, one of them if there are more. */
static enum px_op op_of(struct prng *prng, enum fused_kind kind)
{
    switch (kind) {
    case FUSED_LI:
        return prng_one_in(prng, 2) ? PX_OP_LUI : PX_OP_ADDI;
    case FUSED_MV:
        return prng_one_in(prng, 2) ? PX_OP_ADD : PX_OP_ADDI;
    case FUSED_J:
        return PX_OP_JAL;
    default:
        return (enum px_op)kind;
    }
}

static int32_t any_immediate(struct prng *prng, enum px_op op)
{
    switch (px_ops[op].format) {
    case PX_FMT_NONE:
    case PX_FMT_R:
    case PX_FMT_R1:
        return 0;
    case PX_FMT_SH6:
        return (int32_t)prng_below(prng, 64);
    case PX_FMT_SH5:
        return (int32_t)prng_below(prng, 32);
    case PX_FMT_U:
        return (int32_t)((uint32_t)prng_next(prng) << 12);
    case PX_FMT_BRANCH:
    case PX_FMT_JAL:
        return 8; /* over the trap behind it */
    case PX_FMT_I:
        return px_any_imm12(prng);
    default:
        return prng_one_in(prng, 4) ? px_any_imm12(prng) : 8 * (int32_t)prng_below(prng, 16) - 64;
    }
}

/* An instruction of @kind that meets a previous one, which writes @written, in @form. */
static struct px_insn any_instruction(struct prng *prng, enum fused_kind kind, unsigned form,
                                      unsigned written)
{
    enum px_op op = op_of(prng, kind);
    unsigned regs = px_ops[op].regs;
    struct px_insn in = { .op = (uint8_t)op, .len = 4, .imm = any_immediate(prng, op) };
    in.rd = regs & PX_HAS_RD ? any_register(prng, 0) : 0;
    in.rs1 = form == 1 ? (uint8_t)written : regs & PX_HAS_RS1 ? any_register(prng, written) : 0;
    in.rs2 = form == 2 ? (uint8_t)written : regs & PX_HAS_RS2 ? any_register(prng, written) : 0;
    if ((px_ops[op].effects & PX_EFF_LOAD) && prng_one_in(prng, 8))
        in.rd = 0;
    if (kind == FUSED_LI && op == PX_OP_ADDI)
        in.rs1 = 0;
    if (kind == FUSED_MV && op == PX_OP_ADDI)
        in.imm = 0;
    if (kind == FUSED_MV && op == PX_OP_ADD)
        *(prng_one_in(prng, 2) && form != 1 ? &in.rs1 : &in.rs2) = 0;
    if (kind == FUSED_MV && form == 1 && in.rs1 == 0)
        in.rs1 = (uint8_t)written;
    if (kind == FUSED_J)
        in.rd = 0;
    if (kind == FUSED_ADDI && in.imm == 0)
        in.imm = 1;
    return in;
}

/* What @sequence is made of: false when the draw is not of its forms after all. */
static bool draw(struct prng *prng, const struct sequence *sequence, struct px_insn *insns)
{
    unsigned written = 0;
    for (unsigned i = 0; i < sequence->steps; i++) {
        struct fused_step step;
        if (sequence->forms[i] != 0 && written == 0)
            return false; /* a load to x0 hands nothing on */
        insns[i] = any_instruction(prng, sequence->kinds[i], sequence->forms[i], written);
        if (!fused_see(&insns[i], written, &step) || step.kind != (uint8_t)sequence->kinds[i] ||
            step.form != sequence->forms[i])
            return false;
        written = fused_written(&insns[i]);
    }
    return true;
}

/* Small numbers for scaled indices, addresses in and around the mappings, and anything else. */
static uint64_t any_operand(struct prng *prng)
{
    switch (prng_below(prng, 8)) {
    case 0:
    case 1:
        return prng_below(prng, 256);
    case 2:
        return px_any_value(prng);
    case 3:
        return DATA - 64 + prng_below(prng, 3 * PAGE + 128);
    default:
        return DATA + 64 + prng_below(prng, 2 * PAGE - 128);
    }
}

/* The sequence, a trap, and the halt that jumps lead to. */
static size_t build(const struct sequence *sequence, const struct px_insn *insns, uint8_t *code)
{
    size_t size = 0;
    for (unsigned i = 0; i < sequence->steps + 2; i++) {
        struct px_insn in = i < sequence->steps    ? insns[i]
                            : i == sequence->steps ? plain(PX_OP_TRAP)
                                                   : halt();
        uint32_t word = 0;
        assert_int_equal(px_encode(&in, &word), 4);
        memcpy(code + size, &word, 4);
        size += 4;
    }
    return size;
}

static void expect_handler(const struct sequence *sequence, const struct px_image *image)
{
    struct px_unit unit = { .image = *image };
    assert_int_equal(fused_translate(&unit), PX_OK);
    const void *go = unit.cells[unit.heads[0] + FUSED_HEAD].op.go;
    if (go != fused_handlers()[sequence->kind])
        fail_msg("%s: another handler", sequence->name);
    fused_unit_fini(&unit);
}

static void every_sequence_does_what_its_instructions_do(void **state)
{
    struct run run;
    struct prng prng;
    struct px_error err = { "" };
    (void)state;
    assert_int_equal(run_open("interp,fused", &run, &err), PX_OK);
    prng_init(&prng, 0xf05ed, 0);
    for (size_t s = 0; s < COUNT(sequences); s++) {
        const struct sequence *sequence = &sequences[s];
        unsigned drawn = 0, halted = 0;
        for (unsigned i = 0; i < TRIES; i++) {
            uint8_t code[4 * (STEPS_MAX + 2)];
            struct px_insn insns[STEPS_MAX];
            struct run_result result;
            if (!draw(&prng, sequence, insns))
                continue;
            struct px_image image = { .code = code, .gas = GAS, .maps = maps, .map_count = COUNT(maps) };
            image.code_size = build(sequence, insns, code);
            for (unsigned x = 1; x < PX_REG_COUNT; x++)
                image.x[x] = any_operand(&prng);
            if (drawn++ == 0)
                expect_handler(sequence, &image);
            if (run_image(&run, &image, true, &result, &err) != PX_OK)
                fail_msg("%s", err.text);
            if (result.diff.fields != 0)
                fail_msg("%s: engines diverge in %#x, try %u", sequence->name, result.diff.fields, i);
            halted +=
                result.outcomes[0].exit != PX_EXIT_PAGE_FAULT && result.outcomes[0].exit != PX_EXIT_PANIC;
        }
        bool jumps_away = sequence->kinds[sequence->steps - 1] == FUSED_JALR;
        if (drawn < TRIES / 4 || (halted < drawn / 50 && !jumps_away))
            fail_msg("%s: %u of %u programs drawn, only %u went through", sequence->name, drawn,
                     (unsigned)TRIES, halted);
    }
    run_close(&run);
}

static void a_sequence_is_found_step_by_step(void **state)
{
    (void)state;
    assert_true(COUNT(sequences) >= 50);
    for (size_t s = 0; s < COUNT(sequences); s++) {
        const struct sequence *sequence = &sequences[s];
        enum fused_kind kind = sequence->kinds[0];
        for (unsigned i = 1; i < sequence->steps; i++)
            kind = fused_extend(kind, sequence->kinds[i], sequence->forms[i]);
        if (kind != sequence->kind)
            fail_msg("%s is not found", sequence->name);
    }
}

static void what_has_no_handler_of_its_own_stays_single(void **state)
{
    (void)state;
    assert_int_equal(fused_extend(FUSED_FENCE, FUSED_FENCE, 0), FUSED_ILLEGAL);
    assert_int_equal(fused_extend(FUSED_DIV, FUSED_REMU, 2), FUSED_ILLEGAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_does_what_its_instructions_do),
        cmocka_unit_test(a_sequence_is_found_step_by_step),
        cmocka_unit_test(what_has_no_handler_of_its_own_stays_single),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
