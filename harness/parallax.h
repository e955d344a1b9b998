/*
 * Parallax as a library: run guest programs through several engines at once and learn where they disagree.
 *
 *     struct px_session *session;
 *     px_session_create(NULL, &session, &err);          interp against block, in a sandbox
 *     px_image_with_ro(words, n, start, bytes, len, &image, &err);
 *     px_diff_image(session, &image, &diff, &err);      diff.kind says whether and how they differ
 *
 * A session keeps two processes: one supervises, the other runs generated code and guests, locked down. Whatever a
 * program does to that one is a result, never the caller's trouble. In the caller's own process the library installs
 * no signal handler, starts no thread, changes no signal mask and keeps one descriptor for each session.
 *
 * Both are children of the process that calls px_session_create, forked there and then: create sessions early, since
 * what the caller's memory holds is shared with them, copy-on-write, until px_session_destroy. The caller may ignore SIGCHLD,
 * wait for any child, and have threads. A session is no use in a process forked later.
 *
 * Threads: a session is used by one thread at a time, and not from within a callback of its own px_diff_batch. Different
 * sessions, programs, images and results have nothing to do with each other.
 *
 * Errors: out-parameters are written on success only; @err may be NULL. What a guest program does is no error.
 * PX_ERR_INPUT and PX_UNSUPPORTED leave the session as it was. After any other status it may be of no more use: all
 * that is asked of it then fails likewise, until it is destroyed.
 */
#ifndef PX_PARALLAX_H
#define PX_PARALLAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/body.h"
#include "vm/engine.h"
#include "vm/image.h"
#include "vm/outcome.h"
#include "vm/program.h"
#include "vm/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. Programs that are to run with any library of the same major number compare with px_version. */
#define PX_VERSION "0.1.0"

/* Of the library at hand, "MAJOR.MINOR.PATCH". */
const char *px_version(void);

/* --- sessions --- */

enum {
    PX_SPEC_MAX = 64, /* an engine's canonical spec, with NUL */
    PX_DEADLINE_MAX_MS = 10000,
    PX_SESSION_BYTES_MAX = 32 << 20, /* code and memory content of one program */
};

struct px_session; /* opaque */

/* How a session works. What is 0 is as it says; fields of later versions come behind these. */
struct px_session_options {
    size_t size; /* sizeof(struct px_session_options), as the caller knows it */
    const char
        *engines; /* specs separated by commas ("interp,block:cpu=baseline"); the first is the reference,
                             one that ends in %N takes part in one program of N of a batch; NULL: what campaigns compare */
    uint32_t
        deadline_ms; /* CPU time that one program may take on all engines, 1 to PX_DEADLINE_MAX_MS; 0: 1000 */
    bool no_sandbox; /* without system-call filter and limits; still in a process of its own */
    bool unconfirmed; /* report divergences at first sight, without running them again in a fresh process */
};

/*
 * Starts a session; the caller owns it. @options may be NULL. PX_ERR_INPUT: an option (says which and what was
 * expected; one of a later version that is not 0, too). PX_ERR_SYSTEM: what the machine refuses: processes, address
 * space, or the filter, without which no_sandbox goes on (as does PX_SANDBOX=off in the environment). PX_ERR_NOMEM.
 */
enum px_status px_session_create(const struct px_session_options *options, struct px_session **session,
                                 struct px_error *err) PX_CHECKED;

/* Ends its processes and frees it. NULL is fine. */
void px_session_destroy(struct px_session *session);

/* The canonical spec of engine @index, 0 being the reference; NULL past the last. Owned by the session. */
const char *px_session_engine(const struct px_session *session, size_t index);

/* --- differences --- */

enum px_diff_kind {
    PX_DIFF_NONE, /* the engines agree */
    PX_DIFF_OUTCOME, /* what can be observed of the run differs */
    PX_DIFF_ABORT, /* the process that ran it died: generated code faulted on the host, or an engine did */
    PX_DIFF_HANG, /* it took longer than the deadline */
    PX_DIFF_LEAK, /* they agree, but one runs it otherwise after another program has run. A sample is looked at */
};

/* What differs, as bits; registers have a bit each. */
enum {
    PX_FIELD_EXIT = 1 << 0,
    PX_FIELD_ARG = 1 << 1,
    PX_FIELD_PC = 1 << 2,
    PX_FIELD_GAS = 1 << 3,
    PX_FIELD_COUNT = 1 << 4, /* instructions begun */
    PX_FIELD_DIRTY = 1 << 5, /* the set of written pages */
    PX_FIELD_MEMORY = 1 << 6, /* bytes of a page */
    PX_FIELD_X0 = 1 << 16, /* PX_FIELD_X0 << n for x[n] */
};

/* How a process died over a program. */
struct px_death {
    int signal; /* 0: it ended by itself */
    uint64_t address; /* host address that was accessed, or executed */
    bool generated; /* in generated code */
    bool pc_known; /* the guest block that this code belongs to begins at `pc` */
    uint32_t pc;
};

/* C++ needs the word `struct` in front of it: there is a function of this name. */
struct px_diff {
    enum px_diff_kind kind;
    bool stable; /* a fresh process showed it again; what this struct says is then what it did there */
    uint32_t ran; /* bit i: engine i of the session took the program and was compared */

    /* Indices of the reference and of the engine that differs, dies or hangs; for the latter two it may be
     * unknown, SIZE_MAX. PX_DIFF_LEAK: both are the engine that disagrees with itself. */
    size_t a, b;
    char names[2][PX_SPEC_MAX]; /* their canonical specs, "?" for the unknown */

    /* PX_DIFF_OUTCOME. */
    uint32_t fields; /* PX_FIELD_* */
    struct px_outcome outcomes[2]; /* of a and b; dirty is NULL */
    uint32_t dirty_page; /* PX_FIELD_DIRTY: the first page number that one side alone has written */
    uint32_t page; /* PX_FIELD_MEMORY: number of the first page that differs ... */
    uint16_t offset; /* ... the first byte in it ... */
    uint8_t bytes[2]; /* ... and what the two have there */

    struct px_death death; /* PX_DIFF_ABORT */
    size_t between; /* PX_DIFF_LEAK of a batch: index of the program that ran between two runs; else 0 */
    uint64_t reserved[7]; /* 0 */
};

/*
 * Runs @program, just as it is, on all engines and compares everything that can be observed, all of memory
 * included. An engine that reports no registers makes all of them run the signed program (px_image_sign), where it can be
 * signed. Where they agree, one program of 2,048, beginning with the second, runs again with that of the call before
 * between two runs (PX_DIFF_LEAK), if it has at most 1 MiB of code and content. PX_OK whether they agree or not. PX_ERR_INPUT: what px_image_check refuses, or more than PX_SESSION_BYTES_MAX.
 */
enum px_status px_diff(struct px_session *session, const struct px_program *program, struct px_diff *diff,
                       struct px_error *err) PX_CHECKED;

/* The same for an image, of at most PX_PROGRAM_MAPS_MAX mappings (else PX_ERR_INPUT). */
enum px_status px_diff_image(struct px_session *session, const struct px_image *image, struct px_diff *diff,
                             struct px_error *err) PX_CHECKED;

/*
 * Called for program @index of a batch, whose engines do not agree, in ascending order. Borrows @diff. False: that is
 * enough; what has not run stays undone.
 */
typedef bool px_found_fn(void *arg, size_t index, const struct px_diff *diff);

/*
 * The same for @n programs, in one sandbox, tens of thousands a second: calls @found(@arg, ...) for each that
 * diverges. Memory is compared where a program wrote, all of it in one program of 1,024. One of 2,048, beginning with the
 * first, runs again as with px_diff, but with its successor in between. PX_ERR_INPUT names the first program that cannot run, and nothing has run.
 */
enum px_status px_diff_batch(struct px_session *session, const struct px_program *programs, size_t n,
                             px_found_fn *found, void *arg, struct px_error *err) PX_CHECKED;

/*
 * Writes what differs, whole lines: "  x10     interp 0x...   block 0x...". NUL-terminated and cut to @size; returns
 * the untruncated length.
 */
size_t px_diff_describe(const struct px_diff *diff, char *text, size_t size);

/* --- one engine alone --- */

enum {
    PX_REPLAY_PAGES_MAX = 4096, /* whose bytes are kept */
};

/* What became of a program on one engine. */
struct px_replay {
    enum px_diff_kind kind; /* PX_DIFF_NONE: it ran to its exit. PX_DIFF_ABORT, PX_DIFF_HANG: it did not */
    struct px_outcome outcome; /* PX_DIFF_NONE; outcome.dirty is the replay's own */
    struct px_death death; /* PX_DIFF_ABORT */
    size_t page_count; /* so many of the dirty pages, in ascending order, have their bytes kept ... */
    uint8_t *bytes; /* ... here, PX_PAGE_SIZE each */
};

/*
 * Runs @program on the session's first engine, the reference (usually the interpreter), or on its second (usually the
 * recompiler). The caller owns @replay's memory: px_replay_release. PX_ERR_INPUT: as px_diff. PX_UNSUPPORTED: not a program
 * for this engine; the session stays good.
 */
enum px_status px_replay_interp(struct px_session *session, const struct px_program *program,
                                struct px_replay *replay, struct px_error *err) PX_CHECKED;
enum px_status px_replay_recomp(struct px_session *session, const struct px_program *program,
                                struct px_replay *replay, struct px_error *err) PX_CHECKED;

/* The bytes of guest page @page (address >> 12) after the run. NULL: the program did not write it, so that it is as
 * the image says, or it is past the PX_REPLAY_PAGES_MAX that are kept. */
const uint8_t *px_replay_page(const struct px_replay *replay, uint32_t page);

/* Frees what @replay owns and empties it. A zeroed one is fine. */
void px_replay_release(struct px_replay *replay);

/* --- the smallest program --- */

struct px_shrunk {
    bool diverges; /* false: the engines agree on the program, nothing else is set */
    bool confirmed; /* the small program diverged likewise in a fresh process; if not, it is the original */
    bool complete; /* nothing was left to try when the time was up */
    char bucket[240]; /* what is taken for one bug: ENGINES:INSTRUCTION:WHAT:CASE, of the original */
    size_t before, after; /* instructions, a final `ecalli 0` not counted */
    uint64_t tried; /* programs */
    double seconds;
    uint64_t reserved[8]; /* 0 */
};

/*
 * Makes @small, which is initialized, the smallest program that falls into @program's bucket, looking for it for
 * at most @seconds (> 0). Unless they diverge @small stays as it was; what takes two programs (PX_DIFF_LEAK) is none of
 * it. PX_ERR_INPUT: as px_diff, or @seconds.
 */
enum px_status px_shrink(struct px_session *session, const struct px_program *program, double seconds,
                         struct px_program *small, struct px_shrunk *shrunk, struct px_error *err) PX_CHECKED;

#ifdef __cplusplus
}
#endif

#endif
