/* What a sweep does first: tell what the next instructions are, and which templates they take. */
#ifndef PX_JIT_AHEAD_H
#define PX_JIT_AHEAD_H

#include "jit/compiler.h"

/*
 * Fills @ahead, JIT_AHEAD long, with the instructions from *@pc on, which is moved behind them; how many. What takes long to come from
 * memory is asked for long before it is wanted.
 */
size_t jit_look_ahead(const struct jit_compiler *c, uint32_t *pc, struct jit_ahead *ahead);

#endif
