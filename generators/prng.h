/* xoroshiro128++, keyed by (seed, index), so that program i needs nothing of program i - 1. */
#ifndef PX_PRNG_H
#define PX_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t a, b; /* never both 0 */
};

/* SplitMix64: a bijection whose outputs for near inputs have nothing in common. */
static inline uint64_t prng_mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void prng_init(struct prng *prng, uint64_t seed, uint64_t index)
{
    prng->a = prng_mix(prng_mix(seed) ^ index);
    prng->b = prng_mix(prng->a + UINT64_C(0x632be59bd9b4e019));
    prng->b |= prng->a == 0;
}

static inline uint64_t prng_next(struct prng *prng)
{
    uint64_t a = prng->a, b = prng->b, sum = a + b;
    uint64_t result = (sum << 17 | sum >> 47) + a;
    b ^= a;
    prng->a = (a << 49 | a >> 15) ^ b ^ (b << 21);
    prng->b = b << 28 | b >> 36;
    return result;
}

/* 0 .. n - 1, n > 0; the bias is below n / 2^32. */
static inline uint32_t prng_below(struct prng *prng, uint32_t n)
{
    return (uint32_t)(((prng_next(prng) >> 32) * n) >> 32);
}

/* True once in @n times. */
static inline bool prng_one_in(struct prng *prng, uint32_t n)
{
    return prng_below(prng, n) == 0;
}

#endif
