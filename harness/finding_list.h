/*
 * The findings of a range of programs in the order of their programs, whatever order they come in. The range ends early
 * at a certain finding, so that a bug in every program is no million of them; what is listed then, and where it ends,
 * depends on the programs alone.
 */
#ifndef PX_FINDING_LIST_H
#define PX_FINDING_LIST_H

#include "harness/finding.h"
#include "vm/status.h"

struct finding_list {
    uint64_t findings_max,
        hangs_max; /* the range ends with the program of this finding, or of this hang; 0: never */
    uint64_t end; /* first index beyond it; UINT64_MAX until then. Only ever falls */
    struct finding *items; /* all below end, ascending by index, then by kind */
    size_t count, capacity;
};

void finding_list_init(struct finding_list *list, uint64_t findings_max, uint64_t hangs_max);
void finding_list_fini(struct finding_list *list);

/* Adds a copy, unless there is one with this index and kind, or it lies beyond the end. PX_ERR_NOMEM. */
enum px_status finding_list_add(struct finding_list *list, const struct finding *finding) PX_CHECKED;

#endif
