/*
 * The instruction table judged against lists written from ISA.md and the RISC-V manuals: which rows may
 * overlap, where a row stands, and what each instruction does and costs. Nothing here is read back from
 * isa.def except the rows under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "vm/isa.h"
#include "vm/test_insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The instructions of a list, separated by blanks, share one value. */
struct label {
    unsigned value;
    const char *mnemonics;
};

enum { NO_DEFAULT = 0x10000 };

static bool list_has(const char *list, const char *mnemonic)
{
    size_t length = strlen(mnemonic);
    for (const char *at = list; (at = strstr(at, mnemonic)) != NULL; at++)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static size_t list_length(const char *list)
{
    size_t words = *list != '\0';
    for (const char *at = list; *at != '\0'; at++)
        words += *at == ' ';
    return words;
}

/* Every op has its label's value, or @otherwise when no list names it; every name in a list is an op. */
static void expect_labels(const struct label *labels, size_t count, unsigned otherwise,
                          unsigned (*value_of)(unsigned op))
{
    size_t listed = 0, found = 0;
    for (size_t i = 0; i < count; i++)
        listed += list_length(labels[i].mnemonics);
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++) {
        unsigned expected = otherwise, hits = 0;
        for (size_t i = 0; i < count; i++) {
            if (list_has(labels[i].mnemonics, px_ops[op].mnemonic)) {
                expected = labels[i].value;
                hits++;
            }
        }
        found += hits;
        if (hits > 1 || value_of(op) != expected)
            fail_msg("%s: %u lists name it, value %#x, expected %#x", px_ops[op].mnemonic, hits, value_of(op),
                     expected);
    }
    assert_int_equal(found, listed);
}

static unsigned gas_of(unsigned op)
{
    return px_ops[op].gas;
}

static unsigned effects_of(unsigned op)
{
    return px_ops[op].effects;
}

static unsigned format_of(unsigned op)
{
    return px_ops[op].format;
}

static unsigned extension_of(unsigned op)
{
    return px_ops[op].extension;
}

static void every_instruction_costs_what_the_gas_table_says(void **state)
{
    (void)state;
    /* One row for each row of ISA.md 7's table, in its order. */
    static const struct label table[] = {
        { PX_GC_MEMORY, "lb lh lw ld lbu lhu lwu sb sh sw sd" },
        { PX_GC_UPPER, "lui auipc" },
        { PX_GC_ALU, "add sub and or xor addi andi ori xori sltiu slti slli srli srai rori "
                     "add.uw sh1add sh2add sh3add sh1add.uw sh2add.uw sh3add.uw slli.uw "
                     "bclr bclri bext bexti binv binvi bset bseti" },
        { PX_GC_SHIFT, "sll srl sra rol ror" },
        { PX_GC_SLT, "slt sltu" },
        { PX_GC_ALUW, "addw subw addiw slliw srliw sraiw roriw" },
        { PX_GC_SHIFTW, "sllw srlw sraw rolw rorw" },
        { PX_GC_MUL, "mul" },
        { PX_GC_MULW, "mulw" },
        { PX_GC_MULH, "mulh mulhu" },
        { PX_GC_MULHSU, "mulhsu" },
        { PX_GC_DIV, "div divu rem remu divw divuw remw remuw" },
        { PX_GC_UNARY, "clz cpop clzw cpopw sext.b sext.h zext.h rev8 orc.b" },
        { PX_GC_CTZ, "ctz ctzw" },
        { PX_GC_MINMAX, "min minu max maxu" },
        { PX_GC_ANDN, "andn orn" },
        { PX_GC_XNOR, "xnor" },
        { PX_GC_CZERO, "czero.eqz czero.nez" },
        { PX_GC_JAL, "jal" },
        { PX_GC_JALR, "jalr" },
        { PX_GC_BRANCH, "beq bne blt bge bltu bgeu" },
        { PX_GC_STOP, "trap fallthrough ecall ebreak" }, /* the standard two are illegal (ISA.md 3) */
        { PX_GC_FENCE, "fence fence.i" },
        { PX_GC_CALL, "ecalli ecall.jar" },
    };
    assert_int_equal(COUNT(table), PX_GC_CLASS_COUNT);
    expect_labels(table, COUNT(table), NO_DEFAULT, gas_of);
    assert_int_equal(px_ops[PX_OP_ILLEGAL].gas, PX_GC_STOP);
}

static void every_instruction_has_the_effects_of_its_kind_and_no_other(void **state)
{
    (void)state;
    static const struct label table[] = {
        { PX_EFF_LOAD | PX_EFF_W1, "lb lbu" },
        { PX_EFF_LOAD | PX_EFF_W2, "lh lhu" },
        { PX_EFF_LOAD | PX_EFF_W4, "lw lwu" },
        { PX_EFF_LOAD | PX_EFF_W8, "ld" },
        { PX_EFF_STORE | PX_EFF_W1, "sb" },
        { PX_EFF_STORE | PX_EFF_W2, "sh" },
        { PX_EFF_STORE | PX_EFF_W4, "sw" },
        { PX_EFF_STORE | PX_EFF_W8, "sd" },
        { PX_EFF_TERM | PX_EFF_BRANCH, "beq bne blt bge bltu bgeu" },
        { PX_EFF_TERM | PX_EFF_JUMP, "jal jalr" },
        { PX_EFF_TERM | PX_EFF_CALL, "ecalli ecall.jar" },
        { PX_EFF_TERM, "trap fallthrough ecall ebreak" },
    };
    expect_labels(table, COUNT(table), PX_EFF_NONE, effects_of);
    assert_int_equal(px_ops[PX_OP_ILLEGAL].effects, PX_EFF_TERM);
}

static void every_instruction_has_the_format_of_the_manual(void **state)
{
    (void)state;
    static const struct label table[] = {
        { PX_FMT_NONE, "trap ecall.jar fallthrough ecall ebreak" },
        { PX_FMT_R,
          "add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw "
          "mul mulh mulhsu mulhu div divu rem remu mulw divw divuw remw remuw "
          "add.uw sh1add sh2add sh3add sh1add.uw sh2add.uw sh3add.uw "
          "andn orn xnor min minu max maxu rol ror rolw rorw bclr bext binv bset czero.eqz czero.nez" },
        { PX_FMT_R1, "clz ctz cpop clzw ctzw cpopw sext.b sext.h zext.h orc.b rev8" },
        { PX_FMT_I, "addi slti sltiu xori ori andi addiw" },
        { PX_FMT_SH6, "slli srli srai rori slli.uw bclri bexti binvi bseti" },
        { PX_FMT_SH5, "slliw srliw sraiw roriw" },
        { PX_FMT_LOAD, "lb lh lw ld lbu lhu lwu" },
        { PX_FMT_STORE, "sb sh sw sd" },
        { PX_FMT_BRANCH, "beq bne blt bge bltu bgeu" },
        { PX_FMT_U, "lui auipc" },
        { PX_FMT_JAL, "jal" },
        { PX_FMT_JALR, "jalr" },
        { PX_FMT_FENCE, "fence fence.i" },
        { PX_FMT_ECALLI, "ecalli" },
    };
    assert_int_equal(COUNT(table), PX_FMT_COUNT);
    expect_labels(table, COUNT(table), NO_DEFAULT, format_of);
}

static void every_instruction_belongs_to_its_extension(void **state)
{
    (void)state;
    static const struct label table[] = {
        { PX_EXT_M, "mul mulh mulhsu mulhu div divu rem remu mulw divw divuw remw remuw" },
        { PX_EXT_ZBA, "add.uw sh1add sh2add sh3add sh1add.uw sh2add.uw sh3add.uw slli.uw" },
        { PX_EXT_ZBB, "andn orn xnor clz ctz cpop clzw ctzw cpopw min minu max maxu sext.b sext.h zext.h "
                      "rol ror rori rolw rorw roriw orc.b rev8" },
        { PX_EXT_ZBS, "bclr bclri bext bexti binv binvi bset bseti" },
        { PX_EXT_ZICOND, "czero.eqz czero.nez" },
        { PX_EXT_XJAR, "trap ecall.jar ecalli fallthrough" },
    };
    expect_labels(table, COUNT(table), PX_EXT_I, extension_of);
}

static void formats_name_the_register_positions_of_the_manual(void **state)
{
    (void)state;
    static const uint8_t expected[PX_FMT_COUNT] = {
        [PX_FMT_R] = PX_HAS_RD | PX_HAS_RS1 | PX_HAS_RS2,
        [PX_FMT_R1] = PX_HAS_RD | PX_HAS_RS1,
        [PX_FMT_I] = PX_HAS_RD | PX_HAS_RS1,
        [PX_FMT_SH6] = PX_HAS_RD | PX_HAS_RS1,
        [PX_FMT_SH5] = PX_HAS_RD | PX_HAS_RS1,
        [PX_FMT_LOAD] = PX_HAS_RD | PX_HAS_RS1,
        [PX_FMT_STORE] = PX_HAS_RS1 | PX_HAS_RS2,
        [PX_FMT_BRANCH] = PX_HAS_RS1 | PX_HAS_RS2,
        [PX_FMT_U] = PX_HAS_RD,
        [PX_FMT_JAL] = PX_HAS_RD,
        [PX_FMT_JALR] = PX_HAS_RD | PX_HAS_RS1,
    };
    for (unsigned op = 1; op < PX_OP_COUNT; op++)
        if (px_ops[op].regs != expected[px_ops[op].format])
            fail_msg("%s names registers %u", px_ops[op].mnemonic, px_ops[op].regs);
}

/* "SEXT_B" is "sext.b". */
static void expect_spelling(const char *name, const char *mnemonic)
{
    if (strlen(name) != strlen(mnemonic))
        fail_msg("%s is called %s", name, mnemonic);
    for (size_t i = 0; name[i] != '\0'; i++)
        if (mnemonic[i] != (name[i] == '_' ? '.' : tolower((unsigned char)name[i])))
            fail_msg("%s is called %s", name, mnemonic);
}

static void mnemonics_spell_the_names_of_their_rows(void **state)
{
    (void)state;
    static const char *const wide[PX_OP_COUNT] = {
#define PX_OP(name, ...) [PX_OP_##name] = #name,
#include "vm/isa.def"
    };
    static const char *const compressed[PX_C_COUNT] = {
#define PX_RVC(name, ...) [PX_C_##name] = "C_" #name,
#include "vm/isa.def"
    };
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++)
        expect_spelling(wide[op], px_ops[op].mnemonic);
    for (unsigned row = PX_C_NONE + 1; row < PX_C_COUNT; row++)
        expect_spelling(compressed[row], px_rvcs[row].mnemonic);
}

static void every_match_lies_inside_its_mask(void **state)
{
    (void)state;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++)
        if (px_ops[op].match & ~px_ops[op].mask)
            fail_msg("%s", px_ops[op].mnemonic);
    for (unsigned row = PX_C_NONE + 1; row < PX_C_COUNT; row++)
        if (px_rvcs[row].match & ~px_rvcs[row].mask)
            fail_msg("%s", px_rvcs[row].mnemonic);
}

static void no_word_matches_two_wide_rows(void **state)
{
    (void)state;
    for (unsigned a = PX_OP_ILLEGAL + 1; a < PX_OP_COUNT; a++)
        for (unsigned b = a + 1; b < PX_OP_COUNT; b++)
            if (((px_ops[a].match ^ px_ops[b].match) & px_ops[a].mask & px_ops[b].mask) == 0)
                fail_msg("%s and %s overlap", px_ops[a].mnemonic, px_ops[b].mnemonic);
}

/* The first of a pair wins, because it is the special case of the second. */
struct overlap {
    enum px_rvc special, general;
};

static const struct overlap overlaps[] = {
    { PX_C_NOP, PX_C_ADDI },    { PX_C_ADDI16SP, PX_C_LUI }, { PX_C_JR, PX_C_MV },
    { PX_C_EBREAK, PX_C_JALR }, { PX_C_EBREAK, PX_C_ADD },   { PX_C_JALR, PX_C_ADD },
};

static bool overlap_is_listed(unsigned a, unsigned b)
{
    for (size_t i = 0; i < COUNT(overlaps); i++)
        if (overlaps[i].special == a && overlaps[i].general == b)
            return true;
    return false;
}

static void compressed_rows_overlap_exactly_where_listed(void **state)
{
    (void)state;
    size_t found = 0;
    for (unsigned a = PX_C_NONE + 1; a < PX_C_COUNT; a++) {
        for (unsigned b = a + 1; b < PX_C_COUNT; b++) {
            const struct px_rvc_info *first = &px_rvcs[a], *second = &px_rvcs[b];
            if ((first->match ^ second->match) & first->mask & second->mask)
                continue;
            found++;
            if (!overlap_is_listed(a, b))
                fail_msg("%s and %s overlap", first->mnemonic, second->mnemonic);
            /* A general row that came first would hide the special one. */
            if ((first->mask & second->mask) != second->mask || first->mask == second->mask)
                fail_msg("%s stands before %s and is not the special case", first->mnemonic,
                         second->mnemonic);
        }
    }
    if (found != COUNT(overlaps))
        fail_msg("%zu overlaps are listed, %zu exist: the list is stale", COUNT(overlaps), found);
}

/* opcode, funct3 and funct7 of a row are the decoder's index: a row that shares its own with another must say so, and
 * stand right behind it. */
static void rows_share_an_index_only_where_they_say_so(void **state)
{
    (void)state;
    static const bool also[PX_OP_COUNT] = {
#define PX_OP_ALSO(name, ...) [PX_OP_##name] = true,
#include "vm/isa.def"
    };
    const uint32_t index = 0xfe00707f;
    for (unsigned op = 2; op < PX_OP_COUNT; op++) {
        bool shares = (px_ops[op].match & index) == (px_ops[op - 1].match & index);
        if (shares != also[op])
            fail_msg("%s: PX_OP_ALSO %d, shares its index %d", px_ops[op].mnemonic, also[op], shares);
        for (unsigned other = 1; other + 1 < op && !also[op]; other++)
            if ((px_ops[op].match & index) == (px_ops[other].match & index))
                fail_msg("%s has the index of %s, far before it", px_ops[op].mnemonic,
                         px_ops[other].mnemonic);
    }
}

static void compressed_rows_fix_the_quadrant_and_funct3_of_their_group(void **state)
{
    (void)state;
    static const struct {
        unsigned quadrant, funct3, first;
    } groups[] = {
#define PX_RVC_AT(quadrant, funct3) { quadrant, funct3, PX_C_FIRST_##quadrant##_##funct3 },
#include "vm/isa.def"
    };
    assert_int_equal(groups[0].first, PX_C_NONE + 1);
    for (size_t g = 0; g < COUNT(groups); g++) {
        unsigned end = g + 1 < COUNT(groups) ? groups[g + 1].first : PX_C_COUNT;
        unsigned key = groups[g].quadrant | groups[g].funct3 << 13;
        assert_true(end > groups[g].first);
        for (unsigned row = groups[g].first; row < end; row++)
            if ((px_rvcs[row].mask & 0xe003u) != 0xe003u || (px_rvcs[row].match & 0xe003u) != key)
                fail_msg("%s is not of group %u %u", px_rvcs[row].mnemonic, groups[g].quadrant,
                         groups[g].funct3);
        for (size_t other = 0; other < g; other++)
            assert_false(groups[g].quadrant == groups[other].quadrant &&
                         groups[g].funct3 == groups[other].funct3);
    }
}

static void each_match_word_decodes_to_its_own_row_with_zero_operands(void **state)
{
    (void)state;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++)
        test_expect_insn(px_ops[op].match, px_decode_word(px_ops[op].match),
                         (struct px_insn){ .op = (uint8_t)op, .len = 4 });
}

static void every_compressed_row_is_reached_by_some_halfword(void **state)
{
    (void)state;
    unsigned reached[PX_C_COUNT] = { 0 };
    for (uint32_t half = 0; half < 0x10000; half++)
        if ((half & 3) != 3)
            reached[px_decode_word(half).rvc]++;
    for (unsigned row = PX_C_NONE + 1; row < PX_C_COUNT; row++)
        if (reached[row] == 0)
            fail_msg("%s is never reached", px_rvcs[row].mnemonic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_costs_what_the_gas_table_says),
        cmocka_unit_test(every_instruction_has_the_effects_of_its_kind_and_no_other),
        cmocka_unit_test(every_instruction_has_the_format_of_the_manual),
        cmocka_unit_test(every_instruction_belongs_to_its_extension),
        cmocka_unit_test(formats_name_the_register_positions_of_the_manual),
        cmocka_unit_test(mnemonics_spell_the_names_of_their_rows),
        cmocka_unit_test(every_match_lies_inside_its_mask),
        cmocka_unit_test(no_word_matches_two_wide_rows),
        cmocka_unit_test(compressed_rows_overlap_exactly_where_listed),
        cmocka_unit_test(rows_share_an_index_only_where_they_say_so),
        cmocka_unit_test(compressed_rows_fix_the_quadrant_and_funct3_of_their_group),
        cmocka_unit_test(each_match_word_decodes_to_its_own_row_with_zero_operands),
        cmocka_unit_test(every_compressed_row_is_reached_by_some_halfword),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
