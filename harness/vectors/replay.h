/* Vectors held against engines, in a sandbox: what each gives against what the file says, and against the first of them. */
#ifndef PX_VECTORS_REPLAY_H
#define PX_VECTORS_REPLAY_H

#include "harness/isolate.h"
#include "harness/vectors/vectors.h"

enum {
    REPLAY_MISSES_MAX = 16, /* told apart; more are counted */
    REPLAY_TEXT = 160,
};

/* A case that went wrong. */
struct replay_miss {
    uint64_t index;
    char text[REPLAY_TEXT]; /* "block: a0 is 0x1, expected 0x2" */
};

struct replay_result {
    uint64_t cases; /* that ran */
    uint64_t missed; /* of them, on some engine */
    uint64_t deaths; /* of them, that ended their process */
    uint64_t hangs; /* of these, that did not end by themselves */
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][64];
    uint64_t judged[RUN_ENGINES_MAX]; /* cases that the engine took and could say the end of */
    struct replay_miss misses[REPLAY_MISSES_MAX]; /* the first, by index */
    size_t miss_count;
    bool ended_early; /* after too many deaths */
};

/*
 * Runs every case on the engines of @sandbox. A case that ends its process is missed, and the next one runs in a new
 * process. Statuses of isolate_run; PX_ERR_LOST: @interrupted (NULL: never; gets NULL) said so in between, and *result is what ran
 * until then.
 */
enum px_status vectors_replay(const struct vectors *vectors, const struct sandbox *sandbox,
                              bool (*interrupted)(void *arg), struct replay_result *result,
                              struct px_error *err) PX_CHECKED;

#endif
