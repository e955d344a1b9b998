/*
 * The structural check of ISA.md 2. It runs once per program, so the usual image (a few mappings,
 * ascending) costs one pass, and nothing is allocated up to SMALL_COUNT mappings.
 */
#include "vm/image.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

enum { SMALL_COUNT = 64 };

static const char *const kind_names[PX_MAP_KIND_COUNT] = {
    [PX_MAP_ZERO] = "zero",
    [PX_MAP_RO] = "ro",
    [PX_MAP_COW] = "cow",
};

const uint8_t px_zero_page[PX_PAGE_SIZE];

const char *px_map_kind_name(enum px_map_kind kind)
{
    return (unsigned)kind < PX_MAP_KIND_COUNT ? kind_names[kind] : "unknown";
}

enum px_map_field px_mapping_bad_field(const struct px_mapping *map)
{
    if (map->start % PX_PAGE_SIZE != 0 || map->start < PX_DATA_BASE || map->start >= PX_SPACE_SIZE)
        return PX_MAP_FIELD_START;
    if (map->size == 0 || map->size % PX_PAGE_SIZE != 0 || map->size > PX_SPACE_SIZE - map->start)
        return PX_MAP_FIELD_SIZE;
    if ((unsigned)map->kind >= PX_MAP_KIND_COUNT)
        return PX_MAP_FIELD_KIND;
    if (map->content_size > (map->kind == PX_MAP_ZERO ? 0 : map->size))
        return PX_MAP_FIELD_CONTENT;
    if (map->content_size > 0 && !map->content)
        return PX_MAP_FIELD_CONTENT;
    return PX_MAP_FIELD_NONE;
}

static enum px_status fail_start(const struct px_mapping *map, size_t index, struct px_error *err)
{
    if (map->start % PX_PAGE_SIZE != 0)
        return px_fail(err, PX_ERR_INPUT, "mapping %zu: start 0x%" PRIx64 " is not a multiple of %d", index,
                       map->start, PX_PAGE_SIZE);
    if (map->start < PX_DATA_BASE)
        return px_fail(err, PX_ERR_INPUT,
                       "mapping %zu: start 0x%" PRIx64 " is below the data base 0x%" PRIx32, index,
                       map->start, PX_DATA_BASE);
    return px_fail(err, PX_ERR_INPUT, "mapping %zu: start 0x%" PRIx64 " is not below 2^32", index,
                   map->start);
}

static enum px_status fail_size(const struct px_mapping *map, size_t index, struct px_error *err)
{
    if (map->size == 0)
        return px_fail(err, PX_ERR_INPUT, "mapping %zu: size is 0", index);
    if (map->size % PX_PAGE_SIZE != 0)
        return px_fail(err, PX_ERR_INPUT, "mapping %zu: size 0x%" PRIx64 " is not a multiple of %d", index,
                       map->size, PX_PAGE_SIZE);
    return px_fail(err, PX_ERR_INPUT,
                   "mapping %zu: size 0x%" PRIx64 " from start 0x%" PRIx64 " runs past 2^32", index,
                   map->size, map->start);
}

static enum px_status fail_content(const struct px_mapping *map, size_t index, struct px_error *err)
{
    if (map->kind == PX_MAP_ZERO)
        return px_fail(err, PX_ERR_INPUT, "mapping %zu: content of %" PRIu64 " bytes on a zero mapping",
                       index, map->content_size);
    if (map->content_size > map->size)
        return px_fail(err, PX_ERR_INPUT,
                       "mapping %zu: content of %" PRIu64 " bytes is longer than size 0x%" PRIx64, index,
                       map->content_size, map->size);
    return px_fail(err, PX_ERR_INPUT, "mapping %zu: content of %" PRIu64 " bytes is NULL", index,
                   map->content_size);
}

static enum px_status fail_mapping(const struct px_mapping *map, size_t index, enum px_map_field field,
                                   struct px_error *err)
{
    switch (field) {
    case PX_MAP_FIELD_START:
        return fail_start(map, index, err);
    case PX_MAP_FIELD_SIZE:
        return fail_size(map, index, err);
    case PX_MAP_FIELD_KIND:
        return px_fail(err, PX_ERR_INPUT, "mapping %zu: kind %u is unknown", index, (unsigned)map->kind);
    case PX_MAP_FIELD_CONTENT:
        return fail_content(map, index, err);
    case PX_MAP_FIELD_NONE:
        break;
    }
    return px_fail(err, PX_ERR_INTERNAL, "mapping %zu: refused without a reason", index);
}

/* Sound mappings only: start + size cannot wrap. */
static bool overlap(const struct px_mapping *a, const struct px_mapping *b)
{
    return a->start < b->start + b->size && b->start < a->start + a->size;
}

static enum px_status fail_overlap(const struct px_image *image, size_t one, size_t other,
                                   struct px_error *err)
{
    size_t index = one > other ? one : other, earlier = one > other ? other : one;
    const struct px_mapping *map = &image->maps[index];
    return px_fail(err, PX_ERR_INPUT,
                   "mapping %zu: start 0x%" PRIx64 " and size 0x%" PRIx64 " overlap mapping %zu", index,
                   map->start, map->size, earlier);
}

static enum px_status check_pairs(const struct px_image *image, struct px_error *err)
{
    for (size_t i = 1; i < image->map_count; i++)
        for (size_t j = 0; j < i; j++)
            if (overlap(&image->maps[i], &image->maps[j]))
                return fail_overlap(image, i, j, err);
    return PX_OK;
}

struct range {
    uint64_t start, end;
    size_t index;
};

/* Equal starts overlap, so the order among them only decides which pair is named: the earliest. */
static int compare_ranges(const void *a, const void *b)
{
    const struct range *one = a, *other = b;
    if (one->start != other->start)
        return one->start < other->start ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

static enum px_status check_sorted(const struct px_image *image, struct px_error *err)
{
    size_t count = image->map_count;
    struct range *ranges = calloc(count, sizeof(*ranges));
    if (!ranges)
        return px_fail(err, PX_ERR_NOMEM, "no memory to check %zu mappings", count);
    for (size_t i = 0; i < count; i++) {
        const struct px_mapping *map = &image->maps[i];
        ranges[i] = (struct range){ .start = map->start, .end = map->start + map->size, .index = i };
    }
    qsort(ranges, count, sizeof(*ranges), compare_ranges);

    enum px_status status = PX_OK;
    for (size_t i = 1; i < count && status == PX_OK; i++)
        if (ranges[i].start < ranges[i - 1].end)
            status = fail_overlap(image, ranges[i - 1].index, ranges[i].index, err);
    free(ranges);
    return status;
}

enum px_status px_image_check(const struct px_image *image, struct px_error *err)
{
    if (image->code_size > PX_CODE_MAX)
        return px_fail(err, PX_ERR_INPUT, "code: size %zu is over %" PRIu32, image->code_size, PX_CODE_MAX);
    if (image->code_size > 0 && !image->code)
        return px_fail(err, PX_ERR_INPUT, "code: %zu bytes are NULL", image->code_size);
    if (image->map_count > 0 && !image->maps)
        return px_fail(err, PX_ERR_INPUT, "maps: %zu mappings are NULL", image->map_count);

    bool ascending = true;
    uint64_t end = 0;
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *map = &image->maps[i];
        enum px_map_field field = px_mapping_bad_field(map);
        if (field != PX_MAP_FIELD_NONE)
            return fail_mapping(map, i, field, err);
        ascending = ascending && map->start >= end;
        end = map->start + map->size;
    }
    if (ascending)
        return PX_OK;
    return image->map_count <= SMALL_COUNT ? check_pairs(image, err) : check_sorted(image, err);
}
