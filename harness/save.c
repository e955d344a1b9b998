#define _GNU_SOURCE
#include "harness/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that @path is in, as a path that only a folder answers to; NULL: no memory. The caller frees it. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = NULL;
    if (asprintf(&parent, "%.*s.", slash ? (int)(slash - path) + 1 : 0, path) < 0)
        return NULL;
    return parent;
}

enum px_status save_check(const char *path, struct px_error *err)
{
    struct stat info;
    char *parent = parent_of(path);
    enum px_status status = PX_OK;
    bool there = stat(path, &info) == 0, in_place = there && !S_ISREG(info.st_mode);
    if (!parent)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a file name");
    if (there && S_ISDIR(info.st_mode))
        status = px_fail(err, PX_ERR_INPUT, "'%.200s': is a folder, expected a file to write", path);
    else if (!*path || access(in_place ? path : parent, in_place ? W_OK : W_OK | X_OK) != 0)
        status = px_fail(err, PX_ERR_INPUT, "'%.200s': cannot be written: %s", path,
                         *path ? strerror(errno) : "it has no name");
    free(parent);
    return status;
}

static enum px_status fill(const char *path, FILE *file, bool sync, save_fn *write, const void *arg,
                           struct px_error *err)
{
    enum px_status status = write(file, arg);
    bool good = fflush(file) == 0 && !ferror(file) && (!sync || fsync(fileno(file)) == 0);
    good = fclose(file) == 0 && good;
    if (status != PX_OK && good)
        return px_fail(err, status, "%.200s: %s", path, px_status_name(status));
    return good ? PX_OK : px_fail(err, PX_ERR_SYSTEM, "%.200s: %s", path, strerror(errno));
}

/* A rename is on the disk when its folder is. */
static bool sync_parent(const char *path)
{
    char *parent = parent_of(path);
    int folder = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool good = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    free(parent);
    return good;
}

enum px_status save_file(const char *path, save_fn *write, const void *arg, struct px_error *err)
{
    struct stat info;
    char *temporary = NULL;
    enum px_status status = save_check(path, err);
    if (status != PX_OK)
        return status;
    bool in_place = stat(path, &info) == 0 && !S_ISREG(info.st_mode);
    if (!in_place && asprintf(&temporary, "%s.tmp-%d", path, (int)getpid()) < 0)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a file name");
    FILE *file = fopen(in_place ? path : temporary, in_place ? "we" : "wxe");
    if (!file) {
        status = px_fail(err, PX_ERR_SYSTEM, "%.200s: %s", in_place ? path : temporary, strerror(errno));
    } else {
        status = fill(path, file, !in_place, write, arg, err);
        bool renamed = !in_place && status == PX_OK && rename(temporary, path) == 0;
        if (!in_place && status == PX_OK && !(renamed && sync_parent(path)))
            status = px_fail(err, PX_ERR_SYSTEM, "%.200s: %s", path, strerror(errno));
        if (!in_place && !renamed)
            (void)unlink(temporary);
    }
    free(temporary);
    return status;
}
