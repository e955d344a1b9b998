/*
 * One program in a process of its own, several times from fresh state: what confirms a divergence, and what
 * replay shows. Whatever the program does to its process, the caller survives and learns of it.
 */
#ifndef PX_ISOLATE_H
#define PX_ISOLATE_H

#include "harness/finding.h"
#include "harness/sandbox.h"
#include "vm/program.h"

struct isolated {
    unsigned runs;     /* completed comparisons */
    unsigned diverged; /* of them, with the same finding as the first that diverged; a death counts as one */
    struct finding finding; /* valid when diverged > 0 */
    struct majority majority; /* of the last run that differed; nothing known: there was none */
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    struct px_caps caps[RUN_ENGINES_MAX];
    bool supported[RUN_ENGINES_MAX];
    struct px_outcome outcomes[RUN_ENGINES_MAX]; /* of the last run; dirty pointers NULL */
};

/*
 * None of these minds when somebody kills the child from outside: it begins again, CHILD_KILLS_MAX times. PX_ERR_FULL
 * from any of them: the machine has no room for a process just now.
 */

/* Whether engine @index took the program and could say how it ends. */
bool isolate_judged(const struct isolated *result, size_t index);

/* Whether engine @index misses @expect in anything it can be held to; @text then tells the first (expect.h). */
bool isolate_missed(const struct isolated *result, size_t index, const struct px_expect *expect, char *text,
                    size_t size);

/*
 * Writes who stands alone where at least three engines ran (majority.h); false, and an empty text, where fewer did.
 */
bool isolate_describe_majority(const struct isolated *result, char *text, size_t size);

/*
 * Runs @program up to @times on the engines of @sandbox, a full memory sweep each time. PX_OK whatever the program does;
 * errors are ours (a bad engine list, a refused fork).
 */
enum px_status isolate_run(const struct sandbox *sandbox, struct px_program *program, unsigned times,
                           struct isolated *result, struct px_error *err) PX_CHECKED;

/*
 * Whether running @b between two runs of @a shows, in a fresh process, on the engines of @sandbox. *leaks: it does.
 */
enum px_status isolate_between(const struct sandbox *sandbox, struct px_program *a, struct px_program *b,
                               bool *leaks, struct px_error *err) PX_CHECKED;

/*
 * Runs @body(@arg, err) in a child and gives its status; a child that dies is PX_ERR_INTERNAL. @body may be begun more
 * than once, see above.
 */
enum px_status isolate_call(enum px_status (*body)(void *arg, struct px_error *err), void *arg,
                            struct px_error *err) PX_CHECKED;

/* How a child that isolate_watch started came to its end. */
struct isolate_end {
    bool died; /* not by itself: @finding says how; index is what *running was last */
    struct finding finding;
};

/*
 * The same for a body that makes its child the sandbox, with this record and this count of programs (sandbox_enter), and that
 * runs more than one of them. PX_OK also when it dies: @end tells.
 */
typedef enum px_status isolate_watched(void *arg, struct host_record *record, _Atomic uint64_t *running,
                                       struct px_error *err);
enum px_status isolate_watch(const struct sandbox *sandbox, isolate_watched *body, void *arg,
                             struct isolate_end *end, struct px_error *err) PX_CHECKED;

/* Shared zeroed memory that children inherit; NULL when refused. */
void *isolate_share(size_t size);
void isolate_unshare(void *memory, size_t size);

#endif
