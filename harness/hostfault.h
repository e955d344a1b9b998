/*
 * The only owner of host signals in a worker. A fault in generated code and a program that runs for
 * too long become the worker's last words, after which it ends: its heap cannot be trusted any more.
 */
#ifndef PX_HOSTFAULT_H
#define PX_HOSTFAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/run.h"

enum {
    HANG_CPU_SECONDS = 1, /* of CPU time for one program */
    HANG_TICKS = 10,      /* the timer looks so often in that time */
    HANG_SAMPLES = 16,    /* of where a program that may hang is; the last ones are kept */
};

enum last_words {
    WORDS_NONE,
    WORDS_ABORT,   /* generated code faulted on the host */
    WORDS_HARNESS, /* our own C code did: the process then dies of the signal */
    WORDS_HANG,    /* over HANG_CPU_SECONDS in one program */
    WORDS_KILLED,  /* another process sent a signal that ends */
};

/* Where generated code was when the timer looked. */
struct host_sample {
    bool known;
    uint32_t guest_pc, code;
};

/* What a worker leaves behind, in shared memory. */
struct host_record {
    _Atomic uint32_t words; /* enum last_words; written last */
    _Atomic uint32_t armed; /* not 0: the handlers are there, and whoever sends a signal is known */
    int32_t signal;
    uint64_t address; /* that was accessed, or executed */
    uint32_t guest_pc_known; /* not 0: it is */
    uint32_t guest_pc;
    struct px_fault_site site; /* code, at and bytes of an abort */
    uint32_t
        sample_count; /* taken of the program under way: the last of them are in samples, at i % HANG_SAMPLES */
    struct host_sample samples[HANG_SAMPLES];
};

/* What the handlers look at. */
struct hostfault {
    struct run *run;
    struct host_record *record;
    _Atomic uint64_t *running; /* changes from program to program; 0 while none runs */
    uint64_t seen; /* the timer's memory */
    unsigned ticks;
    unsigned tick_ms, ticks_max; /* 0: as HANG_CPU_SECONDS and HANG_TICKS say */
};

/*
 * Installs the handlers and the CPU timer in this process, for good. @state must outlive it. PX_ERR_SYSTEM.
 */
enum px_status hostfault_install(struct hostfault *state, struct px_error *err) PX_CHECKED;

#endif
