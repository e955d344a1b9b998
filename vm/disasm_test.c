/* What golden_test.c cannot ask llvm-mc about: cutting, directives for what has no text, and Xjar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "vm/isa.h"

static void expect_text(uint32_t word, const char *expected)
{
    char text[48];
    struct px_insn insn = px_decode_word(word);
    size_t length = px_disassemble(&insn, word, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void text_is_cut_to_the_buffer_and_terminated_and_its_whole_length_returned(void **state)
{
    (void)state;
    static const char whole[] = "addi\ta0, zero, -1";
    const uint32_t word = 0xfff00513;
    const struct px_insn insn = px_decode_word(word);
    for (size_t size = 0; size < sizeof whole + 4; size++) {
        char text[sizeof whole + 8], expected[sizeof whole + 8];
        memset(text, '?', sizeof text);
        memset(expected, '?', sizeof expected);
        size_t kept = size < sizeof whole ? size : sizeof whole;
        memcpy(expected, whole, kept);
        if (kept > 0)
            expected[kept - 1] = '\0';
        assert_int_equal(px_disassemble(&insn, word, text, size), strlen(whole));
        assert_memory_equal(text, expected, sizeof text);
    }
}

static void illegal_encodings_are_data_directives_of_their_length(void **state)
{
    (void)state;
    expect_text(0x00000000, ".2byte\t0x0000");
    expect_text(0xabcd8000, ".2byte\t0x8000"); /* what follows is not part of it */
    expect_text(0xffffffff, ".4byte\t0xffffffff");
    expect_text(0x0000000b | 1 << 7, ".4byte\t0x0000008b");
    expect_text(0x30200073, ".4byte\t0x30200073"); /* mret */
}

static void fences_that_no_assembler_writes_are_data_directives(void **state)
{
    (void)state;
    expect_text(0x0ff0000f, "fence\tiorw, iorw");
    expect_text(0x0120000f, "fence\tw, r");
    expect_text(0x8330000f, "fence.tso");
    expect_text(0x0000100f, "fence.i");
    expect_text(0x0ff0008f, ".4byte\t0x0ff0008f"); /* rd */
    expect_text(0x0ff8000f, ".4byte\t0x0ff8000f"); /* rs1 = x16 */
    expect_text(0x1ff0000f, ".4byte\t0x1ff0000f"); /* fm */
    expect_text(0x8230000f, ".4byte\t0x8230000f"); /* fence.tso is of rw, rw only */
    expect_text(0x0010100f, ".4byte\t0x0010100f"); /* fence.i with an immediate */
}

static void xjar_is_written_by_its_names_with_a_signed_selector(void **state)
{
    (void)state;
    expect_text(0x0000000b, "trap");
    expect_text(0x0000100b, "ecall.jar");
    expect_text(0x0000200b, "ecalli\t0");
    expect_text(0xffffa38b, "ecalli\t-1");
    expect_text(0x0000220b, "ecalli\t-524288");
    expect_text(0xffffa18b, "ecalli\t524287");
    expect_text(0x0000400b, "fallthrough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_to_the_buffer_and_terminated_and_its_whole_length_returned),
        cmocka_unit_test(illegal_encodings_are_data_directives_of_their_length),
        cmocka_unit_test(fences_that_no_assembler_writes_are_data_directives),
        cmocka_unit_test(xjar_is_written_by_its_names_with_a_signed_selector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
