/* parallax profile */
#include <inttypes.h>

#include "harness/commands.h"
#include "harness/profile.h"

static int run(const struct command *command, int argc, char **argv)
{
    uint64_t top = UINT64_MAX;
    const struct option options[] = {
        { .name = "top",
          .kind = OPTION_NUMBER,
          .target = &top,
          .min = 1,
          .max = UINT64_MAX,
          .value = "N",
          .help = "only the N blocks with the most instructions" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional != 1)
        return options_fail(command, "expected one FILE");

    struct px_error err;
    struct px_program program;
    struct profile profile;
    px_program_init(&program);
    enum px_status status = px_program_load(&program, argv[1], &err);
    if (status == PX_OK)
        status = profile_run(&program, &profile, &err);
    if (status == PX_OK) {
        profile_print(&profile, &program, top, stdout);
        profile_fini(&profile);
    }
    px_program_fini(&program);
    return status == PX_OK ? EXIT_AGREE : options_fail_status(command, status, &err);
}

const struct command command_profile = {
    .name = "profile",
    .summary = "Tells in which blocks a program spends its instructions.",
    .usage = "[--top=N] FILE",
    .examples = "  parallax profile corpus/guests/sieve.px\n"
                "  parallax profile --top=5 minimal.px\n",
    .run = run,
};
