/* Where a program spends its instructions: how often each of its blocks is entered. */
#ifndef PX_PROFILE_H
#define PX_PROFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vm/program.h"
#include "vm/status.h"

struct profile_block {
    uint32_t pc, size; /* size: bytes */
    uint32_t count;    /* instructions */
    uint64_t entered;
};

/* Blocks that were entered, those with the most instructions first. Owned by the caller of profile_run. */
struct profile {
    struct profile_block *blocks;
    size_t count;
    uint64_t instructions; /* begun */
};

/* Runs @program on the reference interpreter. PX_ERR_NOMEM. */
enum px_status profile_run(struct px_program *program, struct profile *profile,
                           struct px_error *err) PX_CHECKED;
void profile_fini(struct profile *profile);

/*
 * A line for each of the first @top blocks: instructions begun in it of 1,000, entries of 1,000 instructions, pc, and its
 * instructions as the fused interpreter sees them (vm/fused/kinds.h): "ld addi:1 bne:1" says that addi's rs1 is what ld
 * writes, :2 that its rs2 is. What the fused interpreter drops is left out.
 */
void profile_print(const struct profile *profile, const struct px_program *program, size_t top, FILE *out);

#endif
