#include "harness/resident.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
