/* Steps on what a program starts from: entry, mappings, registers, gas. */
#include "generators/mutate_edit.h"

#include <string.h>

#include "generators/operands.h"

bool mutate_entry(struct mutator *m)
{
    struct listing *code = &m->code;
    uint32_t pick = prng_below(&m->prng, 8), item = LISTING_NOWHERE;
    if (code->count > 0 && pick < 4)
        item = mutate_draw_start(m);
    else if (code->count > 0 && pick < 6)
        item = prng_below(&m->prng, code->count);
    if (item != LISTING_NOWHERE) {
        bool differs = item != code->entry;
        code->entry = item;
        return differs;
    }
    uint32_t size = (uint32_t)m->program->code_size, old = m->program->entry_pc;
    uint32_t entry = pick == 6 ? prng_below(&m->prng, size + 8) : (uint32_t)px_any_value(&m->prng);
    if (entry == old)
        return false;
    code->entry = LISTING_NOWHERE;
    m->program->entry_pc = entry;
    return true;
}

/* Whether no mapping but number @except has an address in [start, start + size). */
static bool is_free(const struct px_program *program, uint64_t start, uint64_t size, size_t except)
{
    for (size_t i = 0; i < program->map_count; i++) {
        const struct px_program_map *map = &program->maps[i];
        if (i != except && start < map->start + map->size && map->start < start + size)
            return false;
    }
    return true;
}

bool mutate_add_map(struct mutator *m, const struct px_mapping *map)
{
    struct px_program *program = m->program;
    size_t max = mutate_content_max(m), used = program->content_size;
    if (program->map_count == PX_PROGRAM_MAPS_MAX || px_mapping_bad_field(map) != PX_MAP_FIELD_NONE ||
        !is_free(program, map->start, map->size, SIZE_MAX) || used > max || map->content_size > max - used)
        return false;
    m->status =
        px_program_map(program, map->start, map->size, map->kind, map->content, (size_t)map->content_size);
    return m->status == PX_OK;
}

static enum px_map_kind any_kind(struct mutator *m)
{
    return (enum px_map_kind)prng_below(&m->prng, PX_MAP_KIND_COUNT);
}

static void any_bytes(struct mutator *m, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint64_t value = px_any_value(&m->prng);
        bytes[i] = (uint8_t)(value >> 8 * (i % 8));
    }
}

bool mutate_map_add(struct mutator *m)
{
    static const uint32_t starts[] = { PX_REGION_ZERO, PX_REGION_COW, PX_REGION_RO,           PX_REGION_MANY,
                                       PX_REGION_TOP,  PX_REGION_BIG, PX_REGION_RO + 0x1ff000 };
    const struct px_program *program = m->program;
    uint8_t content[64];
    uint32_t pick = prng_below(&m->prng, 16), pages = mutate_draw_few(m, 16);
    struct px_mapping map = { .size = (uint64_t)pages * PX_PAGE_SIZE,
                              .kind = any_kind(m),
                              .content = content };
    if (pick < sizeof starts / sizeof starts[0] || program->map_count == 0) {
        map.start = starts[pick % (sizeof starts / sizeof starts[0])];
    } else { /* beside another one */
        const struct px_program_map *near =
            &program->maps[prng_below(&m->prng, (uint32_t)program->map_count)];
        uint64_t gap = prng_one_in(&m->prng, 4) ? PX_PAGE_SIZE : 0;
        map.start = pick & 1 ? near->start + near->size + gap : near->start - map.size - gap;
    }
    if (map.kind != PX_MAP_ZERO)
        map.content_size = prng_below(&m->prng, sizeof content + 1);
    any_bytes(m, content, (size_t)map.content_size);
    return mutate_add_map(m, &map);
}

/* One of the mappings; NULL when there is none. */
static struct px_program_map *any_map(struct mutator *m, size_t *index)
{
    struct px_program *program = m->program;
    if (program->map_count == 0)
        return NULL;
    *index = prng_below(&m->prng, (uint32_t)program->map_count);
    return &program->maps[*index];
}

bool mutate_map_drop(struct mutator *m)
{
    size_t index;
    if (!any_map(m, &index))
        return false;
    px_program_unmap(m->program, index);
    return true;
}

bool mutate_map_kind(struct mutator *m)
{
    size_t index;
    struct px_program_map *map = any_map(m, &index);
    enum px_map_kind kind = any_kind(m);
    if (!map || kind == map->kind)
        return false;
    map->kind = kind;
    if (kind == PX_MAP_ZERO)
        m->status = px_program_resize_content(m->program, index, 0);
    return true;
}

bool mutate_map_size(struct mutator *m)
{
    /* Prices of memory change beyond 2048, 8192 and 65536 pages. */
    static const uint32_t edges[] = { 2047, 2048, 2049, 8192, 8193, 65536, 65537, 512 };
    size_t index;
    struct px_program_map *map = any_map(m, &index);
    if (!map)
        return false;
    uint64_t pages = map->size / PX_PAGE_SIZE, pick = prng_next(&m->prng);
    switch (pick >> 61) {
    case 0:
        pages = edges[pick & 7];
        break;
    case 1:
        pages *= 2;
        break;
    case 2:
        pages = (pages + 1) / 2;
        break;
    case 3:
        pages = 1;
        break;
    default:
        pages += pick & 1 ? 1 : UINT64_MAX;
        break;
    }
    struct px_mapping sized = px_program_mapping(m->program, index);
    sized.size = pages * PX_PAGE_SIZE;
    if (sized.content_size > sized.size)
        sized.content_size = sized.size;
    if (sized.size == map->size || px_mapping_bad_field(&sized) != PX_MAP_FIELD_NONE ||
        !is_free(m->program, sized.start, sized.size, index))
        return false;
    map->size = sized.size;
    m->status = px_program_resize_content(m->program, index, (size_t)sized.content_size);
    return true;
}

/* More or fewer bytes of content; what is added is random as far as it is not much. */
static bool resize_content(struct mutator *m, size_t index)
{
    enum { FILLED = 64 };
    struct px_program *program = m->program;
    struct px_program_map *map = &program->maps[index];
    size_t old = map->content_size, max = mutate_content_max(m), others = program->content_size - old;
    uint64_t room = others < max ? max - others : 0;
    uint32_t few = prng_below(&m->prng, FILLED + 1);
    size_t size = prng_one_in(&m->prng, 2) ? old + few : few < old ? old - few : 0;
    if (prng_one_in(&m->prng, 8)) /* an edge of a page */
        size = (old + PX_PAGE_SIZE) / PX_PAGE_SIZE * PX_PAGE_SIZE - prng_below(&m->prng, 2);
    if (size == old || size > map->size || (size > old && size > room))
        return false;
    m->status = px_program_resize_content(program, index, size);
    if (m->status == PX_OK && size > old)
        any_bytes(m, program->content + map->content + old, size - old < FILLED ? size - old : FILLED);
    return m->status == PX_OK;
}

bool mutate_map_content(struct mutator *m)
{
    size_t index;
    const struct px_program_map *map = any_map(m, &index);
    if (!map || map->kind == PX_MAP_ZERO)
        return false;
    if (map->content_size == 0 || prng_one_in(&m->prng, 4))
        return resize_content(m, index);
    uint8_t bytes[8];
    size_t size = (size_t)1 << (prng_next(&m->prng) >> 62);
    if (size > map->content_size)
        size = map->content_size;
    uint8_t *at =
        m->program->content + map->content + prng_below(&m->prng, (uint32_t)(map->content_size - size + 1));
    any_bytes(m, bytes, size);
    if (memcmp(at, bytes, size) == 0)
        return false;
    memcpy(at, bytes, size);
    return true;
}

bool mutate_seed(struct mutator *m)
{
    uint64_t *x = m->program->x;
    uint32_t reg = 1 + prng_below(&m->prng, PX_REG_COUNT - 1);
    uint64_t old = x[reg], pick = prng_next(&m->prng), step = (pick >> 8 & 15) + 1;
    switch (pick >> 61) {
    case 0:
        x[reg] ^= UINT64_C(1) << (pick & 63);
        break;
    case 1:
        x[reg] += pick & 1 ? step : 0 - step;
        break;
    case 2:
        x[reg] = x[1 + (pick & 15) % (PX_REG_COUNT - 1)];
        break;
    default:
        x[reg] = mutate_draw_value(m);
        break;
    }
    return x[reg] != old;
}

bool mutate_gas(struct mutator *m)
{
    static const uint64_t huge[] = {
        INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX, UINT32_MAX,
        INT32_MAX, (uint64_t)INT32_MAX + 1, 0,          (uint64_t)UINT32_MAX + 1
    };
    uint64_t *gas = &m->program->gas, old = *gas, pick = prng_next(&m->prng);
    switch (pick >> 61) {
    case 0:
        *gas = huge[pick & 7];
        break;
    case 1:
    case 2:
        *gas += (pick & 1 ? 1 : UINT64_MAX) * (pick >> 8 & 63);
        break;
    case 3:
        *gas /= 2;
        break;
    case 4:
        *gas = *gas < MUTATE_GAS_MAX / 2 ? *gas * 2 : MUTATE_GAS_MAX;
        break;
    default: /* each size equally likely */
        *gas = (pick & 0xffff) >> (pick >> 16 & 15);
        break;
    }
    if (*gas > MUTATE_GAS_MAX && mutate_may_run_backwards(&m->code))
        *gas = MUTATE_GAS_MAX;
    return *gas != old;
}
