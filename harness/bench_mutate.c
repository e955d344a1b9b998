/* Mutation and crossover as a guided campaign does them: copy a program of the corpus, change the copy. */
#include "harness/bench_measure.h"

#include "generators/mutate.h"

enum { SEED = 1, MUTATED = 0, CROSSED = 1 };

const struct bench_figure bench_mutate_figures[BENCH_MUTATE_FIGURES] = {
    [MUTATED] = { "mutate", "ns/program", false },
    [CROSSED] = { "cross", "ns/program", false },
};

/* Changes copies of the programs for about @ns; gives the time for each. */
static enum px_status change_for(struct bench *b, struct mutator *m, struct px_program *copy, bool cross,
                                 uint64_t ns, double *each)
{
    enum px_status status = PX_OK;
    uint64_t start = bench_clock(), now, changed = 0;
    do {
        for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++, changed++) {
            mutator_seed(m, SEED, changed);
            status = px_program_copy(copy, &b->programs[i]);
            if (status == PX_OK && cross)
                status = mutate_cross(m, copy, &b->programs[(i + 1) % BENCH_BATCH]);
            else if (status == PX_OK)
                status = mutate_program(m, copy);
        }
        now = bench_clock();
    } while (status == PX_OK && now - start < ns);
    *each = (double)(now - start) / (double)changed;
    return status;
}

enum px_status bench_mutate(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    struct px_gen gen;
    struct px_program copy;
    struct mutator mutator = { .code_max = 0 };
    px_program_init(&copy);
    enum px_status status = px_gen_parse(measure->spec, &gen, b->err);
    for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++)
        status = px_gen_make(&gen, SEED, b->index++, &b->programs[i]);
    for (size_t kind = 0; kind < BENCH_MUTATE_FIGURES && status == PX_OK; kind++)
        status = change_for(b, &mutator, &copy, kind == CROSSED, ns / BENCH_MUTATE_FIGURES, &values[kind]);
    mutator_fini(&mutator);
    px_program_fini(&copy);
    return status;
}
