/*
 * Everything that can be observed of one run (ISA.md 6). Memory is not part of it: the harness reads
 * pages through the engine.
 */
#ifndef PX_OUTCOME_H
#define PX_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/guest.h"

#ifdef __cplusplus
extern "C" {
#endif

enum px_exit {
    PX_EXIT_HOSTCALL,   /* arg = selector, -2^19 .. 2^19-1; 0 is the clean halt */
    PX_EXIT_MANAGE,     /* ecall.jar */
    PX_EXIT_TRAP,       /* trap */
    PX_EXIT_PANIC,      /* arg = enum px_panic */
    PX_EXIT_PAGE_FAULT, /* arg = base address of the page, < 2^32 */
    PX_EXIT_OUT_OF_GAS,
    /* From here on no exits of a guest. */
    PX_EXIT_STOPPED, /* stop_after_blocks reached; pc = the block start not entered */
    PX_EXIT_UNJUDGED, /* the engine cannot say: arg = enum px_unjudged, nothing else means anything */
    PX_EXIT_COUNT
};

enum px_panic {
    PX_PANIC_ILLEGAL,
    PX_PANIC_ECALL, /* standard ecall, ebreak, c.ebreak */
    PX_PANIC_BAD_TARGET,
    PX_PANIC_BAD_ENTRY,
    PX_PANIC_END_OF_CODE,
    PX_PANIC_BAD_LENGTH,
    PX_PANIC_COUNT
};

/* Why an engine that knows less than the guest cannot say how a run ends. */
enum px_unjudged {
    PX_UNJUDGED_EXTENSION, /* the program ran an instruction of an extension that the engine lacks */
    PX_UNJUDGED_HOSTCALL,  /* it made a host call that goes on */
    PX_UNJUDGED_GAS,       /* it ran out of gas elsewhere, and the engine meters none */
    PX_UNJUDGED_TIME,      /* it did not end in time */
    PX_UNJUDGED_SIZE,      /* it touched more memory than the engine holds */
    PX_UNJUDGED_LOST,      /* the engine's process died over it, again and again */
    PX_UNJUDGED_COUNT
};

struct px_outcome {
    enum px_exit exit;
    int64_t arg; /* 0 where the exit has none */
    uint32_t pc;
    uint64_t gas;             /* left */
    uint64_t x[PX_REG_COUNT]; /* x[0] = 0 */

    /* Page numbers (address >> 12) written at least once, ascending. Owned by the engine and valid
     * until its next prepare, run or reset. */
    const uint32_t *dirty;
    size_t dirty_count;

    /* Instructions begun, the exiting one included, by how they were run. The three add up to the
     * same number on every engine; `native` is 0 only for engines that interpret. A block that is
     * refused by its gas gate begins nothing; `ecalli` and `ecall.jar` count even when refused. */
    uint64_t native, side_exit, interpreted;
};

/* "hostcall", "manage", ... and "illegal", "ecall", "bad-target", ...; the spelling of .px files. */
const char *px_exit_name(enum px_exit exit);
const char *px_panic_name(enum px_panic cause);

/* "extension", "hostcall", ...: the word that reports count by. */
const char *px_unjudged_name(enum px_unjudged reason);

/* Writes "hostcall:0", "panic:bad-target", "page_fault:0x10000000" ... NUL-terminated; returns its
 * untruncated length. */
size_t px_exit_format(const struct px_outcome *outcome, char *text, size_t size);

/* The inverse; sets exit and arg only. False when @text is not what px_exit_format writes. */
bool px_exit_parse(const char *text, struct px_outcome *outcome);

#ifdef __cplusplus
}
#endif

#endif
