/* How much of what it is given an engine takes: what it never ran, a campaign says nothing about. */
#ifndef PX_ELIGIBLE_H
#define PX_ELIGIBLE_H

#include "harness/campaign.h"

/* Programs an engine must have been given before it is held to its share. */
#define ELIGIBLE_TURNS_MIN 1000.0

/* The part of the programs of its turn that engine @index took, 0 to 1. */
double eligible_share(const struct campaign_result *result, size_t index);

/*
 * Whether every engine took what its kind is expected to take of programs that hold a bit of everything: `linear` a
 * twentieth, the others anything at all. If not, @text says which did not.
 */
bool eligible_enough(const struct campaign_result *result, char *text, size_t size);

#endif
