/* From an image to what the runner takes (protocol.h). */
#ifndef PX_ORACLE_UNIT_H
#define PX_ORACLE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/oracle/protocol.h"
#include "vm/image.h"

/* Where units and their code go: filled from the start, emptied all at once. */
struct unit_space {
    uint8_t *memory; /* the memory file */
    uint64_t units;  /* bytes in use; valid while a unit lives */
    uint64_t code;   /* bytes that were ever translated in this epoch */
    uint64_t epoch;
    size_t live; /* units */
};

/*
 * Makes a unit of @image; *at is its offset in the memory file. With @counted the runner can stop after blocks. PX_ERR_FULL:
 * release units first. PX_UNSUPPORTED: too large.
 */
enum px_status unit_make(struct unit_space *space, const struct px_image *image, bool counted, uint64_t *at,
                         struct px_error *err) PX_CHECKED;

/* Every unit made is released once, in any order. */
void unit_release(struct unit_space *space);

/* Whether a block starts at @pc: any pc whatever. */
bool unit_starts_block(const struct unit_space *space, uint64_t at, uint32_t pc);

#endif
