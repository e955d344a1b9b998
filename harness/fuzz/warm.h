/*
 * Programs for a target to run before its first input: larger in every way than inputs are, so that no later one finds a list too
 * short or a page that was never there. What an input covers then depends on it alone.
 */
#ifndef PX_FUZZ_WARM_H
#define PX_FUZZ_WARM_H

#include "vm/program.h"

enum {
    FUZZ_WARM_PROGRAMS = 5,
    FUZZ_WARM_BYTES = 32 << 10, /* of code, of content: inputs of up to so many bytes have no more */
    FUZZ_WARM_PAGES = 4096, /* that are written, or read where they are read-only */
};

/* Makes number @index, below FUZZ_WARM_PROGRAMS, in place of @program. PX_ERR_NOMEM. */
enum px_status fuzz_warm(unsigned index, struct px_program *program, struct px_error *err) PX_CHECKED;

#endif
