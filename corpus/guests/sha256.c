/* SHA-256 (FIPS 180-4). */
#include "guest.h"

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t schedule(uint32_t *w, unsigned t)
{
    uint32_t x = w[(t - 15) & 15], y = w[(t - 2) & 15];
    uint32_t s0 = rotate_right32(x, 7) ^ rotate_right32(x, 18) ^ x >> 3;
    uint32_t s1 = rotate_right32(y, 17) ^ rotate_right32(y, 19) ^ y >> 10;
    return w[t & 15] += s0 + w[(t - 7) & 15] + s1;
}

static void compress(uint32_t *h, const uint8_t *block)
{
    uint32_t w[16], v[8];
    for (unsigned i = 0; i < 16; i++)
        w[i] = __builtin_bswap32(load32(block + 4 * (size_t)i));
    for (unsigned i = 0; i < 8; i++)
        v[i] = h[i];
    for (unsigned t = 0; t < 64; t++) {
        uint32_t word = t < 16 ? w[t] : schedule(w, t);
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (rotate_right32(e, 6) ^ rotate_right32(e, 11) ^ rotate_right32(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + k[t] + word;
        uint32_t t2 = (rotate_right32(a, 2) ^ rotate_right32(a, 13) ^ rotate_right32(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        v[7] = v[6];
        v[6] = v[5];
        v[5] = e;
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = a;
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; i++)
        h[i] += v[i];
}

/* Pads what is left of @size bytes behind @input. */
static void finish(uint32_t *h, const uint8_t *input, uint64_t size)
{
    uint8_t block[64];
    unsigned rest = size % 64;
    for (unsigned i = 0; i < 64; i++)
        block[i] = i < rest ? input[i] : i == rest ? 0x80 : 0;
    if (rest >= 56) {
        compress(h, block);
        for (unsigned i = 0; i < 56; i++)
            block[i] = 0;
    }
    for (unsigned i = 0; i < 8; i++)
        block[56 + i] = (uint8_t)(size * 8 >> (56 - 8 * i));
    compress(h, block);
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint32_t h[8];
    for (unsigned i = 0; i < 8; i++)
        h[i] = start[i];
    uint64_t left = size;
    for (; left >= 64; left -= 64, input += 64)
        compress(h, input);
    finish(h, input, size);

    /* More: the digest of a digest, two blocks a unit. */
    for (uint64_t i = 0; i < 2 * scale; i++) {
        uint8_t block[64] = { 0 };
        for (unsigned j = 0; j < 8; j++)
            for (unsigned n = 0; n < 4; n++)
                block[4 * j + n] = (uint8_t)(h[j] >> 8 * n);
        compress(h, block);
    }
    return (uint64_t)h[0] << 32 | h[1];
}
