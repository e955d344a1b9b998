#define _GNU_SOURCE
#include "harness/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/emit.h"
#include "harness/guided/guided.h"
#include "harness/save.h"

enum { PATH_ROOM = 4096 };

static enum px_status make_folders(const char *out, struct px_error *err)
{
    char path[PATH_ROOM];
    size_t length = strlen(out);
    if (length == 0 || length >= sizeof path)
        return px_fail(err, PX_ERR_INPUT, "output folder '%.60s': expected a path of 1 to %zu characters",
                       out, sizeof path - 1);
    for (size_t i = 1; i <= length; i++) {
        if (out[i] != '/' && out[i] != '\0')
            continue;
        memcpy(path, out, i);
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return px_fail(err, PX_ERR_INPUT, "output folder '%s': %s", path, strerror(errno));
    }
    return PX_OK;
}

enum px_status store_open(const char *out, struct px_error *err)
{
    enum px_status status = make_folders(out, err);
    if (status != PX_OK)
        return status;
    int fd = open(out, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EOPNOTSUPP &&
        errno != EISDIR) /* these two: the file system has no nameless files */
        return px_fail(err, PX_ERR_INPUT, "output folder '%s': %s", out, strerror(errno));
    if (fd < 0 && access(out, W_OK | X_OK) != 0)
        return px_fail(err, PX_ERR_INPUT, "output folder '%s': %s", out, strerror(errno));
    if (fd >= 0)
        close(fd);
    return PX_OK;
}

void store_close(const char *out)
{
    rmdir(out); /* only an empty one goes */
}

/* As far as the engine says. */
static void write_outcome(FILE *file, const char *spec, struct px_caps caps, const struct px_outcome *out)
{
    char exit[64];
    px_exit_format(out, exit, sizeof exit);
    if (out->exit == PX_EXIT_UNJUDGED) {
        fprintf(file, "  %-28s no verdict: %s\n", spec, exit + strlen("unjudged:"));
        return;
    }
    fprintf(file, "  %-28s exit=%s pc=%#x", spec, exit, out->pc);
    if (caps.gas)
        fprintf(file, " gas=%" PRIu64, out->gas);
    if (caps.counts)
        fprintf(file, " instructions=%" PRIu64, out->native + out->side_exit + out->interpreted);
    if (caps.dirty)
        fprintf(file, " dirty=%zu", out->dirty_count);
    fputc('\n', file);
}

static void write_details(FILE *file, const struct isolated *result, const struct finding *f)
{
    char lines[4096];
    if (f->kind == FINDING_DIFF) {
        diff_describe(&f->diff, result->specs[0], result->specs[f->other], lines, sizeof lines);
        fputs(lines, file);
    } else if (f->kind == FINDING_LEAK) {
        fprintf(file, "  again   otherwise after program number %" PRIu64 " of the same campaign has run\n",
                f->between);
    } else if (f->kind == FINDING_ABORT) {
        fprintf(file, "  signal  %d (%s) at host address %#" PRIx64 "\n", f->signal,
                f->signal ? sigdescr_np(f->signal) : "the process ended by itself", f->address);
        if (f->guest_pc_known)
            fprintf(file, "  code    of the guest block at pc %#x\n", f->guest_pc);
        else
            fprintf(file, "  code    %s\n",
                    f->in_harness ? "the process itself, not generated code" : "generated code");
    }
}

static void write_finding(FILE *file, const struct isolated *result)
{
    const struct finding *f = &result->finding;
    char what[256], majority[MAJORITY_TEXT];
    finding_format(f, what, sizeof what);
    fprintf(file, "diverges  %s (%u of %u runs in a fresh process)\n", what, result->diverged,
            result->runs + (f->kind == FINDING_DIFF ? 0 : 1));
    write_details(file, result, f);
    if (isolate_describe_majority(result, majority, sizeof majority))
        fprintf(file, "verdict   %s\n", majority);
}

static void write_unstable(FILE *file, const struct isolated *result, const struct finding *f)
{
    char what[256];
    finding_format(f, what, sizeof what);
    fprintf(file, "unstable  %s, seen once in a campaign and not again in a fresh process\n", what);
    write_details(file, result, f);
}

enum px_status store_report(FILE *file, const struct px_program *program, const struct isolated *result)
{
    const struct px_origin *o = &program->origin;
    if (o->known)
        fprintf(file, "program   number %" PRIu64 " of seed %#" PRIx64 ", generator %s@%u\n", o->index,
                o->seed, o->gen, o->version);
    if (result->diverged > 0)
        write_finding(file, result);
    else
        fprintf(file, "agrees    in %u run%s\n", result->runs, result->runs == 1 ? "" : "s");
    if (result->runs > 0)
        fprintf(file, "outcomes\n");
    for (size_t i = 0; i < result->engine_count && result->runs > 0; i++) {
        if (result->supported[i])
            write_outcome(file, result->specs[i], result->caps[i], &result->outcomes[i]);
        else
            fprintf(file, "  %-28s unsupported: did not run\n", result->specs[i]);
    }
    if (o->known && strcmp(o->gen, GUIDED_GEN) == 0)
        fprintf(file, "replay    from its file: it was made of others of the campaign's corpus\n");
    else if (o->known)
        fprintf(file, "replay    parallax replay --seed %#" PRIx64 " --index %" PRIu64 " --gen %s@%u\n",
                o->seed, o->index, o->gen, o->version);
    return ferror(file) ? PX_ERR_SYSTEM : PX_OK;
}

static void write_bucket(FILE *file, const struct stored *stored)
{
    const struct minimized *m = stored->minimized;
    const struct bucket *b = &m->bucket;
    fprintf(file, "bucket    %s  (%s)\n", b->id, b->hash);
    if (b->place == BUCKET_INSN)
        fprintf(file, "located   %s at pc %#x, in the block at pc %#x, block number %" PRIu64 " to run\n",
                px_ops[b->insn.op].mnemonic, b->pc, b->block_pc, b->block);
    if (m->confirmed)
        fprintf(file, "minimal   minimal.px: %zu instruction%s of %zu, %" PRIu64 " program%s tried%s\n",
                m->after, m->after == 1 ? "" : "s", m->before, m->candidates, m->candidates == 1 ? "" : "s",
                m->complete ? "" : " until the time was up");
    if (!stored->located)
        return;
    fprintf(file, "\n%s\n", m->confirmed ? "minimal.px" : "original.px");
    located_write(file, stored->located);
}

static enum px_status write_program(FILE *file, const void *program)
{
    return px_program_write(program, file);
}

static enum px_status write_assembly(FILE *file, const void *program)
{
    return emit_write(program, file);
}

static enum px_status write_report(FILE *file, const void *arg)
{
    const struct stored *stored = arg;
    if (stored->unstable)
        write_unstable(file, stored->result, stored->unstable);
    enum px_status status = store_report(file, stored->original, stored->result);
    if (stored->oracle && stored->oracle[0])
        fprintf(file, "oracle    %s\n", stored->oracle);
    if (stored->minimized)
        write_bucket(file, stored);
    return status;
}

/* Writes one file of the finding, to the disk and not only to the cache. */
static bool write_file(int folder, const char *name, save_fn *write, const void *arg)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    enum px_status status = write(file, arg);
    bool good = status == PX_OK && fflush(file) == 0 && !ferror(file) && fsync(fd) == 0;
    return fclose(file) == 0 && good;
}

/* Only files: a finding holds no folders. */
static void remove_finding(int parent, const char *name)
{
    struct dirent **entries;
    int count = scandirat(parent, name, &entries, NULL, NULL);
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < count; i++) {
        if (folder >= 0 && entries[i]->d_type != DT_DIR)
            unlinkat(folder, entries[i]->d_name, 0);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (folder >= 0)
        close(folder);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static bool write_finding_folder(int parent, const char *name, const struct stored *stored)
{
    if (mkdirat(parent, name, 0777) != 0)
        return false;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    bool minimal = stored->minimized && stored->minimized->confirmed;
    bool good = write_file(folder, "original.px", write_program, stored->original) &&
                write_file(folder, "report.txt", write_report, stored);
    if (good && minimal)
        good = write_file(folder, "minimal.px", write_program, stored->minimal);
    if (good && stored->minimized)
        good = write_file(folder, "repro.S", write_assembly, minimal ? stored->minimal : stored->original);
    good = good && fsync(folder) == 0;
    close(folder);
    return good;
}

enum px_status store_bucket(const char *out, const char *name, const struct stored *stored,
                            struct px_error *err)
{
    char temporary[64];
    (void)snprintf(temporary, sizeof temporary, ".tmp-%d", (int)getpid());
    int parent = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return px_fail(err, PX_ERR_SYSTEM, "output folder '%s': %s", out, strerror(errno));
    bool good = write_finding_folder(parent, temporary, stored);
    if (good && renameat(parent, temporary, parent, name) != 0) {
        remove_finding(parent, name); /* of an earlier campaign */
        good = renameat(parent, temporary, parent, name) == 0;
    }
    if (good)
        good = fsync(parent) == 0;
    enum px_status status =
        good ? PX_OK : px_fail(err, PX_ERR_SYSTEM, "finding '%s/%s': %s", out, name, strerror(errno));
    if (!good)
        remove_finding(parent, temporary);
    close(parent);
    return status;
}

enum px_status store_finding(const char *out, const char *name, const struct px_program *program,
                             const struct isolated *result, struct px_error *err)
{
    const struct stored stored = { .original = program, .result = result };
    return store_bucket(out, name, &stored, err);
}

enum px_status store_unstable(const char *out, const char *name, const struct stored *stored,
                              struct px_error *err)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/unstable", out);
    enum px_status status = store_open(path, err);
    return status == PX_OK ? store_bucket(path, name, stored, err) : status;
}

enum px_status store_further(const char *out, const char *name, const char *file,
                             const struct px_program *program, struct px_error *err)
{
    char path[PATH_ROOM];
    static const char temporary[] = ".tmp-further";
    int length = snprintf(path, sizeof path, "%s/%s", out, name);
    int folder =
        length < 0 || (size_t)length >= sizeof path ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && write_file(folder, temporary, write_program, program) &&
                renameat(folder, temporary, folder, file) == 0 && fsync(folder) == 0;
    enum px_status status =
        good ? PX_OK
             : px_fail(err, PX_ERR_SYSTEM, "finding '%s/%s/%s': %s", out, name, file, strerror(errno));
    if (folder >= 0) {
        if (!good)
            unlinkat(folder, temporary, 0);
        close(folder);
    }
    return status;
}
