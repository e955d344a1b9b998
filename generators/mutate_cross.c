/* Crossover: code, seeds and mappings of one program in another. */
#include "generators/mutate_edit.h"

enum { PIECE_MAX = 64 };

/* A piece of m->other. */
struct piece {
    uint32_t at, count;
};

/* As many of its first instructions as there is room for. */
static void cut_to_room(const struct mutator *m, struct piece *piece)
{
    size_t room = mutate_room(m), bytes = 0;
    uint32_t fits = 0;
    while (fits < piece->count && bytes + m->other.items[piece->at + fits].insn.len <= room)
        bytes += m->other.items[piece->at + fits++].insn.len;
    piece->count = fits;
}

/* Copies the piece to the items that were opened for it at @to; what led out of it leads to @out, or, when that is
 * LISTING_NOWHERE, to some block start. */
static void fill(struct mutator *m, struct piece piece, uint32_t to, uint32_t out)
{
    for (uint32_t i = 0; i < piece.count; i++) {
        struct listing_item item = m->other.items[piece.at + i];
        bool base_inside = item.base - piece.at < piece.count;
        if (item.base != LISTING_NOWHERE && !base_inside)
            item.target = item.base = LISTING_NOWHERE;
        if (item.base != LISTING_NOWHERE)
            item.base = item.base - piece.at + to;
        if (item.target != LISTING_NOWHERE && item.target - piece.at < piece.count)
            item.target = item.target - piece.at + to;
        else if (item.target != LISTING_NOWHERE)
            item.target = out != LISTING_NOWHERE ? out : mutate_draw_start(m);
        m->code.items[to + i] = item;
    }
}

static bool put_piece(struct mutator *m, struct piece *piece, uint32_t to, bool behind)
{
    cut_to_room(m, piece);
    m->status = listing_open(&m->code, to, piece->count);
    if (m->status != PX_OK)
        return false;
    fill(m, *piece, to, behind ? LISTING_NOWHERE : to + piece->count);
    return true;
}

/* The first part of the code, then the last of the other's. */
static struct piece cross_behind(struct mutator *m)
{
    uint32_t at = prng_below(&m->prng, listing_whole(&m->code) + 1);
    struct piece piece = { .at = prng_below(&m->prng, m->other.count + 1) };
    piece.count = m->other.count - piece.at;
    listing_close(&m->code, at, m->code.count - at);
    put_piece(m, &piece, at, true);
    return piece;
}

/* A piece of the other's code between two instructions, or in place of some. */
static struct piece cross_inside(struct mutator *m, bool replace)
{
    uint32_t whole = listing_whole(&m->code), whole_other = listing_whole(&m->other), gone;
    uint32_t at = prng_below(&m->prng, whole + 1);
    struct piece piece = { .count = prng_below(&m->prng, PIECE_MAX) + 1 };
    if (piece.count > whole_other)
        piece.count = whole_other;
    piece.at = prng_below(&m->prng, whole_other - piece.count + 1);
    gone = prng_below(&m->prng, (whole - at < PIECE_MAX ? whole - at : PIECE_MAX) + 1);
    if (replace)
        listing_close(&m->code, at, gone);
    put_piece(m, &piece, at, false);
    return piece;
}

/* Registers that the piece reads. */
static uint32_t registers_read(const struct mutator *m, struct piece piece)
{
    uint32_t read = 0;
    for (uint32_t i = piece.at; i < piece.at + piece.count; i++)
        read |= 1u << m->other.items[i].insn.rs1 | 1u << m->other.items[i].insn.rs2;
    return read;
}

static void cross_state(struct mutator *m, const struct px_program *other, struct piece piece)
{
    uint64_t pick = prng_next(&m->prng);
    uint32_t taken = pick >> 63 ? registers_read(m, piece) : (uint32_t)(pick & pick >> 16);
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if (taken >> x & 1)
            m->program->x[x] = other->x[x];
    if (pick >> 62 & 1 && m->program->gas < other->gas)
        m->program->gas = other->gas;
    for (size_t i = 0; i < other->map_count && pick >> 61 & 1; i++) {
        struct px_mapping map = px_program_mapping(other, i);
        (void)mutate_add_map(m, &map);
    }
}

void mutate_cross_with(struct mutator *m, const struct px_program *other)
{
    m->status = listing_read(&m->other, other);
    if (m->status != PX_OK)
        return;
    uint32_t pick = prng_below(&m->prng, 3);
    struct piece piece = pick == 0 ? cross_behind(m) : cross_inside(m, pick == 1);
    if (m->status == PX_OK)
        cross_state(m, other, piece);
}
