/*
 * Mutation and crossover of programs, on decoded instructions (FUZZING.md 2): what libFuzzer, AFL++ and guided campaigns
 * share. Whatever comes out is a program whose image is sound, branches lead to where they led before unless they
 * were to be changed, and loops end: where code may run backwards the gas limit is at most MUTATE_GAS_MAX.
 *
 * Deterministic: program, limits and the mutator's seed decide. The time is linear in the program's size.
 */
#ifndef PX_MUTATE_H
#define PX_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generators/listing.h"
#include "generators/prng.h"
#include "vm/program.h"

enum mutation {
    MUTATE_INSERT,    /* one to four instructions */
    MUTATE_DELETE,    /* up to eight neighbours */
    MUTATE_DUPLICATE, /* up to eight neighbours, behind themselves or elsewhere */
    MUTATE_SWAP,      /* two instructions */
    MUTATE_OP,        /* another operation of the same operands */
    MUTATE_REGISTER,  /* of one operand */
    MUTATE_IMMEDIATE, /* often a boundary */
    MUTATE_RETARGET,  /* a branch or jal to another block start */
    MUTATE_MISTARGET, /* to where no block starts */
    MUTATE_LOOP,      /* wraps up to sixteen neighbours in a counted loop */
    MUTATE_COMPRESS,
    MUTATE_EXPAND,
    MUTATE_FLIP,      /* one bit of an encoding, legal or not */
    MUTATE_CUT,       /* the code ends earlier, inside an instruction perhaps */
    MUTATE_ENTRY,
    MUTATE_MAP_ADD,
    MUTATE_MAP_DROP,
    MUTATE_MAP_KIND,
    MUTATE_MAP_SIZE,
    MUTATE_MAP_CONTENT, /* its bytes or their number */
    MUTATE_SEED,        /* of a register */
    MUTATE_GAS,
    MUTATION_COUNT
};

enum {
    MUTATE_CODE_MAX = 32 << 10,    /* bytes; mutations make no code longer than the limit ... */
    MUTATE_CONTENT_MAX = 32 << 10, /* ... and no content larger; what was beyond it may stay or shrink */
    MUTATE_GAS_MAX = 20000, /* where code may run backwards: loops without end are common among mutants */
};

/* Zeroed is ready but for its seed, with the default limits. Owns buffers that it keeps from program to program. */
struct mutator {
    uint32_t code_max, content_max; /* bytes; 0: the defaults */
    struct prng prng;
    struct listing code, other;
    struct px_program *program; /* while it is mutated */
    enum px_status status; /* sticky meanwhile */
};

/* What it does next depends on (@seed, @index) alone. */
void mutator_seed(struct mutator *m, uint64_t seed, uint64_t index);
void mutator_fini(struct mutator *m);

/* "insert", "delete", ... */
const char *mutate_name(enum mutation kind);

/*
 * Changes @program, which must be a sound image, in one to six steps drawn at random, each of which changes something
 * (a later one may undo it). Its origin and what was expected of it are gone. PX_ERR_NOMEM: it is sound still, but its code may end early.
 */
enum px_status mutate_program(struct mutator *m, struct px_program *program) PX_CHECKED;

/* The same with one step of @kind. *changed: there was something to change, and the program differs. */
enum px_status mutate_once(struct mutator *m, enum mutation kind, struct px_program *program,
                           bool *changed) PX_CHECKED;

/*
 * Puts a piece of the code of @other, and some of its seeds and mappings, into @program: behind a part of it, between two
 * instructions, or in place of some. @other, another program, stays as it is. As mutate_program.
 */
enum px_status mutate_cross(struct mutator *m, struct px_program *program,
                            const struct px_program *other) PX_CHECKED;

/* Whether @program ends soon, since its code never runs backwards or its gas is at most MUTATE_GAS_MAX. */
bool mutate_ends_soon(const struct px_program *program);

/* Lowers the gas limit of @program until it does: for programs from outside, which a fuzzer must not wait for. */
void mutate_limit_gas(struct px_program *program);

#endif
