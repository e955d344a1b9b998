/* Our end of a plugin's process: started, asked, and what became of it. Works in a locked-down process once it is started. */
#ifndef PX_PLUGIN_PROCESS_H
#define PX_PLUGIN_PROCESS_H

#include <sys/types.h>

#include "harness/plugin/protocol.h"

struct plugin_process {
    struct plugin_shared *shared;
    pid_t pid; /* 0: none */
    uint32_t spins;
};

/* How asking ended. */
enum plugin_end {
    PLUGIN_ANSWERED,
    PLUGIN_DIED, /* of what it did; *site says of what */
    PLUGIN_KILLED, /* or stopped, by somebody else */
};

/*
 * Starts the process for the shared object at @path, which is as the caller wrote it, and waits until it is ready or has
 * said why not. PX_ERR_INPUT: it cannot be loaded, or refuses @options, or dies or does not come to an end over it.
 */
enum px_status plugin_start(struct plugin_process *process, const char *path, const char *options,
                            struct px_error *err) PX_CHECKED;

/* Ends it. Not after lockdown_enter: there it ends with this process. */
void plugin_stop(struct plugin_process *process);

/*
 * Has the order in shared->order carried out. Takes as long as it takes: after some milliseconds waiting uses up CPU
 * time, so that the timer of this process judges the plugin as it judges what runs here.
 */
enum plugin_end plugin_ask(struct plugin_process *process, struct px_fault_site *site);

#endif
