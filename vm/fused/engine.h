/*
 * The `fused` engine: an interpreter of pre-decoded code, direct-threaded, with handlers that stand for sequences of
 * instructions that real programs run most (RECOMPILER.md 2). It takes every image and has no options. Its reading
 * of ISA.md is its own: it shares facts with the reference engine and the recompiler, no behaviour.
 */
#ifndef PX_FUSED_ENGINE_H
#define PX_FUSED_ENGINE_H

#include "vm/engine.h"

extern const struct px_engine_ops px_fused_engine;

#endif
