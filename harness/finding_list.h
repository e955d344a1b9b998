/*
 * The findings of a range of programs, in the order of the programs. What is listed depends on the programs alone,
 * not on the order in which findings come in:
 *
 * - Of differences that look alike (the same engine, the same kind of field) it keeps the first few of each sixteenth of
 *   the range, so that a bug in every program makes no million of them and hides no other. The rest are only counted.
 * - The range ends early after a number of aborts, hangs and state leaks, each of which costs a process or more, and
 *   after very many differences.
 */
#ifndef PX_FINDING_LIST_H
#define PX_FINDING_LIST_H

#include "harness/finding.h"
#include "vm/status.h"

enum {
    FINDING_SEGMENTS = 16,
    FINDING_CHUNK = 4096,   /* differences are counted for so many programs at a time */
    FINDING_LOOKS_MAX = 64, /* engines x words of bucket_field */
};

/* None of them is 0. */
struct finding_limits {
    uint64_t programs;        /* in the range */
    uint64_t each;            /* differences kept of each look and sixteenth */
    uint64_t severe_max;      /* the range ends with the program of this abort, hang or state leak, ... */
    uint64_t hangs_max;       /* ... of this hang, ... */
    uint64_t differences_max; /* ... or with the chunk of this difference */
};

/* Why a range ended where it did. */
enum finding_end {
    FINDING_END_WHOLE,
    FINDING_END_SEVERE, /* aborts, hangs, state leaks */
    FINDING_END_DIFFERENCES,
};

/* Differences that look alike, so far. */
struct finding_look {
    size_t other;
    const char *field;
    uint64_t kept[FINDING_SEGMENTS], last[FINDING_SEGMENTS]; /* how many, and the highest index among them */
};

struct finding_list {
    struct finding_limits limits;
    uint64_t end; /* first index beyond the range; falls when it ends early ... */
    enum finding_end why; /* ... for this */
    uint64_t severe_end, flood_end; /* where aborts and so on end it, where differences do */
    struct finding *items; /* ascending by index, then by kind */
    size_t count, capacity;
    struct finding_look looks[FINDING_LOOKS_MAX];
    size_t look_count;
    uint32_t *differences; /* in each chunk; NULL until the first */
    uint64_t difference_count; /* in all chunks */
};

void finding_list_init(struct finding_list *list, const struct finding_limits *limits);
void finding_list_fini(struct finding_list *list);

/* Adds a copy, unless there is one with this index and kind, or the list has no place for it. PX_ERR_NOMEM. */
enum px_status finding_list_add(struct finding_list *list, const struct finding *finding) PX_CHECKED;

/* Differences that were only counted; 0 after FINDING_END_SEVERE: chance has a say in it then. */
uint64_t finding_list_more(const struct finding_list *list);

#endif
