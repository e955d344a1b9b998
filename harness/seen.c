#include "harness/seen.h"

#include <stdlib.h>

#include <xxhash.h>

enum { FIRST_CAPACITY = 1024 };

static uint64_t mix(uint64_t digest, const void *bytes, size_t size)
{
    return size > 0 ? XXH3_64bits_withSeed(bytes, size, digest) : digest + 1;
}

uint64_t seen_digest(const struct px_program *p)
{
    uint64_t numbers[] = { p->gas, p->entry_pc, p->code_size, p->map_count };
    uint64_t digest = mix(0, numbers, sizeof numbers);
    digest = mix(digest, p->x, sizeof p->x);
    digest = mix(digest, p->code, p->code_size);
    for (size_t i = 0; i < p->map_count; i++) {
        struct px_mapping map = px_program_mapping(p, i);
        uint64_t row[] = { map.start, map.size, (uint64_t)map.kind, map.content_size };
        digest = mix(digest, row, sizeof row);
        digest = mix(digest, map.content, (size_t)map.content_size);
    }
    return digest ? digest : 1;
}

static bool insert(uint64_t *slots, size_t capacity, uint64_t digest)
{
    size_t at = (size_t)digest & (capacity - 1);
    while (slots[at] != 0 && slots[at] != digest)
        at = (at + 1) & (capacity - 1);
    bool added = slots[at] == 0;
    slots[at] = digest;
    return added;
}

static enum px_status grow(struct seen *seen)
{
    size_t capacity = seen->capacity ? 2 * seen->capacity : FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return PX_ERR_NOMEM;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slots[i] != 0)
            insert(slots, capacity, seen->slots[i]);
    free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    return PX_OK;
}

enum px_status seen_add(struct seen *seen, uint64_t digest, bool *added)
{
    if (2 * (seen->count + 1) > seen->capacity) {
        enum px_status status = grow(seen);
        if (status != PX_OK)
            return status;
    }
    *added = insert(seen->slots, seen->capacity, digest);
    seen->count += *added;
    return PX_OK;
}

void seen_fini(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){ .count = 0 };
}
