/*
 * The reference engine's memory (ISA.md 1, 2 and the touch rules of 7): pages come into being on
 * first touch, and everything is forgotten by what was touched.
 */
#ifndef PX_MEMORY_H
#define PX_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/status.h"

/* A touched page. */
struct px_page {
    uint32_t number;     /* address >> 12 */
    bool read, written;  /* touched by a load, by a store */
    bool writable;       /* zero and cow */
    const uint8_t *data; /* what a load sees: content, a frame or zeros */
    uint8_t *frame;      /* its own bytes, NULL until they are needed */
};

/* A touched unit of ro memory: mapping and cluster. */
struct px_ro_unit {
    size_t mapping; /* index; map_count stands for the code region */
    uint32_t cluster;
};

/*
 * What kinds of touches happened, for those who watch: one byte each, set to 1.
 *
 *   PX_TOUCH_PAGE + 8 * place + 2 * before + store      a page that was PX_BEFORE_*
 *   PX_TOUCH_STRADDLE + 8 * place + 2 * place + store   an access over two pages
 *   PX_TOUCH_REFUSED + 8 * second + 2 * place + store   an access that its first or its second page refused
 *
 * A place is an enum px_map_kind, PX_PLACE_CODE or, where pages refuse, PX_PLACE_NOWHERE.
 */
enum {
    PX_PLACE_CODE = PX_MAP_KIND_COUNT,
    PX_PLACE_NOWHERE = PX_MAP_ZERO, /* whose own pages refuse nothing */
    PX_TOUCH_PAGE = 0,
    PX_TOUCH_STRADDLE = 32,
    PX_TOUCH_REFUSED = 64,
    PX_TOUCHES = 80,
};
enum { PX_BEFORE_NOTHING, PX_BEFORE_UNIT_PAID, PX_BEFORE_READ, PX_BEFORE_WRITTEN };

struct px_memory {
    const struct px_image *image;
    uint8_t *watch; /* PX_TOUCHES bytes, or NULL */
    struct px_page *pages;
    size_t page_count, page_capacity;
    size_t recent; /* index of the page accessed last */
    uint32_t *slots; /* hash of page numbers: index into pages + 1, 0 = empty */
    size_t slot_count; /* a power of two, at least twice page_capacity */
    struct px_ro_unit *units;
    size_t unit_count, unit_capacity;
    uint8_t **frames; /* frames[0 .. frame_used) are in use, the others free */
    size_t frame_used, frame_count, frame_capacity;
    bool out_of_memory; /* sticky until reset: an allocation failed, results are void */
    size_t lent_size;
    uint8_t lent[PX_PAGE_SIZE]; /* the page put together last: zeros from lent_size on */
};

/* PX_ERR_NOMEM. */
enum px_status px_memory_init(struct px_memory *memory) PX_CHECKED;
void px_memory_fini(struct px_memory *memory);

/* Forgets every touch and starts over on @image, which is borrowed (NULL: no image). */
void px_memory_reset(struct px_memory *memory, const struct px_image *image);

/* Whether a load (or store) on page @number is allowed. Touches nothing. */
bool px_memory_allows(const struct px_memory *memory, uint32_t number, bool store);

/*
 * The page of the access before, if all of this access lies in it and it has been touched in this way: then nothing is charged,
 * nothing can fault, and page->data + address % PX_PAGE_SIZE holds the bytes. NULL says nothing: ask px_memory_access.
 */
static inline struct px_page *px_memory_again(const struct px_memory *memory, uint64_t address,
                                              unsigned width, bool store)
{
    if (memory->recent >= memory->page_count || memory->watch)
        return NULL;
    struct px_page *page = &memory->pages[memory->recent];
    bool inside = page->number == (uint32_t)address >> PX_PAGE_BITS &&
                  address % PX_PAGE_SIZE <= PX_PAGE_SIZE - (uint64_t)width;
    return inside && (store ? page->written : page->read) ? page : NULL;
}

/* What touching @count pages from page @first on, in this order, would charge now. Needs px_memory_allows of
 * each. */
uint64_t px_memory_price(const struct px_memory *memory, uint32_t first, uint64_t count, bool store);

/* Touches page @number. Needs px_memory_allows. The page stays where it is until the next touch. NULL
 * after an allocation failed. */
struct px_page *px_memory_touch(struct px_memory *memory, uint32_t number, bool store);

/*
 * One access of @width bytes (1, 2, 4, 8) at @address mod 2^32, all or nothing. True: *@charge is what
 * it costs and the pages are touched. False: *@fault is the number of the first page that refuses;
 * nothing changed.
 */
bool px_memory_access(struct px_memory *memory, uint64_t address, unsigned width, bool store,
                      uint64_t *charge, uint32_t *fault);

/* Little-endian bytes of pages that px_memory_access granted. */
uint64_t px_memory_read(struct px_memory *memory, uint64_t address, unsigned width);
void px_memory_write(struct px_memory *memory, uint64_t address, unsigned width, uint64_t value);

/* The bytes of any page, lent until the next call. */
const uint8_t *px_memory_page(struct px_memory *memory, uint32_t number);

#endif
