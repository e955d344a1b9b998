/* Campaigns in a process of their own, so that their workers are not the test's. */
#ifndef PX_TEST_OUTSIDE_H
#define PX_TEST_OUTSIDE_H

#include <sys/types.h>

#include "harness/campaign.h"

/* What such a campaign leaves, in memory that both share (isolate_share). */
struct outside {
    struct campaign_result result;
    enum px_status status;
    struct px_error error;
};

/* Starts one. @prepare(@arg), unless NULL, is what the process does first. */
pid_t outside_start(const struct campaign_options *options, struct outside *outside,
                    void (*prepare)(void *arg), void *arg);

/* Waits for its end; fails the test unless the campaign went well. */
void outside_finish(const struct outside *outside, pid_t campaign);

#endif
