/*
 * The reference interpreter: literally ISA.md, one function per instruction, the simplest code in the
 * tree. It takes every image. px_interp_engine is declared in engine.h; this header is for those who watch it
 * run.
 */
#ifndef PX_INTERP_H
#define PX_INTERP_H

#include "vm/engine.h"
#include "vm/isa.h"

/* Called before each instruction with its offset, the gas left and the registers it will read. */
typedef void px_interp_observer(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas,
                                const uint64_t *x);

/* Calls @observer (NULL: none) from the next run on. @engine must be an instance of px_interp_engine. */
void px_interp_observe(struct px_engine *engine, px_interp_observer *observer, void *arg);

#endif
