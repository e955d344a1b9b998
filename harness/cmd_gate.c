#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/gate/files.h"
#include "harness/gate/report.h"
#include "harness/gate/run.h"
#include "harness/save.h"

enum { JOBS_MAX = 256 };

/* What the command line says. */
struct arguments {
    uint64_t jobs, max_divergences, scale, findings;
    const char *corpus, *engines, *cpu, *known, *today, *out, *junit, *sarif;
    bool json, quiet;
    char engine_list[ENGINES_TEXT]; /* engines, limited to cpu */
};

/* Everything that can be wrong before the first program runs, and then the cases. */
static enum px_status prepare(const struct arguments *a, const struct gate_options *options,
                              struct gate *gate, struct px_error *err)
{
    enum px_status status = PX_OK;
    gate->corpus = a->corpus ? a->corpus : "corpus";
    gate->out = a->out;
    gate->jobs = (unsigned)a->jobs;
    gate->scale = a->scale;
    gate->max_divergences = a->max_divergences;
    gate->today = gate_date_today();
    if (a->today && !gate_date_parse(a->today, strlen(a->today), &gate->today))
        status = px_fail(err, PX_ERR_INPUT, "--today: '%.60s': expected a day, YYYY-MM-DD", a->today);
    if (status == PX_OK && a->known)
        status = known_load(&gate->known, a->known, err);
    if (status == PX_OK && a->junit)
        status = save_check(a->junit, err);
    if (status == PX_OK && a->sarif)
        status = save_check(a->sarif, err);
    if (status == PX_OK)
        status = gate_find_files(gate, a->corpus != NULL, err);
    if (status == PX_OK)
        status = gate_add_ranges(gate, err);
    return status == PX_OK ? preflight_run(&options->sandbox, &gate->preflight, err) : status;
}

static enum px_status write_reports(const struct arguments *a, const struct gate *gate, struct px_error *err)
{
    enum px_status status = PX_OK;
    (a->json ? gate_print_json : gate_print)(gate, stdout);
    if (a->junit)
        status = save_file(a->junit, gate_write_junit, gate, err);
    if (status == PX_OK && a->sarif)
        status = save_file(a->sarif, gate_write_sarif, gate, err);
    return status;
}

static int run(const struct command *command, const struct arguments *a, const struct gate_options *options,
               struct gate *gate)
{
    struct px_error err = { "" };
    enum px_status status = prepare(a, options, gate, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    status = gate_run(gate, options, &err);
    bool empty = status == PX_OK && gate_exit_code(gate) == EXIT_USAGE;
    int code = status == PX_OK ? gate_exit_code(gate) : options_fail_status(command, status, &err);
    if (status != PX_OK && gate_compared(gate) == 0)
        return code;
    status = write_reports(a, gate, &err);
    if (status != PX_OK) {
        int failed = options_fail_status(command, status, &err);
        code = code == EXIT_AGREE ? failed : code;
    }
    if (empty)
        (void)options_fail(command, "nothing was compared: expected .px files below %s, or a --scale above 0",
                           gate->corpus);
    return code;
}

static int run_gate(const struct command *command, int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments a = { .jobs = cpus > 0 && cpus < JOBS_MAX ? (uint64_t)cpus : 1,
                           .scale = 100,
                           .findings = 8,
                           .engines = ENGINES_CAMPAIGN,
                           .out = "parallax-out" };
    const struct option options[] = {
        { "corpus", OPTION_TEXT, &a.corpus, 0, 0, "FOLDER",
          "its regress/, vectors/ and seeds/ are run, every .px file below them (default corpus)" },
        { "max-divergences", OPTION_NUMBER, &a.max_divergences, 0, CAMPAIGN_BUCKETS_MAX, "N",
          "pass with up to N buckets (default 0)" },
        { "known", OPTION_TEXT, &a.known, 0, 0, "FILE",
          "buckets that are not counted: lines of BUCKET OWNER YYYY-MM-DD [REASON]" },
        { "junit", OPTION_TEXT, &a.junit, 0, 0, "FILE", "also write JUnit XML" },
        { "sarif", OPTION_TEXT, &a.sarif, 0, 0, "FILE", "also write SARIF 2.1.0" },
        { "json", OPTION_FLAG, &a.json, 0, 0, NULL, "print the summary as one JSON object" },
        { "scale", OPTION_NUMBER, &a.scale, 0, 100000, "PERCENT",
          "size of the ranges of generated programs; 0 = none (default 100)" },
        { "findings", OPTION_NUMBER, &a.findings, 1, 1000, "N",
          "findings looked at that look alike, in each 1/16 of a range (default 8)" },
        { "engines", OPTION_TEXT, &a.engines, 0, 0, "LIST",
          "engines to compare; %N: in one program of N (default " ENGINES_CAMPAIGN ")" },
        { "cpu-features", OPTION_TEXT, &a.cpu, 0, 0, "LIST",
          "host features that compiled code may use: host (default), baseline, or names joined by '+'" },
        { "jobs", OPTION_NUMBER, &a.jobs, 1, JOBS_MAX, "N", "worker processes (default one per CPU)" },
        { "out", OPTION_TEXT, &a.out, 0, 0, "FOLDER", "where divergences go (default parallax-out)" },
        { "today", OPTION_TEXT, &a.today, 0, 0, "DATE",
          "the day that expiry dates are held against, YYYY-MM-DD (default today, UTC)" },
        { "quiet", OPTION_FLAG, &a.quiet, 0, 0, NULL, "no live line" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 0)
        return options_fail(command, "unexpected '%.60s': see parallax gate --help", argv[1]);
    struct px_error err = { "" };
    struct gate gate;
    struct gate_options o = { .each = a.findings, .quiet = a.quiet };
    enum px_status status = engines_limit_cpu(a.engines, a.cpu, a.engine_list, &err);
    o.sandbox.engines = a.engine_list;
    if (status == PX_OK)
        status = gate_init(&gate, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    code = run(command, &a, &o, &gate);
    gate_fini(&gate);
    return code;
}

const struct command command_gate = {
    .name = "gate",
    .summary = "The same programs each time, for CI: fails when there are divergences that nobody knows.",
    .usage = "[OPTIONS]",
    .examples = "  parallax gate                                          a minute or two, exit code 0 or 1\n"
                "  parallax gate --known ci/known.txt --junit gate.xml --sarif gate.sarif\n"
                "  parallax gate --max-divergences 3 --scale 20           a fifth of the programs\n",
    .run = run_gate,
};
