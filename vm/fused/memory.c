#define _GNU_SOURCE
#include "vm/fused/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGES = 1 << 20,
    PAGES_IN_CLUSTER = PX_CLUSTER_SIZE / PX_PAGE_SIZE,
    GUARD = FUSED_STATES_BELOW - PAGES,
    WARM_MAX = 64, /* host pages kept from program to program */
};

#define RESERVED ((size_t)FUSED_STATES_BELOW + PX_SPACE_SIZE + GUARD)

enum px_status fused_memory_init(struct fused_memory *memory, struct px_error *err)
{
    uint8_t *at = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return px_fail(err, PX_ERR_SYSTEM, "engine fused: reserving 4 GiB of address space: %s",
                       strerror(errno));
    (void)madvise(at, RESERVED, MADV_NOHUGEPAGE); /* a touched page is to cost a page */
    if (mprotect(at, PAGES, PROT_READ | PROT_WRITE) != 0) {
        px_fail(err, PX_ERR_SYSTEM, "engine fused: table of page states: %s", strerror(errno));
        (void)munmap(at, RESERVED);
        return PX_ERR_SYSTEM;
    }
    *memory = (struct fused_memory){ .states = at, .window = at + FUSED_STATES_BELOW };
    return PX_OK;
}

void fused_memory_fini(struct fused_memory *memory)
{
    if (memory->states)
        (void)munmap(memory->states, RESERVED);
    free(memory->touched);
    free(memory->dirty);
    free(memory->units);
    *memory = (struct fused_memory){ 0 };
}

/* Gives the host its pages back, those with states included. */
static void cool_down(struct fused_memory *memory)
{
    for (size_t cluster = 0; cluster < sizeof memory->open; cluster++)
        if (memory->open[cluster])
            (void)madvise(memory->window + cluster * PX_CLUSTER_SIZE, PX_CLUSTER_SIZE, MADV_DONTNEED);
    (void)madvise(memory->states, PAGES, MADV_DONTNEED);
    memory->warm = 0;
}

void fused_memory_reset(struct fused_memory *memory, const struct px_image *image)
{
    if (memory->warm > WARM_MAX)
        cool_down(memory);
    for (size_t i = 0; i < memory->touched_count; i++)
        memory->states[memory->touched[i]] &= FUSED_WARM;
    memory->touched_count = memory->dirty_count = memory->unit_count = 0;
    memory->refused = false;
    memory->image = image;
}

/* What is mapped at a page. The code region counts as one more ro mapping, of whole pages. */
struct source {
    bool mapped, writable;
    uint32_t mapping; /* index */
    const uint8_t *bytes; /* of the page; the rest up to its end are zeros */
    size_t size;
};

static struct source part_of(uint32_t mapping, bool writable, const uint8_t *content, uint64_t content_size,
                             uint64_t offset)
{
    struct source source = { .mapped = true, .writable = writable, .mapping = mapping };
    if (offset < content_size) {
        uint64_t left = content_size - offset;
        source.bytes = content + offset;
        source.size = left < PX_PAGE_SIZE ? (size_t)left : PX_PAGE_SIZE;
    }
    return source;
}

static struct source source_of(const struct fused_memory *memory, uint32_t number)
{
    const struct px_image *image = memory->image;
    uint64_t address = (uint64_t)number * PX_PAGE_SIZE;
    if (!image)
        return (struct source){ .mapped = false };
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *map = &image->maps[i];
        if (map->start <= address && address < map->start + map->size)
            return part_of((uint32_t)i, map->kind != PX_MAP_RO, map->content, map->content_size,
                           address - map->start);
    }
    if (PX_CODE_BASE <= address && address < (uint64_t)PX_CODE_BASE + image->code_size)
        return part_of((uint32_t)image->map_count, false, image->code, image->code_size,
                       address - PX_CODE_BASE);
    return (struct source){ .mapped = false };
}

static fused_unit unit_of(uint32_t mapping, uint32_t number)
{
    return (uint64_t)mapping << 32 | number / PAGES_IN_CLUSTER;
}

static bool is_paid(const struct fused_memory *memory, fused_unit unit)
{
    size_t i = 0;
    while (i < memory->unit_count && memory->units[i] != unit)
        i++;
    return i < memory->unit_count;
}

bool fused_memory_price(const struct fused_memory *memory, struct fused_range pages, bool store,
                        uint64_t *price, uint32_t *fault)
{
    uint64_t sum = 0;
    fused_unit last = UINT64_MAX; /* the unit of the page before */
    for (uint32_t i = 0; i < pages.count; i++) {
        uint32_t number = (pages.first + i) % PAGES;
        uint8_t state = memory->states[number];
        if (state & (store ? FUSED_CAN_WRITE : FUSED_CAN_READ))
            continue;
        struct source source = source_of(memory, number);
        if (!source.mapped || (store && !source.writable)) {
            *fault = number;
            return false;
        }
        if (source.writable) {
            sum += (state & FUSED_CAN_READ ? 0 : PX_GAS_PAGE_IN) + (store ? PX_GAS_COW : 0);
            continue;
        }
        fused_unit unit = unit_of(source.mapping, number);
        sum += unit == last || is_paid(memory, unit) ? 0 : PX_GAS_PAGE_IN;
        last = unit;
    }
    *price = sum;
    return true;
}

/* Makes room for one more element of @size bytes. */
static bool grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    size_t more = 2 * *capacity + 64;
    void *moved = realloc(*array, more * size);
    if (!moved)
        return false;
    *array = moved;
    *capacity = more;
    return true;
}

/* First touch of a page: its bytes come into being. */
static bool page_in(struct fused_memory *memory, uint32_t number)
{
    struct source source = source_of(memory, number);
    fused_unit unit = unit_of(source.mapping, number);
    uint32_t cluster = number / PAGES_IN_CLUSTER;
    uint8_t *page = memory->window + (size_t)number * PX_PAGE_SIZE;
    if (!grow((void **)&memory->touched, memory->touched_count, &memory->touched_capacity, sizeof(uint32_t)))
        return false;
    if (!source.writable && !is_paid(memory, unit)) {
        if (!grow((void **)&memory->units, memory->unit_count, &memory->unit_capacity, sizeof unit))
            return false;
        memory->units[memory->unit_count++] = unit;
    }
    if (!memory->open[cluster]) {
        uint8_t *start = memory->window + (size_t)cluster * PX_CLUSTER_SIZE;
        if (mprotect(start, PX_CLUSTER_SIZE, PROT_READ | PROT_WRITE) != 0)
            return false;
        memory->open[cluster] = 1;
    }
    if (source.size > 0)
        memcpy(page, source.bytes, source.size);
    memset(page + source.size, 0, PX_PAGE_SIZE - source.size);
    memory->warm += !(memory->states[number] & FUSED_WARM);
    memory->states[number] |= FUSED_WARM | FUSED_CAN_READ;
    memory->touched[memory->touched_count++] = number;
    return true;
}

static bool touch(struct fused_memory *memory, uint32_t number, bool store)
{
    if (!(memory->states[number] & FUSED_CAN_READ) && !page_in(memory, number))
        return false;
    if (!store || (memory->states[number] & FUSED_CAN_WRITE))
        return true;
    if (!grow((void **)&memory->dirty, memory->dirty_count, &memory->dirty_capacity, sizeof(uint32_t)))
        return false;
    memory->dirty[memory->dirty_count++] = number;
    memory->states[number] |= FUSED_CAN_WRITE;
    return true;
}

void fused_memory_touch(struct fused_memory *memory, struct fused_range pages, bool store)
{
    for (uint32_t i = 0; i < pages.count && !memory->refused; i++)
        memory->refused = !touch(memory, (pages.first + i) % PAGES, store);
}

const uint8_t *fused_memory_page(const struct fused_memory *memory, uint32_t number, uint8_t *scratch)
{
    if (memory->states[number] & FUSED_CAN_READ)
        return memory->window + (size_t)number * PX_PAGE_SIZE;
    struct source source = source_of(memory, number);
    if (source.size == 0)
        return px_zero_page;
    if (source.size == PX_PAGE_SIZE)
        return source.bytes;
    memcpy(scratch, source.bytes, source.size);
    memset(scratch + source.size, 0, PX_PAGE_SIZE - source.size);
    return scratch;
}
