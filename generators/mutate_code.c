/* Steps that move instructions. One that is cut by the end of code stays behind all others. */
#include "generators/mutate_edit.h"

enum { INSERT_MAX = 4, PIECE_MAX = 8, LOOP_MAX = 16 };

/* Opens @count items at *@index, at most the whole ones. */
static bool open_at(struct mutator *m, uint32_t index, uint32_t count)
{
    m->status = listing_open(&m->code, index, count);
    return m->status == PX_OK;
}

bool mutate_insert(struct mutator *m)
{
    uint32_t count = mutate_draw_few(m, INSERT_MAX),
             index = prng_below(&m->prng, listing_whole(&m->code) + 1);
    if (mutate_room(m) < 4 * (size_t)count || !open_at(m, index, count))
        return false;
    for (uint32_t i = index; i < index + count; i++)
        m->code.items[i] = mutate_draw_item(m, i);
    return true;
}

/* A piece of the whole items; not empty. */
struct piece {
    uint32_t at, count;
};

/* Of at most @max items; count 0 when there are none. */
static struct piece any_piece(struct mutator *m, uint32_t max)
{
    struct piece piece = { .count = mutate_draw_few(m, max) };
    uint32_t whole = listing_whole(&m->code);
    if (piece.count > whole)
        piece.count = whole;
    piece.at = prng_below(&m->prng, whole - piece.count + 1);
    return piece;
}

bool mutate_delete(struct mutator *m)
{
    struct piece piece = any_piece(m, PIECE_MAX);
    if (piece.count == 0)
        return false;
    /* The end of a program is worth more than what comes before it. */
    if (piece.at + piece.count == m->code.count && !prng_one_in(&m->prng, 8))
        return false;
    listing_close(&m->code, piece.at, piece.count);
    return true;
}

/* Where an item that leads to @target leads after it moved with @piece to @to, which is behind or before it. */
static uint32_t follow(uint32_t target, struct piece piece, uint32_t to)
{
    return target != LISTING_NOWHERE && target - piece.at < piece.count ? target - piece.at + to : target;
}

bool mutate_duplicate(struct mutator *m)
{
    struct piece piece = any_piece(m, PIECE_MAX);
    struct listing *code = &m->code;
    uint32_t to = piece.at + piece.count;
    if (!prng_one_in(&m->prng, 3))
        to = prng_below(&m->prng, listing_whole(code) + 1);
    if (to > piece.at && to < piece.at + piece.count)
        to = piece.at;
    size_t bytes = 0;
    for (uint32_t i = piece.at; i < piece.at + piece.count; i++)
        bytes += code->items[i].insn.len;
    if (piece.count == 0 || mutate_room(m) < bytes || !open_at(m, to, piece.count))
        return false;
    piece.at += to <= piece.at ? piece.count : 0;
    for (uint32_t i = 0; i < piece.count; i++) {
        struct listing_item item = code->items[piece.at + i];
        bool made_here = item.base != LISTING_NOWHERE && item.base - piece.at < piece.count;
        if (item.base != LISTING_NOWHERE && !made_here)
            item.target = item.base = LISTING_NOWHERE;
        item.target = follow(item.target, piece, to);
        item.base = follow(item.base, piece, to);
        code->items[to + i] = item;
    }
    return true;
}

static bool same_item(const struct listing_item *a, const struct listing_item *b)
{
    const struct px_insn *one = &a->insn, *other = &b->insn;
    if (one->op == PX_OP_ILLEGAL || other->op == PX_OP_ILLEGAL)
        return one->op == other->op && a->word == b->word;
    return one->op == other->op && one->rvc == other->rvc && one->rd == other->rd && one->rs1 == other->rs1 &&
           one->rs2 == other->rs2 && one->imm == other->imm && a->target == b->target;
}

bool mutate_swap(struct mutator *m)
{
    struct listing *code = &m->code;
    uint32_t whole = listing_whole(code);
    if (whole < 2)
        return false;
    uint32_t a = prng_below(&m->prng, whole);
    uint32_t b = prng_one_in(&m->prng, 2) ? (a + 1) % whole : prng_below(&m->prng, whole);
    if (same_item(&code->items[a], &code->items[b]))
        return false;
    struct listing_item item = code->items[a];
    code->items[a] = code->items[b];
    code->items[b] = item;
    /* What an auipc began is not completed elsewhere. */
    for (uint32_t i = 0; i < code->count; i++) {
        uint32_t base = code->items[i].base;
        if (base != LISTING_NOWHERE && (base == a || base == b || i == a || i == b))
            mutate_detach(m, i);
    }
    return true;
}

/* A register to count in, if possible one that the piece does not write. */
static uint8_t any_counter(struct mutator *m, struct piece piece)
{
    uint32_t counter = 1 + prng_below(&m->prng, PX_REG_COUNT - 1), written = 0;
    for (uint32_t i = piece.at; i < piece.at + piece.count; i++)
        written |= 1u << m->code.items[i].insn.rd;
    for (unsigned tries = 0; tries < PX_REG_COUNT - 1 && (written >> counter & 1); tries++)
        counter = counter % (PX_REG_COUNT - 1) + 1;
    return (uint8_t)counter;
}

/* addi counter, zero, n; fallthrough; ...; addi counter, counter, -1; bne counter, zero, behind the fallthrough */
bool mutate_loop(struct mutator *m)
{
    enum { FRAME = 4 };
    struct piece piece = any_piece(m, LOOP_MAX);
    if (piece.count == 0 || mutate_room(m) < 4 * FRAME)
        return false;
    uint8_t counter = any_counter(m, piece);
    int32_t times = 2 + (int32_t)prng_below(&m->prng, prng_one_in(&m->prng, 8) ? 62 : 4);
    if (!open_at(m, piece.at + piece.count, 2) || !open_at(m, piece.at, 2))
        return false;
    struct listing_item *items = m->code.items + piece.at, *tail = items + 2 + piece.count;
    items[0].insn = (struct px_insn){ .op = PX_OP_ADDI, .len = 4, .rd = counter, .imm = times };
    items[1].insn = (struct px_insn){ .op = PX_OP_FALLTHROUGH, .len = 4 };
    tail[0].insn = (struct px_insn){ .op = PX_OP_ADDI, .len = 4, .rd = counter, .rs1 = counter, .imm = -1 };
    tail[1].insn = (struct px_insn){ .op = PX_OP_BNE, .len = 4, .rs1 = counter };
    tail[1].target = piece.at + 2;
    return true;
}

/* Drops the end of the code, and as often some bytes of what is then the last instruction. */
bool mutate_cut(struct mutator *m)
{
    struct listing *code = &m->code;
    if (code->count == 0)
        return false;
    uint32_t left = prng_one_in(&m->prng, 2) ? code->count : 1 + prng_below(&m->prng, code->count);
    bool cut = left < code->count;
    listing_close(code, left, code->count - left);
    struct listing_item *last = &code->items[left - 1];
    uint32_t bytes = prng_below(&m->prng, last->insn.len);
    if (bytes == 0 || listing_whole(code) < left || (cut && prng_one_in(&m->prng, 2)))
        return cut;
    if (last->insn.op != PX_OP_ILLEGAL && px_encode(&last->insn, &last->word) == 0)
        return cut;
    uint8_t length = (uint8_t)(last->insn.len - bytes);
    last->word &= (1u << 8 * length) - 1;
    last->insn = (struct px_insn){ .op = PX_OP_ILLEGAL, .len = length };
    mutate_detach(m, left - 1);
    return true;
}
