/*
 * Code memory: shared memory mapped twice, read-write and read-execute, never both at one address. A bump
 * buffer that is recycled as a whole; no system call per unit.
 */
#ifndef PX_JIT_CODEBUF_H
#define PX_JIT_CODEBUF_H

#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

struct codebuf {
    uint8_t *write;       /* the RW view */
    const uint8_t *exec;  /* the RX view of the same bytes */
    size_t capacity;      /* bytes, both views */
    size_t fixed;         /* bytes at the start that codebuf_recycle keeps */
    size_t used;          /* end of the last published bytes */
    size_t high;          /* highest `used` since memory was last given back */
};

/* Maps @capacity bytes (a multiple of the page size; sparse until written). PX_ERR_SYSTEM says which call was refused. */
enum px_status codebuf_init(struct codebuf *buf, size_t capacity, struct px_error *err) PX_CHECKED;
void codebuf_fini(struct codebuf *buf);

/* Everything published so far stays for good. */
void codebuf_fix(struct codebuf *buf);

/* Publishes @size bytes written at buf->write + buf->used. Later units start on a 64-byte boundary. */
void codebuf_publish(struct codebuf *buf, size_t size);

/* Forgets all units. Gives memory beyond a few MiB back to the kernel. */
void codebuf_recycle(struct codebuf *buf);

/*
 * Leaves nothing of forgotten units behind what is published: as in a new buffer, what runs there traps, up to where
 * codebuf_recycle gives memory back.
 */
void codebuf_clear(struct codebuf *buf);

#endif
