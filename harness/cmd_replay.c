#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/gdb.h"
#include "harness/interrupt.h"
#include "harness/isolate.h"
#include "harness/program_args.h"
#include "harness/store.h"
#include "harness/vectors/replay.h"
#include "vm/text.h"

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

/* --- vectors --- */

static void print_vectors(const struct vectors *v, const struct replay_result *r)
{
    uint64_t rest = r->missed - r->miss_count;
    printf("%-9s %" PRIu64 " of %" PRIu64 " vectors, by %s, minted %s\n", r->missed ? "missed" : "agrees",
           r->missed ? r->missed : r->cases, v->cases, v->oracle, v->date);
    for (size_t i = 0; i < r->miss_count; i++)
        printf("  case %" PRIu64 ": %s\n", r->misses[i].index, r->misses[i].text);
    if (rest > 0)
        printf("  and %" PRIu64 " more\n", rest);
    if (r->ended_early)
        printf("  ended early, after case %" PRIu64 ": too many aborts or hangs\n",
               r->miss_count ? r->misses[r->miss_count - 1].index : 0);
    printf("engines\n");
    for (size_t i = 0; i < r->engine_count; i++)
        printf("  %-28s ran %" PRIu64 "\n", r->specs[i], r->judged[i]);
}

static int replay_vectors(const struct command *command, const char *engines, const char *path)
{
    struct vectors vectors;
    struct replay_result result;
    struct interrupt before;
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = engines };
    enum px_status status = vectors_load(&vectors, path, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    interrupt_watch(&before);
    status = vectors_replay(&vectors, &sandbox, interrupt_came, &result, &err);
    bool stopped = interrupt_came(NULL);
    interrupt_unwatch(&before);
    if (status == PX_OK)
        print_vectors(&vectors, &result);
    vectors_fini(&vectors);
    if (stopped)
        return EXIT_INTERRUPTED;
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    return result.missed > 0 ? EXIT_DIVERGED : EXIT_AGREE;
}

/* Makes one case of a file of vectors the program. -1, or the exit code. */
static int load_case(const struct command *command, const char *path, uint64_t index,
                     struct px_program *program)
{
    struct vectors vectors;
    struct px_error err = { "" };
    enum px_status status = vectors_load(&vectors, path, &err);
    if (status == PX_OK) {
        status = vectors_program(&vectors, index, program, &err);
        vectors_fini(&vectors);
    }
    return status == PX_OK ? -1 : options_fail_status(command, status, &err);
}

/* Whether @path is a file of vectors, as its first bytes say; what cannot be read is told by whoever reads it. */
static bool holds_vectors(const char *path)
{
    char *bytes;
    size_t size;
    struct px_error err;
    if (px_text_load(path, VECTORS_MAGIC_ROOM, &bytes, &size, &err) != PX_OK)
        return false;
    bool vectors = vectors_are(bytes, size);
    free(bytes);
    return vectors;
}

/* --- the command --- */

/* The inferior is told which program by the same arguments. */
static int debug(const struct command *command, const char *engines, const struct program_args *args,
                 const char *file, const uint64_t *one, struct px_program *program)
{
    char first[48], index[48], gen[96];
    const char *by_number[] = { command->name, first, index, gen, NULL };
    const char *by_file[] = { command->name, first, "--", file, NULL };
    (void)snprintf(first, sizeof first, "--seed=%" PRIu64, args->seed.value);
    (void)snprintf(index, sizeof index, "--index=%" PRIu64, args->index.value);
    (void)snprintf(gen, sizeof gen, "--gen=%.80s", args->gen ? args->gen : "mix");
    if (!file)
        return gdb_debug(command, engines, program, by_number);
    if (one) {
        (void)snprintf(first, sizeof first, "--case=%" PRIu64, *one);
        return gdb_debug(command, engines, program, by_file);
    }
    by_file[1] = "--";
    by_file[2] = file;
    by_file[3] = NULL;
    return gdb_debug(command, engines, program, by_file);
}

static int run_vectors(const struct command *command, const char *engines, const char *cpu, uint64_t times,
                       bool one_only, const char *path)
{
    char list[ENGINES_TEXT];
    struct px_error err = { "" };
    int code = EXIT_AGREE;
    if (one_only)
        return options_fail(command,
                            "--px and --gdb are about one program: expected --case N with a FILE of vectors");
    if (engines_limit_cpu(engines, cpu, list, &err) != PX_OK)
        return options_fail_status(command, PX_ERR_INPUT, &err);
    for (uint64_t i = 0; i < times && code == EXIT_AGREE; i++)
        code = replay_vectors(command, list, path);
    return code;
}

static int run_replay(const struct command *command, int argc, char **argv)
{
    struct program_args args = { .gen = NULL };
    uint64_t times = 1;
    const char *engines = ENGINES_EVERY, *cpu = NULL;
    struct option_given one = { 0 };
    bool px = false, gdb = false;
    const struct option options[] = {
        PROGRAM_ARGS_OPTIONS(args),
        { "case", OPTION_GIVEN, &one, 0, UINT32_MAX, "N",
          "of a FILE of vectors: one case, as a program (default all of them)" },
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
    bool vectors = positional == 1 && (vectors_is_path(argv[1]) || holds_vectors(argv[1]));
    if (one.given && !vectors)
        return options_fail(command, "--case goes with a FILE of vectors");
    if (vectors && (args.seed.given || args.gen || args.index.given))
        return options_fail(command, "--seed, --index and --gen go without a FILE");
    if (vectors && !one.given)
        return run_vectors(command, engines, cpu, times, px || gdb, argv[1]);
    px_program_init(&program);
    code = vectors ? load_case(command, argv[1], one.value, &program)
                   : program_args_load(command, &args, positional, argv, &program);
    if (code < 0 && engines_limit_cpu(engines, cpu, list, &err) != PX_OK)
        code = options_fail_status(command, PX_ERR_INPUT, &err);
    if (code < 0 && gdb_is_inferior())
        code = gdb_run_inferior(command, &program);
    else if (code < 0 && gdb)
        code =
            debug(command, list, &args, positional ? argv[1] : NULL, one.given ? &one.value : NULL, &program);
    else if (code < 0)
        code = px ? show_px(command, &program) : replay(command, list, times, &program);
    px_program_fini(&program);
    return code;
}

const struct command command_replay = {
    .name = "replay",
    .summary = "Runs one program again: from a file, or by its number in a campaign; or a file of vectors.",
    .usage = "[OPTIONS] (FILE | --seed=S --index=I [--gen=SPEC])",
    .examples = "  parallax replay parallax-out/seed-0000000000000007-mix-1234/original.px\n"
                "  parallax replay --seed 7 --index 1234 --gen mix@3\n"
                "  parallax replay --seed 7 --index 1234 --px > program.px\n"
                "  parallax replay corpus/vectors/add.pxv                 all that an oracle said about add\n"
                "  parallax replay --case 17 --px corpus/vectors/add.pxv > case.px\n",
    .run = run_replay,
};
