/* Where tests run campaigns: a folder, the output folder in it, options to change, results, which are large. */
#ifndef PX_TEST_CAMPAIGN_WORLD_H
#define PX_TEST_CAMPAIGN_WORLD_H

#include "harness/campaign.h"
#include "harness/tests/folder.h"

enum { CAMPAIGN_WORLD_PATH = 300 };

struct world {
    struct folder folder;
    char out[CAMPAIGN_WORLD_PATH];
    struct campaign_options options; /* interp and block, 3,000 programs of mix, one job, quiet */
    struct campaign_result result, other;
};

/* Set-up and tear-down of a cmocka test. */
int campaign_world_make(void **state);
int campaign_world_remove(void **state);

/* Fails the test when the campaign fails; what it finds is in @result. */
void campaign_world_run(const struct campaign_options *options, struct campaign_result *result);

#endif
