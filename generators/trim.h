/*
 * Smaller programs that do the same, for whoever can tell what that is: a fuzzer that looks at coverage. Offers one reduction after the
 * other, runs of instructions first, which halve until they are one (longer ones in long programs), then mappings, what they hold,
 * and registers. Each is of the last program that was kept. At most TRIM_TRIES of them; programs are sound, and jumps lead
 * to where they led, or to what came behind it.
 */
#ifndef PX_TRIM_H
#define PX_TRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generators/listing.h"
#include "vm/program.h"

enum {
    TRIM_RUNS = 128, /* the shortest runs of instructions are the code's length by so many, or one */
    TRIM_TRIES = 2 * TRIM_RUNS + 16 + 2 * PX_PROGRAM_MAPS_MAX + PX_REG_COUNT,
};

enum trim_phase { TRIM_CODE, TRIM_MAPS, TRIM_CONTENT, TRIM_SEEDS, TRIM_DONE };

/* Zeroed but for its programs, which px_program_init begins; keeps its buffers from one program to the next. */
struct trim {
    struct px_program best, candidate;
    struct listing
        code; /* of what it began with; dropped is what best lacks, and what candidate lacks of it */
    enum trim_phase phase;
    uint32_t run, at; /* of the candidate: items, a mapping, a register */
    uint32_t dropped, *drops; /* by the candidate: items */
    size_t drops_room;
};

void trim_init(struct trim *trim);
void trim_fini(struct trim *trim);

/* Begins with a copy of @program, which must be a sound image. PX_ERR_NOMEM. */
enum px_status trim_begin(struct trim *trim, const struct px_program *program) PX_CHECKED;

/* Makes the next candidate, which differs from the best; false when there is none left, or no memory. */
bool trim_next(struct trim *trim);

/* The candidate is as good: the next ones are made of it. At most once for each candidate. */
void trim_keep(struct trim *trim);

#endif
