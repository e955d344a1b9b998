/*
 * The campaign's own loop, first as it is, then with the engines behind stand-ins that read the clock:
 *
 *   generate, check, prepare (x 32) -> run on both, compare (x 32) -> release (x 32)
 */
#include "harness/bench_measure.h"

#include <string.h>

enum phase {
    PHASE_GENERATE,
    PHASE_PREPARE, /* one for each engine */
    PHASE_RUN = PHASE_PREPARE + BENCH_ENGINES,
    PHASE_COMPARE = PHASE_RUN + BENCH_ENGINES,
    PHASE_REST, /* image check, slots, release */
    PHASE_COUNT,
};

enum {
    SEED = 1,
    SWEEP = 1024, /* every so many programs all pages are compared, as in a campaign */
};

const struct bench_figure bench_compare_figures[BENCH_COMPARE_FIGURES] = {
    { "programs", "programs/s", true },
    [1 + PHASE_GENERATE] = { "generate", "ns/program", false },
    [1 + PHASE_PREPARE + BENCH_INTERP] = { "prepare-interp", "ns/program", false },
    [1 + PHASE_PREPARE + BENCH_BLOCK] = { "prepare-block", "ns/program", false },
    [1 + PHASE_RUN + BENCH_INTERP] = { "run-interp", "ns/program", false },
    [1 + PHASE_RUN + BENCH_BLOCK] = { "run-block", "ns/program", false },
    [1 + PHASE_COMPARE] = { "compare", "ns/program", false },
    [1 + PHASE_REST] = { "rest", "ns/program", false },
};

_Static_assert(1 + PHASE_COUNT == BENCH_COMPARE_FIGURES, "a figure for each phase");

/* Where the time since the last look went. */
struct watch {
    uint64_t last;
    uint64_t spent[PHASE_COUNT], looks[PHASE_COUNT];
};

static void look(struct watch *watch, enum phase phase)
{
    uint64_t now = bench_clock();
    watch->spent[phase] += now - watch->last;
    watch->looks[phase]++;
    watch->last = now;
}

/* An engine that stands in for another one and looks at the watch around prepare and run. */
struct px_engine {
    struct engine real;
    size_t index;
    struct watch *watch;
};

static void timed_destroy(struct px_engine *engine)
{
    (void)engine; /* the real one lives on */
}

static const char *timed_spec(const struct px_engine *engine)
{
    return engine_spec(&engine->real);
}

static struct px_caps timed_caps(const struct px_engine *engine)
{
    return engine->real.ops->caps(engine->real.instance);
}

static enum px_status timed_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                    struct px_unit **unit, struct px_error *err)
{
    look(engine->watch, PHASE_REST);
    enum px_status status = engine->real.ops->prepare(engine->real.instance, image, flags, unit, err);
    look(engine->watch, (enum phase)(PHASE_PREPARE + engine->index));
    return status;
}

static void timed_release(struct px_engine *engine, struct px_unit *unit)
{
    engine->real.ops->release(engine->real.instance, unit);
}

static enum px_status timed_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                struct px_outcome *outcome, struct px_error *err)
{
    look(engine->watch, PHASE_COMPARE);
    enum px_status status = engine->real.ops->run(engine->real.instance, unit, entry, outcome, err);
    look(engine->watch, (enum phase)(PHASE_RUN + engine->index));
    return status;
}

static enum px_status timed_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                      const uint8_t **bytes)
{
    return engine->real.ops->read_page(engine->real.instance, page, scratch, bytes);
}

/* What harness/run.c calls. */
static const struct px_engine_ops timed_ops = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "timed",
    .destroy = timed_destroy,
    .spec = timed_spec,
    .caps = timed_caps,
    .prepare = timed_prepare,
    .release = timed_release,
    .run = timed_run,
    .read_page = timed_read_page,
};

/* A generator that has so many programs and no more may enumerate them: each turn is to see all sorts. */
static uint64_t spread(const struct px_gen *gen, uint64_t index)
{
    uint64_t count = px_gen_count(gen);
    return count == UINT64_MAX ? index : index * UINT64_C(0x9e3779b97f4a7c15) % count;
}

static enum px_status make(struct bench *b, const struct px_gen *gen, uint64_t index, size_t slot)
{
    enum px_status status = px_gen_make(gen, SEED, spread(gen, index), &b->programs[slot]);
    if (status != PX_OK)
        return px_fail(b->err, status, "generator %s: %s", gen->spec, px_status_name(status));
    return PX_OK;
}

static enum px_status prepare(struct bench *b, struct run *run, size_t slot)
{
    struct px_image image;
    px_program_image(&b->programs[slot], &image);
    enum px_status status = px_image_check(&image, b->err);
    if (status == PX_OK)
        status = run_prepare(run, &image, 0, &b->slots[slot], b->err);
    return status;
}

/* One batch on @run's engines. */
static enum px_status compare_batch(struct bench *b, const struct px_gen *gen, struct run *run,
                                    struct watch *watch)
{
    enum px_status status = PX_OK;
    size_t ready = 0;
    struct run_result result;
    for (; ready < BENCH_BATCH && status == PX_OK; ready += status == PX_OK) {
        status = make(b, gen, b->index + ready, ready);
        if (watch)
            look(watch, PHASE_GENERATE);
        if (status == PX_OK)
            status = prepare(b, run, ready);
        if (watch)
            look(watch, PHASE_REST);
    }
    for (size_t i = 0; i < ready && status == PX_OK; i++) {
        status = run_compare(run, &b->slots[i], (b->index + i) % SWEEP == 0, &result, b->err);
        b->diverged += status == PX_OK && result.diff.fields != 0;
        if (watch)
            look(watch, PHASE_COMPARE);
    }
    for (size_t i = 0; i < ready; i++)
        run_release(run, &b->slots[i]);
    if (watch)
        look(watch, PHASE_REST);
    b->index += ready;
    return status;
}

/* Batches for about @ns; *programs and *spent say how many and how long. */
static enum px_status compare_for(struct bench *b, const struct px_gen *gen, struct run *run,
                                  struct watch *watch, uint64_t ns, double *programs, double *spent)
{
    enum px_status status;
    uint64_t first = b->index, start = bench_clock(), now;
    if (watch)
        watch->last = start;
    do {
        status = compare_batch(b, gen, run, watch);
        now = bench_clock();
    } while (status == PX_OK && now - start < ns);
    *programs = (double)(b->index - first);
    *spent = (double)(now - start);
    return status;
}

static enum px_status compare_timed(struct bench *b, const struct px_gen *gen, uint64_t ns, double *values)
{
    struct watch watch = { 0 };
    struct px_engine timed[BENCH_ENGINES];
    struct engine engines[BENCH_ENGINES];
    struct run run;
    for (size_t i = 0; i < BENCH_ENGINES; i++) {
        timed[i] = (struct px_engine){ .real = b->run.engines[i], .index = i, .watch = &watch };
        engines[i] = (struct engine){ .ops = &timed_ops, .instance = &timed[i] };
    }
    enum px_status status = run_open_engines(engines, BENCH_ENGINES, &run, b->err);
    if (status != PX_OK)
        return status;
    double programs, spent;
    status = compare_for(b, gen, &run, &watch, ns, &programs, &spent);
    run_close(&run);
    for (size_t i = 0; i < PHASE_COUNT && status == PX_OK; i++)
        values[i] = ((double)watch.spent[i] - (double)watch.looks[i] * b->clock_ns) / programs;
    return status;
}

enum px_status bench_compare(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values)
{
    struct px_gen gen;
    double programs = 0, spent = 1;
    enum px_status status = px_gen_parse(measure->spec, &gen, b->err);
    if (status == PX_OK)
        status = compare_for(b, &gen, &b->run, NULL, ns / 2, &programs, &spent);
    values[0] = programs * 1e9 / spent;
    if (status == PX_OK)
        status = compare_timed(b, &gen, ns / 2, values + 1);
    return status;
}
