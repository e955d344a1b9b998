/*
 * A campaign whose processes are killed, crashed, stopped and starved 200 times, at moments that a seed draws, finds and
 * counts exactly what the same campaign finds and counts in peace, and ends by itself.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generators/prng.h"
#include "harness/campaign.h"
#include "harness/child.h"
#include "harness/isolate.h"
#include "harness/tests/folder.h"
#include "harness/tests/give_up.h"
#include "harness/tests/outside.h"
#include "harness/tests/planted.h"
#include "harness/tests/processes.h"

enum {
    DISTURBANCES = 200,
    PROGRAMS = 4000,
    CHILDREN_MAX = 16,
    STALL_MS = 500,
    HANG_MS = 200,
    POLLS_MAX = 60000,
    SUPERVISORS = 10,
    NOBODY = 61234567, /* a user who has no processes */
};

struct world {
    struct folder folder;
    char out[128];
    struct campaign_options options;
    struct outside *outside;
    struct campaign_result peace;
    void (*prepare)(void *world); /* what is done first in the other process; or NULL */
};

static int make_world(void **state)
{
    struct px_error err = { "" };
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        give_up("calloc");
    folder_make(&w->folder);
    folder_path(&w->folder, "out", w->out, sizeof w->out);
    w->outside = isolate_share(sizeof *w->outside);
    if (!w->outside)
        give_up("mmap");
    w->options = (struct campaign_options){
        .out = w->out,
        .quiet = true,
        .worker = { .sandbox = { .open = planted_open, .hang_ms = HANG_MS, .stall_ms = STALL_MS },
                    .seed = 8,
                    .limit = PROGRAMS,
                    .jobs = 2 },
    };
    assert_int_equal(px_gen_parse("mix", &w->options.worker.gen, &err), PX_OK);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    folder_remove(&w->folder);
    isolate_unshare(w->outside, sizeof *w->outside);
    free(w);
    return 0;
}

static pid_t start_outside(struct world *w)
{
    return outside_start(&w->options, w->outside, w->prepare, w);
}

/* --- disturbances --- */

static void sleep_for(double seconds)
{
    const struct timespec pause = { .tv_sec = (time_t)seconds,
                                    .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&pause, NULL);
}

/* Processes that want all the time there is. */
struct spinners {
    pid_t pids[2];
};

static void spinners_start(struct spinners *s)
{
    for (size_t i = 0; i < 2; i++) {
        s->pids[i] = fork();
        for (volatile bool forever = true; s->pids[i] == 0 && forever;)
            ;
    }
}

static void spinners_stop(const struct spinners *s)
{
    for (size_t i = 0; i < 2; i++) {
        kill(s->pids[i], SIGKILL);
        waitpid(s->pids[i], NULL, 0);
    }
}

/* Gets no time but what others leave, and others leave none. */
static void starve(pid_t pid, double seconds)
{
    const struct sched_param none = { .sched_priority = 0 };
    struct spinners spinners;
    spinners_start(&spinners);
    sched_setscheduler(pid, SCHED_IDLE, &none);
    sleep_for(seconds);
    sched_setscheduler(pid, SCHED_OTHER, &none);
    spinners_stop(&spinners);
}

static void stutter(pid_t pid, struct prng *prng, double seconds)
{
    for (unsigned i = 0; i < 10; i++) {
        kill(pid, SIGSTOP);
        sleep_for(seconds / 10 * (double)prng_below(prng, 100) / 100);
        kill(pid, SIGCONT);
    }
}

enum disturbance { KILL, CRASH, END, ASK, STOP, PAUSE, STUTTER, STARVE, DISTURBANCE_COUNT };

static void disturb(pid_t pid, enum disturbance what, struct prng *prng, double gap)
{
    static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
    static const int ends[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU, SIGPIPE, SIGVTALRM };
    static const int asks[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT }; /* which are for the supervisor */
    switch (what) {
    case KILL:
        kill(pid, SIGKILL);
        break;
    case CRASH:
        kill(pid, crashes[prng_below(prng, sizeof crashes / sizeof crashes[0])]);
        break;
    case END:
        kill(pid, ends[prng_below(prng, sizeof ends / sizeof ends[0])]);
        break;
    case ASK:
        kill(pid, asks[prng_below(prng, sizeof asks / sizeof asks[0])]);
        break;
    case STOP: /* for good, if nobody ends it */
        kill(pid, SIGSTOP);
        break;
    case PAUSE:
        kill(pid, SIGSTOP);
        sleep_for(gap);
        kill(pid, SIGCONT);
        break;
    case STUTTER:
        stutter(pid, prng, gap);
        break;
    case STARVE:
    case DISTURBANCE_COUNT:
        starve(pid, gap);
        break;
    }
}

/* Kills come often, what takes long comes seldom. */
static enum disturbance draw_disturbance(struct prng *prng)
{
    static const enum disturbance deck[] = { KILL,    KILL,   KILL, KILL,  KILL,  CRASH, CRASH,
                                             CRASH,   CRASH,  END,  ASK,   PAUSE, PAUSE, STUTTER,
                                             STUTTER, STARVE, KILL, CRASH, KILL,  STOP };
    return deck[prng_below(prng, sizeof deck / sizeof deck[0])];
}

static bool has_ended(pid_t pid)
{
    siginfo_t ended = { .si_pid = 0 };
    assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    return ended.si_pid != 0;
}

/* Disturbs children of @campaign until it ends, or until *left is 0; about @gap seconds lie between two times. */
static void disturb_children(pid_t campaign, struct prng *prng, double gap, unsigned *left)
{
    while (*left > 0 && !has_ended(campaign)) {
        pid_t children[CHILDREN_MAX];
        sleep_for(gap * (double)prng_below(prng, 200) / 100);
        size_t count = children_of(campaign, children, CHILDREN_MAX);
        if (count == 0)
            continue;
        disturb(children[prng_below(prng, (uint32_t)count)], draw_disturbance(prng), prng, gap);
        --*left;
    }
}

/* --- what must be the same --- */

static int by_index(const void *a, const void *b)
{
    const struct campaign_finding *x = a, *y = b;
    return x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                : (x->kind > y->kind) - (x->kind < y->kind);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct campaign_bucket *)a)->bucket.id,
                  ((const struct campaign_bucket *)b)->bucket.id);
}

static void sort(struct campaign_result *r)
{
    qsort(r->stored, r->stored_count, sizeof r->stored[0], by_index);
    qsort(r->buckets, r->bucket_count, sizeof r->buckets[0], by_id);
}

/* Findings come in another order, so those kept beyond what is listed are others; here all are listed. */
static void expect_same(const struct campaign_result *a, const struct campaign_result *b)
{
    assert_memory_equal(&a->tally, &b->tally, sizeof a->tally);
    assert_int_equal(a->confirmed, b->confirmed);
    assert_int_equal(a->unstable, 0);
    assert_int_equal(a->further, 0);
    assert_memory_equal(a->by_kind, b->by_kind, sizeof a->by_kind);
    assert_int_equal(a->first, b->first);
    assert_int_equal(a->stored_count, b->stored_count);
    for (size_t i = 0; i < a->stored_count; i++) {
        assert_int_equal(a->stored[i].index, b->stored[i].index);
        assert_int_equal(a->stored[i].kind, b->stored[i].kind);
        assert_string_equal(a->stored[i].what, b->stored[i].what);
        assert_string_equal(a->stored[i].path, b->stored[i].path);
    }
    assert_int_equal(a->bucket_count, b->bucket_count);
    for (size_t i = 0; i < a->bucket_count; i++) {
        assert_string_equal(a->buckets[i].bucket.id, b->buckets[i].bucket.id);
        assert_int_equal(a->buckets[i].count, b->buckets[i].count);
        assert_int_equal(a->buckets[i].first, b->buckets[i].first);
    }
}

static double run_in_peace(struct world *w)
{
    double start = child_clock();
    struct px_error err = { "" };
    if (campaign_run(&w->options, &w->peace, &err) != PX_OK)
        fail_msg("%s", err.text);
    sort(&w->peace);
    return child_clock() - start;
}

/* Until 200 are done, with as many campaigns as it takes. */
static void disturb_campaigns(struct world *w, uint64_t seed, double seconds)
{
    struct prng prng;
    unsigned left = DISTURBANCES;
    uint64_t restarts = 0;
    prng_init(&prng, seed, 0);
    while (left > 0) {
        pid_t campaign = start_outside(w);
        disturb_children(campaign, &prng, seconds / (double)DISTURBANCES, &left);
        outside_finish(w->outside, campaign);
        sort(&w->outside->result);
        expect_same(&w->outside->result, &w->peace);
        restarts += w->outside->result.restarts;
    }
    assert_true(restarts > 0);
}

static void two_hundred_disturbances_change_nothing(void **state)
{
    struct world *w = *state;
    double seconds = run_in_peace(w);
    const struct campaign_result *peace = &w->peace;
    /* There must be something to lose. */
    assert_int_equal(peace->tally.programs + peace->by_kind[FINDING_ABORT] + peace->by_kind[FINDING_HANG],
                     PROGRAMS);
    assert_true(peace->by_kind[FINDING_DIFF] > 20 && peace->by_kind[FINDING_ABORT] > 5 &&
                peace->by_kind[FINDING_HANG] > 1 && peace->confirmed < CAMPAIGN_STORED_MAX);
    for (uint64_t seed = 1; seed <= (getenv("PX_TEST_LONG") ? 20 : 1); seed++)
        disturb_campaigns(w, seed, seconds);
}

/* --- the supervisor --- */

static void a_supervisor_that_is_killed_leaves_nobody_behind(void **state)
{
    struct world *w = *state;
    struct prng prng;
    prng_init(&prng, 3, 0);
    w->options.worker.sandbox = (struct sandbox){ .engines = "interp,block" };
    w->options.worker.limit = UINT64_MAX;
    for (unsigned i = 0; i < SUPERVISORS; i++) {
        pid_t children[CHILDREN_MAX], campaign = start_outside(w);
        size_t count = 0;
        sleep_for(prng_below(&prng, 100) / 1000.0);
        for (unsigned polls = 0; count == 0 && polls < POLLS_MAX; polls++)
            count = children_of(campaign, children, CHILDREN_MAX);
        assert_true(count > 0);
        kill(campaign, SIGSTOP); /* so that they are all of them */
        count = children_of(campaign, children, CHILDREN_MAX);
        kill(campaign, SIGKILL);
        assert_int_equal(waitpid(campaign, NULL, 0), campaign);
        for (size_t k = 0; k < count; k++)
            for (unsigned polls = 0; process_lives(children[k]); polls++) {
                assert_true(polls < POLLS_MAX);
                sleep_for(0.001);
            }
    }
}

/* --- no room --- */

/* What processes of a user without any others may start: the supervisor and one more. */
static void leave_little_room(void *world)
{
    const struct world *w = world;
    const struct rlimit two = { .rlim_cur = 2, .rlim_max = 2 };
    char path[128];
    folder_path(&w->folder, "err", path, sizeof path);
    if (!freopen(path, "w", stderr) || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0 || setrlimit(RLIMIT_NPROC, &two) != 0)
        _exit(1);
}

/* A worker takes the place that the process for its finding wants: they take turns. */
static void without_room_for_processes_a_campaign_waits_says_so_and_loses_nothing(void **state)
{
    struct world *w = *state;
    if (geteuid() != 0)
        skip(); /* it takes another user */
    w->options.worker.limit = 500;
    (void)run_in_peace(w);
    assert_true(w->peace.confirmed > 3);
    assert_int_equal(chown(w->folder.path, NOBODY, NOBODY), 0);
    folder_path(&w->folder, "poor", w->out, sizeof w->out);
    w->prepare = leave_little_room;
    outside_finish(w->outside, start_outside(w));
    sort(&w->outside->result);
    expect_same(&w->outside->result, &w->peace);
    assert_true(w->outside->result.restarts > 0);
    char *said = folder_read(&w->folder, "err");
    const char line[] = "waiting: fork: Resource temporarily unavailable (see `ulimit -u`): trying again "
                        "until there is room\n";
    assert_int_equal(strncmp(said, line, sizeof line - 1), 0);
    free(said);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_hundred_disturbances_change_nothing),
        TEST(a_supervisor_that_is_killed_leaves_nobody_behind),
        TEST(without_room_for_processes_a_campaign_waits_says_so_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
