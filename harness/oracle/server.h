/*
 * The engine's end of the oracle: the shared memory, the broker, and one order after another. Works in a locked-down
 * process once it is created.
 */
#ifndef PX_ORACLE_SERVER_H
#define PX_ORACLE_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/oracle/broker.h"

enum { SERVER_PATH_MAX = 512 };

struct server {
    uint8_t *memory; /* ORACLE_SIZE bytes, shared with qemu */
    struct oracle_control *control;
    struct broker_shared *shared;
    struct broker_config config;
    pid_t broker;
    /* The pool: pages of the last answer that are to be made zero, and those that were ever used. */
    uint32_t page_count, places[ORACLE_PAGES_MAX];
    uint64_t used[ORACLE_POOL_PAGES / 64]; /* a bit each */
    uint32_t used_count;
    uint64_t pool_epoch;
    char qemu[SERVER_PATH_MAX];
};

/*
 * Finds qemu and starts the broker; qemu itself starts with the first order. PX_ERR_INPUT: qemu is not installed, or the
 * runner was not built (says which package is missing). PX_ERR_SYSTEM, PX_ERR_NOMEM.
 */
enum px_status server_open(struct server *server, struct px_error *err) PX_CHECKED;

/* Ends broker and qemu. Not after lockdown_enter: there they end with the process. */
void server_close(struct server *server);

/*
 * Has the order in control->order done; its pool_epoch is set here. The answer is in control->answer, checked: its exit
 * is one, pages are at most ORACLE_PAGES_MAX, and they are in the pool. PX_ERR_SYSTEM: qemu does not run. PX_ERR_LOST: the broker is gone.
 */
enum px_status server_run(struct server *server, struct px_error *err) PX_CHECKED;

/* Path of the first qemu-riscv64 in PATH. PX_ERR_INPUT: there is none (says how to get one). */
enum px_status server_find_qemu(char *path, size_t size, struct px_error *err) PX_CHECKED;

/* The same, once the runner is found in this program. */
enum px_status server_check(char *qemu, size_t size, struct px_error *err) PX_CHECKED;

#endif
