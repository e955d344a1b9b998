#include "harness/listing.h"

#include <stdlib.h>
#include <string.h>

static bool has_target(const struct px_insn *insn)
{
    const struct px_op_info *info = &px_ops[insn->op];
    return info->format == PX_FMT_BRANCH || info->format == PX_FMT_JAL;
}

/* Index of the item at @offset, the count for the end, else LISTING_NOWHERE. @offsets ascends. */
static size_t item_at(const uint32_t *offsets, size_t count, uint64_t offset)
{
    size_t low = 0, high = count + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (offsets[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low <= count && offsets[low] == offset ? low : LISTING_NOWHERE;
}

static uint32_t word_at(const struct px_program *program, size_t offset, size_t length)
{
    uint32_t word = 0;
    size_t left = program->code_size - offset;
    memcpy(&word, program->code + offset, length < left ? length : left);
    return word;
}

enum px_status listing_read(struct listing *listing, const struct px_program *program)
{
    size_t room = program->code_size / 2 + 2, count = 0;
    uint32_t *offsets = malloc(room * sizeof *offsets), at = 0;
    struct listing_item *items = malloc(room * sizeof *items);
    if (!offsets || !items) {
        free(offsets);
        free(items);
        return PX_ERR_NOMEM;
    }
    while (at < program->code_size) {
        struct px_insn insn = px_decode(program->code, program->code_size, at);
        size_t left = program->code_size - at;
        if (insn.len > left)
            insn.len = (uint8_t)left; /* cut by the end of code */
        items[count] = (struct listing_item){ .insn = insn, .target = LISTING_NOWHERE };
        items[count].word = word_at(program, at, insn.len);
        offsets[count++] = at;
        at += insn.len;
    }
    offsets[count] = at;
    for (size_t i = 0; i < count; i++)
        if (has_target(&items[i].insn))
            items[i].target = item_at(offsets, count, (uint64_t)((int64_t)offsets[i] + items[i].insn.imm));
    *listing = (struct listing){ .items = items,
                                 .count = count,
                                 .entry = item_at(offsets, count, program->entry_pc) };
    free(offsets);
    return PX_OK;
}

enum px_status listing_copy(struct listing *to, const struct listing *from)
{
    struct listing_item *items = malloc((from->count + 1) * sizeof *items);
    if (!items)
        return PX_ERR_NOMEM;
    memcpy(items, from->items, from->count * sizeof *items);
    *to = (struct listing){ .items = items, .count = from->count, .entry = from->entry };
    return PX_OK;
}

void listing_fini(struct listing *listing)
{
    free(listing->items);
    *listing = (struct listing){ .count = 0 };
}

/* Fills @offsets: where each item goes; a dropped one goes where the next that is left does. */
static void place(const struct listing *listing, uint32_t *offsets)
{
    uint32_t at = 0;
    for (size_t i = 0; i < listing->count; i++) {
        offsets[i] = at;
        at += listing->items[i].dropped ? 0 : listing->items[i].insn.len;
    }
    offsets[listing->count] = at;
}

static enum px_status append(const struct listing *listing, size_t index, const uint32_t *offsets,
                             struct px_program *program)
{
    const struct listing_item *item = &listing->items[index];
    struct px_insn insn = item->insn;
    uint32_t word;
    if (item->target != LISTING_NOWHERE)
        insn.imm = (int32_t)(offsets[item->target] - offsets[index]);
    if (px_encode(&insn, &word) == 0) {
        if (insn.op != PX_OP_ILLEGAL)
            return PX_ERR_INPUT;
        word = item->word;
    }
    return px_program_append(program, &word, insn.len);
}

enum px_status listing_write(const struct listing *listing, const struct px_program *base,
                             struct px_program *program)
{
    uint32_t *offsets = malloc((listing->count + 1) * sizeof *offsets);
    if (!offsets)
        return PX_ERR_NOMEM;
    place(listing, offsets);
    enum px_status status = px_program_copy(program, base);
    program->code_size = 0;
    for (size_t i = 0; i < listing->count && status == PX_OK; i++)
        if (!listing->items[i].dropped)
            status = append(listing, i, offsets, program);
    if (listing->entry != LISTING_NOWHERE)
        program->entry_pc = offsets[listing->entry];
    free(offsets);
    return status;
}
