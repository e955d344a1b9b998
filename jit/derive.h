/* Deriving a template from what lowering does (memo.h). */
#ifndef PX_JIT_DERIVE_H
#define PX_JIT_DERIVE_H

#include "jit/memo.h"

enum jit_derived {
    JIT_DERIVED,
    JIT_TOO_COARSE, /* the opcode must tell more kinds of registers apart */
    JIT_UNDERIVABLE,
};

/* The template of c->in; *template is as it was when there is none. Fills memo->places, scratch and sites. */
enum jit_derived jit_derive(struct jit_compiler *c, struct jit_template *template);

#endif
