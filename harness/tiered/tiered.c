/*
 *   run: no tier yet, or the interpreter at its threshold -> climb: the next tier that takes the image
 *        -> run on the tier the unit is on
 */
#include "harness/tiered/tiered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/engine.h"
#include "vm/fused/engine.h"
#include "vm/units.h"

struct px_unit {
    struct px_unit_link link;
    const struct px_image *image;
    unsigned flags;
    uint64_t runs;
    bool settled; /* it climbs no further */
    struct px_unit *units[PX_TIER_COUNT]; /* NULL: not prepared there */
    enum px_tier tier; /* that runs it; valid once a unit is prepared */
};

struct px_engine {
    struct px_jit_config config;
    struct px_engine *tiers[PX_TIER_COUNT]; /* NULL: not in use */
    enum px_tier last; /* that ran something, and whose memory is shown */
    bool running;
    char spec[PX_JIT_OPTIONS_TEXT + 16];
    struct px_units units;
};

const struct px_engine_ops *px_tier_engine(enum px_tier tier)
{
    static const struct px_engine_ops *const engines[PX_TIER_COUNT] = {
        [PX_TIER_INTERP] = &px_interp_engine,
        [PX_TIER_FUSED] = &px_fused_engine,
        [PX_TIER_LINEAR] = &px_linear_engine,
        [PX_TIER_BLOCK] = &px_block_engine,
    };
    return engines[tier];
}

static bool is_native(enum px_tier tier)
{
    return tier == PX_TIER_LINEAR || tier == PX_TIER_BLOCK;
}

static void tiered_destroy(struct px_engine *engine);

static enum px_status open_tiers(struct px_engine *e, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < PX_TIER_COUNT && status == PX_OK; i++) {
        if (!(e->config.tiers >> i & 1))
            continue;
        status = px_tier_engine(i)->create(is_native(i) ? e->config.native : "", &e->tiers[i], err);
        e->last = i;
    }
    return status;
}

static enum px_status tiered_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "engine tiered: out of memory");
    px_jit_config_init(&e->config);
    enum px_status status = px_jit_config_environment(&e->config, err);
    if (status == PX_OK)
        status = px_jit_config_options(&e->config, options, err);
    if (status == PX_OK)
        status = open_tiers(e, err);
    if (status != PX_OK) {
        tiered_destroy(e);
        return status;
    }
    char text[PX_JIT_OPTIONS_TEXT];
    px_jit_config_format(&e->config, text);
    (void)snprintf(e->spec, sizeof e->spec, "tiered%s%s", *text ? ":" : "", text);
    *engine = e;
    return PX_OK;
}

static void tiered_destroy(struct px_engine *engine)
{
    if (!engine)
        return;
    for (unsigned i = 0; i < PX_TIER_COUNT; i++)
        px_tier_engine(i)->destroy(engine->tiers[i]);
    for (struct px_unit *unit; (unit = px_units_drain(&engine->units));)
        free(unit);
    free(engine);
}

static const char *tiered_spec(const struct px_engine *engine)
{
    return engine->spec;
}

static struct px_caps tiered_caps(const struct px_engine *engine)
{
    return px_tier_engine(engine->last)->caps(engine->tiers[engine->last]);
}

static void tiered_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    for (unsigned i = 0; i < PX_TIER_COUNT; i++)
        if (engine->tiers[i])
            px_tier_engine(i)->release(engine->tiers[i], unit->units[i]);
    px_units_put(&engine->units, &unit->link);
}

/* Lets @unit run on @tier from now on, which prepares it unless it has. */
static enum px_status move_to(struct px_engine *engine, struct px_unit *unit, enum px_tier tier,
                              struct px_error *err)
{
    enum px_status status = PX_OK;
    if (!engine->tiers[tier])
        return PX_UNSUPPORTED;
    if (!unit->units[tier])
        status = px_tier_engine(tier)->prepare(engine->tiers[tier], unit->image, unit->flags,
                                               &unit->units[tier], err);
    if (status == PX_OK)
        unit->tier = tier;
    return status;
}

/* PX_UNSUPPORTED: there is no interpreter. */
static enum px_status interpret(struct px_engine *engine, struct px_unit *unit, struct px_error *err)
{
    return move_to(engine, unit, engine->tiers[PX_TIER_FUSED] ? PX_TIER_FUSED : PX_TIER_INTERP, err);
}

/* Compiles @unit by the first tier that takes it. PX_ERR_FULL: there is no room for its code now. */
static enum px_status compile(struct px_engine *engine, struct px_unit *unit, struct px_error *err)
{
    enum px_status status = PX_UNSUPPORTED;
    if (unit->image->entry_pc == 0)
        status = move_to(engine, unit, PX_TIER_LINEAR, err);
    if (status == PX_UNSUPPORTED)
        status = move_to(engine, unit, PX_TIER_BLOCK, err);
    return status;
}

static enum px_status tiered_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    struct px_unit *u = px_units_take(&engine->units, sizeof *u);
    if (!u)
        return px_fail(err, PX_ERR_NOMEM, "engine tiered: out of memory");
    struct px_unit_link link = u->link;
    *u = (struct px_unit){ .link = link, .image = image, .flags = flags };
    enum px_status status = PX_UNSUPPORTED;
    if (engine->config.block_threshold == 0) {
        status = compile(engine, u, err);
        u->settled = status == PX_OK;
    }
    if (status == PX_UNSUPPORTED || status == PX_ERR_FULL)
        status = interpret(engine, u, err);
    if (status == PX_UNSUPPORTED) {
        status = compile(engine, u, err);
        u->settled = true;
    }
    if (status != PX_OK) {
        tiered_release(engine, u);
        return status;
    }
    *unit = u;
    return PX_OK;
}

/* Leaves the interpreter when it is time. No room is no failure: the next run tries again. */
static enum px_status climb(struct px_engine *engine, struct px_unit *unit, struct px_error *err)
{
    if (unit->settled || unit->runs < engine->config.block_threshold)
        return PX_OK;
    enum px_status status = compile(engine, unit, err);
    unit->settled = status == PX_OK || status == PX_UNSUPPORTED;
    return status == PX_UNSUPPORTED || status == PX_ERR_FULL ? PX_OK : status;
}

static enum px_status tiered_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    enum px_status status = climb(engine, unit, err);
    /* A line is entered at its beginning only. */
    if (status == PX_OK && unit->tier == PX_TIER_LINEAR && entry->pc != 0)
        status = engine->tiers[PX_TIER_BLOCK] ? move_to(engine, unit, PX_TIER_BLOCK, err)
                                              : interpret(engine, unit, err);
    if (status != PX_OK)
        return status;
    unit->runs++;
    engine->last = unit->tier;
    engine->running = true;
    status = px_tier_engine(unit->tier)
                 ->run(engine->tiers[unit->tier], unit->units[unit->tier], entry, outcome, err);
    engine->running = false;
    return status;
}

static enum px_status tiered_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    return px_tier_engine(engine->last)->read_page(engine->tiers[engine->last], page, scratch, bytes);
}

static void tiered_reset(struct px_engine *engine)
{
    for (unsigned i = 0; i < PX_TIER_COUNT; i++)
        if (engine->tiers[i])
            px_tier_engine(i)->reset(engine->tiers[i]);
}

static enum px_fault_verdict tiered_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    if (!engine->running)
        return PX_FAULT_NOT_MINE;
    return px_tier_engine(engine->last)
        ->on_fault(engine->tiers[engine->last], signal, siginfo, ucontext, site);
}

/* Of @unit's compiled code; nothing while it has none. */
static size_t tiered_code_parts(const struct px_engine *engine, const struct px_unit *unit,
                                struct px_code_part *parts, size_t room)
{
    enum px_tier tier = unit->tier;
    return is_native(tier)
               ? px_tier_engine(tier)->code_parts(engine->tiers[tier], unit->units[tier], parts, room)
               : 0;
}

static size_t tiered_code_labels(const struct px_engine *engine, const struct px_unit *unit,
                                 struct px_code_label *labels, size_t room)
{
    enum px_tier tier = unit->tier;
    return is_native(tier)
               ? px_tier_engine(tier)->code_labels(engine->tiers[tier], unit->units[tier], labels, room)
               : 0;
}

static struct px_reg_home tiered_reg_home(const struct px_engine *engine, unsigned x)
{
    for (unsigned i = 0; i < PX_TIER_COUNT; i++)
        if (engine->tiers[i] && is_native(i))
            return px_tier_engine(i)->reg_home(engine->tiers[i], x);
    return (struct px_reg_home){ .reg = NULL };
}

static const uint8_t *tiered_code(const struct px_engine *engine, const struct px_unit *unit, size_t *size)
{
    enum px_tier tier = unit->tier;
    *size = 0;
    return is_native(tier) ? px_tier_engine(tier)->code(engine->tiers[tier], unit->units[tier], size) : NULL;
}

const struct px_engine_ops px_tiered_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "tiered",
    .create = tiered_create,
    .destroy = tiered_destroy,
    .spec = tiered_spec,
    .caps = tiered_caps,
    .prepare = tiered_prepare,
    .release = tiered_release,
    .run = tiered_run,
    .read_page = tiered_read_page,
    .reset = tiered_reset,
    .on_fault = tiered_on_fault,
    .code_parts = tiered_code_parts,
    .code_labels = tiered_code_labels,
    .reg_home = tiered_reg_home,
    .code = tiered_code,
};
