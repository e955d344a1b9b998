/* How lower_*.c files write their emitters. Included by them only. */
#ifndef PX_JIT_LOWER_H
#define PX_JIT_LOWER_H

#include "jit/compiler.h"

#define LOWER(name) void lower_##name(struct jit_compiler *c)

/* rd = the low 32 bits of @src, sign-extended. */
static inline void write_sext32(struct jit_compiler *c, enum x64_reg src)
{
    enum x64_reg d = jit_target(c->in->rd, RAX);
    x64_extend(&c->e, X64_S32, d, src);
    jit_write(c, c->in->rd, d);
}

#endif
