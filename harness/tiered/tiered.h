/*
 * "tiered": a driver that climbs from an interpreter to compiled code as a unit is run again (RECOMPILER.md 2). It is an engine for those
 * who run programs, none to compare: in differential use each tier is forced, so that it really runs.
 */
#ifndef PX_TIERED_H
#define PX_TIERED_H

#include "harness/tiered/config.h"
#include "vm/engine.h"

/*
 * Options: those of px_jit_config_options, over what the environment says. A unit stays with the tier that runs it until it
 * reaches a threshold; when there is no memory for compiled code, it stays with the interpreter. outcome.native and
 * outcome.interpreted tell which ran.
 */
extern const struct px_engine_ops px_tiered_engine;

/* The engine of one tier. */
const struct px_engine_ops *px_tier_engine(enum px_tier tier);

#endif
