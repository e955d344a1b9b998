#include "harness/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "harness/tiered/tiered.h"
#include "vm/body.h"

enum px_status run_open_engines(const struct engine *engines, size_t count, struct run *run,
                                struct px_error *err)
{
    *run = (struct run){ .count = count, .host = host_state_get() };
    memcpy(run->engines, engines, count * sizeof *engines);
    run->scratch = malloc(2 * PX_PAGE_SIZE);
    if (!run->scratch) {
        run_close(run);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for page buffers");
    }
    for (size_t i = 0; i < count; i++) {
        assert(engines[i].ops);
        run->caps[i] = engines[i].ops->caps(engines[i].instance);
        run->every[i] = 1;
        run->active[i] = true;
        run->sign |= !run->caps[i].registers;
    }
    return PX_OK;
}

void run_choose(struct run *run, uint64_t index)
{
    for (size_t i = 0; i < run->count; i++)
        run->active[i] = index % run->every[i] == 0;
}

/* Takes "%N" off the end of @spec; *every is 1 without one. */
static enum px_status take_share(char *spec, bool first, uint64_t *every, struct px_error *err)
{
    char *percent = strchr(spec, '%'), *end = NULL;
    *every = 1;
    if (!percent)
        return PX_OK;
    unsigned long long n = strtoull(percent + 1, &end, 10);
    if (first || percent[1] < '1' || percent[1] > '9' || *end != '\0' || n > RUN_SHARE_MAX)
        return px_fail(err, PX_ERR_INPUT,
                       "engine '%s': expected %%1 to %%%d behind an engine that is not the first", spec,
                       RUN_SHARE_MAX);
    *percent = '\0';
    *every = n;
    return PX_OK;
}

static enum px_status open_one(const char *list, size_t length, size_t count, struct engine *engine,
                               uint64_t *every, struct px_error *err)
{
    char spec[ENGINES_TEXT];
    if (count == RUN_ENGINES_MAX)
        return px_fail(err, PX_ERR_INPUT, "more than %d engines", RUN_ENGINES_MAX);
    if (length >= sizeof spec)
        return px_fail(err, PX_ERR_INPUT, "engine '%.40s...': expected a spec of at most %zu characters",
                       list, sizeof spec - 1);
    memcpy(spec, list, length);
    spec[length] = '\0';
    enum px_status status = take_share(spec, count == 0, every, err);
    if (status == PX_OK)
        status = engine_open(spec, engine, err);
    if (status == PX_OK && engine->ops == &px_tiered_engine) {
        engine_close(engine);
        return px_fail(
            err, PX_ERR_INPUT,
            "engine tiered chooses who runs a program: to compare, name the tier: interp, fused, linear "
            "or block");
    }
    if (status != PX_OK || count > 0 || engine->ops->caps(engine->instance).gas)
        return status;
    status = px_fail(err, PX_ERR_INPUT,
                     "engine %s cannot say how every program ends: expected behind one that can",
                     engine_spec(engine));
    engine_close(engine);
    return status;
}

enum px_status run_open(const char *list, struct run *run, struct px_error *err)
{
    struct engine engines[RUN_ENGINES_MAX] = { { 0 } };
    uint64_t every[RUN_ENGINES_MAX];
    size_t count = 0;
    enum px_status status = PX_OK;
    while (status == PX_OK && *list) {
        size_t length = engines_first(list);
        struct engine engine = { 0 };
        uint64_t share = 1;
        status = open_one(list, length, count, &engine, &share, err);
        if (status == PX_OK) {
            engines[count] = engine;
            every[count++] = share;
        }
        list += length + (list[length] == ',');
    }
    if (status == PX_OK && count < 2)
        status = px_fail(err, PX_ERR_INPUT, "%zu engine%s: expected at least two to compare", count,
                         count == 1 ? "" : "s");
    if (status == PX_OK) {
        status = run_open_engines(engines, count, run, err);
        if (status == PX_OK)
            memcpy(run->every, every, count * sizeof *every);
        return status;
    }
    while (count > 0)
        engine_close(&engines[--count]);
    return status;
}

void run_close(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        engine_close(&run->engines[i]);
    free(run->scratch);
    *run = (struct run){ .count = 0 };
}

void run_release(struct run *run, struct run_slot *slot)
{
    for (size_t i = 0; i < run->count; i++) {
        run->engines[i].ops->release(run->engines[i].instance, slot->units[i]);
        slot->units[i] = NULL;
    }
    if (slot->image_owned)
        px_image_release(&slot->image);
    slot->image_owned = false;
}

/* What the engines prepare: @image or, where that can be and is needed, a signed copy. */
static enum px_status take_image(const struct run *run, const struct px_image *image, struct run_slot *slot,
                                 struct px_error *err)
{
    slot->image = *image;
    slot->image_owned = false;
    if (!run->sign)
        return PX_OK;
    enum px_status status = px_image_sign(image, &slot->image, err);
    slot->image_owned = status == PX_OK;
    return status == PX_ERR_INPUT ? PX_OK : status;
}

enum px_status run_prepare(struct run *run, const struct px_image *image, unsigned flags,
                           struct run_slot *slot, struct px_error *err)
{
    memset(slot->units, 0, sizeof slot->units);
    enum px_status status = take_image(run, image, slot, err);
    if (status != PX_OK)
        return status;
    for (size_t i = 0; i < run->count; i++) {
        const struct engine *e = &run->engines[i];
        slot->supported[i] = false;
        if (!run->active[i])
            continue;
        status = e->ops->prepare(e->instance, &slot->image, flags, &slot->units[i], err);
        slot->supported[i] = status == PX_OK;
        if (status != PX_OK && status != PX_UNSUPPORTED) {
            run_release(run, slot);
            return status;
        }
    }
    return PX_OK;
}

struct px_entry run_entry(const struct px_image *image)
{
    struct px_entry entry = { .pc = image->entry_pc, .gas = image->gas };
    memcpy(entry.x, image->x, sizeof entry.x);
    return entry;
}

/* Two engines after a run, and where their differences go. */
struct pair {
    struct run *run;
    size_t a, b;
    struct diff *diff;
};

static enum px_status compare_page(const struct pair *pair, uint32_t number)
{
    const struct engine *a = &pair->run->engines[pair->a], *b = &pair->run->engines[pair->b];
    uint8_t *scratch = pair->run->scratch;
    const uint8_t *bytes_a, *bytes_b;
    enum px_status status = a->ops->read_page(a->instance, number, scratch, &bytes_a);
    if (status == PX_OK)
        status = b->ops->read_page(b->instance, number, scratch + PX_PAGE_SIZE, &bytes_b);
    if (status == PX_OK && bytes_a != bytes_b && memcmp(bytes_a, bytes_b, PX_PAGE_SIZE) != 0)
        diff_page(pair->diff, number, bytes_a, bytes_b);
    return status;
}

static enum px_status compare_range(const struct pair *pair, uint64_t start, uint64_t size, size_t *budget)
{
    enum px_status status = PX_OK;
    for (uint64_t at = start; status == PX_OK && at < start + size && *budget > 0;
         at += PX_PAGE_SIZE, --*budget)
        status = compare_page(pair, (uint32_t)(at >> PX_PAGE_BITS));
    return status;
}

static uint64_t writable_pages(const struct px_image *image)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < image->map_count; i++)
        if (image->maps[i].kind != PX_MAP_RO)
            pages += image->maps[i].size / PX_PAGE_SIZE;
    return pages;
}

static enum px_status compare_dirty(const struct pair *pair, const struct px_outcome *outcome)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; status == PX_OK && i < outcome->dirty_count; i++)
        status = compare_page(pair, outcome->dirty[i]);
    return status;
}

/* Memory is read, not believed: every writable page where they are few, else what either side wrote. */
static enum px_status compare_memory(const struct pair *pair, const struct run_slot *slot, bool sweep,
                                     const struct px_outcome *outcomes)
{
    const struct px_image *image = &slot->image;
    size_t budget = RUN_SWEEP_PAGES_MAX;
    bool few = writable_pages(image) <= RUN_WRITABLE_MAX;
    enum px_status status = PX_OK;
    if (!few) {
        status = compare_dirty(pair, &outcomes[pair->a]);
        if (status == PX_OK)
            status = compare_dirty(pair, &outcomes[pair->b]);
    }
    for (size_t i = 0; status == PX_OK && i < image->map_count; i++)
        if (sweep || (few && image->maps[i].kind != PX_MAP_RO))
            status = compare_range(pair, image->maps[i].start, image->maps[i].size, &budget);
    if (status == PX_OK && sweep)
        status = compare_range(pair, PX_CODE_BASE, image->code_size, &budget);
    return status;
}

static struct px_outcome unjudged(enum px_unjudged reason)
{
    return (struct px_outcome){ .exit = PX_EXIT_UNJUDGED, .arg = reason };
}

enum px_status run_engine(struct run *run, struct run_slot *slot, size_t index, const struct px_entry *entry,
                          struct run_result *result, struct px_error *err)
{
    const struct engine *e = &run->engines[index];
    bool blind = index != 0 && !run->caps[index].gas && slot->supported[0];
    if (blind && result->outcomes[0].exit == PX_EXIT_OUT_OF_GAS) {
        result->outcomes[index] = unjudged(PX_UNJUDGED_GAS);
        return PX_OK;
    }
    struct px_outcome *out = &result->outcomes[index];
    enum px_status status = e->ops->run(e->instance, slot->units[index], entry, out, err);
    if (__builtin_expect(!host_state_is(&run->host), 0))
        __builtin_trap(); /* nothing that is written in C may be trusted to work from here on */
    if (status == PX_OK && out->exit == PX_EXIT_UNJUDGED && (out->arg < 0 || out->arg >= PX_UNJUDGED_COUNT))
        *out = unjudged(PX_UNJUDGED_LOST);
    return status;
}

/* Whether engines @a and @b can be held against each other after this run. */
static bool comparable(const struct run *run, const struct run_result *result, size_t a, size_t b)
{
    const struct px_outcome *x = &result->outcomes[a], *y = &result->outcomes[b];
    if (!result->supported[a] || !result->supported[b] || x->exit == PX_EXIT_UNJUDGED ||
        y->exit == PX_EXIT_UNJUDGED)
        return false;
    bool gas = run->caps[a].gas && run->caps[b].gas;
    return gas || (x->exit != PX_EXIT_OUT_OF_GAS && y->exit != PX_EXIT_OUT_OF_GAS);
}

/* Holds two comparable engines against each other. */
static enum px_status compare(struct run *run, const struct run_slot *slot, bool sweep,
                              const struct run_result *result, size_t a, size_t b, struct diff *diff,
                              struct px_error *err)
{
    const struct px_outcome *outcomes = result->outcomes;
    struct pair pair = { .run = run, .a = a, .b = b, .diff = diff };
    diff_outcomes(&outcomes[a], run->caps[a], &outcomes[b], run->caps[b], diff);
    enum px_status status = compare_memory(&pair, slot, sweep, outcomes);
    if (status != PX_OK)
        return px_fail(err, status, "engine %s or %s: reading guest memory failed",
                       engine_spec(&run->engines[a]), engine_spec(&run->engines[b]));
    if (diff->fields != 0 &&
        (diff->fields & ~(uint32_t)DIFF_MEMORY) == 0) { /* outcomes were not copied yet */
        diff->a = outcomes[a];
        diff->b = outcomes[b];
        diff->a.dirty = diff->b.dirty = NULL;
    }
    return PX_OK;
}

/* Everybody against everybody: who stands alone. */
static enum px_status vote(struct run *run, const struct run_slot *slot, bool sweep,
                           struct run_result *result, struct px_error *err)
{
    enum px_status status = PX_OK;
    result->majority = (struct majority){ 0 };
    for (size_t a = 0; a < run->count && status == PX_OK; a++) {
        for (size_t b = a + 1; b < run->count && status == PX_OK; b++) {
            struct diff diff = { .fields = 0 };
            if (!comparable(run, result, a, b))
                continue;
            status = compare(run, slot, sweep, result, a, b, &diff, err);
            majority_set(&result->majority, a, b, diff.fields ? RELATION_DIFFER : RELATION_AGREE);
        }
    }
    return status;
}

enum px_status run_judge(struct run *run, struct run_slot *slot, bool sweep, struct run_result *result,
                         struct px_error *err)
{
    enum px_status status = PX_OK;
    result->diff.fields = 0;
    memcpy(result->supported, slot->supported, sizeof result->supported);
    for (size_t i = 1; i < run->count && result->diff.fields == 0; i++) {
        struct diff diff;
        if (!comparable(run, result, 0, i))
            continue;
        status = compare(run, slot, sweep, result, 0, i, &diff, err);
        if (status != PX_OK)
            return status;
        if (diff.fields == 0)
            continue;
        result->diff = diff;
        result->other = i;
        status = vote(run, slot, sweep, result, err);
    }
    return status;
}

enum px_status run_compare(struct run *run, struct run_slot *slot, bool sweep, struct run_result *result,
                           struct px_error *err)
{
    struct px_entry entry = run_entry(&slot->image);
    for (size_t i = 0; i < run->count; i++) {
        enum px_status status = slot->supported[i] ? run_engine(run, slot, i, &entry, result, err) : PX_OK;
        if (status != PX_OK)
            return status;
    }
    return run_judge(run, slot, sweep, result, err);
}

enum px_status run_image(struct run *run, const struct px_image *image, bool sweep, struct run_result *result,
                         struct px_error *err)
{
    struct run_slot slot;
    enum px_status status = run_prepare(run, image, 0, &slot, err);
    if (status != PX_OK)
        return status;
    status = run_compare(run, &slot, sweep, result, err);
    run_release(run, &slot);
    return status;
}

/* One engine's runs of check A, B, A. */
struct turns {
    struct run *run;
    size_t engine;
    const struct run_watch *watch;
    struct px_error *err;
};

/* Runs @slot and digests all that can be observed: every field apart, since padding is not. */
static enum px_status run_digest(const struct turns *t, struct run_slot *slot, struct run_result *result,
                                 uint64_t *digest)
{
    const struct engine *e = &t->run->engines[t->engine];
    const struct px_entry entry = run_entry(&slot->image);
    t->watch->turn(t->watch->arg, t->engine);
    enum px_status status = run_engine(t->run, slot, t->engine, &entry, result, t->err);
    if (status != PX_OK)
        return status;
    const struct px_outcome *out = &result->outcomes[t->engine];
    const uint64_t fields[] = { out->exit,   (uint64_t)out->arg, out->pc,          out->gas,
                                out->native, out->side_exit,     out->interpreted, out->dirty_count };
    uint64_t sum = XXH3_64bits_withSeed(fields, sizeof fields, 0);
    sum = XXH3_64bits_withSeed(out->x, sizeof out->x, sum);
    for (size_t k = 0; k < out->dirty_count && status == PX_OK; k++) {
        const uint8_t *bytes;
        status = e->ops->read_page(e->instance, out->dirty[k], t->run->scratch, &bytes);
        if (status == PX_OK)
            sum = XXH3_64bits_withSeed(bytes, PX_PAGE_SIZE, sum + out->dirty[k]);
    }
    *digest = sum;
    return status;
}

enum px_status run_between(struct run *run, struct run_slot *a, struct run_slot *b,
                           const struct run_watch *watch, bool *leaks, size_t *which, struct px_error *err)
{
    struct turns t = { .run = run, .watch = watch, .err = err };
    enum px_status status = PX_OK;
    struct run_result of_a = { .other = 0 }, of_b = of_a,
                      again = of_a; /* each with the outcome of engine 0 */
    *leaks = false;
    for (; t.engine < run->count && status == PX_OK && !*leaks; t.engine++) {
        size_t i = t.engine;
        uint64_t before = 0, between = 0, after = 0;
        if (!a->supported[i] || !b->supported[i])
            continue;
        /* Twice: @b may have run just now, and what it left must not show in both of the runs that are compared. */
        status = run_digest(&t, a, &of_a, &before);
        if (status == PX_OK)
            status = run_digest(&t, a, &of_a, &before);
        if (status == PX_OK)
            status = run_digest(&t, b, &of_b, &between);
        again.outcomes[0] = of_a.outcomes[0];
        if (status == PX_OK)
            status = run_digest(&t, a, &again, &after);
        /* What an engine cannot say, because it was slow today perhaps, is no leak. */
        bool judged = of_a.outcomes[i].exit != PX_EXIT_UNJUDGED && again.outcomes[i].exit != PX_EXIT_UNJUDGED;
        if (status == PX_OK && judged && before != after) {
            *leaks = true;
            *which = i;
        }
    }
    return status;
}
