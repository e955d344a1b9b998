#define _GNU_SOURCE
#include "harness/oracle/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/oracle/confine.h"
#include "vm/outcome.h"

/*
 * What the oracle is: RV64 with what ISA.md 0 lists and qemu 7.2 knows, nothing else. Guest memory lies away from
 * whatever the host process has in its first gigabytes.
 */
static const char processor[] = "rv64,i=true,m=true,c=true,zba=true,zbb=true,zbs=true,Zifencei=true,"
                                "a=false,f=false,d=false,v=false,h=false,zbc=false,Zicsr=false";
static const char *const arguments[] = { "qemu-riscv64", "-B",      "0x10000000000",   "-s", "65536",
                                         "-cpu",         processor, "/proc/self/fd/4", NULL };

enum {
    RUNNER_FD = 4, /* as the arguments say */
    ENVIRONMENT_MAX = 256,
};

struct broker {
    const struct broker_config *config;
    pid_t qemu; /* 0: none */
    int complaints; /* a file with what qemu says on stderr */
    uint32_t order;         /* that qemu died over, ... */
    unsigned deaths, kills; /* ... so often by itself, so often from outside */
    unsigned failed_starts, killed_starts; /* one after the other */
    uint32_t beat; /* the runner's last sign of life ... */
    int64_t beat_since; /* ... and since when */
};

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void tell(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- starting qemu --- */

/* The environment without what would change qemu's ways. */
static void clean_environment(char **kept)
{
    size_t count = 0;
    for (char **at = environ; *at && count < ENVIRONMENT_MAX; at++)
        if (strncmp(*at, "QEMU_", 5) != 0)
            kept[count++] = *at;
    kept[count] = NULL;
}

_Noreturn static void become_qemu(const struct broker_config *config, pid_t broker, int complaints)
{
    char *environment[ENVIRONMENT_MAX + 1];
    char *argv[sizeof arguments / sizeof arguments[0]];
    int null = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != broker)
        _exit(1);
    /* Above all that are given a place below, so that none is lost. */
    int memory = fcntl(config->memory, F_DUPFD, 10), runner = fcntl(config->runner, F_DUPFD, 10);
    bool ready = null >= 0 && memory >= 0 && runner >= 0 && dup2(complaints, STDERR_FILENO) >= 0 &&
                 dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
                 dup2(memory, ORACLE_FD) >= 0 && dup2(runner, RUNNER_FD) >= 0;
    close_range(RUNNER_FD + 1, UINT_MAX, 0);
    struct px_error err = { "" };
    if (ready && confine_qemu(&err) == PX_OK) {
        clean_environment(environment);
        memcpy(argv, arguments, sizeof argv); /* execve does not write to them */
        execve(config->qemu, argv, environment);
        (void)snprintf(err.text, sizeof err.text, "%s: %s", config->qemu, strerror(errno));
    }
    dprintf(STDERR_FILENO, "%s\n", err.text);
    _exit(1);
}

static void start_qemu(struct broker *b)
{
    const struct broker_config *config = b->config;
    struct oracle_control *c = config->control;
    pid_t self = getpid();
    /* Whatever an earlier one left: half an answer, pages. */
    tell(&c->magic, 0);
    tell(&c->runner_waits, 0);
    tell(&c->begun, look(&c->answered));
    (void)fallocate(config->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)ORACLE_POOL,
                    (off_t)(ORACLE_SIZE - ORACLE_POOL));
    (void)ftruncate(b->complaints, 0);
    (void)lseek(b->complaints, 0, SEEK_SET);
    b->beat_since = now_ms();
    b->qemu = fork();
    if (b->qemu == 0)
        become_qemu(config, self, b->complaints);
    if (b->qemu < 0)
        b->qemu = 0;
    atomic_fetch_add(&config->shared->starts, b->qemu > 0);
    atomic_store(&config->shared->qemu, b->qemu);
}

/* --- when it dies --- */

static bool pending(const struct broker *b)
{
    const struct oracle_control *c = b->config->control;
    return look(&c->ordered) != look(&c->answered);
}

static void wake_engine(const struct broker *b)
{
    (void)syscall(SYS_futex, &b->config->control->answered, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Answers in qemu's place: this program is not for it. */
static void give_up_order(struct broker *b)
{
    struct oracle_control *c = b->config->control;
    c->answer.exit = PX_EXIT_UNJUDGED;
    c->answer.arg = PX_UNJUDGED_LOST;
    tell(&c->answered, look(&c->ordered));
    wake_engine(b);
}

/* It died before it was up: what it said is all there is to tell. */
static void declare_broken(struct broker *b)
{
    struct broker_shared *shared = b->config->shared;
    char said[200] = "";
    ssize_t length = pread(b->complaints, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
    px_fail(&shared->error, PX_ERR_SYSTEM, "engine qemu: %s does not run: %s", b->config->qemu,
            said[0] ? said : "it ends without a word");
    atomic_store(&shared->broken, true);
    wake_engine(b);
}

/* @killed: from outside. */
static void note_failed_start(struct broker *b, bool killed)
{
    b->killed_starts += killed;
    b->failed_starts += !killed;
    if (b->failed_starts == BROKER_STARTS_MAX || b->killed_starts == BROKER_KILLS_MAX)
        declare_broken(b);
}

static void note_death(struct broker *b, bool killed)
{
    const struct oracle_control *c = b->config->control;
    uint32_t order = look(&c->ordered);
    b->qemu = 0;
    atomic_store(&b->config->shared->qemu, 0);
    if (look(&c->magic) != ORACLE_MAGIC) {
        note_failed_start(b, killed);
        return;
    }
    b->failed_starts = b->killed_starts = 0;
    if (!pending(b) || look(&c->begun) != order)
        return;
    if (b->order != order)
        b->deaths = b->kills = 0;
    b->order = order;
    b->kills += killed;
    b->deaths += !killed;
    if (b->deaths == BROKER_DEATHS_MAX || b->kills == BROKER_KILLS_MAX)
        give_up_order(b);
}

static void end_qemu(struct broker *b, bool killed)
{
    kill(b->qemu, SIGKILL);
    waitpid(b->qemu, NULL, 0);
    note_death(b, killed);
}

/* A stopped process is as good as dead: nobody but us is to control it. No guest can bring SIGKILL upon it. */
static void reap(struct broker *b)
{
    int status;
    if (b->qemu == 0 || waitpid(b->qemu, &status, WNOHANG | WUNTRACED) != b->qemu)
        return;
    if (WIFSTOPPED(status))
        end_qemu(b, true);
    else
        note_death(b, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void watch_beat(struct broker *b)
{
    int64_t stall = b->config->stall_ms ? b->config->stall_ms : BROKER_STALL_MS, now = now_ms();
    uint32_t beat = look(&b->config->control->beat);
    if (beat != b->beat || b->qemu == 0 || !pending(b)) {
        b->beat = beat;
        b->beat_since = now;
    } else if (now - b->beat_since > stall) {
        end_qemu(b, false);
    }
}

/* --- serving --- */

static void on_child(int signal_number)
{
    (void)signal_number; /* it only ends the wait */
}

static void wait_for_attention(const struct broker *b, uint32_t seen)
{
    const struct timespec pause = { .tv_nsec = BROKER_LOOK_MS * 1000000L };
    (void)syscall(SYS_futex, &b->config->shared->attention, FUTEX_WAIT, seen, &pause, NULL, 0);
}

/* A child that ends, or is stopped, ends our wait. */
static void hear_of_children(void)
{
    struct sigaction action = { .sa_handler = on_child };
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    sigaction(SIGCHLD, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

_Noreturn void broker_main(const struct broker_config *config)
{
    struct broker b = { .config = config };
    prctl(PR_SET_NAME, "px-broker");
    hear_of_children();
    b.complaints = memfd_create("px-complaints", MFD_CLOEXEC);
    for (;;) {
        uint32_t seen = atomic_load(&config->shared->attention);
        atomic_fetch_add(&config->shared->beat, 1);
        reap(&b);
        watch_beat(&b);
        if (b.qemu == 0 && pending(&b) && !atomic_load(&config->shared->broken))
            start_qemu(&b);
        wait_for_attention(&b, seen);
    }
}
