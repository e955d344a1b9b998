/*
 * What a plugin's process and ours share. We write orders, it writes answers. Whatever runs in it may write anything at any
 * time: what is read here is copied first and judged then.
 */
#ifndef PX_PLUGIN_PROTOCOL_H
#define PX_PLUGIN_PROTOCOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/futex.h"
#include "harness/hostfault.h"
#include "vm/engine.h"

enum {
    PLUGIN_UNITS_MAX = 256,  /* prepared at a time */
    PLUGIN_PAGES_MAX = 64,   /* lent with one answer */
    PLUGIN_SPEC_MAX = 64,    /* a canonical spec, its end included */
    PLUGIN_PATH_MAX = 4096,
    PLUGIN_DIRTY_MAX = 1 << 20, /* all pages there are */
    PLUGIN_IMAGE_MAX = 128 << 20, /* bytes of one image: mappings, code, contents */
};

enum plugin_work { PLUGIN_PREPARE, PLUGIN_RUN, PLUGIN_READ };

/* An image without its bytes: those are in plugin_shared.image, mappings first, then code, then contents in their order. */
struct plugin_image {
    uint64_t code_size, map_count;
    uint64_t gas, x[PX_REG_COUNT];
    uint32_t entry_pc;
};

struct plugin_order {
    enum plugin_work work;
    uint32_t unit; /* a number of ours, < PLUGIN_UNITS_MAX */
    uint32_t flags; /* of prepare */
    uint32_t reset; /* not 0: first of all */
    uint32_t released[PLUGIN_UNITS_MAX], released_count; /* units to release before */
    uint32_t wanted[PLUGIN_PAGES_MAX],
        wanted_count; /* pages to lend with the answer; after a run the dirty ones too */
    struct plugin_image image;
    struct px_entry entry;
};

struct plugin_answer {
    uint32_t status; /* enum px_status */
    struct px_error error;
    /* The outcome. */
    uint32_t exit, pc, dirty_count;
    int64_t arg;
    uint64_t gas, x[PX_REG_COUNT], native, side_exit, interpreted;
    /* Pages lent: their numbers, and whether there is nothing but zeros in them (then their bytes are not in `pages`). */
    uint32_t page_count, numbers[PLUGIN_PAGES_MAX];
    uint8_t zero[PLUGIN_PAGES_MAX];
};

/* What is told once, when the plugin is loaded. */
struct plugin_birth {
    uint32_t status;
    struct px_error error;
    char spec[PLUGIN_SPEC_MAX]; /* what it calls itself */
    uint32_t registers, gas, dirty, aliasing, block_starts, counts, extensions; /* struct px_caps */
};

/* One side's place to wait. */
struct plugin_bell {
    _Atomic uint32_t rung; /* grows with every order or answer; a futex */
    _Atomic uint32_t sleeps; /* somebody waits in the kernel */
};

struct plugin_shared {
    struct plugin_bell ordered, answered;
    struct host_record record; /* last words of its process */
    _Atomic uint64_t running; /* stays 0: time is ours to judge */
    struct plugin_birth birth;
    struct plugin_order order;
    struct plugin_answer answer;
    uint8_t pages[PLUGIN_PAGES_MAX][PX_PAGE_SIZE];
    uint32_t dirty[PLUGIN_DIRTY_MAX];
    _Alignas(64) uint8_t image[PLUGIN_IMAGE_MAX];
};

enum {
    PLUGIN_SPINS_MIN = 8,
    PLUGIN_SPINS_MAX = 2048, /* about 40 us */
};

static inline void plugin_ring(struct plugin_bell *bell)
{
    atomic_fetch_add(&bell->rung, 1);
    if (atomic_load(&bell->sleeps))
        futex_wake(&bell->rung);
}

/*
 * Looks for a while whether @bell rings after @seen. Where looking has paid, it looks longer the next time: *spins is the
 * caller's, from PLUGIN_SPINS_MIN to PLUGIN_SPINS_MAX.
 */
static inline bool plugin_look(struct plugin_bell *bell, uint32_t seen, uint32_t *spins)
{
    for (uint32_t i = 0; i < *spins; i++) {
        if (atomic_load_explicit(&bell->rung, memory_order_acquire) != seen) {
            *spins = *spins < PLUGIN_SPINS_MAX ? *spins * 2 : PLUGIN_SPINS_MAX;
            return true;
        }
        __builtin_ia32_pause();
    }
    *spins = *spins > PLUGIN_SPINS_MIN ? *spins / 2 : PLUGIN_SPINS_MIN;
    return false;
}

/* Sleeps until it rings after @seen, for so long at most. */
static inline void plugin_sleep(struct plugin_bell *bell, uint32_t seen, unsigned milliseconds)
{
    atomic_store(&bell->sleeps, 1);
    futex_wait(&bell->rung, seen, milliseconds);
    atomic_store(&bell->sleeps, 0);
}

#endif
