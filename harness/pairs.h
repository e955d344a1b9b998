/* Engine 0 held against each other engine of a list, one pair at a time: whether they diverge, and where. */
#ifndef PX_PAIRS_H
#define PX_PAIRS_H

#include "harness/isolate.h"
#include "harness/located.h"

enum { PAIR_RUNS = 3 }; /* in a fresh process: a divergence that does not show in all of them is unstable */

struct pair {
    char a[64], b[64]; /* canonical specs */
    struct isolated runs;
    struct bucket bucket;
    struct hostcode code; /* of engine b */
    struct px_program *program;
};

/* Takes one pair; false ends the walk. */
typedef bool pairs_fn(const struct pair *pair, void *arg);

/* Calls @take for each pair of @engines, in their order. PX_OK whatever @program does; else what isolate_run and probe_create
 * say. */
enum px_status pairs_walk(const char *engines, struct px_program *program, pairs_fn *take, void *arg,
                          struct px_error *err) PX_CHECKED;

/* Whether the pair disagreed at all, in the fresh process or in the one that searched. */
bool pair_diverges(const struct pair *pair);

/* Runs of the fresh process, and "diverges in 1 of 3 runs" or what else keeps the divergence from being certain; false: nothing
 * does. */
unsigned pair_runs(const struct pair *pair);
bool pair_doubts(const struct pair *pair, char *text, size_t size);

/* The pair as located_write wants it; it must have diverged in the process that searched. */
struct located pair_located(const struct pair *pair);

#endif
