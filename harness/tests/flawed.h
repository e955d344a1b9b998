/* An engine for tests that is wrong in one instruction: the reference, which a spy misleads while it runs. */
#ifndef PX_TESTS_FLAWED_H
#define PX_TESTS_FLAWED_H

#include "harness/run.h"

/*
 * Opens the reference as engine 0 and a flawed one as engine 1. @flaws is "none" or some of these, joined by '+':
 * xor (of two odd operands), mul (of an odd first operand), divw, overflow-divw (INT_MIN / -1 alone), shifts (every shift by a
 * register whose rd is its rs2), x7 (everything that reads x7 as rs1 and writes a register), shy-xor (not when it can
 * be stopped between blocks), late-xor (the third of a run, alone), keeps-xor (of two registers, once the first xor that was
 * prepared since the reset was of one), handed (whatever reads as rs2 what the instruction before in its block wrote): bit 0 of
 * the result is wrong; fatal-xor: the process dies of SIGFPE; left-xor, left-fatal-xor: wrong, or fatal, in a run that follows
 * one with a div, but not in the first two after a program was prepared; endless-xor, endless-x7 (everything that names x7): it
 * never returns. PX_ERR_INPUT for any other.
 */
enum px_status flawed_open(const char *flaws, struct run *run, struct px_error *err) PX_CHECKED;

#endif
