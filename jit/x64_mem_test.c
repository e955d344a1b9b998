#include "jit/x64.h"

#include "jit/x64_check.h"

/* The forms with a memory operand. */

typedef void mem_case(struct judge *j, struct x64_mem m);

/* Scale, gs and addr32 number @variant of 16. */
static struct x64_mem with_variant(struct x64_mem m, unsigned variant)
{
    m.scale = (uint8_t)(1u << (variant & 3));
    m.gs = variant & 4;
    m.addr32 = variant & 8;
    return m;
}

/* Number @n of all the bases and indexes there are, the missing ones included; false at the end. */
static bool nth_address(unsigned n, struct x64_mem *m)
{
    unsigned base = n / 16, index = n % 16;

    *m = (struct x64_mem){ .base = (uint8_t)(base == 16 ? X64_NO_REG : base),
                           .index = (uint8_t)(index == RSP ? X64_NO_REG : index) };
    return base <= 16;
}

/* Calls @one for every base, index and displacement, the variants taking turns: their number has no
 * factor in common with that of the displacements, so that each meets each. */
static void each_mem(mem_case *one)
{
    unsigned turn = 0;
    struct x64_mem m;
    struct judge j;

    _Static_assert(ARRAY_SIZE(int32_edges) % 2, "16 variants take turns over them");
    judge_init(&j);
    for (unsigned n = 0; nth_address(n, &m); n++) {
        for (size_t d = 0; d < ARRAY_SIZE(int32_edges); d++) {
            m.disp = int32_edges[d];
            one(&j, with_variant(m, turn++ % 16));
        }
    }
}

static void full_product(struct judge *j, struct x64_mem m)
{
    for (unsigned variant = 0; variant < 16; variant++) {
        m = with_variant(m, variant);
        for (enum x64_reg reg = RAX; reg <= R15; reg++) {
            x64_load(&j->e, X64_U64, reg, m);
            check(j, &(struct want){ M(MOV), 64, .op = { reg_op(reg, 64), mem_op(m, 64) } });
        }
    }
}

static void every_address_is_encoded_as_given(void **state)
{
    (void)state;
    each_mem(full_product);
}

static void alu_reg_mem(struct judge *j, struct x64_mem m)
{
    for (enum x64_alu op = X64_ADD; op <= X64_CMP; op++) {
        for (enum x64_reg reg = RAX; reg <= R15; reg++) {
            for (enum x64_size size = X64_32; size <= X64_64; size++) {
                unsigned bits = size_bits(size);

                x64_alu_rm(&j->e, op, size, reg, m);
                check(j, &(struct want){ alu[op], bits, .op = { reg_op(reg, bits), mem_op(m, bits) } });
                x64_alu_mr(&j->e, op, size, m, reg);
                check(j, &(struct want){ alu[op], bits, .op = { mem_op(m, bits), reg_op(reg, bits) } });
            }
            x64_alu_rm8(&j->e, op, reg, m);
            check(j, &(struct want){ alu[op], 8, .op = { reg_op(reg, 8), mem_op(m, 8) } });
        }
    }
}

static void arithmetic_goes_to_and_from_memory(void **state)
{
    (void)state;
    each_mem(alu_reg_mem);
}

static void alu_mem_imm(struct judge *j, struct x64_mem m)
{
    for (enum x64_alu op = X64_ADD; op <= X64_CMP; op++) {
        for (enum x64_size size = X64_32; size <= X64_64; size++) {
            unsigned bits = size_bits(size);

            for (size_t i = 0; i < ARRAY_SIZE(int32_edges); i++) {
                int32_t imm = int32_edges[i];
                uint32_t at;

                x64_alu_mi(&j->e, op, size, m, imm);
                check(j, &(struct want){ alu[op], bits, .op = { mem_op(m, bits), short_imm_op(imm) } });
                at = x64_alu_mi32(&j->e, op, size, m, ~imm);
                x64_patch_u32(&j->e, at, (uint32_t)imm);
                check(j, &(struct want){ alu[op], bits, .op = { mem_op(m, bits), imm_op(imm, 32) } });
            }
        }
    }
}

static void arithmetic_with_immediate_is_short_or_patchable_as_asked(void **state)
{
    (void)state;
    each_mem(alu_mem_imm);
}

static void load_mem(struct judge *j, struct x64_mem m)
{
    for (enum x64_reg reg = RAX; reg <= R15; reg++) {
        for (enum x64_load kind = X64_U8; kind <= X64_U64; kind++) {
            const struct extension *x = &extension[kind];

            x64_load(&j->e, kind, reg, m);
            check(j, &(struct want){ x->mnemonic, x->to, .op = { reg_op(reg, x->to), mem_op(m, x->from) } });
        }
        x64_movsxd_rm(&j->e, reg, m);
        check(j, &(struct want){ M(MOVSXD), 64, .op = { reg_op(reg, 64), mem_op(m, 32) } });
    }
}

static void loads_extend_by_their_kind(void **state)
{
    (void)state;
    each_mem(load_mem);
}

static void store_mem(struct judge *j, struct x64_mem m)
{
    for (enum x64_reg reg = RAX; reg <= R15; reg++) {
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
            unsigned bits = bytes * 8;

            x64_store(&j->e, bytes, m, reg);
            check(j, &(struct want){ M(MOV), bits, .op = { mem_op(m, bits), reg_op(reg, bits) } });
        }
    }
}

static void stores_write_the_low_bytes_of_any_register(void **state)
{
    (void)state;
    each_mem(store_mem);
}

static void store_mem_imm(struct judge *j, struct x64_mem m)
{
    for (size_t i = 0; i < ARRAY_SIZE(int32_edges); i++) {
        int32_t imm = int32_edges[i];

        x64_store_imm(&j->e, 1, m, imm);
        check(j, &(struct want){ M(MOV), 8, .op = { mem_op(m, 8), imm_op((int8_t)imm, 8) } });
        x64_store_imm(&j->e, 2, m, imm);
        check(j, &(struct want){ M(MOV), 16, .op = { mem_op(m, 16), imm_op((int16_t)imm, 16) } });
        x64_store_imm(&j->e, 4, m, imm);
        check(j, &(struct want){ M(MOV), 32, .op = { mem_op(m, 32), imm_op(imm, 32) } });
        x64_store_imm(&j->e, 8, m, imm);
        check(j, &(struct want){ M(MOV), 64, .op = { mem_op(m, 64), imm_op(imm, 32) } });
    }
}

static void immediate_stores_are_cut_to_the_width(void **state)
{
    (void)state;
    each_mem(store_mem_imm);
}

static void lea_mem(struct judge *j, struct x64_mem m)
{
    for (enum x64_reg reg = RAX; reg <= R15; reg++) {
        x64_lea(&j->e, X64_32, reg, m);
        check(j, &(struct want){ M(LEA), 32, .op = { reg_op(reg, 32), address_op(m) } });
        x64_lea(&j->e, X64_64, reg, m);
        check(j, &(struct want){ M(LEA), 64, .op = { reg_op(reg, 64), address_op(m) } });
    }
}

static void lea_takes_the_address_without_segment(void **state)
{
    (void)state;
    each_mem(lea_mem);
}

static void jump_mem(struct judge *j, struct x64_mem m)
{
    x64_jmp_m(&j->e, m);
    check(j, &(struct want){ M(JMP), 64, .op = { mem_op(m, 64) } });
    x64_call_m(&j->e, m);
    check(j, &(struct want){ M(CALL), 64, .op = { mem_op(m, 64) } });
}

static void jumps_and_calls_go_through_memory(void **state)
{
    (void)state;
    each_mem(jump_mem);
}

static void packed_operands_equal_those_set_by_field(void **state)
{
    (void)state;
    for (enum x64_reg base = RAX; base <= R15; base++) {
        for (size_t d = 0; d < ARRAY_SIZE(int32_edges); d++) {
            struct x64_mem m = x64_at(base, int32_edges[d]), g = x64_at_gs32(base, int32_edges[d]);

            assert_true(m.base == base && m.index == X64_NO_REG && !m.gs && !m.addr32);
            assert_true(g.base == base && g.index == X64_NO_REG && g.gs && g.addr32);
            assert_int_equal(m.disp, int32_edges[d]);
            assert_int_equal(g.disp, int32_edges[d]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_is_encoded_as_given),
        cmocka_unit_test(arithmetic_goes_to_and_from_memory),
        cmocka_unit_test(arithmetic_with_immediate_is_short_or_patchable_as_asked),
        cmocka_unit_test(loads_extend_by_their_kind),
        cmocka_unit_test(stores_write_the_low_bytes_of_any_register),
        cmocka_unit_test(immediate_stores_are_cut_to_the_width),
        cmocka_unit_test(lea_takes_the_address_without_segment),
        cmocka_unit_test(jumps_and_calls_go_through_memory),
        cmocka_unit_test(packed_operands_equal_those_set_by_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
