/* How instructions are seen before they are translated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "vm/fused/kinds.h"

static struct px_insn insn(enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    return (struct px_insn){
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
}

static void special_forms_have_a_kind_of_their_own(void **state)
{
    static const struct {
        struct px_insn insn;
        enum fused_kind kind;
        uint8_t rs1;
    } rows[] = {
        { { .op = PX_OP_LUI, .rd = 5, .imm = 4096 }, FUSED_LI, 0 },
        { { .op = PX_OP_ADDI, .rd = 5, .imm = 7 }, FUSED_LI, 0 },
        { { .op = PX_OP_ADDI, .rd = 5 }, FUSED_LI, 0 },
        { { .op = PX_OP_ADDI, .rd = 5, .rs1 = 6 }, FUSED_MV, 6 },
        { { .op = PX_OP_ADDI, .rd = 5, .rs1 = 6, .imm = 1 }, FUSED_ADDI, 6 },
        { { .op = PX_OP_ADD, .rd = 5, .rs2 = 7 }, FUSED_MV, 7 },
        { { .op = PX_OP_ADD, .rd = 5, .rs1 = 6 }, FUSED_MV, 6 },
        { { .op = PX_OP_ADD, .rd = 5, .rs1 = 6, .rs2 = 7 }, FUSED_ADD, 6 },
        { { .op = PX_OP_JAL, .imm = 8 }, FUSED_J, 0 },
        { { .op = PX_OP_JAL, .rd = 1, .imm = 8 }, FUSED_JAL, 0 },
        { { .op = PX_OP_LD, .rs1 = 6 }, FUSED_LD, 6 }, /* to x0, and yet an access */
        { { .op = PX_OP_JALR, .rs1 = 1 }, FUSED_JALR, 1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fused_step step;
        assert_true(fused_see(&rows[i].insn, 0, &step));
        assert_int_equal(step.kind, rows[i].kind);
        assert_int_equal(step.rd, rows[i].insn.rd);
        assert_int_equal(step.rs1, rows[i].rs1);
        assert_int_equal(step.form, 0);
    }
}

static void what_only_costs_gas_is_dropped(void **state)
{
    const struct px_insn dropped[] = { insn(PX_OP_ADDI, 0, 0, 0, 0), insn(PX_OP_MUL, 0, 5, 6, 0),
                                       insn(PX_OP_LUI, 0, 0, 0, 4096), insn(PX_OP_FENCE, 0, 0, 0, 0xff),
                                       insn(PX_OP_FENCE_I, 0, 0, 0, 0) };
    struct fused_step step, before;
    (void)state;
    memset(&step, 0x5a, sizeof step);
    before = step;
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
        assert_false(fused_see(&dropped[i], 5, &step));
    assert_memory_equal(&step, &before, sizeof step);
}

static void forms_say_which_source_the_instruction_before_wrote(void **state)
{
    static const struct {
        struct px_insn insn;
        unsigned written, form;
    } rows[] = {
        { { .op = PX_OP_ADD, .rd = 1, .rs1 = 5, .rs2 = 6 }, 5, 1 },
        { { .op = PX_OP_ADD, .rd = 1, .rs1 = 5, .rs2 = 6 }, 6, 2 },
        { { .op = PX_OP_ADD, .rd = 1, .rs1 = 5, .rs2 = 5 }, 5, 1 },
        { { .op = PX_OP_ADD, .rd = 1, .rs1 = 5, .rs2 = 6 }, 1, 0 },
        { { .op = PX_OP_SUB, .rd = 1, .rs1 = 0, .rs2 = 6 }, 0, 0 }, /* x0 is nobody's result */
        { { .op = PX_OP_SD, .rs1 = 5, .rs2 = 6 }, 6, 2 },
        { { .op = PX_OP_LD, .rd = 6, .rs1 = 5 }, 6, 0 },
        { { .op = PX_OP_ADDI, .rd = 6, .rs1 = 5, .imm = 3 }, 5, 1 },
        { { .op = PX_OP_LUI, .rd = 6, .imm = 4096 }, 6, 0 },
        { { .op = PX_OP_ADD, .rd = 1, .rs2 = 6 }, 6, 1 }, /* a move: its source is rs1 */
        { { .op = PX_OP_BNE, .rs1 = 5, .rs2 = 6 }, 6, 2 },
        { { .op = PX_OP_JAL, .rd = 1 }, 1, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fused_step step;
        assert_true(fused_see(&rows[i].insn, rows[i].written, &step));
        assert_int_equal(step.form, rows[i].form);
    }
}

static void stores_branches_and_accesses_to_x0_write_nothing(void **state)
{
    const struct px_insn none[] = { insn(PX_OP_SD, 0, 5, 6, 0), insn(PX_OP_BNE, 0, 5, 6, 8),
                                    insn(PX_OP_LD, 0, 5, 0, 0), insn(PX_OP_TRAP, 0, 0, 0, 0) };
    const struct px_insn some = insn(PX_OP_LD, 9, 5, 0, 0);
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(fused_written(&none[i]), 0);
    assert_int_equal(fused_written(&some), 9);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(fused_kind_name(FUSED_LI), "li");
    assert_string_equal(fused_kind_name(FUSED_MV), "mv");
    assert_string_equal(fused_kind_name(FUSED_J), "j");
    assert_string_equal(fused_kind_name(FUSED_NEXT), "next");
    assert_string_equal(fused_kind_name(FUSED_ILLEGAL), "illegal");
    assert_string_equal(fused_kind_name(FUSED_CZERO_NEZ), "czero.nez");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_forms_have_a_kind_of_their_own),
        cmocka_unit_test(what_only_costs_gas_is_dropped),
        cmocka_unit_test(forms_say_which_source_the_instruction_before_wrote),
        cmocka_unit_test(stores_branches_and_accesses_to_x0_write_nothing),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
