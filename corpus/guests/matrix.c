/* Products of square matrices of 64-bit numbers, mod 2^64. */
#include "guest.h"

enum { N = 16 };

static uint64_t a[N][N], b[N][N], product[N][N];

static void multiply(void)
{
    for (unsigned row = 0; row < N; row++)
        for (unsigned column = 0; column < N; column++) {
            uint64_t sum = 0;
            for (unsigned i = 0; i < N; i++)
                sum += a[row][i] * b[i][column];
            product[row][column] = sum;
        }
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t seed = size, sum = 0;
    for (unsigned i = 0; i < N * N; i++) {
        seed = mix_in(seed, i < size ? input[i] : i);
        a[i / N][i % N] = seed;
        b[i / N][i % N] = ~seed >> (i & 31);
    }
    for (uint64_t done = 0; done <= scale; done += 3) {
        multiply();
        for (unsigned i = 0; i < N * N; i++)
            a[i / N][i % N] = product[i / N][i % N] | 1;
    }
    for (unsigned i = 0; i < N * N; i++)
        sum = mix_in(sum, product[i / N][i % N]);
    return sum;
}
