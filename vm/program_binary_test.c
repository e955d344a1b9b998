/*
 * The binary form: its bytes, which other builds and saved corpora rely on, round trips, and damage of every kind,
 * which must end in a sound program or in one line that names the offset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/program.h"
#include "vm/program_binary.h"
#include "vm/test_program.h"
#include "vm/test_random_program.h"
#include "vm/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct packed {
    uint8_t *bytes;
    size_t size;
};

/* Packs into a buffer of the promised size. */
static struct packed pack(const struct px_program *program)
{
    size_t room = px_program_pack_bound(program);
    struct packed packed = { .bytes = malloc(room) };
    assert_non_null(packed.bytes);
    assert_int_equal(px_program_pack(program, packed.bytes, room, &packed.size), PX_OK);
    return packed;
}

static void unpack(struct px_program *program, const uint8_t *bytes, size_t size)
{
    struct px_error err = { "" };
    if (px_program_unpack(program, "test.pxb", bytes, size, &err) != PX_OK)
        fail_msg("%s", err.text);
}

/* The bytes of @hex, blanks left out. */
static struct packed from_hex(const char *hex)
{
    struct packed packed = { .bytes = malloc(strlen(hex) + 1) };
    assert_non_null(packed.bytes);
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        int high = px_hex_value(hex[0]), low = px_hex_value(hex[1]);
        assert_true(high >= 0 && low >= 0);
        packed.bytes[packed.size++] = (uint8_t)(high << 4 | low);
        hex++;
    }
    return packed;
}

/* --- the bytes --- */

static const struct {
    const char *text, *hex;
} golden[] = {
    { "gas 0\n", "7f505801 00 00 00 0000 00 00" },
    { "gas 1000000\n"
      "code\n"
      "  02944533\n"
      "  0000200b\n",
      "7f505801 00 d6 00 0000 00 08 33459402 0b200000" },
    { "gas 63\n"
      "entry 0x40\n"
      "reg x1 0x1\n"
      "reg x2 0x3f\n"
      "reg x3 0x40\n"
      "reg x4 0x7f\n"
      "reg x5 0x41\n"
      "reg x6 0x8000000000000000\n"
      "reg x7 0x7fffffffffffffff\n"
      "reg x8 0xffffffffffffffff\n"
      "reg x9 0xfffffffffffffffe\n"
      "reg x10 0xffffffff80000000\n"
      "reg x11 0x223456789abcdef\n"
      "reg x12 0xffffffff\n"
      "reg x13 0xffffffff111111ef\n"
      "reg x14 0x100\n"
      "reg x15 0xff00\n",
      "7f505801 00 3f 46 feff 01 3f 46 87 c041 7f bf ff fe f5 c7efcdab8967452302 a0 cb10eeeeee 48"
      " c100ff 00 00" },
    { "gas 1\n"
      "map 0xfffff000 0x1000 zero\n"
      "map 0x10000000 0x2000 ro hex:01020304\n"
      "map 0x10002000 0x10000 cow hex:0000000000000000000000\n"
      "map 0x20000000 0xd0000000 cow\n"
      "code\n"
      "  9002\n",
      "7f505801 00 01 00 0000"
      " 04"
      " 00 c2ffff0e 00"
      " 01 00 01 04 06 01020304"
      " 02 02 0f 0b 15 00 00"
      " 02 50 c2ffff0c 00"
      " 02 0290" },
    { "origin seed=0x5eed index=1234 gen=control:x=1@3\n"
      "gas 5\n"
      "expect exit=hostcall:-3 pc=8 gas=4 x1=0x2 x15=0x7 oracle=qemu-7.2\n",
      "7f505801 03 05 00 0000 00 00"
      " c1ed5e c1d204 0b 636f6e74726f6c3a783d31 03"
      " 0f 0280 00 c802 08 04 02 07 08 71656d752d372e32" },
    { "origin seed=0x0 index=0\n"
      "gas 0\n"
      "expect exit=panic:bad-length\n",
      "7f505801 03 00 00 0000 00 00 00 00 00 01 0000 03 05" },
    { "gas 0\nexpect exit=page_fault:0x10000000\n", "7f505801 02 00 00 0000 00 00 01 0000 04 50" },
    { "gas 0\nexpect exit=manage\n", "7f505801 02 00 00 0000 00 00 01 0000 01" },
    { "gas 0\nexpect exit=trap\n", "7f505801 02 00 00 0000 00 00 01 0000 02" },
    { "gas 0\nexpect exit=out_of_gas\n", "7f505801 02 00 00 0000 00 00 01 0000 05" },
};

static void edges_ascend_and_take_one_byte(void **state)
{
    (void)state;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (size_t i = 0; i < PX_NUMBER_EDGES; i++) {
        assert_true(i == 0 || px_binary_edges[i] > px_binary_edges[i - 1]);
        for (int off = -1; off <= 1; off++) {
            program.gas = px_binary_edges[i] + (uint64_t)off;
            struct packed packed = pack(&program);
            assert_int_equal(packed.bytes[5] == PX_NUMBER_EDGE + i, off == 0);
            unpack(&read, packed.bytes, packed.size);
            assert_int_equal(read.gas, program.gas);
            free(packed.bytes);
        }
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

static void the_bytes_of_the_format_are_pinned(void **state)
{
    (void)state;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (size_t i = 0; i < COUNT(golden); i++) {
        char text[1024];
        int length = snprintf(text, sizeof text, "parallax 1 rv64e-jar.1\n%s", golden[i].text);
        assert_in_range(length, 1, sizeof text - 1);
        struct packed want = from_hex(golden[i].hex);
        test_parse(&program, text, (size_t)length);
        struct packed got = pack(&program);
        if (got.size != want.size || memcmp(got.bytes, want.bytes, want.size) != 0) {
            for (size_t at = 0; at < got.size; at++)
                print_message("%02x", got.bytes[at]);
            fail_msg(" in place of %s", golden[i].hex);
        }
        unpack(&read, want.bytes, want.size);
        test_expect_same_program(&read, &program);
        free(want.bytes);
        free(got.bytes);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

/* Longer numbers and shorter runs than the writer's mean the same. */
static void other_spellings_of_numbers_and_content_are_read(void **state)
{
    (void)state;
    struct packed other = from_hex("7f505801 00 c70500000000000000 c300000000 0600 40 81 40"
                                   " 01 80 c000 c00a 02 2a2b 05 2c03 06 3538393a 01 0007"
                                   " c10200 0290");
    struct px_program program;
    struct px_mapping map;
    px_program_init(&program);
    unpack(&program, other.bytes, other.size);
    map = px_program_mapping(&program, 0);
    assert_int_equal(program.gas, 5);
    assert_int_equal(program.entry_pc, 0);
    assert_int_equal(program.x[1], 1);
    assert_int_equal(program.x[2], 1);
    assert_int_equal(map.content_size, 10);
    static const uint8_t content[] = { 0x2a, 0x2b, 0x2c, 0x2f, 0x32, 0x35, 0x38, 0x39, 0x3a, 0x00 };
    assert_memory_equal(map.content, content, sizeof content);
    assert_int_equal(program.code_size, 2);
    free(other.bytes);
    px_program_fini(&program);
}

/* --- round trips --- */

static void expect_round_trip(struct px_program *program, struct px_program *read)
{
    struct packed packed = pack(program);
    unpack(read, packed.bytes, packed.size);
    test_expect_same_program(read, program);
    struct packed again = pack(read);
    assert_int_equal(again.size, packed.size);
    assert_memory_equal(again.bytes, packed.bytes, packed.size);
    free(again.bytes);
    free(packed.bytes);
}

static void random_programs_survive_a_round_trip_to_the_byte(void **state)
{
    (void)state;
    uint64_t rng = 1;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (unsigned i = 0; i < 20000; i++) {
        test_random_program(&rng, &program);
        expect_round_trip(&program, &read);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

/* From text over the binary form back to the same text. */
static void texts_come_back_from_the_binary_form_to_the_byte(void **state)
{
    (void)state;
    uint64_t rng = 2;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (unsigned i = 0; i < 3000; i++) {
        size_t size, again_size;
        test_random_program(&rng, &program);
        char *text = test_program_text(&program, &size);
        test_parse(&program, text, size);
        struct packed packed = pack(&program);
        unpack(&read, packed.bytes, packed.size);
        char *again = test_program_text(&read, &again_size);
        assert_int_equal(again_size, size);
        assert_memory_equal(again, text, size);
        free(again);
        free(packed.bytes);
        free(text);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

static void content_with_runs_at_every_place_and_length_survives(void **state)
{
    (void)state;
    uint64_t rng = 3;
    uint8_t content[9000];
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (unsigned round = 0; round < 2000; round++) {
        size_t size = 1 + test_below(&rng, round % 16 ? 100 : sizeof content);
        for (size_t at = 0; at < size;) {
            /* Lengths about the shortest run, the end and the longest run; steps that wrap. */
            size_t length = test_below(&rng, round % 16 ? 24 : 5000);
            uint8_t value = (uint8_t)test_random(&rng), step = (uint8_t)test_random(&rng);
            bool run = test_random(&rng) & 1;
            for (; length > 0 && at < size; length--, value = (uint8_t)(value + step))
                content[at++] = run ? value : (uint8_t)test_random(&rng);
        }
        px_program_clear(&program);
        assert_int_equal(px_program_map(&program, PX_DATA_BASE, 0x3000, PX_MAP_COW, content, size), PX_OK);
        expect_round_trip(&program, &read);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

static void the_most_of_everything_survives(void **state)
{
    (void)state;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    uint8_t *bytes = calloc(1, PX_CODE_MAX);
    assert_non_null(bytes);
    uint64_t rng = 4;
    for (size_t i = 0; i < PX_CODE_MAX; i++)
        bytes[i] = (uint8_t)test_random(&rng);
    assert_int_equal(px_program_append(&program, bytes, PX_CODE_MAX), PX_OK);
    for (unsigned i = 0; i < PX_PROGRAM_MAPS_MAX - 1; i++)
        assert_int_equal(px_program_map(&program, PX_DATA_BASE + i * UINT64_C(0x400000), 0x400000, PX_MAP_RO,
                                        bytes, 0x80000 - 1),
                         PX_OK);
    assert_int_equal(px_program_map(&program, PX_SPACE_SIZE - 4096, 4096, PX_MAP_RO, bytes, 63), PX_OK);
    program.gas = UINT64_MAX;
    program.entry_pc = UINT32_MAX;
    expect_round_trip(&program, &read);

    /* One byte more than any text holds. */
    assert_int_equal(program.content_size, PX_BINARY_CONTENT_MAX - 0x80000);
    struct px_program_map *last = &program.maps[PX_PROGRAM_MAPS_MAX - 1];
    program.map_count--;
    program.content_size -= last->content_size;
    assert_int_equal(px_program_map(&program, 0xf0000000, 0x400000, PX_MAP_RO, bytes, 0x80000 + 63), PX_OK);
    expect_round_trip(&program, &read);
    program.maps[0].content_size++;
    size_t size;
    assert_int_equal(px_program_pack(&program, bytes, PX_CODE_MAX, &size), PX_ERR_INPUT);
    free(bytes);
    px_program_fini(&read);
    px_program_fini(&program);
}

/* Also with less room than the program takes, down to none. */
static void packing_into_too_little_room_fails_and_writes_no_byte_past_it(void **state)
{
    (void)state;
    uint64_t rng = 5;
    struct px_program program;
    px_program_init(&program);
    for (unsigned i = 0; i < 60; i++) {
        test_random_program(&rng, &program);
        struct packed packed = pack(&program);
        for (size_t room = 0; room <= packed.size; room++) {
            size_t size = SIZE_MAX;
            uint8_t *exact = malloc(room > 0 ? room : 1);
            assert_non_null(exact);
            enum px_status status = px_program_pack(&program, exact, room, &size);
            assert_int_equal(status, room < packed.size ? PX_ERR_FULL : PX_OK);
            assert_int_equal(size, room < packed.size ? SIZE_MAX : packed.size);
            free(exact);
        }
        free(packed.bytes);
    }
    px_program_fini(&program);
}

static void what_no_file_holds_is_not_packed(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    size_t size;
    struct px_program program;
    px_program_init(&program);
    program.origin.known = true;
    memcpy(program.origin.gen, "a b", 4);
    assert_int_equal(px_program_pack(&program, bytes, sizeof bytes, &size), PX_ERR_INPUT);
    program.origin.known = false;
    program.has_expect = true;
    assert_int_equal(px_program_pack(&program, bytes, sizeof bytes, &size), PX_ERR_INPUT);
    program.expect.has_exit = true;
    program.expect.out.exit = PX_EXIT_STOPPED;
    assert_int_equal(px_program_pack(&program, bytes, sizeof bytes, &size), PX_ERR_INPUT);
    program.has_expect = false;
    assert_int_equal(px_program_map(&program, 1, 4096, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_program_pack(&program, bytes, sizeof bytes, &size), PX_ERR_INPUT);
    px_program_fini(&program);
}

/* --- damage --- */

/*
 * Reads from a buffer of the exact size, so that AddressSanitizer sees a byte read past it. True when it is a program,
 * which then survives a round trip.
 */
static bool try_bytes(struct px_program *program, struct px_program *again, const uint8_t *bytes, size_t size)
{
    struct px_error err = { "" };
    struct px_image image;
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    enum px_status status = px_program_unpack(program, "m.pxb", exact, size, &err);
    free(exact);
    px_program_image(program, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    if (status == PX_OK) {
        expect_round_trip(program, again);
        return true;
    }
    assert_int_equal(status, PX_ERR_INPUT);
    assert_int_equal(image.code_size + image.map_count, 0);
    char *end;
    assert_int_equal(strncmp(err.text, "m.pxb: offset ", 14), 0);
    assert_in_range(strtoul(err.text + 14, &end, 10), 0, size);
    assert_int_equal(strncmp(end, ": ", 2), 0);
    assert_true(strstr(end, ", expected ") != NULL || strstr(end, " overlap mapping ") != NULL);
    for (const char *c = err.text; *c != '\0'; c++)
        assert_in_range(*c, ' ', '~');
    return false;
}

static void every_truncation_is_an_error(void **state)
{
    (void)state;
    uint64_t rng = 6;
    struct px_program program, read, again;
    px_program_init(&program);
    px_program_init(&read);
    px_program_init(&again);
    for (unsigned i = 0; i < 300; i++) {
        test_random_program(&rng, &program);
        struct packed packed = pack(&program);
        for (size_t size = 0; size < packed.size; size++)
            assert_false(try_bytes(&read, &again, packed.bytes, size));
        free(packed.bytes);
    }
    px_program_fini(&again);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void every_changed_byte_gives_an_error_or_a_program(void **state)
{
    (void)state;
    uint64_t rng = 7;
    unsigned programs = 0, tried = 0;
    struct px_program program, read, again;
    px_program_init(&program);
    px_program_init(&read);
    px_program_init(&again);
    for (unsigned i = 0; i < 150; i++) {
        test_random_program(&rng, &program);
        struct packed packed = pack(&program);
        /* Every byte; of the first few files, every value of it. */
        for (size_t at = 0; at < packed.size; at++)
            for (unsigned flip = 1; flip < 256; flip = i < 8 ? flip + 1 : 2 * flip) {
                packed.bytes[at] ^= (uint8_t)flip;
                programs += try_bytes(&read, &again, packed.bytes, packed.size);
                packed.bytes[at] ^= (uint8_t)flip;
                tried++;
            }
        free(packed.bytes);
    }
    /* Most of a file is content, code and numbers, in which hardly a change is a mistake. */
    assert_in_range(programs, tried / 2, tried - tried / 20);
    px_program_fini(&again);
    px_program_fini(&read);
    px_program_fini(&program);
}

static void random_bytes_are_programs_or_name_the_offset(void **state)
{
    (void)state;
    static const uint8_t magic[] = { 0x7f, 'P', 'X', 1 };
    uint64_t rng = 8;
    struct px_program program, again;
    px_program_init(&program);
    px_program_init(&again);
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t bytes[64];
        size_t size = test_below(&rng, sizeof bytes + 1);
        for (size_t at = 0; at < size; at++)
            bytes[at] = (uint8_t)(test_random(&rng) >> (at % 3 ? 5 : 0) & 63); /* small numbers go further */
        if (i % 4 != 0)
            memcpy(bytes, magic, size < sizeof magic ? size : sizeof magic);
        (void)try_bytes(&program, &again, bytes, size);
    }
    px_program_fini(&again);
    px_program_fini(&program);
}

/* --- messages --- */

static const struct {
    const char *hex, *message;
} bad[] = {
    { "", "offset 0: found the end of the file, expected 7f 50 58, the magic of a binary program" },
    { "7f51", "offset 1: found 0x51, expected 7f 50 58, the magic of a binary program" },
    { "7f505802", "offset 3: found format version 2, expected 1" },
    { "7f505801 04", "offset 4: found 0x04, expected the parts of the file, at most 0x03" },
    { "7f505801 00 c10001", "offset 8: found the end of the file, expected the entry" },
    { "7f505801 00 c100", "offset 7: found the end of the file, expected gas" },
    { "7f505801 00 00 60", "offset 6: found 0x100000000, expected the entry, at most 0xffffffff" },
    { "7f505801 00 00 00 0100", "offset 7: found 0x01, expected the registers, without x0" },
    { "7f505801 00 00 00 0200", "offset 9: found the end of the file, expected a register" },
    { "7f505801 00 00 00 0000 c041", "offset 9: found 0x41, expected the number of mappings, at most 0x40" },
    { "7f505801 00 00 00 0000 01 03", "offset 10: found 0x03, expected the kind of a mapping, at most 0x02" },
    { "7f505801 00 00 00 0000 01 00 54",
      "offset 11: found 0x100000, expected the first page of a mapping, at most 0xeffff" },
    { "7f505801 00 00 00 0000 01 00 c2ffff0e 01",
      "offset 15: found 0x1, expected the further pages of a mapping, at most 0x0" },
    { "7f505801 00 00 00 0000 01 01 00 00 c10110",
      "offset 13: found 0x1001, expected the size of a mapping's content, at most 0x1000" },
    { "7f505801 00 00 00 0000 01 01 00 53 c30000000206",
      "offset 13: found 1 bytes after it, expected the 33554432 of a mapping's content" },
    { "7f505801 00 00 00 0000 01 01 00 53 c30100000206",
      "offset 13: found 0x2000001, expected the size of a mapping's content, at most 0x2000000" },
    { "7f505801 00 00 00 0000 01 01 00 00 04 08",
      "offset 14: found 0x8, expected a chunk of content, at most 0x7" },
    { "7f505801 00 00 00 0000 01 01 00 00 04 06 010203", "offset 15: found 3 bytes, expected 4 of content" },
    { "7f505801 00 00 00 0000 01 01 00 01 4d c10120",
      "offset 14: found a run of 4097 bytes, expected at most 4096" },
    { "7f505801 00 00 00 0000 02 00 00 01 00 01 00 00",
      "offset 13: mapping 1: start 0x10001000 and size 0x1000 overlap mapping 0" },
    { "7f505801 00 00 00 0000 00 c301000001",
      "offset 10: found 0x1000001, expected the size of the code, at most 0x1000000" },
    { "7f505801 00 00 00 0000 00 04 010203",
      "offset 10: found 3 bytes after it, expected the 4 of the code" },
    { "7f505801 00 00 00 0000 00 00 00", "offset 11: found 1 more bytes, expected the end of the file" },
    { "7f505801 01 00 00 0000 00 00 00 00 40",
      "offset 13: found 0x40, expected the name of the generator, at most 0x3f" },
    { "7f505801 01 00 00 0000 00 00 00 00 02 61",
      "offset 15: found the end of the file, expected the name of the generator" },
    { "7f505801 01 00 00 0000 00 00 00 00 02 6123",
      "offset 14: found other bytes, expected the name of the generator of printable characters" },
    { "7f505801 02 00 00 0000 00 00 10", "offset 11: found 0x10, expected what is expected, at most 0x0f" },
    { "7f505801 02 00 00 0000 00 00 08 0000",
      "offset 11: found nothing expected, expected exit, pc, gas or a register" },
    { "7f505801 02 00 00 0000 00 00 01 0000 06",
      "offset 14: found 0x06, expected the kind of the exit, at most 0x05" },
    { "7f505801 02 00 00 0000 00 00 01 0000 00 53",
      "offset 14: found host call 524288, expected a selector of 20 bits" },
    { "7f505801 02 00 00 0000 00 00 01 0000 03 06",
      "offset 15: found 0x6, expected the cause of the panic, at most 0x5" },
    { "7f505801 02 00 00 0000 00 00 01 0000 04 54",
      "offset 15: found 0x100000, expected the page of the fault, at most 0xfffff" },
    { "7f505801 02 00 00 0000 00 00 09 0000 01 00", "offset 15: found no name, expected that of the oracle" },
};

static void bad_bytes_are_refused_with_offset_and_expectation(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct px_error err = { "" };
        char want[400];
        struct packed bytes = from_hex(bad[i].hex);
        (void)snprintf(want, sizeof want, "m.pxb: %s", bad[i].message);
        program.gas = 5;
        assert_int_equal(px_program_unpack(&program, "m.pxb", bytes.bytes, bytes.size, &err), PX_ERR_INPUT);
        assert_string_equal(err.text, want);
        assert_int_equal(program.gas, 0);
        assert_int_equal(px_program_unpack(&program, "m.pxb", bytes.bytes, bytes.size, NULL), PX_ERR_INPUT);
        free(bytes.bytes);
    }
    px_program_fini(&program);
}

/* --- either form --- */

static void either_form_is_read_by_its_first_byte(void **state)
{
    (void)state;
    static const char text[] = "# a comment\nparallax 1 rv64e-jar.1\ngas 7\n";
    struct px_error err = { "" };
    struct px_program program;
    px_program_init(&program);
    struct packed binary = from_hex(golden[1].hex);
    assert_true(px_program_is_binary(binary.bytes, binary.size));
    assert_false(px_program_is_binary(text, sizeof text - 1));
    assert_false(px_program_is_binary(NULL, 0));
    assert_int_equal(px_program_read(&program, "a", binary.bytes, binary.size, &err), PX_OK);
    assert_int_equal(program.code_size, 8);
    assert_int_equal(px_program_read(&program, "a", text, sizeof text - 1, &err), PX_OK);
    assert_int_equal(program.gas, 7);
    assert_int_equal(px_program_read(&program, "a", binary.bytes, 3, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "a: offset 3: found the end of the file, expected a format version");
    assert_int_equal(px_program_read(&program, "a", NULL, 0, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "a:1:1: found end of file, expected \"parallax 1 rv64e-jar.1\"");
    free(binary.bytes);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_ascend_and_take_one_byte),
        cmocka_unit_test(the_bytes_of_the_format_are_pinned),
        cmocka_unit_test(other_spellings_of_numbers_and_content_are_read),
        cmocka_unit_test(random_programs_survive_a_round_trip_to_the_byte),
        cmocka_unit_test(texts_come_back_from_the_binary_form_to_the_byte),
        cmocka_unit_test(content_with_runs_at_every_place_and_length_survives),
        cmocka_unit_test(the_most_of_everything_survives),
        cmocka_unit_test(packing_into_too_little_room_fails_and_writes_no_byte_past_it),
        cmocka_unit_test(what_no_file_holds_is_not_packed),
        cmocka_unit_test(every_truncation_is_an_error),
        cmocka_unit_test(every_changed_byte_gives_an_error_or_a_program),
        cmocka_unit_test(random_bytes_are_programs_or_name_the_offset),
        cmocka_unit_test(bad_bytes_are_refused_with_offset_and_expectation),
        cmocka_unit_test(either_form_is_read_by_its_first_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
