/* The engines of this build, by spec: NAME[:OPTIONS], for example "block:cpu=baseline". */
#ifndef PX_ENGINES_H
#define PX_ENGINES_H

#include <stddef.h>

#include "vm/engine.h"

/* An opened engine: operations and instance. */
struct engine {
    const struct px_engine_ops *ops;
    struct px_engine *instance;
};

/*
 * Lists of specs, separated by commas: a comma followed by KEY= goes on with the options before it. What campaigns
 * compare by default (%N: in one program of N), and every way of running a program that they use, for a single one.
 */
#define ENGINES_CAMPAIGN "interp,block,fused%16,block:touch=fault%16,block:cpu=baseline%16,linear%16"
#define ENGINES_EVERY "interp,fused,block,block:touch=fault,block:cpu=baseline,linear"
enum { ENGINES_TEXT = 1024 }; /* room for a list, its end included */

/* Length of the first spec in @list. */
size_t engines_first(const char *list);

/*
 * Copies spec number @index of @list as it was written, without its %N: what opens that engine again, where the canonical spec
 * only names it. PX_ERR_INPUT: there are not so many.
 */
enum px_status engines_pick(const char *list, size_t index, char text[ENGINES_TEXT],
                            struct px_error *err) PX_CHECKED;

/*
 * @list with "cpu=@features" given to every engine that makes host code and names no cpu= itself. @features NULL: as
 * it is. PX_ERR_INPUT: the result is longer than ENGINES_TEXT.
 */
enum px_status engines_limit_cpu(const char *list, const char *features, char text[ENGINES_TEXT],
                                 struct px_error *err) PX_CHECKED;

/* PX_ERR_INPUT: no such engine, or an option it does not know (says which and what is expected). */
enum px_status engine_open(const char *spec, struct engine *engine, struct px_error *err) PX_CHECKED;
void engine_close(struct engine *engine);

static inline const char *engine_spec(const struct engine *engine)
{
    return engine->ops->spec(engine->instance);
}

#endif
