#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/alone/alone.h"
#include "harness/commands.h"
#include "harness/program_args.h"

static void print_text(const struct alone_options *options, const struct alone_result *r)
{
    const struct px_outcome *out = &r->outcome;
    char exit[64];
    px_exit_format(out, exit, sizeof exit);
    printf("engine    %s: %" PRIu64 " run%s, %" PRIu64
           " of them in compiled code, %.3g us of processor time each\n",
           r->spec, options->times, options->times == 1 ? "" : "s", r->native_runs,
           r->seconds * 1e6 / (double)options->times);
    printf("exit      %s at pc %#x\n", exit, out->pc);
    if (out->exit == PX_EXIT_UNJUDGED)
        return;
    if (r->caps.gas)
        printf("gas       %" PRIu64 " left\n", out->gas);
    if (r->caps.counts)
        printf("ran       %" PRIu64 " instructions: %" PRIu64 " natively, %" PRIu64 " interpreted\n",
               out->native + out->side_exit + out->interpreted, out->native + out->side_exit,
               out->interpreted);
    for (unsigned x = 1; x < PX_REG_COUNT && r->caps.registers; x++)
        printf("%s%-4s 0x%016" PRIx64 "%s", x % 3 == 1 ? "          " : "  ", px_reg_names[x], out->x[x],
               x % 3 == 0 ? "\n" : "");
}

static void print_json(const struct alone_options *options, const struct alone_result *r)
{
    const struct px_outcome *out = &r->outcome;
    char exit[64];
    px_exit_format(out, exit, sizeof exit);
    printf("{\"engine\": \"%s\", \"runs\": %" PRIu64 ", \"native_runs\": %" PRIu64 ", \"seconds\": %.9f, "
           "\"exit\": \"%s\", \"pc\": %" PRIu32 ", \"gas\": ",
           r->spec, options->times, r->native_runs, r->seconds, exit, out->pc);
    printf(r->caps.gas ? "%" PRIu64 : "null", out->gas);
    printf(", \"instructions\": {\"native\": %" PRIu64 ", \"side_exit\": %" PRIu64
           ", \"interpreted\": %" PRIu64 "}, \"x\": ",
           out->native, out->side_exit, out->interpreted);
    for (unsigned x = 1; x < PX_REG_COUNT && r->caps.registers; x++)
        printf("%s\"0x%016" PRIx64 "\"", x == 1 ? "[" : ", ", out->x[x]);
    printf(r->caps.registers ? "]" : "null");
    if (r->perf_map[0])
        printf(", \"perf_map\": \"%s\"", r->perf_map);
    printf("}\n");
}

static int run_program(const struct command *command, const struct alone_options *options, bool json,
                       struct px_program *program)
{
    struct alone_result *r = calloc(1, sizeof *r);
    struct px_error err = { "" };
    if (!r)
        return options_fail(command, "out of memory");
    enum px_status status = alone_run(options, program, r, &err);
    int code = EXIT_AGREE;
    if (status != PX_OK)
        code = options_fail_status(command, status, &err);
    else if (!r->supported)
        code = options_fail(command, "engine %s does not take this program", r->spec);
    else if (json)
        print_json(options, r);
    else
        print_text(options, r);
    if (code == EXIT_AGREE && options->perf_map && r->symbols == 0)
        fprintf(stderr, "parallax run: note: %s made no code: there is no perf map\n", r->spec);
    else if (code == EXIT_AGREE && options->perf_map)
        fprintf(stderr, "parallax run: note: %s names the code of %zu guest places\n", r->perf_map,
                r->symbols);
    free(r);
    return code;
}

static int run_run(const struct command *command, int argc, char **argv)
{
    struct program_args args = { .gen = NULL };
    struct alone_options o = { .engine = "tiered", .times = 1 };
    bool json = false;
    const struct option options[] = {
        PROGRAM_ARGS_OPTIONS(args),
        { "engine", OPTION_TEXT, &o.engine, 0, 0, "SPEC",
          "what runs it (default tiered, which PX_TIERS, PX_BLOCK_THRESHOLD, PX_TOUCH and PX_CPU_FEATURES "
          "adjust)" },
        { "times", OPTION_NUMBER, &o.times, 1, UINT64_C(1000000000000), "N",
          "run it so often, each time from the same state (default 1)" },
        { "perf-map", OPTION_FLAG, &o.perf_map, 0, 0, NULL,
          "leave /tmp/perf-PID.map, by which perf names guest places" },
        { "gdb", OPTION_FLAG, &o.gdb, 0, 0, NULL,
          "tell the gdb that this runs under the names of guest places" },
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
        code = run_program(command, &o, json, &program);
    px_program_fini(&program);
    return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "Runs one program on one engine, and compares nothing.",
    .usage = "[OPTIONS] (FILE | --seed=S --index=I [--gen=SPEC])",
    .examples =
        "  parallax run minimal.px --engine block:touch=fault\n"
        "  parallax run --gen guest:name=sha256 --index 1 --times 1000\n"
        "  perf record parallax run --perf-map --times 100000 program.px; perf report\n"
        "  gdb -ex 'set follow-fork-mode child' -ex 'set breakpoint pending on' -ex 'hbreak guest_14' \\\n"
        "      -ex run --args parallax run --gdb --engine block program.px\n",
    .run = run_run,
};
