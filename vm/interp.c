/*
 * One run: sweep (prepare) -> entry check -> for each block: stop? gate, then its instructions in
 * order -> exit. Everything the guest can do is in exec_*.c, memory.c and hostcall.c.
 */
#include "vm/interp.h"

#include <stdlib.h>
#include <string.h>

#include "vm/machine.h"
#include "vm/units.h"

struct px_unit {
    struct px_unit_link link;
    struct px_image image; /* a copy of the header; bytes stay borrowed */
    struct px_blocks blocks;
    unsigned flags;
};

struct px_engine {
    struct px_memory memory;
    struct px_units units;
    uint32_t *dirty;
    size_t dirty_capacity;
    px_interp_observer *observer;
    void *observer_arg;
};

static px_exec_fn *const exec_table[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = exec_ILLEGAL,
#define PX_OP(name, ...) [PX_OP_##name] = exec_##name,
#include "vm/isa.def"
};

static enum px_status interp_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    if (options[0] != '\0')
        return px_fail(err, PX_ERR_INPUT, "engine interp: option '%s': expected none", options);
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e || px_memory_init(&e->memory) != PX_OK) {
        free(e);
        return px_fail(err, PX_ERR_NOMEM, "engine interp: out of memory");
    }
    *engine = e;
    return PX_OK;
}

static void interp_destroy(struct px_engine *engine)
{
    if (!engine)
        return;
    for (struct px_unit *unit; (unit = px_units_drain(&engine->units));) {
        px_blocks_fini(&unit->blocks);
        free(unit);
    }
    px_memory_fini(&engine->memory);
    free(engine->dirty);
    free(engine);
}

static const char *interp_spec(const struct px_engine *engine)
{
    (void)engine;
    return "interp";
}

static struct px_caps interp_caps(const struct px_engine *engine)
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

static void interp_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    if (unit->image.code_size > PX_UNIT_KEPT)
        px_blocks_fini(&unit->blocks);
    px_units_put(&engine->units, &unit->link);
}

static enum px_status interp_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    struct px_unit *u = px_units_take(&engine->units, sizeof *u);
    if (!u)
        return px_fail(err, PX_ERR_NOMEM, "engine interp: out of memory");
    u->image = *image;
    u->flags = flags;
    if (px_blocks_sweep(&u->blocks, &u->image) != PX_OK) {
        interp_release(engine, u);
        return px_fail(err, PX_ERR_NOMEM, "engine interp: out of memory for %zu bytes of code",
                       image->code_size);
    }
    *unit = u;
    return PX_OK;
}

/* The gate of ISA.md 7: a reserve that is not charged, then the charge. */
static bool enter_block(struct px_machine *m, const struct px_block *block)
{
    m->pc = block->start;
    if (!block->gated)
        return true;
    if (m->gas < block->need + block->reserve) {
        px_exit(m, PX_EXIT_OUT_OF_GAS, 0);
        return false;
    }
    m->gas -= block->need;
    return true;
}

/* Runs @block until it ends or something in it exits; returns the instructions begun. */
static uint64_t run_block(struct px_engine *engine, struct px_machine *m, const struct px_block *block)
{
    const struct px_insn *first = &m->blocks->insns[block->first], *end = first + block->count, *in = first;
    px_interp_observer *observer = engine->observer;
    uint32_t pc = block->start;
    while (in < end && !m->exited) {
        m->pc = pc;
        pc += in->len;
        m->next = pc; /* only a block's last instruction goes elsewhere */
        if (observer)
            observer(engine->observer_arg, in, m->pc, m->gas, m->x);
        exec_table[in->op](m, in);
        in++;
    }
    return (uint64_t)(in - first);
}

/* From block to block until something exits. Returns the instructions begun. */
static uint64_t run_blocks(struct px_engine *engine, struct px_machine *m, uint64_t stop_after)
{
    uint64_t begun = 0, entered = 0;
    while (!m->exited) {
        if (m->next == m->blocks->code_size) {
            m->pc = m->next;
            px_exit(m, PX_EXIT_PANIC, PX_PANIC_END_OF_CODE);
            break;
        }
        const struct px_block *block = px_blocks_find(m->blocks, m->next);
        if (stop_after != 0 && entered == stop_after) {
            m->pc = m->next;
            px_exit(m, PX_EXIT_STOPPED, 0);
            break;
        }
        entered++;
        if (!enter_block(m, block))
            break;
        begun += run_block(engine, m, block);
    }
    return begun;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static enum px_status collect_dirty(struct px_engine *engine, struct px_outcome *outcome)
{
    const struct px_memory *memory = &engine->memory;
    if (memory->page_count > engine->dirty_capacity) {
        uint32_t *dirty = realloc(engine->dirty, memory->page_capacity * sizeof *dirty);
        if (!dirty)
            return PX_ERR_NOMEM;
        engine->dirty = dirty;
        engine->dirty_capacity = memory->page_capacity;
    }
    size_t count = 0;
    for (size_t i = 0; i < memory->page_count; i++)
        if (memory->pages[i].written)
            engine->dirty[count++] = memory->pages[i].number;
    if (count > 1)
        qsort(engine->dirty, count, sizeof *engine->dirty, by_number);
    outcome->dirty = engine->dirty;
    outcome->dirty_count = count;
    return PX_OK;
}

static enum px_status interp_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    if (entry->stop_after_blocks != 0 && !(unit->flags & PX_PREPARE_STOPPABLE))
        return px_fail(err, PX_ERR_INTERNAL,
                       "engine interp: stop_after_blocks on a unit prepared without it");
    px_memory_reset(&engine->memory, &unit->image);
    struct px_machine m = { .pc = entry->pc,
                            .next = entry->pc,
                            .gas = entry->gas,
                            .image = &unit->image,
                            .blocks = &unit->blocks,
                            .memory = &engine->memory };
    memcpy(m.x, entry->x, sizeof m.x);
    m.x[0] = 0;

    uint64_t begun = 0;
    if (px_blocks_find(&unit->blocks, entry->pc))
        begun = run_blocks(engine, &m, entry->stop_after_blocks);
    else
        px_exit(&m, PX_EXIT_PANIC, PX_PANIC_BAD_ENTRY);

    struct px_outcome out = { .exit = m.exit, .arg = m.arg, .pc = m.pc, .gas = m.gas, .interpreted = begun };
    memcpy(out.x, m.x, sizeof out.x);
    if (engine->memory.out_of_memory || collect_dirty(engine, &out) != PX_OK)
        return px_fail(err, PX_ERR_NOMEM, "engine interp: out of memory for guest pages");
    *outcome = out;
    return PX_OK;
}

static enum px_status interp_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    (void)scratch;
    *bytes = px_memory_page(&engine->memory, page);
    return PX_OK;
}

static void interp_reset(struct px_engine *engine)
{
    px_memory_reset(&engine->memory, NULL);
}

/* It generates no code and catches no signal. */
static enum px_fault_verdict interp_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    (void)engine;
    (void)signal;
    (void)siginfo;
    (void)ucontext;
    (void)site;
    return PX_FAULT_NOT_MINE;
}

void px_interp_observe(struct px_engine *engine, px_interp_observer *observer, void *arg)
{
    engine->observer = observer;
    engine->observer_arg = arg;
}

void px_interp_watch_memory(struct px_engine *engine, uint8_t *touches)
{
    engine->memory.watch = touches;
}

void px_interp_touched(const struct px_engine *engine, size_t *pages, size_t *units)
{
    *pages = engine->memory.page_count;
    *units = engine->memory.unit_count;
}

const struct px_engine_ops px_interp_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "interp",
    .create = interp_create,
    .destroy = interp_destroy,
    .spec = interp_spec,
    .caps = interp_caps,
    .prepare = interp_prepare,
    .release = interp_release,
    .run = interp_run,
    .read_page = interp_read_page,
    .reset = interp_reset,
    .on_fault = interp_on_fault,
};
