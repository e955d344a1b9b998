#include "harness/resident.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_SECONDS 0.1 /* between two */

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void resident_note(struct resident_watch *watch, struct resident now, double time, struct resident *early,
                   struct resident *late)
{
    watch->due = time + LOOK_SECONDS;
    watch->looks[watch->count++ % RESIDENT_LOOKS] = now;
    *late = now;
    for (unsigned i = 0; i < RESIDENT_LOOKS && i < watch->count; i++) {
        late->worker = lesser(late->worker, watch->looks[i].worker);
        late->supervisor = lesser(late->supervisor, watch->looks[i].supervisor);
    }
    if (watch->count <= RESIDENT_LOOKS)
        *early = *late;
}

/* The second number of its statm file, in pages. */
uint64_t resident_bytes(pid_t pid)
{
    char path[64], line[128];
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    char *at = file ? fgets(line, sizeof line, file) : NULL;
    uint64_t bytes = 0;
    if (at) {
        (void)strtoull(at, &at, 10);
        bytes = strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    if (file)
        (void)fclose(file);
    return bytes;
}
