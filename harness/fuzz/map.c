#include "harness/fuzz/map.h"

#include <stdbool.h>

/* Of AFL++'s runtime, which is there or not. Each guard becomes the number of a byte in the map. */
#pragma weak __afl_area_ptr
#pragma weak __sanitizer_cov_trace_pc_guard_init
extern uint8_t *__afl_area_ptr;
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *end);

/* As if each byte were an edge. */
static uint32_t guards[FUZZ_MAP_MAX];

static bool under_afl(void)
{
    return &__afl_area_ptr != NULL && __sanitizer_cov_trace_pc_guard_init != NULL;
}

void fuzz_map_reserve(size_t count)
{
    if (under_afl() && guards[0] == 0)
        __sanitizer_cov_trace_pc_guard_init(guards, guards + count);
}

uint8_t *fuzz_map(uint8_t *counters)
{
    return under_afl() ? __afl_area_ptr + guards[0] : counters;
}
