#define _GNU_SOURCE
#include "harness/tests/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tests/give_up.h"

enum { PATH_ROOM = 256, OPEN_FOLDERS = 8 };

void folder_make(struct folder *folder)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || strlen(parent) > sizeof folder->path / 2)
        parent = "/tmp";
    (void)snprintf(folder->path, sizeof folder->path, "%s/parallax-XXXXXX", parent);
    assert_non_null(mkdtemp(folder->path));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void folder_remove(const struct folder *folder)
{
    assert_int_equal(nftw(folder->path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS), 0);
}

void folder_path(const struct folder *folder, const char *name, char *path, size_t size)
{
    int length = snprintf(path, size, "%s/%s", folder->path, name);
    assert_in_range(length, 1, size - 1);
}

void folder_add(const struct folder *folder, const char *name)
{
    char path[PATH_ROOM];
    folder_path(folder, name, path, sizeof path);
    FILE *file = fopen(path, "we");
    if (!file)
        give_up(path);
    assert_int_equal(fclose(file), 0);
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

size_t folder_entries(const struct folder *folder, const char *name)
{
    char path[PATH_ROOM];
    struct dirent **list;
    folder_path(folder, name, path, sizeof path);
    int count = scandir(path, &list, is_entry, alphasort);
    if (count < 0)
        return 0;
    for (int i = 0; i < count; i++)
        free(list[i]);
    free(list);
    return (size_t)count;
}

char *folder_read(const struct folder *folder, const char *name)
{
    char path[PATH_ROOM], *text = NULL;
    size_t size = 0;
    folder_path(folder, name, path, sizeof path);
    FILE *file = fopen(path, "re");
    if (!file)
        give_up(path);
    ssize_t length = getdelim(&text, &size, '\0', file);
    if (length < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    assert_non_null(text);
    return text;
}
