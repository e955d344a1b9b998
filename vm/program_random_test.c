/*
 * The .px format under random programs, which must survive a round trip, and under random damage, which
 * must end in a sound program or in one line that names a place inside the text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "vm/program.h"
#include "vm/test_insn.h"
#include "vm/test_program.h"
#include "vm/test_random_program.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void random_programs_survive_a_round_trip_to_the_byte(void **state)
{
    (void)state;
    uint64_t rng = 1;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (unsigned i = 0; i < 5000; i++) {
        size_t size, size_again;
        test_random_program(&rng, &program);
        char *text = test_program_text(&program, &size);
        test_parse(&read, text, size);
        test_expect_same_program(&read, &program);
        char *again = test_program_text(&read, &size_again);
        assert_int_equal(size_again, size);
        assert_memory_equal(again, text, size);
        free(again);
        free(text);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

/* Programs of every size of code, so that the sweep ends in every way. */
static void code_of_every_length_and_alignment_survives(void **state)
{
    (void)state;
    uint64_t rng = 2;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (size_t length = 0; length < 600; length++) {
        px_program_clear(&program);
        for (size_t i = 0; i < length; i++) {
            uint8_t byte = (uint8_t)(test_random(&rng) | (length & 3));
            assert_int_equal(px_program_append(&program, &byte, 1), PX_OK);
        }
        size_t size;
        char *text = test_program_text(&program, &size);
        test_parse(&read, text, size);
        test_expect_same_program(&read, &program);
        free(text);
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static void expect_one_line_with_a_place(const char *message, const char *text, size_t size)
{
    assert_int_equal(strncmp(message, "m.px:", 5), 0);
    char *end;
    unsigned long line = strtoul(message + 5, &end, 10);
    assert_int_equal(*end, ':');
    unsigned long column = strtoul(end + 1, &end, 10);
    assert_int_equal(strncmp(end, ": ", 2), 0);
    assert_true(end[2] != '\0');
    assert_in_range(line, 1, count_lines(text, size));
    assert_in_range(column, 1, size + 1);
    for (const char *c = message; *c != '\0'; c++)
        assert_in_range(*c, ' ', '~');
}

/*
 * Reads @text from a buffer of its exact size, so that AddressSanitizer sees a byte read past it. True when
 * it is a program.
 */
static bool try_text(struct px_program *program, const char *text, size_t size)
{
    struct px_error err = { "" };
    char *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    enum px_status status = px_program_parse(program, "m.px", exact, size, &err);
    free(exact);

    struct px_image image;
    px_program_image(program, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    if (status == PX_OK)
        return true;
    assert_int_equal(status, PX_ERR_INPUT);
    assert_int_equal(image.code_size + image.map_count, 0);
    expect_one_line_with_a_place(err.text, text, size);
    return false;
}

/* A text under mutation. */
struct draft {
    char text[4096];
    size_t size;
};

static void insert(struct draft *draft, size_t at, const char *bytes, size_t size)
{
    if (size > sizeof draft->text - draft->size)
        return;
    memmove(draft->text + at + size, draft->text + at, draft->size - at);
    memcpy(draft->text + at, bytes, size);
    draft->size += size;
}

static void cut(struct draft *draft, size_t at, size_t size)
{
    size = size < draft->size - at ? size : draft->size - at;
    memmove(draft->text + at, draft->text + at + size, draft->size - at - size);
    draft->size -= size;
}

/* Start and length, with its LF, of the line that holds @at. */
static void line_around(const struct draft *draft, size_t at, size_t *start, size_t *size)
{
    *start = at;
    while (*start > 0 && draft->text[*start - 1] != '\n')
        --*start;
    size_t end = at;
    while (end < draft->size && draft->text[end] != '\n')
        end++;
    *size = end - *start + (end < draft->size);
}

static void repeat_line(uint64_t *rng, struct draft *draft)
{
    char line[sizeof draft->text];
    size_t start, size, to, to_size;
    line_around(draft, test_below(rng, draft->size), &start, &size);
    memcpy(line, draft->text + start, size);
    if (test_random(rng) & 1)
        cut(draft, start, size);
    if (draft->size == 0)
        return;
    line_around(draft, test_below(rng, draft->size), &to, &to_size);
    insert(draft, to, line, size);
}

static void mutate(uint64_t *rng, struct draft *draft)
{
    static const char *const words[] = {
        "gas ",
        "map ",
        "0x",
        "hex:",
        "code\n",
        "expect ",
        "reg x",
        "origin ",
        "=",
        "@",
        "#",
        "\n",
        "\r\n",
        " ",
        "\t",
        "zero",
        "ro",
        "cow",
        "18446744073709551616",
        "4294967296",
        "-1",
        "x0",
        "0000200b",
        "exit=",
        "panic:",
    };
    if (draft->size == 0)
        return;
    size_t at = test_below(rng, draft->size);
    char byte = (char)test_random(rng);
    const char *word = words[test_below(rng, COUNT(words))];
    switch (test_below(rng, 7)) {
    case 0:
        draft->text[at] = (char)(draft->text[at] ^ 1 << test_below(rng, 8));
        break;
    case 1:
        draft->text[at] = byte;
        break;
    case 2:
        cut(draft, at, 1 + test_below(rng, 4));
        break;
    case 3:
        insert(draft, at, &byte, 1);
        break;
    case 4:
        insert(draft, at, word, strlen(word));
        break;
    case 5: /* one digit for another: most numbers stay numbers */
        for (; at < draft->size; at++)
            if (draft->text[at] >= '0' && draft->text[at] <= '9') {
                draft->text[at] = (char)('0' + test_below(rng, 10));
                break;
            }
        break;
    default:
        repeat_line(rng, draft);
        break;
    }
}

/* Texts to start from: written ones, since they use the whole format. */
enum { DRAFTS = 64 };

static void make_drafts(uint64_t *rng, struct draft drafts[DRAFTS])
{
    struct px_program program;
    px_program_init(&program);
    for (unsigned i = 0; i < DRAFTS; i++)
        do {
            test_random_program(rng, &program);
            char *text = test_program_text(&program, &drafts[i].size);
            if (drafts[i].size <= sizeof drafts[i].text / 4)
                memcpy(drafts[i].text, text, drafts[i].size);
            free(text);
        } while (drafts[i].size > sizeof drafts[i].text / 4);
    px_program_fini(&program);
}

static void damaged_texts_are_programs_or_name_the_place(void **state)
{
    (void)state;
    uint64_t rng = 3;
    struct draft drafts[DRAFTS];
    struct px_program program, again;
    unsigned accepted = 0, rounds = 200000;
    px_program_init(&program);
    px_program_init(&again);
    make_drafts(&rng, drafts);
    for (unsigned i = 0; i < rounds; i++) {
        struct draft *original = &drafts[i % DRAFTS], draft;
        draft.size = original->size;
        memcpy(draft.text, original->text, original->size);
        for (size_t left = 1 + test_below(&rng, 3); left > 0; left--)
            mutate(&rng, &draft);
        if (!try_text(&program, draft.text, draft.size))
            continue;
        if (accepted++ % 8 != 0)
            continue;
        size_t size;
        char *text = test_program_text(&program, &size);
        test_parse(&again, text, size);
        test_expect_same_program(&again, &program);
        free(text);
    }
    /* Both ways out must be taken often, or the mutations miss their aim. */
    assert_in_range(accepted, rounds / 20, rounds - rounds / 20);
    px_program_fini(&again);
    px_program_fini(&program);
}

static void texts_cut_at_every_length_are_programs_or_name_the_place(void **state)
{
    (void)state;
    uint64_t rng = 4;
    struct draft drafts[DRAFTS];
    struct px_program program;
    px_program_init(&program);
    make_drafts(&rng, drafts);
    for (unsigned i = 0; i < DRAFTS; i++)
        for (size_t size = 0; size <= drafts[i].size; size++)
            assert_true(try_text(&program, drafts[i].text, size) || size < drafts[i].size);
    px_program_fini(&program);
}

static void random_bytes_are_programs_or_name_the_place(void **state)
{
    (void)state;
    static const char header[] = "parallax 1 rv64e-jar.1\ngas 1\n";
    static const char alphabet[] = "0123456789abcdefx #\n\r\t:=@,-gasregmapcodexpectorigin";
    uint64_t rng = 5;
    struct px_program program;
    px_program_init(&program);
    for (unsigned i = 0; i < 60000; i++) {
        struct draft draft = { .size = 0 };
        if (i % 3 != 0)
            insert(&draft, 0, header, strlen(header));
        for (size_t left = test_below(&rng, 80); left > 0; left--) {
            char byte = (char)test_random(&rng);
            if (i % 3 == 1)
                byte = alphabet[test_below(&rng, sizeof alphabet - 1)];
            insert(&draft, draft.size, &byte, 1);
        }
        (void)try_text(&program, draft.text, draft.size);
    }
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_survive_a_round_trip_to_the_byte),
        cmocka_unit_test(code_of_every_length_and_alignment_survives),
        cmocka_unit_test(damaged_texts_are_programs_or_name_the_place),
        cmocka_unit_test(texts_cut_at_every_length_are_programs_or_name_the_place),
        cmocka_unit_test(random_bytes_are_programs_or_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
