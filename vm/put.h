/* Text that is put together piece by piece in a buffer, which may be too small for it. */
#ifndef PX_PUT_H
#define PX_PUT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Borrows the buffer. */
struct px_put {
    char *at;
    size_t size, length; /* of the buffer, and of the whole text, cut or not */
};

/* Begins in the buffer @at, empty and NUL-terminated as long as @size is not 0. */
static inline struct px_put px_put_begin(char *at, size_t size)
{
    if (size > 0)
        at[0] = '\0';
    return (struct px_put){ .at = at, .size = size };
}

/* Adds what fits of a piece. */
__attribute__((format(printf, 2, 3))) static inline void px_put(struct px_put *text, const char *fmt, ...)
{
    size_t room = text->length < text->size ? text->size - text->length : 0;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(room ? text->at + text->length : NULL, room, fmt, args);
    va_end(args);
    text->length += n > 0 ? (size_t)n : 0;
}

#endif
