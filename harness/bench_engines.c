/* What one engine costs by itself: preparing code, running it, and getting in and out. */
#include "harness/bench_measure.h"

#include <stdio.h>
#include <string.h>

enum { SEED = 2 };

/* --- preparing: decoding or compiling --- */

static const struct {
    unsigned instructions; /* of the generator; the terminator is one more */
    size_t batch;          /* prepared between two looks at the clock */
} lengths[] = { { 1, BENCH_BATCH }, { 32, BENCH_BATCH }, { 1024, 4 } };

enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

const struct bench_figure bench_prepare_figures[BENCH_PREPARE_FIGURES] = {
    { "length=1", "ns/instruction", false },
    { "length=32", "ns/instruction", false },
    { "length=1024", "ns/instruction", false },
    { "fixed", "ns/program", false }, /* what is left of a program without instructions */
};

/* Makes a batch of programs, then prepares it; *spent is the preparing alone. */
static enum px_status prepare_batch(struct bench *b, const struct engine *engine, const struct px_gen *gen,
                                    size_t batch, uint64_t *spent)
{
    struct px_image images[BENCH_BATCH];
    struct px_unit *units[BENCH_BATCH] = { 0 };
    enum px_status status = PX_OK;
    for (size_t i = 0; i < batch && status == PX_OK; i++) {
        status = px_gen_make(gen, SEED, b->index++, &b->programs[i]);
        px_program_image(&b->programs[i], &images[i]);
    }
    if (status != PX_OK)
        return px_fail(b->err, status, "generator %s: %s", gen->spec, px_status_name(status));
    uint64_t start = bench_clock();
    for (size_t i = 0; i < batch && status == PX_OK; i++)
        status = engine->ops->prepare(engine->instance, &images[i], 0, &units[i], b->err);
    *spent = bench_clock() - start;
    for (size_t i = 0; i < batch; i++)
        engine->ops->release(engine->instance, units[i]);
    return status;
}

static enum px_status prepare_length(struct bench *b, const struct engine *engine, size_t length, uint64_t ns,
                                     double *per_program)
{
    struct px_gen gen;
    char spec[BENCH_NAME_MAX];
    (void)snprintf(spec, sizeof spec, "straight:length=%u", lengths[length].instructions);
    enum px_status status = px_gen_parse(spec, &gen, b->err);
    uint64_t start = bench_clock(), spent = 0, sum = 0;
    size_t programs = 0;
    while (status == PX_OK && (programs == 0 || bench_clock() - start < ns)) {
        status = prepare_batch(b, engine, &gen, lengths[length].batch, &spent);
        sum += spent;
        programs += lengths[length].batch;
    }
    *per_program = ((double)sum - b->clock_ns) / (double)programs;
    return status;
}

enum px_status bench_prepare(struct bench *b, const struct bench_measure *measure, uint64_t ns,
                             double *values)
{
    double per_program[LENGTHS] = { 0 };
    const struct engine *engine =
        measure->engine == BENCH_LINEAR ? &b->linear : &b->run.engines[measure->engine];
    for (size_t i = 0; i < LENGTHS; i++) {
        enum px_status status = prepare_length(b, engine, i, ns / LENGTHS, &per_program[i]);
        if (status != PX_OK)
            return status;
        values[i] = per_program[i] / (lengths[i].instructions + 1);
    }
    double instructions = lengths[LENGTHS - 1].instructions - lengths[0].instructions;
    double each = (per_program[LENGTHS - 1] - per_program[0]) / instructions;
    values[LENGTHS] = per_program[0] - each * (lengths[0].instructions + 1);
    return PX_OK;
}

/* --- running --- */

const struct bench_figure bench_run_figures[BENCH_RUN_FIGURES] = {
    { "straight", "M instructions/s",
      true }, /* 256 mixed ones in one block, as long lines of real code are */
    { "random", "M instructions/s", true }, /* 4,096 in one block: more than a host foresees the order of */
    { "loop", "M instructions/s", true }, /* addi, add, xor, bne */
    { "empty", "ns/run", false }, /* entering and leaving: ecalli 0 alone */
};

#define GAS (UINT64_C(1) << 40)

static enum px_status emit(struct px_program *program, const struct px_insn *insns, size_t count)
{
    uint32_t halt = PX_WORD_ECALLI_0;
    enum px_status status = PX_OK;
    for (size_t i = 0; i < count && status == PX_OK; i++)
        status = px_program_emit(program, &insns[i]);
    return status == PX_OK ? px_program_append(program, &halt, sizeof halt) : status;
}

static enum px_status make_line(const char *spec, struct px_program *program)
{
    struct px_gen gen;
    enum px_status status = px_gen_parse(spec, &gen, NULL);
    return status == PX_OK ? px_gen_make(&gen, SEED, 0, program) : status;
}

static enum px_status make_straight(struct px_program *program)
{
    return make_line("straight:length=256", program);
}

static enum px_status make_random(struct px_program *program)
{
    return make_line("straight:length=4096", program);
}

static enum px_status make_loop(struct px_program *program)
{
    static const struct px_insn loop[] = {
        { .op = PX_OP_ADDI, .len = 4, .rd = 5, .rs1 = 5, .imm = -1 },
        { .op = PX_OP_ADD, .len = 4, .rd = 6, .rs1 = 6, .rs2 = 5 },
        { .op = PX_OP_XOR, .len = 4, .rd = 7, .rs1 = 7, .rs2 = 6 },
        { .op = PX_OP_BNE, .len = 4, .rs1 = 5, .imm = -12 },
    };
    px_program_clear(program);
    program->x[5] = 50000;
    return emit(program, loop, sizeof loop / sizeof loop[0]);
}

static enum px_status make_empty(struct px_program *program)
{
    px_program_clear(program);
    return emit(program, NULL, 0);
}

/* Runs @unit over and over for about @ns. */
static enum px_status run_for(struct bench *b, const struct engine *engine, struct px_unit *unit,
                              const struct px_entry *entry, uint64_t ns, double *ns_per_run,
                              double *instructions)
{
    struct px_outcome out = { .exit = PX_EXIT_STOPPED };
    enum px_status status = PX_OK;
    uint64_t start = bench_clock(), spent, runs = 0, chunk = 1;
    do {
        for (uint64_t i = 0; i < chunk && status == PX_OK; i++)
            status = engine->ops->run(engine->instance, unit, entry, &out, b->err);
        runs += chunk;
        spent = bench_clock() - start;
        chunk = spent < ns / 16 ? chunk * 2 : chunk;
    } while (status == PX_OK && spent < ns);
    if (status == PX_OK && (out.exit != PX_EXIT_HOSTCALL || out.arg != PX_HOSTCALL_HALT))
        return px_fail(b->err, PX_ERR_INTERNAL, "a benchmark program ended by %s", px_exit_name(out.exit));
    *ns_per_run = (double)spent / (double)runs;
    *instructions = (double)(out.native + out.side_exit + out.interpreted);
    return status;
}

enum px_status bench_run(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    static enum px_status (*const makers[BENCH_RUN_FIGURES])(
        struct px_program *) = { make_straight, make_random, make_loop, make_empty };
    const struct engine *engine = &b->run.engines[measure->engine];
    for (size_t i = 0; i < BENCH_RUN_FIGURES; i++) {
        struct px_unit *unit;
        struct px_image image;
        double ns_per_run = 1, instructions = 0;
        enum px_status status = makers[i](&b->programs[0]);
        if (status != PX_OK)
            return px_fail(b->err, status, "making a benchmark program: %s", px_status_name(status));
        b->programs[0].gas = GAS;
        px_program_image(&b->programs[0], &image);
        status = engine->ops->prepare(engine->instance, &image, 0, &unit, b->err);
        if (status != PX_OK)
            return status;
        struct px_entry entry = run_entry(&image);
        status = run_for(b, engine, unit, &entry, ns / BENCH_RUN_FIGURES, &ns_per_run, &instructions);
        /* Kept, the unit would keep the engine from recycling its code memory. */
        engine->ops->release(engine->instance, unit);
        if (status != PX_OK)
            return status;
        values[i] = bench_run_figures[i].more_is_better ? instructions * 1e3 / ns_per_run : ns_per_run;
    }
    return PX_OK;
}
