#include "harness/finding_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "harness/bucket.h"

void finding_list_init(struct finding_list *list, const struct finding_limits *limits)
{
    *list = (struct finding_list){ .limits = *limits, .end = limits->programs };
}

void finding_list_fini(struct finding_list *list)
{
    free(list->items);
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

static enum px_status add_difference(struct finding_list *list, size_t at, const struct finding *finding)
{
    struct finding_look *look = look_of(list, finding);
    size_t segment = segment_of(list, finding->index);
    list->differences++;
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

/* Ends the range at the program of the last abort, hang or leak that it may have. What was left out of a sixteenth lies
 * behind what was kept of it, so that nothing before the end is missed. */
static void cut(struct finding_list *list)
{
    uint64_t severe = 0, hangs = 0;
    size_t kept = 0;
    while (kept < list->count && list->items[kept].index < list->end) {
        const struct finding *item = &list->items[kept++];
        hangs += item->kind == FINDING_HANG;
        severe += item->kind != FINDING_DIFF;
        if (severe < list->limits.severe_max && hangs < list->limits.hangs_max)
            continue;
        list->cut = true;
        list->end = item->index + 1;
    }
    if (kept == list->count)
        return;
    list->count = kept;
    for (size_t look = 0; look < list->look_count; look++)
        for (size_t segment = 0; segment < FINDING_SEGMENTS; segment++)
            (void)recount(list, &list->looks[look], segment);
}

enum px_status finding_list_add(struct finding_list *list, const struct finding *finding)
{
    size_t at = place(list, finding);
    const struct finding *there = at < list->count ? &list->items[at] : NULL;
    bool known = there && there->index == finding->index && there->kind == finding->kind;
    if (known || finding->index >= list->end)
        return PX_OK;
    if (finding->kind == FINDING_DIFF)
        return add_difference(list, at, finding);
    enum px_status status = insert(list, at, finding);
    if (status == PX_OK)
        cut(list);
    return status;
}

uint64_t finding_list_more(const struct finding_list *list)
{
    uint64_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        kept += list->items[i].kind == FINDING_DIFF;
    return list->cut ? 0 : list->differences - kept;
}
