/*
 * Deliberately wrong engines: the reference interpreter, wrong in a way of one's choice. They prove, at the start
 * of each campaign, that the harness would see a real engine do so, and stand in for one in examples and tests.
 */
#ifndef PX_WRONG_H
#define PX_WRONG_H

#include <stdint.h>

#include "vm/engine.h"

/*
 * Options, separated by commas:
 *
 *   gas, x10, memory, ...  the outcome's field of this name (diff_fields_format) is falsified; none: nothing is
 *   op=xor                 the result of every instruction of this name has its lowest bit flipped
 *   die=xor, hang=xor      such an instruction faults in the host process, never ends
 *   registers=no           no registers are reported
 */
extern const struct px_engine_ops px_wrong_engine;

/*
 * Runs a fixed program on the reference against one wrong engine per compared field, and against an honest copy. Each lie
 * must show as exactly its own field, the honest copy as nothing. *caught is the number of lies; PX_ERR_INTERNAL
 * names the field that went unseen.
 */
enum px_status px_self_test(unsigned *caught, struct px_error *err) PX_CHECKED;

#endif
