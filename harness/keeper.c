/*
 * The supervising process of a session. It runs no guest. It starts a server and replaces it when it dies, blaming
 * the program that was under way; carries out what the caller asks for; ends when the caller does.
 */
#define _GNU_SOURCE
#include "harness/session_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "harness/child.h"
#include "harness/futex.h"
#include "harness/isolate.h"

enum {
    LOOK_MS = 50,   /* between looks at a server that has work */
    IDLE_MS = 1000, /* ... and at the caller, while there is none */
    LOST_MAX = 50, /* servers in a row that die, having done little, over nothing: something else is wrong */
};

struct keeper {
    const struct sandbox *sandbox;
    struct session_shared *shared;
    int control;
    pid_t caller, server; /* server 0: none */
    struct child_watch watch;
    bool condemned; /* we kill it, since it hangs */
    uint32_t killed_over; /* what the last one that was killed from outside had under way ... */
    unsigned kills; /* ... and how many in a row had that */
    uint64_t lost_beat; /* the heartbeat when a server died last */
    unsigned lost;
};

/* Wakes the caller wherever it waits. */
static void wake_caller(struct session_shared *shared)
{
    futex_wake(&shared->ready);
    for (size_t i = 0; i < SESSION_SLOTS; i++)
        futex_wake(&shared->slots[i].state);
}

/* --- the server --- */

static void fail(struct keeper *k, enum px_status status)
{
    atomic_store(&k->shared->failed, (uint32_t)(status == PX_ERR_FULL ? PX_ERR_SYSTEM : status));
}

static void start_server(struct keeper *k)
{
    struct session_shared *shared = k->shared;
    shared->record = (struct host_record){ .signal = 0 };
    atomic_store(&shared->running, 0);
    atomic_store(&shared->current, 0);
    atomic_store(&shared->between, 0);
    k->condemned = false;
    enum px_status status = child_fork_patiently(&k->server, &shared->error);
    if (status != PX_OK) {
        k->server = 0;
        fail(k, status);
    } else if (k->server == 0) {
        close(k->control);
        (void)signal(SIGCHLD, SIG_DFL);
        server_main(k->sandbox, shared);
    } else {
        child_watch_start(&k->watch, k->server);
    }
}

static void end_server(struct keeper *k)
{
    if (k->server == 0)
        return;
    kill(k->server, SIGKILL);
    while (waitpid(k->server, NULL, 0) < 0 && errno == EINTR)
        ;
    k->server = 0;
}

/* The program under way has a result now: it ended the process. False: there was none. */
static bool blame(const struct keeper *k, uint32_t current, int wait_status)
{
    struct session_shared *shared = k->shared;
    size_t at = current - 1, index = at % SESSION_BATCH, number = at / SESSION_BATCH;
    if (current == 0 || number >= SESSION_SLOTS || index >= shared->slots[number].count)
        return false;
    struct session_slot *slot = &shared->slots[number];
    struct session_result *result = &slot->results[index];
    uint32_t between = atomic_load(&shared->between);
    if (atomic_load(&result->state) != PROGRAM_PENDING) /* it died a moment later */
        return false;
    slot->findings[index] = (struct finding){ .kind = FINDING_ABORT };
    finding_from_death(&slot->findings[index], &shared->record, wait_status);
    if (k->condemned)
        slot->findings[index].kind = FINDING_HANG;
    /* In a check both programs had run well before: a death is what one left to the other. */
    if (between != 0) {
        slot->findings[index].kind = FINDING_LEAK;
        slot->findings[index].between = between - 1;
    }
    result->diverges = 1;
    result->ran = 0;
    result->engine = atomic_load(&shared->engine);
    atomic_store(&result->state, PROGRAM_DONE);
    return true;
}

/* Somebody killed it: that says nothing about the program, unless it happens over this one again and again. */
static bool is_accident(struct keeper *k, uint32_t current, int wait_status)
{
    if (k->condemned || !child_killed(&k->shared->record, wait_status))
        return false;
    k->kills = k->killed_over == current ? k->kills + 1 : 1;
    k->killed_over = current;
    return k->kills < CHILD_KILLS_MAX;
}

/* Whoever has nothing to blame begins again, but not for ever. */
static void bury(struct keeper *k, int wait_status)
{
    struct session_shared *shared = k->shared;
    uint64_t beat = atomic_load(&shared->beats);
    uint32_t current = atomic_load(&shared->current);
    k->server = 0;
    if (atomic_load(&shared->failed) == PX_OK) {
        bool blamed = !is_accident(k, current, wait_status) && blame(k, current, wait_status);
        k->lost = blamed || beat - k->lost_beat > SESSION_BATCH ? 0 : k->lost + 1;
        k->lost_beat = beat;
        if (k->lost == LOST_MAX)
            fail(k, px_fail(&shared->error, PX_ERR_INTERNAL, "the sandbox keeps dying without a program"));
        else
            start_server(k);
    }
    wake_caller(shared);
}

static bool has_work(const struct session_shared *shared)
{
    for (size_t i = 0; i < SESSION_SLOTS; i++)
        if (atomic_load(&shared->slots[i].state) == SLOT_READY)
            return true;
    return false;
}

static void watch_heartbeat(struct keeper *k)
{
    if (k->server == 0)
        return;
    if (!has_work(k->shared)) {
        child_watch_start(&k->watch, k->server);
        return;
    }
    enum child_health health =
        child_watch_look(&k->watch, atomic_load(&k->shared->beats), sandbox_stall_seconds(k->sandbox));
    if (health == CHILD_WELL)
        return;
    k->condemned = health == CHILD_HUNG;
    kill(k->server, SIGKILL);
}

/* --- what the caller asks for --- */

static void confirm_leak(struct keeper *k, const struct session_request *request, struct session_answer *a)
{
    struct px_program program, between;
    px_program_init(&program);
    px_program_init(&between);
    a->status = session_take_image(k->shared, request->slot, request->index, &program, &a->error);
    if (a->status == PX_OK)
        a->status = session_take_image(k->shared, request->slot, request->between, &between, &a->error);
    if (a->status == PX_OK)
        a->status = isolate_between(k->sandbox, &program, &between, &a->diverges, &a->error);
    px_program_fini(&between);
    px_program_fini(&program);
}

static void confirm(struct keeper *k, const struct session_request *request, struct session_answer *a)
{
    struct isolated isolated = { .runs = 0 };
    struct px_program program;
    px_program_init(&program);
    a->status = session_take_image(k->shared, request->slot, request->index, &program, &a->error);
    if (a->status == PX_OK)
        a->status = isolate_run(k->sandbox, &program, 1, &isolated, &a->error);
    a->diverges = isolated.diverged > 0;
    a->finding = isolated.finding;
    for (size_t i = 0; i < isolated.engine_count && i < RUN_ENGINES_MAX && isolated.runs > 0; i++)
        a->ran |= isolated.supported[i] ? 1u << i : 0;
    px_program_fini(&program);
}

static bool caller_gone(void *arg)
{
    const struct keeper *k = arg;
    return getppid() != k->caller;
}

static void shrink(struct keeper *k, const struct session_request *request, struct session_answer *a)
{
    const struct minimize_options options = {
        .probe = { .sandbox = *k->sandbox, .interrupted = caller_gone, .arg = k }, .seconds = request->seconds
    };
    struct px_program program, small;
    px_program_init(&program);
    px_program_init(&small);
    a->status = session_take_program(k->shared, &program, &a->error);
    if (a->status == PX_OK)
        a->status = minimize(&options, &program, &small, &a->minimized, &a->error);
    if (a->status == PX_OK && a->minimized.diverges)
        session_put_program(k->shared, &small);
    px_program_fini(&small);
    px_program_fini(&program);
}

/* False: the caller has gone, or wants this to end. */
static bool obey(struct keeper *k)
{
    struct session_request request;
    struct session_answer answer = { .status = PX_OK };
    ssize_t n = recv(k->control, &request, sizeof request, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n != sizeof request)
        return false;
    if (request.command == COMMAND_CONFIRM)
        confirm(k, &request, &answer);
    else if (request.command == COMMAND_CONFIRM_LEAK)
        confirm_leak(k, &request, &answer);
    else
        shrink(k, &request, &answer);
    return send(k->control, &answer, sizeof answer, MSG_NOSIGNAL) == sizeof answer;
}

/* --- its own process --- */

static void on_child(int signal_number)
{
    (void)signal_number; /* ends ppoll */
}

/*
 * The caller's handlers are not ours, and Ctrl-C is its own affair. All signals are blocked when this begins.
 */
static void take_over_signals(void)
{
    static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
    const struct sigaction on_death = { .sa_handler = on_child };
    sigset_t blocked;
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)signal(ignored[i], SIG_IGN);
    (void)sigaction(SIGCHLD, &on_death, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/*
 * Nobody is to wait for the end of a pipe because of us. Stderr stays, for last words. The socket stays where it is: no
 * stream of the caller writes there what it had in its buffer, should anybody flush it.
 */
static void take_over_files(int control)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    __fpurge(stderr);
    for (int fd = 0; fd < STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            close(fd);
    for (int fd = STDERR_FILENO + 1; fd < control; fd++)
        close(fd);
    closefrom(control + 1);
}

/* The socket's number, above those of the standard files. */
static int lift(int control)
{
    return control > STDERR_FILENO ? control : fcntl(control, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

_Noreturn void keeper_main(const struct sandbox *sandbox, struct session_shared *shared, int control,
                           pid_t caller)
{
    struct keeper k = { .sandbox = sandbox, .shared = shared, .control = lift(control), .caller = caller };
    sigset_t none;
    if (k.control < 0)
        _exit(1);
    prctl(PR_SET_NAME, "parallax-keeper");
    take_over_signals();
    take_over_files(k.control);
    sigemptyset(&none);
    start_server(&k);
    for (bool wanted = true; wanted && !caller_gone(&k);) {
        struct pollfd poll = { .fd = k.control, .events = POLLIN };
        long pause_ms = has_work(shared) ? LOOK_MS : IDLE_MS;
        const struct timespec pause = { .tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000 };
        int wait_status, ready = ppoll(&poll, 1, &pause, &none);
        if (k.server != 0 && waitpid(k.server, &wait_status, WNOHANG) == k.server)
            bury(&k, wait_status);
        watch_heartbeat(&k);
        if (ready > 0)
            wanted = obey(&k);
    }
    end_server(&k);
    _exit(0);
}
