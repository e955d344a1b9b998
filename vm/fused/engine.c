#include "vm/fused/engine.h"

#include <stdlib.h>
#include <string.h>

#include "vm/fused/unit.h"
#include "vm/isa.h"

struct px_engine {
    struct fused_memory memory;
    struct px_units units;
};

static enum px_status fused_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    if (options[0] != '\0')
        return px_fail(err, PX_ERR_INPUT, "engine fused: option '%.40s': expected none", options);
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "engine fused: out of memory");
    enum px_status status = fused_memory_init(&e->memory, err);
    if (status != PX_OK) {
        free(e);
        return status;
    }
    *engine = e;
    return PX_OK;
}

static void fused_destroy(struct px_engine *engine)
{
    if (!engine)
        return;
    for (struct px_unit *unit; (unit = px_units_drain(&engine->units));) {
        fused_unit_fini(unit);
        free(unit);
    }
    fused_memory_fini(&engine->memory);
    free(engine);
}

static const char *fused_spec(const struct px_engine *engine)
{
    (void)engine;
    return "fused";
}

static struct px_caps fused_caps(const struct px_engine *engine)
{
    (void)engine;
    return (struct px_caps){ .registers = true,
                             .gas = true,
                             .dirty = true,
                             .aliasing = true,
                             .block_starts = true,
                             .counts = true,
                             .extensions = (1u << PX_EXT_COUNT) - 1 };
}

static void fused_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    if (unit->image.code_size > PX_UNIT_KEPT)
        fused_unit_fini(unit);
    px_units_put(&engine->units, &unit->link);
}

static enum px_status fused_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                    struct px_unit **unit, struct px_error *err)
{
    struct px_unit *u = px_units_take(&engine->units, sizeof *u);
    if (!u)
        return px_fail(err, PX_ERR_NOMEM, "engine fused: out of memory");
    u->image = *image;
    u->flags = flags;
    if (fused_translate(u) != PX_OK) {
        fused_release(engine, u);
        return px_fail(err, PX_ERR_NOMEM, "engine fused: out of memory for %zu bytes of code",
                       image->code_size);
    }
    *unit = u;
    return PX_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t head_at(const struct px_unit *unit, uint32_t pc)
{
    return pc % 2 == 0 && pc < unit->image.code_size ? unit->heads[pc / 2] : FUSED_BAD;
}

static enum px_status fused_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                struct px_outcome *outcome, struct px_error *err)
{
    if (entry->stop_after_blocks != 0 && !(unit->flags & PX_PREPARE_STOPPABLE))
        return px_fail(err, PX_ERR_INTERNAL, "engine fused: stop_after_blocks on a unit prepared without it");
    struct fused_memory *memory = &engine->memory;
    struct fused_machine m = { .gas = entry->gas, .pc = entry->pc, .unit = unit, .memory = memory };
    m.blocks_left = entry->stop_after_blocks ? entry->stop_after_blocks : UINT64_MAX;
    memcpy(m.x, entry->x, sizeof entry->x);
    m.x[0] = 0;
    fused_memory_reset(memory, &unit->image);
    uint32_t head = head_at(unit, entry->pc);
    if (head == FUSED_BAD) {
        m.exit = PX_EXIT_PANIC;
        m.arg = PX_PANIC_BAD_ENTRY;
    } else {
        fused_loop(&m, &unit->cells[head]);
    }
    if (memory->refused)
        return px_fail(err, PX_ERR_NOMEM, "engine fused: the host refused memory for guest pages");

    struct px_outcome out = {
        .exit = m.exit, .arg = m.arg, .pc = m.pc, .gas = m.gas, .interpreted = m.begun
    };
    memcpy(out.x, m.x, sizeof out.x);
    if (memory->dirty_count > 1)
        qsort(memory->dirty, memory->dirty_count, sizeof *memory->dirty, by_number);
    out.dirty = memory->dirty;
    out.dirty_count = memory->dirty_count;
    *outcome = out;
    return PX_OK;
}

static enum px_status fused_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                      const uint8_t **bytes)
{
    *bytes = fused_memory_page(&engine->memory, page, scratch);
    return PX_OK;
}

static void fused_reset(struct px_engine *engine)
{
    fused_memory_reset(&engine->memory, NULL);
}

/* It makes no code, and asks before it touches memory. */
static enum px_fault_verdict fused_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                            void *ucontext, struct px_fault_site *site)
{
    (void)engine;
    (void)signal;
    (void)siginfo;
    (void)ucontext;
    (void)site;
    return PX_FAULT_NOT_MINE;
}

const struct px_engine_ops px_fused_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "fused",
    .create = fused_create,
    .destroy = fused_destroy,
    .spec = fused_spec,
    .caps = fused_caps,
    .prepare = fused_prepare,
    .release = fused_release,
    .run = fused_run,
    .read_page = fused_read_page,
    .reset = fused_reset,
    .on_fault = fused_on_fault,
};
