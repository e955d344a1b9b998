/*
 * The contract between the harness and an engine; also the ABI of an engine that lives outside this
 * tree. An engine runs images exactly as ISA.md says, or says PX_UNSUPPORTED in prepare: it never
 * hands a program to another engine.
 *
 * One engine instance is used by one thread at a time. Units belong to the engine that prepared
 * them and borrow the image they were prepared from until released.
 */
#ifndef PX_ENGINE_H
#define PX_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/outcome.h"
#include "vm/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PX_ENGINE_ABI 1

/*
 * What an engine that lives outside of this tree exports: a function of this name and type, which returns operations that stay
 * where they are. Declare it with the type, then define it: px_engine_entry_fn px_engine_entry;
 */
#define PX_ENGINE_ENTRY "px_engine_entry"
struct px_engine_ops;
typedef const struct px_engine_ops *px_engine_entry_fn(void);

struct px_engine; /* opaque: each engine defines its own */
struct px_unit;   /* opaque: one prepared image */

/* What an engine can be compared on. */
struct px_caps {
    bool registers;    /* x1..x15 are reported */
    bool gas;          /* gas is metered */
    bool dirty; /* the dirty set is reported; if not, outcome.dirty holds pages that may have been written */
    bool aliasing; /* addresses alias mod 2^32 */
    bool block_starts; /* the block-start rule of ISA.md 4 is enforced */
    bool counts; /* instructions begun are counted */
    uint32_t extensions; /* bit mask over enum px_extension */
};

struct px_entry {
    uint32_t pc;
    uint64_t gas;
    uint64_t x[PX_REG_COUNT]; /* x[0] is ignored */
    /* Exit PX_EXIT_STOPPED instead of entering block number stop_after_blocks + 1 (the entry block is
     * the first), before its gas gate. 0: never. Needs PX_PREPARE_STOPPABLE. */
    uint64_t stop_after_blocks;
};

enum {
    PX_PREPARE_STOPPABLE = 1, /* the unit honours stop_after_blocks */
    PX_PREPARE_MAPPED = 2, /* code_parts knows the unit; its host code is the same as without */
};

enum px_fault_verdict {
    PX_FAULT_NOT_MINE, /* the fault is not the engine's: chain it */
    PX_FAULT_RESUMED, /* the context was edited; return and go on */
    PX_FAULT_EXIT, /* the fault is a guest exit and the context now leads there; return */
    PX_FAULT_ABORT, /* generated code faulted on the host: an `abort`; the site is filled in */
};

/* Where generated code aborted, or was found. */
struct px_fault_site {
    bool known; /* guest_pc is meaningful */
    uint32_t guest_pc;
    bool code_known; /* so are the others; offsets are those of px_code_part */
    uint32_t code; /* the host instruction, or the call under way */
    int64_t at; /* where the host is: as code, or in what the unit called, which lies outside of it */
    uint8_t bytes[16]; /* what stands there, when byte_count > 0: so many */
    uint32_t byte_count;
    /* Another process faulted, in which the engine runs programs: of this signal (0: it ended by itself), accessing or executing
     * this host address. */
    bool elsewhere;
    int32_t signal;
    uint64_t address;
};

/* What a stretch of host code is there for. */
enum px_code_role {
    PX_CODE_HEAD, /* enters the block at pc: gas gate, counters; at the code size: leaves */
    PX_CODE_BODY, /* does the instruction at pc */
    PX_CODE_COLD, /* a rare way out of one of these, out of line */
    PX_CODE_ROLE_COUNT
};

struct px_code_part {
    enum px_code_role role;
    uint32_t pc;
    uint32_t offset, size; /* in the unit's code; size 0: it takes no code */
    const uint8_t *bytes; /* where it runs; valid until the unit is released */
};

/* Code that units share and jump to or call. */
struct px_code_label {
    int64_t offset; /* as px_code_part.offset; outside of the unit */
    const char *name;
};

/* Where a guest register lives while host code runs: in a host register, or in memory at host register + disp. */
struct px_reg_home {
    const char *reg; /* "rdi"; NULL: nowhere, as x0 */
    bool memory;
    int32_t disp;
};

/*
 * New operations are added at the end and may be missing, so that PX_ENGINE_ABI stays; on_fault and what comes after it may be
 * NULL in an engine from outside.
 */
struct px_engine_ops {
    uint32_t abi; /* PX_ENGINE_ABI */
    uint32_t size; /* sizeof(struct px_engine_ops); from outside also less, PX_ENGINE_OPS_MIN at least */
    const char *guest; /* PX_GUEST_NAME */
    const char *name; /* "interp", "block", ... */

    /*
     * Makes an instance. @options is what follows the name in an engine spec ("touch=check,cpu=baseline"),
     * "" for none. PX_ERR_INPUT names the option and what was expected.
     */
    enum px_status (*create)(const char *options, struct px_engine **engine, struct px_error *err) PX_CHECKED;
    void (*destroy)(struct px_engine *engine); /* NULL is fine; releases every unit */

    /* The canonical spec, options in a fixed order with defaults left out. Owned by the engine. */
    const char *(*spec)(const struct px_engine *engine);

    struct px_caps (*caps)(const struct px_engine *engine);

    /*
     * Decodes or compiles @image, which must pass px_image_check and outlive the unit. Many units may
     * be prepared before one runs, and one may run many times. PX_ERR_FULL: release units and try
     * again; PX_UNSUPPORTED: not for this engine.
     */
    enum px_status (*prepare)(struct px_engine *engine, const struct px_image *image, unsigned flags,
                              struct px_unit **unit, struct px_error *err) PX_CHECKED;
    void (*release)(struct px_engine *engine, struct px_unit *unit); /* NULL is fine */

    /* Runs @unit from @entry over untouched memory. A status other than PX_OK means that we failed;
     * whatever the guest does lands in @outcome, also PX_EXIT_UNJUDGED of an engine that cannot say. */
    enum px_status (*run)(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                          struct px_outcome *outcome, struct px_error *err) PX_CHECKED;

    /*
     * The bytes of guest page @page (address >> 12) as the last run left them; zeros where nothing is
     * mapped. Either fills @scratch (PX_PAGE_SIZE bytes) or lends memory that stays valid until the
     * next read_page, run, prepare, release or reset; *bytes tells which.
     */
    enum px_status (*read_page)(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                const uint8_t **bytes) PX_CHECKED;

    /* Forgets every earlier program: afterwards the instance behaves as a new one. Units stay. */
    void (*reset)(struct px_engine *engine);

    /* Called from a signal handler with the kernel's siginfo and ucontext; must be
     * async-signal-safe. With SIGPROF nothing has faulted: it tells the site if code of a unit runs, and is not its own. */
    enum px_fault_verdict (*on_fault)(struct px_engine *engine, int signal, void *siginfo, void *ucontext,
                                      struct px_fault_site *site);

    /*
     * All three are NULL for an engine without host code to show. The parts of a unit prepared with PX_PREPARE_MAPPED,
     * ascending by offset, and labels near it: they fill the first @room and return how many there are.
     */
    size_t (*code_parts)(const struct px_engine *engine, const struct px_unit *unit,
                         struct px_code_part *parts, size_t room);
    size_t (*code_labels)(const struct px_engine *engine, const struct px_unit *unit,
                          struct px_code_label *labels, size_t room);
    struct px_reg_home (*reg_home)(const struct px_engine *engine, unsigned x);

    /* The host code of a unit in one piece, for those who look at its bytes; valid until the unit is released. NULL as
     * above. */
    const uint8_t *(*code)(const struct px_engine *engine, const struct px_unit *unit, size_t *size);
};

/* The part of the operations that no engine goes without. */
#define PX_ENGINE_OPS_MIN offsetof(struct px_engine_ops, on_fault)

extern const struct px_engine_ops px_interp_engine;

#ifdef __cplusplus
}
#endif

#endif
