/*
 * Where two engines part ways. Runs in a process that the program may kill: the journal, in shared memory, remembers
 * each death, so that the same search, started again in a fresh process, takes it as a result and goes on.
 *
 *     whole program -> block (lockstep: stop after k blocks) -> instruction (the block cut after j of them)
 *         -> the simplest program of it that still diverges (reduce.h) -> bucket
 */
#ifndef PX_LOCATE_H
#define PX_LOCATE_H

#include "harness/bucket.h"
#include "harness/hostcode.h"
#include "harness/run.h"

enum {
    LOCATE_DEATHS_MAX = 160,
    LOCATE_TRIALS_MAX = 1 << 14, /* small programs whose verdicts are remembered */
    LOCATE_LINEAR =
        64, /* blocks looked at one by one; beyond, by halves: some first difference, not the first */
    LOCATE_PRICE_COPIES =
        9, /* of one instruction: more than a cycle takes, so that slots and latency both show */
};

/* One run of the search. */
struct locate_step {
    uint32_t stage;
    uint64_t number;
};

struct locate_death {
    struct locate_step step;
    bool compiling;
    struct finding finding;
};

struct locate_journal {
    struct locate_step step; /* under way; stage 0: none */
    uint32_t compiling;      /* not 0: an engine prepares it */
    struct locate_death deaths[LOCATE_DEATHS_MAX];
    size_t death_count;
};

/* What a small program came to. */
struct locate_trial {
    uint64_t key; /* of the program and the engine; 0: free */
    bool differs, died, compiling;
    enum finding_kind kind;
    int signal;
    uint32_t fields;
    enum px_exit exit_a, exit_b;
    int64_t arg_a, arg_b;
};

/* Verdicts outlive programs and processes: what one search tried, the next need not. */
struct locate_memo {
    size_t count;
    struct locate_trial trials[LOCATE_TRIALS_MAX];
};

/* What the search works with. */
struct locate {
    struct run *run;
    struct locate_journal *journal;
    struct locate_memo *memo;
    struct px_engine *reference; /* of px_interp_engine; NULL until it is needed */
    uint64_t runs; /* so far */
    _Atomic uint64_t *running; /* for the hang timer: set while an engine other than the first runs */
    struct hostfault *deadline; /* its ticks_max is set from the first engine's time; NULL: leave it */
};

/*
 * Compares engine 0 with engine @other (0: with the first that diverges) on @program and fills @bucket. A status
 * other than PX_OK is our failure. May not return: see the journal.
 */
enum px_status locate(struct locate *locate, const struct px_program *program, size_t other,
                      struct bucket *bucket, struct px_error *err) PX_CHECKED;

/* The instruction that a located divergence is to be looked at from. False: there is none. */
bool locate_center(const struct px_program *program, const struct bucket *bucket, uint32_t *pc);

/*
 * The host code of the diverging engine around locate_center, as the whole program is compiled; counts bucket->visit. May not
 * return: see the journal. Nothing is known then.
 */
enum px_status locate_code(struct locate *locate, struct px_program *program, struct bucket *bucket,
                           struct hostcode *code, struct px_error *err) PX_CHECKED;

#endif
