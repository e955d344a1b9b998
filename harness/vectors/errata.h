/*
 * What an oracle is known to get wrong, or not to know. Minting leaves such cases out, and only those; an entry that is true no
 * more is an error.
 */
#ifndef PX_VECTORS_ERRATA_H
#define PX_VECTORS_ERRATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/isa.h"
#include "vm/outcome.h"

struct erratum {
    const char *oracle; /* "qemu-7.2" */
    enum px_op op;      /* of the first instruction to run */
    /* Whether it is about this instruction with these registers; NULL: always. */
    bool (*covers)(const struct px_insn *insn, const uint64_t x[PX_REG_COUNT]);
    bool wrong; /* it answers, and wrongly; else it gives no verdict, for this reason: */
    enum px_unjudged reason;
    const char *what; /* "does not know host calls that go on" */
};

extern const struct erratum vectors_errata[];
extern const size_t vectors_errata_count;

#endif
