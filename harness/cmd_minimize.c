#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/minimize.h"

/* Writes @program to @path through a temporary file, so that there is never half a one. */
static enum px_status write_program(const struct px_program *program, const char *path, struct px_error *err)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.tmp-%d", path, (int)getpid()) < 0)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a file name");
    FILE *file = fopen(temporary, "wx");
    enum px_status status = PX_OK;
    if (!file) {
        status = px_fail(err, PX_ERR_SYSTEM, "%s: %m", temporary);
    } else {
        bool good = px_program_write(program, file) == PX_OK && fsync(fileno(file)) == 0;
        good = fclose(file) == 0 && good;
        if (!good || rename(temporary, path) != 0) {
            status = px_fail(err, PX_ERR_SYSTEM, "%s: %m", path);
            (void)unlink(temporary);
        }
    }
    free(temporary);
    return status;
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
        status = write_program(small, out, &err);
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
