/* Differences in columns. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "harness/diff.h"
#include "vm/isa.h"

struct rows {
    struct diff_row *at;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static struct diff_row *add(struct rows *rows, const char *format, ...)
{
    struct diff_row *row = &rows->at[rows->count++];
    va_list args;
    *row = (struct diff_row){ .note = "" };
    va_start(args, format);
    (void)vsnprintf(row->name, sizeof row->name, format, args);
    va_end(args);
    return row;
}

static void add_number(struct rows *rows, const char *name, uint64_t a, uint64_t b)
{
    struct diff_row *row = add(rows, "%s", name);
    (void)snprintf(row->a, sizeof row->a, "%" PRIu64, a);
    (void)snprintf(row->b, sizeof row->b, "%" PRIu64, b);
    (void)snprintf(row->note, sizeof row->note, "%+" PRId64, (int64_t)(b - a));
}

static void add_hex(struct diff_row *row, int digits, uint64_t a, uint64_t b)
{
    (void)snprintf(row->a, sizeof row->a, "0x%0*" PRIx64, digits, a);
    (void)snprintf(row->b, sizeof row->b, "0x%0*" PRIx64, digits, b);
}

static void write_bytes(const uint8_t *bytes, char *text, size_t size)
{
    for (size_t i = 0, used = 0; i < DIFF_LINE && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%02x", i ? " " : "", bytes[i]);
}

static void add_memory(struct rows *rows, const struct diff *d)
{
    uint32_t at = (d->page << PX_PAGE_BITS) + d->offset;
    struct diff_row *row = add(rows, "memory 0x%08" PRIx32, at / DIFF_LINE * DIFF_LINE);
    write_bytes(d->line_a, row->a, sizeof row->a);
    write_bytes(d->line_b, row->b, sizeof row->b);
    (void)snprintf(row->note, sizeof row->note, "first at 0x%08" PRIx32, at);
}

static uint64_t instructions(const struct px_outcome *out)
{
    return out->native + out->side_exit + out->interpreted;
}

size_t diff_rows(const struct diff *d, struct diff_row *rows)
{
    struct rows out = { .at = rows };
    if (d->fields & (DIFF_EXIT | DIFF_ARG)) {
        struct diff_row *row = add(&out, "exit");
        (void)px_exit_format(&d->a, row->a, sizeof row->a);
        (void)px_exit_format(&d->b, row->b, sizeof row->b);
    }
    if (d->fields & DIFF_PC)
        add_hex(add(&out, "pc"), 4, d->a.pc, d->b.pc);
    if (d->fields & DIFF_GAS)
        add_number(&out, "gas", d->a.gas, d->b.gas);
    if (d->fields & DIFF_COUNT)
        add_number(&out, "instructions", instructions(&d->a), instructions(&d->b));
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        if (d->fields & ((uint32_t)DIFF_X0 << x))
            add_hex(add(&out, "%s (x%u)", px_reg_names[x], x), 16, d->a.x[x], d->b.x[x]);
    if (d->fields & DIFF_DIRTY) {
        add_number(&out, "dirty pages", d->a.dirty_count, d->b.dirty_count);
        (void)snprintf(out.at[out.count - 1].note, sizeof out.at[0].note, "first in one only: 0x%08" PRIx32,
                       d->dirty_page << PX_PAGE_BITS);
    }
    if (d->fields & DIFF_MEMORY)
        add_memory(&out, d);
    return out.count;
}
