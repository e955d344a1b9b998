/*
 * The .px format: what is read, what is written, and what is said about everything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vm/program.h"
#include "vm/test_program.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define HEAD "parallax 1 rv64e-jar.1\n"
#define GAS HEAD "gas 1\n"

/* The text that px_program_write makes of full_program(). */
static const char canonical[] =
    HEAD "origin seed=0x5eed index=1234 gen=control@3\n"
         "gas 1000000\n"
         "entry 0x2\n"
         "reg x1 0x1\n"
         "reg x8 0x8000000000000000\n"
         "map 0x10000000 0x2000 zero\n"
         "map 0x10200000 0x1000 ro hex:00112233\n"
         "map 0xfffff000 0x1000 cow\n"
         "code\n"
         "  02944533    # div   a0, s0, s1\n"
         "  0505        # c.addi a0, 1\n"
         "  ffffffff    # .4byte 0xffffffff\n"
         "  0000200b    # ecalli 0\n"
         "  2003 00    # cut by the end of code\n"
         "expect exit=hostcall:0 pc=8 gas=999843 x10=0x8000000000000000 x15=0x0 oracle=qemu-7.2\n";

static void full_program(struct px_program *program)
{
    px_program_clear(program);
    program->origin =
        (struct px_origin){ .known = true, .seed = 0x5eed, .index = 1234, .gen = "control", .version = 3 };
    program->gas = 1000000;
    program->entry_pc = 2;
    program->x[1] = 1;
    program->x[8] = UINT64_C(1) << 63;
    assert_int_equal(px_program_map(program, 0x10000000, 0x2000, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_program_map(program, 0x10200000, 0x1000, PX_MAP_RO, "\x00\x11\x22\x33", 4), PX_OK);
    assert_int_equal(px_program_map(program, 0xfffff000, 0x1000, PX_MAP_COW, NULL, 0), PX_OK);
    assert_int_equal(px_program_append(
                         program, "\x33\x45\x94\x02\x05\x05\xff\xff\xff\xff\x0b\x20\x00\x00\x03\x20\x00", 17),
                     PX_OK);
    program->has_expect = true;
    program->expect = (struct px_expect){
        .has_exit = true,
        .has_pc = true,
        .has_gas = true,
        .has_x = 1 << 10 | 1 << 15,
        .out = { .exit = PX_EXIT_HOSTCALL, .pc = 8, .gas = 999843, .x = { [10] = UINT64_C(1) << 63 } },
        .oracle = "qemu-7.2",
    };
}

static void a_program_is_written_in_canonical_form(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    full_program(&program);
    size_t size;
    char *text = test_program_text(&program, &size);
    assert_string_equal(text, canonical);
    assert_int_equal(size, strlen(canonical));
    free(text);
    px_program_fini(&program);
}

static void the_canonical_form_reads_back_as_the_same_program(void **state)
{
    (void)state;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    full_program(&program);
    test_parse(&read, canonical, strlen(canonical));
    test_expect_same_program(&read, &program);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void order_blanks_comments_and_number_bases_are_free(void **state)
{
    (void)state;
    static const char text[] =
        "# comment first\r\n"
        "\r\n"
        " \t parallax\t1   rv64e-jar.1# header\r\n"
        "expect oracle=qemu-7.2 x15=0 x10=9223372036854775808 gas=0xf41a3 pc=0x8 exit=hostcall:0\r\n"
        "map 268435456 8192 zero hex: # nothing\n"
        "code 02944533 0505 ffff # rest of the line\n"
        "# inside code\n"
        "\n"
        "\tFFFF\n"
        "0b 20 00 00 2003 00\n"
        "reg x8 0x8000000000000000\n"
        "reg x1 0001\n"
        "reg x2 0\n"
        "map 0x10200000 0x1000 ro hex:00112233\n"
        "  map 0xFFFFF000 0x1000 cow\n"
        "entry 2\n"
        "gas 0xf4240#\n"
        "origin gen=control@3 index=0x4d2 seed=24301";
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    full_program(&program);
    test_parse(&read, text, strlen(text));
    test_expect_same_program(&read, &program);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void gas_alone_is_a_program_and_replaces_what_was_there(void **state)
{
    (void)state;
    struct px_program program, expected;
    px_program_init(&program);
    px_program_init(&expected);
    full_program(&program);
    expected.gas = UINT64_MAX;
    test_parse(&program, HEAD "gas 18446744073709551615", strlen(HEAD "gas 18446744073709551615"));
    test_expect_same_program(&program, &expected);
    size_t size;
    char *text = test_program_text(&program, &size);
    assert_string_equal(text, HEAD "gas 18446744073709551615\n");
    free(text);
    px_program_fini(&program);
}

#define KEYS "origin, gas, entry, reg, map, code or expect"
#define NUMBER "a number, decimal or 0x hex"
#define ORIGIN "seed=N, index=N or gen=NAME@VERSION"
#define NAME "a name of at most 63 printable characters"
#define EXIT "hostcall:N, manage, trap, panic:CAUSE, page_fault:0xPAGE or out_of_gas"
#define EXPECT "exit=, pc=, gas=, x1= to x15= or oracle="

static const struct {
    const char *text, *message; /* without "f.px:" */
} bad_texts[] = {
    { "", "1:1: found end of file, expected \"parallax 1 rv64e-jar.1\"" },
    { "# only\n\n", "3:1: found end of file, expected \"parallax 1 rv64e-jar.1\"" },
    { "gas 1\n", "1:1: found \"gas\", expected \"parallax 1 rv64e-jar.1\"" },
    { "\xef\xbb\xbfparallax 1",
      "1:1: found \"\\xef\\xbb\\xbfparallax\", expected \"parallax 1 rv64e-jar.1\"" },
    { "parallax", "1:9: found end of line, expected format version 1" },
    { "parallax 2 rv64e-jar.1\n", "1:10: found \"2\", expected format version 1" },
    { "parallax 1  # none\n", "1:13: found end of line, expected guest rv64e-jar.1" },
    { "parallax 1 rv64gc\n", "1:12: found \"rv64gc\", expected guest rv64e-jar.1" },
    { "parallax 1 rv64e-jar.1 x\n", "1:24: found \"x\", expected end of line" },
    { HEAD, "2:1: found end of file, expected gas N" },
    { HEAD "code\n  0505", "3:7: found end of file, expected gas N" },
    { HEAD HEAD, "2:1: found \"parallax\", expected " KEYS },
    { GAS "Gas 1\n", "3:1: found \"Gas\", expected " KEYS },
    { GAS "  0000200b\n", "3:3: found \"0000200b\", expected " KEYS },
    { GAS "\"\\\x7f\xff\r\v\n", "3:1: found \"\\x22\\x5c\\x7f\\xff\\x0d\\x0b\", expected " KEYS },
    { GAS "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ\n",
      "3:1: found \"abcdefghijklmnopqrstuvwxyz0123456789ABCD...\", expected " KEYS },
    { GAS "abcdefghijklmnopqrstuvwxyz0123456789ABCD\n",
      "3:1: found \"abcdefghijklmnopqrstuvwxyz0123456789ABCD\", expected " KEYS },
    { HEAD "gas\n", "2:4: found end of line, expected " NUMBER },
    { HEAD "gas  # 7\n", "2:6: found end of line, expected " NUMBER },
    { HEAD "gas -1\n", "2:5: found \"-1\", expected " NUMBER },
    { HEAD "gas +1\n", "2:5: found \"+1\", expected " NUMBER },
    { HEAD "gas 0x\n", "2:5: found \"0x\", expected " NUMBER },
    { HEAD "gas 0X1\n", "2:5: found \"0X1\", expected " NUMBER },
    { HEAD "gas 12a\n", "2:5: found \"12a\", expected " NUMBER },
    { HEAD "gas 0x12g\n", "2:5: found \"0x12g\", expected " NUMBER },
    { HEAD "gas 1e6\n", "2:5: found \"1e6\", expected " NUMBER },
    { HEAD "gas 99999999999999999999x\n", "2:5: found \"99999999999999999999x\", expected " NUMBER },
    { HEAD "gas 18446744073709551616\n",
      "2:5: found \"18446744073709551616\", expected a number up to 0xffffffffffffffff" },
    { HEAD "gas 0x10000000000000000\n",
      "2:5: found \"0x10000000000000000\", expected a number up to 0xffffffffffffffff" },
    { HEAD "gas 1 2\n", "2:7: found \"2\", expected end of line" },
    { GAS "\n gas 1\n", "4:2: found \"gas\", expected gas once (line 2 has it)" },
    { GAS "entry 4294967296\n", "3:7: found \"4294967296\", expected a number up to 0xffffffff" },
    { GAS "entry 0\nentry 0\n", "4:1: found \"entry\", expected entry once (line 3 has it)" },
    { GAS "reg\n", "3:4: found end of line, expected x1 to x15" },
    { GAS "reg x0 0\n", "3:5: found \"x0\", expected x1 to x15" },
    { GAS "reg x01 0\n", "3:5: found \"x01\", expected x1 to x15" },
    { GAS "reg x16 0\n", "3:5: found \"x16\", expected x1 to x15" },
    { GAS "reg x1a 0\n", "3:5: found \"x1a\", expected x1 to x15" },
    { GAS "reg a0 0\n", "3:5: found \"a0\", expected x1 to x15" },
    { GAS "reg x 0\n", "3:5: found \"x\", expected x1 to x15" },
    { GAS "reg x4294967297 0\n", "3:5: found \"x4294967297\", expected x1 to x15" },
    { GAS "reg x5\n", "3:7: found end of line, expected " NUMBER },
    { GAS "reg x5 1\nreg x6 1\nreg x5 1\n",
      "5:5: found \"x5\", expected each register once (line 3 has it)" },
    { GAS "origin\n", "3:7: found end of line, expected " ORIGIN },
    { GAS "origin seed\n", "3:8: found \"seed\", expected " ORIGIN },
    { GAS "origin sed=1\n", "3:8: found \"sed=1\", expected " ORIGIN },
    { GAS "origin seed= index=2\n", "3:13: found \"\", expected " NUMBER },
    { GAS "origin seed=1 seed=1\n", "3:15: found \"seed=1\", expected each field once" },
    { GAS "origin gen=control\n", "3:12: found \"control\", expected NAME@VERSION" },
    { GAS "origin gen=@1\n", "3:12: found \"\", expected " NAME },
    { GAS "origin gen=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01@1\n",
      "3:12: found \"abcdefghijklmnopqrstuvwxyz0123456789ABCD...\", expected " NAME },
    { GAS "origin gen=c\xc3\xb6@1\n", "3:12: found \"c\\xc3\\xb6\", expected " NAME },
    { GAS "origin gen=a@b@1\n", "3:14: found \"b@1\", expected " NUMBER },
    { GAS "origin gen=a@4294967296\n", "3:14: found \"4294967296\", expected a number up to 0xffffffff" },
    { GAS "origin seed=1\norigin index=1\n", "4:1: found \"origin\", expected origin once (line 3 has it)" },
    { GAS "map\n", "3:4: found end of line, expected " NUMBER },
    { GAS "map 0x10000000\n", "3:15: found end of line, expected " NUMBER },
    { GAS "map 0x10000000 0x1000\n", "3:22: found end of line, expected zero, ro or cow" },
    { GAS "map 0x10000000 0x1000 rw\n", "3:23: found \"rw\", expected zero, ro or cow" },
    { GAS "map 0x10000000 0x1000 ro 0011\n", "3:26: found \"0011\", expected hex:DIGITS or end of line" },
    { GAS "map 0x10000000 0x1000 ro hex\n", "3:26: found \"hex\", expected hex:DIGITS or end of line" },
    { GAS "map 0x10000000 0x1000 ro hex:00112\n", "3:34: found \"2\", expected two hex digits per byte" },
    { GAS "map 0x10000000 0x1000 ro hex:0011x233\n",
      "3:34: found \"x233\", expected two hex digits per byte" },
    { GAS "map 0x10000000 0x1000 ro hex:00 11\n", "3:33: found \"11\", expected end of line" },
    { GAS "map 0x10000800 0x1000 ro\n", "3:5: mapping 0: start 0x10000800 is not a multiple of 4096" },
    { GAS "map 0x0ffff000 0x1000 ro\n", "3:5: mapping 0: start 0xffff000 is below the data base 0x10000000" },
    { GAS "map 0x10000000 4095 ro\n", "3:16: mapping 0: size 0xfff is not a multiple of 4096" },
    { GAS "map 0x10000000 0 ro\n", "3:16: mapping 0: size is 0" },
    { GAS "map 0x10000000 0x1000 ro\nmap 0xfffff000 0x2000 zero\n",
      "4:16: mapping 1: size 0x2000 from start 0xfffff000 runs past 2^32" },
    { GAS "map 0x10000000 0x1000 zero hex:00\n", "3:28: mapping 0: content of 1 bytes on a zero mapping" },
    { GAS "map 0x10001000 0x1000 ro\nmap 0x10000000 0x2000 cow\nmap 0 0 ro\n",
      "4:5: mapping 1: start 0x10000000 and size 0x2000 overlap mapping 0" },
    { GAS "code\n  123\n", "4:3: found \"123\", expected 8, 4 or 2 hex digits, or " KEYS },
    { GAS "code\n  0000000g\n", "4:3: found \"0000000g\", expected 8, 4 or 2 hex digits, or " KEYS },
    { GAS "code\n  0x0b\n", "4:3: found \"0x0b\", expected 8, 4 or 2 hex digits, or " KEYS },
    { GAS "code\n  0000200b 0b20000\n", "4:12: found \"0b20000\", expected 8, 4 or 2 hex digits" },
    { GAS "code\n  0000200b gas\n", "4:12: found \"gas\", expected 8, 4 or 2 hex digits" },
    { GAS "code 00000013 nop\n", "3:15: found \"nop\", expected 8, 4 or 2 hex digits" },
    { GAS "code\nentry 0\n00000013\n", "5:1: found \"00000013\", expected " KEYS },
    { GAS "code\ncode\n", "4:1: found \"code\", expected code once (line 3 has it)" },
    { GAS "expect\n", "3:7: found end of line, expected " EXPECT },
    { GAS "expect oracle=qemu\n", "3:19: found end of line, expected " EXPECT },
    { GAS "expect exit\n", "3:8: found \"exit\", expected " EXPECT },
    { GAS "expect x0=0\n", "3:8: found \"x0=0\", expected " EXPECT },
    { GAS "expect exit=stopped\n", "3:13: found \"stopped\", expected " EXIT },
    { GAS "expect exit=unjudged:gas\n", "3:13: found \"unjudged:gas\", expected " EXIT },
    { GAS "expect exit=panic:oops\n", "3:13: found \"panic:oops\", expected " EXIT },
    { GAS "expect exit=hostcall:524288\n", "3:13: found \"hostcall:524288\", expected " EXIT },
    { GAS "expect exit=page_fault:0x0000000000000000000000000010000000\n",
      "3:13: found \"page_fault:0x000000000000000000000000001...\", expected " EXIT },
    { GAS "expect pc=4294967296\n", "3:11: found \"4294967296\", expected a number up to 0xffffffff" },
    { GAS "expect gas=\n", "3:12: found end of line, expected " NUMBER },
    { GAS "expect x3=z\n", "3:11: found \"z\", expected " NUMBER },
    { GAS "expect x3=1 pc=2 x3=1\n", "3:18: found \"x3=1\", expected each field once" },
    { GAS "expect pc=1 oracle=a@b\n", "3:20: found \"a@b\", expected " NAME },
    { GAS "expect pc=1\nexpect pc=1\n", "4:1: found \"expect\", expected expect once (line 3 has it)" },
};

static void every_bad_text_is_refused_with_its_place_and_expectation(void **state)
{
    (void)state;
    struct px_program program, empty;
    px_program_init(&program);
    px_program_init(&empty);
    for (size_t i = 0; i < COUNT(bad_texts); i++) {
        struct px_error err = { "" };
        char message[sizeof err.text];
        (void)snprintf(message, sizeof message, "f.px:%s", bad_texts[i].message);
        full_program(&program);
        enum px_status status =
            px_program_parse(&program, "f.px", bad_texts[i].text, strlen(bad_texts[i].text), &err);
        assert_int_equal(status, PX_ERR_INPUT);
        assert_string_equal(err.text, message);
        test_expect_same_program(&program, &empty);
    }
    px_program_fini(&program);
}

static void expect_parse_error(const char *text, size_t size, const char *name, const char *message)
{
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(px_program_parse(&program, name, text, size, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_int_equal(px_program_parse(&program, name, text, size, NULL), PX_ERR_INPUT);
    px_program_fini(&program);
}

static void nul_bytes_are_refused_even_in_comments(void **state)
{
    (void)state;
    static const char text[] = GAS "# a\0b\n", word[] = GAS "code\n 00\0\n";
    expect_parse_error(text, sizeof text - 1, "f", "f:3:4: found \"\\x00\", expected text without NUL bytes");
    expect_parse_error(word, sizeof word - 1, "f", "f:4:4: found \"\\x00\", expected text without NUL bytes");
    expect_parse_error(NULL, 0, "f", "f:1:1: found end of file, expected \"parallax 1 rv64e-jar.1\"");
}

static void messages_stay_one_whole_line_whatever_the_name(void **state)
{
    (void)state;
    char name[3000], message[400];
    memset(name, 'd', sizeof name - 1);
    memcpy(name + sizeof name - 7, "/p\n.px", 7);
    (void)snprintf(message, sizeof message,
                   "...%.*s/p?.px:1:1: found \"x\", expected \"parallax 1 rv64e-jar.1\"", 150, name);
    expect_parse_error("x", 1, name, message);
}

static void the_65th_mapping_is_refused_on_its_line(void **state)
{
    (void)state;
    char text[8192];
    size_t size = (size_t)snprintf(text, sizeof text, GAS);
    for (unsigned i = 0; i <= PX_PROGRAM_MAPS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "map 0x%x 0x1000 zero\n",
                                 0x20000000u - i * 0x1000u);
    expect_parse_error(text, size, "f", "f:67:5: found \"0x1ffc0000\", expected at most 64 mappings");
}

static void content_longer_than_its_mapping_is_refused_on_its_line(void **state)
{
    (void)state;
    static const char start[] = GAS "map 0x10000000 0x1000 cow hex:";
    char text[sizeof start + 8194];
    memcpy(text, start, sizeof start - 1);
    memset(text + sizeof start - 1, 'a', 8194);
    expect_parse_error(text, sizeof start - 1 + 8194, "f",
                       "f:3:27: mapping 0: content of 4097 bytes is longer than size 0x1000");
}

/* GAS, "code", @words lines of a nop each, and @tail. */
static char *nops(size_t words, const char *tail, size_t *size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    assert_non_null(file);
    (void)fputs(GAS "code\n", file);
    for (size_t i = 0; i < words; i++)
        (void)fputs("00000013\n", file);
    (void)fputs(tail, file);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void code_may_be_16_mib_and_not_a_byte_more(void **state)
{
    (void)state;
    size_t size, written_size;
    char *text = nops(PX_CODE_MAX / 4, "00\n", &size);
    expect_parse_error(text, size, "f", "f:4194308:1: found \"00\", expected at most 16777216 bytes of code");
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    test_parse(&program, text, size - 3);
    assert_int_equal(program.code_size, PX_CODE_MAX);
    program.code_size -= 1;
    char *written = test_program_text(&program, &written_size);
    test_parse(&read, written, written_size);
    test_expect_same_program(&read, &program);
    free(written);
    free(text);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void a_text_over_64_mib_is_neither_read_nor_written(void **state)
{
    (void)state;
    size_t size = ((size_t)64 << 20) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '#', size);
    memcpy(text, GAS, sizeof GAS - 1);
    expect_parse_error(text, size, "f", "f:1:1: found over 67108864 bytes, expected at most that many");
    struct px_program program;
    px_program_init(&program);
    test_parse(&program, text, size - 1);

    assert_int_equal(px_program_map(&program, PX_DATA_BASE, size - 1, PX_MAP_COW, text, size - 1), PX_OK);
    FILE *sink = fopen("/dev/null", "w");
    if (sink) {
        assert_int_equal(px_program_write(&program, sink), PX_ERR_INPUT);
        (void)fclose(sink);
    }
    px_program_fini(&program);
    free(text);
    assert_non_null(sink);
}

static void expect_not_written(const struct px_program *program)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(px_program_write(program, file), PX_ERR_INPUT);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(size, 0);
    free(text);
}

static void what_would_not_read_back_is_not_written(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);

    full_program(&program);
    program.maps[1].start = 0x10001000;
    expect_not_written(&program);
    static const char *const names[] = { "a b", "a#", "a@", "a\n", "\xc3\xb6" };
    for (size_t i = 0; i < COUNT(names); i++) {
        full_program(&program);
        (void)snprintf(program.origin.gen, sizeof program.origin.gen, "%s", names[i]);
        expect_not_written(&program);
        full_program(&program);
        (void)snprintf(program.expect.oracle, sizeof program.expect.oracle, "%s", names[i]);
        expect_not_written(&program);
    }
    full_program(&program);
    memset(program.origin.gen, 'a', sizeof program.origin.gen);
    expect_not_written(&program);
    full_program(&program);
    program.origin.gen[0] = '\0';
    expect_not_written(&program);
    full_program(&program);
    program.expect = (struct px_expect){ .oracle = "qemu-7.2" };
    expect_not_written(&program);
    full_program(&program);
    program.expect.out.exit = PX_EXIT_STOPPED;
    expect_not_written(&program);
    full_program(&program);
    program.expect.out.arg = 1 << 19;
    expect_not_written(&program);
    full_program(&program);
    program.expect.has_x |= 1;
    expect_not_written(&program);
    px_program_fini(&program);
}

static void a_full_device_is_reported(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (!full) {
        skip();
        return;
    }
    struct px_program program;
    px_program_init(&program);
    full_program(&program);
    /* Found by the flush, and for code that outgrows the buffer by a write. */
    assert_int_equal(px_program_write(&program, full), PX_ERR_SYSTEM);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(px_program_append(&program, canonical, sizeof canonical), PX_OK);
    assert_int_equal(px_program_write(&program, full), PX_ERR_SYSTEM);
    (void)fclose(full);
    px_program_fini(&program);
}

static void files_are_loaded_whole_and_named_in_messages(void **state)
{
    (void)state;
    struct px_program program, read;
    struct px_error err = { "" };
    px_program_init(&program);
    px_program_init(&read);
    full_program(&program);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(px_program_append(&program, canonical, sizeof canonical), PX_OK);
    FILE *file = tmpfile();
    assert_non_null(file);
    char path[40], message[200];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
    assert_int_equal(px_program_write(&program, file), PX_OK);
    assert_true(ftell(file) > 1 << 20);
    if (px_program_load(&read, path, &err) != PX_OK)
        fail_msg("%s", err.text);
    test_expect_same_program(&read, &program);

    assert_true(fputs("oops\n", file) >= 0 && fflush(file) == 0);
    assert_int_equal(px_program_load(&read, path, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, ":1: found \"oops\", expected " KEYS));
    assert_int_equal(strncmp(err.text, path, strlen(path)), 0);

    assert_int_equal(ftruncate(fileno(file), ((off_t)64 << 20) + 1), 0);
    assert_int_equal(px_program_load(&read, path, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message, "%s:1:1: found over 67108864 bytes, expected at most that many",
                   path);
    assert_string_equal(err.text, message);
    assert_int_equal(fclose(file), 0);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void what_cannot_be_read_is_named_with_the_reason(void **state)
{
    (void)state;
    struct px_program program, empty;
    struct px_error err = { "" };
    px_program_init(&program);
    px_program_init(&empty);
    full_program(&program);
    assert_int_equal(px_program_load(&program, "/no/such/file.px", &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "/no/such/file.px: cannot open: No such file or directory");
    test_expect_same_program(&program, &empty);
    assert_int_equal(px_program_load(&program, "/", &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "/: cannot read: Is a directory");
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_written_in_canonical_form),
        cmocka_unit_test(the_canonical_form_reads_back_as_the_same_program),
        cmocka_unit_test(order_blanks_comments_and_number_bases_are_free),
        cmocka_unit_test(gas_alone_is_a_program_and_replaces_what_was_there),
        cmocka_unit_test(every_bad_text_is_refused_with_its_place_and_expectation),
        cmocka_unit_test(nul_bytes_are_refused_even_in_comments),
        cmocka_unit_test(messages_stay_one_whole_line_whatever_the_name),
        cmocka_unit_test(the_65th_mapping_is_refused_on_its_line),
        cmocka_unit_test(content_longer_than_its_mapping_is_refused_on_its_line),
        cmocka_unit_test(code_may_be_16_mib_and_not_a_byte_more),
        cmocka_unit_test(a_text_over_64_mib_is_neither_read_nor_written),
        cmocka_unit_test(what_would_not_read_back_is_not_written),
        cmocka_unit_test(a_full_device_is_reported),
        cmocka_unit_test(files_are_loaded_whole_and_named_in_messages),
        cmocka_unit_test(what_cannot_be_read_is_named_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
