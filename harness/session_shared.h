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
    SESSION_BETWEEN = 2048,      /* one program in so many gets check A, B, A */
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
    uint32_t diverges; /* 1: it does */
    uint32_t ran; /* bit mask of engines that took it */
    uint32_t engine; /* that was at work when the process died, or that leaks, or SESSION_ENGINE_NONE */
};

struct session_slot {
    _Atomic uint32_t state; /* enum slot_state */
    _Atomic uint32_t cancelled; /* 1: what is pending need not run */
    uint64_t number;        /* slots are worked on in ascending order */
    enum slot_work work;
    size_t engine; /* WORK_REPLAY */
    uint32_t alone; /* 1: no batch: all engines take part, all of memory is compared */
    uint32_t between; /* 1: check A, B, A is due of the first program, when the engines agree on it */
    size_t count;
    uint64_t first; /* index of the first program in its batch */
    struct px_image images[SESSION_BATCH]; /* pointing into bytes */
    struct session_result results[SESSION_BATCH];
    struct finding findings[SESSION_BATCH]; /* FINDING_LEAK: between is an index of this slot */
    _Alignas(16) uint8_t bytes[PX_SESSION_BYTES_MAX + (64 << 10)]; /* code, content, mappings, padding */
};

/* WORK_REPLAY. */
struct session_replay {
    uint32_t supported; /* 1: the engine took the program */
    struct px_outcome outcome;
    uint32_t dirty[SESSION_DIRTY_MAX];
    uint8_t pages[PX_REPLAY_PAGES_MAX][PX_PAGE_SIZE];
};

/* What the caller asks of the keeper over the socket. The server has no part in it. */
enum session_command {
    COMMAND_CONFIRM, /* program `index` of slot `slot` in a fresh process */
    COMMAND_CONFIRM_LEAK, /* the same, program `between` between two runs of it */
    COMMAND_SHRINK,  /* the program of `shrink` */
};

struct session_request {
    enum session_command command;
    size_t slot, index, between;
    double seconds;
};

struct session_answer {
    enum px_status status;
    struct px_error error;
    bool diverges; /* COMMAND_CONFIRM, COMMAND_CONFIRM_LEAK; of the former also how */
    uint32_t ran;
    struct finding finding;
    struct minimized minimized; /* COMMAND_SHRINK: and, if it diverges, the program is in `shrink` */
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
    _Atomic uint32_t between; /* check A, B, A of it is under way: 1 + index of the program B; 0: it is not */
    struct host_record record;
    struct session_replay replay;

    /* Why there is no server any more; status is written last. */
    _Atomic uint32_t failed; /* enum px_status */
    struct px_error error;

    struct px_program shrink; /* asked, and answered; its bytes are in slot 0 */
};

/* Makes the program of @shared's `shrink` a copy of @program, which has at most PX_SESSION_BYTES_MAX bytes. */
void session_put_program(struct session_shared *shared, const struct px_program *program);

/* Makes @program a copy of it. PX_ERR_INTERNAL: it is no program. PX_ERR_NOMEM. */
enum px_status session_take_program(const struct session_shared *shared, struct px_program *program,
                                    struct px_error *err) PX_CHECKED;

/* Makes @program, which is empty, a copy of the caller's own @image, which is sound. PX_ERR_NOMEM. */
enum px_status session_copy_image(const struct px_image *image, struct px_program *program,
                                  struct px_error *err) PX_CHECKED;

/* Makes @program, which is empty, a copy of image @index of slot @slot. PX_ERR_INTERNAL, PX_ERR_NOMEM. */
enum px_status session_take_image(const struct session_shared *shared, size_t slot, size_t index,
                                  struct px_program *program, struct px_error *err) PX_CHECKED;

/*
 * The supervising process, from its birth on: starts servers until @control is closed. @caller is the process that
 * made it.
 */
_Noreturn void keeper_main(const struct sandbox *sandbox, struct session_shared *shared, int control,
                           pid_t caller);

/* The process that runs guests, from its birth on. */
_Noreturn void server_main(const struct sandbox *sandbox, struct session_shared *shared);

#endif
