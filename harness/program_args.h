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

/*
 * Loads or makes the program that @args and the @positional arguments in @argv + 1 ask for. -1 to go on; else the exit
 * code: a mistake was told on stderr in one line.
 */
int program_args_load(const struct command *command, const struct program_args *args, int positional,
                      char **argv, struct px_program *program);

#endif
