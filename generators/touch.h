/* Pieces of structured programs that touch memory: loads and stores, walks over pages, faults, host calls. */
#ifndef PX_TOUCH_H
#define PX_TOUCH_H

#include "generators/shape.h"

/* All of these need shape_may_reserve. */

/* A few loads and stores at one place that allows them (once in fifty or so not quite). */
void touch_access(struct shape *s);

/* One load or store at an offset from register @base, which holds @spot's address. */
void touch_one(struct shape *s, unsigned base, const struct spot *spot);

/* A loop of accesses whose base advances. */
void touch_walk(struct shape *s);

/* An access that is meant to fail, between instructions that change registers. */
void touch_fault(struct shape *s);

/* pow, fill or hash over a place that allows it as a rule; ordinary instructions when x10..x12 are taken. */
void touch_host_call(struct shape *s);

#endif
