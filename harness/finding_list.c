#include "harness/finding_list.h"

#include <stdlib.h>
#include <string.h>

void finding_list_init(struct finding_list *list, uint64_t findings_max, uint64_t hangs_max)
{
    *list = (struct finding_list){ .findings_max = findings_max, .hangs_max = hangs_max, .end = UINT64_MAX };
}

void finding_list_fini(struct finding_list *list)
{
    free(list->items);
    *list = (struct finding_list){ 0 };
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

static enum px_status make_room(struct finding_list *list)
{
    if (list->count < list->capacity)
        return PX_OK;
    size_t capacity = list->capacity ? 2 * list->capacity : 16;
    struct finding *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return PX_ERR_NOMEM;
    list->items = items;
    list->capacity = capacity;
    return PX_OK;
}

/* Drops what lies beyond the program at which the range ends. */
static void cut(struct finding_list *list)
{
    uint64_t hangs = 0;
    size_t kept = 0;
    while (kept < list->count && list->items[kept].index < list->end) {
        const struct finding *item = &list->items[kept++];
        hangs += item->kind == FINDING_HANG;
        bool enough = (list->findings_max > 0 && kept >= list->findings_max) ||
                      (list->hangs_max > 0 && hangs >= list->hangs_max);
        if (enough)
            list->end = item->index + 1;
    }
    list->count = kept;
}

enum px_status finding_list_add(struct finding_list *list, const struct finding *finding)
{
    size_t at = place(list, finding);
    const struct finding *there = at < list->count ? &list->items[at] : NULL;
    bool known = there && there->index == finding->index && there->kind == finding->kind;
    if (known || finding->index >= list->end)
        return PX_OK;
    enum px_status status = make_room(list);
    if (status != PX_OK)
        return status;
    memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof *list->items);
    list->items[at] = *finding;
    list->count++;
    cut(list);
    return PX_OK;
}
