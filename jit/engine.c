#include "jit/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jit/fault.h"
#include "jit/memo.h"
#include "jit/memory.h"
#include "jit/meter.h"
#include "jit/runtime.h"
#include "jit/unit.h"

/* Address space for code; memory is used as units need it. 16 MiB of the densest guest code take about 700 MiB. */
#define CODE_CAPACITY ((size_t)1 << 30)

struct px_engine {
    enum jit_tier tier;
    struct codebuf buf;
    struct jit_stubs stubs;
    struct jit_stack stack;
    struct jit_memory memory;
    struct jit_lists lists;
    struct jit_memo memo;
    unsigned cpu; /* JIT_CPU_* */
    enum jit_touch touch;
    bool forgetful; /* templates=off */
    const struct px_unit *running; /* while generated code runs */
    char spec[96];
    struct px_units units;
};

static const char *const tier_names[] = { [JIT_TIER_BLOCK] = "block", [JIT_TIER_LINEAR] = "linear" };

static const char *name_of(const struct px_engine *e)
{
    return tier_names[e->tier];
}

static enum px_status set_option(struct px_engine *e, const char *text, size_t length, struct px_error *err)
{
    if (length == 11 && (memcmp(text, "touch=check", 11) == 0 || memcmp(text, "touch=fault", 11) == 0)) {
        e->touch = text[6] == 'f' ? JIT_TOUCH_FAULT : JIT_TOUCH_CHECK;
        return PX_OK;
    }
    if ((length == 13 && memcmp(text, "templates=off", 13) == 0) ||
        (length == 12 && memcmp(text, "templates=on", 12) == 0)) {
        e->forgetful = length == 13;
        return PX_OK;
    }
    if (length > 4 && memcmp(text, "cpu=", 4) == 0)
        return jit_cpu_parse(text + 4, length - 4, &e->cpu, err);
    return px_fail(
        err, PX_ERR_INPUT,
        "engine %s: option '%.*s': expected touch=check, touch=fault, templates=off or cpu=FEATURES",
        name_of(e), (int)(length < 40 ? length : 40), text);
}

static enum px_status parse_options(struct px_engine *e, const char *options, struct px_error *err)
{
    while (*options) {
        size_t length = strcspn(options, ",");
        enum px_status status = set_option(e, options, length, err);
        if (status != PX_OK)
            return status;
        options += length + (options[length] == ',');
    }
    char cpu[JIT_CPU_TEXT];
    const char *parts[] = { e->touch == JIT_TOUCH_FAULT ? "touch=fault" : "",
                            e->forgetful ? "templates=off" : "", e->cpu == jit_cpu_host() ? "" : "cpu=" };
    size_t used = (size_t)snprintf(e->spec, sizeof e->spec, "%s", name_of(e));
    char before = ':';
    jit_cpu_format(e->cpu, cpu);
    for (size_t i = 0; i < 3; i++) {
        if (!*parts[i])
            continue;
        used += (size_t)snprintf(e->spec + used, sizeof e->spec - used, "%c%s%s", before, parts[i],
                                 i == 2 ? cpu : "");
        before = ',';
    }
    return PX_OK;
}

static void native_destroy(struct px_engine *engine);

static enum px_status native_create(enum jit_tier tier, const char *options, struct px_engine **engine,
                                    struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "engine %s: out of memory", tier_names[tier]);
    e->tier = tier;
    e->cpu = jit_cpu_host();
    enum px_status status = parse_options(e, options, err);
    if (status == PX_OK)
        status = codebuf_init(&e->buf, CODE_CAPACITY, err);
    if (status == PX_OK)
        status = jit_stubs_emit(&e->buf, &e->stubs, err);
    if (status == PX_OK)
        status = jit_stack_init(&e->stack, err);
    if (status == PX_OK)
        status = jit_memory_init(&e->memory, e->touch == JIT_TOUCH_FAULT, err);
    if (status == PX_OK)
        status = jit_memo_init(&e->memo, err);
    if (status == PX_OK && e->forgetful)
        jit_memo_forbid(&e->memo);
    if (status != PX_OK) {
        native_destroy(e);
        return status;
    }
    *engine = e;
    return PX_OK;
}

static void native_destroy(struct px_engine *engine)
{
    if (!engine)
        return;
    for (struct px_unit *unit; (unit = px_units_drain(&engine->units));) {
        free(unit->sites);
        free(unit->gates);
        free(unit->marks);
        free(unit);
    }
    jit_lists_fini(&engine->lists);
    jit_memo_fini(&engine->memo);
    jit_memory_fini(&engine->memory);
    jit_stack_fini(&engine->stack);
    codebuf_fini(&engine->buf);
    free(engine);
}

static const char *native_spec(const struct px_engine *engine)
{
    return engine->spec;
}

static struct px_caps native_caps(const struct px_engine *engine)
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

static void native_release(struct px_engine *engine, struct px_unit *unit)
{
    if (!unit)
        return;
    if (unit->image.code_size > PX_UNIT_KEPT) {
        free(unit->sites);
        free(unit->gates);
        free(unit->marks);
        unit->sites = NULL;
        unit->gates = NULL;
        unit->marks = NULL;
        unit->site_count = unit->site_capacity = unit->mark_count = unit->mark_capacity = 0;
        unit->gate_count = unit->gate_capacity = 0;
    }
    px_units_put(&engine->units, &unit->link);
    if (engine->units.used_count == 0)
        codebuf_recycle(&engine->buf);
}

static enum px_status native_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    struct px_unit *u = px_units_take(&engine->units, sizeof *u);
    if (!u)
        return px_fail(err, PX_ERR_NOMEM, "engine %s: out of memory", name_of(engine));
    u->image = *image;
    u->flags = flags;
    enum px_status status = jit_compile(u, engine->tier, &engine->buf, &engine->stubs, engine->cpu,
                                        engine->touch, &engine->lists, &engine->memo, err);
    if (status != PX_OK) {
        native_release(engine, u);
        return status;
    }
    *unit = u;
    return PX_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What generated code left in the context, as an outcome. */
static void collect(struct px_engine *engine, const struct px_unit *unit, struct px_outcome *outcome)
{
    struct jit_context *context = engine->stack.context;
    struct jit_memory *memory = &engine->memory;
    jit_meter_settle(context);
    outcome->exit = context->exit & 0xff;
    outcome->arg = 0;
    outcome->pc = context->pc;
    outcome->gas = context->gas;
    outcome->native = context->native;
    outcome->side_exit = outcome->interpreted = 0;
    if (outcome->exit == PX_EXIT_PANIC)
        outcome->arg = context->exit >> 8;
    if (outcome->exit == PX_EXIT_HOSTCALL || outcome->exit == PX_EXIT_PAGE_FAULT)
        outcome->arg = context->arg;
    if (outcome->exit == PX_EXIT_PAGE_FAULT && context->fault_site != 0) {
        const struct jit_site *site =
            jit_unit_site(unit, (uint32_t)(context->fault_site - (uint64_t)(uintptr_t)engine->buf.exec));
        if (!site)
            abort(); /* the code that we made is wrong: the end of code that goes astray, a finding */
        outcome->pc = site->pc;
        outcome->native -= site->undone;
    }
    memcpy(outcome->x, context->x, sizeof outcome->x);
    outcome->x[0] = 0;
    if (memory->dirty_count > 1)
        qsort(memory->dirty, memory->dirty_count, sizeof *memory->dirty, by_number);
    outcome->dirty = memory->dirty;
    outcome->dirty_count = memory->dirty_count;
}

/* Everything in the context that generated code reads, and what it need not write. */
static void fill_context(struct px_engine *engine, const struct px_unit *unit, const struct px_entry *entry)
{
    struct jit_context *context = engine->stack.context;
    context->unit = unit;
    context->gas = entry->gas;
    context->native = 0;
    jit_meter_lease(context);
    context->arg = 0;
    context->blocks_left = entry->stop_after_blocks ? entry->stop_after_blocks : UINT64_MAX;
    context->fault_site = 0;
    context->memory = &engine->memory;
    memcpy(context->x, entry->x, sizeof context->x);
}

static enum px_status native_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    if (entry->stop_after_blocks != 0 && !(unit->flags & PX_PREPARE_STOPPABLE))
        return px_fail(err, PX_ERR_INTERNAL, "engine %s: stop_after_blocks on a unit prepared without it",
                       name_of(engine));
    if (engine->tier == JIT_TIER_LINEAR && entry->pc != 0)
        return px_fail(err, PX_ERR_INTERNAL, "engine linear: entered at pc %#x: expected 0", entry->pc);
    struct jit_context *context = engine->stack.context;
    jit_memory_reset(&engine->memory, &unit->image);
    fill_context(engine, unit, entry);

    uint32_t code;
    if (jit_unit_block(unit, &engine->buf, entry->pc, &code)) {
        engine->running = unit;
        jit_enter(&engine->buf, &engine->stubs, context, engine->buf.exec + code);
        engine->running = NULL;
    } else {
        context->pc = entry->pc;
        context->exit = JIT_EXIT(PX_EXIT_PANIC, PX_PANIC_BAD_ENTRY);
    }
    if (engine->memory.failed)
        return px_fail(err, PX_ERR_NOMEM, "engine %s: the host refused memory for guest pages",
                       name_of(engine));
    collect(engine, unit, outcome);
    return PX_OK;
}

static enum px_status native_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    (void)scratch;
    *bytes = jit_memory_page(&engine->memory, page);
    return PX_OK;
}

static void native_reset(struct px_engine *engine)
{
    jit_memory_reset(&engine->memory, NULL);
    jit_memo_reset(&engine->memo);
    codebuf_clear(&engine->buf);
}

static enum px_fault_verdict native_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    const struct jit_fault_world world = { .buf = &engine->buf,
                                           .stubs = &engine->stubs,
                                           .context = engine->stack.context,
                                           .running = engine->running,
                                           .touch = engine->touch };
    return jit_fault(&world, signal, siginfo, ucontext, site);
}

static size_t native_code_parts(const struct px_engine *engine, const struct px_unit *unit,
                                struct px_code_part *parts, size_t room)
{
    size_t count = unit->mark_count > 0 ? unit->mark_count - 1 : 0;
    for (size_t i = 0; i < count && i < room; i++) {
        const struct jit_mark *mark = &unit->marks[i];
        parts[i] = (struct px_code_part){ .role = mark->role,
                                          .pc = mark->pc,
                                          .offset = mark->host,
                                          .size = mark[1].host - mark->host,
                                          .bytes = engine->buf.exec + unit->start + mark->host };
    }
    return count;
}

static const uint8_t *native_code(const struct px_engine *engine, const struct px_unit *unit, size_t *size)
{
    size_t table = unit->tier == JIT_TIER_BLOCK ? (unit->image.code_size + 1) / 2 * 4 : 0; /* comes first */
    *size = unit->size - table;
    return engine->buf.exec + unit->start + table;
}

static size_t native_code_labels(const struct px_engine *engine, const struct px_unit *unit,
                                 struct px_code_label *labels, size_t room)
{
    static const char *const load[] = { "load1", "load2", "load4", "load8" };
    static const char *const store[] = { "store1", "store2", "store4", "store8" };
    static const char *const divide[JIT_DIVISIONS] = {
        [0] = "divu",
        [JIT_DIV_SIGNED] = "div",
        [JIT_DIV_REMAINDER] = "remu",
        [JIT_DIV_REMAINDER | JIT_DIV_SIGNED] = "rem",
        [JIT_DIV_32] = "divuw",
        [JIT_DIV_32 | JIT_DIV_SIGNED] = "divw",
        [JIT_DIV_32 | JIT_DIV_REMAINDER] = "remuw",
        [JIT_DIV_32 | JIT_DIV_REMAINDER | JIT_DIV_SIGNED] = "remw",
    };
    const struct jit_stubs *s = &engine->stubs;
    struct px_code_label all[5 + 8 + JIT_DIVISIONS] = { { s->leave, "leave" },
                                                        { s->bad_target, "bad_target" },
                                                        { s->hostcall, "hostcall" },
                                                        { s->gate, "gate" },
                                                        { s->settle, "settle" } };
    size_t count = sizeof all / sizeof all[0];
    for (size_t i = 0; i < 4; i++) {
        all[5 + i] = (struct px_code_label){ s->load[i], load[i] };
        all[9 + i] = (struct px_code_label){ s->store[i], store[i] };
    }
    for (size_t i = 0; i < JIT_DIVISIONS; i++)
        all[13 + i] = (struct px_code_label){ s->divide[i], divide[i] };
    for (size_t i = 0; i < count && i < room; i++) {
        labels[i] = all[i];
        labels[i].offset -= (int64_t)unit->start;
    }
    return count;
}

static struct px_reg_home native_reg_home(const struct px_engine *engine, unsigned x)
{
    static const char *const names[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                         "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
    (void)engine;
    if (x == 0)
        return (struct px_reg_home){ .reg = NULL };
    if (jit_home[x] == X64_NO_REG)
        return (struct px_reg_home){ .reg = names[RSP], .memory = true, .disp = CTX_REG(x) };
    return (struct px_reg_home){ .reg = names[jit_home[x]] };
}

/* The operations of a tier's engine. */
#define OPS(tier, creator)                                                                                   \
    {                                                                                                        \
        .abi = PX_ENGINE_ABI,                                                                                \
        .size = sizeof(struct px_engine_ops),                                                                \
        .guest = PX_GUEST_NAME,                                                                              \
        .name = tier,                                                                                        \
        .create = creator,                                                                                   \
        .destroy = native_destroy,                                                                           \
        .spec = native_spec,                                                                                 \
        .caps = native_caps,                                                                                 \
        .prepare = native_prepare,                                                                           \
        .release = native_release,                                                                           \
        .run = native_run,                                                                                   \
        .read_page = native_read_page,                                                                       \
        .reset = native_reset,                                                                               \
        .on_fault = native_on_fault,                                                                         \
        .code_parts = native_code_parts,                                                                     \
        .code_labels = native_code_labels,                                                                   \
        .reg_home = native_reg_home,                                                                         \
        .code = native_code,                                                                                 \
    }

static enum px_status block_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    return native_create(JIT_TIER_BLOCK, options, engine, err);
}

static enum px_status linear_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    return native_create(JIT_TIER_LINEAR, options, engine, err);
}

const struct px_engine_ops px_block_engine = OPS("block", block_create);
const struct px_engine_ops px_linear_engine = OPS("linear", linear_create);
