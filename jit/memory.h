/*
 * The recompiler's guest memory: a 4 GiB window of host memory based in gs, a state byte per page that
 * generated code tests before an access (touch=check) or that the host's page protections mirror
 * (touch=fault), and the recompiler's own accounting of first touches (ISA.md 7), written independently of the
 * reference engine's.
 *
 *   | state table 1 MiB | guard | window 4 GiB | guard |
 *                                 ^ gs base
 */
#ifndef PX_JIT_MEMORY_H
#define PX_JIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/status.h"

enum {
    /* State byte of a page. */
    JIT_PAGE_READ = 1,        /* a load may go ahead, uncharged */
    JIT_PAGE_WRITE = 2,       /* a store may go ahead, uncharged */
    JIT_PAGE_RESIDENT = 0x80, /* the host gave it memory; survives from program to program */
    /* The state byte of page p is at gs:[p - JIT_STATE_BELOW]. */
    JIT_STATE_BELOW = 2 << 20,
};

struct jit_ro_unit {
    size_t mapping;
    uint32_t cluster;
};

struct jit_memory {
    uint8_t *base;  /* of the window; what gs holds while generated code runs */
    uint8_t *state; /* base - JIT_STATE_BELOW */
    uint8_t *reservation;
    bool fsgsbase;  /* user code may write gs; else a system call does */
    bool mirror;    /* touch=fault: untouched pages are inaccessible, read ones read-only */
    uint8_t open[2048];  /* clusters whose host protection is read-write */
    const struct px_image *image;
    uint32_t *touched; /* page numbers, in order of first touch */
    size_t touched_count, touched_capacity;
    uint32_t *dirty;
    size_t dirty_count, dirty_capacity;
    struct jit_ro_unit *units;
    size_t unit_count, unit_capacity;
    size_t resident;     /* pages with JIT_PAGE_RESIDENT */
    bool failed;         /* sticky until reset: the host refused memory */
    size_t mixed_size;
    uint8_t
        mixed[PX_PAGE_SIZE]; /* for jit_memory_page: bytes of some page's content; zeros from mixed_size on */
};

/* Reserves the window. PX_ERR_SYSTEM when the address space is refused. */
enum px_status jit_memory_init(struct jit_memory *memory, bool mirror, struct px_error *err) PX_CHECKED;
void jit_memory_fini(struct jit_memory *memory);

/* Makes every page untouched and starts over on @image (borrowed; NULL: none). */
void jit_memory_reset(struct jit_memory *memory, const struct px_image *image);

/* True when one access may go ahead; charges *gas and touches its pages. False: *fault_page is the first page that
 * refuses, nothing changed. @address is already mod 2^32. */
bool jit_memory_access(struct jit_memory *memory, uint32_t address, unsigned width, bool store, uint64_t *gas,
                       uint32_t *fault_page);

/* Whether an access needs no touching: every page of it has been granted for its kind before. */
bool jit_memory_open(const struct jit_memory *memory, uint32_t address, unsigned width, bool store);

/* Whether a host address lies where guest accesses can reach: the window or the guard behind it. */
bool jit_memory_reaches(const struct jit_memory *memory, uint64_t host);

/* The same for host calls over [address, address + length), length > 0, in two steps. Scan: what touching all pages would
 * charge, or the first page that refuses. Touch: does it, uncharged. */
bool jit_memory_scan(const struct jit_memory *memory, uint32_t address, uint64_t length, bool store,
                     uint64_t *price, uint32_t *fault_page);
void jit_memory_touch(struct jit_memory *memory, uint32_t address, uint64_t length, bool store);

/* The bytes of any page after a run: lends the window, the image or, until the next call, what is mixed from the image and zeros. */
const uint8_t *jit_memory_page(struct jit_memory *memory, uint32_t number);

#endif
