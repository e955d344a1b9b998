/*
 * The sandbox at work: campaigns give the same with any number of workers, say what keeps them from
 * starting, and lose no program when workers die under them.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generators/prng.h"
#include "harness/isolate.h"
#include "harness/tests/campaign_world.h"
#include "harness/tests/outside.h"
#include "harness/tests/give_up.h"
#include "harness/tests/processes.h"

/* --- what a campaign gives --- */

static void a_campaign_over_engines_that_agree_finds_nothing(void **state)
{
    struct world *w = *state;
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.tally.programs, 3000);
    assert_int_equal(w->result.confirmed, 0);
    assert_int_equal(w->result.unstable, 0);
    assert_int_equal(w->result.further, 0);
    assert_int_equal(w->result.restarts, 0);
    assert_false(w->result.interrupted);
    assert_int_equal(w->result.engine_count, 2);
    assert_string_equal(w->result.specs[0], "interp");
    assert_int_equal(w->result.tally.supported[0], 3000);
    assert_int_equal(w->result.tally.supported[1], 3000);
    assert_int_equal(folder_entries(&w->folder, ""), 0); /* the empty output folder is gone */
}

static void the_number_of_workers_changes_nothing(void **state)
{
    struct world *w = *state;
    w->options.worker.limit = (uint64_t)2 * WORKER_CHUNK + 100; /* the third chunk is begun */
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.tally.programs, w->options.worker.limit);
    for (unsigned jobs = 2; jobs <= 4; jobs++) {
        w->options.worker.jobs = jobs;
        campaign_world_run(&w->options, &w->other);
        assert_memory_equal(&w->other.tally, &w->result.tally, sizeof w->result.tally);
        assert_int_equal(w->other.confirmed + w->other.unstable, 0);
    }
}

static void the_seed_changes_the_programs(void **state)
{
    struct world *w = *state;
    campaign_world_run(&w->options, &w->result);
    w->options.worker.seed++;
    campaign_world_run(&w->options, &w->other);
    assert_memory_not_equal(&w->other.tally, &w->result.tally, sizeof w->result.tally);
}

static void an_engine_that_takes_part_in_one_of_n_runs_so_often(void **state)
{
    struct world *w = *state;
    w->options.worker.sandbox.engines = "interp,block,block%16";
    w->options.worker.jobs = 2;
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.tally.supported[1], 3000);
    assert_int_equal(w->result.tally.supported[2], (3000 + 15) / 16);
}

/* A busy machine may need longer for the first program. */
static void a_time_limit_ends_a_campaign_without_end(void **state)
{
    struct world *w = *state;
    w->options.worker.limit = UINT64_MAX;
    w->options.seconds = 0.05;
    do {
        campaign_world_run(&w->options, &w->result);
        assert_false(w->result.interrupted);
        w->options.seconds *= 2;
    } while (w->result.tally.programs == 0 && w->options.seconds < 100);
    assert_true(w->result.tally.programs > 0);
}

/* --- what keeps it from starting --- */

static void an_output_folder_below_a_file_is_refused(void **state)
{
    struct world *w = *state;
    char text[CAMPAIGN_WORLD_PATH + 64];
    struct px_error err = { "" };
    folder_add(&w->folder, "file");
    folder_path(&w->folder, "file/deeper", w->out, sizeof w->out);
    assert_int_equal(campaign_run(&w->options, &w->result, &err), PX_ERR_INPUT);
    (void)snprintf(text, sizeof text, "output folder '%s': Not a directory", w->out);
    assert_string_equal(err.text, text);
    assert_int_equal(w->result.tally.programs, 0);
}

static void a_bad_engine_list_is_refused_and_makes_no_folder(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    w->options.worker.sandbox.engines = "interp";
    assert_int_equal(campaign_run(&w->options, &w->result, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "1 engine: expected at least two to compare");
    w->options.worker.sandbox.engines = "interp,nope:gas";
    assert_int_equal(campaign_run(&w->options, &w->result, &err), PX_ERR_INPUT);
    assert_string_equal(
        err.text, "engine 'nope': expected interp, fused, block, linear, tiered, qemu, plugin or wrong");
    assert_int_equal(folder_entries(&w->folder, ""), 0);
}

/* --- workers that die --- */

enum { KILLS = 20, POLLS_MAX = 30000, CAMPAIGNS_MAX = 100 };

/* Kills children of @campaign at moments that @prng draws, once its output folder stands: then the processes
 * that check things first are through. */
static void kill_workers(pid_t campaign, const struct world *w, struct prng *prng)
{
    unsigned kills = 0;
    for (unsigned polls = 0; polls < POLLS_MAX && kills < KILLS; polls++) {
        const struct timespec pause = { .tv_nsec = 100000 + (long)prng_below(prng, 3000000) };
        pid_t children[8];
        nanosleep(&pause, NULL);
        siginfo_t ended = { .si_pid = 0 };
        assert_int_equal(waitid(P_PID, (id_t)campaign, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        if (ended.si_pid != 0)
            break;
        if (access(w->out, F_OK) != 0)
            continue;
        size_t count = children_of(campaign, children, 8);
        if (count > 0 && kill(children[prng_below(prng, (uint32_t)count)], SIGKILL) == 0)
            kills++;
    }
}

/* As many campaigns as it takes: one may be over before any kill has met it at work. */
static void workers_killed_at_any_moment_change_no_count(void **state)
{
    struct world *w = *state;
    struct prng prng;
    uint64_t restarts = 0;
    struct outside *outside = isolate_share(sizeof *outside);
    assert_non_null(outside);
    prng_init(&prng, 1, 2);
    w->options.worker.limit = 100000;
    w->options.worker.jobs = 2;
    campaign_world_run(&w->options, &w->result);
    for (unsigned tries = 0; restarts == 0; tries++) {
        assert_true(tries < CAMPAIGNS_MAX);
        pid_t campaign = outside_start(&w->options, outside, NULL, NULL);
        kill_workers(campaign, w, &prng);
        outside_finish(outside, campaign);
        const struct campaign_result *r = &outside->result;
        assert_int_equal(r->confirmed + r->unstable + r->further, 0);
        assert_memory_equal(&r->tally, &w->result.tally, sizeof r->tally);
        restarts = r->restarts;
    }
    assert_int_equal(w->result.tally.programs, w->options.worker.limit);
    isolate_unshare(outside, sizeof *outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_campaign_over_engines_that_agree_finds_nothing, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(the_number_of_workers_changes_nothing, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(the_seed_changes_the_programs, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(an_engine_that_takes_part_in_one_of_n_runs_so_often,
                                        campaign_world_make, campaign_world_remove),
        cmocka_unit_test_setup_teardown(a_time_limit_ends_a_campaign_without_end, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(an_output_folder_below_a_file_is_refused, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(a_bad_engine_list_is_refused_and_makes_no_folder, campaign_world_make,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(workers_killed_at_any_moment_change_no_count, campaign_world_make,
                                        campaign_world_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
