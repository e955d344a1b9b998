#define _GNU_SOURCE
#include "jit/codebuf.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    UNIT_ALIGNMENT = 64,
    KEEP_BYTES = 256 << 10, /* what codebuf_recycle leaves to the next units */
    INT3 = 0xcc,
};

/* Bytes that stay in memory whatever is recycled. */
static size_t kept(const struct codebuf *buf)
{
    return KEEP_BYTES < buf->capacity ? KEEP_BYTES : buf->capacity;
}

/* Takes what would come page by page, for minutes: a long-lived process is to stay as large as it is. */
static void take_kept(struct codebuf *buf)
{
    codebuf_clear(buf);
    /* A refusal, by Linux before 5.14, only makes them come later. */
    (void)madvise((void *)(uintptr_t)buf->exec, kept(buf), MADV_POPULATE_READ);
}

/* Nameless shared memory, which is what perf looks up names for; mremap of 0 bytes gives a second view of it. */
static void *view_again(void *write, size_t capacity)
{
    void *exec = mremap(write, 0, capacity, MREMAP_MAYMOVE);
    if (exec == MAP_FAILED || mprotect(exec, capacity, PROT_READ | PROT_EXEC) == 0)
        return exec;
    int refused = errno;
    munmap(exec, capacity);
    errno = refused;
    return MAP_FAILED;
}

/* The same by a file in memory, for where mremap cannot do that: under valgrind, for one. */
static void *view_file_twice(void *write, size_t capacity)
{
    void *exec = MAP_FAILED;
    int fd = memfd_create("parallax-code", MFD_CLOEXEC);
    if (fd < 0)
        return exec;
    void *same = MAP_FAILED;
    if (ftruncate(fd, (off_t)capacity) == 0)
        same = mmap(write, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    if (same != MAP_FAILED)
        exec = mmap(NULL, capacity, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    int refused = errno;
    close(fd);
    errno = refused;
    return exec;
}

enum px_status codebuf_init(struct codebuf *buf, size_t capacity, struct px_error *err)
{
    void *exec = MAP_FAILED, *write = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (write != MAP_FAILED) {
        exec = view_again(write, capacity);
        if (exec == MAP_FAILED)
            exec = view_file_twice(write, capacity);
    }
    if (exec == MAP_FAILED) {
        px_fail(err, PX_ERR_SYSTEM, "mapping %zu MiB of code memory twice (RW and RX): %s", capacity >> 20,
                strerror(errno));
        if (write != MAP_FAILED)
            munmap(write, capacity);
        return PX_ERR_SYSTEM;
    }
    *buf = (struct codebuf){ .write = write, .exec = exec, .capacity = capacity };
    take_kept(buf);
    return PX_OK;
}

void codebuf_fini(struct codebuf *buf)
{
    if (!buf->write)
        return;
    munmap(buf->write, buf->capacity);
    munmap((void *)(uintptr_t)buf->exec, buf->capacity);
    *buf = (struct codebuf){ .capacity = 0 };
}

void codebuf_publish(struct codebuf *buf, size_t size)
{
    buf->used = (buf->used + size + UNIT_ALIGNMENT - 1) & ~(size_t)(UNIT_ALIGNMENT - 1);
    if (buf->used > buf->high)
        buf->high = buf->used;
}

void codebuf_fix(struct codebuf *buf)
{
    buf->fixed = buf->used;
}

void codebuf_recycle(struct codebuf *buf)
{
    buf->used = buf->fixed;
    if (buf->high <= buf->fixed + KEEP_BYTES)
        return;
    /* A refusal only costs memory. */
    (void)madvise(buf->write + KEEP_BYTES, buf->high - KEEP_BYTES, MADV_REMOVE);
    buf->high = buf->fixed;
}

void codebuf_clear(struct codebuf *buf)
{
    size_t end = kept(buf);
    if (buf->used < end)
        memset(buf->write + buf->used, INT3, end - buf->used);
}
