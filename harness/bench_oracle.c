/*
 * The oracle alone: programs prepared, run under qemu and released, by the processor time that both processes take. Programs
 * that run out of gas are left out beforehand, as in a campaign.
 */
#include "harness/bench_measure.h"

#include <string.h>

#include "harness/oracle/qemu.h"

enum { SEED = 4 };

const struct bench_figure bench_oracle_figures[BENCH_ORACLE_FIGURES] = {
    { "programs", "programs/s", true },
    { "host", "ns/program", false },
    { "qemu", "ns/program", false },
};

static double clock_seconds(clockid_t clock)
{
    struct timespec spent;
    clock_gettime(clock, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* What qemu has used up so far. */
static enum px_status qemu_seconds(const struct bench *b, double *seconds)
{
    clockid_t clock;
    if (clock_getcpuclockid(qemu_facts(b->oracle.engine).qemu, &clock) != 0)
        return px_fail(b->err, PX_ERR_SYSTEM, "qemu's processor time: not to be had");
    *seconds = clock_seconds(clock);
    return PX_OK;
}

/* Makes a program that ends before its gas does. */
static enum px_status make_one(struct bench *b, const struct px_gen *gen, size_t slot)
{
    const struct engine *interp = &b->run.engines[BENCH_INTERP];
    struct px_outcome out = { .exit = PX_EXIT_OUT_OF_GAS };
    enum px_status status = PX_OK;
    while (status == PX_OK && out.exit == PX_EXIT_OUT_OF_GAS) {
        struct px_image image;
        struct px_unit *unit;
        status = px_gen_make(gen, SEED, b->index++, &b->programs[slot]);
        if (status != PX_OK)
            return px_fail(b->err, status, "generator %s: %s", gen->spec, px_status_name(status));
        px_program_image(&b->programs[slot], &image);
        const struct px_entry entry = run_entry(&image);
        status = interp->ops->prepare(interp->instance, &image, 0, &unit, b->err);
        if (status != PX_OK)
            return status;
        status = interp->ops->run(interp->instance, unit, &entry, &out, b->err);
        interp->ops->release(interp->instance, unit);
    }
    return status;
}

static enum px_status run_batch(struct bench *b, size_t count)
{
    struct px_image images[BENCH_BATCH];
    struct px_unit *units[BENCH_BATCH] = { 0 };
    struct px_engine *qemu = b->oracle.engine;
    enum px_status status = PX_OK;
    for (size_t i = 0; i < count && status == PX_OK; i++) {
        px_program_image(&b->programs[i], &images[i]);
        status = px_qemu_engine.prepare(qemu, &images[i], 0, &units[i], b->err);
    }
    for (size_t i = 0; i < count && status == PX_OK; i++) {
        const struct px_entry entry = run_entry(&images[i]);
        struct px_outcome out;
        status = px_qemu_engine.run(qemu, units[i], &entry, &out, b->err);
    }
    for (size_t i = 0; i < count; i++)
        px_qemu_engine.release(qemu, units[i]);
    return status;
}

static enum px_status open_oracle(struct bench *b)
{
    if (b->oracle.engine)
        return PX_OK;
    enum px_status status = oracle_open(&b->oracle, b->err);
    return status == PX_OK ? run_batch(b, 1) : status; /* which starts it */
}

enum px_status bench_oracle(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    struct px_gen gen;
    double host = 0, before = 0, after = 0, programs = 0;
    enum px_status status = px_gen_parse(measure->spec, &gen, b->err);
    if (status == PX_OK)
        status = make_one(b, &gen, 0);
    if (status == PX_OK)
        status = open_oracle(b);
    if (status == PX_OK)
        status = qemu_seconds(b, &before);
    for (uint64_t start = bench_clock(); status == PX_OK && bench_clock() - start < ns;) {
        for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++)
            status = make_one(b, &gen, i);
        double begin = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
        if (status == PX_OK)
            status = run_batch(b, BENCH_BATCH);
        host += clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
        programs += (double)BENCH_BATCH;
    }
    if (status == PX_OK)
        status = qemu_seconds(b, &after);
    values[0] = programs / (host + after - before);
    values[1] = host * 1e9 / programs;
    values[2] = (after - before) * 1e9 / programs;
    return status;
}
