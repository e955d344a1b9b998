#include "harness/guided/coverage.h"

#include <string.h>

bool coverage_show(coverage_mark *seen, unsigned feature, uint64_t index)
{
    uint8_t mark = index == 0 ? 1 : (uint8_t)(65 - __builtin_clzll(index));
    uint8_t before = atomic_load_explicit(&seen[feature], memory_order_relaxed);
    while ((before == 0 || mark < before) &&
           !atomic_compare_exchange_weak_explicit(&seen[feature], &before, mark, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
    return before == 0;
}

unsigned coverage_seen(const coverage_mark *seen, const struct features_group *group)
{
    unsigned first = group ? group->first : 0, count = group ? group->count : FEATURES, number = 0;
    for (unsigned i = first; i < first + count; i++)
        number += seen[i] != 0;
    return number;
}

void coverage_curve(const coverage_mark *seen, unsigned curve[COVERAGE_POINTS])
{
    memset(curve, 0, COVERAGE_POINTS * sizeof *curve);
    for (unsigned i = 0; i < FEATURES; i++) {
        unsigned mark = seen[i];
        if (mark != 0) /* a guest that broke out may have written any */
            curve[mark < COVERAGE_POINTS ? mark - 1 : COVERAGE_POINTS - 1]++;
    }
    for (unsigned k = 1; k < COVERAGE_POINTS; k++)
        curve[k] += curve[k - 1];
}
