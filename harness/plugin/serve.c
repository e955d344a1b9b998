#define _GNU_SOURCE
#include "harness/plugin/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/lockdown.h"
#include "harness/plugin/load.h"

enum {
    SHARED_MAPPINGS_MAX = 256,
    IDLE_MS = 10000, /* without an order it wakes up so often */
};

/* A unit and the image that it borrows, in one piece: mappings, code, contents. */
struct served_unit {
    struct px_unit *unit;
    struct px_image image;
    struct px_mapping *bytes; /* owned */
};

struct served {
    struct plugin_shared *shared;
    void *object; /* what dlopen loaded */
    struct px_engine_ops ops;
    struct px_engine *engine;
    struct run run; /* for the signal handlers: the plugin alone */
    struct hostfault faults;
    struct served_unit units[PLUGIN_UNITS_MAX];
    uint32_t spins;
    uint8_t scratch[PX_PAGE_SIZE];
};

/* --- before the plugin is there --- */

/* Unmaps what is shared with other processes: a wild write is to hurt nobody else. */
static enum px_status leave_shared_memory(const void *keep, struct px_error *err)
{
    struct {
        uint64_t start, end;
    } found[SHARED_MAPPINGS_MAX];
    size_t count = 0;
    char line[512];
    FILE *file = fopen("/proc/self/maps", "re");
    if (!file)
        return px_fail(err, PX_ERR_SYSTEM, "/proc/self/maps: %s", strerror(errno));
    while (count < SHARED_MAPPINGS_MAX && fgets(line, sizeof line, file)) {
        char *at;
        uint64_t start = strtoull(line, &at, 16), end = *at == '-' ? strtoull(at + 1, &at, 16) : 0;
        bool shared = *at == ' ' && strlen(at) > 4 && at[4] == 's'; /* " rw-s" */
        if (!shared || start == (uint64_t)(uintptr_t)keep)
            continue;
        found[count].start = start;
        found[count++].end = end;
    }
    fclose(file);
    if (count == SHARED_MAPPINGS_MAX)
        return px_fail(err, PX_ERR_SYSTEM, "more shared memory than can be left behind");
    for (size_t i = 0; i < count; i++)
        if (munmap((void *)(uintptr_t)found[i].start, found[i].end - found[i].start) != 0)
            return px_fail(err, PX_ERR_SYSTEM, "munmap: %s", strerror(errno));
    return PX_OK;
}

/* What it prints is no result of ours. */
static enum px_status leave_files(struct px_error *err)
{
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO + 1, UINT_MAX, 0) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "files: %s", strerror(errno));
    return PX_OK;
}

static void introduce(struct served *s)
{
    struct plugin_birth *birth = &s->shared->birth;
    const struct px_caps caps = s->ops.caps(s->engine);
    const char *spec = s->ops.spec(s->engine);
    (void)snprintf(birth->spec, sizeof birth->spec, "%s", spec ? spec : "");
    birth->registers = caps.registers;
    birth->gas = caps.gas;
    birth->dirty = caps.dirty;
    birth->aliasing = caps.aliasing;
    birth->block_starts = caps.block_starts;
    birth->counts = caps.counts;
    birth->extensions = caps.extensions;
}

static enum px_status come_to_life(struct served *s, const struct plugin_config *config, struct px_error *err)
{
    enum px_status status = leave_shared_memory(s->shared, err);
    if (status == PX_OK)
        status = leave_files(err);
    if (status == PX_OK)
        status = plugin_load(config->path, &s->object, &s->ops, err);
    if (status == PX_OK)
        status = s->ops.create(config->options, &s->engine, err);
    if (status != PX_OK)
        return status;
    introduce(s);
    s->run = (struct run){ .count = 1, .engines = { { .ops = &s->ops, .instance = s->engine } } };
    s->faults =
        (struct hostfault){ .run = &s->run, .record = &s->shared->record, .running = &s->shared->running };
    status = hostfault_install(&s->faults, err);
    return status == PX_OK ? lockdown_enter(err) : status;
}

/* --- orders --- */

static void release(struct served *s, uint32_t number)
{
    struct served_unit *u = &s->units[number];
    if (u->unit)
        s->ops.release(s->engine, u->unit);
    free(u->bytes);
    *u = (struct served_unit){ .unit = NULL };
}

/* Copies the order's image: the unit borrows it, and the next order comes before it is released. */
static enum px_status keep_image(const struct plugin_shared *shared, struct served_unit *u)
{
    const struct plugin_image *from = &shared->order.image;
    const struct px_mapping *maps = (const struct px_mapping *)(const void *)shared->image;
    size_t head = from->map_count * sizeof *maps, size = head + from->code_size;
    for (size_t i = 0; i < from->map_count; i++)
        size += maps[i].content_size;
    u->bytes = malloc(size + 1);
    if (!u->bytes)
        return PX_ERR_NOMEM;
    memcpy(u->bytes, shared->image, size);
    const uint8_t *at = (const uint8_t *)u->bytes + head;
    u->image = (struct px_image){ .code = at,
                                  .code_size = from->code_size,
                                  .entry_pc = from->entry_pc,
                                  .gas = from->gas,
                                  .maps = u->bytes,
                                  .map_count = from->map_count };
    memcpy(u->image.x, from->x, sizeof u->image.x);
    at += from->code_size;
    for (size_t i = 0; i < from->map_count; i++) {
        u->bytes[i].content = u->bytes[i].content_size > 0 ? at : NULL;
        at += u->bytes[i].content_size;
    }
    return PX_OK;
}

static enum px_status prepare(struct served *s, struct px_error *err)
{
    const struct plugin_order *order = &s->shared->order;
    struct served_unit *u = &s->units[order->unit];
    enum px_status status = keep_image(s->shared, u);
    if (status == PX_OK)
        status = s->ops.prepare(s->engine, &u->image, order->flags, &u->unit, err);
    if (status != PX_OK) {
        u->unit = NULL;
        release(s, order->unit);
    }
    return status;
}

static enum px_status lend(struct served *s, uint32_t number)
{
    struct plugin_answer *answer = &s->shared->answer;
    const uint8_t *bytes;
    enum px_status status = s->ops.read_page(s->engine, number, s->scratch, &bytes);
    if (status != PX_OK)
        return status;
    uint32_t place = answer->page_count++ % PLUGIN_PAGES_MAX;
    answer->numbers[place] = number;
    answer->zero[place] = memcmp(bytes, px_zero_page, PX_PAGE_SIZE) == 0;
    if (!answer->zero[place])
        memcpy(s->shared->pages[place], bytes, PX_PAGE_SIZE);
    return PX_OK;
}

static bool is_wanted(const struct plugin_order *order, uint32_t page)
{
    for (uint32_t i = 0; i < order->wanted_count; i++)
        if (order->wanted[i] == page)
            return true;
    return false;
}

/* The pages asked for, then, as far as there is room, those of @dirty. */
static enum px_status lend_pages(struct served *s, const uint32_t *dirty, size_t dirty_count)
{
    const struct plugin_order *order = &s->shared->order;
    struct plugin_answer *answer = &s->shared->answer;
    enum px_status status = PX_OK;
    for (uint32_t i = 0; i < order->wanted_count && status == PX_OK; i++)
        status = lend(s, order->wanted[i]);
    for (size_t i = 0; i < dirty_count && answer->page_count < PLUGIN_PAGES_MAX && status == PX_OK; i++)
        if (!is_wanted(order, dirty[i]))
            status = lend(s, dirty[i]);
    return status;
}

static enum px_status run(struct served *s, struct px_error *err)
{
    struct plugin_shared *shared = s->shared;
    struct plugin_answer *answer = &shared->answer;
    struct px_outcome out = { .exit = PX_EXIT_COUNT };
    enum px_status status =
        s->ops.run(s->engine, s->units[shared->order.unit].unit, &shared->order.entry, &out, err);
    if (status != PX_OK)
        return status;
    answer->exit = out.exit;
    answer->arg = out.arg;
    answer->pc = out.pc;
    answer->gas = out.gas;
    memcpy(answer->x, out.x, sizeof answer->x);
    answer->native = out.native;
    answer->side_exit = out.side_exit;
    answer->interpreted = out.interpreted;
    answer->dirty_count = out.dirty_count <= PLUGIN_DIRTY_MAX ? (uint32_t)out.dirty_count : UINT32_MAX;
    if (answer->dirty_count == UINT32_MAX)
        return PX_OK; /* no outcome can be like that: we are told so */
    if (out.dirty_count > 0)
        memcpy(shared->dirty, out.dirty, out.dirty_count * sizeof *out.dirty);
    return lend_pages(s, out.dirty, out.dirty_count);
}

static void obey(struct served *s)
{
    const struct plugin_order *order = &s->shared->order;
    struct plugin_answer *answer = &s->shared->answer;
    enum px_status status = PX_ERR_INTERNAL;
    answer->page_count = 0;
    answer->error.text[0] = '\0';
    for (uint32_t i = 0; i < order->released_count; i++)
        release(s, order->released[i]);
    if (order->reset)
        s->ops.reset(s->engine);
    switch (order->work) {
    case PLUGIN_PREPARE:
        status = prepare(s, &answer->error);
        break;
    case PLUGIN_RUN:
        status = run(s, &answer->error);
        break;
    case PLUGIN_READ:
        status = lend_pages(s, NULL, 0);
        break;
    }
    answer->status = status;
}

_Noreturn void plugin_serve(const struct plugin_config *config)
{
    struct plugin_shared *shared = config->shared;
    struct served *s = calloc(1, sizeof *s);
    enum px_status status = PX_ERR_NOMEM;
    prctl(PR_SET_NAME, "px-plugin");
    if (s) {
        s->shared = shared;
        s->spins = PLUGIN_SPINS_MIN;
        status = come_to_life(s, config, &shared->birth.error);
    }
    uint32_t seen = 0; /* no order comes before the birth is announced */
    shared->birth.status = status;
    plugin_ring(&shared->answered);
    if (status != PX_OK)
        _exit(1);
    for (;;) {
        while (!plugin_look(&shared->ordered, seen, &s->spins) && atomic_load(&shared->ordered.rung) == seen)
            plugin_sleep(&shared->ordered, seen, IDLE_MS);
        seen = atomic_load(&shared->ordered.rung);
        obey(s);
        plugin_ring(&shared->answered);
    }
}
