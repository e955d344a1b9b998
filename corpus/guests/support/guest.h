/*
 * Real guest programs: each C file of corpus/guests is one, freestanding and with a single entry. The same file becomes
 * a guest image, a static RISC-V program for qemu and a native one; all three must give the same number for the same
 * input.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

/*
 * Works on @size bytes of @input and returns a checksum of all that came out. @scale says how much more work is made
 * of the same input, about 10,000 instructions each; with 0 a digest is that of the input alone.
 */
uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale);

/* Little-endian words at any address. */
static inline uint32_t load32(const uint8_t *at)
{
    uint32_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

/* The first eight of @size bytes, zeros behind them. */
static inline uint64_t first_word(const uint8_t *input, uint64_t size)
{
    uint64_t word = 0;
    for (uint64_t i = 0; i < 8 && i < size; i++)
        word |= (uint64_t)input[i] << (8 * i);
    return word;
}

static inline uint32_t rotate_right32(uint32_t word, unsigned count)
{
    return word >> count | word << (-count & 31);
}

static inline uint64_t rotate_right64(uint64_t word, unsigned count)
{
    return word >> count | word << (-count & 63);
}

/* A multiplicative step that spreads what it adds over all bits. */
static inline uint64_t mix_in(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

#endif
