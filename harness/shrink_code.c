#include "harness/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "harness/locate.h"

static const struct px_insn halt = { .op = PX_OP_ECALLI, .len = 4 };

/* What mapping @map of the program reads as, with the bytes that the located access found. */
static bool add_map(struct shrink *s, struct px_mapping map)
{
    const struct bucket *b = &s->bucket;
    uint64_t size = map.content_size;
    for (size_t i = 0; i < b->bytes_known; i++) {
        uint64_t at = (uint32_t)(b->address + i);
        if (at >= map.start && at < map.start + map.size && b->bytes[i] != 0 && at - map.start >= size)
            size = at - map.start + 1;
    }
    uint8_t *content = size <= PROBE_BYTES_MAX ? calloc(1, (size_t)size + 1) : NULL;
    if (!content)
        return false;
    if (map.content_size > 0)
        memcpy(content, map.content, (size_t)map.content_size);
    for (size_t i = 0; i < b->bytes_known; i++) {
        uint64_t at = (uint32_t)(b->address + i);
        if (at >= map.start && at - map.start < size)
            content[at - map.start] = b->bytes[i];
    }
    enum px_map_kind kind = map.kind == PX_MAP_ZERO && size > 0 ? PX_MAP_COW : map.kind;
    enum px_status status = px_program_map(&s->candidate, map.start, map.size, kind, content, (size_t)size);
    free(content);
    return status == PX_OK;
}

static bool begin_with_memory(struct shrink *s)
{
    if (!shrink_begin(s))
        return false;
    bool fits = true;
    s->candidate.map_count = 0;
    s->candidate.content_size = 0;
    for (size_t i = 0; i < s->best.map_count && fits; i++)
        fits = add_map(s, px_program_mapping(&s->best, i));
    return fits;
}

/* The divergent instruction alone, with the registers and bytes that it met; jumps go over one halt to a second. With
 * @prelude a load of what it accesses comes first: the pages have been read. */
static bool try_insn(struct shrink *s, const struct px_insn *prelude)
{
    const struct bucket *b = &s->bucket;
    struct px_insn insn = b->insn;
    unsigned effects = px_ops[insn.op].effects;
    if (!begin_with_memory(s))
        return false;
    struct px_program *p = &s->candidate;
    bool jumps = effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
    int32_t over = insn.len + halt.len;
    memcpy(p->x, b->x, sizeof p->x);
    p->code_size = 0;
    p->entry_pc = 0;
    if (insn.op == PX_OP_JALR && insn.rs1 != 0)
        p->x[insn.rs1] = (uint64_t)PX_CODE_BASE + (uint64_t)over - (uint64_t)(int64_t)insn.imm;
    else if (jumps && insn.op != PX_OP_JALR)
        insn.imm = over;
    bool fits = (!prelude || px_program_emit(p, prelude) == PX_OK) && px_program_emit(p, &insn) == PX_OK &&
                px_program_emit(p, &halt) == PX_OK && (!jumps || px_program_emit(p, &halt) == PX_OK);
    return fits && shrink_try(s);
}

static bool start_at_insn(struct shrink *s)
{
    const struct bucket *b = &s->bucket;
    unsigned effects = px_ops[b->insn.op].effects;
    if (b->place != BUCKET_INSN || !b->x_known || b->insn.op == PX_OP_ILLEGAL)
        return false;
    if (try_insn(s, NULL))
        return true;
    if (!(effects & (PX_EFF_LOAD | PX_EFF_STORE)))
        return false;
    const struct px_insn load = { .op = PX_OP_LB, .len = 4, .rs1 = b->insn.rs1, .imm = b->insn.imm };
    const struct px_insn store = { .op = PX_OP_SB, .len = 4, .rs1 = b->insn.rs1, .imm = b->insn.imm };
    return try_insn(s, &load) || try_insn(s, &store);
}

/* Only copies of an instruction whose price differs; dropping leaves as many as it takes. */
static bool start_at_copies(struct shrink *s)
{
    const struct bucket *b = &s->bucket;
    if (strcmp(b->operands, "price") != 0 || !shrink_begin(s))
        return false;
    struct px_program *p = &s->candidate;
    bool fits = true;
    p->code_size = 0;
    p->entry_pc = 0;
    for (int copy = 0; copy < LOCATE_PRICE_COPIES && fits; copy++)
        fits = px_program_emit(p, &b->insn) == PX_OK;
    return fits && px_program_emit(p, &halt) == PX_OK && shrink_try(s);
}

/* The program from the divergent block on. */
static bool start_at_block(struct shrink *s)
{
    const struct bucket *b = &s->bucket;
    if (b->block <= 1 || !shrink_begin(s))
        return false;
    s->candidate.entry_pc = b->block_pc;
    memcpy(s->candidate.x, b->block_x, sizeof s->candidate.x);
    if (shrink_try(s))
        return true;
    /* It may take the gas that was left. */
    if (b->block_gas >= s->best.gas || !shrink_begin(s))
        return false;
    s->candidate.entry_pc = b->block_pc;
    s->candidate.gas = b->block_gas;
    memcpy(s->candidate.x, b->block_x, sizeof s->candidate.x);
    return shrink_try(s);
}

bool shrink_start(struct shrink *s)
{
    return start_at_insn(s) || start_at_copies(s) || start_at_block(s);
}

/* Makes @listing that of the best program. */
static bool begin_listing(struct shrink *s, struct listing *listing)
{
    if (s->status == PX_OK)
        s->status = listing_read(listing, &s->best);
    return s->status == PX_OK;
}

static bool try_listing(struct shrink *s, struct listing *listing)
{
    enum px_status status = listing_write(listing, &s->best, &s->candidate);
    if (status == PX_ERR_NOMEM)
        s->status = status;
    return status == PX_OK && shrink_try(s);
}

/* Items that may go: all but the halt at the end, which is the terminator that the harness appends. */
static size_t droppable(const struct listing *listing)
{
    bool halts = listing->count > 0 && listing->items[listing->count - 1].word == PX_WORD_ECALLI_0;
    return listing->count - halts;
}

/* One sweep from the end to the start with chunks of @size. */
static bool drop_chunks(struct shrink *s, size_t size)
{
    struct listing listing = { 0 };
    bool kept = false;
    if (!begin_listing(s, &listing))
        return false;
    size_t end = droppable(&listing);
    while (end > 0 && !s->late && s->status == PX_OK) {
        size_t start = end > size ? end - size : 0;
        for (size_t i = start; i < end; i++)
            listing.items[i].dropped = true;
        bool smaller = try_listing(s, &listing);
        for (size_t i = start; i < end && !smaller; i++)
            listing.items[i].dropped = false;
        kept |= smaller;
        end = start;
    }
    listing_fini(&listing);
    return kept;
}

bool shrink_drop(struct shrink *s)
{
    struct listing listing = { 0 };
    bool kept = false;
    if (!begin_listing(s, &listing))
        return false;
    size_t size = droppable(&listing);
    listing_fini(&listing);
    while (size > 0 && !s->late && s->status == PX_OK) {
        bool smaller = drop_chunks(s, size);
        kept |= smaller;
        if (!smaller || size > 1)
            size /= 2;
    }
    return kept;
}

/* Tries @item changed to @with; back if it does not stay in the bucket. */
static bool try_item(struct shrink *s, struct listing *listing, uint32_t index, struct listing_item with)
{
    struct listing_item old = listing->items[index];
    listing->items[index] = with;
    if (try_listing(s, listing))
        return true;
    listing->items[index] = old;
    return false;
}

static bool simplify_immediate(struct shrink *s, struct listing *listing, uint32_t index)
{
    static const int32_t simple[] = { 0, 1, -1, 2, 4, 8, 16, 31, 63 };
    struct listing_item item = listing->items[index];
    int32_t imm = item.insn.imm;
    for (size_t i = 0; i < sizeof simple / sizeof simple[0] && simple[i] != imm; i++) {
        item.insn.imm = simple[i];
        if (try_item(s, listing, index, item))
            return true;
    }
    item.insn.imm = imm / 2;
    return (imm > 63 || imm < -1) && try_item(s, listing, index, item);
}

static bool simplify_item(struct shrink *s, struct listing *listing, uint32_t index)
{
    struct listing_item item = listing->items[index];
    bool kept = false;
    if (item.insn.op == PX_OP_ILLEGAL)
        return false;
    if (item.insn.rvc != PX_C_NONE) {
        item.insn.rvc = PX_C_NONE;
        item.insn.len = 4;
        kept |= try_item(s, listing, index, item);
        item = listing->items[index];
    }
    if (item.target != LISTING_NOWHERE && item.target != index + 1) {
        item.target = index + 1;
        kept |= try_item(s, listing, index, item);
    }
    if (item.target == LISTING_NOWHERE && item.insn.imm != 0)
        kept |= simplify_immediate(s, listing, index);
    return kept;
}

bool shrink_operands(struct shrink *s)
{
    struct listing listing = { 0 };
    bool kept = false;
    if (!begin_listing(s, &listing))
        return false;
    for (uint32_t i = 0; i < droppable(&listing); i++)
        kept |= simplify_item(s, &listing, i);
    listing_fini(&listing);
    return kept;
}

static void swap_number(uint8_t *number, unsigned a, unsigned b)
{
    *number = (uint8_t)(*number == a ? b : *number == b ? a : *number);
}

/* The best program with registers @a and @b exchanged everywhere. */
static bool try_exchange(struct shrink *s, struct listing *listing, unsigned a, unsigned b)
{
    for (int back = 0; back < 2; back++) {
        for (size_t i = 0; i < listing->count; i++) {
            struct px_insn *insn = &listing->items[i].insn;
            uint8_t regs = px_ops[insn->op].regs;
            if (regs & PX_HAS_RD)
                swap_number(&insn->rd, a, b);
            if (regs & PX_HAS_RS1)
                swap_number(&insn->rs1, a, b);
            if (regs & PX_HAS_RS2)
                swap_number(&insn->rs2, a, b);
        }
        if (back)
            break;
        enum px_status status = listing_write(listing, &s->best, &s->candidate);
        uint64_t seed = s->candidate.x[a];
        s->candidate.x[a] = s->candidate.x[b];
        s->candidate.x[b] = seed;
        if (status == PX_OK && shrink_try(s))
            return true;
    }
    return false;
}

/* Which registers instructions name, in the order in which they do; the number of them. */
static size_t registers_used(const struct listing *listing, uint8_t *order)
{
    size_t count = 0;
    bool used[PX_REG_COUNT] = { true };
    for (size_t i = 0; i < listing->count; i++) {
        const struct px_insn *insn = &listing->items[i].insn;
        uint8_t regs = px_ops[insn->op].regs;
        const uint8_t named[] = { regs & PX_HAS_RD ? insn->rd : 0, regs & PX_HAS_RS1 ? insn->rs1 : 0,
                                  regs & PX_HAS_RS2 ? insn->rs2 : 0 };
        for (size_t k = 0; k < sizeof named; k++) {
            if (used[named[k]])
                continue;
            used[named[k]] = true;
            order[count++] = named[k];
        }
    }
    return count;
}

bool shrink_registers(struct shrink *s)
{
    static const uint8_t preferred[] = { 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 2, 3, 4 };
    struct listing listing = { 0 };
    uint8_t order[PX_REG_COUNT];
    bool kept = false;
    if (!begin_listing(s, &listing))
        return false;
    size_t count = registers_used(&listing, order);
    for (size_t i = 0; i < count && !s->late && s->status == PX_OK; i++) {
        if (order[i] == preferred[i] || !try_exchange(s, &listing, order[i], preferred[i]))
            continue;
        kept = true;
        for (size_t k = i + 1; k < count; k++)
            swap_number(&order[k], order[i], preferred[i]);
    }
    listing_fini(&listing);
    return kept;
}
