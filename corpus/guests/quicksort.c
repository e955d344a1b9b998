/* Recursive quicksort of 64-bit numbers: median of three, insertion sort for short stretches. */
#include "guest.h"

enum { MAX = 4096, SHORT = 12, PER_UNIT = 160 };

static uint64_t numbers[MAX];

static void swap(uint64_t *x, uint64_t *y)
{
    uint64_t kept = *x;
    *x = *y;
    *y = kept;
}

static void insertion_sort(uint64_t *first, uint64_t *end)
{
    for (uint64_t *at = first + 1; at < end; at++) {
        uint64_t value = *at, *to = at;
        while (to > first && to[-1] > value) {
            *to = to[-1];
            to--;
        }
        *to = value;
    }
}

static void sort(uint64_t *first, uint64_t *end)
{
    while (end - first > SHORT) {
        uint64_t *middle = first + (end - first) / 2, *last = end - 1;
        if (*middle < *first)
            swap(middle, first);
        if (*last < *first)
            swap(last, first);
        if (*last < *middle)
            swap(last, middle);
        uint64_t pivot = *middle, *low = first, *high = last;
        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high)
                swap(low++, high--);
        }
        /* The shorter side first, so that the stack stays small. */
        if (high + 1 - first < end - low) {
            sort(first, high + 1);
            first = low;
        } else {
            sort(low, end);
            end = high + 1;
        }
    }
    insertion_sort(first, end);
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t sum = size, seed = size, left = (scale + 1) * PER_UNIT;
    while (left > 0) {
        unsigned count = left < MAX ? (unsigned)left : MAX;
        for (unsigned i = 0; i < count; i++) {
            seed = mix_in(seed, size > 0 ? input[i % size] : i);
            numbers[i] = seed >> (seed & 31);
        }
        sort(numbers, numbers + count);
        for (unsigned i = 0; i < count; i++)
            sum = mix_in(sum, numbers[i]);
        left -= count;
    }
    return sum;
}
