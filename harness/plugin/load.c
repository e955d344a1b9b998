#define _GNU_SOURCE
#include "harness/plugin/load.h"

#include <dlfcn.h>
#include <string.h>

/* What every engine has: all before on_fault. A row for each. */
static const struct {
    const char *name;
    size_t offset;
} required[] = {
#define REQUIRED(name) { #name, offsetof(struct px_engine_ops, name) }
    REQUIRED(create),  REQUIRED(destroy), REQUIRED(spec),      REQUIRED(caps),  REQUIRED(prepare),
    REQUIRED(release), REQUIRED(run),     REQUIRED(read_page), REQUIRED(reset),
#undef REQUIRED
};

_Static_assert(PX_ENGINE_OPS_MIN == offsetof(struct px_engine_ops, on_fault),
               "on_fault is the first that may be missing");

static enum px_fault_verdict no_fault_is_mine(struct px_engine *engine, int signal, void *siginfo,
                                              void *ucontext, struct px_fault_site *site)
{
    (void)engine;
    (void)signal;
    (void)siginfo;
    (void)ucontext;
    (void)site;
    return PX_FAULT_NOT_MINE;
}

enum px_status plugin_check(const struct px_engine_ops *entry, struct px_engine_ops *ops,
                            struct px_error *err)
{
    if (!entry)
        return px_fail(err, PX_ERR_INPUT, "%s returned no operations", PX_ENGINE_ENTRY);
    if (entry->abi != PX_ENGINE_ABI)
        return px_fail(err, PX_ERR_INPUT, "built for version %u of the engine interface: expected %u",
                       entry->abi, (unsigned)PX_ENGINE_ABI);
    if (entry->size < PX_ENGINE_OPS_MIN || entry->size > sizeof *ops)
        return px_fail(err, PX_ERR_INPUT, "its operations are %u bytes: expected %zu to %zu", entry->size,
                       PX_ENGINE_OPS_MIN, sizeof *ops);
    if (!entry->guest || strcmp(entry->guest, PX_GUEST_NAME) != 0)
        return px_fail(err, PX_ERR_INPUT, "built for guest '%.40s': expected %s",
                       entry->guest ? entry->guest : "", PX_GUEST_NAME);
    *ops = (struct px_engine_ops){ .abi = 0 };
    memcpy(ops, entry, entry->size);
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        void *operation;
        memcpy(&operation, (const uint8_t *)ops + required[i].offset, sizeof operation);
        if (!operation)
            return px_fail(err, PX_ERR_INPUT, "operation '%s' is missing", required[i].name);
    }
    if (!ops->on_fault)
        ops->on_fault = no_fault_is_mine;
    return PX_OK;
}

enum px_status plugin_load(const char *path, void **object, struct px_engine_ops *ops, struct px_error *err)
{
    *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!*object)
        return px_fail(err, PX_ERR_INPUT, "cannot be loaded: %s", dlerror());
    px_engine_entry_fn *entry;
    void *symbol = dlsym(*object, PX_ENGINE_ENTRY);
    if (!symbol)
        return px_fail(err, PX_ERR_INPUT, "exports no %s", PX_ENGINE_ENTRY);
    memcpy(&entry, &symbol, sizeof entry); /* C knows no cast from one to the other */
    return plugin_check(entry(), ops, err);
}
