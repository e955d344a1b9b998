/*
 * Deliberately wrong engines: the reference interpreter with one observable falsified. They prove, at the start
 * of each campaign, that the harness would see a real engine do so.
 */
#ifndef PX_WRONG_H
#define PX_WRONG_H

#include <stdint.h>

#include "vm/engine.h"

/* The option is the field to falsify as diff_fields_format spells it ("gas", "x10", "memory"), or "none". */
extern const struct px_engine_ops px_wrong_engine;

/*
 * Runs a fixed program on the reference against one wrong engine per compared field, and against an honest copy. Each lie
 * must show as exactly its own field, the honest copy as nothing. *caught is the number of lies; PX_ERR_INTERNAL
 * names the field that went unseen.
 */
enum px_status px_self_test(unsigned *caught, struct px_error *err) PX_CHECKED;

#endif
