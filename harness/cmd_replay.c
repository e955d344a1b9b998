#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "harness/expect.h"
#include "harness/isolate.h"
#include "harness/store.h"

/* Holds every engine's outcome against the program's `expect` line; true when all keep to it. */
static bool check_expect(const struct px_program *program, const struct isolated *result)
{
    bool kept = true;
    for (size_t i = 0; program->has_expect && i < result->engine_count && result->runs > 0; i++) {
        char what[128];
        if (!result->supported[i] ||
            !expect_missed(&program->expect, &result->outcomes[i], what, sizeof what))
            continue;
        printf("expected  %s: %s\n", result->specs[i], what);
        kept = false;
    }
    return kept;
}

static enum px_status make_program(const char *file, const char *gen_spec, uint64_t seed, uint64_t index,
                                   struct px_program *program, struct px_error *err)
{
    struct px_gen gen;
    if (file)
        return px_program_load(program, file, err);
    enum px_status status = px_gen_parse(gen_spec, &gen, err);
    if (status != PX_OK)
        return status;
    if (index >= px_gen_count(&gen))
        return px_fail(err, PX_ERR_INPUT,
                       "--index: %" PRIu64 ": expected less than %" PRIu64 ", all that %s makes", index,
                       px_gen_count(&gen), gen.spec);
    return px_gen_make(&gen, seed, index, program);
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

static int run_replay(const struct command *command, int argc, char **argv)
{
    uint64_t seed = 0, index = UINT64_MAX, times = 1;
    const char *gen = "mix", *engines = ENGINES_EVERY, *cpu = NULL;
    bool px = false;
    const struct option options[] = {
        { "seed", OPTION_NUMBER, &seed, 0, UINT64_MAX, "S", "campaign seed, in place of FILE" },
        { "index", OPTION_NUMBER, &index, 0, UINT64_MAX - 1, "I", "number of the program in that campaign" },
        { "gen", OPTION_TEXT, &gen, 0, 0, "SPEC", "its generator, with @VERSION to be sure (default mix)" },
        { "engines", OPTION_TEXT, &engines, 0, 0, "LIST", "engines to compare (default " ENGINES_EVERY ")" },
        { "cpu-features", OPTION_TEXT, &cpu, 0, 0, "LIST",
          "host features that compiled code may use: host (default), baseline, or names joined by '+'" },
        { "times", OPTION_NUMBER, &times, 1, 1000000, "N", "run it so often (default 1)" },
        { "px", OPTION_FLAG, &px, 0, 0, NULL, "print the program as .px text and run nothing" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    bool by_seed = index != UINT64_MAX;
    if (positional > 1 || by_seed == (positional == 1))
        return options_fail(command, "expected one FILE, or --seed and --index");
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    char list[ENGINES_TEXT];
    enum px_status status = engines_limit_cpu(engines, cpu, list, &err);
    if (status == PX_OK)
        status = make_program(by_seed ? NULL : argv[1], gen, seed, index, &program, &err);
    if (status != PX_OK)
        code = options_fail_status(command, status, &err);
    else if (px)
        code = px_program_write(&program, stdout) == PX_OK
                   ? EXIT_AGREE
                   : options_fail(command, "standard output takes no more");
    else
        code = replay(command, list, times, &program);
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
