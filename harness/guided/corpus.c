#define _GNU_SOURCE
#include "harness/guided/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/store.h"

enum { NAME_ROOM = 64 };

enum px_status corpus_open(struct corpus *corpus, const char *out, const char *folder, struct px_error *err)
{
    *corpus = (struct corpus){ .folder = NULL };
    if (asprintf(&corpus->folder, "%s%s", folder ? folder : out, folder ? "" : "/corpus") < 0) {
        corpus->folder = NULL;
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a folder's name");
    }
    enum px_status status = store_open(corpus->folder, err);
    if (status != PX_OK)
        corpus_close(corpus);
    return status;
}

void corpus_close(struct corpus *corpus)
{
    if (corpus->folder)
        store_close(corpus->folder);
    free(corpus->folder);
    seen_fini(&corpus->names);
    corpus->folder = NULL;
}

/* Programs, and not what a killed campaign left half written. */
static int is_entry(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return (length > 3 && strcmp(entry->d_name + length - 3, ".px") == 0) ||
           (length > 4 && strcmp(entry->d_name + length - 4, ".pxb") == 0);
}

struct loader {
    struct corpus *corpus;
    size_t size_max;
    corpus_take_fn *take;
    void *arg;
    struct px_program program;
    uint8_t *bytes;
};

/* False: the loading is to end, *status says whether for a good reason. */
static bool load_one(struct loader *l, const char *name, enum px_status *status, struct px_error *err)
{
    struct px_error why = { "" };
    char *path;
    bool added;
    size_t size;
    if (asprintf(&path, "%s/%s", l->corpus->folder, name) < 0) {
        *status = px_fail(err, PX_ERR_NOMEM, "out of memory for a file name");
        return false;
    }
    enum px_status read = px_program_load(&l->program, path, &why);
    free(path);
    l->program.origin.known = false;
    l->program.has_expect = false;
    if (read == PX_OK)
        read = px_program_pack(&l->program, l->bytes, l->size_max, &size);
    if (read != PX_OK) { /* one that is too large for us is no mistake */
        if (read != PX_ERR_FULL)
            fprintf(stderr, "corpus: left out: %s\n", why.text);
        l->corpus->refused++;
        return true;
    }
    *status = seen_add(&l->corpus->names, seen_digest(&l->program), &added);
    if (*status != PX_OK)
        return false;
    l->corpus->loaded += added;
    return !added || l->take(l->arg, l->bytes, size);
}

enum px_status corpus_load(struct corpus *corpus, size_t size_max, corpus_take_fn *take, void *arg,
                           struct px_error *err)
{
    struct loader loader = {
        .corpus = corpus, .size_max = size_max, .take = take, .arg = arg, .bytes = malloc(size_max)
    };
    struct dirent **entries;
    enum px_status status = PX_OK;
    if (!loader.bytes)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a program");
    int count = scandir(corpus->folder, &entries, is_entry, alphasort);
    if (count < 0)
        status = px_fail(err, PX_ERR_SYSTEM, "'%s': %s", corpus->folder, strerror(errno));
    px_program_init(&loader.program);
    bool more = true;
    for (int i = 0; i < count; i++) {
        more = more && load_one(&loader, entries[i]->d_name, &status, err);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    px_program_fini(&loader.program);
    free(loader.bytes);
    return status;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

/*
 * Not synced: what a process has written and renamed is there whatever becomes of the process, and thousands of waits for a
 * disk would cost more than the entries that are lost with the machine.
 */
static bool write_entry(const char *folder, const char *name, const uint8_t *bytes, size_t size)
{
    char temporary[2 * NAME_ROOM];
    int parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return false;
    (void)snprintf(temporary, sizeof temporary, ".%s.tmp-%d", name, (int)getpid());
    int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = fd >= 0 && write_all(fd, bytes, size);
    if (fd >= 0)
        good = close(fd) == 0 && good;
    good = good && renameat(parent, temporary, parent, name) == 0;
    int why = errno;
    if (!good && fd >= 0)
        unlinkat(parent, temporary, 0);
    close(parent);
    errno = why;
    return good;
}

enum px_status corpus_save(struct corpus *corpus, const struct px_program *program, const uint8_t *bytes,
                           size_t size, bool *added, struct px_error *err)
{
    char name[NAME_ROOM];
    uint64_t digest = seen_digest(program);
    enum px_status status = seen_add(&corpus->names, digest, added);
    if (status != PX_OK)
        return px_fail(err, status, "out of memory for the corpus");
    if (!*added)
        return PX_OK;
    (void)snprintf(name, sizeof name, "%016" PRIx64 ".pxb", digest);
    if (!write_entry(corpus->folder, name, bytes, size))
        return px_fail(err, PX_ERR_SYSTEM, "'%s/%s': %s", corpus->folder, name, strerror(errno));
    corpus->saved++;
    return PX_OK;
}
