#define _GNU_SOURCE
#include "harness/engines.h"

#include <stdio.h>
#include <string.h>

#include "harness/oracle/qemu.h"
#include "harness/plugin/plugin.h"
#include "harness/tiered/tiered.h"
#include "harness/wrong.h"
#include "jit/engine.h"
#include "vm/fused/engine.h"

/* Fuzz targets are linked without what runs in processes of its own: the table then has holes. */
#pragma weak px_qemu_engine
#pragma weak px_plugin_engine

static const struct {
    const struct px_engine_ops *ops;
    bool native; /* makes host code, and takes cpu= */
} engines[] = { { &px_interp_engine, false }, { &px_fused_engine, false }, { &px_block_engine, true },
                { &px_linear_engine, true },  { &px_qemu_engine, false },  { &px_wrong_engine, false },
                { &px_plugin_engine, false }, { &px_tiered_engine, true } };

/* The machine refused what engine @spec takes, as @err says already. */
static enum px_status how_to_go_on(const char *spec, enum px_status status, struct px_error *err)
{
    struct px_error what = *err;
    bool named = strncmp(what.text, "engine ", strlen("engine ")) == 0;
    return px_fail(err, status,
                   "%s%.40s%s%.240s; see `ulimit -a` and `parallax doctor`, or go on without this engine",
                   named ? "" : "engine ", named ? "" : spec, named ? "" : ": ", what.text);
}

enum px_status engine_open(const char *spec, struct engine *engine, struct px_error *err)
{
    size_t name = strcspn(spec, ":");
    const char *options = spec[name] == ':' ? spec + name + 1 : "";
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        const struct px_engine_ops *ops = engines[i].ops;
        if (!ops || strlen(ops->name) != name || memcmp(ops->name, spec, name) != 0)
            continue;
        struct px_engine *instance;
        enum px_status status = ops->create(options, &instance, err);
        if (status == PX_OK)
            *engine = (struct engine){ .ops = ops, .instance = instance };
        return status == PX_ERR_SYSTEM || status == PX_ERR_NOMEM ? how_to_go_on(spec, status, err) : status;
    }
    return px_fail(err, PX_ERR_INPUT,
                   "engine '%.*s': expected interp, fused, block, linear, tiered, qemu, plugin or wrong",
                   (int)(name < 40 ? name : 40), spec);
}

size_t engines_first(const char *list)
{
    size_t length = strcspn(list, ",");
    while (list[length] == ',') {
        const char *next = list + length + 1;
        size_t word = strcspn(next, ",:=");
        if (next[word] != '=')
            break;
        length += 1 + strcspn(next, ",");
    }
    return length;
}

enum px_status engines_pick(const char *list, size_t index, char text[ENGINES_TEXT], struct px_error *err)
{
    size_t length = engines_first(list), body;
    for (size_t i = 0; i < index; i++) {
        list += length + (list[length] == ',');
        length = engines_first(list);
    }
    body = strcspn(list, "%");
    body = body < length ? body : length;
    if (body == 0 || body >= ENGINES_TEXT)
        return px_fail(err, PX_ERR_INPUT, "there is no engine number %zu", index);
    memcpy(text, list, body);
    text[body] = '\0';
    return PX_OK;
}

static bool is_native(const char *spec, size_t length)
{
    const char *colon = memchr(spec, ':', length);
    size_t name = colon ? (size_t)(colon - spec) : length;
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (engines[i].native && strlen(engines[i].ops->name) == name &&
            memcmp(engines[i].ops->name, spec, name) == 0)
            return true;
    return false;
}

static bool names_cpu(const char *spec, size_t length)
{
    const char *option = memmem(spec, length, "cpu=", 4);
    return option && option > spec && (option[-1] == ':' || option[-1] == ',');
}

enum px_status engines_limit_cpu(const char *list, const char *features, char text[ENGINES_TEXT],
                                 struct px_error *err)
{
    size_t used = 0;
    if (features && (!*features || strpbrk(features, ",:%")))
        return px_fail(err, PX_ERR_INPUT,
                       "cpu features '%.40s': expected host, baseline, or names joined by '+'", features);
    while (*list && used < ENGINES_TEXT) {
        size_t length = engines_first(list), body = strcspn(list, "%");
        const char *key = "";
        body = body < length ? body : length;
        if (features && is_native(list, body) && !names_cpu(list, body))
            key = memchr(list, ':', body) ? ",cpu=" : ":cpu=";
        used += (size_t)snprintf(text + used, ENGINES_TEXT - used, "%.*s%s%s%.*s%s", (int)body, list, key,
                                 *key ? features : "", (int)(length - body), list + body,
                                 list[length] ? "," : "");
        list += length + (list[length] == ',');
    }
    if (used >= ENGINES_TEXT)
        return px_fail(err, PX_ERR_INPUT, "engines: expected a list of at most %d characters",
                       ENGINES_TEXT - 1);
    text[used] = '\0';
    return PX_OK;
}

void engine_close(struct engine *engine)
{
    if (engine->ops)
        engine->ops->destroy(engine->instance);
    *engine = (struct engine){ 0 };
}
