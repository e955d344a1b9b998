/*
 * The table of measurements, their targets, and the loop that lets them take turns:
 *
 *   pin, open -> warm up each -> (each measurement once) x repetitions -> median, min, max
 */
#define _GNU_SOURCE
#include "harness/bench.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/bench_measure.h"

enum {
    CODE_BYTES = 2 << 20,
    WARM_PART = 8, /* of a repetition's time */
    CLOCK_READS = 1000,
};

#define COMPARE(generator)                                                                                   \
    { .name = "compare/" generator,                                                                          \
      .spec = generator,                                                                                     \
      .figures = bench_compare_figures,                                                                      \
      .count = BENCH_COMPARE_FIGURES,                                                                        \
      .weight = 4,                                                                                           \
      .sample = bench_compare }
#define ENGINE(folder, engine_name, engine_index, kind, KIND)                                                \
    { .name = folder "/" engine_name,                                                                        \
      .engine = engine_index,                                                                                \
      .figures = bench_##kind##_figures,                                                                     \
      .count = BENCH_##KIND##_FIGURES,                                                                       \
      .weight = 3,                                                                                           \
      .sample = bench_##kind }

/* They count processor time themselves. */
#define GUESTS(column, engine_spec, ...)                                                                     \
    { .name = "guests/" column,                                                                              \
      .spec = engine_spec,                                                                                   \
      .figures = bench_guest_figures,                                                                        \
      .count = BENCH_GUEST_FIGURES,                                                                          \
      .weight = 5,                                                                                           \
      .waits = true,                                                                                         \
      .sample = bench_guests,                                                                                \
      __VA_ARGS__ }

const struct bench_measure bench_measures[] = {
    COMPARE("straight:length=32"),
    COMPARE("mix"),
    COMPARE("boundary"),
    COMPARE("control"),
    ENGINE("prepare", "interp", BENCH_INTERP, prepare, PREPARE),
    ENGINE("prepare", "block", BENCH_BLOCK, prepare, PREPARE),
    ENGINE("prepare", "linear", BENCH_LINEAR, prepare, PREPARE),
    ENGINE("run", "interp", BENCH_INTERP, run, RUN),
    ENGINE("run", "block", BENCH_BLOCK, run, RUN),
    GUESTS("interp", "interp"),
    GUESTS("fused", "fused"),
    GUESTS("block", "block"),
    GUESTS("block:touch=fault", "block:touch=fault"),
    GUESTS("native", NULL, .program = "native"),
    GUESTS("qemu", NULL, .program = "oracle"),
    { .name = "form/mix",
      .spec = "mix",
      .figures = bench_form_figures,
      .count = BENCH_FORM_FIGURES,
      .weight = 2,
      .sample = bench_form },
    { .name = "change/mix",
      .spec = "mix",
      .figures = bench_mutate_figures,
      .count = BENCH_MUTATE_FIGURES,
      .weight = 1,
      .sample = bench_mutate },
    { .name = "library/straight:length=64",
      .spec = "straight:length=64",
      .figures = bench_library_figures,
      .count = BENCH_LIBRARY_FIGURES,
      .weight = 2,
      .waits = true,
      .sample = bench_library },
    { .name = "jobs/mix",
      .spec = "mix",
      .figures = bench_jobs_figures,
      .count = BENCH_JOBS_FIGURES,
      .weight = 8,
      .waits = true,
      .sample = bench_jobs },
    { .name = "oracle/mix",
      .spec = "mix",
      .figures = bench_oracle_figures,
      .count = BENCH_ORACLE_FIGURES,
      .weight = 4,
      .asks_oracle = true,
      .waits = true, /* it counts both processes' time itself */
      .sample = bench_oracle },
    { .name = "host",
      .figures = bench_host_figures,
      .count = BENCH_HOST_FIGURES - BENCH_HOST_WAITING,
      .weight = 4,
      .sample = bench_host },
    { .name = "host",
      .figures = bench_host_figures + BENCH_HOST_FIGURES - BENCH_HOST_WAITING,
      .count = BENCH_HOST_WAITING,
      .weight = 1,
      .waits = true,
      .sample = bench_host },
};
const size_t bench_measure_count = sizeof bench_measures / sizeof bench_measures[0];

#undef COMPARE
#undef GUESTS
#undef ENGINE

#define GEOMEAN(column) "guests/" column "/geomean"

const struct bench_ratio bench_ratios[] = {
    { "guests/block-to-native", GEOMEAN("block"), GEOMEAN("native") },
    { "guests/block:touch=fault-to-native", GEOMEAN("block:touch=fault"), GEOMEAN("native") },
    { "guests/qemu-to-native", GEOMEAN("qemu"), GEOMEAN("native") },
    { "guests/fused-to-native", GEOMEAN("fused"), GEOMEAN("native") },
    { "guests/fused-to-interp", GEOMEAN("fused"), GEOMEAN("interp") },
};
const size_t bench_ratio_count = sizeof bench_ratios / sizeof bench_ratios[0];

static const struct {
    const char *name;
    double value;
} targets[] = {
    { "compare/straight:length=32/programs", 300000 },
    { "compare/mix/programs", 150000 },
    { "prepare/block/length=32", 30 },
    { "prepare/block/length=1024", 25 },
    { "prepare/linear/length=1024", 15 },
    { "run/block/empty", 30 },
    { "run/interp/straight", 200 },
    { GEOMEAN("interp"), 200 },
    { GEOMEAN("fused"), 800 },
    { "guests/block:touch=fault-to-native", 0.5 },
    { "form/mix/read-binary", 1000 },
    { "library/straight:length=64/programs", 75000 },
    { "jobs/mix/scaling", 0.95 },
    { "oracle/mix/programs", 20000 },
};

double bench_target(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        if (strcmp(targets[i].name, name) == 0)
            return targets[i].value;
    return 0;
}

const char *bench_target_name(size_t index)
{
    return index < sizeof targets / sizeof targets[0] ? targets[index].name : NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

bool bench_reached(const struct bench_result *result)
{
    return result->more_is_better ? result->median >= result->target : result->median <= result->target;
}

/* --- the machine --- */

/* Without its name the machine is "unknown". */
static void read_cpu_name(char *name, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    (void)snprintf(name, size, "unknown");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        const char *value = colon + 1 + strspn(colon + 1, " ");
        (void)snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (file)
        (void)fclose(file);
}

/* Keeps this process where it is now, and the caches with it; -1 when the kernel will not have it. */
static int pin(void)
{
    int cpu = sched_getcpu();
    cpu_set_t set;
    CPU_ZERO(&set);
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return -1;
    CPU_SET((size_t)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? cpu : -1;
}

static double processor_seconds(void)
{
    struct timespec spent;
    struct rusage children;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    getrusage(RUSAGE_CHILDREN, &children); /* some measurements run in processes of their own */
    double theirs = (double)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
                    (double)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1e6;
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9 + theirs;
}

/* --- what is measured on --- */

static double clock_cost(void)
{
    uint64_t start = bench_clock(), now = start;
    for (unsigned i = 0; i < CLOCK_READS; i++)
        now = bench_clock();
    return (double)(now - start) / (double)CLOCK_READS;
}

static enum px_status open_bench(struct bench *b, struct px_error *err)
{
    *b = (struct bench){ .err = err };
    for (size_t i = 0; i < BENCH_BATCH; i++)
        px_program_init(&b->programs[i]);
    enum px_status status = codebuf_init(&b->code, CODE_BYTES, err);
    if (status != PX_OK)
        return status;
    b->pages = aligned_alloc(PX_PAGE_SIZE, (size_t)2 * PX_PAGE_SIZE);
    if (!b->pages)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for two pages");
    memset(b->pages, 0x5a, (size_t)2 * PX_PAGE_SIZE);
    status = run_open("interp,block", &b->run, err);
    if (status == PX_OK)
        status = engine_open("linear", &b->linear, err);
    b->clock_ns = clock_cost();
    return status;
}

static void close_bench(struct bench *b)
{
    oracle_close(&b->oracle);
    run_close(&b->run);
    engine_close(&b->linear);
    for (size_t i = 0; i < BENCH_BATCH; i++)
        px_program_fini(&b->programs[i]);
    codebuf_fini(&b->code);
    free(b->pages);
}

/* --- the loop --- */

/* Results under way: each figure's values, one for each repetition. */
struct session {
    struct bench bench;
    struct bench_report *report;
    FILE *progress; /* NULL: none */
    uint64_t ns;    /* for one weight of one repetition */
    bool chosen[BENCH_FIGURES_MAX];
    double values[BENCH_FIGURES_MAX][BENCH_REPETITIONS_MAX];
};

static void figure_name(const struct bench_measure *measure, size_t figure, char *name)
{
    (void)snprintf(name, BENCH_NAME_MAX, "%s/%s", measure->name, measure->figures[figure].name);
}

/* Whether a figure is asked for, by itself or for a ratio. */
static bool wanted(const char *name, const char *filter)
{
    bool found = strstr(name, filter) != NULL;
    for (size_t i = 0; i < bench_ratio_count; i++) {
        const struct bench_ratio *ratio = &bench_ratios[i];
        bool part = strcmp(name, ratio->of) == 0 || strcmp(name, ratio->to) == 0;
        found = found || (part && strstr(ratio->name, filter));
    }
    return found;
}

/* Whether the filter leaves any figure of @measure, which can be measured at all. */
static bool matches(const struct bench_measure *measure, const struct bench_options *options)
{
    char name[BENCH_NAME_MAX];
    bool found = false;
    for (size_t i = 0; i < measure->count; i++) {
        figure_name(measure, i, name);
        found = found || wanted(name, options->filter);
    }
    return found && (!measure->program || options->guests) &&
           (!measure->asks_oracle || oracle_check(NULL) == PX_OK);
}

static unsigned chosen_weight(const struct bench_options *options)
{
    unsigned weight = 0;
    for (size_t i = 0; i < bench_measure_count; i++)
        weight += matches(&bench_measures[i], options) ? bench_measures[i].weight : 0;
    return weight;
}

/* Samples once, and takes out the time that other processes had the processor. */
static enum px_status sample(struct session *s, const struct bench_measure *m, uint64_t ns, double *values)
{
    uint64_t start = bench_clock();
    double processor = processor_seconds();
    enum px_status status = m->sample(&s->bench, m, ns, values);
    double share = (processor_seconds() - processor) * 1e9 / (double)(bench_clock() - start);
    for (size_t i = 0; i < m->count && !m->waits && share < 1; i++)
        values[i] *= m->figures[i].more_is_better ? 1 / share : share;
    return status;
}

/* One turn of every measurement; @repetition is where the values go, none of them before the first. */
static enum px_status take_turns(struct session *s, const struct bench_options *options, int repetition)
{
    size_t figure = 0;
    for (size_t i = 0; i < bench_measure_count; i++) {
        const struct bench_measure *m = &bench_measures[i];
        double values[BENCH_VALUES_MAX] = { 0 };
        if (!matches(m, options))
            continue;
        if (s->progress)
            (void)fprintf(s->progress, "\rrepetition %d of %d: %-40s", repetition + 1,
                          (int)options->repetitions, m->name);
        uint64_t ns = m->weight * s->ns;
        enum px_status status = sample(s, m, repetition < 0 ? ns / WARM_PART : ns, values);
        if (status != PX_OK)
            return status;
        for (size_t j = 0; j < m->count && repetition >= 0; j++)
            s->values[figure + j][repetition] = values[j];
        figure += m->count;
    }
    return PX_OK;
}

/* The values of the figure called @name, NULL if it was not measured. */
static const double *values_of(const struct session *s, const struct bench_options *options, const char *name)
{
    size_t figure = 0;
    for (size_t i = 0; i < bench_measure_count; i++) {
        const struct bench_measure *m = &bench_measures[i];
        char own[BENCH_NAME_MAX];
        for (size_t j = 0; j < m->count && matches(m, options); j++, figure++) {
            figure_name(m, j, own);
            if (strcmp(own, name) == 0)
                return s->values[figure];
        }
    }
    return NULL;
}

/* Reports @result, whose name, unit and direction are set, unless the filter leaves it out. */
static void add_result(struct bench_report *report, const struct bench_options *options,
                       struct bench_result result, const double *values)
{
    size_t repetitions = options->repetitions;
    double sorted[BENCH_REPETITIONS_MAX];
    if (!strstr(result.name, options->filter))
        return;
    memcpy(sorted, values, repetitions * sizeof *sorted);
    result.target = bench_target(result.name);
    result.median = bench_median(sorted, repetitions); /* which sorts */
    result.min = sorted[0];
    result.max = sorted[repetitions - 1];
    report->results[report->count++] = result;
}

static void add_ratios(const struct session *s, const struct bench_options *options,
                       struct bench_report *report)
{
    for (size_t i = 0; i < bench_ratio_count; i++) {
        const struct bench_ratio *ratio = &bench_ratios[i];
        const double *of = values_of(s, options, ratio->of), *to = values_of(s, options, ratio->to);
        double values[BENCH_REPETITIONS_MAX];
        struct bench_result result = { .unit = "ratio", .more_is_better = true };
        if (!of || !to)
            continue;
        for (size_t j = 0; j < options->repetitions; j++)
            values[j] = of[j] / to[j];
        (void)snprintf(result.name, sizeof result.name, "%s", ratio->name);
        add_result(report, options, result, values);
    }
}

static void summarize(const struct session *s, const struct bench_options *options,
                      struct bench_report *report)
{
    size_t figure = 0;
    for (size_t i = 0; i < bench_measure_count; i++) {
        const struct bench_measure *m = &bench_measures[i];
        for (size_t j = 0; j < m->count && matches(m, options); j++) {
            struct bench_result result = { .unit = m->figures[j].unit,
                                           .more_is_better = m->figures[j].more_is_better };
            figure_name(m, j, result.name);
            add_result(report, options, result, s->values[figure++]);
        }
    }
    add_ratios(s, options, report);
}

static enum px_status measure(struct session *s, const struct bench_options *options, struct px_error *err)
{
    unsigned weight = chosen_weight(options);
    if (weight == 0)
        return PX_OK;
    double seconds = (double)options->seconds / (options->quick ? 10 : 1);
    double turns = (double)options->repetitions + 1 / (double)WARM_PART;
    s->ns = (uint64_t)(seconds * 1e9 / turns / weight);
    enum px_status status = open_bench(&s->bench, err);
    s->bench.guests = options->guests;
    double processor = processor_seconds();
    uint64_t start = bench_clock();
    for (int i = -1; i < (int)options->repetitions && status == PX_OK; i++)
        status = take_turns(s, options, i);
    s->report->machine.share = (processor_seconds() - processor) * 1e9 / (double)(bench_clock() - start);
    s->report->diverged = s->bench.diverged;
    close_bench(&s->bench);
    if (s->progress)
        (void)fprintf(s->progress, "\r%70s\r", "");
    return status;
}

enum px_status bench_measure_all(const struct bench_options *options, FILE *progress,
                                 struct bench_report *report, struct px_error *err)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for the benchmark");
    *report = (struct bench_report){ .repetitions = options->repetitions };
    read_cpu_name(report->machine.cpu, sizeof report->machine.cpu);
    report->machine.cores = sysconf(_SC_NPROCESSORS_ONLN);
    report->machine.pinned = pin();
    s->report = report;
    s->progress = progress;
    enum px_status status = measure(s, options, err);
    if (status == PX_OK)
        summarize(s, options, report);
    free(s);
    return status;
}
