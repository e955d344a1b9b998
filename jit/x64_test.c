#include "jit/x64.h"

#include "jit/x64_check.h"

/* The forms without memory. */

/* Our condition, Zydis' suffix for it. */
/* clang-format off */
#define CONDITIONS(X)                                                                                      \
    X(O, O) X(NO, NO) X(B, B) X(AE, NB) X(E, Z) X(NE, NZ) X(BE, BE) X(A, NBE)                              \
    X(S, S) X(NS, NS) X(P, P) X(NP, NP) X(L, L) X(GE, NL) X(LE, LE) X(G, NLE)
/* clang-format on */
#define X(ours, theirs) [X64_##ours] = M(SET##theirs),
static const ZydisMnemonic setcc[] = { CONDITIONS(X) };
#undef X
#define X(ours, theirs) [X64_##ours] = M(CMOV##theirs),
static const ZydisMnemonic cmovcc[] = { CONDITIONS(X) };
#undef X
#undef CONDITIONS

static const ZydisMnemonic shift[] = {
    [X64_ROL] = M(ROL), [X64_ROR] = M(ROR), [X64_SHL] = M(SHL), [X64_SHR] = M(SHR), [X64_SAR] = M(SAR),
};

static const ZydisMnemonic shiftx[] = { [X64_SHL] = M(SHLX), [X64_SHR] = M(SHRX), [X64_SAR] = M(SARX) };

static const ZydisMnemonic unary[] = {
    [X64_NOT] = M(NOT),   [X64_NEG] = M(NEG), [X64_MUL] = M(MUL),
    [X64_IMUL] = M(IMUL), [X64_DIV] = M(DIV), [X64_IDIV] = M(IDIV),
};

static const ZydisMnemonic bit[] = {
    [X64_BT] = M(BT),
    [X64_BTS] = M(BTS),
    [X64_BTR] = M(BTR),
    [X64_BTC] = M(BTC),
};

static const struct scan {
    ZydisMnemonic mnemonic;
    unsigned mandatory;
} scan[] = {
    [X64_BSF] = { M(BSF), 0 },     [X64_BSR] = { M(BSR), 0 },       [X64_TZCNT] = { M(TZCNT), 1 },
    [X64_LZCNT] = { M(LZCNT), 1 }, [X64_POPCNT] = { M(POPCNT), 1 },
};

static const unsigned counts[] = { 0, 1, 2, 7, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, UINT32_MAX };

/* Calls @one for every operation size and pair of registers. */
static void each_pair(void (*one)(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b))
{
    struct judge j;

    judge_init(&j);
    for (enum x64_size size = X64_32; size <= X64_64; size++)
        for (enum x64_reg a = RAX; a <= R15; a++)
            for (enum x64_reg b = RAX; b <= R15; b++)
                one(&j, size, a, b);
}

static void each_reg(void (*one)(struct judge *j, enum x64_size size, enum x64_reg reg))
{
    struct judge j;

    judge_init(&j);
    for (enum x64_size size = X64_32; size <= X64_64; size++)
        for (enum x64_reg reg = RAX; reg <= R15; reg++)
            one(&j, size, reg);
}

/* @mnemonic a, b at the operation size. */
static void check_rr(struct judge *j, ZydisMnemonic mnemonic, enum x64_size size, enum x64_reg a,
                     enum x64_reg b)
{
    unsigned bits = size_bits(size);

    check(j, &(struct want){ mnemonic, bits, .op = { reg_op(a, bits), reg_op(b, bits) } });
}

static void check_rrr(struct judge *j, ZydisMnemonic mnemonic, enum x64_size size, enum x64_reg a,
                      enum x64_reg b, enum x64_reg c)
{
    unsigned bits = size_bits(size);

    check(j, &(struct want){ mnemonic, bits, .op = { reg_op(a, bits), reg_op(b, bits), reg_op(c, bits) } });
}

/* @mnemonic reg, imm8 at the operation size. */
static void check_ri8(struct judge *j, ZydisMnemonic mnemonic, enum x64_size size, enum x64_reg reg,
                      unsigned imm)
{
    unsigned bits = size_bits(size);

    check(j, &(struct want){ mnemonic, bits, .op = { reg_op(reg, bits), imm_op(imm, 8) } });
}

static unsigned masked(enum x64_size size, unsigned count)
{
    return count % size_bits(size);
}

static void pair(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    for (enum x64_alu op = X64_ADD; op <= X64_CMP; op++) {
        x64_alu_rr(&j->e, op, size, a, b);
        check_rr(j, alu[op], size, a, b);
    }
    x64_test_rr(&j->e, size, a, b);
    check_rr(j, M(TEST), size, a, b);
    x64_mov_rr(&j->e, size, a, b);
    check_rr(j, M(MOV), size, a, b);
    x64_imul_rr(&j->e, size, a, b);
    check_rr(j, M(IMUL), size, a, b);
    x64_xchg(&j->e, size, a, b);
    check_rr(j, M(XCHG), size, a, b);
    for (enum x64_bit op = X64_BT; op <= X64_BTC; op++) {
        x64_bit_rr(&j->e, op, size, a, b);
        check_rr(j, bit[op], size, a, b);
    }
    for (enum x64_cond cond = X64_O; cond <= X64_G; cond++) {
        x64_cmovcc(&j->e, cond, size, a, b);
        check_rr(j, cmovcc[cond], size, a, b);
    }
}

static void two_register_forms_name_destination_then_source(void **state)
{
    (void)state;
    each_pair(pair);
}

static void scan_pair(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    unsigned bits = size_bits(size);

    for (enum x64_scan op = X64_BSF; op <= X64_POPCNT; op++) {
        x64_scan(&j->e, op, size, a, b);
        check(j, &(struct want){ scan[op].mnemonic, bits, .op = { reg_op(a, bits), reg_op(b, bits) },
                                 .mandatory = scan[op].mandatory });
    }
}

static void scans_put_their_prefix_before_the_rex(void **state)
{
    (void)state;
    each_pair(scan_pair);
}

static void extend_pair(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    (void)size;
    for (enum x64_load kind = X64_U8; kind <= X64_U64; kind++) {
        const struct extension *x = &extension[kind];

        x64_extend(&j->e, kind, a, b);
        check(j, &(struct want){ x->mnemonic, x->to, .op = { reg_op(a, x->to), reg_op(b, x->from) } });
    }
}

static void extensions_read_the_low_part_of_any_register(void **state)
{
    (void)state;
    each_pair(extend_pair);
}

static void multiply_pair(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    unsigned bits = size_bits(size);

    for (size_t i = 0; i < ARRAY_SIZE(int32_edges); i++) {
        x64_imul_rri(&j->e, size, a, b, int32_edges[i]);
        check(j, &(struct want){ M(IMUL), bits,
                                 .op = { reg_op(a, bits), reg_op(b, bits), short_imm_op(int32_edges[i]) } });
    }
}

static void multiply_by_immediate_takes_the_short_form_within_a_signed_byte(void **state)
{
    (void)state;
    each_pair(multiply_pair);
}

static void vex_pair(struct judge *j, enum x64_size size, enum x64_reg a, enum x64_reg b)
{
    unsigned bits = size_bits(size);

    for (enum x64_reg c = RAX; c <= R15; c++) {
        for (enum x64_shift op = X64_SHL; op <= X64_SAR; op++) {
            if (op != 6) { /* the digit without a shift */
                x64_shiftx(&j->e, op, size, a, b, c);
                check_rrr(j, shiftx[op], size, a, b, c);
            }
        }
        x64_andn(&j->e, size, a, b, c);
        check_rrr(j, M(ANDN), size, a, b, c);
    }
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        x64_rorx(&j->e, size, a, b, counts[i]);
        check(j, &(struct want){
                     M(RORX), bits,
                     .op = { reg_op(a, bits), reg_op(b, bits), imm_op(masked(size, counts[i]), 8) } });
    }
}

static void three_register_forms_keep_their_operands_apart(void **state)
{
    (void)state;
    each_pair(vex_pair);
}

static void alu_imm(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    unsigned bits = size_bits(size);

    for (enum x64_alu op = X64_ADD; op <= X64_CMP; op++) {
        for (size_t i = 0; i < ARRAY_SIZE(int32_edges); i++) {
            x64_alu_ri(&j->e, op, size, reg, int32_edges[i]);
            check(j,
                  &(struct want){ alu[op], bits, .op = { reg_op(reg, bits), short_imm_op(int32_edges[i]) } });
        }
    }
}

static void arithmetic_takes_the_short_immediate_within_a_signed_byte(void **state)
{
    (void)state;
    each_reg(alu_imm);
}

static void count_imm(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        unsigned count = masked(size, counts[i]);

        for (enum x64_bit op = X64_BT; op <= X64_BTC; op++) {
            x64_bit_ri(&j->e, op, size, reg, counts[i]);
            check_ri8(j, bit[op], size, reg, count);
        }
        for (enum x64_shift op = X64_ROL; op <= X64_SAR; op++) {
            if (!shift[op])
                continue;
            x64_shift_ri(&j->e, op, size, reg, counts[i]);
            if (count)
                check_ri8(j, shift[op], size, reg, count);
            else
                assert_int_equal(x64_offset(&j->e), 0);
        }
    }
}

static void counts_are_masked_and_a_shift_by_none_emits_nothing(void **state)
{
    (void)state;
    each_reg(count_imm);
}

static void one_register(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    unsigned bits = size_bits(size);

    for (enum x64_unary op = X64_NOT; op <= X64_IDIV; op++) {
        x64_unary(&j->e, op, size, reg);
        check(j, &(struct want){ unary[op], bits, .op = { reg_op(reg, bits) } });
    }
    for (enum x64_shift op = X64_ROL; op <= X64_SAR; op++) {
        if (shift[op]) {
            x64_shift_cl(&j->e, op, size, reg);
            check(j, &(struct want){ shift[op], bits, .op = { reg_op(reg, bits), reg_op(RCX, 8) } });
        }
    }
    x64_bswap(&j->e, size, reg);
    check(j, &(struct want){ M(BSWAP), bits, .op = { reg_op(reg, bits) } });
}

static void one_register_forms_work_on_it_in_the_operation_size(void **state)
{
    (void)state;
    each_reg(one_register);
}

static void wide_register(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    const struct operand op = reg_op(reg, 64);

    (void)size;
    x64_push(&j->e, reg);
    check(j, &(struct want){ M(PUSH), 64, .op = { op } });
    x64_pop(&j->e, reg);
    check(j, &(struct want){ M(POP), 64, .op = { op } });
    x64_jmp_r(&j->e, reg);
    check(j, &(struct want){ M(JMP), 64, .op = { op } });
    x64_call_r(&j->e, reg);
    check(j, &(struct want){ M(CALL), 64, .op = { op } });
}

static void stack_and_jumps_take_the_whole_register(void **state)
{
    (void)state;
    each_reg(wide_register);
}

static void byte_register(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    (void)size;
    for (enum x64_cond cond = X64_O; cond <= X64_G; cond++) {
        x64_setcc(&j->e, cond, reg);
        check(j, &(struct want){ setcc[cond], 8, .op = { reg_op(reg, 8) } });
    }
    for (unsigned imm = 0; imm <= UINT8_MAX; imm++) {
        x64_test_ri8(&j->e, reg, (uint8_t)imm);
        check(j, &(struct want){ M(TEST), 8, .op = { reg_op(reg, 8), imm_op((int8_t)imm, 8) } });
    }
}

static void byte_registers_are_low_bytes_never_ah_to_bh(void **state)
{
    (void)state;
    each_reg(byte_register);
}

static void move_imm(struct judge *j, enum x64_size size, enum x64_reg reg)
{
    static const uint64_t zero_extended[] = { 0, 1, 127, 128, 255, 0x7fffffff, 0x80000000, 0xffffffff };
    static const uint64_t sign_extended[] = { 0xffffffff80000000, 0xffffffff80000001, (uint64_t)-129,
                                              (uint64_t)-128, UINT64_MAX };
    static const uint64_t whole[] = { 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff7fffffff,
                                      0x123456789abcdef0 };

    (void)size;
    for (size_t i = 0; i < ARRAY_SIZE(zero_extended); i++) {
        x64_mov_ri(&j->e, reg, zero_extended[i]);
        check(j,
              &(struct want){ M(MOV), 32, .op = { reg_op(reg, 32), imm_op((int32_t)zero_extended[i], 32) } });
    }
    for (size_t i = 0; i < ARRAY_SIZE(sign_extended); i++) {
        x64_mov_ri(&j->e, reg, sign_extended[i]);
        check(j,
              &(struct want){ M(MOV), 64, .op = { reg_op(reg, 64), imm_op((int64_t)sign_extended[i], 32) } });
    }
    for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
        x64_mov_ri(&j->e, reg, whole[i]);
        check(j, &(struct want){ M(MOV), 64, .op = { reg_op(reg, 64), imm_op((int64_t)whole[i], 64) } });
    }
}

static void constants_take_their_shortest_move(void **state)
{
    (void)state;
    each_reg(move_imm);
}

static void forms_without_operands_decode_as_themselves(void **state)
{
    struct judge j;

    (void)state;
    judge_init(&j);
    x64_cqo(&j.e, X64_32);
    check(&j, &(struct want){ .mnemonic = M(CDQ), .width = 32 });
    x64_cqo(&j.e, X64_64);
    check(&j, &(struct want){ .mnemonic = M(CQO), .width = 64 });
    x64_ret(&j.e);
    check(&j, &(struct want){ .mnemonic = M(RET), .width = 64 });
    x64_ud2(&j.e);
    check(&j, &(struct want){ .mnemonic = M(UD2), .width = 32 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_register_forms_name_destination_then_source),
        cmocka_unit_test(scans_put_their_prefix_before_the_rex),
        cmocka_unit_test(extensions_read_the_low_part_of_any_register),
        cmocka_unit_test(multiply_by_immediate_takes_the_short_form_within_a_signed_byte),
        cmocka_unit_test(three_register_forms_keep_their_operands_apart),
        cmocka_unit_test(arithmetic_takes_the_short_immediate_within_a_signed_byte),
        cmocka_unit_test(counts_are_masked_and_a_shift_by_none_emits_nothing),
        cmocka_unit_test(one_register_forms_work_on_it_in_the_operation_size),
        cmocka_unit_test(stack_and_jumps_take_the_whole_register),
        cmocka_unit_test(byte_registers_are_low_bytes_never_ah_to_bh),
        cmocka_unit_test(constants_take_their_shortest_move),
        cmocka_unit_test(forms_without_operands_decode_as_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
