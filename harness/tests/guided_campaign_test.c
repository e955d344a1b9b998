/*
 * Guided campaigns from end to end: what shows something new stays, findings bring their programs, and whoever is killed
 * when, no entry of the corpus is lost.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generators/prng.h"
#include "harness/child.h"
#include "harness/guided/guided.h"
#include "harness/isolate.h"
#include "harness/jobs.h"
#include "harness/seen.h"
#include "harness/tests/campaign_world.h"
#include "harness/tests/outside.h"
#include "harness/tests/processes.h"

enum { NAMES_MAX = 20000, POLLS_MAX = 6000 };

static int make_guided_world(void **state)
{
    int made = campaign_world_make(state);
    struct world *w = *state;
    w->options.guided = true;
    w->options.worker.limit = 1000;
    return made;
}

/* It grows with every doubling up to @last, ends with all features, and its parts are all of it. */
static void expect_curve(const struct campaign_result *r, unsigned last)
{
    unsigned sum = 0;
    assert_true(r->watched);
    assert_in_range(r->curve[0], 10, 300); /* of one program */
    for (unsigned k = 1; k <= last; k++)
        assert_true(r->curve[k] > r->curve[k - 1]);
    assert_true(r->features >= r->curve[last]);
    assert_int_equal(r->curve[COVERAGE_POINTS - 1], r->features);
    for (size_t i = 0; i < FEATURES_GROUPS; i++)
        sum += r->features_by_group[i];
    assert_int_equal(sum, r->features);
}

static int is_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Loads every file of the corpus, which must be a program named after what it is; returns their number and a digest of all. */
static size_t read_corpus(const struct world *w, uint64_t *digest)
{
    struct dirent **entries;
    struct px_program program;
    char folder[2 * CAMPAIGN_WORLD_PATH], path[3 * CAMPAIGN_WORLD_PATH], name[32];
    px_program_init(&program);
    (void)snprintf(folder, sizeof folder, "%s/corpus", w->out);
    int count = scandir(folder, &entries, is_entry, alphasort);
    assert_in_range(count, 0, NAMES_MAX);
    *digest = 0;
    for (int i = 0; i < count; i++) {
        struct px_error err = { "" };
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (px_program_load(&program, path, &err) != PX_OK)
            fail_msg("%s", err.text);
        uint64_t own = seen_digest(&program);
        (void)snprintf(name, sizeof name, "%016llx.pxb", (unsigned long long)own);
        assert_string_equal(name, entries[i]->d_name);
        *digest = *digest * 31 + own;
        free(entries[i]);
    }
    free(entries);
    px_program_fini(&program);
    return (size_t)count;
}

static void what_showed_something_new_is_in_the_corpus(void **state)
{
    struct world *w = *state;
    uint64_t digest, again;
    campaign_world_run(&w->options, &w->result);
    const struct campaign_result *r = &w->result;
    assert_int_equal(r->tally.programs, 1000);
    assert_int_equal(r->confirmed + r->unstable + r->further + r->restarts, 0);
    assert_int_equal(r->corpus_loaded, 0);
    assert_in_range(r->corpus_saved, 300, 1000);
    assert_int_equal(read_corpus(w, &digest), r->corpus_saved);
    expect_curve(r, 9);
    unsigned features = r->features;
    assert_in_range(features, 4000, FEATURES);

    /* A second campaign begins where the first has ended: it knows after the imports what that knew. */
    w->options.worker.limit = r->corpus_saved;
    campaign_world_run(&w->options, &w->other);
    assert_int_equal(w->other.corpus_loaded, r->corpus_saved);
    assert_int_equal(w->other.corpus_saved, 0);
    assert_int_equal(w->other.features, features);
    assert_int_equal(read_corpus(w, &again), r->corpus_saved);
    assert_int_equal(again, digest);
}

static void one_job_and_one_seed_give_one_corpus(void **state)
{
    struct world *w = *state;
    uint64_t digests[3];
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "out%u", i);
        folder_path(&w->folder, name, w->out, sizeof w->out);
        w->options.worker.seed = i / 2;
        campaign_world_run(&w->options, i ? &w->other : &w->result);
        (void)read_corpus(w, &digests[i]);
        if (i == 1)
            assert_memory_equal(&w->other.tally, &w->result.tally, sizeof w->result.tally);
    }
    assert_int_equal(digests[0], digests[1]);
    assert_int_not_equal(digests[0], digests[2]);
}

static void several_jobs_share_what_they_find(void **state)
{
    struct world *w = *state;
    uint64_t digest;
    w->options.worker.jobs = 3;
    w->options.worker.limit = 3 * WORKER_CHUNK;
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.tally.programs, 3 * WORKER_CHUNK);
    assert_int_equal(w->result.restarts, 0);
    /* Apart they would each keep about as much as one alone. */
    size_t together = read_corpus(w, &digest);
    assert_int_equal(together, w->result.corpus_saved);
    assert_in_range(together, 700, 2500);
}

static void the_generator_and_its_part_can_be_chosen(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(px_gen_parse("straight", &w->options.worker.gen, &err), PX_OK);
    folder_path(&w->folder, "straight", w->out, sizeof w->out);
    campaign_world_run(&w->options, &w->other);
    assert_true(w->other.tally.interpreted[0] != w->result.tally.interpreted[0]);
}

/* What the campaign stored of its only bucket. */
static void load_original(const struct world *w, struct px_program *program)
{
    char path[3 * CAMPAIGN_WORLD_PATH];
    struct px_error err = { "" };
    assert_int_equal(w->result.bucket_count, 1);
    (void)snprintf(path, sizeof path, "%s/%s/original.px", w->out, w->result.buckets[0].path);
    if (px_program_load(program, path, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void each_finding_brings_its_program(void **state)
{
    static const struct {
        const char *engines;
        enum finding_kind kind;
    } rows[] = {
        { "interp,wrong:op=orc.b", FINDING_DIFF },
        { "interp,wrong:die=orc.b", FINDING_ABORT },
        { "interp,wrong:hang=orc.b", FINDING_HANG },
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct px_program program;
        struct isolated isolated;
        struct px_error err = { "" };
        char name[16];
        px_program_init(&program);
        (void)snprintf(name, sizeof name, "out%zu", i);
        folder_path(&w->folder, name, w->out, sizeof w->out);
        w->options.worker.sandbox.engines = rows[i].engines;
        w->options.worker.sandbox.hang_ms = 200;
        w->options.worker.limit = 100000;
        w->options.stop_after = 1;
        campaign_world_run(&w->options, &w->result);
        assert_int_equal(w->result.confirmed, 1);
        assert_int_equal(w->result.further, 0);
        assert_int_equal(w->result.by_kind[rows[i].kind], 1);
        load_original(w, &program);
        assert_true(program.origin.known);
        assert_string_equal(program.origin.gen, "guided");
        assert_int_equal(program.origin.seed, w->options.worker.seed);
        assert_int_equal(program.origin.index, w->result.first);
        assert_int_equal(isolate_run(&w->options.worker.sandbox, &program, 1, &isolated, &err), PX_OK);
        assert_int_equal(isolated.diverged, 1);
        assert_int_equal(isolated.finding.kind, rows[i].kind);
        px_program_fini(&program);
    }
}

static void the_report_says_that_only_the_file_replays(void **state)
{
    struct world *w = *state;
    char name[CAMPAIGN_WORLD_PATH];
    w->options.worker.sandbox.engines = "interp,wrong:op=orc.b";
    w->options.worker.limit = 100000;
    w->options.stop_after = 1;
    campaign_world_run(&w->options, &w->result);
    (void)snprintf(name, sizeof name, "out/%s/report.txt", w->result.buckets[0].path);
    char *report = folder_read(&w->folder, name);
    assert_non_null(strstr(report, "generator guided@1\n"));
    assert_non_null(
        strstr(report, "\nreplay    from its file: it was made of others of the campaign's corpus\n"));
    free(report);
}

static void coverage_needs_the_reference(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    w->options.worker.sandbox.engines = "block,block:touch=fault";
    assert_int_equal(campaign_run(&w->options, &w->result, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "coverage needs the engine interp among those that are compared");
    assert_int_equal(folder_entries(&w->folder, ""), 0);
    w->options.guided = false; /* without it a campaign has no curve */
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.tally.programs, 1000);
    assert_false(w->result.watched);
    assert_int_equal(w->result.features, 0);
}

static void a_blind_campaign_has_a_curve_too(void **state)
{
    struct world *w = *state;
    w->options.guided = false;
    w->options.worker.limit = 20000;
    w->options.worker.jobs = 3;
    campaign_world_run(&w->options, &w->result);
    expect_curve(&w->result, 12);
    assert_in_range(w->result.features, 5000, FEATURES);
    w->options.worker.jobs = 1; /* who looks at a program does not matter */
    campaign_world_run(&w->options, &w->other);
    assert_memory_equal(w->other.curve, w->result.curve, sizeof w->result.curve);
    assert_memory_equal(w->other.features_by_group, w->result.features_by_group,
                        sizeof w->result.features_by_group);
    assert_int_equal(w->result.corpus_saved, 0);
    assert_int_equal(folder_entries(&w->folder, ""), 0);
}

/* --- processes that die --- */

static void nap(struct prng *prng, unsigned most_ms)
{
    const struct timespec pause = { .tv_nsec = 100000 + (long)prng_below(prng, most_ms * 1000000) };
    nanosleep(&pause, NULL);
}

static void killed_workers_lose_no_program_and_no_entry(void **state)
{
    struct world *w = *state;
    struct prng prng;
    uint64_t digest;
    struct outside *outside = isolate_share(sizeof *outside);
    assert_non_null(outside);
    prng_init(&prng, 3, 3);
    w->options.worker.limit = 10000;
    w->options.worker.jobs = 2;
    pid_t campaign = outside_start(&w->options, outside, NULL, NULL);
    for (unsigned kills = 0; kills < 10;) {
        pid_t children[8];
        siginfo_t ended = { .si_pid = 0 };
        nap(&prng, 15);
        assert_int_equal(waitid(P_PID, (id_t)campaign, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
        if (ended.si_pid != 0)
            break;
        size_t count = access(w->out, F_OK) == 0 ? children_of(campaign, children, 8) : 0;
        kills += count > 0 && kill(children[prng_below(&prng, (uint32_t)count)], SIGKILL) == 0;
    }
    outside_finish(outside, campaign);
    const struct campaign_result *r = &outside->result;
    assert_int_equal(r->tally.programs, w->options.worker.limit);
    assert_int_equal(r->confirmed + r->unstable + r->further, 0);
    assert_int_equal(read_corpus(w, &digest), r->corpus_saved);
    isolate_unshare(outside, sizeof *outside);
}

/* What the supervisor takes over, each finding with its program as it is then. */
struct takings {
    const struct guided *guided;
    struct px_program program;
    size_t count;
    uint64_t indices[2 * LEDGER_RING], digests[2 * LEDGER_RING];
};

static enum px_status take(void *arg, const struct finding *finding, struct px_error *err)
{
    struct takings *t = arg;
    (void)err;
    assert_in_range(t->count, 0, 2 * LEDGER_RING - 1);
    assert_int_equal(guided_fetch(t->guided, finding->index, &t->program), PX_OK);
    t->indices[t->count] = finding->index;
    t->digests[t->count++] = seen_digest(&t->program);
    return PX_OK;
}

/*
 * Its ledger is full, so what it finds next it has handed over, and cannot account for, when it is killed. Nobody can make
 * that program again: who comes after it has another corpus before its eyes.
 */
static void what_a_killed_worker_has_handed_over_is_no_less_found(void **state)
{
    struct world *w = *state;
    struct worker_config *config = &w->options.worker;
    struct jobs jobs;
    struct px_error err = { "" };
    struct takings takings = { .count = 0 };
    bool alive = true;
    px_program_init(&takings.program);
    config->sandbox.engines = "interp,wrong:op=addi";
    config->seen = child_share(FEATURES * sizeof *config->seen);
    assert_non_null(config->seen);
    assert_int_equal(guided_create(w->out, NULL, 1, &config->guided, &err), PX_OK);
    struct guided *guided = config->guided;
    takings.guided = guided;
    assert_int_equal(jobs_start(&jobs, config, take, &takings, &err), PX_OK);
    while (guided->finding_count <= LEDGER_RING) {
        assert_int_equal(guided_poll(guided, &err), PX_OK);
        guided_wait(guided, 10);
    }
    uint64_t last = guided->boxes[0]->mail.index;
    assert_int_equal(guided_fetch(guided, last, &takings.program), PX_OK);
    uint64_t digest = seen_digest(&takings.program);
    kill(jobs.list[0].pid, SIGKILL);
    jobs_limit(&jobs, last + 1);
    while (alive) {
        assert_int_equal(jobs_poll(&jobs, &alive, &err), PX_OK);
        guided_wait(guided, 1);
    }
    assert_int_equal(takings.count, LEDGER_RING + 1);
    assert_int_equal(takings.indices[LEDGER_RING], last);
    assert_int_equal(takings.digests[LEDGER_RING], digest);
    assert_int_equal(jobs_tally(&jobs).programs, last); /* that one is a finding alone */
    jobs_end(&jobs);
    guided_destroy(guided);
    child_unshare(config->seen, FEATURES * sizeof *config->seen);
    px_program_fini(&takings.program);
}

static size_t entries_in(const struct world *w)
{
    char corpus[sizeof w->out + 16];
    (void)snprintf(corpus, sizeof corpus, "%s/corpus", w->out);
    return access(corpus, F_OK) == 0 ? folder_entries(&w->folder, "out/corpus") : 0;
}

/* Killed as a whole again and again, a campaign goes on where it stopped, with every entry that it had. */
static void a_killed_campaign_loses_no_entry(void **state)
{
    struct world *w = *state;
    struct prng prng;
    uint64_t digest;
    size_t before = 0;
    struct outside *outside = isolate_share(sizeof *outside);
    assert_non_null(outside);
    prng_init(&prng, 4, 4);
    w->options.worker.jobs = 2;
    w->options.worker.limit = UINT64_MAX;
    for (unsigned round = 0; round < 5; round++) {
        w->options.worker.seed = round;
        pid_t campaign = outside_start(&w->options, outside, NULL, NULL);
        for (unsigned polls = 0; before == 0 && polls < POLLS_MAX && entries_in(w) == 0; polls++)
            nap(&prng, 10);
        nap(&prng, 200);
        kill(campaign, SIGKILL);
        int wait_status;
        assert_int_equal(waitpid(campaign, &wait_status, 0), campaign);
        if (entries_in(w) == 0)
            continue;
        size_t now = read_corpus(w, &digest);
        assert_true(now >= before);
        before = now;
    }
    assert_true(before > 0);
    w->options.worker.limit = 1000;
    campaign_world_run(&w->options, &w->result);
    assert_int_equal(w->result.corpus_loaded, before);
    isolate_unshare(outside, sizeof *outside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_showed_something_new_is_in_the_corpus, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(one_job_and_one_seed_give_one_corpus, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(several_jobs_share_what_they_find, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(the_generator_and_its_part_can_be_chosen, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(each_finding_brings_its_program, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(the_report_says_that_only_the_file_replays, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(coverage_needs_the_reference, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(a_blind_campaign_has_a_curve_too, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(killed_workers_lose_no_program_and_no_entry, make_guided_world,
                                        campaign_world_remove),
        cmocka_unit_test_setup_teardown(what_a_killed_worker_has_handed_over_is_no_less_found,
                                        make_guided_world, campaign_world_remove),
        cmocka_unit_test_setup_teardown(a_killed_campaign_loses_no_entry, make_guided_world,
                                        campaign_world_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
