#define _GNU_SOURCE
#include "jit/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum {
    STATE_BYTES = 1 << 20,
    GUARD_BYTES = JIT_STATE_BELOW - STATE_BYTES,
    PAGES = 1 << 20,
    CLUSTER_SHIFT = PX_CLUSTER_BITS - PX_PAGE_BITS,
    /* Host pages kept for the next programs; past it all are given back at a reset. */
    RESIDENT_MAX = 64,
    HWCAP2_FSGSBASE_BIT = 2, /* of AT_HWCAP2 */
};

#define RESERVATION ((size_t)JIT_STATE_BELOW + PX_SPACE_SIZE + GUARD_BYTES)

enum px_status jit_memory_init(struct jit_memory *memory, bool mirror, struct px_error *err)
{
    uint8_t *all = mmap(NULL, RESERVATION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED)
        return px_fail(err, PX_ERR_SYSTEM, "reserving 4 GiB of address space for guest memory: %s",
                       strerror(errno));
    /* A huge page for each touched cluster would cost 2 MiB where 4 KiB are meant; a refusal only costs memory. */
    (void)madvise(all, RESERVATION, MADV_NOHUGEPAGE);
    if (mprotect(all, STATE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        px_fail(err, PX_ERR_SYSTEM, "page state table: %s", strerror(errno));
        munmap(all, RESERVATION);
        return PX_ERR_SYSTEM;
    }
    *memory = (struct jit_memory){ .reservation = all,
                                   .state = all,
                                   .base = all + JIT_STATE_BELOW,
                                   .mirror = mirror,
                                   .fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT };
    return PX_OK;
}

void jit_memory_fini(struct jit_memory *memory)
{
    if (memory->reservation)
        munmap(memory->reservation, RESERVATION);
    free(memory->touched);
    free(memory->dirty);
    free(memory->units);
    *memory = (struct jit_memory){ 0 };
}

static bool protect(struct jit_memory *memory, uint32_t number, int protection)
{
    return mprotect(memory->base + (size_t)number * PX_PAGE_SIZE, PX_PAGE_SIZE, protection) == 0;
}

static void give_back(struct jit_memory *memory)
{
    (void)madvise(memory->base, PX_SPACE_SIZE, MADV_DONTNEED);
    (void)madvise(memory->state, PAGES, MADV_DONTNEED);
    memory->resident = 0;
}

void jit_memory_reset(struct jit_memory *memory, const struct px_image *image)
{
    bool refused = false;
    for (size_t i = 0; i < memory->touched_count; i++) {
        memory->state[memory->touched[i]] &= JIT_PAGE_RESIDENT;
        if (memory->mirror && !protect(memory, memory->touched[i], PROT_NONE))
            refused = true;
    }
    memory->touched_count = memory->dirty_count = memory->unit_count = 0;
    memory->failed = refused;
    memset(memory->mixed, 0, memory->mixed_size);
    memory->mixed_size = 0;
    memory->image = image;
    if (memory->resident > RESIDENT_MAX)
        give_back(memory);
}

/* The mapping under a page; index map_count is the code region, a pinned mapping rounded up to whole pages. */
struct region {
    bool mapped, writable;
    size_t index;
    uint64_t offset, content_size;
    const uint8_t *content;
};

static struct region region_of(const struct jit_memory *memory, uint32_t number)
{
    const struct px_image *image = memory->image;
    uint64_t at = (uint64_t)number * PX_PAGE_SIZE;
    if (!image)
        return (struct region){ .mapped = false };
    if (at < PX_DATA_BASE) {
        bool inside = at >= PX_CODE_BASE && at < PX_CODE_BASE + (uint64_t)image->code_size;
        return (struct region){ .mapped = inside,
                                .index = image->map_count,
                                .offset = at - PX_CODE_BASE,
                                .content = image->code,
                                .content_size = image->code_size };
    }
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *m = &image->maps[i];
        if (at - m->start < m->size) /* wraps to a huge value below start */
            return (struct region){ .mapped = true,
                                    .writable = m->kind != PX_MAP_RO,
                                    .index = i,
                                    .offset = at - m->start,
                                    .content = m->content,
                                    .content_size = m->content_size };
    }
    return (struct region){ .mapped = false };
}

static bool known_unit(const struct jit_memory *memory, size_t mapping, uint32_t cluster)
{
    for (size_t i = memory->unit_count; i-- > 0;)
        if (memory->units[i].mapping == mapping && memory->units[i].cluster == cluster)
            return true;
    return false;
}

/* Price of a page; @unit remembers the ro unit that the same scan has priced already. */
static bool page_price(const struct jit_memory *memory, uint32_t number, bool store, struct jit_ro_unit *unit,
                       uint64_t *price)
{
    unsigned state = memory->state[number];
    if (state & (store ? JIT_PAGE_WRITE : JIT_PAGE_READ))
        return true;
    struct region region = region_of(memory, number);
    if (!region.mapped || (store && !region.writable))
        return false;
    if (region.writable) {
        *price += state & JIT_PAGE_READ ? 0 : PX_GAS_PAGE_IN;
        *price += store ? PX_GAS_COW : 0;
        return true;
    }
    uint32_t cluster = number >> CLUSTER_SHIFT;
    bool priced = unit->mapping == region.index && unit->cluster == cluster;
    if (!priced && !known_unit(memory, region.index, cluster))
        *price += PX_GAS_PAGE_IN;
    *unit = (struct jit_ro_unit){ .mapping = region.index, .cluster = cluster };
    return true;
}

static bool scan_pages(const struct jit_memory *memory, uint32_t first, uint32_t count, bool store,
                       uint64_t *price, uint32_t *fault_page)
{
    struct jit_ro_unit unit = { .mapping = SIZE_MAX };
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = (first + i) % PAGES;
        if (!page_price(memory, number, store, &unit, &sum)) {
            *fault_page = number;
            return false;
        }
    }
    *price = sum;
    return true;
}

/* Appends to a growing array; false when the host is out of memory. */
static bool push(uint32_t **array, size_t *count, size_t *capacity, uint32_t value)
{
    if (*count == *capacity) {
        size_t grown = *capacity ? *capacity * 2 : 256;
        uint32_t *moved = realloc(*array, grown * sizeof *moved);
        if (!moved)
            return false;
        *array = moved;
        *capacity = grown;
    }
    (*array)[(*count)++] = value;
    return true;
}

static bool remember_unit(struct jit_memory *memory, size_t mapping, uint32_t cluster)
{
    if (known_unit(memory, mapping, cluster))
        return true;
    if (memory->unit_count == memory->unit_capacity) {
        size_t grown = memory->unit_capacity ? memory->unit_capacity * 2 : 32;
        struct jit_ro_unit *moved = realloc(memory->units, grown * sizeof *moved);
        if (!moved)
            return false;
        memory->units = moved;
        memory->unit_capacity = grown;
    }
    memory->units[memory->unit_count++] = (struct jit_ro_unit){ .mapping = mapping, .cluster = cluster };
    return true;
}

/* Host memory under a cluster is opened once; later programs find it open. */
static bool open_cluster(struct jit_memory *memory, uint32_t cluster)
{
    if (memory->open[cluster])
        return true;
    uint8_t *at = memory->base + (size_t)cluster * PX_CLUSTER_SIZE;
    if (mprotect(at, PX_CLUSTER_SIZE, PROT_READ | PROT_WRITE) != 0)
        return false;
    memory->open[cluster] = 1;
    return true;
}

/* Makes the host memory of a page writable for us. */
PX_APART static bool open_page(struct jit_memory *memory, uint32_t number)
{
    return memory->mirror ? protect(memory, number, PROT_READ | PROT_WRITE)
                          : open_cluster(memory, number >> CLUSTER_SHIFT);
}

/* Gives an untouched page its initial bytes. */
PX_APART static bool materialize(struct jit_memory *memory, uint32_t number, const struct region *region)
{
    if (!region->writable && !remember_unit(memory, region->index, number >> CLUSTER_SHIFT))
        return false;
    if (!push(&memory->touched, &memory->touched_count, &memory->touched_capacity, number))
        return false;
    uint8_t *page = memory->base + (size_t)number * PX_PAGE_SIZE;
    uint64_t there = region->offset < region->content_size ? region->content_size - region->offset : 0;
    if (there > PX_PAGE_SIZE)
        there = PX_PAGE_SIZE;
    if (there > 0)
        memcpy(page, region->content + region->offset, there);
    memset(page + there, 0, PX_PAGE_SIZE - there);
    if (!(memory->state[number] & JIT_PAGE_RESIDENT))
        memory->resident++;
    memory->state[number] |= JIT_PAGE_RESIDENT | JIT_PAGE_READ;
    return true;
}

/* Touches one page that a scan has granted. */
static bool touch_page(struct jit_memory *memory, uint32_t number, bool store)
{
    bool fresh = !(memory->state[number] & JIT_PAGE_READ),
         first_store = store && !(memory->state[number] & JIT_PAGE_WRITE);
    if ((fresh || first_store) && !open_page(memory, number))
        return false;
    if (fresh) {
        struct region region = region_of(memory, number);
        if (!materialize(memory, number, &region))
            return false;
    }
    if (first_store) {
        if (!push(&memory->dirty, &memory->dirty_count, &memory->dirty_capacity, number))
            return false;
        memory->state[number] |= JIT_PAGE_WRITE;
    }
    /* The first store must fault. */
    return !memory->mirror || !fresh || store || protect(memory, number, PROT_READ);
}

static void touch_pages(struct jit_memory *memory, uint32_t first, uint32_t count, bool store)
{
    for (uint32_t i = 0; i < count; i++)
        if (!touch_page(memory, (first + i) % PAGES, store))
            memory->failed = true;
}

static uint32_t pages_under(uint32_t address, uint64_t length)
{
    return (uint32_t)((address % PX_PAGE_SIZE + length - 1) / PX_PAGE_SIZE) + 1;
}

bool jit_memory_access(struct jit_memory *memory, uint32_t address, unsigned width, bool store, uint64_t *gas,
                       uint32_t *fault_page)
{
    uint32_t first = address / PX_PAGE_SIZE, count = pages_under(address, width);
    uint64_t price;
    if (!scan_pages(memory, first, count, store, &price, fault_page))
        return false;
    *gas -= price;
    touch_pages(memory, first, count, store);
    return true;
}

bool jit_memory_open(const struct jit_memory *memory, uint32_t address, unsigned width, bool store)
{
    uint8_t need = store ? JIT_PAGE_WRITE : JIT_PAGE_READ;
    uint32_t last = address + width - 1;
    return (memory->state[address / PX_PAGE_SIZE] & need) && (memory->state[last / PX_PAGE_SIZE] & need);
}

bool jit_memory_reaches(const struct jit_memory *memory, uint64_t host)
{
    return host - (uint64_t)(uintptr_t)memory->base < PX_SPACE_SIZE + GUARD_BYTES;
}

bool jit_memory_scan(const struct jit_memory *memory, uint32_t address, uint64_t length, bool store,
                     uint64_t *price, uint32_t *fault_page)
{
    return scan_pages(memory, address / PX_PAGE_SIZE, pages_under(address, length), store, price, fault_page);
}

void jit_memory_touch(struct jit_memory *memory, uint32_t address, uint64_t length, bool store)
{
    touch_pages(memory, address / PX_PAGE_SIZE, pages_under(address, length), store);
}

/* The first bytes of a page are @content, the rest zeros. Most of them are zeros since the time before. */
static const uint8_t *mix_page(struct jit_memory *memory, const uint8_t *content, size_t size)
{
    memcpy(memory->mixed, content, size);
    if (size < memory->mixed_size)
        memset(memory->mixed + size, 0, memory->mixed_size - size);
    memory->mixed_size = size;
    return memory->mixed;
}

const uint8_t *jit_memory_page(struct jit_memory *memory, uint32_t number)
{
    if (memory->state[number] & JIT_PAGE_READ)
        return memory->base + (size_t)number * PX_PAGE_SIZE;
    struct region region = region_of(memory, number);
    if (!region.mapped || region.offset >= region.content_size)
        return px_zero_page;
    uint64_t there = region.content_size - region.offset;
    if (there >= PX_PAGE_SIZE)
        return region.content + region.offset;
    return mix_page(memory, region.content + region.offset, (size_t)there);
}
