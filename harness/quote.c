#include "harness/quote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A character of UTF-8 text: its bytes and its number. No character: one byte, `valid` false. */
struct character {
    size_t length;
    uint32_t code;
    bool valid;
};

/* The bytes that follow are there, and are such. */
static bool read_tail(const unsigned char *text, struct character *c)
{
    for (size_t i = 1; i < c->length; i++) {
        if ((text[i] & 0xc0) != 0x80) /* the NUL at the end is none either */
            return false;
        c->code = c->code << 6 | (text[i] & 0x3f);
    }
    return true;
}

static struct character read_character(const char *at)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *text = (const unsigned char *)at;
    struct character c = { .length = 1, .code = text[0], .valid = true };
    if (text[0] < 0x80)
        return c;
    c.length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    c.code = text[0] & (0xffU >> (c.length + 1));
    bool lead = text[0] >= 0xc0 && text[0] < 0xf8;
    bool good = lead && read_tail(text, &c) && c.code >= least[c.length] && c.code < 0x110000 &&
                (c.code < 0xd800 || c.code > 0xdfff);
    return good ? c : (struct character){ .length = 1, .code = text[0] };
}

static void put_bytes(FILE *file, const char *at, size_t length)
{
    for (size_t i = 0; i < length; i++)
        fprintf(file, "\\x%02x", (unsigned char)at[i]);
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

void quote_plain(FILE *file, const char *text)
{
    struct character c;
    for (; *text; text += c.length) {
        c = read_character(text);
        if (c.valid && !is_control(c.code))
            fwrite(text, 1, c.length, file);
        else
            put_bytes(file, text, c.length);
    }
}

void quote_json(FILE *file, const char *text)
{
    struct character c;
    putc('"', file);
    for (; *text; text += c.length) {
        c = read_character(text);
        if (!c.valid)
            fprintf(file, "\\\\x%02x", (unsigned)c.code);
        else if (c.code == '"' || c.code == '\\')
            fprintf(file, "\\%c", (int)c.code);
        else if (is_control(c.code))
            fprintf(file, "\\u%04x", (unsigned)c.code);
        else
            fwrite(text, 1, c.length, file);
    }
    putc('"', file);
}

/* What XML 1.0 can hold at all; line ends and tabs only as references, so that attributes keep them. */
static bool fits_xml(uint32_t code)
{
    return code >= 0x20 ? !is_control(code) && code != 0xfffe && code != 0xffff
                        : code == '\t' || code == '\n' || code == '\r';
}

void quote_xml(FILE *file, const char *text)
{
    struct character c;
    for (; *text; text += c.length) {
        c = read_character(text);
        bool special = c.code < 0x20 || (c.code < 0x80 && strchr("<>&\"'", (int)c.code));
        if (!c.valid || !fits_xml(c.code))
            put_bytes(file, text, c.length);
        else if (special)
            fprintf(file, "&#%u;", (unsigned)c.code);
        else
            fwrite(text, 1, c.length, file);
    }
}

void quote_uri(FILE *file, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    if (path[0] == '/')
        fputs("file://", file);
    for (; *path; path++) {
        if (strchr(plain, *path))
            putc(*path, file);
        else
            fprintf(file, "%%%02X", (unsigned char)*path);
    }
}
