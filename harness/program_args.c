#include "harness/program_args.h"

#include <inttypes.h>

#include "generators/generator.h"

static enum px_status make(const struct program_args *args, struct px_program *program, struct px_error *err)
{
    struct px_gen gen;
    enum px_status status = px_gen_parse(args->gen ? args->gen : "mix", &gen, err);
    if (status != PX_OK)
        return status;
    uint64_t index = args->index.value;
    if (index >= px_gen_count(&gen))
        return px_fail(err, PX_ERR_INPUT,
                       "--index: %" PRIu64 ": expected less than %" PRIu64 ", all that %s makes", index,
                       px_gen_count(&gen), gen.spec);
    status = px_gen_make(&gen, args->seed.value, index, program);
    if (status != PX_OK)
        return px_fail(err, status, "program %" PRIu64 " of %s: %s", index, gen.spec, px_status_name(status));
    return PX_OK;
}

int program_args_load(const struct command *command, const struct program_args *args, int positional,
                      char **argv, struct px_program *program)
{
    struct px_error err = { "" };
    if (positional > 1 || args->index.given == (positional == 1))
        return options_fail(command, "expected one FILE, or --seed and --index");
    if (positional == 1 && (args->seed.given || args->gen))
        return options_fail(command, "--%s goes with --index, not with a FILE",
                            args->seed.given ? "seed" : "gen");
    enum px_status status =
        positional == 1 ? px_program_load(program, argv[1], &err) : make(args, program, &err);
    return status == PX_OK ? -1 : options_fail_status(command, status, &err);
}
