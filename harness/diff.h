/* What two runs of one program differ in. Comparison is total: everything that both engines can report. */
#ifndef PX_DIFF_H
#define PX_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/engine.h"

/* One bit per compared field; registers have a bit each. */
enum {
    DIFF_EXIT = 1 << 0,
    DIFF_ARG = 1 << 1,
    DIFF_PC = 1 << 2,
    DIFF_GAS = 1 << 3,
    DIFF_COUNT = 1 << 4,  /* instructions begun */
    DIFF_DIRTY = 1 << 5,  /* the set of written pages */
    DIFF_MEMORY = 1 << 6, /* bytes of a page */
    DIFF_X0 = 1 << 16,    /* DIFF_X0 << n for x[n] */
};
#define DIFF_REGISTERS UINT32_C(0xffff0000)

enum {
    DIFF_LINE = 8,
    DIFF_ROWS_MAX = 32, /* more than there are fields */
};

struct diff {
    uint32_t fields;     /* 0: no difference */
    struct px_outcome a, b; /* dirty pointers are NULL: the sets died with the run */
    uint32_t dirty_page; /* DIFF_DIRTY: the first page number that only one side has */
    uint32_t page;       /* DIFF_MEMORY: number of the first page that differs ... */
    uint16_t offset;     /* ... and the first byte in it */
    uint8_t byte_a, byte_b;
    uint8_t line_a[DIFF_LINE], line_b[DIFF_LINE]; /* the aligned bytes around it */
};

/* Compares outcomes as far as both @a_caps and @b_caps go; fills everything but the memory part. */
void diff_outcomes(const struct px_outcome *a, struct px_caps a_caps, const struct px_outcome *b,
                   struct px_caps b_caps, struct diff *diff);

/* Notes that page @number differs; keeps the first. */
void diff_page(struct diff *diff, uint32_t number, const uint8_t *a, const uint8_t *b);

/* Writes "pc,gas,x10" for a mask, NUL-terminated; "none" for 0. Returns the untruncated length. */
size_t diff_fields_format(uint32_t fields, char *text, size_t size);

/* Writes one line per differing field, "  x10    interp 0x1   block 0x2", NUL-terminated. */
size_t diff_describe(const struct diff *diff, const char *a_name, const char *b_name, char *text,
                     size_t size);

/* One differing field with both values, to be set in columns. */
struct diff_row {
    char name[24]; /* "a0 (x10)", "memory 0x10000008" */
    char a[40], b[40];
    char note[48]; /* "" or what to add */
};

/* Fills @rows, at least DIFF_ROWS_MAX, with a row per differing field; returns how many. */
size_t diff_rows(const struct diff *diff, struct diff_row *rows);

#endif
