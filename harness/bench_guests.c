/*
 * The real programs of corpus/guests on every engine, natively, and as RISC-V programs under qemu; each column in a process
 * of its own, which counts its own processor time:
 *
 *   engines: fork -> open, prepare, run -> shared memory      programs: fork -> exec -> a line of text
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generators/guests.h"
#include "harness/bench_measure.h"
#include "harness/child.h"
#include "harness/hostfault.h"

enum {
    GUESTS = BENCH_GUEST_FIGURES - 1,
    SCALE = 100, /* a million instructions or two */
    SCALE_QUICK = 5,
    QUICK_NS = 100000000, /* a column that has less time than this takes the small scale */
    RUNS = 3, /* at most so many, of which the shortest counts */
    INPUT = 94,
    LINE_MAX_BYTES = 64,
    PATH_BYTES = 512,
};

#define GUEST(name) { name, "M instructions/s", true }

const struct bench_figure bench_guest_figures[BENCH_GUEST_FIGURES] = {
    GUEST("blake2b"),   GUEST("bytecode"), GUEST("coremix"), GUEST("crc32"),
    GUEST("fibonacci"), GUEST("keccak"),   GUEST("matrix"),  GUEST("quicksort"),
    GUEST("sha256"),    GUEST("sieve"),    GUEST("geomean"),
};

/* What one column found. */
struct column {
    bool done;
    double ns[GUESTS]; /* the shortest run */
    uint64_t sums[GUESTS], instructions[GUESTS];
    struct px_error err;
};

static void fill_input(uint8_t *input)
{
    for (unsigned i = 0; i < INPUT; i++)
        input[i] = (uint8_t)(i * 37 + i / 7);
}

static uint64_t scale_of(uint64_t ns)
{
    return ns >= QUICK_NS ? SCALE : SCALE_QUICK;
}

/* Of this thread: the clock of a process with a timer on it only moves with the kernel's ticks. */
static uint64_t processor_ns(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

/* --- an engine, in a child --- */

static enum px_status run_guest(const struct engine *engine, size_t guest, uint64_t scale,
                                struct px_program *program, struct column *column, struct px_error *err)
{
    uint8_t bytes[INPUT];
    fill_input(bytes);
    struct px_guest_input input = { .bytes = bytes, .end = INPUT, .kind = PX_MAP_RO, .scale = scale };
    struct px_image image;
    struct px_unit *unit;
    struct px_outcome out = { .exit = PX_EXIT_STOPPED };
    enum px_status status = px_guest_make(&px_guests[guest], &input, program);
    if (status != PX_OK)
        return px_fail(err, status, "guest %s: %s", px_guests[guest].name, px_status_name(status));
    program->gas = UINT64_C(1) << 62;
    px_program_image(program, &image);
    struct px_entry entry = run_entry(&image);
    status = engine->ops->prepare(engine->instance, &image, 0, &unit, err);
    if (status != PX_OK)
        return status;
    column->ns[guest] = INFINITY;
    for (unsigned i = 0; i < RUNS && status == PX_OK; i++) {
        uint64_t start = processor_ns();
        status = engine->ops->run(engine->instance, unit, &entry, &out, err);
        column->ns[guest] = fmin(column->ns[guest], (double)(processor_ns() - start));
    }
    engine->ops->release(engine->instance, unit);
    if (status == PX_OK && out.exit != PX_EXIT_HOSTCALL)
        return px_fail(err, PX_ERR_INTERNAL, "guest %s ended by %s", px_guests[guest].name,
                       px_exit_name(out.exit));
    column->sums[guest] = out.x[10];
    column->instructions[guest] = out.native + out.side_exit + out.interpreted;
    return status;
}

/* What the child does. */
static _Noreturn void run_engine_column(const char *spec, uint64_t scale, struct column *column)
{
    struct host_record record = { .words = WORDS_NONE };
    _Atomic uint64_t running = 0;
    struct px_error *err = &column->err;
    struct engine engine;
    struct run run;
    struct px_program program;
    enum px_status status = engine_open(spec, &engine, err);
    if (status == PX_OK)
        status = run_open_engines(&engine, 1, &run, err);
    struct hostfault faults = { .run = &run, .record = &record, .running = &running };
    if (status == PX_OK)
        status = hostfault_install(&faults, err); /* touch=fault needs it */
    px_program_init(&program);
    for (size_t i = 0; i < GUESTS && status == PX_OK; i++)
        status = run_guest(&engine, i, scale, &program, column, err);
    column->done = status == PX_OK;
    _exit(0);
}

static enum px_status fork_engine_column(const char *spec, uint64_t scale, struct column *column,
                                         struct px_error *err)
{
    pid_t pid;
    int ended;
    column->err.text[0] = '\0';
    enum px_status status = child_fork_patiently(&pid, err);
    if (status != PX_OK)
        return status;
    if (pid == 0)
        run_engine_column(spec, scale, column);
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
        ;
    if (column->done)
        return PX_OK;
    return px_fail(err, PX_ERR_INTERNAL, "engine %s on the guests: %s", spec,
                   column->err.text[0] ? column->err.text : "its process died");
}

/* --- a program, as scripts/guest-cc makes it --- */

struct program {
    char path[PATH_BYTES];
    bool under_qemu;
};

static void become_program(const struct program *program, int input, int output)
{
    char *native[] = { (char *)(uintptr_t)program->path, NULL };
    char *emulated[] = { (char *)(uintptr_t)"qemu-riscv64", (char *)(uintptr_t)program->path, NULL };
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execvp(program->under_qemu ? emulated[0] : native[0], program->under_qemu ? emulated : native);
    _exit(127);
}

/* Reads up to the end of @fd, or as much as @line holds. */
static void read_line(int fd, char line[LINE_MAX_BYTES])
{
    size_t used = 0;
    ssize_t got;
    do {
        got = read(fd, line + used, LINE_MAX_BYTES - 1 - used);
        used += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && used < LINE_MAX_BYTES - 1) || (got < 0 && errno == EINTR));
    line[used] = '\0';
}

/* Starts @program with its request in a pipe, which has room for it, and reads what it prints. */
static enum px_status run_program(const struct program *program, uint64_t scale, char line[LINE_MAX_BYTES],
                                  struct px_error *err)
{
    uint8_t request[16 + INPUT] = { 0 };
    int to[2], from[2], ended;
    pid_t pid;
    for (unsigned i = 0; i < 8; i++)
        request[i] = (uint8_t)(scale >> 8 * i);
    request[8] = RUNS;
    fill_input(request + 16);
    if (pipe2(to, O_CLOEXEC) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "pipe: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC) != 0) {
        (void)px_fail(err, PX_ERR_SYSTEM, "pipe: %s", strerror(errno));
        (void)close(to[0]);
        (void)close(to[1]);
        return PX_ERR_SYSTEM;
    }
    enum px_status status = child_fork_patiently(&pid, err);
    if (status == PX_OK && pid == 0)
        become_program(program, to[0], from[1]);
    (void)close(to[0]);
    (void)close(from[1]);
    if (status == PX_OK) {
        if (write(to[1], request, sizeof request) != (ssize_t)sizeof request)
            line[0] = '\0'; /* it died before it read: its exit code says so */
        (void)close(to[1]);
        read_line(from[0], line);
        while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
            status = px_fail(err, PX_ERR_INPUT, "%s%s does not run: build it with scripts/guests programs",
                             program->under_qemu ? "qemu-riscv64 " : "", program->path);
    } else {
        (void)close(to[1]);
    }
    (void)close(from[0]);
    return status;
}

/* "CHECKSUM NANOSECONDS\n" */
static bool parse_line(const char *line, uint64_t *sum, uint64_t *ns)
{
    char *end;
    *sum = strtoull(line, &end, 16);
    if (end != line + 16 || *end != ' ')
        return false;
    *ns = strtoull(end + 1, &end, 10);
    return *end == '\n' && end[1] == '\0';
}

static enum px_status run_program_column(const struct bench *b, const char *kind, uint64_t scale,
                                         struct column *column)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < GUESTS && status == PX_OK; i++) {
        struct program program = { .under_qemu = strcmp(kind, "oracle") == 0 };
        char line[LINE_MAX_BYTES] = "";
        uint64_t ns = 0;
        int length =
            snprintf(program.path, sizeof program.path, "%s/%s.%s", b->guests, px_guests[i].name, kind);
        if (length < 0 || (size_t)length >= sizeof program.path)
            return px_fail(b->err, PX_ERR_INPUT, "--guests: expected a path of at most %d characters",
                           PATH_BYTES / 2);
        status = run_program(&program, scale, line, b->err);
        if (status == PX_OK && !parse_line(line, &column->sums[i], &ns))
            status = px_fail(b->err, PX_ERR_INPUT, "%s printed '%.20s', expected a checksum and nanoseconds",
                             program.path, line);
        column->ns[i] = (double)ns;
    }
    return status;
}

/* --- both --- */

/* All columns compute the same; @column is the one that was measured now. */
static enum px_status check_sums(struct bench *b, const struct bench_measure *measure,
                                 const struct column *column, const struct column *reference)
{
    for (size_t i = 0; i < GUESTS; i++)
        if (column->sums[i] != reference->sums[i])
            return px_fail(b->err, PX_ERR_INTERNAL,
                           "%s computes 0x%016" PRIx64 " for %s, the recompiler 0x%016" PRIx64, measure->name,
                           column->sums[i], px_guests[i].name, reference->sums[i]);
    return PX_OK;
}

static enum px_status measure_column(struct bench *b, const struct bench_measure *measure, uint64_t scale,
                                     struct column *columns)
{
    struct column *column = &columns[0], *reference = &columns[1];
    /* The recompiler says how many instructions a program has. */
    enum px_status status = fork_engine_column("block", scale, reference, b->err);
    if (status == PX_OK && measure->program)
        status = run_program_column(b, measure->program, scale, column);
    else if (status == PX_OK)
        status = fork_engine_column(measure->spec, scale, column, b->err);
    return status == PX_OK ? check_sums(b, measure, column, reference) : status;
}

enum px_status bench_guests(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    struct column *columns =
        mmap(NULL, 2 * sizeof *columns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (columns == MAP_FAILED)
        return px_fail(b->err, PX_ERR_NOMEM, "out of memory for figures");
    double logs = 0;
    enum px_status status = measure_column(b, measure, scale_of(ns), columns);
    for (size_t i = 0; i < GUESTS && status == PX_OK; i++) {
        values[i] = (double)columns[1].instructions[i] * 1e3 / fmax(columns[0].ns[i], 1);
        logs += log(values[i]);
    }
    values[GUESTS] = exp(logs / (double)GUESTS);
    (void)munmap(columns, 2 * sizeof *columns);
    return status;
}
