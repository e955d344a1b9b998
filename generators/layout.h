/* Memory layouts of generated programs, and places in them worth an access. */
#ifndef PX_LAYOUT_H
#define PX_LAYOUT_H

#include "generators/builder.h"

/* A place for accesses. What stands from @below bytes before @address to @above bytes behind it is readable. */
struct spot {
    uint32_t address, below, above;
    bool writable; /* all of it */
    bool code; /* in the code region */
};

/*
 * Maps a random choice of the regions of layout.c, whose start addresses are fixed so that host pages are reused from program
 * to program: neighbours of other kinds, two `ro` mappings in one cluster, one across two clusters, the
 * last page of the space, more than eight writable pages; seldom enough pages for another price of memory.
 */
void layout_map(struct builder *b);

/* A place in one of the program's mappings, often at an edge of a page; now and then in its code. */
struct spot layout_spot(struct builder *b);

/* An address at which an access fails, at the latest when it is a store. */
uint32_t layout_bad_address(struct builder *b);

/* Loads a 32-bit constant, sign-extended as lui does. */
void layout_load(struct builder *b, unsigned reg, uint32_t value);

#endif
