/*
 * What the reader and the writer of the binary form must agree on. Internal to vm/.
 *
 *   magic       7f 50 58 01: "PX" behind a byte that begins no text, and the version
 *   parts       1 byte: bit 0 origin, bit 1 expect; the others 0
 *   gas         number
 *   entry       number
 *   registers   2 bytes, low first, bit i: x[i] (bit 0 is 0); then a number for each
 *   mappings    number; then for each
 *                 kind     1 byte: 0 zero, 1 ro, 2 cow
 *                 start    number: pages from PX_DATA_BASE
 *                 size     number: pages less one
 *                 content  number of bytes, then chunks; none of this for kind 0
 *   code        number of bytes, then these
 *   origin      if there: seed, index (numbers), name; with a name its version (number)
 *   expect      if there: 1 byte (bit 0 exit, 1 pc, 2 gas, 3 oracle), 2 bytes as for registers; then what they say:
 *               exit (1 byte, then a number: the selector, the cause or the page), pc, gas, registers (numbers), name
 *
 * A number is one byte where it is what tests like best, so that a changed byte mostly is another such number:
 *
 *   00 + n      n, below 64
 *   40 + k      2^k, k below 64
 *   80 + k      2^k - 1
 *   c0 + n      the n + 1 bytes (1 to 8) that follow, low first
 *   c8 + n      the complement of these
 *   d0 + n      px_binary_edges[n]
 *
 * A chunk of content is the number 2 * (bytes - 1), followed by the bytes, or 2 * (bytes - 1) + 1 with at most
 * PX_BINARY_RUN_MAX bytes, followed by the first of them and by what each adds to the one before, modulo 256. A name is
 * one byte for its length and its characters; length 0: no name.
 *
 * The writer chooses the shortest numbers and the longest runs; the reader takes others, too.
 */
#ifndef PX_PROGRAM_BINARY_H
#define PX_PROGRAM_BINARY_H

#include <stdint.h>
#include <string.h>

#include "vm/guest.h"
#include "vm/program_text.h"

enum {
    PX_BINARY_FIRST = 0x7f, /* no text begins with it */
    PX_BINARY_VERSION = 1,
    PX_BINARY_RUN_MAX = PX_PAGE_SIZE, /* bounds what reading makes of a few bytes */
};

/* What a text of PX_TEXT_MAX bytes could hold; also the largest binary file. */
#define PX_BINARY_CONTENT_MAX (PX_TEXT_MAX / 2)
#define PX_BINARY_MAX PX_TEXT_MAX

enum { PX_PART_ORIGIN = 1, PX_PART_EXPECT = 2, PX_PARTS = 3 };
enum { PX_EXPECT_EXIT = 1, PX_EXPECT_PC = 2, PX_EXPECT_GAS = 4, PX_EXPECT_ORACLE = 8, PX_EXPECTS = 15 };

/* The first bytes of numbers, by kind: 64 below 0xc0, then 8. */
enum {
    PX_NUMBER_SMALL = 0x00,
    PX_NUMBER_POWER = 0x40,
    PX_NUMBER_ONES = 0x80,
    PX_NUMBER_BYTES = 0xc0,
    PX_NUMBER_COMPLEMENT = 0xc8,
    PX_NUMBER_EDGE = 0xd0,
    PX_NUMBER_EDGES = 0x100 - PX_NUMBER_EDGE,
};

/* Ascending; edges of widths, of addresses and of pages, patterns, and the gas of most programs. */
extern const uint64_t px_binary_edges[PX_NUMBER_EDGES];

/* Eight bytes that each are @add more than those of @bytes. */
static inline uint64_t px_add_to_bytes(uint64_t bytes, uint64_t add)
{
    const uint64_t top = UINT64_C(0x8080808080808080);
    return ((bytes & ~top) + (add & ~top)) ^ ((bytes ^ add) & top);
}

static inline uint64_t px_repeat_byte(uint8_t byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

static inline uint64_t px_load_8(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#endif
