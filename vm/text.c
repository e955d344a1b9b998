/*
 * A message must stay one readable line whatever the file holds: names are shortened from the left, tokens
 * from the right, and bytes that do not print are escaped.
 */
#include "vm/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TOKEN_MAX_SHOWN = 40,
    TOKEN_TEXT_SIZE = TOKEN_MAX_SHOWN + 8, /* with quotes, "..." and NUL */
    EXPECTED_SIZE = 120,
    LOAD_FIRST = 64 << 10,
};

_Static_assert(PX_TEXT_NAME_SHOWN + TOKEN_TEXT_SIZE + EXPECTED_SIZE + 64 <= sizeof(struct px_error),
               "a whole message fits px_error");

void px_text_show_name(const char *name, char shown[PX_TEXT_NAME_SHOWN])
{
    size_t length = strlen(name);
    bool cut = length >= PX_TEXT_NAME_SHOWN;
    (void)snprintf(shown, PX_TEXT_NAME_SHOWN, "%s%s", cut ? "..." : "",
                   cut ? name + length - (PX_TEXT_NAME_SHOWN - 4) : name);
    for (char *c = shown; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

/* Reads from @file to its end or @max. On failure *bytes still needs to be freed. */
static enum px_status read_all(FILE *file, size_t max, char **bytes, size_t *size)
{
    size_t capacity = 0, used = 0;
    while (!feof(file) && used < max) {
        if (used == capacity) {
            capacity = capacity == 0 ? LOAD_FIRST : 2 * capacity;
            char *grown = realloc(*bytes, capacity);
            if (!grown)
                return PX_ERR_NOMEM;
            *bytes = grown;
        }
        size_t room = capacity - used < max - used ? capacity - used : max - used;
        used += fread(*bytes + used, 1, room, file);
        if (ferror(file))
            return PX_ERR_INPUT;
    }
    *size = used;
    return PX_OK;
}

enum px_status px_text_load(const char *path, size_t max, char **bytes, size_t *size, struct px_error *err)
{
    char name[PX_TEXT_NAME_SHOWN], *read = NULL;
    px_text_show_name(path, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return px_fail(err, PX_ERR_INPUT, "%s: cannot open: %m", name);
    enum px_status status = read_all(file, max, &read, size);
    if (status == PX_OK)
        *bytes = read;
    else if (status == PX_ERR_NOMEM)
        (void)px_fail(err, status, "%s: out of memory", name);
    else
        (void)px_fail(err, status, "%s: cannot read: %m", name);
    if (status != PX_OK)
        free(read);
    (void)fclose(file);
    return status;
}

void px_text_init(struct px_text *text, const char *name, const char *bytes, size_t size,
                  struct px_error *err)
{
    *text = (struct px_text){
        .name = name,
        .err = err,
        .unread = bytes,
        .end = size > 0 ? bytes + size : bytes,
        .line_start = bytes,
        .cursor = bytes,
        .line_end = bytes,
    };
}

static void show_token(const struct px_text *text, struct px_token token, char shown[TOKEN_TEXT_SIZE])
{
    if (token.length == 0 && token.at == text->line_end) {
        (void)snprintf(shown, TOKEN_TEXT_SIZE, "end of %s", text->at_end ? "file" : "line");
        return;
    }
    size_t used = 0;
    shown[used++] = '"';
    for (size_t i = 0; i < token.length; i++) {
        unsigned char c = (unsigned char)token.at[i];
        bool plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
        if (used + (plain ? 1 : 4) > TOKEN_MAX_SHOWN + 1) {
            memcpy(shown + used, "...", 3);
            used += 3;
            break;
        }
        if (plain)
            shown[used++] = (char)c;
        else
            used += (size_t)snprintf(shown + used, TOKEN_TEXT_SIZE - used, "\\x%02x", c);
    }
    shown[used++] = '"';
    shown[used] = '\0';
}

enum px_status px_text_fail(const struct px_text *text, struct px_token token, enum px_status status,
                            const char *message)
{
    char name[PX_TEXT_NAME_SHOWN];
    size_t column = (size_t)(token.at - text->line_start) + 1;
    px_text_show_name(text->name, name);
    return px_fail(text->err, status, "%s:%zu:%zu: %s", name, text->line, column, message);
}

enum px_status px_text_reject(const struct px_text *text, struct px_token token, const char *fmt, ...)
{
    char found[TOKEN_TEXT_SIZE], expected[EXPECTED_SIZE];
    char message[sizeof found + sizeof expected + 32];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(expected, sizeof expected, fmt, args);
    va_end(args);
    show_token(text, token, found);
    (void)snprintf(message, sizeof message, "found %s, expected %s", found, expected);
    return px_text_fail(text, token, PX_ERR_INPUT, message);
}

enum px_status px_text_line(struct px_text *text)
{
    text->at_end = text->unread == text->end;
    text->cursor = text->line_end = text->unread;
    /* A last line without LF has the end of the file on itself. */
    if (text->at_end && text->unread > text->line_start && text->unread[-1] != '\n')
        return PX_OK;
    text->line++;
    text->line_start = text->unread;
    if (text->at_end)
        return PX_OK;
    const char *newline = memchr(text->unread, '\n', (size_t)(text->end - text->unread));
    text->line_end = newline ? newline : text->end;
    text->unread = newline ? newline + 1 : text->end;
    if (text->line_end > text->line_start && text->line_end[-1] == '\r')
        text->line_end--;

    size_t length = (size_t)(text->line_end - text->line_start);
    const char *nul = memchr(text->line_start, '\0', length);
    if (nul)
        return px_text_reject(text, (struct px_token){ nul, 1 }, "text without NUL bytes");
    const char *comment = memchr(text->line_start, '#', length);
    if (comment)
        text->line_end = comment;
    return PX_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool px_text_token(struct px_text *text, struct px_token *token)
{
    while (text->cursor < text->line_end && is_blank(*text->cursor))
        text->cursor++;
    token->at = text->cursor;
    while (text->cursor < text->line_end && !is_blank(*text->cursor))
        text->cursor++;
    token->length = (size_t)(text->cursor - token->at);
    return token->length > 0;
}

bool px_token_is(struct px_token token, const char *word)
{
    return token.length == strlen(word) && memcmp(token.at, word, token.length) == 0;
}

bool px_token_split(struct px_token token, char separator, struct px_token *head, struct px_token *tail)
{
    const char *found = memchr(token.at, separator, token.length);
    const char *end = token.at + token.length;
    *head = (struct px_token){ token.at, found ? (size_t)(found - token.at) : token.length };
    *tail = (struct px_token){ found ? found + 1 : end, found ? (size_t)(end - found) - 1 : 0 };
    return found;
}

int px_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum px_status px_text_number(const struct px_text *text, struct px_token token, uint64_t max,
                              uint64_t *value)
{
    bool hex = token.length > 2 && token.at[0] == '0' && token.at[1] == 'x';
    uint64_t base = hex ? 16 : 10, number = 0;
    bool good = token.length > 0, fits = true;
    for (size_t i = hex ? 2 : 0; i < token.length && good; i++) {
        int digit = px_hex_value(token.at[i]);
        good = digit >= 0 && (uint64_t)digit < base;
        fits = fits && !__builtin_mul_overflow(number, base, &number) &&
               !__builtin_add_overflow(number, (uint64_t)digit, &number);
    }
    if (!good)
        return px_text_reject(text, token, "a number, decimal or 0x hex");
    if (!fits || number > max)
        return px_text_reject(text, token, "a number up to 0x%" PRIx64, max);
    *value = number;
    return PX_OK;
}
