/* What qemu gives up before it starts: the guests it runs are hostile, and it was not made to hold them. */
#ifndef PX_ORACLE_CONFINE_H
#define PX_ORACLE_CONFINE_H

#include "vm/status.h"

/*
 * Leaves this process what a qemu needs: memory, threads, files to be read. No sockets, no new process, nothing written but
 * a little to stderr. To be followed by execve. PX_SANDBOX=off in the environment takes nothing. PX_ERR_SYSTEM.
 */
enum px_status confine_qemu(struct px_error *err) PX_CHECKED;

#endif
