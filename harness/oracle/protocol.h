/*
 * What the host and the runner under qemu share: one memory file, mapped by both.
 *
 *     control | units: images as the runner wants them | their code, to be executed | pool of guest memory
 *
 * One order at a time. The host writes the order, then its number; the runner writes the answer, then that number. Words
 * that both sides look at are 32 bits wide, written by one side, and read and written whole.
 */
#ifndef PX_ORACLE_PROTOCOL_H
#define PX_ORACLE_PROTOCOL_H

#include <stdint.h>

#include "vm/guest.h"

enum {
    ORACLE_MAGIC = 0x50584f31,
    ORACLE_FD = 3, /* the memory file, in the runner's process */
    ORACLE_PAGES_MAX = 4096, /* that one run may touch */
    ORACLE_CHUNK_BITS = 16,  /* guest memory is mapped in chunks, which stay, and opened by pages */
    ORACLE_CHUNK_SIZE = 1 << ORACLE_CHUNK_BITS,
    ORACLE_CHUNK_PAGES = ORACLE_CHUNK_SIZE / PX_PAGE_SIZE,
    ORACLE_CHUNKS_MAX = ORACLE_PAGES_MAX, /* mapped at a time */
    ORACLE_POOL_PAGES = ORACLE_CHUNKS_MAX * ORACLE_CHUNK_PAGES,
    ORACLE_MAPS_MAX = 1024,
    ORACLE_TICK_MS = 10,    /* of qemu's CPU time */
    ORACLE_TICKS_MAX = 100, /* for one run */
};

/* Offsets in the memory file. */
#define ORACLE_UNITS UINT64_C(0x10000)
#define ORACLE_UNITS_SIZE (UINT64_C(128) << 20)
#define ORACLE_CODE (ORACLE_UNITS + ORACLE_UNITS_SIZE)
#define ORACLE_CODE_SIZE (UINT64_C(32) << 20)
#define ORACLE_POOL (ORACLE_CODE + ORACLE_CODE_SIZE)
#define ORACLE_SIZE (ORACLE_POOL + (uint64_t)ORACLE_POOL_PAGES * PX_PAGE_SIZE)

/*
 * Where the runner maps control and units, and where the code. The guest owns all below 4 GiB; these are places that no
 * guest comes by with the numbers that programs are made of. The Makefile links the runner before them.
 */
#define ORACLE_SHARED_AT UINT64_C(0x1b3d59400000)
#define ORACLE_CODE_AT UINT64_C(0x1b3d77800000)

#define ORACLE_NO_BLOCK UINT32_C(0)

/* A mapping of the image; offsets count from the unit. */
struct oracle_map {
    uint64_t start, size;
    uint64_t content, content_size;
    uint64_t writable;
};

/* An image. Offsets count from the unit, `place` from ORACLE_CODE_AT. */
struct oracle_unit {
    uint64_t code, code_size; /* as the guest wrote it */
    uint64_t starts; /* uint32_t for each even offset: its block's number from 1, or ORACLE_NO_BLOCK */
    uint64_t place;  /* the code to be executed */
    uint64_t
        steps; /* 0, or the place of 8 bytes a block: its first instruction, then a trap. Blocks are counted then */
    uint64_t maps;
    uint64_t map_count;
};

struct oracle_order {
    uint64_t unit; /* offset in the memory file */
    uint32_t entry; /* a block start */
    uint64_t stop_after_blocks; /* 0: never */
    uint64_t epoch; /* changes when places are used again: what was translated there is stale */
    uint64_t pool_epoch; /* changes when the pool was emptied: no chunk may stay mapped */
    uint64_t x[PX_REG_COUNT];
};

struct oracle_answer {
    uint32_t exit; /* enum px_exit */
    uint32_t pc;
    int64_t arg;
    uint64_t x[PX_REG_COUNT];
    uint32_t page_count;
    uint32_t pages[ORACLE_PAGES_MAX]; /* touched page k of the guest ... */
    uint32_t places[ORACLE_PAGES_MAX]; /* ... is this page of the pool. The host makes it zero again */
};

struct oracle_control {
    uint32_t magic; /* written by the runner when it is up */
    uint32_t ordered, answered; /* numbers of the last order and of the last answer */
    uint32_t begun; /* number of the order under way */
    uint32_t beat; /* grows while the runner gets anywhere */
    uint32_t host_waits, runner_waits; /* for the other's number to change */
    struct oracle_order order;
    struct oracle_answer answer;
};

_Static_assert(sizeof(struct oracle_control) <= ORACLE_UNITS, "control fits before the units");

#endif
