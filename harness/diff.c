#include "harness/diff.h"

#include <inttypes.h>
#include <string.h>

#include "vm/put.h"

/* The first page number that stands in one ascending set only; false when they are equal. */
static bool first_odd_page(const struct px_outcome *a, const struct px_outcome *b, uint32_t *page)
{
    size_t i = 0, j = 0;
    while (i < a->dirty_count && j < b->dirty_count && a->dirty[i] == b->dirty[j]) {
        i++;
        j++;
    }
    if (i == a->dirty_count && j == b->dirty_count)
        return false;
    if (i == a->dirty_count)
        *page = b->dirty[j];
    else if (j == b->dirty_count || a->dirty[i] < b->dirty[j])
        *page = a->dirty[i];
    else
        *page = b->dirty[j];
    return true;
}

static uint64_t instructions(const struct px_outcome *out)
{
    return out->native + out->side_exit + out->interpreted;
}

void diff_outcomes(const struct px_outcome *a, struct px_caps a_caps, const struct px_outcome *b,
                   struct px_caps b_caps, struct diff *diff)
{
    uint32_t fields = 0;
    if (a->exit != b->exit)
        fields |= DIFF_EXIT;
    if (a->arg != b->arg)
        fields |= DIFF_ARG;
    if (a->pc != b->pc)
        fields |= DIFF_PC;
    if (a_caps.gas && b_caps.gas && a->gas != b->gas)
        fields |= DIFF_GAS;
    if (a_caps.counts && b_caps.counts && instructions(a) != instructions(b))
        fields |= DIFF_COUNT;
    if (a_caps.registers && b_caps.registers && memcmp(a->x, b->x, sizeof a->x) != 0)
        for (unsigned x = 0; x < PX_REG_COUNT; x++)
            fields |= a->x[x] != b->x[x] ? (uint32_t)DIFF_X0 << x : 0;
    uint32_t page = 0;
    if (a_caps.dirty && b_caps.dirty && first_odd_page(a, b, &page))
        fields |= DIFF_DIRTY;
    diff->fields = fields;
    if (fields == 0)
        return;
    diff->a = *a;
    diff->b = *b;
    diff->a.dirty = diff->b.dirty = NULL;
    diff->dirty_page = page;
}

void diff_page(struct diff *diff, uint32_t number, const uint8_t *a, const uint8_t *b)
{
    if (diff->fields & DIFF_MEMORY)
        return;
    size_t at = 0;
    while (a[at] == b[at])
        at++;
    diff->fields |= DIFF_MEMORY;
    diff->page = number;
    diff->offset = (uint16_t)at;
    diff->byte_a = a[at];
    diff->byte_b = b[at];
    size_t line = at - at % DIFF_LINE;
    memcpy(diff->line_a, a + line, DIFF_LINE);
    memcpy(diff->line_b, b + line, DIFF_LINE);
}

size_t diff_fields_format(uint32_t fields, char *text, size_t size)
{
    static const char *const names[] = { "exit", "arg", "pc", "gas", "count", "dirty", "memory" };
    struct px_put out = px_put_begin(text, size);
    if (fields == 0)
        px_put(&out, "none");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (fields & (1u << i))
            px_put(&out, "%s%s", out.length ? "," : "", names[i]);
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        if (fields & ((uint32_t)DIFF_X0 << x))
            px_put(&out, "%sx%u", out.length ? "," : "", x);
    return out.length;
}

size_t diff_describe(const struct diff *d, const char *a_name, const char *b_name, char *text, size_t size)
{
    struct px_put out = px_put_begin(text, size);
    char a[64], b[64];
    if (d->fields & (DIFF_EXIT | DIFF_ARG)) {
        px_exit_format(&d->a, a, sizeof a);
        px_exit_format(&d->b, b, sizeof b);
        px_put(&out, "  exit    %s %s   %s %s\n", a_name, a, b_name, b);
    }
    if (d->fields & DIFF_PC)
        px_put(&out, "  pc      %s %#x   %s %#x\n", a_name, d->a.pc, b_name, d->b.pc);
    if (d->fields & DIFF_GAS)
        px_put(&out, "  gas     %s %" PRIu64 "   %s %" PRIu64 "   (difference %" PRId64 ")\n", a_name,
               d->a.gas, b_name, d->b.gas, (int64_t)(d->b.gas - d->a.gas));
    if (d->fields & DIFF_COUNT)
        px_put(&out, "  count   %s %" PRIu64 "   %s %" PRIu64 " instructions\n", a_name, instructions(&d->a),
               b_name, instructions(&d->b));
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        if (d->fields & ((uint32_t)DIFF_X0 << x))
            px_put(&out, "  x%-2u     %s 0x%016" PRIx64 "   %s 0x%016" PRIx64 "\n", x, a_name, d->a.x[x],
                   b_name, d->b.x[x]);
    if (d->fields & DIFF_DIRTY)
        px_put(&out, "  dirty   %s %zu pages   %s %zu pages   (first in one only: %#x)\n", a_name,
               d->a.dirty_count, b_name, d->b.dirty_count, d->dirty_page << PX_PAGE_BITS);
    if (d->fields & DIFF_MEMORY)
        px_put(&out, "  memory  at %#x   %s 0x%02x   %s 0x%02x\n", (d->page << PX_PAGE_BITS) + d->offset,
               a_name, d->byte_a, b_name, d->byte_b);
    return out.length;
}
