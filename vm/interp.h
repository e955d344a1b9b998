/*
 * The reference interpreter: literally ISA.md, one function per instruction, the simplest code in the
 * tree. It takes every image. px_interp_engine is declared in engine.h; this header is for those who watch it
 * run.
 */
#ifndef PX_INTERP_H
#define PX_INTERP_H

#include "vm/engine.h"
#include "vm/isa.h"
#include "vm/memory.h"

/* Called before each instruction with its offset, the gas left and the registers it will read. */
typedef void px_interp_observer(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas,
                                const uint64_t *x);

/* Calls @observer (NULL: none) from the next run on. @engine must be an instance of px_interp_engine. */
void px_interp_observe(struct px_engine *engine, px_interp_observer *observer, void *arg);

/* Marks in @touches, PX_TOUCHES bytes of the caller's (NULL: nowhere), what runs touch from now on (memory.h). */
void px_interp_watch_memory(struct px_engine *engine, uint8_t *touches);

/* How many pages, and how many units of ro memory, the last run touched. */
void px_interp_touched(const struct px_engine *engine, size_t *pages, size_t *units);

#endif
