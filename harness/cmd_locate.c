/* parallax locate: where engines part ways, and what the host does there. */
#include <stdio.h>

#include "harness/commands.h"
#include "harness/pairs.h"
#include "harness/program_args.h"
#include "harness/quote.h"

struct count {
    size_t pairs, diverging;
};

static bool write_pair(const struct pair *pair, void *arg)
{
    struct count *count = arg;
    char doubts[128];
    bool diverges = pair_diverges(pair);
    count->pairs++;
    count->diverging += diverges;
    printf("%sengines   %s and %s%s\n", count->pairs > 1 ? "\n" : "", pair->a, pair->b,
           diverges ? "" : ": agree");
    if (!diverges)
        return true;
    if (pair_doubts(pair, doubts, sizeof doubts))
        printf("unstable  %s\n", doubts);
    const struct located located = pair_located(pair);
    if (pair->bucket.diverges) {
        located_write(stdout, &located);
        return true;
    }
    puts("located   not: it vanishes under observation, in the process that searches");
    located_write_finding(stdout, pair->a, pair->b, &pair->runs.finding);
    return true;
}

static void print_key(const char *key, const char *text)
{
    printf(", \"%s\": ", key);
    quote_json(stdout, text);
}

static bool write_pair_json(const struct pair *pair, void *arg)
{
    struct count *count = arg;
    const struct located located = pair_located(pair);
    char what[256];
    bool diverges = pair_diverges(pair);
    printf("%s{\"agree\": %s, \"runs\": %u, \"diverged\": %u", count->pairs++ ? ", " : "{\"pairs\": [",
           diverges ? "false" : "true", pair_runs(pair), pair->runs.diverged);
    print_key("a", pair->a);
    print_key("b", pair->b);
    count->diverging += diverges;
    if (pair->runs.diverged > 0) {
        (void)finding_format(&pair->runs.finding, what, sizeof what);
        print_key("fields", what);
    }
    fputs(", \"located\": ", stdout);
    if (pair->bucket.diverges)
        located_write_json(stdout, &located);
    else
        fputs("null", stdout);
    fputc('}', stdout);
    return true;
}

static int locate(const struct command *command, const char *engines, bool json, struct px_program *program)
{
    struct count count = { .pairs = 0 };
    struct px_error err = { "" };
    enum px_status status = pairs_walk(engines, program, json ? write_pair_json : write_pair, &count, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    if (json)
        printf("], \"diverging\": %zu}\n", count.diverging);
    return count.diverging > 0 ? EXIT_DIVERGED : EXIT_AGREE;
}

static int run_locate(const struct command *command, int argc, char **argv)
{
    struct program_args args = { .gen = NULL };
    const char *engines = ENGINES_EVERY;
    bool json = false;
    const struct option options[] = {
        PROGRAM_ARGS_OPTIONS(args),
        { "engines", OPTION_TEXT, &engines, 0, 0, "LIST",
          "engines to hold against the first of them (default " ENGINES_EVERY ")" },
        { "json", OPTION_FLAG, &json, 0, 0, NULL, "print one JSON object" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    struct px_program program;
    px_program_init(&program);
    code = program_args_load(command, &args, positional, argv, &program);
    if (code < 0)
        code = locate(command, engines, json, &program);
    px_program_fini(&program);
    return code;
}

const struct command command_locate = {
    .name = "locate",
    .summary = "Names the first instruction whose effects differ, with the host code of it.",
    .usage = "[OPTIONS] (FILE | --seed=S --index=I [--gen=SPEC])",
    .examples = "  parallax locate parallax-out/1a2b3c4d-divw/minimal.px\n"
                "  parallax locate --seed 7 --index 1234 --gen mix\n"
                "  parallax locate --engines interp,block:cpu=baseline --json program.px\n",
    .run = run_locate,
};
