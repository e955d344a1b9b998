#include "harness/shrink.h"

#include <string.h>

/* From plain to less so. A seed is replaced by one that stands before it. */
static const uint64_t plain[] = {
    0,
    1,
    2,
    3,
    UINT64_MAX,
    UINT64_C(1) << 63,
    UINT64_C(1) << 31,
    UINT64_C(0xffffffff80000000),
    UINT64_C(0xffffffff),
    UINT64_C(0x100000000),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x7fffffff),
    PX_DATA_BASE,
    UINT64_C(0x0123456789abcdef),
};

static bool try_seed(struct shrink *s, unsigned x, uint64_t value)
{
    if (!shrink_begin(s))
        return false;
    s->candidate.x[x] = value;
    return shrink_try(s);
}

static bool simplify_seed(struct shrink *s, unsigned x)
{
    static const uint64_t masks[] = { 0xff, 0xffff, UINT32_MAX, ~UINT64_C(0xffff), ~UINT64_C(0xfff) };
    uint64_t value = s->best.x[x];
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (plain[i] == value)
            return false;
        if (try_seed(s, x, plain[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
        if ((value & masks[i]) != value && try_seed(s, x, value & masks[i]))
            return true;
    return false;
}

/* An entry that is no instruction's start is followed by none. */
static bool shrink_entry(struct shrink *s)
{
    static const uint32_t low[] = { 0, 1, 2, 3, 5 };
    for (size_t i = 0; i < sizeof low / sizeof low[0] && low[i] < s->best.entry_pc; i++) {
        if (!shrink_begin(s))
            return false;
        s->candidate.entry_pc = low[i];
        if (shrink_try(s))
            return true;
    }
    return false;
}

bool shrink_seeds(struct shrink *s)
{
    bool kept = shrink_entry(s);
    if (!shrink_begin(s))
        return kept;
    memset(s->candidate.x, 0, sizeof s->candidate.x);
    kept |= shrink_try(s);
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        kept |= simplify_seed(s, x);
    return kept;
}

enum map_change { MAP_DROP, MAP_EMPTY, MAP_ONE_PAGE, MAP_HALF, MAP_CHANGES };

/* How mapping @map reads after @change; false: that changes nothing. */
static bool change_map(struct px_mapping *map, enum map_change change)
{
    uint64_t pages = map->size / PX_PAGE_SIZE;
    switch (change) {
    case MAP_EMPTY:
        if (map->content_size == 0)
            return false;
        map->content_size = 0;
        return true;
    case MAP_ONE_PAGE:
        if (pages <= 1)
            return false;
        map->size = PX_PAGE_SIZE;
        break;
    case MAP_HALF:
        if (pages <= 2)
            return false;
        map->size = (pages + 1) / 2 * PX_PAGE_SIZE;
        break;
    case MAP_DROP:
    case MAP_CHANGES:
        return true;
    }
    if (map->content_size > map->size)
        map->content_size = map->size;
    return true;
}

/* The best program with mapping @index changed. */
static bool try_map(struct shrink *s, size_t index, enum map_change change)
{
    struct px_program *p = &s->candidate;
    if (!shrink_begin(s))
        return false;
    p->map_count = 0;
    p->content_size = 0;
    for (size_t i = 0; i < s->best.map_count && s->status == PX_OK; i++) {
        struct px_mapping map = px_program_mapping(&s->best, i);
        if (i == index && !change_map(&map, change))
            return false;
        if (i == index && change == MAP_DROP)
            continue;
        s->status = px_program_map(p, map.start, map.size, map.kind, map.content, (size_t)map.content_size);
    }
    return s->status == PX_OK && shrink_try(s);
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Zeroes content, by halves, then what is left of it byte by byte. */
static bool zero_content(struct shrink *s, size_t index)
{
    bool kept = false;
    size_t total = s->best.maps[index].content_size;
    for (size_t size = total; size > 0 && !s->late; size /= 2)
        for (size_t at = 0; at < total && !s->late; at += size) {
            size_t length = total - at < size ? total - at : size;
            if (all_zero(s->best.content + s->best.maps[index].content + at, length) || !shrink_begin(s))
                continue;
            memset(s->candidate.content + s->candidate.maps[index].content + at, 0, length);
            kept |= shrink_try(s);
        }
    return kept;
}

/* Zeros at the end of content say nothing. */
static bool trim_content(struct shrink *s, size_t index)
{
    const struct px_program_map *map = &s->best.maps[index];
    size_t size = map->content_size;
    while (size > 0 && s->best.content[map->content + size - 1] == 0)
        size--;
    if (size == map->content_size || !shrink_begin(s))
        return false;
    s->candidate.maps[index].content_size =
        size; /* the bytes behind it belong to nobody until maps are rebuilt */
    return shrink_try(s);
}

bool shrink_memory(struct shrink *s)
{
    bool kept = false;
    if (s->best.map_count > 1 && shrink_begin(s)) {
        s->candidate.map_count = 0;
        s->candidate.content_size = 0;
        kept |= shrink_try(s);
    }
    for (size_t i = s->best.map_count; i-- > 0;)
        for (int change = 0; change < MAP_CHANGES && i < s->best.map_count; change++)
            kept |= try_map(s, i, (enum map_change)change);
    for (size_t i = 0; i < s->best.map_count; i++) {
        kept |= zero_content(s, i);
        kept |= trim_content(s, i);
    }
    return kept;
}

bool shrink_gas(struct shrink *s)
{
    static const uint64_t digits[] = { 1, 2, 5 };
    for (uint64_t power = 10; power < UINT64_C(1000000000000000000); power *= 10)
        for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
            if (digits[i] * power >= s->best.gas || s->late || !shrink_begin(s))
                return false;
            s->candidate.gas = digits[i] * power;
            if (shrink_try(s))
                return true;
        }
    return false;
}
