/* Segmented sieve of Eratosthenes: primes in stretches of 2,048 numbers from anywhere below 2^20 on. */
#include "guest.h"

enum { SEGMENT = 2048, SMALL = 1024, LIMIT = 1 << 20 };

static uint8_t composite[SEGMENT];
static uint16_t small_primes[SMALL];

static unsigned find_small_primes(void)
{
    unsigned count = 0;
    for (unsigned n = 2; n < SMALL; n++)
        composite[n] = 0;
    for (unsigned n = 2; n < SMALL; n++) {
        if (composite[n])
            continue;
        small_primes[count++] = (uint16_t)n;
        for (unsigned m = n * n; m < SMALL; m += n)
            composite[m] = 1;
    }
    return count;
}

static void strike_out(unsigned primes, unsigned low)
{
    for (unsigned i = 0; i < SEGMENT; i++)
        composite[i] = 0;
    for (unsigned i = 0; i < primes; i++) {
        unsigned p = small_primes[i], first = p * p;
        if (first >= low + SEGMENT)
            break;
        if (first < low)
            first = (low + p - 1) / p * p;
        for (unsigned m = first - low; m < SEGMENT; m += p)
            composite[m] = 1;
    }
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    unsigned primes = find_small_primes(), low = (unsigned)(first_word(input, size) % LIMIT) & ~1u;
    uint64_t sum = primes;
    for (uint64_t done = 0; done < scale; done += 3) {
        unsigned found = 0, last = 0;
        low = low < 2 || low > LIMIT - SEGMENT ? 2 : low;
        strike_out(primes, low);
        for (unsigned i = 0; i < SEGMENT; i++)
            if (!composite[i]) {
                found++;
                last = low + i;
            }
        sum = mix_in(sum, (uint64_t)last << 32 | found);
        low += SEGMENT;
    }
    return sum;
}
