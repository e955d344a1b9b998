#include "vm/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_PAGES = 64,
    FRAMES_KEPT = 16, /* from program to program */
    PAGE_MASK = 0xfffff, /* page numbers wrap with the 4 GiB space */
};

enum px_status px_memory_init(struct px_memory *memory)
{
    *memory = (struct px_memory){ .page_capacity = FIRST_PAGES, .slot_count = 2 * FIRST_PAGES };
    memory->pages = malloc(memory->page_capacity * sizeof *memory->pages);
    memory->slots = calloc(memory->slot_count, sizeof *memory->slots);
    if (memory->pages && memory->slots)
        return PX_OK;
    px_memory_fini(memory);
    return PX_ERR_NOMEM;
}

void px_memory_fini(struct px_memory *memory)
{
    for (size_t i = 0; i < memory->frame_count; i++)
        free(memory->frames[i]);
    free(memory->frames);
    free(memory->units);
    free(memory->slots);
    free(memory->pages);
    *memory = (struct px_memory){ 0 };
}

static inline size_t slot_of(const struct px_memory *memory, uint32_t number)
{
    size_t mask = memory->slot_count - 1;
    size_t slot = ((size_t)number * UINT32_C(0x9e3779b1)) & mask;
    while (memory->slots[slot] != 0 && memory->pages[memory->slots[slot] - 1].number != number)
        slot = (slot + 1) & mask;
    return slot;
}

void px_memory_reset(struct px_memory *memory, const struct px_image *image)
{
    if (memory->page_count > memory->slot_count / 8) {
        memset(memory->slots, 0, memory->slot_count * sizeof *memory->slots);
    } else {
        /* Last in, first out: a page never stands before an older one in that one's probe chain. */
        for (size_t i = memory->page_count; i-- > 0;)
            memory->slots[slot_of(memory, memory->pages[i].number)] = 0;
    }
    memory->page_count = 0;
    memory->recent = 0; /* what a program covers is to depend on it alone */
    memory->unit_count = 0;
    while (memory->frame_count > FRAMES_KEPT) /* one program that touches many must not cost for ever */
        free(memory->frames[--memory->frame_count]);
    memory->frame_used = 0;
    memory->out_of_memory = false;
    memset(memory->lent, 0, memory->lent_size);
    memory->lent_size = 0;
    memory->image = image;
}

static inline struct px_page *find_page(const struct px_memory *memory, uint32_t number)
{
    uint32_t index = memory->slots[slot_of(memory, number)];
    return index ? &memory->pages[index - 1] : NULL;
}

/* The mapping that holds page @number. The code region is a pinned ro mapping of whole pages. */
struct place {
    bool mapped, writable;
    size_t mapping;
    const uint8_t *content; /* of the whole mapping */
    uint64_t content_size, offset;
};

static struct place find_place(const struct px_memory *memory, uint32_t number)
{
    const struct px_image *image = memory->image;
    uint64_t address = (uint64_t)number << PX_PAGE_BITS;
    if (!image)
        return (struct place){ 0 };
    if (address >= PX_CODE_BASE && address - PX_CODE_BASE < image->code_size)
        return (struct place){ .mapped = true,
                               .mapping = image->map_count,
                               .content = image->code,
                               .content_size = image->code_size,
                               .offset = address - PX_CODE_BASE };
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *map = &image->maps[i];
        if (address >= map->start && address - map->start < map->size)
            return (struct place){ .mapped = true,
                                   .writable = map->kind != PX_MAP_RO,
                                   .mapping = i,
                                   .content = map->content,
                                   .content_size = map->content_size,
                                   .offset = address - map->start };
    }
    return (struct place){ 0 };
}

bool px_memory_allows(const struct px_memory *memory, uint32_t number, bool store)
{
    const struct px_page *page = find_page(memory, number);
    if (page)
        return !store || page->writable;
    struct place place = find_place(memory, number);
    return place.mapped && (!store || place.writable);
}

static bool unit_touched(const struct px_memory *memory, size_t mapping, uint32_t cluster)
{
    for (size_t i = 0; i < memory->unit_count; i++)
        if (memory->units[i].mapping == mapping && memory->units[i].cluster == cluster)
            return true;
    return false;
}

static uint32_t cluster_of(uint32_t number)
{
    return number >> (PX_CLUSTER_BITS - PX_PAGE_BITS);
}

uint64_t px_memory_price(const struct px_memory *memory, uint32_t first, uint64_t count, bool store)
{
    uint64_t price = 0;
    struct place before = { 0 }; /* of the page before, when it was priced as ro */
    for (uint64_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t)(first + i) & PAGE_MASK;
        const struct px_page *page = find_page(memory, number);
        if (page) {
            price += store && !page->written ? PX_GAS_COW : 0;
            continue;
        }
        struct place place = find_place(memory, number);
        if (place.writable) {
            price += store ? PX_GAS_PAGE_IN + PX_GAS_COW : PX_GAS_PAGE_IN;
            continue;
        }
        /* Two pages of one unit pay once; the one before has then paid or found it touched. */
        bool paid =
            before.mapped && before.mapping == place.mapping && cluster_of(number) == cluster_of(number - 1);
        if (!paid && !unit_touched(memory, place.mapping, cluster_of(number)))
            price += PX_GAS_PAGE_IN;
        before = place;
    }
    return price;
}

static bool grow_pages(struct px_memory *memory)
{
    size_t capacity = memory->page_capacity * 2;
    struct px_page *pages = realloc(memory->pages, capacity * sizeof *pages);
    if (!pages)
        return false;
    memory->pages = pages;
    uint32_t *slots = calloc(capacity * 2, sizeof *slots);
    if (!slots)
        return false;
    free(memory->slots);
    memory->slots = slots;
    memory->slot_count = capacity * 2;
    memory->page_capacity = capacity;
    for (size_t i = 0; i < memory->page_count; i++)
        memory->slots[slot_of(memory, pages[i].number)] = (uint32_t)i + 1;
    return true;
}

PX_APART static uint8_t *take_frame(struct px_memory *memory)
{
    if (memory->frame_used < memory->frame_count)
        return memory->frames[memory->frame_used++];
    if (memory->frame_count == memory->frame_capacity) {
        size_t capacity = memory->frame_capacity ? memory->frame_capacity * 2 : FIRST_PAGES;
        uint8_t **frames = realloc(memory->frames, capacity * sizeof *frames);
        if (!frames)
            return NULL;
        memory->frames = frames;
        memory->frame_capacity = capacity;
    }
    uint8_t *frame = malloc(PX_PAGE_SIZE);
    if (!frame)
        return NULL;
    memory->frames[memory->frame_count++] = frame;
    memory->frame_used++;
    return frame;
}

/* How many bytes of a page come from the content, before any write; zeros follow. */
static size_t initial_size(struct place place)
{
    uint64_t there = place.offset < place.content_size ? place.content_size - place.offset : 0;
    return there < PX_PAGE_SIZE ? (size_t)there : PX_PAGE_SIZE;
}

/* The bytes of a page before any write, @size of them content: lent where they stand whole, else put together in @buffer, of
 * which only the first @stale bytes need not be zeros. */
static const uint8_t *initial_bytes(struct place place, size_t size, uint8_t *buffer, size_t stale)
{
    if (size == 0)
        return px_zero_page;
    if (size == PX_PAGE_SIZE)
        return place.content + place.offset;
    memcpy(buffer, place.content + place.offset, size);
    if (stale > size)
        memset(buffer + size, 0, stale - size);
    return buffer;
}

static bool add_unit(struct px_memory *memory, size_t mapping, uint32_t cluster)
{
    if (unit_touched(memory, mapping, cluster))
        return true;
    if (memory->unit_count == memory->unit_capacity) {
        size_t capacity = memory->unit_capacity ? memory->unit_capacity * 2 : 16;
        struct px_ro_unit *units = realloc(memory->units, capacity * sizeof *units);
        if (!units)
            return false;
        memory->units = units;
        memory->unit_capacity = capacity;
    }
    memory->units[memory->unit_count++] = (struct px_ro_unit){ .mapping = mapping, .cluster = cluster };
    return true;
}

static struct px_page *add_page(struct px_memory *memory, uint32_t number)
{
    if (memory->page_count == memory->page_capacity && !grow_pages(memory))
        return NULL;
    assert(memory->pages);
    struct place place = find_place(memory, number);
    struct px_page page = { .number = number, .writable = place.writable };
    if (!place.writable && !add_unit(memory, place.mapping, cluster_of(number)))
        return NULL;
    size_t size = initial_size(place);
    bool partial = size != 0 && size != PX_PAGE_SIZE;
    if (partial && !(page.frame = take_frame(memory)))
        return NULL;
    page.data = initial_bytes(place, size, page.frame, PX_PAGE_SIZE);
    memory->slots[slot_of(memory, number)] = (uint32_t)memory->page_count + 1;
    memory->pages[memory->page_count] = page;
    return &memory->pages[memory->page_count++];
}

/* Where page @number is: PX_MAP_* or PX_PLACE_CODE, PX_PLACE_NOWHERE when it is not mapped. */
static unsigned place_kind(const struct px_memory *memory, uint32_t number)
{
    struct place place = find_place(memory, number);
    if (!place.mapped)
        return PX_PLACE_NOWHERE;
    return place.mapping == memory->image->map_count ? PX_PLACE_CODE
                                                     : memory->image->maps[place.mapping].kind;
}

static void watch_touch(const struct px_memory *memory, uint32_t number, const struct px_page *page,
                        bool store)
{
    unsigned before = PX_BEFORE_NOTHING;
    struct place place = find_place(memory, number);
    if (page)
        before = page->written ? PX_BEFORE_WRITTEN : PX_BEFORE_READ;
    else if (!place.writable && unit_touched(memory, place.mapping, cluster_of(number)))
        before = PX_BEFORE_UNIT_PAID;
    memory->watch[PX_TOUCH_PAGE + 8 * place_kind(memory, number) + 2 * before + store] = 1;
}

static void watch_access(const struct px_memory *memory, uint32_t first, uint32_t second, bool store)
{
    unsigned mark = PX_TOUCH_STRADDLE + 8 * place_kind(memory, first) + 2 * place_kind(memory, second);
    bool refused = !px_memory_allows(memory, first, store);
    if (refused || !px_memory_allows(memory, second, store))
        mark = PX_TOUCH_REFUSED + (refused ? 0u : 8u) + 2 * place_kind(memory, refused ? first : second);
    else if (second == first)
        return;
    memory->watch[mark + store] = 1;
}

struct px_page *px_memory_touch(struct px_memory *memory, uint32_t number, bool store)
{
    struct px_page *page = find_page(memory, number);
    if (memory->watch)
        watch_touch(memory, number, page, store);
    if (!page)
        page = add_page(memory, number);
    if (!page)
        goto no_memory;
    if (!store) {
        page->read = true;
        return page;
    }
    if (!page->frame) {
        uint8_t *frame = take_frame(memory);
        if (!frame)
            goto no_memory;
        memcpy(frame, page->data, PX_PAGE_SIZE);
        page->data = page->frame = frame;
    }
    page->written = true;
    return page;

no_memory:
    memory->out_of_memory = true;
    return NULL;
}

bool px_memory_access(struct px_memory *memory, uint64_t address, unsigned width, bool store,
                      uint64_t *charge, uint32_t *fault)
{
    /* In access order, ascending from the first byte, mod 2^32; at most two pages. */
    uint32_t first = (uint32_t)address >> PX_PAGE_BITS;
    uint32_t second = (uint32_t)(address + width - 1) >> PX_PAGE_BITS;
    if (memory->watch)
        watch_access(memory, first, second, store);
    const struct px_page *page = find_page(memory, first);
    if (first == second && page && (store ? page->written : page->read) && !memory->watch) {
        *charge = 0; /* touched in this way before: then free, and of interest to a watcher alone */
        memory->recent = (size_t)(page - memory->pages);
        return true;
    }
    if (!px_memory_allows(memory, first, store)) {
        *fault = first;
        return false;
    }
    if (second != first && !px_memory_allows(memory, second, store)) {
        *fault = second;
        return false;
    }
    *charge = px_memory_price(memory, first, second == first ? 1 : 2, store);
    px_memory_touch(memory, first, store);
    if (second != first)
        px_memory_touch(memory, second, store);
    return true;
}

/* Whether all bytes of an access lie in the page of the first. */
static bool in_one_page(uint64_t address, unsigned width)
{
    return address % PX_PAGE_SIZE <= PX_PAGE_SIZE - width;
}

uint64_t px_memory_read(struct px_memory *memory, uint64_t address, unsigned width)
{
    uint64_t value = 0;
    if (in_one_page(address, width)) {
        const struct px_page *page = find_page(memory, (uint32_t)address >> PX_PAGE_BITS);
        if (page)
            memcpy(&value, page->data + address % PX_PAGE_SIZE, width);
        return value;
    }
    for (unsigned i = 0; i < width; i++) {
        uint32_t at = (uint32_t)(address + i);
        const struct px_page *page = find_page(memory, at >> PX_PAGE_BITS);
        if (page)
            value |= (uint64_t)page->data[at % PX_PAGE_SIZE] << (8 * i);
    }
    return value;
}

void px_memory_write(struct px_memory *memory, uint64_t address, unsigned width, uint64_t value)
{
    if (in_one_page(address, width)) {
        struct px_page *page = find_page(memory, (uint32_t)address >> PX_PAGE_BITS);
        if (page && page->written)
            memcpy(page->frame + address % PX_PAGE_SIZE, &value, width);
        return;
    }
    for (unsigned i = 0; i < width; i++) {
        uint32_t at = (uint32_t)(address + i);
        struct px_page *page = find_page(memory, at >> PX_PAGE_BITS);
        if (page && page->written)
            page->frame[at % PX_PAGE_SIZE] = (uint8_t)(value >> (8 * i));
    }
}

const uint8_t *px_memory_page(struct px_memory *memory, uint32_t number)
{
    const struct px_page *page = find_page(memory, number);
    if (page)
        return page->data;
    struct place place = find_place(memory, number);
    size_t size = initial_size(place);
    const uint8_t *bytes = initial_bytes(place, size, memory->lent, memory->lent_size);
    if (bytes == memory->lent)
        memory->lent_size = size;
    return bytes;
}
