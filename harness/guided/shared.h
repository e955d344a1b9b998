/*
 * What the processes of a guided campaign share:
 *
 *     supervisor --corpus: programs that showed something new, of all workers and of earlier campaigns--> workers
 *     worker --mail: a program for the corpus or of a finding; it waits until it is on disk or in safe hands--> supervisor
 *     worker --batch: the programs under way, for whoever must say what it died over--> supervisor
 *
 * Programs are in the binary form. Workers may be in the hands of a guest that broke out: what they write is checked before
 * it is believed, and nothing of the corpus on disk depends on the memory that they see.
 */
#ifndef PX_GUIDED_SHARED_H
#define PX_GUIDED_SHARED_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness/features.h"
#include "harness/worker.h"

enum {
    GUIDED_BYTES_MAX = 32 << 10,   /* of one program */
    GUIDED_ENTRIES_MAX = 64 << 10, /* of the corpus in memory ... */
    GUIDED_ARENA = 64 << 20,       /* ... and their bytes; what is beyond that is only on disk */
    GUIDED_CLAIMS = 8,
};

struct guided_program {
    uint32_t size; /* 0: none */
    uint8_t bytes[GUIDED_BYTES_MAX];
};

/* A program of the corpus. */
struct guided_entry {
    uint32_t offset, size; /* in the arena */
    uint32_t gas;          /* that its run took, at most UINT32_MAX */
    uint16_t claims[GUIDED_CLAIMS], claim_count; /* features that it was the first to show */
};

/* Written by the supervisor alone; workers map it to read. */
struct guided_corpus {
    _Atomic uint32_t count;
    uint32_t imports; /* entries 0 .. imports - 1 are from disk: they have still to show what they claim */
    struct guided_entry entries[GUIDED_ENTRIES_MAX];
    uint8_t arena[GUIDED_ARENA];
};

enum guided_mail_kind {
    GUIDED_MAIL_ENTRY,
    GUIDED_MAIL_PROGRAM, /* of a finding that is about two: it comes with the other one */
    GUIDED_MAIL_FINDING,
};

struct guided_mail {
    _Atomic uint32_t posted, taken; /* equal: there is none */
    uint32_t kind;
    uint64_t index; /* of the program */
    struct guided_entry entry; /* claims and gas */
    struct finding finding; /* GUIDED_MAIL_FINDING */
    struct guided_program program;
};

/* Of one worker and those that replace it. */
struct guided_box {
    _Atomic uint32_t imported; /* imports of this worker that are done or under way */
    struct guided_mail mail;
    struct {
        uint64_t number; /* index + 1 of the program; 0: none */
        struct guided_program program;
    } batch[WORKER_BATCH];
};

/* Rung with every mail. */
struct guided_bell {
    _Atomic uint32_t rung;
};

#endif
