/*
 * How much memory a campaign's processes hold, early and late: it must be the same. Resident sets (VmRSS): shared pages
 * count in full.
 */
#ifndef PX_RESIDENT_H
#define PX_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { RESIDENT_EARLY = 100000 }; /* programs of the campaign after which it is looked at first */

/* In bytes; 0: the campaign did not get that far, or /proc does not tell. */
struct resident {
    uint64_t worker; /* the largest of them */
    uint64_t supervisor;
};

/* What process @pid has resident; 0 when it is not known. */
uint64_t resident_bytes(pid_t pid);

#endif
