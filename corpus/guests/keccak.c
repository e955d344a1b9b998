/* SHA3-256 on Keccak-f[1600] (FIPS 202). */
#include "guest.h"

enum { RATE = 136 };

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static uint64_t rotate_left(uint64_t lane, unsigned count)
{
    return rotate_right64(lane, -count & 63);
}

static void theta(uint64_t a[5][5])
{
    uint64_t c[5];
    for (unsigned x = 0; x < 5; x++)
        c[x] = a[0][x] ^ a[1][x] ^ a[2][x] ^ a[3][x] ^ a[4][x];
    for (unsigned x = 0; x < 5; x++) {
        uint64_t d = c[(x + 4) % 5] ^ rotate_left(c[(x + 1) % 5], 1);
        for (unsigned y = 0; y < 5; y++)
            a[y][x] ^= d;
    }
}

/* Lane (x, y) goes to (y, 2x + 3y), rotated: the walk of section 3.2.2 visits them all. */
static void rho_and_pi(uint64_t a[5][5])
{
    unsigned x = 1, y = 0;
    uint64_t lane = a[0][1];
    for (unsigned t = 0; t < 24; t++) {
        unsigned next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
        uint64_t kept = a[y][x];
        a[y][x] = rotate_left(lane, (t + 1) * (t + 2) / 2 & 63);
        lane = kept;
    }
}

static void chi(uint64_t a[5][5])
{
    for (unsigned y = 0; y < 5; y++) {
        uint64_t row[5];
        for (unsigned x = 0; x < 5; x++)
            row[x] = a[y][x];
        for (unsigned x = 0; x < 5; x++)
            a[y][x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

static void permute(uint64_t a[5][5])
{
    for (unsigned round = 0; round < 24; round++) {
        theta(a);
        rho_and_pi(a);
        chi(a);
        a[0][0] ^= round_constants[round];
    }
}

static void absorb(uint64_t a[5][5], const uint8_t *block)
{
    for (unsigned i = 0; i < RATE / 8; i++)
        a[i / 5][i % 5] ^= load64(block + 8 * (size_t)i);
    permute(a);
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t a[5][5] = { { 0 } };
    uint8_t last[RATE];
    for (; size >= RATE; size -= RATE, input += RATE)
        absorb(a, input);
    for (unsigned i = 0; i < RATE; i++)
        last[i] = i < size ? input[i] : 0;
    last[size] ^= 0x06;
    last[RATE - 1] ^= 0x80;
    absorb(a, last);
    for (uint64_t i = 0; i < scale; i++)
        permute(a);
    return __builtin_bswap64(a[0][0]);
}
