#include "harness/gate/known.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/bucket.h"
#include "vm/text.h"

enum { FILE_MAX = 1 << 20, HASH_DIGITS = 8 };

/* --- dates --- */

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

bool gate_date_parse(const char *text, size_t length, gate_date *date)
{
    static const char form[] = "dddd-dd-dd";
    unsigned number = 0;
    if (length != sizeof form - 1)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == 'd' ? !digit : text[i] != form[i])
            return false;
        if (digit)
            number = 10 * number + (unsigned)(text[i] - '0');
    }
    unsigned year = number / 10000, month = number / 100 % 100, day = number % 100;
    if (year < 1000 || month < 1 || month > 12 || day < 1 || day > days_of(year, month))
        return false;
    *date = number;
    return true;
}

const char *gate_date_format(gate_date date, char text[GATE_DATE_ROOM])
{
    (void)snprintf(text, GATE_DATE_ROOM, "%04u-%02u-%02u", date / 10000, date / 100 % 100, date % 100);
    return text;
}

gate_date gate_date_today(void)
{
    struct tm day = { .tm_year = 70, .tm_mday = 1 };
    time_t now = time(NULL);
    (void)gmtime_r(&now, &day);
    return (gate_date)((day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday);
}

/* --- the list --- */

void known_fini(struct known_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].owner);
        free(list->items[i].reason);
    }
    free(list->items);
    *list = (struct known_list){ 0 };
}

const struct known *known_find(const struct known_list *list, const char *hash)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].hash, hash) == 0)
            return &list->items[i];
    return NULL;
}

/* ENGINE|ENGINE:OP:FIELDS:OPERANDS */
static bool is_id(struct px_token token)
{
    size_t colons = 0, bars = 0;
    for (size_t i = 0; i < token.length; i++) {
        colons += token.at[i] == ':';
        bars += token.at[i] == '|';
    }
    return bars == 1 && colons >= 3;
}

static bool is_hash(struct px_token token)
{
    for (size_t i = 0; i < token.length; i++)
        if (px_hex_value(token.at[i]) < 0 || (token.at[i] >= 'A' && token.at[i] <= 'F'))
            return false;
    return token.length == HASH_DIGITS;
}

static enum px_status read_bucket(struct px_text *text, const struct known_list *list, struct known *known)
{
    struct px_token token;
    (void)px_text_token(text, &token);
    if (is_hash(token)) {
        memcpy(known->hash, token.at, HASH_DIGITS);
        known->hash[HASH_DIGITS] = '\0';
    } else if (is_id(token)) {
        bucket_hash(token.at, token.length, known->hash);
    } else {
        return px_text_reject(text, token, "a bucket: eight hex digits in lower case, or its whole id");
    }
    const struct known *before = known_find(list, known->hash);
    if (before)
        return px_text_reject(text, token, "each bucket once: line %zu has it already", before->line);
    return PX_OK;
}

/* The rest of the line as it stands: a number sign in there is no comment. */
static struct px_token rest_of_line(const struct px_text *text)
{
    struct px_token rest = { text->cursor, (size_t)(text->end - text->cursor) };
    const char *newline = memchr(rest.at, '\n', rest.length);
    if (newline)
        rest.length = (size_t)(newline - rest.at);
    while (rest.length > 0 && strchr(" \t#", rest.at[0])) {
        rest.at++;
        rest.length--;
    }
    while (rest.length > 0 && strchr(" \t\r", rest.at[rest.length - 1]))
        rest.length--;
    return rest;
}

static enum px_status read_entry(struct px_text *text, const struct known_list *list, struct known *known)
{
    struct px_token owner, date;
    enum px_status status = read_bucket(text, list, known);
    if (status != PX_OK)
        return status;
    if (!px_text_token(text, &owner))
        return px_text_reject(text, owner, "who looks after the bucket");
    if (!px_text_token(text, &date) || !gate_date_parse(date.at, date.length, &known->expires))
        return px_text_reject(text, date, "the last day on which it is accepted, YYYY-MM-DD");
    struct px_token reason = rest_of_line(text);
    known->line = text->line;
    known->owner = strndup(owner.at, owner.length);
    known->reason = strndup(reason.at, reason.length);
    return known->owner && known->reason ? PX_OK : px_fail(text->err, PX_ERR_NOMEM, "out of memory");
}

static enum px_status add_entry(struct px_text *text, struct known_list *list)
{
    struct known known = { .owner = NULL };
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct known *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return px_fail(text->err, PX_ERR_NOMEM, "out of memory");
        list->items = items;
        list->capacity = capacity;
    }
    enum px_status status = read_entry(text, list, &known);
    if (status == PX_OK) {
        list->items[list->count++] = known;
    } else {
        free(known.owner);
        free(known.reason);
    }
    return status;
}

enum px_status known_parse(struct known_list *list, const char *name, const char *text, size_t size,
                           struct px_error *err)
{
    struct px_text lines;
    struct px_token token;
    *list = (struct known_list){ 0 };
    px_text_init(&lines, name, text, size, err);
    enum px_status status = px_text_line(&lines);
    while (status == PX_OK && !lines.at_end) {
        if (px_text_token(&lines, &token)) {
            lines.cursor = token.at; /* it was only looked at */
            status = add_entry(&lines, list);
        }
        if (status == PX_OK)
            status = px_text_line(&lines);
    }
    if (status != PX_OK)
        known_fini(list);
    return status;
}

enum px_status known_load(struct known_list *list, const char *path, struct px_error *err)
{
    char *bytes;
    size_t size;
    *list = (struct known_list){ 0 };
    enum px_status status = px_text_load(path, FILE_MAX + 1, &bytes, &size, err);
    if (status != PX_OK)
        return status;
    if (size > FILE_MAX)
        status = px_fail(err, PX_ERR_INPUT, "%.200s: over 1 MiB, expected a list of known buckets", path);
    else
        status = known_parse(list, path, bytes, size, err);
    free(bytes);
    return status;
}
