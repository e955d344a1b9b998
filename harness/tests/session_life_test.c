/*
 * Sessions among processes, signals, descriptors and threads: nothing is changed in the caller's process, nothing is left
 * behind, and whoever dies is replaced or missed.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generators/generator.h"
#include "generators/prng.h"
#include "harness/isolate.h"
#include "harness/session.h"
#include "harness/tests/give_up.h"
#include "harness/tests/processes.h"
#include "harness/tests/sessions.h"

enum {
    PROGRAMS = 600,
    POLLS_MAX = 10000, /* of a millisecond */
};

/* PX_OK when it agrees, in a process that need not have cmocka. */
static enum px_status use(struct px_session *session)
{
    struct px_program program;
    struct px_diff diff;
    struct px_error err;
    px_program_init(&program);
    program.gas = 1000;
    enum px_status status = px_program_append(&program, mixed, sizeof mixed);
    if (status == PX_OK)
        status = px_diff(session, &program, &diff, &err);
    if (status == PX_OK && diff.kind != PX_DIFF_NONE)
        status = PX_ERR_INTERNAL;
    px_program_fini(&program);
    return status;
}

/* Runs @body in a child; gives its exit code. */
static int in_child(int (*body)(void))
{
    int wait_status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(body());
    if (pid < 0 || waitpid(pid, &wait_status, 0) != pid)
        give_up("fork");
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static bool wait_until_gone(pid_t pid)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    for (int polls = 0; polls < POLLS_MAX; polls++) {
        if (!process_lives(pid))
            return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* The process that runs guests for @session; 0 while there is none. */
static pid_t server_of(const struct px_session *session)
{
    pid_t child = 0;
    return children_of(session->keeper, &child, 1) == 1 ? child : 0;
}

/* --- nothing is changed --- */

struct surroundings {
    struct sigaction actions[NSIG];
    sigset_t mask;
    stack_t stack;
    struct itimerval timers[3];
    size_t descriptors, mappings, children;
};

static size_t count_lines(const char *path)
{
    size_t lines = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        give_up(path);
    for (int c; (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void look_around(struct surroundings *s)
{
    pid_t children[16];
    memset(s, 0, sizeof *s);
    for (int i = 1; i < NSIG; i++)
        (void)sigaction(i, NULL, &s->actions[i]);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    (void)sigaltstack(NULL, &s->stack);
    for (int i = 0; i < 3; i++)
        (void)getitimer((__itimer_which_t)i, &s->timers[i]);
    s->descriptors = count_descriptors();
    s->children = children_of(getpid(), children, 16);
    s->mappings = count_lines("/proc/self/maps");
}

static void expect_same_signals(const struct surroundings *a, const struct surroundings *b)
{
    for (int i = 1; i < NSIG; i++) {
        assert_ptr_equal(a->actions[i].sa_handler, b->actions[i].sa_handler);
        assert_int_equal(a->actions[i].sa_flags, b->actions[i].sa_flags);
    }
    for (int i = 1; i < NSIG; i++)
        assert_int_equal(sigismember(&a->mask, i), sigismember(&b->mask, i));
    assert_ptr_equal(a->stack.ss_sp, b->stack.ss_sp);
    assert_int_equal(a->stack.ss_flags, b->stack.ss_flags);
    assert_memory_equal(a->timers, b->timers, sizeof a->timers);
}

static void on_usr1(int signal_number)
{
    (void)signal_number;
}

/* One program that agrees, one that kills its process, one that hangs; then both to their smallest. */
static void work_hard(struct px_session *session)
{
    struct px_program program, small;
    struct px_diff diff;
    struct px_shrunk shrunk;
    struct px_replay replay;
    make_program(&program, mixed, MIXED);
    px_program_init(&small);
    assert_int_equal(px_diff(session, &program, &diff, NULL), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_ABORT);
    assert_int_equal(px_shrink(session, &program, 5, &small, &shrunk, NULL), PX_OK);
    assert_true(shrunk.confirmed);
    assert_int_equal(px_replay_interp(session, &program, &replay, NULL), PX_OK);
    px_replay_release(&replay);
    px_program_fini(&small);
    px_program_fini(&program);
}

static void a_session_changes_nothing_in_its_callers_process_and_leaves_nothing(void **state)
{
    (void)state;
    struct surroundings before, during, after;
    struct sigaction usr1 = { .sa_handler = on_usr1 }, old;
    assert_int_equal(sigaction(SIGUSR1, &usr1, &old), 0);
    /* What libraries and malloc keep, they keep from now on. */
    struct px_session *session = open_session("interp,wrong:die=xor", 0, false);
    work_hard(session);
    px_session_destroy(session);
    look_around(&before);
    for (int i = 0; i < 5; i++) {
        session = open_session("interp,wrong:die=xor", 0, false);
        work_hard(session);
        look_around(&during);
        expect_same_signals(&before, &during);
        assert_int_equal(during.descriptors, before.descriptors + 1);
        assert_int_equal(during.children, before.children + 1);
        px_session_destroy(session);
    }
    look_around(&after);
    expect_same_signals(&before, &after);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.children, before.children);
    assert_in_range(after.mappings, before.mappings - 2, before.mappings + 2); /* malloc may have grown */
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void sessions_that_do_not_start_leave_nothing(void **state)
{
    (void)state;
    struct surroundings before, after;
    struct px_session *session;
    const struct px_session_options options = { .size = sizeof options, .engines = "interp,nope" };
    assert_int_equal(px_session_create(&options, &session, NULL), PX_ERR_INPUT);
    look_around(&before);
    for (int i = 0; i < 20; i++)
        assert_int_equal(px_session_create(&options, &session, NULL), PX_ERR_INPUT);
    look_around(&after);
    expect_same_signals(&before, &after);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.children, before.children);
}

static void the_end_of_a_session_is_the_end_of_its_processes(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,block", 0, false);
    pid_t keeper = session->keeper, server = server_of(session);
    assert_true(keeper > 0 && server > 0);
    assert_true(process_lives(keeper) && process_lives(server));
    px_session_destroy(session);
    assert_false(process_lives(keeper));
    assert_false(process_lives(server));
}

/* The write end of a pipe that the caller closes is closed: nobody else holds it. */
static void processes_of_a_session_hold_no_descriptor_of_the_caller(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    struct px_session *session = open_session("interp,block", 0, false);
    struct pollfd end = { .fd = ends[0], .events = POLLIN };
    close(ends[1]);
    assert_int_equal(poll(&end, 1, POLLS_MAX), 1);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    px_session_destroy(session);
}

static int without_standard_files(void)
{
    struct px_session *session;
    struct px_error err;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    if (px_session_create(NULL, &session, &err) != PX_OK)
        return 1;
    int code_of_use = use(session) == PX_OK ? 0 : 2;
    px_session_destroy(session);
    return code_of_use;
}

static void a_caller_without_standard_files_is_served(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_standard_files), 0);
}

/* Processes that begin with a copy of the caller's buffers write none of them. */
static void what_the_caller_has_in_its_buffers_comes_out_once(void **state)
{
    (void)state;
    int ends[2];
    char text[16] = "";
    assert_int_equal(pipe(ends), 0);
    FILE *file = fdopen(ends[1], "w");
    if (!file)
        give_up("fdopen");
    assert_true(fputs("once", file) >= 0);
    struct px_session *session = open_session("interp,wrong:die=xor", 0, false);
    work_hard(session);
    px_session_destroy(session);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(read(ends[0], text, sizeof text - 1), 4);
    assert_string_equal(text, "once");
    close(ends[0]);
}

/* --- the caller's ways with children --- */

static void a_caller_may_ignore_its_children(void **state)
{
    (void)state;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &old), 0);
    struct px_session *session = open_session("interp,wrong:die=xor", 0, false);
    work_hard(session);
    pid_t keeper = session->keeper;
    px_session_destroy(session);
    assert_false(process_lives(keeper));
    assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

static void wait_for_all(int signal_number)
{
    int error = errno;
    (void)signal_number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = error;
}

static void a_caller_may_wait_for_any_child(void **state)
{
    (void)state;
    struct sigaction all = { .sa_handler = wait_for_all }, old;
    assert_int_equal(sigaction(SIGCHLD, &all, &old), 0);
    struct px_session *session = open_session("interp,wrong:die=xor", 0, false);
    work_hard(session);
    pid_t keeper = session->keeper;
    px_session_destroy(session);
    assert_false(process_lives(keeper));
    assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

static int leave_a_session(void)
{
    struct px_session *session;
    if (px_session_create(NULL, &session, NULL) != PX_OK || use(session) != PX_OK)
        return 1;
    pid_t pids[2] = { session->keeper, server_of(session) };
    if (write(STDOUT_FILENO, pids, sizeof pids) != sizeof pids)
        return 2;
    return 0; /* _exit: nothing is destroyed */
}

static void a_caller_that_just_ends_takes_its_sessions_along(void **state)
{
    (void)state;
    int ends[2];
    pid_t pids[2];
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    if (saved < 0)
        give_up("dup");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    int exit_code = in_child(leave_a_session);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    close(ends[1]);
    assert_int_equal(exit_code, 0);
    assert_int_equal(read(ends[0], pids, sizeof pids), sizeof pids);
    close(ends[0]);
    assert_true(wait_until_gone(pids[0]));
    assert_true(wait_until_gone(pids[1]));
}

/* --- deaths from outside --- */

struct hunt {
    struct px_session *session;
    _Atomic bool over;
    _Atomic unsigned kills;
};

/* Most die at work. Of those that are about to begin few do: on a busy machine nothing else would come of them. */
static void *kill_servers(void *arg)
{
    struct hunt *hunt = arg;
    uint64_t seen = 0;
    struct prng prng;
    prng_init(&prng, 9, 0);
    while (!atomic_load(&hunt->over)) {
        const struct timespec pause = { .tv_nsec = (long)prng_below(&prng, 4000000) };
        nanosleep(&pause, NULL);
        uint64_t beat = atomic_load(&hunt->session->shared->beats);
        pid_t server = server_of(hunt->session);
        if (server <= 0 || (beat - seen <= SESSION_BATCH && !prng_one_in(&prng, 16)))
            continue;
        seen = beat;
        hunt->kills += kill(server, SIGKILL) == 0;
    }
    return NULL;
}

struct found {
    size_t count, lies, unstable;
    size_t last;
};

static bool note(void *arg, size_t index, const struct px_diff *diff)
{
    struct found *f = arg;
    assert_true(f->count == 0 || index > f->last);
    f->last = index;
    f->count++;
    f->lies += diff->fields == PX_FIELD_X0 << 9;
    f->unstable += !diff->stable;
    return true;
}

/* Each program diverges, so that whatever a kill loses would be missed. */
static void servers_killed_at_random_lose_no_program(void **state)
{
    (void)state;
    enum { BATCHES_MIN = 40, BATCHES_MAX = 4000, KILLS_MIN = 6 };
    struct px_session_options options = { .size = sizeof options,
                                          .engines = "interp,block,wrong:x9",
                                          .unconfirmed = true };
    struct px_program *programs = calloc(PROGRAMS, sizeof *programs);
    struct px_gen gen;
    pthread_t thread;
    struct hunt hunt = { .kills = 0 };
    assert_non_null(programs);
    assert_int_equal(px_gen_parse("straight", &gen, NULL), PX_OK);
    for (size_t i = 0; i < PROGRAMS; i++)
        assert_int_equal(px_gen_make(&gen, 3, i, &programs[i]), PX_OK);
    assert_int_equal(px_session_create(&options, &hunt.session, NULL), PX_OK);
    assert_int_equal(pthread_create(&thread, NULL, kill_servers, &hunt), 0);
    for (int i = 0; i < BATCHES_MIN || (atomic_load(&hunt.kills) < KILLS_MIN && i < BATCHES_MAX); i++) {
        struct found found = { .count = 0 };
        struct px_error err = { "" };
        if (px_diff_batch(hunt.session, programs, PROGRAMS, note, &found, &err) != PX_OK)
            fail_msg("%s", err.text);
        assert_int_equal(found.count, PROGRAMS);
        assert_int_equal(found.lies, PROGRAMS);
    }
    atomic_store(&hunt.over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(hunt.kills >= KILLS_MIN);
    px_session_destroy(hunt.session);
    for (size_t i = 0; i < PROGRAMS; i++)
        px_program_fini(&programs[i]);
    free(programs);
}

static void a_session_whose_supervisor_is_killed_says_so_from_then_on(void **state)
{
    (void)state;
    static const char gone[] = "the process that supervises the sandbox is gone";
    struct px_session *session = open_session("interp,block", 0, false);
    struct px_program program, small;
    struct px_diff diff;
    struct px_replay replay;
    struct px_shrunk shrunk;
    struct px_error err = { "" };
    pid_t server = server_of(session);
    make_program(&program, mixed, MIXED);
    make_program(&small, mixed, MIXED);
    assert_int_equal(kill(session->keeper, SIGKILL), 0);
    assert_true(wait_until_gone(session->keeper));
    assert_true(wait_until_gone(server));
    assert_int_equal(px_diff(session, &program, &diff, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, gone);
    assert_int_equal(px_diff_batch(session, &program, 1, note, NULL, &err), PX_ERR_INTERNAL);
    assert_int_equal(px_replay_interp(session, &program, &replay, &err), PX_ERR_INTERNAL);
    assert_int_equal(px_shrink(session, &program, 1, &small, &shrunk, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, gone);
    px_session_destroy(session);
    session = open_session("interp,block", 0, false);
    assert_int_equal(kill(session->keeper, SIGKILL), 0);
    assert_int_equal(px_shrink(session, &program, 1, &small, &shrunk, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, gone);
    px_session_destroy(session);
    px_program_fini(&program);
    px_program_fini(&small);
}

/* --- machines that refuse --- */

/* From here on there is no filter to be had, as on a kernel without them. */
static bool forbid_filters(void)
{
    const struct scmp_arg_cmp filters = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = PR_SET_SECCOMP };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return false;
    int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_seccomp, 0);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SYS_prctl, 1, &filters);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed == 0;
}

static int without_filters(void)
{
    struct px_session_options options = { .size = sizeof options };
    struct px_session *session;
    struct px_error err;
    if (!forbid_filters())
        return 1;
    if (px_session_create(&options, &session, &err) != PX_ERR_SYSTEM)
        return 2;
    if (!strstr(err.text, "no system-call filter to be had") || !strstr(err.text, "PX_SANDBOX=off"))
        return 3;
    options.no_sandbox = true;
    if (px_session_create(&options, &session, &err) != PX_OK)
        return 4;
    int code_of_use = use(session) == PX_OK ? 0 : 5;
    px_session_destroy(session);
    return code_of_use;
}

static void without_seccomp_a_session_says_so_and_goes_on_when_told(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_filters), 0);
}

static int without_processes(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    struct px_session *session;
    struct px_error err;
    bool good = filter && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAGAIN), SYS_clone, 0) == 0 &&
                seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAGAIN), SYS_fork, 0) == 0 &&
                seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0) == 0 &&
                seccomp_load(filter) == 0;
    seccomp_release(filter);
    if (!good)
        return 1;
    if (px_session_create(NULL, &session, &err) != PX_ERR_SYSTEM)
        return 2;
    return strcmp(err.text, "session: fork: Resource temporarily unavailable") == 0 ? 0 : 3;
}

static void without_processes_a_session_says_so(void **state)
{
    (void)state;
    assert_int_equal(in_child(without_processes), 0);
}

/* --- threads --- */

static void *create_in_thread(void *arg)
{
    return px_session_create(NULL, arg, NULL) == PX_OK ? arg : NULL;
}

static void a_session_outlives_the_thread_that_made_it(void **state)
{
    (void)state;
    struct px_session *session = NULL;
    pthread_t thread;
    void *made;
    assert_int_equal(pthread_create(&thread, NULL, create_in_thread, &session), 0);
    assert_int_equal(pthread_join(thread, &made), 0);
    assert_ptr_equal(made, &session);
    for (int i = 0; i < 100; i++)
        assert_int_equal(use(session), PX_OK);
    px_session_destroy(session);
}

static void *use_in_thread(void *arg)
{
    struct px_session *session;
    (void)arg;
    for (int i = 0; i < 5; i++) {
        if (px_session_create(NULL, &session, NULL) != PX_OK)
            return NULL;
        bool good = true;
        for (int j = 0; j < 100 && good; j++)
            good = use(session) == PX_OK;
        px_session_destroy(session);
        if (!good)
            return NULL;
    }
    return arg;
}

static void threads_with_a_session_each_have_nothing_to_do_with_each_other(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    int mark;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_in_thread, &mark), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &mark);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_changes_nothing_in_its_callers_process_and_leaves_nothing),
        cmocka_unit_test(sessions_that_do_not_start_leave_nothing),
        cmocka_unit_test(the_end_of_a_session_is_the_end_of_its_processes),
        cmocka_unit_test(processes_of_a_session_hold_no_descriptor_of_the_caller),
        cmocka_unit_test(a_caller_without_standard_files_is_served),
        cmocka_unit_test(what_the_caller_has_in_its_buffers_comes_out_once),
        cmocka_unit_test(a_caller_may_ignore_its_children),
        cmocka_unit_test(a_caller_may_wait_for_any_child),
        cmocka_unit_test(a_caller_that_just_ends_takes_its_sessions_along),
        cmocka_unit_test(servers_killed_at_random_lose_no_program),
        cmocka_unit_test(a_session_whose_supervisor_is_killed_says_so_from_then_on),
        cmocka_unit_test(without_seccomp_a_session_says_so_and_goes_on_when_told),
        cmocka_unit_test(without_processes_a_session_says_so),
        cmocka_unit_test(a_session_outlives_the_thread_that_made_it),
        cmocka_unit_test(threads_with_a_session_each_have_nothing_to_do_with_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
