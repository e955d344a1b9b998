/* The runner's parts: runner.c takes orders and signals, guest.c does what the guest's own code cannot. */
#ifndef PX_ORACLE_RUNNER_H
#define PX_ORACLE_RUNNER_H

#include <stdbool.h>

#include "harness/oracle/protocol.h"
#include "vm/outcome.h"

/* What the kernel passes to a handler, as far as it matters here. */
struct frame {
    uint8_t before[176]; /* flags, link, stack, signal mask */
    uint64_t pc;
    uint64_t x[31]; /* x1.. */
};
/* Linux system calls. */
enum {
    CALL_FUTEX = 98,
    CALL_EXIT_GROUP = 94,
    CALL_SETITIMER = 103,
    CALL_SIGALTSTACK = 132,
    CALL_SIGACTION = 134,
    CALL_MUNMAP = 215,
    CALL_MMAP = 222,
    CALL_MPROTECT = 226,
};

/* How the runner ends when it cannot go on: the process's exit code. */
enum {
    RUNNER_START = 90, /* a system call at the start was refused */
    RUNNER_STRAY = 91, /* a signal that no program can have raised */
};

enum { RUNNER_CHUNK_SLOTS = 2 * ORACLE_CHUNKS_MAX }; /* a power of two */

/* A chunk of guest memory that is mapped: its number from 1, 0 for none, and that of its first page in the pool. */
struct runner_chunk {
    uint32_t number, place;
};

struct runner {
    uint64_t x[PX_REG_COUNT]; /* of the guest, while it is not running */
    uint64_t resume; /* where it goes on: an address */
    struct oracle_control *control;
    uint64_t epoch, pool_epoch;
    bool exited; /* the program under way has an answer */
    uint32_t ticks;

    /* The program. */
    const struct oracle_unit *unit;
    const uint8_t *code;
    const uint32_t *starts;
    const struct oracle_map *maps;
    uint64_t base; /* of the code to be executed */
    uint64_t stop_after_blocks, blocks;
    uint32_t pc; /* of the instruction at hand, an offset */
    uint32_t step; /* the block whose first instruction runs apart, ... */
    bool stepped; /* ... which is done */

    struct runner_chunk chunks[RUNNER_CHUNK_SLOTS];
    uint32_t chunk_count;
};

/* The program ends there. */
void runner_exit(struct runner *r, enum px_exit exit, int64_t arg, uint32_t pc);

/* It goes on at offset @pc, or behind the instruction at hand. */
void runner_go(struct runner *r, uint32_t pc);
void runner_advance(struct runner *r);

/* Does the instruction at hand, which traps where qemu would run it. */
void runner_perform(struct runner *r);
/* The same when a block may begin there, and blocks are counted. */
void runner_enter_block(struct runner *r);
/* The instruction at hand accessed memory that is not there, or not yet. */
void runner_fault(struct runner *r);
/* After a program: its pages are closed. After many: nothing of the pool is mapped. */
void runner_close_pages(struct runner *r);
void runner_unmap_chunks(struct runner *r);

_Noreturn void runner_die(unsigned code);

/* Called by start.S. The first puts the first program into its struct runner, the others let it go on or put the next. */
void runner_main(uint64_t qemu_stack);
void runner_on_trap(uint64_t pc);
void runner_on_signal(int number, void *info, struct frame *frame);

/* In start.S: what the guest's code calls in place of an instruction, and a signal handler that calls the one above. */
void runner_trap(void);
void runner_signal(int number, void *info, struct frame *frame);

/* A Linux system call; in start.S. */
long runner_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

#endif
