/* Gates put together by hand. */
#ifndef PX_TEST_GATES_H
#define PX_TEST_GATES_H

#include "harness/gate/gate.h"

/* A gate of 2026-11-21 over two engines, without cases. The caller ends it with gate_fini. */
void gates_make(struct gate *gate);

/* Adds a file that ran, and gives its number. */
size_t gates_add_file(struct gate *gate, enum gate_part part, const char *name);

/* Adds a range that ran. */
size_t gates_add_range(struct gate *gate, const char *gen, uint64_t seed, uint64_t programs);

/*
 * Adds a bucket interp|block:@op:@fields:- with @count findings of @kind, the first of them program @index of case @at, its
 * minimal program being 1 instruction of 20. Gives its number.
 */
size_t gates_add_bucket(struct gate *gate, const char *op, const char *fields, enum finding_kind kind,
                        size_t at, uint64_t count, uint64_t index);

/* Adds a line to the known buckets. */
void gates_add_known(struct gate *gate, const char *hash, const char *owner, gate_date expires,
                     const char *reason);

#endif
