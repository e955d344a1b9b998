#include "harness/eligible.h"

#include <stdio.h>
#include <string.h>

#define LINEAR_SHARE 0.05

static double turns(const struct campaign_result *r, size_t index)
{
    return (double)r->tally.programs / (double)(r->every[index] ? r->every[index] : 1);
}

double eligible_share(const struct campaign_result *result, size_t index)
{
    return result->tally.programs ? (double)result->tally.supported[index] / turns(result, index) : 0;
}

static double least_share(const char *spec)
{
    size_t name = strcspn(spec, ":");
    return name == 6 && memcmp(spec, "linear", name) == 0 ? LINEAR_SHARE : 0;
}

bool eligible_enough(const struct campaign_result *result, char *text, size_t size)
{
    for (size_t i = 0; i < result->engine_count; i++) {
        double share = eligible_share(result, i), least = least_share(result->specs[i]);
        if (turns(result, i) < ELIGIBLE_TURNS_MIN || (share >= least && share > 0))
            continue;
        (void)snprintf(
            text, size,
            "engine %s took %.2f %% of the programs it was given, expected %s%.0f %%: this campaign says too "
            "little about it",
            result->specs[i], 100 * share, least > 0 ? "at least " : "more than ", 100 * least);
        return false;
    }
    return true;
}
