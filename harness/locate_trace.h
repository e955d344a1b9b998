/* What the reference sees on its way through the block that diverges. */
#ifndef PX_LOCATE_TRACE_H
#define PX_LOCATE_TRACE_H

#include "vm/engine.h"
#include "vm/isa.h"

enum { TRACE_PAGES_MAX = 1024 };

/* What has happened to a page by then. */
enum trace_page { TRACE_UNTOUCHED, TRACE_READ, TRACE_WRITTEN };

struct trace_step {
    struct px_insn insn;
    uint32_t pc;
    uint64_t x[PX_REG_COUNT]; /* before it */
    uint8_t pages[2];         /* enum trace_page, of the first and the last page of its access, before it */
};

/* Zeroed is empty. */
struct trace {
    struct trace_step *steps; /* of the block */
    size_t count, capacity;
    enum px_exit exit; /* how it left; PX_EXIT_STOPPED behind the block */
    bool ended; /* the instruction before ended its block */
    uint32_t pages[TRACE_PAGES_MAX]; /* numbers + 1, hashed; a page that finds no room counts as untouched */
    uint8_t states[TRACE_PAGES_MAX];
    bool failed; /* out of memory */
};

/*
 * Runs @image on @reference, an instance of px_interp_engine, up to the end of block number @block, from 1 (0: to its end), and
 * keeps the instructions of the last block that it entered. PX_ERR_NOMEM.
 */
enum px_status trace_block(struct trace *trace, struct px_engine *reference, const struct px_image *image,
                           uint64_t block, struct px_error *err) PX_CHECKED;
/* The same for a block of which only @step, its instruction number @index from 0, is known: those before it are as it is. */
enum px_status trace_only(struct trace *trace, size_t index, const struct trace_step *step,
                          struct px_error *err) PX_CHECKED;
void trace_fini(struct trace *trace);

#endif
