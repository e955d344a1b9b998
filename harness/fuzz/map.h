/*
 * Where a target puts what it sees of an input besides edges: libFuzzer's extra counters, or under AFL++ a part of its map,
 * which then is as long as there are edges and bytes asked for.
 */
#ifndef PX_FUZZ_MAP_H
#define PX_FUZZ_MAP_H

#include <stddef.h>
#include <stdint.h>

enum {
    FUZZ_MAP_MAX = 16384,
    FUZZ_MAP_EARLY =
        101, /* of constructors: behind those of AFL++'s map, ahead of the one that may start its fork server */
};

/* Asks for @count bytes, at most FUZZ_MAP_MAX, once, from a constructor of priority FUZZ_MAP_EARLY. */
void fuzz_map_reserve(size_t count);

/* As many bytes, all 0 before each input, from main on; without AFL++ @counters. */
uint8_t *fuzz_map(uint8_t *counters);

#endif
