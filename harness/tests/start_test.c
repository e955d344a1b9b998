/* What keeps a sandbox from starting is said in one line, which and how to go on, and the exit code is 2. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/lockdown.h"
#include "harness/tests/folder.h"
#include "harness/tests/give_up.h"

enum {
    NOBODY = 61234568, /* a user who has no processes */
    ARGUMENTS_MAX = 8,
    CANNOT = 99, /* exit code: the machine lets us take nothing away */
};

/* --- what is taken away --- */

static int load(scmp_filter_ctx filter, int failed)
{
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

static int no_seccomp(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp filters = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP };
    int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_seccomp, 0);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SYS_prctl, 1, &filters);
    return load(filter, failed);
}

/* Such as a security module's that lets nothing become executable. */
static int no_code_memory(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp executable = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = PROT_EXEC
    };
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SYS_mprotect, 1, &executable);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SYS_mmap, 1, &executable);
    return load(filter, failed);
}

static int little_address_space(void)
{
    const struct rlimit limit = { .rlim_cur = (rlim_t)1 << 30, .rlim_max = (rlim_t)1 << 30 };
    return lockdown_is_lax() ? -1 : setrlimit(RLIMIT_AS, &limit); /* a sanitizer takes much more itself */
}

static int no_room_for_processes(void)
{
    const struct rlimit one = { .rlim_cur = 1, .rlim_max = 1 };
    if (geteuid() != 0)
        return -1; /* it takes another user */
    return setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0 ||
                   setrlimit(RLIMIT_NPROC, &one) != 0
               ? -1
               : 0;
}

static int few_files(void)
{
    const struct rlimit three = { .rlim_cur = 3, .rlim_max = 3 };
    return setrlimit(RLIMIT_NOFILE, &three);
}

/* --- the commands --- */

struct world {
    struct folder folder;
    char program[128], out[128], said[128], printed[128];
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        give_up("calloc");
    folder_make(&w->folder);
    folder_path(&w->folder, "agrees.px", w->program, sizeof w->program);
    folder_path(&w->folder, "out", w->out, sizeof w->out);
    folder_path(&w->folder, "said", w->said, sizeof w->said);
    folder_path(&w->folder, "printed", w->printed, sizeof w->printed);
    FILE *file = fopen(w->program, "w");
    if (!file)
        give_up(w->program);
    fputs("parallax 1 rv64e-jar.1\ngas 1000\ncode\n  0000200b\n", file);
    assert_int_equal(fclose(file), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(w->folder.path, NOBODY, NOBODY), 0);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    folder_remove(&w->folder);
    free(w);
    return 0;
}

static void lead_to(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, fd) != fd)
        _exit(CANNOT);
    close(file);
}

/* Runs @command in a process from which @take_away has taken something; its exit code. */
static int run_without(const struct world *w, int (*take_away)(void), const struct command *command,
                       const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 1] = { NULL };
    int argc = 0, wait_status;
    for (; arguments[argc]; argc++)
        argv[argc] = strdup(arguments[argc]);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        lead_to(w->printed, STDOUT_FILENO);
        lead_to(w->said, STDERR_FILENO);
        if (take_away() != 0)
            _exit(CANNOT);
        int code = command->run(command, argc, argv);
        fflush(NULL);
        _exit(code);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    return WEXITSTATUS(wait_status);
}

/* @line: what every command says behind "parallax NAME: ", as a shell pattern. */
static void refuses_to_start(struct world *w, int (*take_away)(void), const char *line)
{
    const struct {
        const struct command *command;
        const char *arguments[ARGUMENTS_MAX];
    } rows[] = {
        { &command_fuzz, { "fuzz", "--count", "10", "--quiet", "--out", w->out } },
        { &command_replay, { "replay", w->program } },
        { &command_replay, { "replay", "--seed", "1", "--index", "0" } },
        { &command_minimize, { "minimize", w->program } },
        { &command_locate, { "locate", w->program } },
        { &command_gate, { "gate", "--out", w->out } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char pattern[512];
        int code = run_without(w, take_away, rows[i].command, rows[i].arguments);
        if (code == CANNOT)
            skip();
        (void)snprintf(pattern, sizeof pattern, "parallax %s: %s\n", rows[i].command->name, line);
        char *said = folder_read(&w->folder, "said"), *printed = folder_read(&w->folder, "printed");
        if (code != 2 || fnmatch(pattern, said, 0) != 0)
            fail_msg("%s: exit code %d: %s", rows[i].command->name, code, said);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
        assert_string_equal(printed, "");
        free(said);
        free(printed);
    }
}

#define HOW_TO_GO_ON "; see `ulimit -a` and `parallax doctor`, or go on without this engine"

static void a_kernel_without_filters_is_named_and_the_way_round(void **state)
{
    refuses_to_start(*state, no_seccomp,
                     "sandbox: seccomp: *: no system-call filter to be had; "
                     "PX_SANDBOX=off goes on without one");
}

static void the_way_round_works(void **state)
{
    const struct world *w = *state;
    const char *const arguments[] = { "fuzz", "--count", "10", "--quiet", "--out", w->out, NULL };
    setenv("PX_SANDBOX", "off", 1);
    assert_int_equal(run_without(w, no_seccomp, &command_fuzz, arguments), 0);
    unsetenv("PX_SANDBOX");
    char *printed = folder_read(&w->folder, "printed");
    assert_non_null(strstr(printed, "  sandbox     off: PX_SANDBOX=off\n"));
    free(printed);
}

static void a_kernel_that_lets_no_memory_run_is_named(void **state)
{
    refuses_to_start(
        *state, no_code_memory,
        "engine block: mapping 1024 MiB of code memory twice (RW and RX): Permission denied" HOW_TO_GO_ON);
}

static void too_little_address_space_is_named(void **state)
{
    refuses_to_start(*state, little_address_space, "engine *: Cannot allocate memory" HOW_TO_GO_ON);
}

static void no_room_for_a_process_is_named(void **state)
{
    refuses_to_start(*state, no_room_for_processes,
                     "fork: Resource temporarily unavailable (see `ulimit -u`)");
}

/* The sandbox itself needs no files: those who write some say that they cannot. */
static void too_few_files_are_named(void **state)
{
    const struct world *w = *state;
    const char *const replay[] = { "replay", "--seed", "1", "--index", "0", NULL };
    const char *const fuzz[] = { "fuzz", "--count", "10", "--quiet", "--out", w->out, NULL };
    assert_int_equal(run_without(w, few_files, &command_replay, replay), 0);
    assert_int_equal(run_without(w, few_files, &command_fuzz, fuzz), 2);
    char pattern[300], *said = folder_read(&w->folder, "said");
    (void)snprintf(pattern, sizeof pattern, "parallax fuzz: output folder '%s': Too many open files\n",
                   w->out);
    assert_string_equal(said, pattern);
    free(said);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kernel_without_filters_is_named_and_the_way_round),
        TEST(the_way_round_works),
        TEST(a_kernel_that_lets_no_memory_run_is_named),
        TEST(too_little_address_space_is_named),
        TEST(no_room_for_a_process_is_named),
        TEST(too_few_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
