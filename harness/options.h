/*
 * Command-line options from tables: parsing, --help and error lines all follow from the rows, as do the man page and
 * the shell completion (manual.h).
 */
#ifndef PX_OPTIONS_H
#define PX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

/* Exit codes of the program, for good (DESIGN.md 8). */
enum {
    EXIT_AGREE = 0,
    EXIT_DIVERGED = 1,
    EXIT_USAGE = 2,
    EXIT_BROKEN = 3,
    EXIT_INTERRUPTED = 130,
};

enum option_kind {
    OPTION_FLAG,   /* bool *: no value */
    OPTION_NUMBER, /* uint64_t *: decimal or 0x hex, min..max */
    OPTION_GIVEN,  /* struct option_given *: the same, and whether it was given at all */
    OPTION_TEXT,   /* const char **: borrowed from argv */
};

struct option_given {
    uint64_t value;
    bool given;
};

struct option {
    const char *name; /* without the dashes */
    enum option_kind kind;
    void *target;
    uint64_t min, max;  /* OPTION_NUMBER, OPTION_GIVEN */
    const char *value;  /* what --help calls the value: "N", "FILE" */
    const char *help;   /* one line; says the default */
};

struct command {
    const char *name, *summary;
    const char *usage;    /* what follows "parallax NAME" */
    const char *examples; /* whole lines */
    int (*run)(const struct command *command, int argc,
               char **argv); /* argv[0] is the name; gives the exit code */
};

/*
 * Parses @argv by @count rows of @options. Arguments that are no options are moved to the front of @argv + 1, their
 * number stored in *positional. Returns -1 to go on; else the exit code: --help printed the help, a mistake
 * was told on stderr in one line.
 */
int options_parse(const struct command *command, const struct option *options, size_t count, int argc,
                  char **argv, int *positional);

/* Says "parallax NAME: ..." on stderr and returns EXIT_USAGE. */
int options_fail(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit code for a status that is not PX_OK, told on stderr as "parallax NAME: TEXT". */
int options_fail_status(const struct command *command, enum px_status status, const struct px_error *err);

#endif
