/* What was counted about a generator's programs, for people and for machines. */
#ifndef PX_STATS_PRINT_H
#define PX_STATS_PRINT_H

#include <stdio.h>

#include "harness/stats.h"

/* Which programs were counted. */
struct stats_source {
    const char *generator; /* spec with version */
    uint64_t seed;
    bool all; /* every program that the generator has */
};

/* Tables; lists of what is missing are cut to a line. */
void stats_print(const struct stats_counts *counts, const struct stats_source *source, FILE *out);

/* One JSON object with everything, lists whole. Shares are left to the reader: both numbers are there. */
void stats_print_json(const struct stats_counts *counts, const struct stats_source *source, FILE *out);

#endif
