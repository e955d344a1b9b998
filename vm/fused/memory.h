/*
 * The fused interpreter's guest memory: a window of 4 GiB of host addresses with a byte of state for each page, which
 * an access asks before it goes ahead, and this engine's own accounting of first touches (ISA.md 7).
 *
 *   | states 1 MiB | guard | window 4 GiB | guard |
 */
#ifndef PX_FUSED_MEMORY_H
#define PX_FUSED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/status.h"

enum {
    FUSED_CAN_READ = 1,  /* a load is free */
    FUSED_CAN_WRITE = 2, /* a store is free; set together with FUSED_CAN_READ */
    FUSED_WARM = 4,      /* the host has memory there: outlives a program */
    /* States begin so many bytes before the window. */
    FUSED_STATES_BELOW = 2 << 20,
};

/* A ro unit that was paid for: mapping and cluster in one number. */
typedef uint64_t fused_unit;

struct fused_memory {
    uint8_t *window, *states; /* states == window - FUSED_STATES_BELOW */
    const struct px_image *image;
    uint32_t *touched, *dirty; /* page numbers, in order of their first touch and first store */
    size_t touched_count, touched_capacity, dirty_count, dirty_capacity;
    fused_unit *units;
    size_t unit_count, unit_capacity;
    size_t warm;  /* pages */
    bool refused; /* sticky until reset: the host would not give memory, the run is void */
    uint8_t open[PX_SPACE_SIZE >> PX_CLUSTER_BITS]; /* clusters that the host lets us write */
};

/* PX_ERR_SYSTEM when the host has no 4 GiB of addresses left. */
enum px_status fused_memory_init(struct fused_memory *memory, struct px_error *err) PX_CHECKED;
void fused_memory_fini(struct fused_memory *memory);

/* Forgets all touches; from now on pages are those of @image, which is borrowed (NULL: none). */
void fused_memory_reset(struct fused_memory *memory, const struct px_image *image);

/* The pages of [address, address + length) mod 2^32, 0 < length <= 2^20 + 8. */
struct fused_range {
    uint32_t first, count;
};

static inline struct fused_range fused_pages(uint64_t address, uint64_t length)
{
    uint64_t start = (uint32_t)address;
    return (struct fused_range){ .first = (uint32_t)(start >> PX_PAGE_BITS),
                                 .count = (uint32_t)(((start + length - 1) >> PX_PAGE_BITS) -
                                                     (start >> PX_PAGE_BITS) + 1) };
}

/*
 * True: every page may be read (written, if @store), and *price is what touching them all costs now. False: *fault is the
 * number of the first that may not.
 */
bool fused_memory_price(const struct fused_memory *memory, struct fused_range pages, bool store,
                        uint64_t *price, uint32_t *fault);

/* Touches pages that fused_memory_price has granted. */
void fused_memory_touch(struct fused_memory *memory, struct fused_range pages, bool store);

/* The bytes of any page: lends them, or fills @scratch. */
const uint8_t *fused_memory_page(const struct fused_memory *memory, uint32_t number, uint8_t *scratch);

#endif
