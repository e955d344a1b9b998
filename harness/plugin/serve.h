/* The process in which a plugin runs: what it gives up, and what it does for us. */
#ifndef PX_PLUGIN_SERVE_H
#define PX_PLUGIN_SERVE_H

#include "harness/plugin/protocol.h"

struct plugin_config {
    const char *path; /* absolute, of the shared object */
    const char *options; /* for its create */
    struct plugin_shared *shared;
};

/*
 * Lets go of memory shared with others and of files, loads the plugin, makes an instance, locks down, says so in
 * shared->birth, and serves until its parent dies. Called in a fresh process of child_fork.
 */
_Noreturn void plugin_serve(const struct plugin_config *config);

#endif
