/* What a search has tried: a set of program digests. */
#ifndef PX_SEEN_H
#define PX_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/program.h"

/* Zeroed is empty. */
struct seen {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
};

/* A digest of everything an engine can see of @program; never 0. */
uint64_t seen_digest(const struct px_program *program);

/* *added: @digest was not in the set before. PX_ERR_NOMEM. */
enum px_status seen_add(struct seen *seen, uint64_t digest, bool *added) PX_CHECKED;
void seen_fini(struct seen *seen);

#endif
