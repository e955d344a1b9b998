/* An engine for tests that is wrong in one instruction: the reference, which a spy misleads while it runs. */
#ifndef PX_TESTS_FLAWED_H
#define PX_TESTS_FLAWED_H

#include "harness/run.h"

/*
 * Opens the reference as engine 0 and a flawed one as engine 1. @flaws is "none" or some of these, joined by '+':
 * xor (of two odd operands), mul (of an odd first operand), divw, overflow-divw (INT_MIN / -1 alone), shy-xor (not when it can
 * be stopped between blocks): bit 0 of the result is wrong; fatal-xor: the process dies of SIGFPE; endless-xor: it never
 * returns. PX_ERR_INPUT for any other.
 */
enum px_status flawed_open(const char *flaws, struct run *run, struct px_error *err) PX_CHECKED;

#endif
