#include "harness/engines.h"

#include <string.h>

#include "jit/block.h"

static const struct px_engine_ops *const engines[] = { &px_interp_engine, &px_block_engine };

enum px_status engine_open(const char *spec, struct engine *engine, struct px_error *err)
{
    size_t name = strcspn(spec, ":");
    const char *options = spec[name] == ':' ? spec + name + 1 : "";
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        const struct px_engine_ops *ops = engines[i];
        if (strlen(ops->name) != name || memcmp(ops->name, spec, name) != 0)
            continue;
        struct px_engine *instance;
        enum px_status status = ops->create(options, &instance, err);
        if (status == PX_OK)
            *engine = (struct engine){ .ops = ops, .instance = instance };
        return status;
    }
    return px_fail(err, PX_ERR_INPUT, "engine '%.*s': expected interp or block", (int)(name < 40 ? name : 40),
                   spec);
}

void engine_close(struct engine *engine)
{
    if (engine->ops)
        engine->ops->destroy(engine->instance);
    *engine = (struct engine){ 0 };
}
