/*
 * The one error type. Functions that can fail return `enum px_status`, write their
 * out-parameters on success only, and describe a failure in an optional `struct px_error`.
 * A guest that misbehaves is never an error: that is an outcome (outcome.h).
 */
#ifndef PX_STATUS_H
#define PX_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum px_status {
    PX_OK = 0,
    PX_ERR_INPUT,    /* what the caller or a file says is wrong; the text says where and what */
    PX_ERR_NOMEM,    /* an allocation or a mapping was refused */
    PX_ERR_SYSTEM,   /* a system call failed */
    PX_ERR_FULL,     /* a bounded buffer is full; emptying it and trying again is the remedy */
    PX_UNSUPPORTED,  /* the engine does not take this image (never a silent fallback) */
    PX_ERR_INTERNAL, /* we broke our own contract */
    PX_ERR_LOST,     /* a process that helps us is gone: starting anew is the remedy */
};

#define PX_CHECKED __attribute__((warn_unused_result))

/* Not inlined, so that fuzzers can leave it out: what it does depends on the programs before (harness/fuzz/uncovered). */
#define PX_APART __attribute__((noinline))

/* Room for one line: file, line, column, what was found, what was expected. */
struct px_error {
    char text[400];
};

/*
 * Formats @fmt into @err (which may be NULL) and returns @status, so that a failing function
 * ends in `return px_fail(err, PX_ERR_INPUT, ...)`. Longer texts are cut, never overrun.
 */
enum px_status px_fail(struct px_error *err, enum px_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A constant name such as "input" for messages; never NULL. */
const char *px_status_name(enum px_status status);

#ifdef __cplusplus
}
#endif

#endif
