#define _GNU_SOURCE
#include "jit/codebuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    UNIT_ALIGNMENT = 64,
    KEEP_BYTES = 256 << 10, /* what codebuf_recycle leaves to the next units */
};

/* Takes what would come page by page, for minutes: a long-lived process is to stay as large as it is. */
static void take_kept(const struct codebuf *buf)
{
    size_t size = KEEP_BYTES < buf->capacity ? KEEP_BYTES : buf->capacity;
    /* A refusal, by Linux before 5.14, only makes them come later. */
    (void)madvise(buf->write, size, MADV_POPULATE_WRITE);
    (void)madvise((void *)(uintptr_t)buf->exec, size, MADV_POPULATE_READ);
}

enum px_status codebuf_init(struct codebuf *buf, size_t capacity, struct px_error *err)
{
    struct codebuf b = { .capacity = capacity, .fd = memfd_create("parallax-code", MFD_CLOEXEC) };
    if (b.fd < 0)
        return px_fail(err, PX_ERR_SYSTEM, "memfd_create for code memory: %s", strerror(errno));
    void *write = MAP_FAILED, *exec = MAP_FAILED;
    if (ftruncate(b.fd, (off_t)capacity) != 0)
        goto refused;
    write = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0);
    if (write == MAP_FAILED)
        goto refused;
    exec = mmap(NULL, capacity, PROT_READ | PROT_EXEC, MAP_SHARED, b.fd, 0);
    if (exec == MAP_FAILED)
        goto refused;
    b.write = write;
    b.exec = exec;
    take_kept(&b);
    *buf = b;
    return PX_OK;

refused:
    px_fail(err, PX_ERR_SYSTEM, "mapping %zu MiB of code memory twice (RW and RX): %s", capacity >> 20,
            strerror(errno));
    if (write != MAP_FAILED)
        munmap(write, capacity);
    close(b.fd);
    return PX_ERR_SYSTEM;
}

void codebuf_fini(struct codebuf *buf)
{
    if (!buf->write)
        return;
    munmap(buf->write, buf->capacity);
    munmap((void *)(uintptr_t)buf->exec, buf->capacity);
    close(buf->fd);
    *buf = (struct codebuf){ .fd = -1 };
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
    (void)fallocate(buf->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)KEEP_BYTES,
                    (off_t)(buf->high - KEEP_BYTES));
    buf->high = buf->fixed;
}
