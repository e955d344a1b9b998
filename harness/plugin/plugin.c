#define _GNU_SOURCE
#include "harness/plugin/plugin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plugin/process.h"

enum {
    WRITABLE_MAX = 8, /* so many writable pages are compared always: they come with the answer to a run */
    READ_AHEAD = 16,  /* whoever reads a page that did not come reads on */
    SELECTOR_MAX = 1 << 19,
};

struct px_unit {
    uint32_t number;
    uint32_t wanted[WRITABLE_MAX], wanted_count;
};

struct px_engine {
    struct plugin_process process;
    struct px_caps caps;
    char spec[PLUGIN_SPEC_MAX];
    bool taken[PLUGIN_UNITS_MAX]; /* numbers of units */
    uint32_t released[PLUGIN_UNITS_MAX], released_count; /* not told yet */
    bool reset; /* the same */
    uint32_t *dirty; /* of the last run; owned */
    size_t dirty_room;
    uint32_t page_count, numbers[PLUGIN_PAGES_MAX]; /* lent with the last answer */
    bool zero[PLUGIN_PAGES_MAX];
    bool aborting; /* raise() is on its way to on_fault */
    struct px_fault_site site;
};

static void plugin_destroy(struct px_engine *engine)
{
    if (engine) {
        plugin_stop(&engine->process);
        free(engine->dirty);
    }
    free(engine);
}

/* "plugin:FILE" and the plugin's own options: the same wherever the file lies. */
static void name_it(struct px_engine *e, const char *path)
{
    char said[PLUGIN_SPEC_MAX];
    memcpy(said, e->process.shared->birth.spec, sizeof said);
    said[sizeof said - 1] = '\0';
    const char *slash = strrchr(path, '/'), *options = strchr(said, ':');
    (void)snprintf(e->spec, sizeof e->spec, "plugin:%.40s%s", slash ? slash + 1 : path,
                   options ? options : "");
    for (char *c = e->spec; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '|')
            *c = '?';
}

static struct px_caps caps_of(const struct plugin_birth *birth)
{
    return (struct px_caps){
        .registers = birth->registers != 0,
        .gas = birth->gas != 0,
        .dirty = birth->dirty != 0,
        .aliasing = birth->aliasing != 0,
        .block_starts = birth->block_starts != 0,
        .counts = birth->counts != 0,
        .extensions = birth->extensions,
    };
}

static enum px_status plugin_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    size_t length = strcspn(options, ":");
    char path[PLUGIN_PATH_MAX];
    if (length == 0 || length >= sizeof path)
        return px_fail(
            err, PX_ERR_INPUT,
            "engine plugin: expected plugin:PATH or plugin:PATH:OPTIONS, PATH without ':', ',' and '%%'");
    memcpy(path, options, length);
    path[length] = '\0';
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for an engine");
    enum px_status status =
        plugin_start(&e->process, path, options[length] == ':' ? options + length + 1 : "", err);
    if (status != PX_OK) {
        free(e);
        return status;
    }
    name_it(e, path);
    e->caps = caps_of(&e->process.shared->birth);
    *engine = e;
    return PX_OK;
}

static const char *plugin_spec(const struct px_engine *engine)
{
    return engine->spec;
}

static struct px_caps plugin_caps(const struct px_engine *engine)
{
    return engine->caps;
}

/* The plugin has done what ends a process. So does this one, where somebody listens; @site tells of what. */
static enum px_status abort_here(struct px_engine *e, struct px_fault_site site, struct px_error *err)
{
    e->aborting = true;
    e->site = site;
    raise(SIGABRT);
    return px_fail(err, PX_ERR_INTERNAL, "engine %s: nobody minds that it aborts", e->spec);
}

/* It answered, but not as any run or page can be. */
static enum px_status abort_for_nonsense(struct px_engine *e, struct px_error *err)
{
    return abort_here(e, (struct px_fault_site){ .elsewhere = true, .signal = SIGABRT }, err);
}

/* What it says, as far as a plugin may say it. */
static enum px_status status_of(struct px_engine *e, struct px_error *err)
{
    const struct plugin_answer *answer = &e->process.shared->answer;
    uint32_t status = answer->status;
    struct px_error said = answer->error;
    said.text[sizeof said.text - 1] = '\0';
    if (status == PX_OK)
        return PX_OK;
    for (char *c = said.text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    if (status > PX_ERR_INTERNAL)
        status = PX_ERR_INTERNAL;
    return px_fail(err, (enum px_status)status, "engine %s: %.300s", e->spec,
                   said.text[0] ? said.text : px_status_name((enum px_status)status));
}

static enum px_status ask(struct px_engine *e, enum plugin_work work, struct px_error *err)
{
    struct plugin_order *order = &e->process.shared->order;
    struct px_fault_site site = { .known = false };
    order->work = work;
    order->reset = e->reset;
    order->released_count = e->released_count;
    memcpy(order->released, e->released, e->released_count * sizeof *e->released);
    e->released_count = 0;
    e->reset = false;
    e->page_count = 0;
    switch (plugin_ask(&e->process, &site)) {
    case PLUGIN_ANSWERED:
        break;
    case PLUGIN_DIED:
        return abort_here(e, site, err);
    case PLUGIN_KILLED:
        return px_fail(err, PX_ERR_LOST, "engine %s: its process is gone", e->spec);
    }
    return status_of(e, err);
}

/* --- units --- */

static enum px_status take_number(struct px_engine *e, uint32_t *number, struct px_error *err)
{
    for (uint32_t i = 0; i < PLUGIN_UNITS_MAX; i++)
        if (!e->taken[i]) {
            *number = i;
            return PX_OK;
        }
    return px_fail(err, PX_ERR_FULL, "engine %s: expected at most %d units", e->spec, PLUGIN_UNITS_MAX);
}

static enum px_status put_image(struct px_engine *e, const struct px_image *image, struct px_error *err)
{
    struct plugin_shared *shared = e->process.shared;
    uint64_t head = image->map_count * sizeof *image->maps, size = head + image->code_size;
    for (size_t i = 0; i < image->map_count; i++)
        size += image->maps[i].content_size;
    if (size > PLUGIN_IMAGE_MAX)
        return px_fail(err, PX_UNSUPPORTED, "engine %s: expected an image of at most %d bytes", e->spec,
                       PLUGIN_IMAGE_MAX);
    uint8_t *at = shared->image;
    if (head > 0)
        memcpy(at, image->maps, head);
    at += head;
    if (image->code_size > 0)
        memcpy(at, image->code, image->code_size);
    at += image->code_size;
    for (size_t i = 0; i < image->map_count; i++) {
        if (image->maps[i].content_size > 0)
            memcpy(at, image->maps[i].content, image->maps[i].content_size);
        at += image->maps[i].content_size;
    }
    struct plugin_image *to = &shared->order.image;
    to->code_size = image->code_size;
    to->map_count = image->map_count;
    to->gas = image->gas;
    to->entry_pc = image->entry_pc;
    memcpy(to->x, image->x, sizeof to->x);
    return PX_OK;
}

/* The pages that the harness reads after every run: all writable ones where they are few. */
static void foresee_pages(struct px_unit *unit, const struct px_image *image)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < image->map_count; i++)
        pages += image->maps[i].kind != PX_MAP_RO ? image->maps[i].size / PX_PAGE_SIZE : 0;
    if (pages > WRITABLE_MAX)
        return;
    for (size_t i = 0; i < image->map_count; i++)
        for (uint64_t at = 0; image->maps[i].kind != PX_MAP_RO && at < image->maps[i].size;
             at += PX_PAGE_SIZE)
            unit->wanted[unit->wanted_count++] = (uint32_t)((image->maps[i].start + at) >> PX_PAGE_BITS);
}

static enum px_status plugin_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    struct plugin_order *order = &engine->process.shared->order;
    struct px_unit *u = calloc(1, sizeof *u);
    if (!u)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a unit");
    enum px_status status = take_number(engine, &u->number, err);
    if (status == PX_OK)
        status = put_image(engine, image, err);
    if (status == PX_OK) {
        order->unit = u->number;
        order->flags = flags & ~(unsigned)PX_PREPARE_MAPPED; /* there is no code to show */
        status = ask(engine, PLUGIN_PREPARE, err);
    }
    if (status != PX_OK) {
        free(u);
        return status;
    }
    foresee_pages(u, image);
    engine->taken[u->number] = true;
    *unit = u;
    return PX_OK;
}

static void plugin_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    engine->taken[unit->number] = false;
    engine->released[engine->released_count++] = unit->number;
    free(unit);
}

/* --- runs --- */

static bool arg_is_possible(const struct px_outcome *out)
{
    switch (out->exit) {
    case PX_EXIT_HOSTCALL:
        return out->arg >= -SELECTOR_MAX && out->arg < SELECTOR_MAX;
    case PX_EXIT_PANIC:
        return out->arg >= 0 && out->arg < PX_PANIC_COUNT;
    case PX_EXIT_PAGE_FAULT:
        return out->arg >= 0 && (uint64_t)out->arg < PX_SPACE_SIZE && out->arg % PX_PAGE_SIZE == 0;
    case PX_EXIT_UNJUDGED:
        return out->arg >= 0 && out->arg < PX_UNJUDGED_COUNT;
    default:
        return out->arg == 0;
    }
}

/* Copies the dirty set; false when it is none: pages ascend, and there are so many. */
static bool take_dirty(struct px_engine *e, uint32_t count, struct px_outcome *out)
{
    const struct plugin_shared *shared = e->process.shared;
    if (count > PLUGIN_DIRTY_MAX)
        return false;
    if (count > e->dirty_room) {
        uint32_t *more = realloc(e->dirty, count * sizeof *more);
        if (!more)
            return false;
        e->dirty = more;
        e->dirty_room = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        e->dirty[i] = shared->dirty[i];
        if (e->dirty[i] >= PLUGIN_DIRTY_MAX || (i > 0 && e->dirty[i] <= e->dirty[i - 1]))
            return false;
    }
    out->dirty = e->dirty;
    out->dirty_count = count;
    return true;
}

static void take_pages(struct px_engine *e)
{
    const struct plugin_answer *answer = &e->process.shared->answer;
    uint32_t count = answer->page_count;
    e->page_count = count < PLUGIN_PAGES_MAX ? count : PLUGIN_PAGES_MAX;
    for (uint32_t i = 0; i < e->page_count; i++) {
        e->numbers[i] = answer->numbers[i];
        e->zero[i] = answer->zero[i] != 0;
    }
}

static enum px_status plugin_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    struct plugin_order *order = &engine->process.shared->order;
    const struct plugin_answer *answer = &engine->process.shared->answer;
    order->unit = unit->number;
    order->entry = *entry;
    order->wanted_count = unit->wanted_count;
    memcpy(order->wanted, unit->wanted, sizeof unit->wanted);
    enum px_status status = ask(engine, PLUGIN_RUN, err);
    if (status != PX_OK)
        return status;
    uint32_t exit = answer->exit;
    if (exit >= PX_EXIT_COUNT || (exit == PX_EXIT_STOPPED && entry->stop_after_blocks == 0))
        return abort_for_nonsense(engine, err);
    struct px_outcome out = { .exit = (enum px_exit)exit,
                              .arg = answer->arg,
                              .pc = answer->pc,
                              .gas = answer->gas,
                              .native = answer->native,
                              .side_exit = answer->side_exit,
                              .interpreted = answer->interpreted };
    if (engine->caps.registers)
        memcpy(out.x, answer->x, sizeof out.x);
    if (!arg_is_possible(&out) || !take_dirty(engine, answer->dirty_count, &out))
        return abort_for_nonsense(engine, err);
    take_pages(engine);
    *outcome = out;
    return PX_OK;
}

/* Where page @page is among those lent; -1: nowhere. */
static int place_of(const struct px_engine *e, uint32_t page)
{
    for (uint32_t i = 0; i < e->page_count; i++)
        if (e->numbers[i] == page)
            return (int)i;
    return -1;
}

static enum px_status plugin_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    struct plugin_order *order = &engine->process.shared->order;
    int place = place_of(engine, page);
    if (place < 0) {
        order->wanted_count = 0;
        for (uint32_t i = 0; i < READ_AHEAD && page + i < PLUGIN_DIRTY_MAX; i++)
            order->wanted[order->wanted_count++] = page + i;
        enum px_status status = ask(engine, PLUGIN_READ, NULL);
        if (status != PX_OK)
            return status;
        take_pages(engine);
        place = place_of(engine, page);
        if (place < 0)
            return abort_for_nonsense(engine, NULL);
    }
    *bytes = px_zero_page;
    if (!engine->zero[place]) { /* copied: what is lent must stay as it is */
        memcpy(scratch, engine->process.shared->pages[place], PX_PAGE_SIZE);
        *bytes = scratch;
    }
    return PX_OK;
}

static void plugin_reset(struct px_engine *engine)
{
    engine->reset = true;
    engine->page_count = 0;
}

static enum px_fault_verdict plugin_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    (void)siginfo;
    (void)ucontext;
    if (signal != SIGABRT || !engine->aborting)
        return PX_FAULT_NOT_MINE;
    *site = engine->site;
    return PX_FAULT_ABORT;
}

const struct px_engine_ops px_plugin_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "plugin",
    .create = plugin_create,
    .destroy = plugin_destroy,
    .spec = plugin_spec,
    .caps = plugin_caps,
    .prepare = plugin_prepare,
    .release = plugin_release,
    .run = plugin_run,
    .read_page = plugin_read_page,
    .reset = plugin_reset,
    .on_fault = plugin_on_fault,
};
