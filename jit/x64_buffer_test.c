#include "jit/x64.h"

#include "jit/x64_check.h"

/* The buffer: overflow, jumps and their patching, data and padding. */

enum { CANARY = 0xA5, SIZE_MAX_TRIED = 64 };

/* The longest address there is. */
static const struct x64_mem far_mem = { R13, R14, 8, true, true, 0x12345678 };

/* clang-format off */
static bool emit_register_form(struct x64 *e, unsigned n)
{
    switch (n) {
    case 0: x64_alu_rr(e, X64_ADD, X64_64, R8, R9); break;
    case 1: x64_alu_ri(e, X64_ADD, X64_64, R8, 128); break;
    case 2: x64_test_rr(e, X64_64, R8, R9); break;
    case 3: x64_test_ri8(e, RSI, 1); break;
    case 4: x64_mov_rr(e, X64_64, R8, R9); break;
    case 5: x64_mov_ri(e, R8, 1); break;
    case 6: x64_mov_ri(e, R8, UINT64_MAX); break;
    case 7: x64_mov_ri(e, R8, 1ULL << 63); break;
    case 8: x64_extend(e, X64_S8, R8, R9); break;
    case 9: x64_unary(e, X64_MUL, X64_64, R8); break;
    case 10: x64_imul_rr(e, X64_64, R8, R9); break;
    case 11: x64_imul_rri(e, X64_64, R8, R9, 128); break;
    case 12: x64_cqo(e, X64_64); break;
    case 13: x64_shift_ri(e, X64_SHL, X64_64, R8, 1); break;
    case 14: x64_shift_ri(e, X64_SHL, X64_64, R8, 2); break;
    case 15: x64_shift_cl(e, X64_SHL, X64_64, R8); break;
    case 16: x64_shiftx(e, X64_SHL, X64_64, R8, R9, R10); break;
    case 17: x64_rorx(e, X64_64, R8, R9, 1); break;
    case 18: x64_andn(e, X64_64, R8, R9, R10); break;
    case 19: x64_bit_rr(e, X64_BT, X64_64, R8, R9); break;
    case 20: x64_bit_ri(e, X64_BT, X64_64, R8, 1); break;
    case 21: x64_scan(e, X64_LZCNT, X64_64, R8, R9); break;
    case 22: x64_bswap(e, X64_64, R8); break;
    case 23: x64_xchg(e, X64_64, R8, R9); break;
    case 24: x64_setcc(e, X64_E, RSI); break;
    case 25: x64_cmovcc(e, X64_E, X64_64, R8, R9); break;
    case 26: x64_push(e, R8); break;
    case 27: x64_pop(e, R8); break;
    case 28: x64_ret(e); break;
    case 29: x64_ud2(e); break;
    case 30: x64_jmp_r(e, R8); break;
    case 31: x64_call_r(e, R8); break;
    case 32: x64_jmp(e, 0); break;
    case 33: x64_jcc(e, X64_E, 0); break;
    case 34: x64_call(e, 0); break;
    case 35: x64_jcc_short(e, X64_E); break;
    case 36: x64_jmp_short(e); break;
    case 37: x64_lea_rip(e, R8); break;
    default: return false;
    }
    return true;
}

static bool emit_memory_form(struct x64 *e, unsigned n)
{
    const struct x64_mem m = far_mem;

    switch (n) {
    case 0: x64_alu_rm(e, X64_ADD, X64_64, R8, m); break;
    case 1: x64_alu_mr(e, X64_ADD, X64_64, m, R8); break;
    case 2: x64_alu_mi(e, X64_ADD, X64_64, m, 1); break;
    case 3: x64_alu_mi(e, X64_ADD, X64_64, m, 128); break;
    case 4: x64_alu_mi32(e, X64_ADD, X64_64, m, 1); break;
    case 5: x64_alu_rm8(e, X64_ADD, R8, m); break;
    case 6: x64_load(e, X64_S8, R8, m); break;
    case 7: x64_movsxd_rm(e, R8, m); break;
    case 8: x64_store(e, 2, m, R8); break;
    case 9: x64_store_imm(e, 2, m, 1); break;
    case 10: x64_store_imm(e, 8, m, 1); break;
    case 11: x64_lea(e, X64_64, R8, m); break;
    case 12: x64_jmp_m(e, m); break;
    case 13: x64_call_m(e, m); break;
    case 14: x64_load(e, X64_U64, RAX, x64_at(RCX, 0)); break;
    default: return false;
    }
    return true;
}
/* clang-format on */

/* Emits instruction number @n of all there are, each once and in its longest forms. */
static bool emit(struct x64 *e, unsigned n)
{
    unsigned registers = 38;

    return n < registers ? emit_register_form(e, n) : emit_memory_form(e, n - registers);
}

static void assert_unwritten(const uint8_t *from, const uint8_t *end)
{
    for (; from < end; from++)
        assert_int_equal(*from, CANARY);
}

/* After overflow: whatever is called, the buffer and the cursor stay as they are. */
static void assert_closed(struct x64 *e, const uint8_t *buffer, size_t size)
{
    uint8_t before[128];
    uint32_t offset = x64_offset(e);

    memcpy(before, buffer, size);
    for (unsigned n = 0; emit(e, n); n++) {
    }
    x64_bytes(e, "", 1);
    x64_bytes(e, NULL, 0);
    for (unsigned alignment = 1; alignment <= 64; alignment *= 2)
        x64_align(e, alignment);
    x64_bind_rel8(e, 0);
    x64_patch_rel32(e, 0, 1);
    x64_patch_u32(e, 0, 1);
    assert_true(e->overflow);
    assert_int_equal(x64_offset(e), offset);
    assert_memory_equal(before, buffer, size);
}

static void emit_until_overflow(unsigned n, size_t size)
{
    uint8_t buffer[SIZE_MAX_TRIED + 32];
    struct x64 e;

    memset(buffer, CANARY, sizeof buffer);
    x64_init(&e, buffer, size);
    while (!e.overflow) {
        uint32_t before = x64_offset(&e), written;

        assert_true(emit(&e, n));
        written = x64_offset(&e) - before;
        assert_true(x64_offset(&e) <= size);
        assert_int_equal(e.overflow, size - before < X64_RED_ZONE);
        assert_true(e.overflow ? written == 0 : written >= 1 && written <= 15);
    }
    assert_unwritten(buffer + size, buffer + sizeof buffer);
    assert_closed(&e, buffer, sizeof buffer);
}

static void no_instruction_writes_past_the_end_or_after_overflow(void **state)
{
    uint8_t scratch[32];
    struct x64 e;

    (void)state;
    for (unsigned n = 0; x64_init(&e, scratch, sizeof scratch), emit(&e, n); n++)
        for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
            emit_until_overflow(n, size);
}

static void bytes_fill_the_buffer_to_its_end_and_not_further(void **state)
{
    uint8_t buffer[SIZE_MAX_TRIED + 32], data[SIZE_MAX_TRIED + 1];
    struct x64 e;

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        for (size_t count = 0; count <= size + 1; count++) {
            memset(buffer, CANARY, sizeof buffer);
            x64_init(&e, buffer, size);
            x64_bytes(&e, count ? data : NULL, count);
            assert_int_equal(e.overflow, count > size);
            assert_int_equal(x64_offset(&e), count > size ? 0 : count);
            assert_memory_equal(buffer, data, x64_offset(&e));
            assert_unwritten(e.at, buffer + sizeof buffer);
            if (e.overflow)
                assert_closed(&e, buffer, sizeof buffer);
        }
    }
}

static void align_pads_with_int3_to_the_next_multiple(void **state)
{
    uint8_t buffer[SIZE_MAX_TRIED + 32], data[SIZE_MAX_TRIED] = { 0 };
    struct x64 e;

    (void)state;
    for (unsigned alignment = 1; alignment <= 64; alignment *= 2) {
        for (uint32_t offset = 0; offset <= 48; offset++) {
            uint32_t padded = (offset + alignment - 1) / alignment * alignment;

            memset(buffer, CANARY, sizeof buffer);
            x64_init(&e, buffer, 48);
            x64_bytes(&e, data, offset);
            x64_align(&e, alignment);
            assert_int_equal(e.overflow, padded > 48);
            assert_int_equal(x64_offset(&e), padded > 48 ? offset : padded);
            for (uint32_t i = offset; i < x64_offset(&e); i++)
                assert_int_equal(buffer[i], 0xCC);
            assert_unwritten(e.at, buffer + sizeof buffer);
            if (e.overflow)
                assert_closed(&e, buffer, sizeof buffer);
        }
    }
}

/* A buffer with room for spans over a byte's reach. */
struct stretch {
    ZydisDecoder decoder;
    struct x64 e;
    uint8_t code[512];
};

static void stretch_init(struct stretch *s, uint32_t lead)
{
    ZydisDecoderInit(&s->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    x64_init(&s->e, s->code, sizeof s->code);
    for (uint32_t i = 0; i < lead; i++)
        x64_ret(&s->e);
}

/* The instruction from @from to @to is @mnemonic, its @bits wide relative operand landing at @target. */
static void assert_lands(const struct stretch *s, uint32_t from, uint32_t to, ZydisMnemonic mnemonic,
                         unsigned bits, uint32_t target)
{
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZyanU64 address;

    assert_true(
        ZYAN_SUCCESS(ZydisDecoderDecodeFull(&s->decoder, s->code + from, to - from, &insn, operands)));
    assert_false(s->e.overflow);
    assert_int_equal(insn.length, to - from);
    assert_int_equal(insn.mnemonic, mnemonic);
    assert_int_equal(insn.operand_count_visible, 1);
    assert_int_equal(operands[0].size, bits);
    assert_int_equal(insn.raw.prefix_count, 0);
    assert_true(operands[0].imm.is_relative);
    assert_true(ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&insn, &operands[0], 0x100000 + from, &address)));
    assert_int_equal(address, 0x100000 + (ZyanU64)(int32_t)target);
}

/* Zydis' names of the conditions. */
static const ZydisMnemonic jcc[] = {
    [X64_O] = M(JO), [X64_NO] = M(JNO), [X64_B] = M(JB),   [X64_AE] = M(JNB),
    [X64_E] = M(JZ), [X64_NE] = M(JNZ), [X64_BE] = M(JBE), [X64_A] = M(JNBE),
    [X64_S] = M(JS), [X64_NS] = M(JNS), [X64_P] = M(JP),   [X64_NP] = M(JNP),
    [X64_L] = M(JL), [X64_GE] = M(JNL), [X64_LE] = M(JLE), [X64_G] = M(JNLE),
};

enum { JMP = X64_G + 1, CALL, BRANCHES };

static ZydisMnemonic branch_name(unsigned branch)
{
    return branch == JMP ? M(JMP) : branch == CALL ? M(CALL) : jcc[branch];
}

static uint32_t emit_branch(struct x64 *e, unsigned branch, uint32_t target)
{
    return branch == JMP    ? x64_jmp(e, target)
           : branch == CALL ? x64_call(e, target)
                            : x64_jcc(e, branch, target);
}

static void rel32_branches_land_on_their_target_and_where_patched(void **state)
{
    static const uint32_t targets[] = { 0, 1, 100, 127, 128, 255, 256, 0x10000, 0x7fffff00 };
    struct stretch s;

    (void)state;
    for (unsigned branch = 0; branch < BRANCHES; branch++) {
        for (uint32_t lead = 0; lead < 300; lead += 37) {
            for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                uint32_t at, end;

                stretch_init(&s, lead);
                at = emit_branch(&s.e, branch, targets[i]);
                end = x64_offset(&s.e);
                assert_int_equal(at, end - 4);
                assert_lands(&s, lead, end, branch_name(branch), 32, targets[i]);
                x64_ret(&s.e);
                x64_patch_rel32(&s.e, at, targets[i] + 3);
                assert_lands(&s, lead, end, branch_name(branch), 32, targets[i] + 3);
                assert_int_equal(s.code[end], 0xC3);
            }
        }
    }
}

static uint32_t emit_short_branch(struct x64 *e, unsigned branch)
{
    return branch == JMP ? x64_jmp_short(e) : x64_jcc_short(e, branch);
}

static void rel8_branches_reach_127_bytes_and_overflow_at_128(void **state)
{
    struct stretch s;

    (void)state;
    for (unsigned branch = 0; branch <= JMP; branch++) {
        for (uint32_t span = 0; span <= 300; span++) {
            uint32_t at;

            stretch_init(&s, 5);
            at = emit_short_branch(&s.e, branch);
            assert_int_equal(at, x64_offset(&s.e) - 1);
            for (uint32_t i = 0; i < span; i++)
                x64_ret(&s.e);
            x64_bind_rel8(&s.e, at);
            assert_int_equal(x64_offset(&s.e), 7 + span);
            if (span <= 127) {
                assert_lands(&s, 5, 7, branch_name(branch), 8, 7 + span);
            } else {
                assert_true(s.e.overflow);
                assert_int_equal(s.code[at], 0);
                x64_ret(&s.e);
                assert_int_equal(x64_offset(&s.e), 7 + span);
            }
        }
    }
}

static void lea_rip_addresses_what_it_is_patched_to(void **state)
{
    struct stretch s;

    (void)state;
    for (enum x64_reg reg = RAX; reg <= R15; reg++) {
        for (uint32_t target = 0; target < 300; target += 23) {
            ZydisDecodedInstruction insn;
            ZydisDecodedOperand got[ZYDIS_MAX_OPERAND_COUNT];
            uint32_t at;

            stretch_init(&s, 100);
            at = x64_lea_rip(&s.e, reg);
            assert_int_equal(at, x64_offset(&s.e) - 4);
            x64_patch_rel32(&s.e, at, target);
            assert_true(ZYAN_SUCCESS(
                ZydisDecoderDecodeFull(&s.decoder, s.code + 100, x64_offset(&s.e) - 100, &insn, got)));
            assert_int_equal(insn.length, x64_offset(&s.e) - 100);
            assert_int_equal(insn.mnemonic, M(LEA));
            assert_int_equal(insn.operand_width, 64);
            assert_int_equal(insn.address_width, 64);
            assert_int_equal(got[0].reg.value, reg_name(reg, 64));
            assert_int_equal(got[1].mem.base, ZYDIS_REGISTER_RIP);
            assert_int_equal(got[1].mem.index, ZYDIS_REGISTER_NONE);
            assert_int_equal(got[1].mem.disp.value, (int64_t)target - 107);
        }
    }
}

static void patch_overwrites_four_bytes_and_no_more(void **state)
{
    static const uint8_t want[] = { 0xC3, 0x78, 0x56, 0x34, 0x12, 0xC3 };
    struct stretch s;

    (void)state;
    stretch_init(&s, sizeof want);
    x64_patch_u32(&s.e, 1, 0x12345678);
    assert_memory_equal(s.code, want, sizeof want);
    assert_int_equal(x64_offset(&s.e), sizeof want);
    assert_false(s.e.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_instruction_writes_past_the_end_or_after_overflow),
        cmocka_unit_test(bytes_fill_the_buffer_to_its_end_and_not_further),
        cmocka_unit_test(align_pads_with_int3_to_the_next_multiple),
        cmocka_unit_test(rel32_branches_land_on_their_target_and_where_patched),
        cmocka_unit_test(rel8_branches_reach_127_bytes_and_overflow_at_128),
        cmocka_unit_test(lea_rip_addresses_what_it_is_patched_to),
        cmocka_unit_test(patch_overwrites_four_bytes_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
