/*
 * One program on one engine, for those who run it rather than compare: in the sandbox, any number of times, for as long as it
 * takes, visible to perf and gdb.
 */
#ifndef PX_ALONE_H
#define PX_ALONE_H

#include "harness/alone/symbols.h"
#include "vm/program.h"

struct alone_options {
    const char *engine; /* spec */
    uint64_t times;     /* at least 1; each from the same state */
    bool perf_map;      /* write the file that perf looks for */
    bool gdb;           /* tell a debugger of the sandbox which code is which guest instruction's */
};

struct alone_result {
    char spec[256];
    struct px_caps caps;
    bool supported;            /* the engine took the program; else nothing below means anything */
    struct px_outcome outcome; /* of the last run; no dirty set */
    uint64_t native_runs;      /* that ran compiled code only */
    double seconds; /* of the sandbox's processor time, for all runs; compiling counts where a run does it */
    char perf_map[32]; /* the file written, "": none */
    size_t symbols; /* in it, or told to gdb last */
};

/*
 * Runs @program. PX_ERR_INPUT: a bad spec. PX_ERR_INTERNAL: the sandbox died, of what @err says. The sandbox dies with its
 * parent, so that Ctrl-C ends both.
 */
enum px_status alone_run(const struct alone_options *options, struct px_program *program,
                         struct alone_result *result, struct px_error *err) PX_CHECKED;

#endif
