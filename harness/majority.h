/*
 * Which engine stands alone when several disagree. Engines vote by what they can say: one that meters no gas abstains
 * where gas is what the others disagree on.
 */
#ifndef PX_MAJORITY_H
#define PX_MAJORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAJORITY_MAX = 8, /* engines */
    MAJORITY_TEXT = 512,
};

enum relation {
    RELATION_UNKNOWN, /* one of them did not run, or cannot say */
    RELATION_AGREE,
    RELATION_DIFFER,
};

struct majority {
    uint8_t relation[MAJORITY_MAX][MAJORITY_MAX]; /* enum relation; symmetric */
};

/* Enters what @a and @b are to each other. */
void majority_set(struct majority *majority, size_t a, size_t b, enum relation relation);

/* Makes of anything whatever a majority that can be read. */
void majority_make_harmless(struct majority *majority);

/*
 * Writes "block stands alone against interp and qemu", "a and b stand against c, d and e", "no majority: interp against
 * block; qemu cannot tell", NUL-terminated. @names are those of @count engines, at most MAJORITY_MAX. False, and an
 * empty text, unless at least three of them have something to do with another: two cannot be judged.
 */
bool majority_describe(const struct majority *majority, const char *const *names, size_t count, char *text,
                       size_t size);

#endif
