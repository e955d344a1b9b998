#define _GNU_SOURCE
#include "harness/vectors/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "generators/generator.h"
#include "generators/prng.h"

/* A file in memory. */
struct file {
    char *bytes;
    size_t size;
};

static void begin_record(struct vectors_writer *writer, struct px_program *program, uint64_t index)
{
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse("memory", &gen, &err), PX_OK);
    assert_int_equal(px_gen_make(&gen, 7, index, program), PX_OK);
    assert_int_equal(vectors_writer_record(writer, program, &err), PX_OK);
}

static void add_case(struct vectors_writer *writer, const struct px_program *program, uint64_t k)
{
    struct px_error err = { "" };
    uint64_t x[PX_REG_COUNT];
    struct px_outcome out = { .exit = k % 3 ? PX_EXIT_HOSTCALL : PX_EXIT_PAGE_FAULT,
                              .arg = k % 3 ? -5 : 0x10003000,
                              .pc = 8 };
    memcpy(x, program->x, sizeof x);
    x[5] = k;
    x[7] = ~k;
    memcpy(out.x, x, sizeof out.x);
    out.x[10] = UINT64_C(0x0123456789abcdef) * k;
    out.x[15] = x[15] + k;
    assert_int_equal(vectors_writer_case(writer, x, &out, &err), PX_OK);
}

/* Three records of some cases each; the second one has none and is not written. */
static struct file make_file(unsigned cases)
{
    struct vectors_writer writer = { .record_count = 0 };
    struct px_program program;
    struct px_error err = { "" };
    struct file file;
    px_program_init(&program);
    for (uint64_t r = 0; r < 3; r++) {
        begin_record(&writer, &program, r);
        for (unsigned k = 0; k < (r == 1 ? 0 : cases); k++)
            add_case(&writer, &program, k);
    }
    assert_int_equal(vectors_writer_finish(&writer, "oracle-1", "2026-11-21", &file.bytes, &file.size, &err),
                     PX_OK);
    vectors_writer_fini(&writer);
    px_program_fini(&program);
    return file;
}

static enum px_status read_bytes(const void *bytes, size_t size, struct px_error *err)
{
    struct vectors vectors = { .cases = 0 };
    *err = (struct px_error){ "" };
    /* A copy without a byte to spare, so that sanitizers see what is read past it. */
    void *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    enum px_status status = vectors_read(&vectors, "v.pxv", copy, size, err);
    free(copy);
    if (status == PX_OK)
        vectors_fini(&vectors);
    else
        assert_null(vectors.bytes);
    return status;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct file file = make_file(10);
    struct vectors vectors;
    struct vectors_cursor cursor;
    struct vectors_case one;
    struct px_error err = { "" };
    uint64_t index = 0;
    assert_int_equal(vectors_read(&vectors, "v.pxv", file.bytes, file.size, &err), PX_OK);
    assert_string_equal(vectors.oracle, "oracle-1");
    assert_string_equal(vectors.date, "2026-11-21");
    assert_int_equal(vectors.cases, 20);
    vectors_begin(&cursor, &vectors, &err);
    while (vectors_next_record(&cursor)) {
        assert_false(cursor.program.origin.known || cursor.program.has_expect);
        for (uint64_t k = 0; vectors_next_case(&cursor, &one); k++) {
            assert_int_equal(one.index, index++);
            assert_int_equal(one.x[5], k);
            assert_int_equal(one.x[7], ~k);
            assert_int_equal(one.x[8], cursor.program.x[8]);
            assert_true(one.expect.has_exit && one.expect.has_pc && !one.expect.has_gas);
            assert_int_equal(one.expect.has_x, 0xfffe);
            assert_int_equal(one.expect.out.exit, k % 3 ? PX_EXIT_HOSTCALL : PX_EXIT_PAGE_FAULT);
            assert_int_equal(one.expect.out.arg, k % 3 ? -5 : 0x10003000);
            assert_int_equal(one.expect.out.pc, 8);
            assert_int_equal(one.expect.out.x[10], UINT64_C(0x0123456789abcdef) * k);
            assert_int_equal(one.expect.out.x[5], k);
            assert_int_equal(one.expect.out.x[15], cursor.program.x[15] + k);
            assert_string_equal(one.expect.oracle, "oracle-1");
        }
    }
    assert_int_equal(cursor.status, PX_OK);
    assert_int_equal(index, 20);
    vectors_end(&cursor);
    vectors_fini(&vectors);
    free(file.bytes);
}

static void the_same_cases_give_the_same_bytes(void **state)
{
    (void)state;
    struct file a = make_file(30), b = make_file(30);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    free(a.bytes);
    free(b.bytes);
}

static void records_can_be_left_in_the_middle(void **state)
{
    (void)state;
    struct file file = make_file(10);
    struct vectors vectors;
    struct vectors_cursor cursor;
    struct vectors_case one;
    struct px_error err = { "" };
    assert_int_equal(vectors_read(&vectors, "v.pxv", file.bytes, file.size, &err), PX_OK);
    vectors_begin(&cursor, &vectors, &err);
    assert_true(vectors_next_record(&cursor));
    assert_true(vectors_next_case(&cursor, &one));
    assert_true(vectors_next_record(&cursor));
    assert_true(vectors_next_case(&cursor, &one));
    assert_int_equal(one.index, 10);
    assert_false(vectors_next_record(&cursor));
    assert_int_equal(cursor.status, PX_OK);
    vectors_end(&cursor);
    vectors_fini(&vectors);
    free(file.bytes);
}

static void a_case_is_a_program_with_its_expectation(void **state)
{
    (void)state;
    struct file file = make_file(10);
    struct vectors vectors;
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(vectors_read(&vectors, "v.pxv", file.bytes, file.size, &err), PX_OK);
    assert_int_equal(vectors_program(&vectors, 13, &program, &err), PX_OK);
    assert_int_equal(program.x[5], 3);
    assert_true(program.has_expect && program.code_size > 0);
    assert_int_equal(program.expect.out.x[10], UINT64_C(0x0123456789abcdef) * 3);
    assert_int_equal(vectors_program(&vectors, 20, &program, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "v.pxv: there is no case 20: expected 0 to 19");
    px_program_fini(&program);
    vectors_fini(&vectors);
    free(file.bytes);
}

static void a_record_holds_255_different_ends(void **state)
{
    (void)state;
    struct vectors_writer writer = { .record_count = 0 };
    struct px_program program;
    struct px_error err = { "" };
    struct file file;
    px_program_init(&program);
    begin_record(&writer, &program, 0);
    for (uint32_t k = 0; k < 256; k++) {
        struct px_outcome out = { .exit = PX_EXIT_HOSTCALL, .pc = 2 * k };
        memcpy(out.x, program.x, sizeof out.x);
        assert_int_equal(vectors_writer_case(&writer, program.x, &out, &err), k < 255 ? PX_OK : PX_ERR_FULL);
    }
    assert_int_equal(vectors_writer_finish(&writer, "o", "2026-01-01", &file.bytes, &file.size, &err), PX_OK);
    assert_int_equal(read_bytes(file.bytes, file.size, &err), PX_OK);
    vectors_writer_fini(&writer);
    px_program_fini(&program);
    free(file.bytes);
}

static void a_file_that_ends_anywhere_is_refused(void **state)
{
    (void)state;
    struct file file = make_file(5);
    struct px_error err;
    for (size_t size = 0; size < file.size; size++) {
        assert_int_equal(read_bytes(file.bytes, size, &err), PX_ERR_INPUT);
        assert_non_null(strstr(err.text, "v.pxv:"));
        assert_null(strchr(err.text, '\n'));
    }
    assert_int_equal(read_bytes(file.bytes, file.size, &err), PX_OK);
    char *longer = realloc(file.bytes, file.size + 1);
    assert_non_null(longer);
    longer[file.size] = '\0';
    assert_int_equal(read_bytes(longer, file.size + 1, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "more follows than the body: the file is damaged"));
    free(longer);
}

static void a_file_with_any_bit_flipped_is_refused(void **state)
{
    (void)state;
    struct file file = make_file(5);
    struct px_error err;
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ 1 << bit % 8);
        if (read_bytes(file.bytes, file.size, &err) != PX_ERR_INPUT)
            fail_msg("bit %zu of byte %zu does not matter", bit % 8, bit / 8);
        assert_null(strchr(err.text, '\n'));
        file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ 1 << bit % 8);
    }
    free(file.bytes);
}

/* Where the body begins. */
static size_t body_of(const struct file *file)
{
    size_t at = 0;
    for (unsigned line = 0; line < 5; line++)
        at +=
            (size_t)((const char *)memchr(file->bytes + at, '\n', file->size - at) - (file->bytes + at)) + 1;
    return at;
}

/* The same lines about another body, with its checksum. */
static struct file with_body(const void *body, size_t size, uint64_t cases)
{
    struct vectors head = { .cases = cases, .size = size, .oracle = "oracle-1", .date = "2026-11-21" };
    struct file made = { .bytes = NULL };
    head.bytes = malloc(size + 1);
    assert_non_null(head.bytes);
    if (size > 0)
        memcpy(head.bytes, body, size);
    FILE *stream = open_memstream(&made.bytes, &made.size);
    assert_non_null(stream);
    assert_int_equal(vectors_write_head(stream, &head, vectors_checksum(&head)), PX_OK);
    assert_int_equal(fwrite(head.bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
    free(head.bytes);
    return made;
}

/* Somebody who can compute a checksum. What comes of it is another file, or a line that says what is wrong. */
static void damage_behind_a_good_checksum_is_survived(void **state)
{
    (void)state;
    struct file file = make_file(5);
    size_t at = body_of(&file), size = file.size - at, refused = 0;
    struct px_error err;
    struct prng prng;
    prng_init(&prng, 1, 2);
    char *body = malloc(size);
    assert_non_null(body);
    for (unsigned round = 0; round < 20000; round++) {
        memcpy(body, file.bytes + at, size);
        for (uint64_t flips = 1 + prng_next(&prng) % 4; flips > 0; flips--) {
            uint64_t bit = prng_next(&prng) % (8 * size);
            body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
        }
        size_t kept = round % 5 ? size : prng_next(&prng) % size;
        struct file bad = with_body(body, kept, 10);
        enum px_status status = read_bytes(bad.bytes, bad.size, &err);
        assert_true(status == PX_OK || status == PX_ERR_INPUT);
        refused += status != PX_OK;
        if (status != PX_OK)
            assert_true(strncmp(err.text, "v.pxv:", 6) == 0 && !strchr(err.text, '\n'));
        free(bad.bytes);
    }
    assert_true(refused > 5000);
    free(body);
    free(file.bytes);
}

/* A record with one end, behind a table of one value. */
static void a_value_must_be_in_the_table(void **state)
{
    (void)state;
    static const uint8_t halt[] = { 0x0b, 0x20, 0x00, 0x00 };
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(px_program_append(&program, halt, sizeof halt), PX_OK);
    for (uint8_t place = 0; place < 2; place++) {
        uint8_t body[256] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
        size_t size;
        assert_int_equal(px_program_pack(&program, body + 11, 100, &size), PX_OK);
        body[10] = (uint8_t)size;
        /* no inputs and outputs; one end: hostcall 0 at pc 0; one case */
        const uint8_t rest[] = { 0, 0, 0, 0, 1, PX_EXIT_HOSTCALL, 0, place, 1 };
        memcpy(body + 11 + size, rest, sizeof rest);
        struct file file = with_body(body, 11 + size + sizeof rest, 1);
        assert_int_equal(read_bytes(file.bytes, file.size, &err), place == 0 ? PX_OK : PX_ERR_INPUT);
        if (place == 1)
            assert_non_null(strstr(err.text, ": found 1, expected a pc, at most 0"));
        free(file.bytes);
    }
    px_program_fini(&program);
}

static void expect_refusal(const struct file *file, const char *line)
{
    struct px_error err;
    assert_int_equal(read_bytes(file->bytes, file->size, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, line);
}

static void a_body_that_says_nonsense_is_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t size;
        const char *line;
    } cases[] = {
        { "", 0, "v.pxv: body, offset 0: found the end, expected the size of the table" },
        { "\x02", 1, "v.pxv: body, offset 1: found 2, expected the size of the table, at most 0" },
        { "\x01\0\0\0\0\0\0", 8,
          "v.pxv: body, offset 1: found 1, expected the size of the table, at most 0" },
        { "\xff\xff\xff\xff\xff", 5,
          "v.pxv: body, offset 5: found a number of over 5 bytes, expected the size of the table" },
        { "\0\0", 2, "v.pxv:4:7: found 3, expected 0, the number of cases in the body" },
        { "\0\0\0", 3, "v.pxv: body, offset 2: found 1 more bytes, expected the end" },
        { "\0\1\5", 3, "v.pxv: body, offset 3: found 0 bytes behind it, expected the 5 of a program" },
        { "\0\1\1X", 4, "v.pxv: offset 0: found 0x58, expected 7f 50 58, the magic of a binary program" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file bad = with_body(cases[i].body, cases[i].size, 3);
        expect_refusal(&bad, cases[i].line);
        free(bad.bytes);
    }
}

/* @from to @to in the lines above the body. */
static void with_line(const struct file *file, const char *from, const char *to, const char *line)
{
    struct file bad = { .size = file->size + strlen(to) - strlen(from) };
    const char *found = memmem(file->bytes, file->size, from, strlen(from));
    assert_non_null(found);
    size_t before = (size_t)(found - file->bytes);
    bad.bytes = malloc(bad.size);
    assert_non_null(bad.bytes);
    memcpy(bad.bytes, file->bytes, before);
    memcpy(bad.bytes + before, to, strlen(to));
    memcpy(bad.bytes + before + strlen(to), found + strlen(from), file->size - before - strlen(from));
    expect_refusal(&bad, line);
    free(bad.bytes);
}

static void lines_that_are_not_ours_are_told_where(void **state)
{
    (void)state;
    struct file file = make_file(1);
    with_line(&file, "parallax-vectors", "parallax",
              "v.pxv:1:1: found \"parallax\", expected parallax-vectors");
    with_line(&file, "vectors 1", "vectors 2",
              "v.pxv:1:18: found \"2\", expected version 1 of the format, which is what this build reads");
    with_line(&file, PX_GUEST_NAME, "rv32", "v.pxv:1:20: found \"rv32\", expected " PX_GUEST_NAME);
    with_line(&file, "oracle-1", "", "v.pxv:2:8: found end of line, expected the name of an oracle");
    with_line(&file, "2026-11-21", "2026-02-30",
              "v.pxv:3:8: found \"2026-02-30\", expected a day, YYYY-MM-DD");
    with_line(&file, "cases 2", "cases 0", "v.pxv:4:7: found \"0\", expected one case at least");
    with_line(&file, "cases 2", "cases two",
              "v.pxv:4:7: found \"two\", expected a number, decimal or 0x hex");
    free(file.bytes);
}

static void a_damaged_body_is_told_by_its_checksum(void **state)
{
    (void)state;
    struct file file = make_file(1);
    struct px_error err;
    file.bytes[file.size - 1] = (char)(file.bytes[file.size - 1] ^ 1);
    assert_int_equal(read_bytes(file.bytes, file.size, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "the checksum of what is there: the file is damaged"));
    assert_int_equal(read_bytes(file.bytes, file.size - 1, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "the body that follows is cut off: the file is damaged"));
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_same_cases_give_the_same_bytes),
        cmocka_unit_test(records_can_be_left_in_the_middle),
        cmocka_unit_test(a_case_is_a_program_with_its_expectation),
        cmocka_unit_test(a_record_holds_255_different_ends),
        cmocka_unit_test(a_file_that_ends_anywhere_is_refused),
        cmocka_unit_test(a_file_with_any_bit_flipped_is_refused),
        cmocka_unit_test(damage_behind_a_good_checksum_is_survived),
        cmocka_unit_test(a_value_must_be_in_the_table),
        cmocka_unit_test(a_body_that_says_nonsense_is_told_where),
        cmocka_unit_test(lines_that_are_not_ours_are_told_where),
        cmocka_unit_test(a_damaged_body_is_told_by_its_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
