/*
 * The library as its callers see it, their processor shared with the sandbox: batches of programs that are made
 * beforehand, then programs one by one.
 */
#include "harness/bench_measure.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "harness/parallax.h"

enum {
    SEED = 3,
    BATCH = 512,
    SINGLES_PART = 4, /* of the time */
};

enum library_figure { PROGRAMS, SINGLE };

const struct bench_figure bench_library_figures[BENCH_LIBRARY_FIGURES] = {
    [PROGRAMS] = { "programs", "programs/s", true },
    [SINGLE] = { "single", "ns/program", false },
};

static const struct px_session_options options = { .size = sizeof options, .engines = "interp,block" };

static bool found(void *arg, size_t index, const struct px_diff *diff)
{
    struct bench *b = arg;
    (void)index;
    (void)diff;
    b->diverged++;
    return true;
}

static enum px_status make_all(struct bench *b, const struct px_gen *gen, struct px_program *programs)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < BATCH && status == PX_OK; i++)
        status = px_gen_make(gen, SEED, b->index++, &programs[i]);
    return status == PX_OK ? PX_OK : px_fail(b->err, status, "generator %s", gen->spec);
}

/* Processor time of this process and of those whose end it has waited for, and so on. */
static uint64_t processor_clock(void)
{
    struct rusage usage;
    struct timespec own;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    getrusage(RUSAGE_CHILDREN, &usage);
    uint64_t seconds = (uint64_t)(own.tv_sec + usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
    uint64_t micros = (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return seconds * 1000000000 + (uint64_t)own.tv_nsec + micros * 1000;
}

/*
 * Batches for about @ns. What they cost is processor time, the sandbox's included, which shows when it has ended; what it takes
 * to make the programs is taken out.
 */
static enum px_status measure_batches(struct bench *b, const struct px_gen *gen, struct px_program *programs,
                                      uint64_t ns, double *rate)
{
    struct px_session *session;
    uint64_t start = bench_clock(), before = processor_clock(), making = 0, rounds = 0;
    enum px_status status = px_session_create(&options, &session, b->err);
    if (status != PX_OK)
        return status;
    do {
        uint64_t at = processor_clock();
        status = make_all(b, gen, programs);
        making += processor_clock() - at;
        if (status == PX_OK)
            status = px_diff_batch(session, programs, BATCH, found, b, b->err);
        rounds++;
    } while (status == PX_OK && bench_clock() - start < ns);
    px_session_destroy(session);
    *rate = (double)(rounds * BATCH) * 1e9 / (double)(processor_clock() - before - making);
    return status;
}

/* One by one for about @ns, as the clock on the wall has it. */
static enum px_status measure_singles(struct bench *b, const struct px_program *programs, uint64_t ns,
                                      double *each)
{
    struct px_session *session;
    struct px_diff diff;
    enum px_status status = px_session_create(&options, &session, b->err);
    if (status != PX_OK)
        return status;
    uint64_t start = bench_clock(), count = 0;
    do
        status = px_diff(session, &programs[count++ % BATCH], &diff, b->err);
    while (status == PX_OK && bench_clock() - start < ns);
    *each = (double)(bench_clock() - start) / (double)count;
    px_session_destroy(session);
    return status;
}

enum px_status bench_library(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values)
{
    struct px_gen gen;
    struct px_program *programs = calloc(BATCH, sizeof *programs);
    enum px_status status =
        programs ? PX_OK : px_fail(b->err, PX_ERR_NOMEM, "out of memory for %d programs", BATCH);
    for (size_t i = 0; i < BATCH && programs; i++)
        px_program_init(&programs[i]);
    if (status == PX_OK)
        status = px_gen_parse(measure->spec, &gen, b->err);
    if (status == PX_OK)
        status = measure_batches(b, &gen, programs, ns - ns / SINGLES_PART, &values[PROGRAMS]);
    if (status == PX_OK)
        status = measure_singles(b, programs, ns / SINGLES_PART, &values[SINGLE]);
    for (size_t i = 0; i < BATCH && programs; i++)
        px_program_fini(&programs[i]);
    free(programs);
    return status;
}
