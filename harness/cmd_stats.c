/* parallax stats: what a generator makes (FUZZING.md 1). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "harness/progress.h"
#include "harness/stats.h"
#include "harness/stats_print.h"

enum { CLOCK_EVERY = 512 }; /* programs between two looks at the clock */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum px_status count_programs(const struct px_gen *gen, uint64_t seed, uint64_t count,
                                     struct stats *stats, struct px_error *err)
{
    struct px_program program;
    struct progress progress;
    double start = seconds();
    enum px_status status = PX_OK;
    px_program_init(&program);
    progress_init(&progress, !isatty(STDERR_FILENO));
    progress.next = start + 1; /* nobody needs to be told about less */
    for (uint64_t i = 0; status == PX_OK && i < count; i++) {
        status = px_gen_make(gen, seed, i, &program);
        if (status != PX_OK)
            (void)px_fail(err, status, "program %" PRIu64 " of %s: %s", i, gen->spec, px_status_name(status));
        else
            status = stats_run(stats, &program, err);
        double now = i % CLOCK_EVERY == 0 ? seconds() : 0;
        if (now > 0 && progress_due(&progress, now)) {
            char line[120];
            (void)snprintf(line, sizeof line,
                           "%" PRIu64 " of %" PRIu64 " programs (%.0f %%), %.0f programs/s", i, count,
                           100 * (double)i / (double)count, (double)i / (now - start));
            progress_show(&progress, line);
        }
    }
    progress_end(&progress);
    px_program_fini(&program);
    return status;
}

static int print(const struct command *command, const struct stats *stats, const struct stats_source *source,
                 bool json)
{
    if (json)
        stats_print_json(stats_get(stats), source, stdout);
    else
        stats_print(stats_get(stats), source, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return options_fail(command, "standard output: %s", strerror(errno));
    return EXIT_AGREE;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *spec = "mix";
    uint64_t seed = 1, count = 100000;
    bool json = false;
    const struct option options[] = {
        { .name = "gen", .kind = OPTION_TEXT, .target = &spec, .value = "SPEC", .help = "generator (mix)" },
        { .name = "seed",
          .kind = OPTION_NUMBER,
          .target = &seed,
          .max = UINT64_MAX,
          .value = "S",
          .help = "seed (1)" },
        { .name = "count",
          .kind = OPTION_NUMBER,
          .target = &count,
          .min = 1,
          .max = UINT64_MAX,
          .value = "N",
          .help = "programs, or all if the generator has fewer (100000)" },
        { .name = "json",
          .kind = OPTION_FLAG,
          .target = &json,
          .help = "one JSON object in place of tables" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 0)
        return options_fail(command, "unexpected argument '%.60s'", argv[1]);

    struct px_error err;
    struct px_gen gen;
    struct stats *stats;
    enum px_status status = px_gen_parse(spec, &gen, &err);
    if (status == PX_OK)
        status = stats_create(&stats, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);

    char generator[PX_NAME_MAX + 16];
    (void)snprintf(generator, sizeof generator, "%s@%u", gen.spec, gen.generator->version);
    struct stats_source source = { .generator = generator, .seed = seed, .all = count >= px_gen_count(&gen) };
    status = count_programs(&gen, seed, source.all ? px_gen_count(&gen) : count, stats, &err);
    code =
        status == PX_OK ? print(command, stats, &source, json) : options_fail_status(command, status, &err);
    stats_destroy(stats);
    return code;
}

const struct command command_stats = {
    .name = "stats",
    .summary = "Tells what a generator makes: exits, lengths, coverage of instructions and operands.",
    .usage = "[--gen=SPEC] [--seed=S] [--count=N] [--json]",
    .examples = "  parallax stats\n"
                "  parallax stats --gen=straight:length=32 --count=1000000\n"
                "  parallax stats --json | jq .exits\n",
    .run = run,
};
