/* The recompiler's engines, one for each tier (RECOMPILER.md 2). */
#ifndef PX_JIT_ENGINE_H
#define PX_JIT_ENGINE_H

#include "vm/engine.h"

/*
 * Options of both: touch=check (the default) or touch=fault (whoever runs it routes SIGSEGV to on_fault),
 * cpu=host|baseline|bmi1+bmi2+lzcnt+popcnt (any of them, joined by '+'). The canonical spec leaves defaults out.
 */

/* "block": any image, every block of its sweep. */
extern const struct px_engine_ops px_block_engine;

/*
 * "linear": images entered at 0 that neither branch nor jump before the first instruction that ends the run; what comes
 * behind it is not compiled. `fallthrough` and host calls that return open new blocks in the line.
 */
extern const struct px_engine_ops px_linear_engine;

#endif
