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

/* PX_ERR_INPUT: no such engine, or an option it does not know (says which and what is expected). */
enum px_status engine_open(const char *spec, struct engine *engine, struct px_error *err) PX_CHECKED;
void engine_close(struct engine *engine);

static inline const char *engine_spec(const struct engine *engine)
{
    return engine->ops->spec(engine->instance);
}

#endif
