/* The block tier (RECOMPILER.md 2): any image, single pass, all blocks. */
#ifndef PX_JIT_BLOCK_H
#define PX_JIT_BLOCK_H

#include "vm/engine.h"

/*
 * Options: touch=check (the default) or touch=fault (whoever runs it routes SIGSEGV to on_fault), cpu=host|baseline|bmi1+bmi2+lzcnt+popcnt (any of them, joined by '+').
 * The canonical spec leaves defaults out.
 */
extern const struct px_engine_ops px_block_engine;

#endif
