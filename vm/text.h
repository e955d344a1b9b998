/*
 * Reads line-based text files: lines, comments, tokens, numbers, and messages that point at a token as
 * "FILE:LINE:COLUMN: found ..., expected ...". Columns count bytes from 1. Any bytes are fine as input.
 */
#ifndef PX_TEXT_H
#define PX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

enum { PX_TEXT_NAME_SHOWN = 160 };

/* A file's name for messages: shortened from the left, what does not print as '?'. */
void px_text_show_name(const char *name, char shown[PX_TEXT_NAME_SHOWN]);

/* Bytes of the current line. An empty token stands where something is missing. */
struct px_token {
    const char *at;
    size_t length;
};

/* Borrows the file's name, its bytes and the error; owns nothing. */
struct px_text {
    const char *name;
    struct px_error *err; /* may be NULL */
    const char *unread, *end;
    const char *line_start;
    const char *cursor, *line_end; /* what is left of the line; comment and line end are cut off */
    size_t line;                   /* from 1; 0 before the first */
    bool at_end;                   /* of the file */
};

/* Reads @path, or its first @max bytes. The caller frees *bytes, which is not NULL. */
enum px_status px_text_load(const char *path, size_t max, char **bytes, size_t *size,
                            struct px_error *err) PX_CHECKED;

void px_text_init(struct px_text *text, const char *name, const char *bytes, size_t size,
                  struct px_error *err);

/*
 * Goes to the next line, which ends in LF or CRLF; '#' starts a comment. At the end of the file sets
 * text->at_end and leaves an empty line. PX_ERR_INPUT when the line holds a NUL byte.
 */
enum px_status px_text_line(struct px_text *text) PX_CHECKED;

/* The next token between blanks. False at the end of the line, where *token is empty. */
bool px_text_token(struct px_text *text, struct px_token *token);

bool px_token_is(struct px_token token, const char *word);

/*
 * Splits at the first @separator. False when there is none: then @head is all of @token and @tail is
 * empty and follows it.
 */
bool px_token_split(struct px_token token, char separator, struct px_token *head, struct px_token *tail);

/* The value of a hex digit, or -1. */
int px_hex_value(char c);

/* Reads @token as a number, decimal or 0x hex, of at most @max. */
enum px_status px_text_number(const struct px_text *text, struct px_token token, uint64_t max,
                              uint64_t *value) PX_CHECKED;

/* Says "found @token, expected @fmt..." about the current line; returns PX_ERR_INPUT. */
enum px_status px_text_reject(const struct px_text *text, struct px_token token, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Says @message at the place of @token; returns @status. */
enum px_status px_text_fail(const struct px_text *text, struct px_token token, enum px_status status,
                            const char *message);

#endif
