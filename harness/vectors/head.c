/* The lines that a file of vectors begins with, and the file as a whole. */
#define _GNU_SOURCE
#include "harness/vectors/vectors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "harness/gate/known.h"
#include "vm/program_text.h"
#include "vm/text.h"

enum { HEAD_ROOM = 256 };

static const char magic[] = "parallax-vectors";

static int print_head(char text[HEAD_ROOM], const struct vectors *head)
{
    return snprintf(text, HEAD_ROOM, "%s %d %s\noracle %s\nminted %s\ncases %" PRIu64 "\n", magic,
                    VECTORS_VERSION, PX_GUEST_NAME, head->oracle, head->date, head->cases);
}

uint64_t vectors_checksum(const struct vectors *head)
{
    char text[HEAD_ROOM];
    int length = print_head(text, head);
    return XXH3_64bits_withSeed(head->bytes, head->size, XXH3_64bits(text, (size_t)length));
}

enum px_status vectors_write_head(FILE *file, const struct vectors *head, uint64_t checksum)
{
    char text[HEAD_ROOM];
    (void)print_head(text, head);
    return fprintf(file, "%sbody %zu xxh3=%016" PRIx64 "\n", text, head->size, checksum) < 0 ? PX_ERR_SYSTEM
                                                                                             : PX_OK;
}

bool vectors_are(const void *bytes, size_t size)
{
    size_t length = strlen(magic);
    return size >= length && memcmp(bytes, magic, length) == 0;
}

bool vectors_is_path(const char *path)
{
    size_t length = strlen(path), suffix = strlen(VECTORS_SUFFIX);
    return length > suffix && strcmp(path + length - suffix, VECTORS_SUFFIX) == 0;
}

void vectors_fini(struct vectors *vectors)
{
    free(vectors->name);
    free(vectors->bytes);
    *vectors = (struct vectors){ .cases = 0 };
}

/* Reads the word @expected. */
static enum px_status expect_word(struct px_text *text, const char *expected)
{
    struct px_token token;
    (void)px_text_token(text, &token);
    return px_token_is(token, expected) ? PX_OK : px_text_reject(text, token, "%s", expected);
}

static enum px_status expect_end(struct px_text *text)
{
    struct px_token token;
    return px_text_token(text, &token) ? px_text_reject(text, token, "the end of the line") : PX_OK;
}

/* Begins a line: KEY VALUE. */
static enum px_status read_line(struct px_text *text, const char *key, struct px_token *value)
{
    enum px_status status = px_text_line(text);
    if (status == PX_OK)
        status = expect_word(text, key);
    if (status == PX_OK)
        (void)px_text_token(text, value);
    return status;
}

static enum px_status read_first_line(struct px_text *text)
{
    struct px_token token;
    uint64_t version;
    enum px_status status = read_line(text, magic, &token);
    if (status == PX_OK)
        status = px_text_number(text, token, UINT32_MAX, &version);
    if (status == PX_OK && version != VECTORS_VERSION)
        status = px_text_reject(text, token, "version %d of the format, which is what this build reads",
                                VECTORS_VERSION);
    if (status == PX_OK)
        status = expect_word(text, PX_GUEST_NAME);
    return status == PX_OK ? expect_end(text) : status;
}

static enum px_status read_oracle(struct px_text *text, char name[PX_NAME_MAX])
{
    struct px_token token;
    enum px_status status = read_line(text, "oracle", &token);
    if (status != PX_OK)
        return status;
    if (token.length == 0 || token.length >= PX_NAME_MAX || !px_text_is_name(token.at, token.length))
        return px_text_reject(text, token, "the name of an oracle");
    memcpy(name, token.at, token.length);
    return expect_end(text);
}

static enum px_status read_date(struct px_text *text, char date[VECTORS_DATE_ROOM])
{
    struct px_token token;
    gate_date day;
    enum px_status status = read_line(text, "minted", &token);
    if (status != PX_OK)
        return status;
    if (!gate_date_parse(token.at, token.length, &day))
        return px_text_reject(text, token, "a day, YYYY-MM-DD");
    (void)gate_date_format(day, date);
    return expect_end(text);
}

static enum px_status read_body_line(struct px_text *text, struct vectors *head, struct px_token *sum)
{
    struct px_token token;
    uint64_t size;
    enum px_status status = read_line(text, "body", &token);
    if (status == PX_OK)
        status = px_text_number(text, token, VECTORS_FILE_MAX, &size);
    if (status != PX_OK)
        return status;
    head->size = (size_t)size;
    (void)px_text_token(text, sum);
    if (sum->length == 0)
        return px_text_reject(text, *sum, "a checksum, xxh3=...");
    return expect_end(text);
}

/* The checksum must be what the writer would write, letter by letter; so must all the lines. */
static enum px_status check_sum(const struct px_text *text, const struct vectors *v, struct px_token sum,
                                const char *bytes, size_t head_size)
{
    char *canonical = NULL, expected[32];
    size_t size = 0;
    uint64_t checksum = vectors_checksum(v);
    (void)snprintf(expected, sizeof expected, "xxh3=%016" PRIx64, checksum);
    if (!px_token_is(sum, expected))
        return px_text_reject(text, sum, "%s, the checksum of what is there: the file is damaged", expected);
    FILE *file = open_memstream(&canonical, &size);
    enum px_status status = file ? vectors_write_head(file, v, checksum) : PX_ERR_NOMEM;
    if (file && fclose(file) != 0)
        status = PX_ERR_NOMEM;
    if (status != PX_OK)
        status = px_text_fail(text, sum, PX_ERR_NOMEM, "out of memory");
    else if (size != head_size || memcmp(canonical, bytes, size) != 0)
        status = px_text_fail(text, sum, PX_ERR_INPUT,
                              "the lines so far are not as mint writes them: the file is damaged");
    free(canonical);
    return status;
}

/* Reads the lines; what is behind them is the body, which @v gets a copy of. */
static enum px_status read_file(struct vectors *v, const char *bytes, size_t size, struct px_error *err)
{
    struct px_text text;
    struct px_token token = { bytes, 0 };
    px_text_init(&text, v->name, bytes, size, err);
    enum px_status status = read_first_line(&text);
    if (status == PX_OK)
        status = read_oracle(&text, v->oracle);
    if (status == PX_OK)
        status = read_date(&text, v->date);
    if (status == PX_OK)
        status = read_line(&text, "cases", &token);
    if (status == PX_OK)
        status = px_text_number(&text, token, VECTORS_CASES_MAX, &v->cases);
    if (status == PX_OK && v->cases == 0)
        status = px_text_reject(&text, token, "one case at least");
    if (status == PX_OK)
        status = expect_end(&text);
    if (status == PX_OK)
        status = read_body_line(&text, v, &token);
    if (status != PX_OK)
        return status;
    size_t head_size = (size_t)(text.unread - bytes), there = size - head_size;
    if (there != v->size)
        return px_text_fail(&text, token, PX_ERR_INPUT,
                            there < v->size ? "the body that follows is cut off: the file is damaged"
                                            : "more follows than the body: the file is damaged");
    v->bytes = malloc(there + 1); /* a body that is empty is no want of memory */
    if (!v->bytes)
        return px_text_fail(&text, token, PX_ERR_NOMEM, "out of memory");
    memcpy(v->bytes, text.unread, there);
    return check_sum(&text, v, token, bytes, head_size);
}

/* Every case is there and none besides. */
static enum px_status check_cases(const struct vectors *v, struct px_error *err)
{
    struct vectors_cursor cursor;
    struct vectors_case one;
    vectors_begin(&cursor, v, err);
    while (vectors_next_record(&cursor))
        while (vectors_next_case(&cursor, &one))
            ;
    enum px_status status = cursor.status;
    if (status == PX_OK && cursor.index != v->cases)
        status =
            px_fail(err, PX_ERR_INPUT,
                    "%.200s:4:7: found %" PRIu64 ", expected %" PRIu64 ", the number of cases in the body",
                    v->name, v->cases, cursor.index);
    vectors_end(&cursor);
    return status;
}

enum px_status vectors_read(struct vectors *vectors, const char *name, const void *bytes, size_t size,
                            struct px_error *err)
{
    char shown[PX_TEXT_NAME_SHOWN];
    struct vectors v = { .name = NULL };
    px_text_show_name(name, shown);
    if (size > VECTORS_FILE_MAX)
        return px_fail(err, PX_ERR_INPUT, "%s: found over %d bytes, expected at most that many", shown,
                       VECTORS_FILE_MAX);
    v.name = strdup(shown);
    enum px_status status =
        v.name ? read_file(&v, bytes, size, err) : px_fail(err, PX_ERR_NOMEM, "out of memory");
    if (status == PX_OK)
        status = vectors_index_body(&v, err);
    if (status == PX_OK)
        status = check_cases(&v, err);
    if (status == PX_OK)
        *vectors = v;
    else
        vectors_fini(&v);
    return status;
}

enum px_status vectors_load(struct vectors *vectors, const char *path, struct px_error *err)
{
    char *bytes;
    size_t size;
    enum px_status status = px_text_load(path, VECTORS_FILE_MAX + 1, &bytes, &size, err);
    if (status != PX_OK)
        return status;
    status = vectors_read(vectors, path, bytes, size, err);
    free(bytes);
    return status;
}
