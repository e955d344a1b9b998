#include "harness/tests/planted.h"

#include <signal.h>
#include <stdlib.h>

#include <xxhash.h>

struct px_engine {
    struct px_engine *inner;
};

enum planted planted_in(const struct px_entry *entry)
{
    uint64_t draw = XXH3_64bits(entry->x + 1, sizeof entry->x - sizeof entry->x[0]) % 2000;
    if (draw < 12)
        return PLANTED_DIFF;
    if (draw < 16)
        return PLANTED_DIE;
    return draw == 16 ? PLANTED_HANG : PLANTED_NOTHING;
}

static void planted_destroy(struct px_engine *engine)
{
    if (engine)
        px_interp_engine.destroy(engine->inner);
    free(engine);
}

static const char *planted_spec(const struct px_engine *engine)
{
    (void)engine;
    return "planted";
}

static struct px_caps planted_caps(const struct px_engine *engine)
{
    return px_interp_engine.caps(engine->inner);
}

static enum px_status planted_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                      struct px_unit **unit, struct px_error *err)
{
    return px_interp_engine.prepare(engine->inner, image, flags, unit, err);
}

static void planted_release(struct px_engine *engine, struct px_unit *unit)
{
    px_interp_engine.release(engine->inner, unit);
}

static enum px_status planted_run(struct px_engine *engine, struct px_unit *unit,
                                  const struct px_entry *entry, struct px_outcome *outcome,
                                  struct px_error *err)
{
    enum planted what = planted_in(entry);
    volatile bool forever = what == PLANTED_HANG;
    if (what == PLANTED_DIE)
        raise(SIGFPE);
    while (forever)
        ;
    enum px_status status = px_interp_engine.run(engine->inner, unit, entry, outcome, err);
    outcome->x[10] ^= what == PLANTED_DIFF;
    return status;
}

static enum px_status planted_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                        const uint8_t **bytes)
{
    return px_interp_engine.read_page(engine->inner, page, scratch, bytes);
}

static void planted_reset(struct px_engine *engine)
{
    px_interp_engine.reset(engine->inner);
}

static enum px_fault_verdict planted_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                              void *ucontext, struct px_fault_site *site)
{
    return px_interp_engine.on_fault(engine->inner, signal, siginfo, ucontext, site);
}

static const struct px_engine_ops planted_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "planted",
    .destroy = planted_destroy,
    .spec = planted_spec,
    .caps = planted_caps,
    .prepare = planted_prepare,
    .release = planted_release,
    .run = planted_run,
    .read_page = planted_read_page,
    .reset = planted_reset,
    .on_fault = planted_on_fault,
};

enum px_status planted_open(const char *unused, struct run *run, struct px_error *err)
{
    (void)unused;
    struct px_engine *e = calloc(1, sizeof *e);
    struct engine engines[2] = { { .ops = &px_interp_engine }, { .ops = &planted_engine, .instance = e } };
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "out of memory");
    enum px_status status = px_interp_engine.create("", &e->inner, err);
    if (status == PX_OK)
        status = px_interp_engine.create("", &engines[0].instance, err);
    if (status == PX_OK)
        return run_open_engines(engines, 2, run, err);
    planted_destroy(e);
    return status;
}
