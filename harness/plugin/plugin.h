/*
 * Engines from outside this tree: plugin:PATH[:OPTIONS], a shared object that exports PX_ENGINE_ENTRY (vm/engine.h). It
 * runs in a process of its own, loaded there, then locked down. What that process does is believed as little as what a
 * guest does: an answer that no run can have, or its death, is an abort of this process (a fault `elsewhere`).
 */
#ifndef PX_PLUGIN_H
#define PX_PLUGIN_H

#include "vm/engine.h"

extern const struct px_engine_ops px_plugin_engine;

#endif
