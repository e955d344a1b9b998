/* Which program a command is about: a FILE, or a generator's by --seed, --index and --gen. */
#ifndef PX_PROGRAM_ARGS_H
#define PX_PROGRAM_ARGS_H

#include "harness/options.h"
#include "vm/program.h"

/* Targets of the command's option rows. */
struct program_args {
    struct option_given seed; /* its value is the default */
    struct option_given index;
    const char *gen; /* NULL: mix */
};

/* The rows, for @args of that type; the default of --seed is 0. */
#define PROGRAM_ARGS_OPTIONS(args)                                                                            \
    {                                                                                                         \
        "seed", OPTION_GIVEN, &(args).seed, 0, UINT64_MAX, "S", "campaign seed, in place of FILE (default 0)" \
    },                                                                                                        \
        { "index",                                                                                            \
          OPTION_GIVEN,                                                                                       \
          &(args).index,                                                                                      \
          0,                                                                                                  \
          UINT64_MAX - 1,                                                                                     \
          "I",                                                                                                \
          "number of the program in that campaign" },                                                         \
        { "gen",                                                                                              \
          OPTION_TEXT,                                                                                        \
          &(args).gen,                                                                                        \
          0,                                                                                                  \
          0,                                                                                                  \
          "SPEC",                                                                                             \
          "its generator, with @VERSION to be sure (default mix)" }

/*
 * Loads or makes the program that @args and the @positional arguments in @argv + 1 ask for. -1 to go on; else the exit
 * code: a mistake was told on stderr in one line.
 */
int program_args_load(const struct command *command, const struct program_args *args, int positional,
                      char **argv, struct px_program *program);

#endif
