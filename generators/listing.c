#include "generators/listing.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 256,
    LONGER_ROUNDS =
        4, /* of listing_reach, in which jumps may become longer and so move others out of reach */
};

static enum px_status make_room(void **array, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return PX_OK;
    size_t grown = *room < FIRST_ROOM ? FIRST_ROOM : *room;
    while (grown < needed)
        grown *= 2;
    void *moved = realloc(*array, grown * size);
    if (!moved)
        return PX_ERR_NOMEM;
    *array = moved;
    *room = grown;
    return PX_OK;
}

static enum px_status room_for_items(struct listing *listing, size_t count)
{
    enum px_status status =
        make_room((void **)&listing->items, &listing->item_room, count, sizeof *listing->items);
    /* One offset more: where the end is. */
    if (status == PX_OK)
        status =
            make_room((void **)&listing->offsets, &listing->offset_room, count + 1, sizeof *listing->offsets);
    return status;
}

static uint32_t word_at(const struct px_program *program, size_t offset, size_t length)
{
    uint32_t word = 0;
    memcpy(&word, program->code + offset, length);
    return word;
}

/* Item at @offset, the count for the end, else LISTING_NOWHERE. */
static uint32_t item_at(const struct listing *listing, int64_t offset)
{
    uint32_t end = listing->offsets[listing->count];
    if (offset == (int64_t)end)
        return listing->count;
    if (offset < 0 || offset > (int64_t)end || offset % 2 != 0)
        return LISTING_NOWHERE;
    return listing->items_at[offset / 2];
}

static bool is_relative(const struct px_insn *insn)
{
    const struct px_op_info *info = &px_ops[insn->op];
    return info->format == PX_FMT_BRANCH || info->format == PX_FMT_JAL;
}

/* Which registers hold an address that an auipc of this block made, an index added perhaps. */
struct makers {
    uint16_t known; /* bit x */
    uint32_t auipc[PX_REG_COUNT];
};

/* sh1add, sh2add, sh3add and add of the address to itself: an index into a table. */
static bool adds_index(const struct px_insn *insn)
{
    bool adds = insn->op == PX_OP_ADD || insn->op == PX_OP_SH1ADD || insn->op == PX_OP_SH2ADD ||
                insn->op == PX_OP_SH3ADD;
    return adds && insn->rd == insn->rs2;
}

static void follow(struct makers *makers, const struct px_insn *insn, uint32_t index)
{
    unsigned effects = px_ops[insn->op].effects, rd = insn->rd;
    if (effects & PX_EFF_TERM) {
        makers->known = 0;
    } else if (insn->op == PX_OP_AUIPC && insn->imm == 0 && rd != 0) {
        makers->known |= (uint16_t)(1u << rd);
        makers->auipc[rd] = index;
    } else if (!adds_index(insn)) {
        makers->known &= (uint16_t)~(1u << rd); /* x0 is never known: formats without rd say 0 */
    }
}

/* Points jumps and completed addresses at their items. */
static void link_items(struct listing *listing)
{
    struct makers makers = { .known = 0 };
    for (uint32_t i = 0; i < listing->count; i++) {
        struct listing_item *item = &listing->items[i];
        const struct px_insn *insn = &item->insn;
        if (is_relative(insn)) {
            item->target = item_at(listing, (int64_t)listing->offsets[i] + insn->imm);
        } else if ((insn->op == PX_OP_JALR || insn->op == PX_OP_ADDI) && makers.known >> insn->rs1 & 1) {
            uint32_t base = makers.auipc[insn->rs1];
            int32_t imm = insn->op == PX_OP_JALR ? insn->imm & ~1 : insn->imm;
            item->target = item_at(listing, (int64_t)listing->offsets[base] + imm);
            item->base = item->target == LISTING_NOWHERE ? LISTING_NOWHERE : base;
        }
        follow(&makers, insn, i);
    }
}

enum px_status listing_read(struct listing *listing, const struct px_program *program)
{
    size_t halfwords = program->code_size / 2 + 1;
    enum px_status status = room_for_items(listing, halfwords);
    if (status == PX_OK)
        status = make_room((void **)&listing->items_at, &listing->halfword_room, halfwords,
                           sizeof *listing->items_at);
    if (status != PX_OK)
        return status;
    uint32_t count = 0, at = 0, size = (uint32_t)program->code_size;
    while (at < size) {
        struct px_insn insn = px_decode(program->code, size, at);
        uint32_t half = at / 2;
        if (insn.len > size - at)
            insn.len = (uint8_t)(size - at); /* cut by the end of code */
        if (insn.len > 2)
            listing->items_at[half + 1] = LISTING_NOWHERE;
        listing->items_at[half] = count;
        listing->offsets[count] = at;
        listing->items[count++] = (struct listing_item){ .insn = insn,
                                                         .word = word_at(program, at, insn.len),
                                                         .target = LISTING_NOWHERE,
                                                         .base = LISTING_NOWHERE };
        at += insn.len;
    }
    listing->offsets[count] = at;
    listing->count = count;
    listing->entry = item_at(listing, program->entry_pc);
    link_items(listing);
    return PX_OK;
}

void listing_fini(struct listing *listing)
{
    free(listing->items);
    free(listing->offsets);
    free(listing->items_at);
    *listing = (struct listing){ .count = 0 };
}

uint32_t listing_whole(const struct listing *listing)
{
    uint32_t count = listing->count;
    if (count == 0)
        return 0;
    const struct listing_item *last = &listing->items[count - 1];
    return count - (last->insn.len < px_length((uint8_t)last->word) && last->insn.op == PX_OP_ILLEGAL);
}

size_t listing_size(const struct listing *listing)
{
    size_t size = 0;
    for (uint32_t i = 0; i < listing->count; i++)
        size += listing->items[i].dropped ? 0 : listing->items[i].insn.len;
    return size;
}

bool listing_is_start(const struct listing *listing, uint32_t index)
{
    return index == 0 || (px_ops[listing->items[index - 1].insn.op].effects & PX_EFF_TERM) ||
           (px_ops[listing->items[index].insn.op].effects & PX_EFF_CALL);
}

/* Where a reference to item @at goes when @count items come in before @index. */
static uint32_t moved_up(uint32_t at, uint32_t index, uint32_t count)
{
    return at == LISTING_NOWHERE || at <= index ? at : at + count;
}

enum px_status listing_open(struct listing *listing, uint32_t index, uint32_t count)
{
    enum px_status status = room_for_items(listing, (size_t)listing->count + count);
    if (status != PX_OK)
        return status;
    for (uint32_t i = 0; i < listing->count; i++) {
        struct listing_item *item = &listing->items[i];
        item->target = moved_up(item->target, index, count);
        /* What an auipc makes is the auipc's, not that of what comes before it. */
        if (item->base != LISTING_NOWHERE && item->base >= index)
            item->base += count;
    }
    listing->entry = moved_up(listing->entry, index, count);
    memmove(listing->items + index + count, listing->items + index,
            (listing->count - index) * sizeof *listing->items);
    for (uint32_t i = index; i < index + count; i++)
        listing->items[i] = (struct listing_item){ .target = LISTING_NOWHERE, .base = LISTING_NOWHERE };
    listing->count += count;
    return PX_OK;
}

static uint32_t moved_down(uint32_t at, uint32_t index, uint32_t count)
{
    if (at == LISTING_NOWHERE || at <= index)
        return at;
    return at - index < count ? index : at - count;
}

void listing_close(struct listing *listing, uint32_t index, uint32_t count)
{
    memmove(listing->items + index, listing->items + index + count,
            (listing->count - index - count) * sizeof *listing->items);
    listing->count -= count;
    for (uint32_t i = 0; i < listing->count; i++) {
        struct listing_item *item = &listing->items[i];
        if (item->base != LISTING_NOWHERE && item->base - index < count)
            item->target = item->base = LISTING_NOWHERE; /* its auipc is gone */
        item->target = moved_down(item->target, index, count);
        item->base = moved_down(item->base, index, count);
    }
    listing->entry = moved_down(listing->entry, index, count);
}

/* Fills offsets: where each item goes; a dropped one goes where the next that is left does. */
static void place(struct listing *listing)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < listing->count; i++) {
        listing->offsets[i] = at;
        at += listing->items[i].dropped ? 0 : listing->items[i].insn.len;
    }
    listing->offsets[listing->count] = at;
}

/* The instruction of item @index where offsets says that it is. */
static struct px_insn placed(const struct listing *listing, uint32_t index)
{
    const struct listing_item *item = &listing->items[index];
    struct px_insn insn = item->insn;
    if (item->target == LISTING_NOWHERE)
        return insn;
    if (item->base == LISTING_NOWHERE) {
        insn.imm = (int32_t)(listing->offsets[item->target] - listing->offsets[index]);
        return insn;
    }
    int32_t far = (int32_t)(listing->offsets[item->target] - listing->offsets[item->base]);
    if (!listing->items[item->base].dropped)
        insn.imm = far | (insn.op == PX_OP_JALR ? insn.imm & 1 : 0);
    return insn;
}

/* What does not reach: longer, or else to the instruction behind it. An odd way leads to an end that cuts an instruction. */
static void shorten_way(struct listing_item *item, uint32_t index, int32_t way, size_t room)
{
    if (item->base != LISTING_NOWHERE) {
        item->target = item->base = LISTING_NOWHERE;
    } else if (item->insn.rvc != PX_C_NONE && way % 2 == 0 && room >= 2) {
        item->insn.rvc = PX_C_NONE;
        item->insn.len = 4;
    } else {
        item->target = index + 1;
    }
}

void listing_reach(struct listing *listing, size_t size_max)
{
    bool again = true;
    for (unsigned round = 0; again; round++) {
        uint32_t word;
        again = false;
        place(listing);
        size_t size = listing->offsets[listing->count];
        size_t room = size < size_max && round < LONGER_ROUNDS ? size_max - size : 0;
        for (uint32_t i = 0; i < listing->count; i++) {
            struct listing_item *item = &listing->items[i];
            if (item->target == LISTING_NOWHERE)
                continue;
            struct px_insn insn = placed(listing, i);
            if (px_encode(&insn, &word) != 0)
                continue;
            uint8_t length = item->insn.len;
            shorten_way(item, i, insn.imm, room);
            room -= item->insn.len - length;
            again = true;
        }
    }
}

enum px_status listing_put(struct listing *listing, struct px_program *program)
{
    enum px_status status = PX_OK;
    place(listing);
    program->code_size = 0;
    for (uint32_t i = 0; i < listing->count && status == PX_OK; i++) {
        const struct listing_item *item = &listing->items[i];
        if (item->dropped)
            continue;
        struct px_insn insn = placed(listing, i);
        status = insn.op == PX_OP_ILLEGAL ? px_program_append(program, &item->word, insn.len)
                                          : px_program_emit(program, &insn);
    }
    if (status == PX_OK && listing->entry != LISTING_NOWHERE)
        program->entry_pc = listing->offsets[listing->entry];
    return status;
}

enum px_status listing_write(struct listing *listing, const struct px_program *base,
                             struct px_program *program)
{
    enum px_status status = px_program_copy(program, base);
    return status == PX_OK ? listing_put(listing, program) : status;
}
