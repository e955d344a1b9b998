/* BLAKE2b-512 without a key (RFC 7693). */
#include "guest.h"

enum { BLOCK = 128 };

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t sigma[10][16] = {
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    { 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
    { 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
    { 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
    { 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
    { 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
    { 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
    { 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
    { 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
    { 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

static void g(uint64_t *v, const uint8_t *at, uint64_t x, uint64_t y)
{
    uint64_t a = v[at[0]], b = v[at[1]], c = v[at[2]], d = v[at[3]];
    a += b + x;
    d = rotate_right64(d ^ a, 32);
    c += d;
    b = rotate_right64(b ^ c, 24);
    a += b + y;
    d = rotate_right64(d ^ a, 16);
    c += d;
    b = rotate_right64(b ^ c, 63);
    v[at[0]] = a;
    v[at[1]] = b;
    v[at[2]] = c;
    v[at[3]] = d;
}

static void compress(uint64_t *h, const uint8_t *block, uint64_t counter, uint64_t last)
{
    static const uint8_t places[8][4] = {
        { 0, 4, 8, 12 },  { 1, 5, 9, 13 },  { 2, 6, 10, 14 }, { 3, 7, 11, 15 },
        { 0, 5, 10, 15 }, { 1, 6, 11, 12 }, { 2, 7, 8, 13 },  { 3, 4, 9, 14 },
    };
    uint64_t v[16], m[16];
    for (unsigned i = 0; i < 16; i++)
        m[i] = load64(block + 8 * (size_t)i);
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = iv[i];
    }
    v[12] ^= counter;
    v[14] ^= last;
    for (unsigned round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round % 10];
        for (unsigned i = 0; i < 8; i++)
            g(v, places[i], m[s[2 * i]], m[s[2 * i + 1]]);
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t h[8], done = 0;
    uint8_t block[BLOCK];
    for (unsigned i = 0; i < 8; i++)
        h[i] = iv[i];
    h[0] ^= 0x01010040; /* 64 bytes of digest, no key, no tree */
    for (; size - done > BLOCK; done += BLOCK)
        compress(h, input + done, done + BLOCK, 0);
    for (unsigned i = 0; i < BLOCK; i++)
        block[i] = i < size - done ? input[done + i] : 0;
    compress(h, block, size, UINT64_MAX);

    /* More: the last block again, under other counters. */
    for (uint64_t i = 0; i < 3 * scale; i++)
        compress(h, block, i, 0);
    return __builtin_bswap64(h[0]);
}
