/*
 * What generated code addresses from rsp: the context sits at the top of a real stack area, so pushes,
 * calls and signal frames go below it and do no harm.
 */
#ifndef PX_JIT_CONTEXT_H
#define PX_JIT_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "vm/guest.h"

struct jit_memory;
struct px_unit;

struct jit_context {
    uint64_t meter;       /* gas on lease and a count (meter.h) */
    uint64_t gas;         /* beside the lease */
    uint32_t pc;          /* of the exit, or of the jump or host call under way */
    uint32_t exit;        /* JIT_EXIT(...) */
    int64_t arg;
    uint64_t blocks_left; /* stoppable units count it down */
    uint64_t host_rsp;
    uint64_t fault_site;  /* host return address of the access that faulted */
    uint64_t spare;       /* division puts a borrowed register here */
    uint64_t x[PX_REG_COUNT]; /* x3 and x4 always; the others outside generated code */
    struct jit_memory *memory;
    const struct px_unit *unit; /* that runs */
    uint64_t
        native; /* beside the meter: instructions of all blocks entered; an exit inside a block gives back */
    uint64_t pad; /* keeps the size a multiple of 16 */
};

/* Exit and panic cause in one immediate. */
#define JIT_EXIT(exit, arg) ((uint32_t)(exit) | (uint32_t)(arg) << 8)

/* Displacements from rsp, as generated code uses them: all within a byte. */
enum {
    CTX_METER = 0,
    CTX_GAS = 8,
    CTX_PC = 16,
    CTX_EXIT = 20,
    CTX_ARG = 24,
    CTX_BLOCKS_LEFT = 32,
    CTX_HOST_RSP = 40,
    CTX_FAULT_SITE = 48,
    CTX_SPARE = 56,
    CTX_X = 64,
};
#define CTX_REG(n) (CTX_X + 8 * (int)(n))

_Static_assert(offsetof(struct jit_context, meter) == CTX_METER, "block heads address it");
_Static_assert(offsetof(struct jit_context, gas) == CTX_GAS, "host calls that exit address it");
_Static_assert(offsetof(struct jit_context, pc) == CTX_PC, "exits address it");
_Static_assert(offsetof(struct jit_context, exit) == CTX_EXIT, "exits address it");
_Static_assert(offsetof(struct jit_context, arg) == CTX_ARG, "lower_ECALLI addresses it");
_Static_assert(offsetof(struct jit_context, blocks_left) == CTX_BLOCKS_LEFT, "block heads address it");
_Static_assert(offsetof(struct jit_context, host_rsp) == CTX_HOST_RSP, "the entry stub addresses it");
_Static_assert(offsetof(struct jit_context, fault_site) == CTX_FAULT_SITE, "touch stubs address it");
_Static_assert(offsetof(struct jit_context, spare) == CTX_SPARE, "division addresses it");
_Static_assert(offsetof(struct jit_context, x) == CTX_X, "lowering addresses x3 and x4");
_Static_assert(sizeof(struct jit_context) % 16 == 0, "calls from generated code need an aligned rsp");

#endif
