/* Whatever a worker has left behind when it ends, each of its programs is accounted for once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/account.h"
#include "harness/child.h"

enum {
    EXITED = 0, /* wait statuses */
    PID = 4242,
    LIMIT = 3 * WORKER_CHUNK,
};

/* An account, the memory that it shares with a worker, and that worker's hand. */
struct world {
    struct worker_config config;
    struct account account;
    struct worker_shared shared;
    struct ledger_writer worker;
};

/* A worker begins. */
static void start(struct world *w)
{
    account_order(&w->account, &w->shared);
    ledger_writer_init(&w->worker, &w->shared.ledger);
    atomic_store(&w->shared.record.armed, 1);
    atomic_store(&w->shared.ready, 1);
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    w->config = (struct worker_config){ .limit = LIMIT, .jobs = 2 };
    account_init(&w->account, &w->config, 0);
    start(w);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    free(*state);
    return 0;
}

/* It does @count programs and accounts for them. */
static void do_programs(struct world *w, uint64_t count)
{
    uint64_t at = w->worker.next.at;
    for (uint64_t i = 0; i < count; i++)
        at = worker_next(at, w->config.jobs);
    w->worker.next.tally.programs += count;
    ledger_commit(&w->worker, at);
}

static void is_at(struct world *w, uint64_t index)
{
    atomic_store(&w->shared.current, index + 1);
}

static enum account_verdict end(struct world *w, int wait_status)
{
    const struct account_end how = { .pid = PID, .wait_status = wait_status };
    struct px_error err = { "" };
    enum account_verdict verdict = ACCOUNT_DONE;
    if (account_close(&w->account, &w->shared, &how, &verdict, &err) != PX_OK)
        fail_msg("%s", err.text);
    return verdict;
}

/* It faults over program @index in generated code. */
static void fault(struct world *w, uint64_t index)
{
    is_at(w, index);
    w->shared.record.signal = SIGSEGV;
    atomic_store(&w->shared.record.words, WORDS_ABORT);
    assert_int_equal(end(w, EXITED), ACCOUNT_DIED);
}

static void expect_account(const struct world *w, uint64_t at, uint64_t programs, size_t findings)
{
    assert_int_equal(w->account.accepted.at, at);
    assert_int_equal(w->account.accepted.tally.programs, programs);
    assert_int_equal(w->account.queued, findings);
}

static void expect_finding(const struct world *w, size_t i, uint64_t index, enum finding_kind kind)
{
    assert_int_equal(w->account.queue[i].index, index);
    assert_int_equal(w->account.queue[i].kind, kind);
}

/* --- ends of all kinds --- */

static void a_worker_that_is_through_is_done(void **state)
{
    struct world *w = *state;
    do_programs(w, (uint64_t)2 * WORKER_CHUNK); /* the chunks 0 and 2 */
    atomic_store(&w->shared.finished, PID);
    assert_int_equal(end(w, EXITED), ACCOUNT_DONE);
    expect_account(w, (uint64_t)4 * WORKER_CHUNK, (uint64_t)2 * WORKER_CHUNK, 0);
}

static void one_that_is_told_to_stop_is_done_wherever_it_stands(void **state)
{
    struct world *w = *state;
    const struct account_end how = { .pid = PID, .wait_status = EXITED, .stopping = true };
    enum account_verdict verdict = ACCOUNT_DIED;
    do_programs(w, 32);
    atomic_store(&w->shared.finished, PID);
    assert_int_equal(account_close(&w->account, &w->shared, &how, &verdict, NULL), PX_OK);
    assert_int_equal(verdict, ACCOUNT_DONE);
    expect_account(w, 32, 32, 0);
}

/* A guest that reaches exit_group, say. */
static void an_end_before_the_work_is_done_is_a_death_of_its_program(void **state)
{
    struct world *w = *state;
    do_programs(w, 32);
    is_at(w, 40);
    assert_int_equal(end(w, EXITED), ACCOUNT_DIED);
    expect_account(w, 32, 32, 1);
    expect_finding(w, 0, 40, FINDING_ABORT);
    start(w);
    atomic_store(&w->shared.finished, PID); /* it even says that it is through */
    is_at(w, 41);
    assert_int_equal(end(w, EXITED), ACCOUNT_DIED);
    expect_finding(w, 0, 41, FINDING_ABORT);
}

static void a_kill_from_outside_blames_nothing_and_loses_the_batch_alone(void **state)
{
    struct world *w = *state;
    do_programs(w, 32);
    w->worker.next.tally.programs += 7;
    is_at(w, 39);
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    expect_account(w, 32, 32, 0);
    start(w);
    assert_int_equal(w->worker.next.at, 32);
    assert_int_equal(w->worker.next.tally.programs, 32);
    is_at(w, 34);
    atomic_store(&w->shared.record.words, WORDS_KILLED); /* by a signal that a handler saw */
    assert_int_equal(end(w, EXITED), ACCOUNT_KILLED);
    expect_account(w, 32, 32, 0);
}

static void a_program_in_flight_at_every_kill_is_blamed_in_the_end(void **state)
{
    struct world *w = *state;
    for (unsigned i = 1; i < CHILD_KILLS_MAX; i++) {
        is_at(w, 3);
        assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
        expect_account(w, 0, 0, 0);
        start(w);
    }
    is_at(w, 4); /* another one: the count begins anew */
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    for (unsigned i = 0; i < CHILD_KILLS_MAX; i++) {
        assert_int_equal(w->account.queued, 0);
        start(w);
        is_at(w, 3);
        assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    }
    expect_account(w, 0, 0, 1);
    expect_finding(w, 0, 3, FINDING_ABORT);
    assert_int_equal(w->account.queue[0].signal, SIGKILL);
}

static void kills_with_progress_between_them_blame_nothing(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 0; i < (uint64_t)3 * CHILD_KILLS_MAX; i++) {
        do_programs(w, 1);
        is_at(w, i + 1);
        assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
        expect_account(w, i + 1, i + 1, 0);
        start(w);
    }
}

static void a_fault_blames_the_program_in_flight_which_is_left_out_from_then_on(void **state)
{
    struct world *w = *state;
    do_programs(w, 32);
    fault(w, 35);
    expect_account(w, 32, 32, 1);
    expect_finding(w, 0, 35, FINDING_ABORT);
    assert_int_equal(w->account.queue[0].signal, SIGSEGV);
    start(w);
    assert_int_equal(w->shared.orders.skip_count, 1);
    assert_int_equal(w->shared.orders.skip[0].index, 35);
    /* The replacement does 32..34, 36..: one less than it passes. */
    w->worker.next.tally.programs += 31;
    ledger_commit(&w->worker, 64);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 64, 63, 0);
    fault(w, 64); /* the next in line: passed over at once */
    expect_account(w, 65, 63, 1);
    expect_finding(w, 0, 64, FINDING_ABORT);
    start(w);
    assert_int_equal(w->shared.orders.skip_count, 0);
    do_programs(w, 1);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 66, 64, 0);
}

static void a_death_in_a_check_of_two_programs_leaves_out_the_check_alone(void **state)
{
    struct world *w = *state;
    is_at(w, 1);
    atomic_store(&w->shared.between, 1);
    w->shared.record.signal = SIGSEGV;
    atomic_store(&w->shared.record.words, WORDS_ABORT);
    assert_int_equal(end(w, EXITED), ACCOUNT_DIED);
    expect_account(w, 0, 0, 1);
    expect_finding(w, 0, 0, FINDING_LEAK);
    assert_int_equal(w->account.queue[0].between, 1);
    start(w);
    assert_int_equal(w->shared.orders.skip_count, 1);
    assert_true(w->shared.orders.skip[0].between);
    do_programs(w, 32);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 32, 32, 0);
}

static void a_hang_that_the_supervisor_ends_is_one(void **state)
{
    struct world *w = *state;
    const struct account_end how = { .pid = PID, .wait_status = SIGKILL, .hung = true };
    enum account_verdict verdict = ACCOUNT_DONE;
    is_at(w, 5);
    assert_int_equal(account_close(&w->account, &w->shared, &how, &verdict, NULL), PX_OK);
    assert_int_equal(verdict, ACCOUNT_DIED);
    expect_account(w, 0, 0, 1);
    expect_finding(w, 0, 5, FINDING_HANG);
}

/* It crashed in nobody's name: later, over what some program of the batch did. */
static void deaths_between_programs_narrow_the_batch_down_to_one(void **state)
{
    struct world *w = *state;
    unsigned batch = WORKER_BATCH;
    for (; batch > 1; batch /= 2) {
        assert_int_equal(w->shared.orders.batch, batch);
        assert_int_equal(end(w, SIGSEGV), ACCOUNT_DIED);
        expect_account(w, 0, 0, 0);
        start(w);
    }
    assert_int_equal(w->shared.orders.batch, 1);
    assert_int_equal(end(w, SIGSEGV), ACCOUNT_DIED);
    expect_account(w, 1, 0, 1);
    expect_finding(w, 0, 0, FINDING_ABORT);
    start(w);
    do_programs(w, 3);
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    expect_account(w, 4, 3, 0);
    start(w);
    assert_int_equal(w->shared.orders.batch, WORKER_BATCH); /* there was progress */
}

/* --- what cannot be true --- */

static void note(struct world *w, const struct finding *finding)
{
    ledger_note(&w->worker, finding);
}

static void findings_are_accepted_with_their_programs_and_once(void **state)
{
    struct world *w = *state;
    const struct finding diff = { .index = 3, .other = 1, .diff = { .fields = DIFF_GAS } };
    const struct finding leak = { .index = 0, .kind = FINDING_LEAK, .between = 1 };
    note(w, &diff);
    note(w, &leak);
    do_programs(w, 32);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 32, 32, 2);
    expect_finding(w, 0, 3, FINDING_DIFF);
    expect_finding(w, 1, 0, FINDING_LEAK);
    w->account.handed = 2;
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    expect_account(w, 32, 32, 0);
    start(w);
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    expect_account(w, 32, 32, 0);
}

static void expect_refused(struct world *w)
{
    assert_false(account_accept(&w->account, &w->shared));
    expect_account(w, 0, 0, 0);
    start(w);
}

static void what_was_found_stays_found_without_its_worker(void **state)
{
    struct world *w = *state;
    const struct finding diff = { .index = 40, .diff = { .fields = DIFF_GAS } },
                         leak = { .index = 33, .kind = FINDING_LEAK, .between = 34 };
    do_programs(w, 32);
    is_at(w, 41);
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    for (unsigned i = 0; i < 2; i++) { /* once, however often it is told */
        account_rescue(&w->account, &diff);
        account_rescue(&w->account, &leak);
    }
    expect_account(w, 32, 32, 2);
    expect_finding(w, 0, 40, FINDING_DIFF);
    expect_finding(w, 1, 33, FINDING_LEAK);
    /* Their programs are in no sum; the next worker goes around them. */
    w->account.handed = w->account.queued;
    start(w);
    assert_int_equal(w->shared.orders.skip_count, 3);
    w->worker.next.tally.programs += 16 - 3;
    ledger_commit(&w->worker, 48);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 48, 32 + 16 - 3, 0);
}

static void the_next_program_is_passed_over_when_it_was_rescued(void **state)
{
    struct world *w = *state;
    const struct finding diff = { .diff = { .fields = DIFF_GAS } };
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    account_rescue(&w->account, &diff);
    expect_account(w, 1, 0, 1);
    assert_int_equal(w->account.skip_count, 0);
}

static void what_cannot_have_been_found_is_not_rescued(void **state)
{
    struct world *w = *state;
    const struct finding impossible[] = {
        { .index = 31, .diff = { .fields = DIFF_GAS } }, /* accounted for */
        { .index = WORKER_CHUNK, .diff = { .fields = DIFF_GAS } }, /* not its own */
        { .index = 32 + WORKER_BATCH + WORKER_SKIP_MAX, .diff = { .fields = DIFF_GAS } }, /* not yet */
        { .index = LIMIT, .diff = { .fields = DIFF_GAS } },
        { .index = 40, .other = RUN_ENGINES_MAX, .diff = { .fields = DIFF_GAS } },
        { .index = 40, .diff = { .fields = 0 } },
        { .index = 40, .kind = FINDING_ABORT },
        { .index = 40, .kind = FINDING_LEAK, .between = 40 },
        { .index = 40, .kind = FINDING_LEAK, .between = WORKER_CHUNK },
    };
    do_programs(w, 32);
    assert_int_equal(end(w, SIGKILL), ACCOUNT_KILLED);
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        account_rescue(&w->account, &impossible[i]);
    expect_account(w, 32, 32, 0);
    assert_int_equal(w->account.skip_count, 0);
    /* No more than there is room to leave out. */
    for (uint64_t i = 40; i < 40 + WORKER_SKIP_MAX + 5; i++)
        account_rescue(&w->account, &(struct finding){ .index = i, .diff = { .fields = DIFF_GAS } });
    expect_account(w, 32, 32, WORKER_SKIP_MAX);
}

static void impossible_records_change_nothing(void **state)
{
    struct world *w = *state;
    w->worker.next.tally.programs = 31; /* one is missing */
    ledger_commit(&w->worker, 32);
    expect_refused(w);
    w->worker.next.tally.programs = 33; /* one is counted twice */
    ledger_commit(&w->worker, 32);
    expect_refused(w);
    w->worker.next.tally.programs = WORKER_CHUNK + 4; /* another worker's programs */
    ledger_commit(&w->worker, WORKER_CHUNK + 4);
    expect_refused(w);
    w->worker.next.findings = LEDGER_RING + 1;
    do_programs(w, 1);
    expect_refused(w);
    memset(&w->shared.ledger, 0xa5, sizeof w->shared.ledger);
    expect_refused(w);
    do_programs(w, 32);
    assert_true(account_accept(&w->account, &w->shared));
    expect_account(w, 32, 32, 0);
}

static void impossible_findings_change_nothing(void **state)
{
    struct world *w = *state;
    const struct finding impossible[] = {
        { .index = 32, .diff = { .fields = DIFF_GAS } }, /* not done yet */
        { .index = WORKER_CHUNK, .diff = { .fields = DIFF_GAS } }, /* not its own */
        { .index = 1, .other = RUN_ENGINES_MAX, .diff = { .fields = DIFF_GAS } },
        { .index = 1, .diff = { .fields = 0 } },
        { .index = 1, .kind = FINDING_ABORT }, /* a worker that lives */
        { .index = 1, .kind = FINDING_KIND_COUNT },
        { .index = 0, .kind = FINDING_LEAK, .between = 32 },
        { .index = 1, .kind = FINDING_LEAK, .between = 0 },
    };
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        note(w, &impossible[i]);
        do_programs(w, 32);
        expect_refused(w);
    }
}

/* Code under test overwrote it all before the worker died: it begins again where its account stands. */
static void memory_full_of_rubbish_is_thrown_away(void **state)
{
    struct world *w = *state;
    do_programs(w, 32);
    assert_true(account_accept(&w->account, &w->shared));
    for (unsigned byte = 0; byte < 256; byte++) {
        memset(&w->shared, (int)byte, sizeof w->shared);
        assert_int_equal(w->account.queued - w->account.handed, 0);
        const struct account_end how = {
            .pid = PID, .wait_status = SIGSEGV, .hung = byte & 1, .stopping = byte & 2
        };
        enum account_verdict verdict;
        struct px_error err = { "" };
        assert_int_equal(account_close(&w->account, &w->shared, &how, &verdict, &err), PX_OK);
        assert_int_equal(verdict, ACCOUNT_DIED);
        w->account.handed = w->account.queued;
        assert_int_equal(w->account.accepted.tally.programs, 32);
        start(w);
    }
}

/* Program @guilty overwrites what the worker shares, and everything that it wrote before cannot be read any more. */
static enum account_verdict do_stretch(struct world *w, uint64_t guilty, unsigned *programs)
{
    uint64_t limit = atomic_load(&w->shared.orders.limit), at = w->worker.next.at, count = 0;
    for (; at < limit && at != guilty; at = worker_next(at, w->config.jobs))
        count++;
    *programs = (unsigned)count;
    do_programs(w, count);
    if (at == guilty && at < limit)
        memset(&w->shared, 0xa5, sizeof w->shared);
    else
        atomic_store(&w->shared.finished, PID);
    enum account_verdict verdict = end(w, at == guilty && at < limit ? SIGSEGV : EXITED);
    start(w);
    return verdict;
}

static void a_program_that_overwrites_its_account_is_found_by_shorter_stretches(void **state)
{
    struct world *w = *state;
    const uint64_t guilty = 1234;
    unsigned programs, deaths = 0;
    do_programs(w, 32);
    assert_true(account_accept(&w->account, &w->shared));
    while (w->account.queued == 0) {
        deaths += do_stretch(w, guilty, &programs) == ACCOUNT_DIED;
        assert_true(deaths <= 14 && w->account.accepted.at <= guilty + 1);
    }
    assert_int_equal(w->account.queued, 1);
    expect_finding(w, 0, guilty, FINDING_ABORT);
    assert_int_equal(w->account.accepted.at, guilty + 1);
    assert_int_equal(w->account.accepted.tally.programs, guilty);
    w->account.handed = 1;
    /* Then stretches grow again, until there is none any more. */
    enum account_verdict verdict = ACCOUNT_PAUSED;
    for (unsigned before = 0; verdict == ACCOUNT_PAUSED; before = programs) {
        verdict = do_stretch(w, UINT64_MAX, &programs);
        assert_true(programs >= before);
    }
    assert_int_equal(verdict, ACCOUNT_DONE);
    assert_int_equal(w->account.accepted.tally.programs, 2 * WORKER_CHUNK - 1);
}

/* --- no work without a sandbox --- */

static void a_sandbox_that_never_opens_is_an_error_in_the_end(void **state)
{
    struct world *w = *state;
    const struct account_end how = { .pid = PID, .wait_status = EXITED };
    enum account_verdict verdict;
    struct px_error err = { "" };
    enum px_status status = PX_OK;
    unsigned tries = 0;
    while (status == PX_OK && tries < 100) {
        tries++;
        start(w);
        atomic_store(&w->shared.ready, 0);
        atomic_store(&w->shared.finished, PID);
        w->shared.status = px_fail(&w->shared.error, PX_ERR_SYSTEM, "no window");
        status = account_close(&w->account, &w->shared, &how, &verdict, &err);
    }
    assert_int_equal(tries, 10);
    assert_int_equal(status, PX_ERR_SYSTEM);
    assert_string_equal(err.text, "no window");
}

static void a_worker_that_gives_up_says_why(void **state)
{
    struct world *w = *state;
    const struct account_end how = { .pid = PID, .wait_status = EXITED };
    enum account_verdict verdict;
    struct px_error err = { "" };
    do_programs(w, 32);
    atomic_store(&w->shared.finished, PID);
    w->shared.status = px_fail(&w->shared.error, PX_ERR_INTERNAL, "broken");
    assert_int_equal(account_close(&w->account, &w->shared, &how, &verdict, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, "broken");
    expect_account(w, 32, 32, 0); /* what it did counts */
}

static void want_of_memory_is_tried_again(void **state)
{
    struct world *w = *state;
    const struct account_end how = { .pid = PID, .wait_status = EXITED };
    enum account_verdict verdict;
    struct px_error err = { "" };
    enum px_status status = PX_OK;
    unsigned tries = 0;
    while (status == PX_OK && tries < 100) {
        tries++;
        start(w);
        is_at(w, 2);
        atomic_store(&w->shared.finished, PID);
        w->shared.status = px_fail(&w->shared.error, PX_ERR_NOMEM, "no memory");
        status = account_close(&w->account, &w->shared, &how, &verdict, &err);
        assert_int_equal(verdict, ACCOUNT_KILLED);
    }
    assert_int_equal(tries, CHILD_KILLS_MAX);
    assert_int_equal(status, PX_ERR_NOMEM);
    assert_string_equal(err.text, "no memory");
}

/* --- who does what --- */

static void every_program_has_one_worker_and_one_place(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= 5; jobs++) {
        uint64_t done[5] = { 0 };
        for (uint64_t i = 0; i < (uint64_t)11 * WORKER_CHUNK; i++) {
            unsigned owners = 0;
            for (unsigned job = 0; job < jobs; job++) {
                if (!worker_owns(i, job, jobs))
                    continue;
                owners++;
                assert_int_equal(worker_before(i, jobs), done[job]);
                done[job]++;
            }
            assert_int_equal(owners, 1);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_is_through_is_done),
        TEST(one_that_is_told_to_stop_is_done_wherever_it_stands),
        TEST(an_end_before_the_work_is_done_is_a_death_of_its_program),
        TEST(a_kill_from_outside_blames_nothing_and_loses_the_batch_alone),
        TEST(a_program_in_flight_at_every_kill_is_blamed_in_the_end),
        TEST(kills_with_progress_between_them_blame_nothing),
        TEST(a_fault_blames_the_program_in_flight_which_is_left_out_from_then_on),
        TEST(a_death_in_a_check_of_two_programs_leaves_out_the_check_alone),
        TEST(a_hang_that_the_supervisor_ends_is_one),
        TEST(deaths_between_programs_narrow_the_batch_down_to_one),
        TEST(findings_are_accepted_with_their_programs_and_once),
        TEST(what_was_found_stays_found_without_its_worker),
        TEST(the_next_program_is_passed_over_when_it_was_rescued),
        TEST(what_cannot_have_been_found_is_not_rescued),
        TEST(impossible_records_change_nothing),
        TEST(impossible_findings_change_nothing),
        TEST(memory_full_of_rubbish_is_thrown_away),
        TEST(a_program_that_overwrites_its_account_is_found_by_shorter_stretches),
        TEST(a_sandbox_that_never_opens_is_an_error_in_the_end),
        TEST(a_worker_that_gives_up_says_why),
        TEST(want_of_memory_is_tried_again),
        cmocka_unit_test(every_program_has_one_worker_and_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
