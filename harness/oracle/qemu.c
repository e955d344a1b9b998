#include "harness/oracle/qemu.h"

#include <stdlib.h>
#include <string.h>

#include "harness/oracle/server.h"
#include "harness/oracle/unit.h"
#include "vm/isa.h"

struct px_unit {
    struct px_image image; /* a copy of the header; bytes stay borrowed */
    uint64_t at;           /* in the memory file */
    bool counted;
    struct px_unit *next, *previous; /* units in use; or `next` alone: free ones */
};

struct px_engine {
    struct server server;
    struct unit_space space;
    struct px_unit *used, *free;
    const struct px_unit *ran; /* whose pages can be read; NULL: none */
    uint32_t page_count;       /* of them, in the pool */
    uint32_t written[ORACLE_PAGES_MAX]; /* those that a store may have reached */
};

static enum px_status qemu_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    if (options[0] != '\0')
        return px_fail(err, PX_ERR_INPUT, "engine qemu: option '%.40s': expected none", options);
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "engine qemu: out of memory");
    enum px_status status = server_open(&e->server, err);
    if (status != PX_OK) {
        free(e);
        return status;
    }
    e->space.memory = e->server.memory;
    *engine = e;
    return PX_OK;
}

static void free_units(struct px_unit *unit)
{
    while (unit) {
        struct px_unit *next = unit->next;
        free(unit);
        unit = next;
    }
}

static void qemu_destroy(struct px_engine *engine)
{
    if (!engine)
        return;
    free_units(engine->used);
    free_units(engine->free);
    server_close(&engine->server);
    free(engine);
}

static const char *qemu_spec(const struct px_engine *engine)
{
    (void)engine;
    return "qemu";
}

static struct px_caps qemu_caps(const struct px_engine *engine)
{
    (void)engine;
    return (struct px_caps){
        .registers = true, .aliasing = true, .block_starts = true, .extensions = (1u << PX_EXT_COUNT) - 1
    };
}

static void qemu_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    if (unit->previous)
        unit->previous->next = unit->next;
    else
        engine->used = unit->next;
    if (unit->next)
        unit->next->previous = unit->previous;
    if (engine->ran == unit)
        engine->ran = NULL;
    unit->next = engine->free;
    unit->previous = NULL;
    engine->free = unit;
    unit_release(&engine->space);
}

static enum px_status qemu_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                   struct px_unit **unit, struct px_error *err)
{
    struct px_unit *u = engine->free;
    bool counted = flags & PX_PREPARE_STOPPABLE;
    uint64_t at;
    if (!u && !(u = engine->free = calloc(1, sizeof *u)))
        return px_fail(err, PX_ERR_NOMEM, "engine qemu: out of memory");
    enum px_status status = unit_make(&engine->space, image, counted, &at, err);
    if (status != PX_OK)
        return status;
    engine->free = u->next;
    *u = (struct px_unit){ .image = *image, .at = at, .counted = counted, .next = engine->used };
    if (u->next)
        u->next->previous = u;
    engine->used = u;
    *unit = u;
    return PX_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The writable ones among the touched pages. */
static void list_writable(struct px_engine *engine, struct px_outcome *out)
{
    const struct px_image *image = &engine->ran->image;
    const uint32_t *pages = engine->server.control->answer.pages;
    size_t count = 0;
    for (uint32_t i = 0; i < engine->page_count; i++) {
        uint64_t address = (uint64_t)pages[i] << PX_PAGE_BITS;
        for (size_t k = 0; k < image->map_count; k++)
            if (address - image->maps[k].start < image->maps[k].size && image->maps[k].kind != PX_MAP_RO)
                engine->written[count++] = pages[i];
    }
    if (count > 1)
        qsort(engine->written, count, sizeof *engine->written, by_number);
    out->dirty = engine->written;
    out->dirty_count = count;
}

static enum px_status qemu_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                               struct px_outcome *outcome, struct px_error *err)
{
    struct oracle_control *c = engine->server.control;
    struct px_outcome out = { .exit = PX_EXIT_PANIC, .arg = PX_PANIC_BAD_ENTRY, .pc = entry->pc };
    if (entry->stop_after_blocks != 0 && !unit->counted)
        return px_fail(err, PX_ERR_INTERNAL, "engine qemu: stop_after_blocks on a unit prepared without it");
    engine->ran = unit;
    engine->page_count = 0;
    memcpy(out.x, entry->x, sizeof out.x);
    out.x[0] = 0;
    if (!unit_starts_block(&engine->space, unit->at, entry->pc)) {
        *outcome = out;
        return PX_OK;
    }
    c->order = (struct oracle_order){ .unit = unit->at,
                                      .entry = entry->pc,
                                      .stop_after_blocks = entry->stop_after_blocks,
                                      .epoch = engine->space.epoch };
    memcpy(c->order.x, entry->x, sizeof c->order.x);
    enum px_status status = server_run(&engine->server, err);
    if (status != PX_OK)
        return status;
    const struct oracle_answer *a = &c->answer;
    out.exit = (enum px_exit)a->exit;
    out.arg = a->arg;
    out.pc = a->pc;
    memcpy(out.x, a->x, sizeof out.x);
    engine->page_count = engine->server.page_count;
    list_writable(engine, &out);
    *outcome = out;
    return PX_OK;
}

/* The bytes of a page that no run touched. */
static const uint8_t *untouched(const struct px_image *image, uint32_t page, uint8_t *scratch)
{
    uint64_t address = (uint64_t)page << PX_PAGE_BITS, offset = address - PX_CODE_BASE;
    const uint8_t *content = image->code;
    uint64_t size = image->code_size;
    for (size_t i = 0; i < image->map_count && offset >= size; i++) {
        const struct px_mapping *map = &image->maps[i];
        if (address - map->start < map->size) {
            offset = address - map->start;
            content = map->content;
            size = map->content_size;
            break;
        }
    }
    if (offset >= size)
        return px_zero_page;
    uint64_t there = size - offset < PX_PAGE_SIZE ? size - offset : PX_PAGE_SIZE;
    memcpy(scratch, content + offset, there);
    memset(scratch + there, 0, PX_PAGE_SIZE - there);
    return scratch;
}

static enum px_status qemu_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                     const uint8_t **bytes)
{
    const struct oracle_answer *a = &engine->server.control->answer;
    if (!engine->ran) {
        *bytes = px_zero_page;
        return PX_OK;
    }
    for (uint32_t i = 0; i < engine->page_count; i++) {
        if (a->pages[i] == page) {
            *bytes = engine->server.memory + ORACLE_POOL + (size_t)engine->server.places[i] * PX_PAGE_SIZE;
            return PX_OK;
        }
    }
    *bytes = untouched(&engine->ran->image, page, scratch);
    return PX_OK;
}

/* The runner keeps nothing from one order to the next. */
static void qemu_reset(struct px_engine *engine)
{
    engine->ran = NULL;
}

/* It runs no guest in this process. */
static enum px_fault_verdict qemu_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                           void *ucontext, struct px_fault_site *site)
{
    (void)engine;
    (void)signal;
    (void)siginfo;
    (void)ucontext;
    (void)site;
    return PX_FAULT_NOT_MINE;
}

struct qemu_facts qemu_facts(const struct px_engine *engine)
{
    const struct broker_shared *shared = engine->server.shared;
    return (struct qemu_facts){ .broker = engine->server.broker,
                                .qemu = atomic_load(&shared->qemu),
                                .starts = atomic_load(&shared->starts) };
}

const struct px_engine_ops px_qemu_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "qemu",
    .create = qemu_create,
    .destroy = qemu_destroy,
    .spec = qemu_spec,
    .caps = qemu_caps,
    .prepare = qemu_prepare,
    .release = qemu_release,
    .run = qemu_run,
    .read_page = qemu_read_page,
    .reset = qemu_reset,
    .on_fault = qemu_on_fault,
};
