#include <stdio.h>

#include "harness/commands.h"
#include "harness/emit.h"
#include "harness/save.h"

static enum px_status write_assembly(FILE *file, const void *program)
{
    return emit_write(program, file);
}

/* Once the file stands: what it does not show. */
static enum px_status tell_notes(const struct command *command, const char *file,
                                 const struct px_program *program)
{
    struct emit_notes notes;
    enum px_status status = emit_notes(program, &notes);
    for (size_t i = 0; status == PX_OK && i < notes.count; i++)
        fprintf(stderr, "parallax %s: %s: note: %s\n", command->name, file, notes.lines[i]);
    return status;
}

static enum px_status emit(const struct command *command, const char *file, const char *out,
                           struct px_program *program, struct px_error *err)
{
    enum px_status status = px_program_load(program, file, err);
    if (status != PX_OK)
        return status;
    if (out)
        status = save_file(out, write_assembly, program, err);
    else if (emit_write(program, stdout) != PX_OK || fflush(stdout) != 0)
        status = px_fail(err, PX_ERR_SYSTEM, "standard output takes no more");
    if (status == PX_OK && tell_notes(command, file, program) != PX_OK)
        status = px_fail(err, PX_ERR_NOMEM, "out of memory");
    return status;
}

static int run_emit(const struct command *command, int argc, char **argv)
{
    const char *out = NULL;
    const struct option options[] = {
        { "out", OPTION_TEXT, &out, 0, 0, "FILE", "where the assembly goes (default standard output)" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional != 1)
        return options_fail(command, "expected one FILE");
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    enum px_status status = emit(command, argv[1], out, &program, &err);
    px_program_fini(&program);
    return status == PX_OK ? EXIT_AGREE : options_fail_status(command, status, &err);
}

const struct command command_emit = {
    .name = "emit",
    .summary = "Writes a program as RISC-V assembly that runs without parallax, under qemu for one.",
    .usage = "[OPTIONS] FILE",
    .examples = "  parallax emit minimal.px --out=repro.S\n"
                "  riscv64-linux-gnu-as -o repro.o repro.S\n"
                "  riscv64-linux-gnu-ld -Ttext-segment=0x2d71300000 -o repro repro.o && qemu-riscv64 repro\n",
    .run = run_emit,
};
