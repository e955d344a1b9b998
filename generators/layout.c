#include "generators/layout.h"

struct region {
    uint32_t start, size, content; /* content: BUILDER_PATTERN at most */
    uint8_t kind; /* enum px_map_kind */
};

/* No two overlap, so that every subset is a layout. */
static const struct region regions[] = {
    { .start = PX_REGION_ZERO, .size = 0x3000, .kind = PX_MAP_ZERO },
    { .start = PX_REGION_ZERO + 0x3000, .size = 0x1000, .kind = PX_MAP_RO, .content = 0x40 },
    { .start = PX_REGION_ZERO + 0x4000, .size = 0x1000, .kind = PX_MAP_COW, .content = 0x1000 },
    { .start = PX_REGION_COW, .size = 0x2000, .kind = PX_MAP_COW, .content = 0x1023 },
    { .start = PX_REGION_COW + 0x2000, .size = 0x2000, .kind = PX_MAP_ZERO },
    { .start = PX_REGION_RO, .size = 0x2000, .kind = PX_MAP_RO, .content = 0x200 },
    /* Units of their own: adjacent, and beyond a gap, in the same cluster. */
    { .start = PX_REGION_RO + 0x2000, .size = 0x1000, .kind = PX_MAP_RO, .content = 1 },
    { .start = PX_REGION_RO + 0x5000, .size = 0x1000, .kind = PX_MAP_RO },
    /* One mapping that is two units: it crosses into the next cluster. */
    { .start = PX_REGION_RO + 0x1ff000, .size = 0x2000, .kind = PX_MAP_RO, .content = 0x1ffd },
    { .start = PX_REGION_TOP, .size = 0x1000, .kind = PX_MAP_ZERO },
    { .start = PX_REGION_MANY, .size = 0x10000, .kind = PX_MAP_ZERO },
};

enum { REGIONS = sizeof regions / sizeof regions[0], CONTENT_SHORT = 0x200 };

static void map(struct builder *b, const struct region *region)
{
    uint32_t content = region->content;
    if (content > CONTENT_SHORT && !prng_one_in(&b->prng, 8)) /* copying pages costs more than the rest */
        content = CONTENT_SHORT;
    builder_map(b, region->start, region->size, region->kind, builder_pattern, content);
}

void layout_map(struct builder *b)
{
    uint64_t pick = prng_next(&b->prng);
    uint32_t chosen = (uint32_t)(pick & pick >> 16) | 1u << (pick >> 32) % REGIONS | 1u << (pick >> 48) % 5;
    size_t first = (pick >> 40) % REGIONS; /* the order of mappings means nothing */
    for (size_t i = 0; i < REGIONS; i++) {
        size_t at = (first + i) % REGIONS;
        if (chosen >> at & 1)
            map(b, &regions[at]);
    }
    /* Prices of memory change beyond 2048, 8192 and 65536 pages. */
    static const uint32_t pages[] = { 2048, 2040, 8192, 8180, 65536, 65500, 0x20000, 256 };
    if (prng_one_in(&b->prng, 12)) {
        uint64_t size = (uint64_t)pages[prng_below(&b->prng, 8)] * PX_PAGE_SIZE;
        builder_map(b, PX_REGION_BIG, size, PX_MAP_ZERO, NULL, 0);
    }
}

static struct spot code_spot(struct builder *b)
{
    uint32_t offset = prng_below(&b->prng, prng_one_in(&b->prng, 4) ? PX_PAGE_SIZE - 8 : 64);
    return (struct spot){
        .address = PX_CODE_BASE + offset, .below = offset, .above = PX_PAGE_SIZE - offset, .code = true
    };
}

/* Takes in the mapping that begins where @spot's ends, if there is one. */
static void join_neighbour(const struct px_program *program, struct spot *spot)
{
    uint64_t end = (uint64_t)spot->address + spot->above;
    for (size_t i = 0; i < program->map_count; i++) {
        const struct px_program_map *next = &program->maps[i];
        if (next->start == end) {
            spot->above += PX_PAGE_SIZE;
            spot->writable = spot->writable && next->kind != PX_MAP_RO;
            return;
        }
    }
}

struct spot layout_spot(struct builder *b)
{
    const struct px_program *program = b->program;
    uint64_t pick = prng_next(&b->prng);
    if (program->map_count == 0 || (pick & 15) == 0)
        return code_spot(b);
    const struct px_program_map *map = &program->maps[(pick >> 8) % program->map_count];
    uint32_t size = map->size < UINT32_C(0x10000) ? (uint32_t)map->size : UINT32_C(0x10000);
    uint32_t offset = (uint32_t)(pick >> 32) % size;
    if ((pick & 16) != 0) /* an edge of a page, the end of the mapping perhaps */
        offset = ((offset | (PX_PAGE_SIZE - 1)) & ~UINT32_C(7)) + (uint32_t)(pick >> 60) % 8;
    else if ((pick & 32) != 0)
        offset &= ~UINT32_C(0xfff);
    else if ((pick & 64) != 0)
        offset &= ~UINT32_C(7);
    struct spot spot = { .address = (uint32_t)map->start + offset,
                         .below = offset,
                         .above = (uint32_t)(map->size - offset < 0x10000 ? map->size - offset : 0x10000),
                         .writable = map->kind != PX_MAP_RO };
    if (spot.above < 16)
        join_neighbour(program, &spot);
    return spot;
}

uint32_t layout_bad_address(struct builder *b)
{
    const struct px_program *program = b->program;
    uint64_t pick = prng_next(&b->prng);
    if (program->map_count == 0 || (pick & 3) == 0)
        return px_addresses[(pick >> 8) % px_address_count];
    const struct px_program_map *map = &program->maps[(pick >> 8) % program->map_count];
    uint32_t start = (uint32_t)map->start, end = start + (uint32_t)map->size;
    switch (pick >> 2 & 3) {
    case 0: /* over the end, which for the last page is over 2^32 */
        return end - (uint32_t)(pick >> 32) % 8;
    case 1:
        return start - 1 - (uint32_t)(pick >> 32) % 8;
    case 2:
        return end + PX_PAGE_SIZE * ((uint32_t)(pick >> 32) % 4);
    default:
        return PX_CODE_BASE + (uint32_t)(pick >> 32) % PX_PAGE_SIZE;
    }
}

void layout_load(struct builder *b, unsigned reg, uint32_t value)
{
    struct px_insn low = { .op = PX_OP_ADDI, .len = 4, .rd = (uint8_t)reg };
    low.imm = (int32_t)((value & 0xfff) ^ 0x800) - 0x800;
    if (value + 2048 >= 4096) {
        builder_op(b, PX_OP_LUI, reg, 0, 0, (int32_t)((value + 0x800) & 0xfffff000));
        if (low.imm == 0)
            return;
        low.rs1 = (uint8_t)reg;
    }
    builder_emit(b, &low);
}
