/* parallax bench */
#include "harness/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/bench.h"

enum { SECONDS = 25, SECONDS_MAX = 86400, REPETITIONS = 9 };

static int bench_main(const struct command *command, int argc, char **argv)
{
    struct bench_options o = { .seconds = SECONDS, .repetitions = REPETITIONS, .filter = "" };
    bool json = false;
    const struct option options[] = {
        { .name = "json",
          .kind = OPTION_FLAG,
          .target = &json,
          .help = "one JSON object instead of a table" },
        { .name = "filter",
          .kind = OPTION_TEXT,
          .target = &o.filter,
          .value = "TEXT",
          .help = "only figures whose names contain TEXT" },
        { .name = "seconds",
          .kind = OPTION_NUMBER,
          .target = &o.seconds,
          .min = 1,
          .max = SECONDS_MAX,
          .value = "N",
          .help = "how long all of it takes, about (25)" },
        { .name = "repetitions",
          .kind = OPTION_NUMBER,
          .target = &o.repetitions,
          .min = BENCH_REPETITIONS_MIN,
          .max = BENCH_REPETITIONS_MAX,
          .value = "N",
          .help = "values that each median is taken of (9)" },
        { .name = "guests",
          .kind = OPTION_TEXT,
          .target = &o.guests,
          .value = "DIR",
          .help = "guests built by `scripts/guests programs DIR`: adds their speed natively and under qemu" },
        { .name = "quick", .kind = OPTION_FLAG, .target = &o.quick, .help = "a tenth of the time" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 0)
        return options_fail(command, "'%.60s': expected options only", argv[1]);

    struct bench_report *report = malloc(sizeof *report);
    if (!report)
        return options_fail(command, "out of memory");
    struct px_error err;
    enum px_status status = bench_measure_all(&o, isatty(STDERR_FILENO) ? stderr : NULL, report, &err);
    if (status != PX_OK)
        code = options_fail_status(command, status, &err);
    else if (report->count == 0)
        code = options_fail(command, "no figure's name contains '%.60s'", o.filter);
    else
        code = EXIT_AGREE;
    if (code == EXIT_AGREE)
        (json ? bench_print_json : bench_print)(report, stdout);
    free(report);
    return code;
}

const struct command command_bench = {
    .name = "bench",
    .summary = "Measures how fast programs are made, prepared, run and compared.",
    .usage = "[OPTIONS]",
    .examples = "  parallax bench\n"
                "  parallax bench --quick --filter=straight\n"
                "  parallax bench --json > bench.json\n",
    .run = bench_main,
};
