/*
 * Buckets that are known: who looks after each, and until when it may be there. A text file, a bucket a line:
 *
 *     # bucket  owner  expires     reason
 *     1f8e412a  alice  2026-12-31  remw by zero, mended in #812
 *
 * A bucket is its folder's eight digits or its whole id; the reason is the rest of the line and may be missing.
 */
#ifndef PX_GATE_KNOWN_H
#define PX_GATE_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

/* Year, month and day as one number, 20261231: dates compare as their numbers do. */
typedef uint32_t gate_date;

enum { GATE_DATE_ROOM = 16 };

/* Reads YYYY-MM-DD, from the year 1000 on; false when there is no such day. */
bool gate_date_parse(const char *text, size_t length, gate_date *date);

/* Writes it, NUL-terminated; gives @text. */
const char *gate_date_format(gate_date date, char text[GATE_DATE_ROOM]);

/* The day that it is, UTC. */
gate_date gate_date_today(void);

struct known {
    char hash[9];      /* of the bucket */
    char *owner;
    char *reason;      /* "" for none */
    gate_date expires; /* the last day on which it is accepted */
    size_t line;
};

struct known_list {
    struct known *items;
    size_t count, capacity;
};

/*
 * Parses the text of a file, which @name stands for in messages. Zeroed is empty. PX_ERR_INPUT: "FILE:LINE:COLUMN: found
 * ..., expected ..."; PX_ERR_NOMEM. On failure @list is empty.
 */
enum px_status known_parse(struct known_list *list, const char *name, const char *text, size_t size,
                           struct px_error *err) PX_CHECKED;

/* Reads the file at @path, of at most 1 MiB. */
enum px_status known_load(struct known_list *list, const char *path, struct px_error *err) PX_CHECKED;

void known_fini(struct known_list *list);

/* The entry for the bucket with @hash, or NULL. */
const struct known *known_find(const struct known_list *list, const char *hash);

#endif
