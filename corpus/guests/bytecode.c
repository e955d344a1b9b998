/*
 * A machine with eight registers, a small memory and a byte code that gives every byte a meaning, run by a switch. Its
 * program is the input.
 */
#include "guest.h"

enum { CODE = 256, MEMORY = 64, STEPS_PER_UNIT = 1000 };

static uint8_t code[CODE];
static uint64_t memory[MEMORY];

struct machine {
    uint64_t r[8];
    unsigned pc;
};

static uint8_t fetch(struct machine *m)
{
    return code[m->pc++ % CODE];
}

static void skip_if(struct machine *m, int condition)
{
    if (condition)
        m->pc += 2;
}

/* One instruction: operation in the high five bits of the first byte, a register below, the rest in the second. */
static void step(struct machine *m)
{
    uint8_t first = fetch(m), second = fetch(m);
    uint64_t *x = &m->r[first & 7], y = m->r[second & 7];
    switch (first >> 3) {
    case 0:
        *x += y;
        break;
    case 1:
        *x -= y;
        break;
    case 2:
        *x *= y | 1;
        break;
    case 3:
        *x ^= y;
        break;
    case 4:
        *x |= y;
        break;
    case 5:
        *x &= ~y;
        break;
    case 6:
        *x = y;
        break;
    case 7:
        *x = second;
        break;
    case 8:
        *x += (uint64_t)(int64_t)(int8_t)second;
        break;
    case 9:
        *x <<= second & 63;
        break;
    case 10:
        *x >>= second & 63;
        break;
    case 11:
        *x = (uint64_t)((int64_t)*x >> (second & 63));
        break;
    case 12:
        *x = rotate_right64(*x, second & 63);
        break;
    case 13:
        *x = memory[(y + (second >> 3)) % MEMORY];
        break;
    case 14:
        memory[(y + (second >> 3)) % MEMORY] = *x;
        break;
    case 15:
        *x = y ? *x / y : 0;
        break;
    case 16:
        *x = y ? *x % y : *x;
        break;
    case 17:
        *x = (uint64_t)(int64_t)(int32_t)(*x + y);
        break;
    case 18:
        *x = *x < y;
        break;
    case 19:
        *x = (int64_t)*x < (int64_t)y;
        break;
    case 20:
        *x = (uint64_t)__builtin_popcountll(y);
        break;
    case 21:
        *x = __builtin_bswap64(y);
        break;
    case 22:
        skip_if(m, *x == y);
        break;
    case 23:
        skip_if(m, *x != y);
        break;
    case 24:
        skip_if(m, *x < y);
        break;
    case 25:
        skip_if(m, (int64_t)*x >= (int64_t)y);
        break;
    case 26:
        m->pc = second;
        break;
    case 27:
        m->pc += (unsigned)*x & 30;
        break;
    case 28:
        *x = m->pc;
        break;
    case 29:
        code[second] = (uint8_t)*x;
        break;
    case 30:
        *x = ~*x;
        break;
    default:
        *x = mix_in(*x, y);
        break;
    }
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    struct machine m = { .pc = 0 };
    uint64_t sum = 0;
    for (unsigned i = 0; i < CODE; i++) {
        sum = mix_in(sum, i);
        code[i] = size > 0 ? (uint8_t)(input[i % size] + i / size) : (uint8_t)sum;
    }
    for (unsigned i = 0; i < MEMORY; i++)
        memory[i] = sum + i;
    for (unsigned i = 0; i < 8; i++)
        m.r[i] = i;
    for (uint64_t i = 0; i < (scale + 1) * STEPS_PER_UNIT; i++)
        step(&m);
    for (unsigned i = 0; i < 8; i++)
        sum = mix_in(sum, m.r[i]);
    for (unsigned i = 0; i < MEMORY; i++)
        sum = mix_in(sum, memory[i]);
    return sum;
}
