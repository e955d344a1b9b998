#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/gdb.h"
#include "harness/isolate.h"
#include "harness/program_args.h"
#include "harness/store.h"

/* Holds every engine's outcome against the program's `expect` line; true when all keep to it. */
static bool check_expect(const struct px_program *program, const struct isolated *result)
{
    bool kept = true;
    for (size_t i = 0; program->has_expect && i < result->engine_count && result->runs > 0; i++) {
        char what[128];
        if (!isolate_missed(result, i, &program->expect, what, sizeof what))
            continue;
        printf("expected  %s: %s\n", result->specs[i], what);
        kept = false;
    }
    return kept;
}

static int replay(const struct command *command, const char *engines, uint64_t times,
                  struct px_program *program)
{
    struct isolated result;
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = engines };
    enum px_status status = isolate_run(&sandbox, program, (unsigned)times, &result, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    if (store_report(stdout, program, &result) != PX_OK)
        return options_fail(command, "standard output takes no more");
    bool kept = check_expect(program, &result);
    return result.diverged > 0 || !kept ? EXIT_DIVERGED : EXIT_AGREE;
}

static int show_px(const struct command *command, const struct px_program *program)
{
    if (px_program_write(program, stdout) == PX_OK)
        return EXIT_AGREE;
    return options_fail(command, "standard output takes no more");
}

/* The inferior is told which program by the same arguments. */
static int debug(const struct command *command, const char *engines, const struct program_args *args,
                 const char *file, struct px_program *program)
{
    char seed[48], index[48], gen[96];
    const char *arguments[] = { command->name, file ? "--" : seed, file ? file : index, NULL, NULL };
    (void)snprintf(seed, sizeof seed, "--seed=%" PRIu64, args->seed.value);
    (void)snprintf(index, sizeof index, "--index=%" PRIu64, args->index.value);
    (void)snprintf(gen, sizeof gen, "--gen=%.80s", args->gen ? args->gen : "mix");
    if (!file)
        arguments[3] = gen;
    return gdb_debug(command, engines, program, arguments);
}

static int run_replay(const struct command *command, int argc, char **argv)
{
    struct program_args args = { .gen = NULL };
    uint64_t times = 1;
    const char *engines = ENGINES_EVERY, *cpu = NULL;
    bool px = false, gdb = false;
    const struct option options[] = {
        { "seed", OPTION_GIVEN, &args.seed, 0, UINT64_MAX, "S",
          "campaign seed, in place of FILE (default 0)" },
        { "index", OPTION_GIVEN, &args.index, 0, UINT64_MAX - 1, "I",
          "number of the program in that campaign" },
        { "gen", OPTION_TEXT, &args.gen, 0, 0, "SPEC",
          "its generator, with @VERSION to be sure (default mix)" },
        { "engines", OPTION_TEXT, &engines, 0, 0, "LIST", "engines to compare (default " ENGINES_EVERY ")" },
        { "cpu-features", OPTION_TEXT, &cpu, 0, 0, "LIST",
          "host features that compiled code may use: host (default), baseline, or names joined by '+'" },
        { "times", OPTION_NUMBER, &times, 1, 1000000, "N", "run it so often (default 1)" },
        { "gdb", OPTION_FLAG, &gdb, 0, 0, NULL, "start gdb, stopped where the engines part ways" },
        { "px", OPTION_FLAG, &px, 0, 0, NULL, "print the program as .px text and run nothing" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    struct px_program program;
    struct px_error err = { "" };
    char list[ENGINES_TEXT];
    px_program_init(&program);
    code = program_args_load(command, &args, positional, argv, &program);
    if (code < 0 && engines_limit_cpu(engines, cpu, list, &err) != PX_OK)
        code = options_fail_status(command, PX_ERR_INPUT, &err);
    if (code < 0 && gdb_is_inferior())
        code = gdb_run_inferior(command, &program);
    else if (code < 0 && gdb)
        code = debug(command, list, &args, positional ? argv[1] : NULL, &program);
    else if (code < 0)
        code = px ? show_px(command, &program) : replay(command, list, times, &program);
    px_program_fini(&program);
    return code;
}

const struct command command_replay = {
    .name = "replay",
    .summary = "Runs one program again: from a .px file, or by its number in a campaign.",
    .usage = "[OPTIONS] (FILE | --seed=S --index=I [--gen=SPEC])",
    .examples = "  parallax replay parallax-out/seed-0000000000000007-mix-1234/original.px\n"
                "  parallax replay --seed 7 --index 1234 --gen mix@3\n"
                "  parallax replay --seed 7 --index 1234 --px > program.px\n",
    .run = run_replay,
};
