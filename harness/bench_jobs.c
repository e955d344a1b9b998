/*
 * Whether a second worker is worth a second processor: the rates of one and of two, beside what one and two processes reach
 * that do nothing but count. Each of the four is looked at for as long, right after the other.
 */
#define _GNU_SOURCE
#include "harness/bench_measure.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "harness/engines.h"
#include "harness/jobs.h"

enum {
    SEED = 4,
    MOST = 2, /* processes at once */
    SPINS = 1000,
    WARM_PROGRAMS = 500,
};

#define POLL_SECONDS 0.005
#define LOOKS 4.0 /* parts of the time: one for each rate */

enum jobs_figure { ONE, TWO, SPIN_ONE, SPIN_TWO, SCALING };

const struct bench_figure bench_jobs_figures[BENCH_JOBS_FIGURES] = {
    [ONE] = { "one", "programs/s", true },          [TWO] = { "two", "programs/s", true },
    [SPIN_ONE] = { "spin-one", "M turns/s", true }, [SPIN_TWO] = { "spin-two", "M turns/s", true },
    [SCALING] = { "scaling", "ratio", true }, /* two to one, over spin-two to spin-one */
};

static void wait_seconds(double seconds)
{
    struct timespec pause = { .tv_sec = (time_t)seconds };
    pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* --- processes that count --- */

struct spin {
    _Alignas(64) _Atomic uint64_t turns;
};

static _Noreturn void count_for_ever(struct spin *spin)
{
    for (;;) {
        for (unsigned i = 0; i < SPINS; i++)
            __asm__ volatile("" : : : "memory");
        atomic_fetch_add_explicit(&spin->turns, SPINS, memory_order_relaxed);
    }
}

static uint64_t all_turns(const struct spin *spins, unsigned count)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < count; i++)
        sum += atomic_load(&spins[i].turns);
    return sum;
}

/* Turns per microsecond of @count processes over @seconds. */
static enum px_status measure_spin(struct bench *b, unsigned count, double seconds, double *rate)
{
    pid_t children[MOST] = { 0 };
    struct spin *spins = child_share(MOST * sizeof *spins);
    enum px_status status = spins ? PX_OK : px_fail(b->err, PX_ERR_NOMEM, "out of memory for two counters");
    if (spins)
        child_lend(spins, MOST * sizeof *spins, true);
    for (unsigned i = 0; i < count && status == PX_OK; i++) {
        status = child_fork_patiently(&children[i], b->err);
        if (status == PX_OK && children[i] == 0)
            count_for_ever(&spins[i]);
    }
    if (status == PX_OK) {
        while (all_turns(spins, count) == 0)
            wait_seconds(POLL_SECONDS);
        double start = child_clock();
        uint64_t before = all_turns(spins, count);
        wait_seconds(seconds);
        *rate = (double)(all_turns(spins, count) - before) / (child_clock() - start) / 1e6;
    }
    for (unsigned i = 0; i < count; i++)
        if (children[i] > 0) {
            (void)kill(children[i], SIGKILL);
            (void)waitpid(children[i], NULL, 0);
        }
    child_unshare(spins, MOST * sizeof *spins);
    return status;
}

/* --- workers --- */

static enum px_status count_finding(void *arg, const struct finding *finding, struct px_error *err)
{
    struct bench *b = arg;
    (void)finding;
    (void)err;
    b->diverged++;
    return PX_OK;
}

/* Polls until there is a program more than @programs, or for @seconds; all workers ending is a failure. */
static enum px_status poll_jobs(struct bench *b, struct jobs *jobs, uint64_t programs, double seconds)
{
    double end = child_clock() + seconds;
    while (child_clock() < end && jobs_tally(jobs).programs <= programs) {
        bool alive;
        enum px_status status = jobs_poll(jobs, &alive, b->err);
        if (status != PX_OK)
            return status;
        if (!alive)
            return px_fail(b->err, PX_ERR_INTERNAL, "the workers ended by themselves");
        wait_seconds(POLL_SECONDS);
    }
    return PX_OK;
}

static enum px_status measure_workers(struct bench *b, const struct bench_measure *measure, unsigned count,
                                      double seconds, double *rate)
{
    struct worker_config config = {
        .sandbox = { .engines = ENGINES_CAMPAIGN }, .seed = SEED, .limit = UINT64_MAX, .jobs = count
    };
    struct jobs jobs;
    enum px_status status = px_gen_parse(measure->spec, &config.gen, b->err);
    if (status == PX_OK)
        status = jobs_start(&jobs, &config, count_finding, b, b->err);
    if (status != PX_OK)
        return status;
    status = poll_jobs(b, &jobs, WARM_PROGRAMS, sandbox_stall_seconds(&config.sandbox));
    double start = child_clock();
    uint64_t before = jobs_tally(&jobs).programs;
    if (status == PX_OK)
        status = poll_jobs(b, &jobs, UINT64_MAX - 1, seconds);
    *rate = (double)(jobs_tally(&jobs).programs - before) / (child_clock() - start);
    jobs_end(&jobs);
    return status;
}

enum px_status bench_jobs(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    double seconds = (double)ns / 1e9 / LOOKS;
    cpu_set_t before, all;
    memset(&all, 0xff, sizeof all); /* those that there are: the benchmark itself is on one */
    if (sched_getaffinity(0, sizeof before, &before) != 0 || sched_setaffinity(0, sizeof all, &all) != 0)
        return px_fail(b->err, PX_ERR_SYSTEM, "leaving the processor: %s", strerror(errno));
    enum px_status status = measure_workers(b, measure, 1, seconds, &values[ONE]);
    if (status == PX_OK)
        status = measure_spin(b, 1, seconds, &values[SPIN_ONE]);
    if (status == PX_OK)
        status = measure_workers(b, measure, 2, seconds, &values[TWO]);
    if (status == PX_OK)
        status = measure_spin(b, 2, seconds, &values[SPIN_TWO]);
    (void)sched_setaffinity(0, sizeof before, &before);
    values[SCALING] = values[TWO] / values[ONE] / (values[SPIN_TWO] / values[SPIN_ONE]);
    return status;
}
