/*
 * What the processes of a session share:
 *
 *     caller --slots of programs--> server (sandboxed: prepares, runs, compares)
 *        |                             |  dies, is replaced
 *        +------control socket------> keeper (supervises; confirms and shrinks in further processes)
 *
 * The caller fills one slot while the server works on the other. Nothing crosses a process boundary per program.
 * The server may be in the hands of a guest that broke out: what it writes here is checked before it is believed.
 */
#ifndef PX_SESSION_SHARED_H
#define PX_SESSION_SHARED_H

#include <stdatomic.h>
#include <sys/types.h>

#include "harness/finding.h"
#include "harness/minimize.h"
#include "harness/parallax.h"
#include "harness/sandbox.h"

enum {
    SESSION_SLOTS = 2,
    SESSION_BATCH = 256,         /* programs of a slot */
    SESSION_CHUNK = 1 << 20,     /* bytes after which a slot is full enough */
    SESSION_SWEEP = 1024,        /* of a batch, one program in so many gets every mapped page compared */
    SESSION_DIRTY_MAX = 1 << 20, /* every page number there is */
    SESSION_ENGINE_NONE = RUN_ENGINES_MAX, /* no engine in particular */
};

enum slot_state {
    SLOT_FREE,  /* the caller's */
    SLOT_READY, /* the server's, as far as programs are pending */
    SLOT_DONE,  /* the caller's: results are in */
};

enum slot_work {
    WORK_COMPARE,
    WORK_REPLAY, /* one program on one engine */
};

enum program_state { PROGRAM_PENDING, PROGRAM_DONE };

struct session_result {
    _Atomic uint32_t state; /* enum program_state; written last */
    bool diverges;
    uint32_t ran; /* bit mask of engines that took it */
    uint32_t engine; /* that was at work when the process died, or SESSION_ENGINE_NONE */
};

struct session_slot {
    _Atomic uint32_t state; /* enum slot_state */
    _Atomic bool cancelled; /* what is pending need not run */
    uint64_t number;        /* slots are worked on in ascending order */
    enum slot_work work;
    size_t engine; /* WORK_REPLAY */
    bool every_page; /* compare all of memory, each time */
    size_t count;
    uint64_t first; /* index of the first program in its batch */
    size_t used;    /* of bytes */
    struct px_image images[SESSION_BATCH]; /* pointing into bytes */
    struct session_result results[SESSION_BATCH];
    struct finding findings[SESSION_BATCH];
    _Alignas(16) uint8_t bytes[PX_SESSION_BYTES_MAX + (64 << 10)]; /* code, content, mappings, padding */
};

/* WORK_REPLAY. */
struct session_replay {
    bool supported;
    struct px_outcome outcome;
    uint32_t dirty[SESSION_DIRTY_MAX];
    uint8_t pages[PX_REPLAY_PAGES_MAX][PX_PAGE_SIZE];
};

/* What the caller asks of the keeper, one byte over the socket, and what it answers, one byte too. */
enum session_command {
    COMMAND_CONFIRM = 'c', /* program `confirm.index` of slot `confirm.slot` in a fresh process */
    COMMAND_SHRINK = 's',  /* the program of `shrink` */
    COMMAND_ANSWER = 'a',
};

struct session_confirm {
    size_t slot, index;
    bool diverges;
    uint32_t ran;
    struct finding finding;
    enum px_status status;
    struct px_error error;
};

struct session_shrink {
    struct px_program program; /* asked and answered; its bytes are in slot 0 */
    double seconds;
    struct minimized minimized;
    enum px_status status;
    struct px_error error;
};

struct session_shared {
    _Atomic uint32_t given; /* grows with every slot given to the server, which waits on it */
    struct session_slot slots[SESSION_SLOTS];

    /* The server's own. */
    _Atomic uint32_t ready; /* 1: the engines are open and it is locked down; the caller waits on it */
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][PX_SPEC_MAX];
    _Atomic uint64_t running; /* changes from program to program; 0 between them */
    _Atomic uint64_t beats;   /* grows with every program prepared or run */
    _Atomic uint32_t current; /* program being prepared or run: 1 + slot * SESSION_BATCH + index; 0: none */
    _Atomic uint32_t engine;  /* at work on it, or SESSION_ENGINE_NONE */
    struct host_record record;
    struct session_replay replay;

    /* Why there is no server any more; status is written last. */
    _Atomic uint32_t failed; /* enum px_status */
    struct px_error error;

    struct session_confirm confirm;
    struct session_shrink shrink;
};

/*
 * The supervising process, from its birth on: starts servers until @control is closed. @caller is the process that
 * made it.
 */
_Noreturn void keeper_main(const struct sandbox *sandbox, struct session_shared *shared, int control,
                           pid_t caller);

/* The process that runs guests, from its birth on. */
_Noreturn void server_main(const struct sandbox *sandbox, struct session_shared *shared);

#endif
