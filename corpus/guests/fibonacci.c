/* Fibonacci numbers by their definition: calls and returns, and little else. */
#include "guest.h"

static uint64_t fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i <= scale; i++)
        sum = mix_in(sum, fibonacci(13 + ((size > 0 ? input[i % size] : 0) & 3)));
    return sum;
}
