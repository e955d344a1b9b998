/* The example, which goes wrong in a way that is an option of it over every program that begins with x5 = 0xdead. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define px_engine_entry example_entry
#include "harness/examples/engine.c"
#undef px_engine_entry

static char mischief[64]; /* one instance in a process */

static enum px_status hostile_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    snprintf(mischief, sizeof mischief, "%s", options);
    return engine_create("", engine, err);
}

/* How an option changes what is told of a run. */
static void lie(struct px_outcome *out)
{
    static const uint32_t pages[] = { 5, 5 };
    static const int no_exit = 93;
    if (!strcmp(mischief, "exit"))
        memcpy(&out->exit, &no_exit, sizeof out->exit);
    if (!strcmp(mischief, "stopped"))
        out->exit = PX_EXIT_STOPPED;
    if (!strcmp(mischief, "arg"))
        out->arg = INT64_MIN;
    if (!strcmp(mischief, "dirty")) {
        out->dirty = pages;
        out->dirty_count = 2;
    }
    if (!strcmp(mischief, "count"))
        out->dirty_count = SIZE_MAX;
}

static enum px_status hostile_run(struct px_engine *engine, struct px_unit *unit,
                                  const struct px_entry *entry, struct px_outcome *out, struct px_error *err)
{
    static volatile int forever = 1;
    static volatile int *volatile wild = (volatile int *)(uintptr_t)0xbad;
    static int left_behind;
    enum px_status status = engine_run(engine, unit, entry, out, err);
    if (!strcmp(mischief, "leak"))
        out->x[1] += (uint64_t)left_behind++;
    if (entry->x[5] != 0xdead)
        return status;
    if (!strcmp(mischief, "crash"))
        *wild = 1;
    while (!strcmp(mischief, "loop") && forever)
        ;
    if (!strcmp(mischief, "syscall"))
        syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    if (!strcmp(mischief, "leave"))
        _exit(0);
    if (!strcmp(mischief, "kill"))
        syscall(SYS_kill, getppid(), SIGKILL);
    if (!strcmp(mischief, "error")) {
        snprintf(err->text, sizeof err->text, "no\nmore\x1b[31m");
        return PX_ERR_NOMEM;
    }
    lie(out);
    return status;
}

px_engine_entry_fn px_engine_entry;

const struct px_engine_ops *px_engine_entry(void)
{
    static struct px_engine_ops changed;
    changed = *example_entry();
    changed.create = hostile_create;
    changed.run = hostile_run;
    return &changed;
}
