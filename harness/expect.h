/* Whether an outcome is what a program's `expect` line says. */
#ifndef PX_EXPECT_H
#define PX_EXPECT_H

#include "vm/engine.h"
#include "vm/program.h"

/*
 * True when @out misses @expect; then @text, of @size bytes, tells the first field in which it does:
 * "a0 is 0x1, expected 0x2".
 */
bool expect_missed(const struct px_expect *expect, const struct px_outcome *out, char *text, size_t size);

/* What of @expect an engine of these capabilities can be held to: one that meters no gas to nothing of a run that ends by it. */
struct px_expect expect_within(const struct px_expect *expect, struct px_caps caps);

#endif
