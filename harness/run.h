/*
 * Image x engines -> outcomes -> differences. No process, timer or signal handler lives here: the
 * sandbox, the fuzz targets and the library call it.
 */
#ifndef PX_RUN_H
#define PX_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/diff.h"
#include "harness/engines.h"
#include "harness/hoststate.h"
#include "harness/majority.h"
#include "vm/program.h"

enum {
    RUN_ENGINES_MAX = MAJORITY_MAX, /* each may vote */
    /* With at most this many writable pages mapped all of them are compared, else the union of the dirty sets. */
    RUN_WRITABLE_MAX = 8,
    RUN_SWEEP_PAGES_MAX = 4096, /* a full sweep stops here */
    RUN_SHARE_MAX = 1000000, /* of a spec's %N */
};

/* Engines to compare; the first is the one all others are held against. */
struct run {
    struct engine engines[RUN_ENGINES_MAX];
    struct px_caps caps[RUN_ENGINES_MAX];
    uint64_t every[RUN_ENGINES_MAX]; /* the engine takes part in one program of so many */
    bool active[RUN_ENGINES_MAX]; /* it takes part in the program at hand */
    size_t count;
    bool
        sign; /* an engine reports no registers: programs get the signature epilogue (vm/body.h) where they can */
    uint8_t *scratch; /* two pages */
    struct host_state host; /* when the engines were opened; one that changes it dies of SIGILL on the spot */
};

/* A program prepared for every engine that takes part; supported: it took the program. */
struct run_slot {
    struct px_image image;
    bool image_owned; /* it is a signed copy */
    struct px_unit *units[RUN_ENGINES_MAX];
    bool supported[RUN_ENGINES_MAX];
};

struct run_result {
    /*
     * Valid where supported; dirty sets until the next run. An engine that cannot say how the program ends has
     * PX_EXIT_UNJUDGED there, and is compared with nothing.
     */
    struct px_outcome outcomes[RUN_ENGINES_MAX];
    bool supported[RUN_ENGINES_MAX];
    size_t other; /* the engine that diverges from engine 0, when diff.fields != 0 */
    struct diff diff; /* of the first engine that diverges */
    struct majority majority; /* when diff.fields != 0 */
};

/*
 * Opens the engines of a list of specs (engines.h), "interp,block:touch=fault,cpu=baseline,block%16": a spec that
 * ends in %N takes part in one program of N (never the first, which all others are held against). PX_ERR_INPUT: fewer than two, too many, a bad %N, a first one that
 * cannot say how every program ends, or what engine_open says.
 */
enum px_status run_open(const char *list, struct run *run, struct px_error *err) PX_CHECKED;

/* Lets those engines take part from now on whose turn program @index is; until the first call all do. */
void run_choose(struct run *run, uint64_t index);

/* Takes over engines opened by the caller, for tests. */
enum px_status run_open_engines(const struct engine *engines, size_t count, struct run *run,
                                struct px_error *err) PX_CHECKED;
void run_close(struct run *run);

/* Prepares @image on every engine. PX_ERR_FULL: run and release earlier slots, then try again. On failure
 * nothing stays prepared. */
enum px_status run_prepare(struct run *run, const struct px_image *image, unsigned flags,
                           struct run_slot *slot, struct px_error *err) PX_CHECKED;
void run_release(struct run *run, struct run_slot *slot);

/* Runs a prepared slot on every engine and compares. @sweep: read every mapped page, also those that must still equal
 * the image. */
enum px_status run_compare(struct run *run, struct run_slot *slot, bool sweep, struct run_result *result,
                           struct px_error *err) PX_CHECKED;

/*
 * The two parts of run_compare, for those who choose entry and moment: one supported engine's run of the slot, engine 0
 * first, then the comparison of all supported engines, each of which must have run. An engine that meters no gas does
 * not run what engine 0 ran out of gas over: it might not end.
 */
enum px_status run_engine(struct run *run, struct run_slot *slot, size_t index, const struct px_entry *entry,
                          struct run_result *result, struct px_error *err) PX_CHECKED;
enum px_status run_judge(struct run *run, struct run_slot *slot, bool sweep, struct run_result *result,
                         struct px_error *err) PX_CHECKED;

/* Prepare, compare, release. */
enum px_status run_image(struct run *run, const struct px_image *image, bool sweep, struct run_result *result,
                         struct px_error *err) PX_CHECKED;

/* Is told of each run that begins, and on which engine. */
struct run_watch {
    void (*turn)(void *arg, size_t engine);
    void *arg;
};

/*
 * Check A, B, A: whether running @b between two runs of @a changes anything about @a, on any engine that took both:
 * outcome, dirty pages, their bytes. Whatever ran before does not matter. *leaks: it does, on engine *which.
 */
enum px_status run_between(struct run *run, struct run_slot *a, struct run_slot *b,
                           const struct run_watch *watch, bool *leaks, size_t *which,
                           struct px_error *err) PX_CHECKED;

/* The entry that an image asks for. */
struct px_entry run_entry(const struct px_image *image);

#endif
