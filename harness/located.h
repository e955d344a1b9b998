/* A located divergence as people read it: where, what differs, guest and host code side by side. */
#ifndef PX_LOCATED_H
#define PX_LOCATED_H

#include <stdio.h>

#include "harness/bucket.h"
#include "harness/hostcode.h"
#include "vm/program.h"

/* What is known of one divergence; everything is borrowed. */
struct located {
    struct px_program *program;
    const char *a, *b; /* canonical specs of both engines */
    const struct bucket *bucket;
    const struct hostcode *code; /* of engine b; NULL or not known: there is none to show */
    const struct finding *finding; /* of a run at the full deadline, for where it hangs; NULL: the bucket's */
};

/* Place, differences, operands, the block with its host code. At most 120 columns. Errors are left to ferror. */
void located_write(FILE *file, const struct located *located);

/* What differs in @finding, between engines of these names. */
void located_write_finding(FILE *file, const char *a, const char *b, const struct finding *finding);

/* The block alone, as the last part of located_write. */
void located_write_code(FILE *file, const struct located *located);

/* All of it as a JSON object. */
void located_write_json(FILE *file, const struct located *located);

/* What is special about the host instruction at @offset of the unit. */
struct host_mark {
    bool faults; /* it is where the host died */
    unsigned seen; /* so often a hanging program was found there, out of `looks` */
    unsigned looks;
};

void located_mark(const struct located *located, uint32_t offset, size_t length, struct host_mark *mark);

#endif
