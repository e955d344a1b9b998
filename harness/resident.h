/*
 * How much memory a campaign's processes hold, early and late: it must be the same. Resident sets (VmRSS): shared pages
 * count in full.
 */
#ifndef PX_RESIDENT_H
#define PX_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RESIDENT_EARLY = 100000, /* programs of the campaign after which it is looked at first */
    RESIDENT_LOOKS = 16,     /* of which the least counts: what one program touches goes again with it */
};

/* In bytes; 0: the campaign did not get that far, or /proc does not tell. */
struct resident {
    uint64_t worker; /* the largest of them */
    uint64_t supervisor;
};

/* The last looks at a campaign. */
struct resident_watch {
    struct resident looks[RESIDENT_LOOKS];
    unsigned count; /* of looks so far */
    double due;     /* child_clock: when it is time for the next */
};

/* Takes a look that found @now. @late becomes the least of the last looks, @early that of the first. */
void resident_note(struct resident_watch *watch, struct resident now, double time, struct resident *early,
                   struct resident *late);

/* What process @pid has resident; 0 when it is not known. */
uint64_t resident_bytes(pid_t pid);

#endif
