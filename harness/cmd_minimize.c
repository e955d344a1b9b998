#include <inttypes.h>
#include <stdio.h>

#include "harness/commands.h"
#include "harness/minimize.h"
#include "harness/save.h"

static enum px_status write_program(FILE *file, const void *program)
{
    return px_program_write(program, file);
}

static void tell(FILE *file, const struct minimized *m)
{
    const struct bucket *b = &m->bucket;
    fprintf(file, "bucket     %s  (%s)\n", b->id, b->hash);
    fprintf(file, "minimized  %zu -> %zu instructions in %.2f s%s\n", m->before, m->after, m->seconds,
            m->complete ? "" : " (time is up: more may be possible)");
    fprintf(file, "tried      %" PRIu64 " programs in %" PRIu64 " processes, %" PRIu64 " repeated\n",
            m->candidates, m->processes, m->repeated);
    if (!m->confirmed)
        fprintf(file,
                "unstable   the result did not diverge again in a fresh process: the original is kept\n");
}

static int give(const struct command *command, const struct minimized *m, const struct px_program *small,
                const char *out)
{
    struct px_error err = { "" };
    tell(out ? stdout : stderr, m);
    enum px_status status = PX_OK;
    if (out)
        status = save_file(out, write_program, small, &err);
    else if (px_program_write(small, stdout) != PX_OK)
        status = px_fail(&err, PX_ERR_SYSTEM, "standard output takes no more");
    return status == PX_OK ? EXIT_DIVERGED : options_fail_status(command, status, &err);
}

static int run_minimize(const struct command *command, int argc, char **argv)
{
    uint64_t seconds = 10;
    const char *out = NULL, *engines = ENGINES_EVERY, *cpu = NULL;
    const struct option options[] = {
        { "out", OPTION_TEXT, &out, 0, 0, "FILE", "where the program goes (default standard output)" },
        { "engines", OPTION_TEXT, &engines, 0, 0, "LIST", "engines to compare (default " ENGINES_EVERY ")" },
        { "cpu-features", OPTION_TEXT, &cpu, 0, 0, "LIST",
          "host features that compiled code may use: host (default), baseline, or names joined by '+'" },
        { "seconds", OPTION_NUMBER, &seconds, 1, 86400, "N", "time to spend (default 10)" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional != 1)
        return options_fail(command, "expected one FILE");
    char list[ENGINES_TEXT];
    struct px_error err = { "" };
    enum px_status status = engines_limit_cpu(engines, cpu, list, &err);
    if (status != PX_OK)
        return options_fail_status(command, status, &err);
    struct px_program program, small;
    struct minimized m;
    struct minimize_options o = { .probe = { .sandbox = { .engines = list } }, .seconds = (double)seconds };
    px_program_init(&program);
    px_program_init(&small);
    status = px_program_load(&program, argv[1], &err);
    if (status == PX_OK)
        status = minimize(&o, &program, &small, &m, &err);
    if (status != PX_OK) {
        code = options_fail_status(command, status, &err);
    } else if (!m.diverges) {
        fprintf(stderr, "parallax minimize: %s: the engines agree on it: nothing to minimize\n", argv[1]);
        code = EXIT_AGREE;
    } else {
        code = give(command, &m, &small, out);
    }
    px_program_fini(&program);
    px_program_fini(&small);
    return code;
}

const struct command command_minimize = {
    .name = "minimize",
    .summary = "Shrinks a diverging program to the smallest one in the same bucket.",
    .usage = "[OPTIONS] FILE",
    .examples = "  parallax minimize parallax-out/1a2b3c4d-divw/original.px --out small.px\n"
                "  parallax minimize --engines interp,block:cpu=baseline --seconds 60 program.px\n",
    .run = run_minimize,
};
