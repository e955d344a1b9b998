/*
 * The process between an engine and its qemu. It starts qemu when the first order comes, starts it again when it dies
 * or stands still, and gives an order up that qemu dies over twice. Who kills or stops it from outside changes nothing. It is there because a locked-down process
 * can neither start nor watch another. It dies with the process that started it, and qemu dies with it.
 */
#ifndef PX_ORACLE_BROKER_H
#define PX_ORACLE_BROKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/oracle/protocol.h"
#include "vm/status.h"

enum {
    BROKER_LOOK_MS = 100,
    BROKER_STALL_MS =
        4000, /* without a sign of life while an order waits. Two such are less than a worker's patience */
    BROKER_DEATHS_MAX = 2, /* of qemu over one order, before that is given up */
    BROKER_STARTS_MAX = 3, /* of a qemu that ends before it is up */
    BROKER_KILLS_MAX = 64, /* of either kind, when somebody from outside kills or stops it */
};

/* What broker and engine share; qemu does not see it. The broker writes, but for `attention`. */
struct broker_shared {
    _Atomic uint32_t attention; /* a futex: changes to wake the broker */
    _Atomic uint32_t beat;      /* grows every BROKER_LOOK_MS */
    _Atomic int32_t qemu;       /* its process, 0: none */
    _Atomic uint32_t starts;    /* of it, so far */
    _Atomic bool broken;        /* it does not start: @error says why */
    struct px_error error;
};

struct broker_config {
    const char *qemu; /* path of qemu-riscv64 */
    int memory;       /* the memory file; the control part of it is at @control */
    int runner;       /* a file with the runner */
    struct oracle_control *control;
    struct broker_shared *shared;
    int64_t stall_ms; /* 0: BROKER_STALL_MS */
};

/* Serves until its parent dies. Called in a fresh process of child_fork. */
_Noreturn void broker_main(const struct broker_config *config);

#endif
