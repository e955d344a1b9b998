/* A divergence as the harness knows it: which program, what kind, what differs. */
#ifndef PX_FINDING_H
#define PX_FINDING_H

#include "harness/diff.h"
#include "harness/hostfault.h"

enum finding_kind {
    FINDING_DIFF,  /* outcomes or memory differ */
    FINDING_ABORT, /* the host process faulted */
    FINDING_HANG,  /* one program took over a second of CPU time, or the worker's heartbeat stalled */
    FINDING_LEAK,  /* an engine runs a program otherwise after another one has run */
    FINDING_KIND_COUNT
};

struct finding {
    uint64_t index;    /* of the program; meaningless for one read from a file */
    uint64_t between;  /* FINDING_LEAK: index of the program that ran in between */
    uint64_t address;  /* FINDING_ABORT: that was accessed, or executed */
    size_t other; /* FINDING_DIFF, FINDING_LEAK: the engine that disagrees with the first, or with itself */
    enum finding_kind kind;
    int signal; /* FINDING_ABORT */
    uint32_t guest_pc; /* FINDING_ABORT in generated code */
    bool guest_pc_known;
    bool in_harness; /* FINDING_ABORT: it was our own C code */
    struct px_fault_site site; /* FINDING_ABORT: where in generated code */
    uint32_t sample_count; /* FINDING_HANG: where it was seen */
    struct host_sample samples[HANG_SAMPLES];
    struct diff diff; /* FINDING_DIFF */
};

/* Turns what a dead worker left into a finding. @wait_status is waitpid's. */
void finding_from_death(struct finding *finding, const struct host_record *record, int wait_status);

/* *value comes out of such memory as below, and may have any bit pattern. */
void make_bool(bool *value);

/*
 * @finding comes out of memory that code under test may have overwritten: afterwards nothing that is read of it can lead
 * astray.
 */
void finding_make_harmless(struct finding *finding);

/* Two findings are the same thing: kind, fields, engine, signal. */
bool finding_same(const struct finding *a, const struct finding *b);

/* "pc,gas", "abort:SIGFPE", "hang". NUL-terminated; returns the untruncated length. */
size_t finding_format(const struct finding *finding, char *text, size_t size);

#endif
