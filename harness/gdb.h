/*
 * replay --gdb: gdb over this same program, which runs itself once more as its inferior and stops before the located host
 * instruction. Both sides of that are here.
 *
 *     parallax replay --gdb FILE -> finds the place -> gdb --args parallax replay FILE, told by the environment
 *         -> compiles, tells gdb the address by a trap -> hardware breakpoint -> runs
 */
#ifndef PX_GDB_H
#define PX_GDB_H

#include "harness/options.h"
#include "vm/program.h"

/*
 * Replaces this process by gdb, stopped where @program first diverges on @engines. @args, ended by NULL, are what follows
 * "parallax" to run @program again. Returns the exit code when there is nothing to stop at, or no gdb: told in one line.
 */
int gdb_debug(const struct command *command, const char *engines, struct px_program *program,
              const char *const *args);

/* Whether this process is the inferior of one that called gdb_debug. */
bool gdb_is_inferior(void);

/* The inferior's part: runs @program on the engine that the environment names. Gives the exit code. */
int gdb_run_inferior(const struct command *command, struct px_program *program);

#endif
