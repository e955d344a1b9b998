/* From the path of a shared object to the operations in it. */
#ifndef PX_PLUGIN_LOAD_H
#define PX_PLUGIN_LOAD_H

#include "vm/engine.h"

/*
 * Loads @path as *object, for good, and copies its operations into @ops, with those that may be missing filled in. Runs what the plugin
 * runs when it is loaded. PX_ERR_INPUT: it cannot be loaded, exports no PX_ENGINE_ENTRY, is of another ABI, size or guest, or lacks an operation;
 * the text says which.
 */
enum px_status plugin_load(const char *path, void **object, struct px_engine_ops *ops,
                           struct px_error *err) PX_CHECKED;

/* The same for operations that are in memory already. */
enum px_status plugin_check(const struct px_engine_ops *entry, struct px_engine_ops *ops,
                            struct px_error *err) PX_CHECKED;

#endif
