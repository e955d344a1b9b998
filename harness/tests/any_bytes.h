/* Include cmocka.h first. */
#ifndef PX_TEST_ANY_BYTES_H
#define PX_TEST_ANY_BYTES_H

#include <stdint.h>
#include <stdlib.h>

#include "generators/prng.h"

/* Random bytes, of a random size up to @max, in memory of their own: a sanitizer sees a step past them. */
static inline uint8_t *any_bytes(struct prng *prng, size_t max, size_t *size)
{
    *size = prng_below(prng, (uint32_t)max + 1);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < *size; i++)
        bytes[i] = (uint8_t)prng_next(prng);
    return bytes;
}

#endif
