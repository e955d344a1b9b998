/* Instructions that differ in little: one emitter or one function usually serves them all. */
#ifndef PX_OP_GROUP_H
#define PX_OP_GROUP_H

#include <stdbool.h>

#include "vm/isa.h"

enum { OP_GROUP_MAX = 8 };

struct op_group {
    const char *name; /* no mnemonic */
    uint8_t count;
    uint8_t ops[OP_GROUP_MAX]; /* enum px_op */
};

/* The group of @op, or NULL for one that stands alone. */
const struct op_group *op_group_of(enum px_op op);

/* Which share accesses, jumps. */
extern const struct op_group op_group_loads, op_group_stores, op_group_branches;

#endif
