#define _GNU_SOURCE
#include "harness/gate/files.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/vectors/vectors.h"

static const char *const folders[GATE_RANGES] = {
    [GATE_REGRESS] = "regress",
    [GATE_VECTORS] = "vectors",
    [GATE_SEEDS] = "seeds",
};

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_ours(const FTSENT *entry)
{
    static const char suffix[] = ".px";
    size_t length = strlen(suffix);
    return vectors_is_path(entry->fts_name) ||
           (entry->fts_namelen > length &&
            strcmp(entry->fts_name + entry->fts_namelen - length, suffix) == 0);
}

/* What one entry of a tree adds. */
static enum px_status take_entry(struct gate *gate, enum gate_part part, FTS *tree, FTSENT *entry,
                                 struct px_error *err)
{
    bool hidden = entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.';
    if (hidden && entry->fts_info == FTS_D)
        (void)fts_set(tree, entry, FTS_SKIP);
    if (hidden)
        return PX_OK;
    switch (entry->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
        return px_fail(err, PX_ERR_INPUT, "%.200s: cannot be read: %s", entry->fts_path,
                       strerror(entry->fts_errno));
    case FTS_DC:
        return px_fail(err, PX_ERR_INPUT, "%.200s: is a link to a folder that it is in", entry->fts_path);
    case FTS_F:
    case FTS_NS: /* opening it will tell */
    case FTS_SLNONE:
        return is_ours(entry) ? gate_add_case(gate, part, entry->fts_path, 1, err) : PX_OK;
    default:
        return PX_OK;
    }
}

static enum px_status walk(struct gate *gate, enum gate_part part, char *folder, struct px_error *err)
{
    char *const roots[] = { folder, NULL };
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    enum px_status status = PX_OK;
    if (!tree)
        return px_fail(err, PX_ERR_SYSTEM, "%.200s: %s", folder, strerror(errno));
    FTSENT *entry;
    while (status == PX_OK && (errno = 0, entry = fts_read(tree)))
        status = take_entry(gate, part, tree, entry, err);
    if (status == PX_OK && errno != 0)
        status = px_fail(err, PX_ERR_SYSTEM, "%.200s: %s", folder, strerror(errno));
    fts_close(tree);
    return status;
}

static enum px_status find_part(struct gate *gate, enum gate_part part, struct px_error *err)
{
    struct stat info;
    char *folder = NULL;
    if (asprintf(&folder, "%s/%s", gate->corpus, folders[part]) < 0)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a path");
    enum px_status status = PX_OK;
    if (stat(folder, &info) != 0 && errno == ENOENT)
        gate->missing[part] = true;
    else
        status = walk(gate, part, folder, err);
    free(folder);
    return status;
}

static enum px_status check_vectors(struct gate_case *c, struct px_error *err)
{
    struct vectors vectors;
    enum px_status status = vectors_load(&vectors, c->name, err);
    if (status != PX_OK)
        return status;
    c->planned = vectors.cases;
    vectors_fini(&vectors);
    return PX_OK;
}

/* A corpus with a file that cannot be read is not what its owner takes it for. */
static enum px_status check_files(struct gate *gate, struct px_error *err)
{
    struct px_program program;
    enum px_status status = PX_OK;
    px_program_init(&program);
    for (size_t i = 0; i < gate->case_count && status == PX_OK; i++) {
        struct gate_case *c = &gate->cases[i];
        status = vectors_is_path(c->name) ? check_vectors(c, err) : px_program_load(&program, c->name, err);
    }
    px_program_fini(&program);
    return status;
}

enum px_status gate_find_files(struct gate *gate, bool named, struct px_error *err)
{
    struct stat info;
    bool there = stat(gate->corpus, &info) == 0;
    if (there ? !S_ISDIR(info.st_mode) : named || errno != ENOENT)
        return px_fail(err, PX_ERR_INPUT, "corpus '%.200s': %s", gate->corpus,
                       strerror(there ? ENOTDIR : errno));
    enum px_status status = PX_OK;
    for (enum gate_part part = GATE_REGRESS; part < GATE_RANGES && status == PX_OK; part++)
        status = find_part(gate, part, err);
    return status == PX_OK ? check_files(gate, err) : status;
}
