/* A folder of a test's own. */
#ifndef PX_TEST_FOLDER_H
#define PX_TEST_FOLDER_H

#include <stddef.h>

struct folder {
    char path[64];
};

/* Makes an empty folder below TMPDIR or /tmp. Fails the test when it cannot. */
void folder_make(struct folder *folder);

/* Removes it with all that is in it. */
void folder_remove(const struct folder *folder);

/* Writes FOLDER/@name to @path. */
void folder_path(const struct folder *folder, const char *name, char *path, size_t size);

/* Makes FOLDER/@name, an empty file. */
void folder_add(const struct folder *folder, const char *name);

/* How many files and folders stand in FOLDER/@name ("" for itself); 0 when there is no such folder. */
size_t folder_entries(const struct folder *folder, const char *name);

/* The bytes of FOLDER/@name, NUL-terminated; the caller frees them. Fails the test when there is no such file. */
char *folder_read(const struct folder *folder, const char *name);

#endif
