#define _GNU_SOURCE
#include "harness/gdb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/locate.h"
#include "harness/pairs.h"
#include "harness/sandbox.h"

/* "PC SPEC": where the inferior stops, and on which engine. */
static const char variable[] = "PX_REPLAY_IN_GDB";

/* --- the side of gdb --- */

/* The first pair that diverges. */
struct choice {
    bool diverges;
    struct pair pair;
};

static bool choose(const struct pair *pair, void *arg)
{
    struct choice *choice = arg;
    choice->diverges = pair_diverges(pair);
    if (choice->diverges)
        choice->pair = *pair;
    return !choice->diverges;
}

/* A gdb command that prints the guest's registers. */
static void write_guest_command(FILE *file, const struct hostcode *code)
{
    fputs("define guest\n", file);
    for (unsigned x = 1; x < PX_REG_COUNT; x++) {
        const struct hostcode_home *home = &code->homes[x];
        char place[32];
        if (home->reg[0] == '\0')
            continue;
        if (home->memory)
            (void)snprintf(place, sizeof place, "[%s%+d]", home->reg, home->disp);
        else
            (void)snprintf(place, sizeof place, "%s", home->reg);
        fprintf(file, "printf \"  %-4s x%-2u in %-9s  0x%%016lx %%ld\\n\", ", px_reg_names[x], x, place);
        for (int twice = 0; twice < 2; twice++)
            fprintf(file, home->memory ? "*(long *)($%s%+d)%s" : "$%s%.0d%s", home->reg,
                    home->memory ? home->disp : 0, twice ? "\n" : ", ");
    }
    fputs("end\ndocument guest\nPrints the guest's registers, where they live in the host.\nend\n", file);
}

static void write_echo(FILE *file, const char *text)
{
    fputs("echo ", file);
    for (; *text; text++)
        if (*text == '\n')
            fputs("\\n", file);
        else
            fprintf(file, strchr("\\ ", *text) ? "\\%c" : "%c", *text);
    fputs("\\n\n", file);
}

/* What located_write tells, above gdb's own words. */
static enum px_status write_report(FILE *file, const struct pair *pair)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return PX_ERR_NOMEM;
    const struct located located = pair_located(pair);
    located_write(memory, &located);
    bool good = fclose(memory) == 0;
    if (good)
        write_echo(file, text);
    free(text);
    return good ? PX_OK : PX_ERR_NOMEM;
}

/* Commands for gdb, in a file that dies with its descriptor. */
static enum px_status write_script(FILE *file, const struct pair *pair)
{
    const struct bucket *b = &pair->bucket;
    fputs("set pagination off\nset confirm off\nset disassembly-flavor intel\n"
          "handle SIGSEGV nostop noprint pass\nhandle SIGPROF nostop noprint pass\n",
          file);
    write_guest_command(file, &pair->code);
    enum px_status status = write_report(file, pair);
    fputs("run\nhbreak *$rax\n", file);
    if (b->place == BUCKET_INSN && b->visit > 1)
        fprintf(file, "ignore $bpnum %" PRIu64 "\n", b->visit - 1);
    fputs("continue\n", file);
    if (pair->bucket.finding.kind == FINDING_ABORT) /* until here a signal may be a first touch */
        fputs("handle SIGSEGV stop print pass\n", file);
    fputs("guest\nx/8i $pc\n", file);
    return status == PX_OK && fflush(file) == 0 ? PX_OK : PX_ERR_SYSTEM;
}

static bool find_gdb(char *path, size_t size)
{
    const char *folder = getenv("PATH");
    while (folder && *folder) {
        size_t length = strcspn(folder, ":");
        int n = snprintf(path, size, "%.*s/gdb", (int)length, folder);
        if (length > 0 && n > 0 && (size_t)n < size && access(path, X_OK) == 0)
            return true;
        folder += length + (folder[length] == ':');
    }
    return false;
}

enum { ARGS_MAX = 16 };

/* Becomes gdb; returns only if that fails. */
static int become_gdb(const struct command *command, const char *gdb, const struct pair *pair,
                      const char *stop, const char *const *args)
{
    char self[4096], script[64];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    int fd = memfd_create("parallax-gdb", 0);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (length < 0 || !file || write_script(file, pair) != PX_OK || setenv(variable, stop, 1) != 0) {
        int code = options_fail(command, "commands for gdb: %s", strerror(errno));
        if (file)
            (void)fclose(file);
        return code;
    }
    self[length] = '\0';
    (void)snprintf(script, sizeof script, "/proc/self/fd/%d", fd);
    const char *argv[ARGS_MAX + 8] = { gdb,  "-q",   "-iex",   "set debuginfod enabled off",
                                       "-x", script, "--args", self };
    size_t count = 8;
    for (size_t i = 0; args[i] && i + 1 < ARGS_MAX; i++)
        argv[count++] = args[i];
    fflush(NULL);
    execv(gdb, (char *const *)(uintptr_t)argv);
    int code = options_fail(command, "%s: %s", gdb, strerror(errno));
    (void)fclose(file);
    return code;
}

int gdb_debug(const struct command *command, const char *engines, struct px_program *program,
              const char *const *args)
{
    struct px_error err = { "" };
    char gdb[4096], stop[128];
    uint32_t center = 0;
    if (!find_gdb(gdb, sizeof gdb))
        return options_fail(command, "--gdb: there is no gdb in PATH (Debian: apt-get install gdb)");
    struct choice *choice = calloc(1, sizeof *choice);
    if (!choice)
        return options_fail(command, "out of memory");
    int code;
    const struct pair *pair = &choice->pair;
    enum px_status status = pairs_walk(engines, program, choose, choice, &err);
    if (status != PX_OK) {
        code = options_fail_status(command, status, &err);
    } else if (!choice->diverges) {
        fprintf(stderr, "parallax %s: the engines agree on it: there is nothing to stop at\n", command->name);
        code = EXIT_AGREE;
    } else if (!pair->bucket.diverges) {
        code = options_fail(command, "--gdb: the divergence vanishes under observation: see parallax locate");
    } else if (!pair->code.known || !locate_center(program, &pair->bucket, &center)) {
        code = options_fail(
            command, "--gdb: engine %s: there is no host code to stop at: see parallax locate", pair->b);
    } else {
        (void)snprintf(stop, sizeof stop, "%" PRIu32 " %s", center, pair->b);
        code = become_gdb(command, gdb, pair, stop, args);
    }
    free(choice);
    return code;
}

/* --- the side of the inferior --- */

bool gdb_is_inferior(void)
{
    return getenv(variable) != NULL;
}

/* Where the code for guest offset @pc begins: that of the instruction, or of the block when the instruction has none. */
static const uint8_t *code_of(const struct engine *engine, const struct px_unit *unit, uint32_t pc)
{
    size_t count = engine->ops->code_parts ? engine->ops->code_parts(engine->instance, unit, NULL, 0) : 0;
    struct px_code_part *parts = calloc(count + 1, sizeof *parts);
    const uint8_t *found = NULL;
    if (!parts)
        return NULL;
    if (count > 0)
        engine->ops->code_parts(engine->instance, unit, parts, count);
    for (size_t i = 0; i < count && !found; i++)
        if (parts[i].pc == pc && parts[i].role == PX_CODE_BODY)
            found = parts[i].bytes;
    free(parts);
    return found;
}

static int fail(const struct command *command, const struct px_error *err)
{
    return options_fail(command, "%s", err->text);
}

int gdb_run_inferior(const struct command *command, struct px_program *program)
{
    const char *stop = getenv(variable);
    if (!stop)
        return options_fail(command, "%s is not set", variable);
    char *spec = NULL, list[256], exit[64];
    uint32_t pc = (uint32_t)strtoul(stop, &spec, 10);
    struct px_error err = { "" };
    struct run run;
    struct host_record record = { .signal = 0 };
    _Atomic uint64_t running = 0;
    struct hostfault faults = { .record = &record, .running = &running };
    struct px_image image;
    struct px_unit *unit;
    struct px_outcome outcome;
    (void)snprintf(list, sizeof list, "interp,%.100s", *spec == ' ' ? spec + 1 : spec);
    const struct sandbox sandbox = { .engines = list };
    px_program_image(program, &image);
    if (sandbox_enter(&sandbox, &run, &faults, &err) != PX_OK)
        return fail(command, &err);
    const struct engine *engine = &run.engines[1];
    if (engine->ops->prepare(engine->instance, &image, PX_PREPARE_MAPPED, &unit, &err) != PX_OK)
        return fail(command, &err);
    const uint8_t *code = code_of(engine, unit, pc);
    const struct px_entry entry = run_entry(&image);
    /* gdb waits for this, and finds the address in rax. */
    __asm__ volatile("int3" : : "a"(code) : "memory");
    if (engine->ops->run(engine->instance, unit, &entry, &outcome, &err) != PX_OK)
        return fail(command, &err);
    (void)px_exit_format(&outcome, exit, sizeof exit);
    fprintf(stderr, "%s: exit=%s pc=0x%" PRIx32 " gas=%" PRIu64 "\n", engine_spec(engine), exit, outcome.pc,
            outcome.gas);
    return EXIT_AGREE;
}
