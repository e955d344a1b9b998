/* An engine for tests that goes wrong in some programs, chosen by the registers that they begin with. */
#ifndef PX_TESTS_PLANTED_H
#define PX_TESTS_PLANTED_H

#include "harness/run.h"

/* What becomes of a program. */
enum planted {
    PLANTED_NOTHING,
    PLANTED_DIFF, /* one bit of x10 is wrong */
    PLANTED_DIE,  /* the process dies of SIGFPE */
    PLANTED_HANG, /* never ends */
    PLANTED_COUNT
};

enum planted planted_in(const struct px_entry *entry);

/* Opens the reference as engine 0 and the planted one as engine 1. @unused is the list of engines. */
enum px_status planted_open(const char *unused, struct run *run, struct px_error *err) PX_CHECKED;

#endif
