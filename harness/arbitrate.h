/*
 * A third opinion on a finding of two engines: each of them is held against the oracle, and one line tells whose side
 * that takes, or why it takes none.
 */
#ifndef PX_ARBITRATE_H
#define PX_ARBITRATE_H

#include "harness/isolate.h"

enum { ARBITRATION_TEXT = 320 };

/*
 * Writes "qemu 7.2 agrees with interp", "on minimal.px qemu 7.2 agrees with block", "qemu 7.2 agrees with neither",
 * "qemu 7.2 cannot tell: ...", "not asked: ...", NUL-terminated. @isolated holds a finding between engines 0
 * and other of the list @engines; @minimal, which may be NULL, is asked about when @program says nothing. False, and an empty text, where
 * there is nothing to ask: the oracle was one of the engines, or an engine disagrees with itself.
 */
bool arbitrate(const char *engines, const struct isolated *isolated, const struct px_program *program,
               const struct px_program *minimal, char *text, size_t size);

#endif
