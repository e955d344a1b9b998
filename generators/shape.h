/*
 * Structured programs, the ground that most generators stand on: a body of pieces (straight runs, forward branches,
 * bounded loops, calls, jump tables, memory accesses, host calls) nested to a small depth, an ending, and the
 * functions that the body calls.
 *
 * Loop counters, bases of accesses and links are reserved while they are needed: instructions drawn at
 * random do not write them, so that loops end and calls return.
 */
#ifndef PX_SHAPE_H
#define PX_SHAPE_H

#include "generators/builder.h"
#include "generators/generator.h"
#include "generators/layout.h"

enum {
    SHAPE_DEPTH_MAX = 3,
    SHAPE_FUNCTIONS_MAX = 3,
    SHAPE_CALLS_MAX = 8,
    SHAPE_BASES_MAX = 4,
    SHAPE_KINDS = 32,
};

enum shape_kind {
    SHAPE_RUN,
    SHAPE_BRANCH,
    SHAPE_LOOP,
    SHAPE_CALL,
    SHAPE_TABLE,
    SHAPE_FALL,
    SHAPE_ACCESS,
    SHAPE_WALK,
    SHAPE_FAULT,
    SHAPE_HOSTCALL,
    SHAPE_OWN, /* the generator's own piece */
    SHAPE_KIND_COUNT
};

/* A register that holds an address for the whole program. */
struct shape_base {
    unsigned reg;
    struct spot spot;
};

struct shape_call {
    uint32_t at;   /* of the instruction to point at the function */
    uint32_t from; /* what its immediate counts from */
    unsigned function;
};

struct shape {
    struct builder b;
    const uint8_t *kinds; /* SHAPE_KINDS of enum shape_kind, drawn from evenly */
    void (*own)(struct shape *s);
    uint32_t without;  /* PX_FEATURE_* */
    unsigned pieces;   /* left to make */
    unsigned in_piece; /* at most so many instructions in a straight run */
    uint16_t pool;     /* registers that may be reserved; a function may not touch its callers' */
    unsigned function_count;
    unsigned links[SHAPE_FUNCTIONS_MAX]; /* link register of each function */
    struct shape_call calls[SHAPE_CALLS_MAX];
    unsigned call_count;
    struct shape_base bases[SHAPE_BASES_MAX];
    unsigned base_count;
    bool in_function;
    bool far; /* functions are out of reach for calls through a register */
};

/* Registers, likings and gas for one program. @pool: registers that may be reserved whatever is drawn besides. */
void shape_init(struct shape *s, const struct px_gen_options *options, uint64_t seed, uint64_t index,
                struct px_program *program, uint16_t pool);

/* Reserves @count registers for good and seeds them with addresses of the mappings. */
void shape_seed_bases(struct shape *s, unsigned count);

/* The body, in a loop as a rule; @pieces of it at most on one level. */
void shape_body(struct shape *s, unsigned pieces);

/* Mostly the clean halt; once in @one_in one of the other ways that a program can end. */
void shape_end(struct shape *s, uint32_t one_in);

/* The functions that were called. What follows the ending's terminator. */
void shape_functions(struct shape *s);

/* Whether @kind's feature is in use. */
bool shape_wants(const struct shape *s, enum shape_kind kind);

/* What pieces are made of. */
void shape_run(struct shape *s);
unsigned shape_reserve(struct shape *s); /* needs shape_may_reserve */
void shape_release(struct shape *s, unsigned x);
bool shape_may_reserve(const struct shape *s); /* two registers, the most that a piece asks for */

struct shape_loop {
    unsigned counter;
    uint32_t head;
};

/* Opens a loop that runs @times; reserves its counter until it is closed. */
struct shape_loop shape_open_loop(struct shape *s, uint32_t times);
void shape_close_loop(struct shape *s, const struct shape_loop *loop);

#endif
