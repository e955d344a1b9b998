/*
 * What a process gives up before it runs a guest: files, sockets, new programs and processes, new
 * executable memory, core dumps. Generated code and the guests in it are hostile until shown otherwise.
 */
#ifndef PX_LOCKDOWN_H
#define PX_LOCKDOWN_H

#include <stdbool.h>

#include "vm/status.h"

/*
 * Locks this process down for good; everything it needs must be open and mapped already. A forbidden system call raises
 * SIGSYS at the caller. PX_ERR_SYSTEM says what this kernel refuses and how to go on without it: with PX_SANDBOX=off
 * in the environment nothing is given up.
 */
enum px_status lockdown_enter(struct px_error *err) PX_CHECKED;

/* Whether this build's profile lets through what a sanitizer's runtime does: reading files, above all. */
bool lockdown_is_lax(void);

/* False when the environment says PX_SANDBOX=off. */
bool lockdown_wanted(void);

#endif
