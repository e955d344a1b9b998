/*
 * Any bytes as a program file, text or binary. What is taken must be a sound program, and come back unchanged from either form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fuzz/bytes.h"
#include "harness/fuzz/entry.h"
#include "harness/fuzz/warm.h"

static struct {
    bool ready;
    struct px_program program, again;
    struct fuzz_bytes bytes;
} target;

/* One form of a program, in memory of its own. */
struct form {
    char *at;
    size_t size;
};

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "fuzz_px: %s\n", what);
    abort();
}

static void start(void)
{
    struct px_error err = { "" };
    px_program_init(&target.program);
    px_program_init(&target.again);
    if (fuzz_bytes_init(&target.bytes, &err) != PX_OK || fuzz_warm(0, &target.program, &err) != PX_OK ||
        fuzz_warm(0, &target.again, &err) != PX_OK)
        fail(err.text);
    target.ready = true;
}

static struct form pack(const struct px_program *program)
{
    size_t room = px_program_pack_bound(program);
    struct form form = { .at = malloc(room) };
    if (!form.at || px_program_pack(program, (uint8_t *)form.at, room, &form.size) != PX_OK)
        fail("a program that was read cannot be packed");
    return form;
}

/* False: the text would be over its limit, which bytes of the binary form may well mean. */
static bool write_text(const struct px_program *program, struct form *form)
{
    *form = (struct form){ .at = NULL };
    FILE *file = open_memstream(&form->at, &form->size);
    if (!file)
        fail("out of memory");
    enum px_status status = px_program_write(program, file);
    fclose(file);
    if (status != PX_OK && status != PX_ERR_INPUT)
        fail("a program that was read cannot be written");
    return status == PX_OK;
}

static void read_again(const struct form *form, const char *what)
{
    struct px_error err = { "" };
    if (px_program_read(&target.again, "again", form->at, form->size, &err) == PX_OK)
        return;
    fprintf(stderr, "fuzz_px: %s: %s\n", what, err.text);
    abort();
}

static void expect_same(const struct form *a, const struct form *b, const char *what)
{
    if (a->size != b->size || memcmp(a->at, b->at, a->size) != 0)
        fail(what);
}

/* Through the text and through the binary form, back to the same bytes. */
static void check_forms(void)
{
    struct form packed = pack(&target.program), text, other;
    read_again(&packed, "the packed program is refused");
    other = pack(&target.again);
    expect_same(&packed, &other, "unpacking and packing gives other bytes");
    free(other.at);
    if (write_text(&target.program, &text)) {
        read_again(&text, "the program's text is refused");
        other = pack(&target.again);
        expect_same(&packed, &other, "its text is another program");
        free(other.at);
        if (!write_text(&target.again, &other))
            fail("a text that was read cannot be written");
        expect_same(&text, &other, "parsing and writing gives another text");
        free(other.at);
    }
    free(text.at);
    free(packed.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct px_image image;
    struct px_error err = { "" };
    if (!target.ready)
        start();
    enum px_status status = px_program_read(&target.program, "input", data, size, &err);
    if (status != PX_OK && (status != PX_ERR_INPUT || err.text[0] == '\0' ||
                            target.program.code_size + target.program.map_count != 0))
        fail("a refusal without a reason, or with something left");
    if (status != PX_OK)
        return 0;
    px_program_image(&target.program, &image);
    if (px_image_check(&image, &err) != PX_OK)
        fail(err.text);
    check_forms();
    return 0;
}

/* Bytes alone find what parsers take badly; every second time a program does, in either form. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    if (!target.ready)
        start();
    if (seed % 2 || size > max_size)
        return LLVMFuzzerMutate(data, size < max_size ? size : max_size, max_size);
    size_t changed = fuzz_bytes_mutate(&target.bytes, data, size, max_size, seed);
    struct form text;
    if (seed % 4 || px_program_read(&target.program, "input", data, changed, NULL) != PX_OK)
        return changed;
    if (write_text(&target.program, &text) && text.size > 0 && text.size <= max_size) {
        memcpy(data, text.at, text.size);
        changed = text.size;
    }
    free(text.at);
    return changed;
}

/* The first part of one input and the last of the other, at lines where both have some. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_size, unsigned int seed)
{
    if (!target.ready)
        start();
    if (px_program_is_binary(data, size) && px_program_is_binary(other, other_size))
        return fuzz_bytes_cross(&target.bytes, data, size, other, other_size, out, max_size, seed);
    size_t head = size ? seed % (size + 1) : 0, from = other_size ? seed / 7 % (other_size + 1) : 0;
    while (head > 0 && head < size && data[head - 1] != '\n')
        head--;
    while (from > 0 && from < other_size && other[from - 1] != '\n')
        from--;
    head = head < max_size ? head : max_size;
    size_t tail = other_size - from;
    tail = tail < max_size - head ? tail : max_size - head;
    memcpy(out, data, head);
    memcpy(out + head, other + from, tail);
    return head + tail;
}
