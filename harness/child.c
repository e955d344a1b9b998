#define _GNU_SOURCE
#include "harness/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_TRIES = 12 }; /* with pauses of 1, 2, 4 ... up to PAUSE_MAX_MS: a second in all */
enum { PAUSE_MAX_MS = 250 };

#define GAP_MAX 0.1 /* seconds: a longer time between two looks says nothing about the child */

double child_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- in the child --- */

/* Rather a worker than its supervisor, or than anything else on the machine. A refusal costs nothing else. */
static void volunteer_for_the_oom_killer(void)
{
    static const char score[] = "500";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, score, sizeof score - 1);
    close(fd);
}

/* Nothing of the parent's may catch a signal here, or keep one from coming. */
static void forget_handlers(void)
{
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL)
            signal(i, SIG_DFL);
    }
}

/* Signals are blocked until everything is in its place. */
static void become_child(pid_t parent)
{
    sigset_t none;
    forget_handlers();
    /* What a terminal or `timeout` sends to the whole group is for the parent to obey. */
    static const int of_the_parent[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    for (size_t i = 0; i < sizeof of_the_parent / sizeof of_the_parent[0]; i++)
        signal(of_the_parent[i], SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* last words may go to a file that must not grow */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(1);
    volunteer_for_the_oom_killer();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- in the parent --- */

enum px_status child_fork(pid_t *pid, struct px_error *err)
{
    pid_t parent = getpid();
    sigset_t all, before;
    fflush(NULL); /* nothing buffered may come out twice */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    int why = errno;
    if (child == 0)
        become_child(parent);
    else
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child < 0)
        return px_fail(err, why == EAGAIN || why == ENOMEM ? PX_ERR_FULL : PX_ERR_SYSTEM,
                       "fork: %s (see `ulimit -u`)", strerror(why));
    *pid = child;
    return PX_OK;
}

enum px_status child_fork_patiently(pid_t *pid, struct px_error *err)
{
    long pause_ms = 1;
    enum px_status status = child_fork(pid, err);
    for (unsigned tries = 1; status == PX_ERR_FULL && tries < PATIENCE_TRIES; tries++) {
        const struct timespec pause = { .tv_nsec = pause_ms * 1000000 };
        nanosleep(&pause, NULL);
        pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
        status = child_fork(pid, err);
    }
    return status;
}

void *child_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    child_lend(memory, size, false);
    return memory;
}

void child_unshare(void *memory, size_t size)
{
    if (memory)
        munmap(memory, size);
}

void child_lend(void *memory, size_t size, bool lent)
{
    int refused = madvise(memory, size, lent ? MADV_DOFORK : MADV_DONTFORK);
    assert(refused == 0); /* it is a whole mapping of ours */
    (void)refused;
}

bool child_crashed(int wait_status)
{
    if (!WIFSIGNALED(wait_status))
        return false;
    switch (WTERMSIG(wait_status)) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGSYS:
    case SIGABRT:
        return true;
    default:
        return false;
    }
}

bool child_killed(const struct host_record *record, int wait_status)
{
    switch ((enum last_words)atomic_load(&record->words)) {
    case WORDS_ABORT:
    case WORDS_HARNESS:
    case WORDS_HANG:
        return false;
    case WORDS_KILLED:
        return true;
    case WORDS_NONE:
        break;
    }
    /* A fault that left no words comes from the kernel, where no handler could run. */
    return WIFSIGNALED(wait_status) && (!child_crashed(wait_status) || !atomic_load(&record->armed));
}

/* 0 for a child that has ended. */
static double cpu_seconds(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Its state letter, "PID (COMMAND) STATE ..." in the stat file; S where there is none to read. */
static char state_of(pid_t pid)
{
    char path[64], line[256];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 'S';
    const char *text = fgets(line, sizeof line, file), *behind = text ? strrchr(text, ')') : NULL;
    fclose(file);
    if (behind && behind[1] == ' ')
        return behind[2];
    return 'S';
}

void child_watch_start(struct child_watch *watch, pid_t pid)
{
    *watch = (struct child_watch){ .pid = pid, .looked = child_clock(), .spent = cpu_seconds(pid) };
}

enum child_health child_watch_look(struct child_watch *watch, uint64_t beat, double limit)
{
    double time = child_clock(), gap = time - watch->looked;
    watch->looked = time;
    if (beat != watch->beat) {
        watch->beat = beat;
        watch->still = 0;
        watch->spent = cpu_seconds(watch->pid);
        return CHILD_WELL;
    }
    watch->still += gap < GAP_MAX ? gap : GAP_MAX;
    if (watch->still <= limit)
        return CHILD_WELL;
    switch (state_of(watch->pid)) {
    case 'T':
        return CHILD_STOPPED;
    case 'S':
        return CHILD_HUNG;
    case 'R':
        return cpu_seconds(watch->pid) - watch->spent > limit ? CHILD_HUNG : CHILD_WELL;
    default: /* dead by now, traced, or waiting for a disk */
        return CHILD_WELL;
    }
}
