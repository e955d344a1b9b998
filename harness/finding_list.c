#include "harness/finding_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bucket.h"

void finding_list_init(struct finding_list *list, const struct finding_limits *limits)
{
    *list = (struct finding_list){ .limits = *limits,
                                   .end = limits->programs,
                                   .severe_end = limits->programs,
                                   .flood_end = limits->programs };
}

void finding_list_fini(struct finding_list *list)
{
    free(list->items);
    free(list->differences);
    *list = (struct finding_list){ 0 };
}

static size_t segment_of(const struct finding_list *list, uint64_t index)
{
    uint64_t length = list->limits.programs / FINDING_SEGMENTS + 1;
    return (size_t)(index / length);
}

static struct finding_look *look_of(struct finding_list *list, const struct finding *finding)
{
    const char *field = bucket_field(finding->diff.fields);
    for (size_t i = 0; i < list->look_count; i++)
        if (list->looks[i].other == finding->other && strcmp(list->looks[i].field, field) == 0)
            return &list->looks[i];
    assert(list->look_count < FINDING_LOOKS_MAX);
    struct finding_look *look = &list->looks[list->look_count++];
    *look = (struct finding_look){ .other = finding->other, .field = field };
    return look;
}

/* Where @finding belongs: before the first item that is not less. */
static size_t place(const struct finding_list *list, const struct finding *finding)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct finding *item = &list->items[middle];
        bool less = item->index != finding->index ? item->index < finding->index : item->kind < finding->kind;
        if (less)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum px_status insert(struct finding_list *list, size_t at, const struct finding *finding)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct finding *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return PX_ERR_NOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof *list->items);
    list->items[at] = *finding;
    list->count++;
    return PX_OK;
}

static void drop(struct finding_list *list, size_t at)
{
    list->count--;
    memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof *list->items);
}

/* Counts anew what is kept of @look in @segment; gives the place of the last one. */
static size_t recount(struct finding_list *list, struct finding_look *look, size_t segment)
{
    size_t last = 0;
    look->kept[segment] = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct finding *item = &list->items[i];
        if (item->kind != FINDING_DIFF || segment_of(list, item->index) != segment ||
            look_of(list, item) != look)
            continue;
        last = i;
        look->kept[segment]++;
        look->last[segment] = item->index;
    }
    return last;
}

/*
 * Ends the range at severe_end or flood_end. What was left out of a sixteenth lies behind what was kept of it, so that
 * nothing before the end is missed.
 */
static void cut(struct finding_list *list)
{
    size_t kept = list->count;
    bool severe = list->severe_end <= list->flood_end;
    list->end = severe ? list->severe_end : list->flood_end;
    list->why = severe ? FINDING_END_SEVERE : FINDING_END_DIFFERENCES;
    while (kept > 0 && list->items[kept - 1].index >= list->end)
        kept--;
    if (kept == list->count)
        return;
    list->count = kept;
    for (size_t look = 0; look < list->look_count; look++)
        for (size_t segment = 0; segment < FINDING_SEGMENTS; segment++)
            (void)recount(list, &list->looks[look], segment);
}

static size_t chunk_count(const struct finding_list *list)
{
    return (size_t)(list->limits.programs / FINDING_CHUNK) + 1;
}

/* Counts a difference, which may be one too many. */
static enum px_status count_difference(struct finding_list *list, uint64_t index)
{
    uint64_t sum = 0;
    if (!list->differences)
        list->differences = calloc(chunk_count(list), sizeof *list->differences);
    if (!list->differences)
        return PX_ERR_NOMEM;
    list->differences[index / FINDING_CHUNK]++;
    list->difference_count++;
    if (list->difference_count < list->limits.differences_max)
        return PX_OK;
    for (size_t i = 0; i < chunk_count(list); i++) {
        uint64_t end = (uint64_t)(i + 1) * FINDING_CHUNK;
        sum += list->differences[i];
        if (sum < list->limits.differences_max || end >= list->flood_end)
            continue;
        list->flood_end = end;
        cut(list);
        break;
    }
    return PX_OK;
}

static enum px_status keep_difference(struct finding_list *list, size_t at, const struct finding *finding)
{
    struct finding_look *look = look_of(list, finding);
    size_t segment = segment_of(list, finding->index);
    if (look->kept[segment] >= list->limits.each && finding->index > look->last[segment])
        return PX_OK;
    enum px_status status = insert(list, at, finding);
    if (status != PX_OK)
        return status;
    size_t last = recount(list, look, segment);
    if (look->kept[segment] > list->limits.each) {
        drop(list, last);
        (void)recount(list, look, segment);
    }
    return PX_OK;
}

/* Enters an abort, a hang or a leak, which may be one too many. */
static enum px_status add_severe(struct finding_list *list, size_t at, const struct finding *finding)
{
    uint64_t severe = 0, hangs = 0;
    enum px_status status = insert(list, at, finding);
    for (size_t i = 0; i < list->count && status == PX_OK; i++) {
        const struct finding *item = &list->items[i];
        hangs += item->kind == FINDING_HANG;
        severe += item->kind != FINDING_DIFF;
        if (severe < list->limits.severe_max && hangs < list->limits.hangs_max)
            continue;
        list->severe_end = item->index + 1;
        cut(list);
        break;
    }
    return status;
}

enum px_status finding_list_add(struct finding_list *list, const struct finding *finding)
{
    size_t at = place(list, finding);
    const struct finding *there = at < list->count ? &list->items[at] : NULL;
    bool known = there && there->index == finding->index && there->kind == finding->kind;
    if (known || finding->index >= list->end)
        return PX_OK;
    if (finding->kind != FINDING_DIFF)
        return add_severe(list, at, finding);
    enum px_status status = keep_difference(list, at, finding);
    return status == PX_OK ? count_difference(list, finding->index) : status;
}

uint64_t finding_list_more(const struct finding_list *list)
{
    uint64_t counted = 0;
    if (list->why == FINDING_END_SEVERE || !list->differences)
        return 0;
    for (size_t i = 0; i < chunk_count(list) && (uint64_t)i * FINDING_CHUNK < list->end; i++)
        counted += list->differences[i];
    for (size_t i = 0; i < list->count; i++)
        counted -= list->items[i].kind == FINDING_DIFF;
    return counted;
}
