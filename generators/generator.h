/*
 * Generators: (seed, index, options) -> program. Deterministic; a change in what one makes bumps its
 * version. A generator spec is NAME[:KEY=VALUE[,KEY=VALUE]][@VERSION], for example "straight:length=32@1"; its canonical
 * form always carries the version and leaves defaults out.
 */
#ifndef PX_GENERATOR_H
#define PX_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generators/guests.h"
#include "vm/program.h"
#include "vm/status.h"

/* What a generator of structured programs may be told to leave out. */
enum px_feature {
    PX_FEATURE_BRANCH = 1,
    PX_FEATURE_LOOP = 2,
    PX_FEATURE_CALL = 4,
    PX_FEATURE_TABLE = 8,
    PX_FEATURE_MEMORY = 16,
    PX_FEATURE_HOSTCALL = 32,
    PX_FEATURE_COMPRESS = 64,
    PX_FEATURES = 127,
};

struct px_gen_options {
    uint32_t length;  /* straight: instructions, 1..4096; 0 = random up to 64 */
    const struct px_guest *guest; /* guest: which one; NULL: any */
    uint32_t without; /* PX_FEATURE_*: mix draws these for its parts; no part of a spec */
};

struct px_generator {
    const char *name, *summary;
    unsigned version;
    /* Programs there are: indices 0 .. count - 1. NULL: any index. */
    uint64_t (*count)(void);
    /* Fills @program, which is clear. PX_ERR_NOMEM only. */
    enum px_status (*generate)(const struct px_gen_options *options, uint64_t seed, uint64_t index,
                               struct px_program *program);
    bool takes_length, takes_guest;
};

/* A parsed spec. */
struct px_gen {
    const struct px_generator *generator;
    struct px_gen_options options;
    char spec[PX_NAME_MAX]; /* canonical, without the version */
};

extern const struct px_generator *const px_generators[]; /* NULL-terminated */

/* PX_ERR_INPUT: unknown name, option or value, or a version that this build does not make (says both). */
enum px_status px_gen_parse(const char *spec, struct px_gen *gen, struct px_error *err) PX_CHECKED;

/* Clears @program and makes number @index of @seed, origin included. */
enum px_status px_gen_make(const struct px_gen *gen, uint64_t seed, uint64_t index,
                           struct px_program *program) PX_CHECKED;

/* How many programs there are; UINT64_MAX when any index is one. */
uint64_t px_gen_count(const struct px_gen *gen);

extern const struct px_generator px_gen_mix, px_gen_boundary, px_gen_straight, px_gen_control, px_gen_memory,
    px_gen_compressed, px_gen_hostcall, px_gen_hostile, px_gen_gas, px_gen_long, px_gen_guest;

#endif
