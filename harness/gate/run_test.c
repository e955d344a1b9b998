/* Gates that run: over engines that are right, wrong, idle and unreliable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/gate/files.h"
#include "harness/gate/report.h"
#include "harness/gate/run.h"
#include "harness/isolate.h"
#include "harness/options.h"
#include "harness/tests/folder.h"
#include "harness/tests/gates.h"
#include "harness/tests/give_up.h"

enum { PATH_ROOM = 256 };

struct world {
    struct folder folder;
    char out[PATH_ROOM], corpus[PATH_ROOM];
    struct gate gate;
    struct gate_options options;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    folder_make(&w->folder);
    folder_path(&w->folder, "out", w->out, sizeof w->out);
    folder_path(&w->folder, "corpus", w->corpus, sizeof w->corpus);
    gates_make(&w->gate);
    w->gate.out = w->out;
    w->gate.corpus = w->corpus;
    w->options = (struct gate_options){ .sandbox = { .engines = "interp,block" }, .each = 2, .quiet = true };
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    gate_fini(&w->gate);
    folder_remove(&w->folder);
    free(w);
    return 0;
}

static size_t add_range(struct gate *gate, const char *gen, uint64_t programs)
{
    size_t at = gates_add_range(gate, gen, 7, programs);
    gate->cases[at].state = GATE_NOT_RUN;
    gate->cases[at].programs = 0;
    return at;
}

static void run_gate(struct world *w)
{
    struct px_error err = { "" };
    if (gate_run(&w->gate, &w->options, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_true(gate_complete(&w->gate));
}

/* --- ranges --- */

static void the_ranges_hold_something_of_every_generator(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    w->gate.scale = 100;
    assert_int_equal(gate_add_ranges(&w->gate, &err), PX_OK);
    for (size_t i = 0; px_generators[i]; i++) {
        bool there = false;
        for (size_t k = 0; k < w->gate.case_count; k++) {
            size_t length = strlen(px_generators[i]->name);
            const char *gen = w->gate.cases[k].gen;
            there |= strncmp(gen, px_generators[i]->name, length) == 0 && strchr(":@", gen[length]);
        }
        if (!there)
            fail_msg("no range of %s", px_generators[i]->name);
    }
}

static void the_scale_is_per_cent_of_each_range(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    uint64_t full[32];
    w->gate.scale = 100;
    assert_int_equal(gate_add_ranges(&w->gate, &err), PX_OK);
    size_t count = w->gate.case_count;
    assert_in_range(count, 1, 32);
    for (size_t i = 0; i < count; i++)
        full[i] = w->gate.cases[i].planned;
    w->gate.scale = 1;
    assert_int_equal(gate_add_ranges(&w->gate, &err), PX_OK);
    assert_int_equal(w->gate.case_count, 2 * count);
    for (size_t i = 0; i < count; i++) {
        struct px_gen gen;
        const struct gate_case *c = &w->gate.cases[count + i];
        assert_int_equal(px_gen_parse(c->gen, &gen, &err), PX_OK);
        bool all = full[i] == px_gen_count(&gen); /* which is less than what the table asks for */
        assert_in_range(c->planned, full[i] / 100, all ? full[i] : full[i] / 100);
    }
    w->gate.scale = 0;
    assert_int_equal(gate_add_ranges(&w->gate, &err), PX_OK);
    assert_int_equal(w->gate.case_count, 2 * count);
}

static void engines_that_agree_pass_and_leave_nothing(void **state)
{
    struct world *w = *state;
    add_range(&w->gate, "mix", 3000);
    add_range(&w->gate, "gas", 1000);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "pass");
    assert_int_equal(w->gate.cases[0].programs, 3000);
    assert_int_equal(w->gate.tally.programs, 4000);
    assert_int_equal(w->gate.took[1], 4000);
    assert_int_equal(folder_entries(&w->folder, ""), 0);
}

/* The gate as JSON without its times, and with its folder. */
static char *told(struct world *w)
{
    char *text = NULL;
    size_t size;
    w->gate.seconds = 0;
    w->gate.jobs = 0;
    for (size_t i = 0; i < w->gate.case_count; i++)
        w->gate.cases[i].seconds = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    gate_print_json(&w->gate, file);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void run_over(struct world *w, const char *engines, unsigned jobs)
{
    struct gate fresh;
    gates_make(&fresh);
    fresh.out = w->out;
    fresh.corpus = w->corpus;
    fresh.jobs = jobs;
    gate_fini(&w->gate);
    w->gate = fresh;
    w->options.sandbox.engines = engines;
    add_range(&w->gate, "mix", 6000);
    add_range(&w->gate, "straight", 3000);
    run_gate(w);
}

static void a_wrong_engine_gives_the_same_with_any_number_of_workers(void **state)
{
    static const char *const engines[] = { "interp,wrong:op=xor", "interp,wrong:die=sub",
                                           "interp,wrong:op=sub%3" };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        run_over(w, engines[i], 1);
        assert_string_equal(gate_verdict(&w->gate), "fail");
        char *one = told(w);
        for (unsigned jobs = 2; jobs <= 3; jobs++) {
            run_over(w, engines[i], jobs);
            char *more = told(w);
            assert_string_equal(more, one);
            free(more);
        }
        free(one);
    }
}

static void one_bug_in_two_ranges_is_one_bucket(void **state)
{
    struct world *w = *state;
    run_over(w, "interp,wrong:op=xor", 2);
    assert_int_equal(w->gate.found->bucket_count, 1);
    assert_string_equal(w->gate.found->buckets[0].bucket.op, "xor");
    assert_int_equal(w->gate.hit_count, 2);
    assert_int_equal(w->gate.hits[0].count + w->gate.hits[1].count, w->gate.found->buckets[0].count);
    assert_true(w->gate.cases[0].more > 0); /* a sixteenth keeps two that look alike */
    assert_in_range(w->gate.hits[0].count, 16, 64);
    assert_int_equal(w->gate.cases[0].programs, 6000);
    assert_int_equal(folder_entries(&w->folder, "out"), 1);
}

static void more_findings_are_looked_at_when_asked(void **state)
{
    struct world *w = *state;
    run_over(w, "interp,wrong:op=xor", 2);
    uint64_t few = w->gate.found->confirmed, left = w->gate.cases[0].more + w->gate.cases[1].more;
    w->options.each = 4;
    run_over(w, "interp,wrong:op=xor", 2);
    uint64_t many = w->gate.found->confirmed, rest = w->gate.cases[0].more + w->gate.cases[1].more;
    assert_true(many > few);
    assert_int_equal(many + rest, few + left);
}

static void aborts_end_a_range_early_but_not_the_gate(void **state)
{
    struct world *w = *state;
    run_over(w, "interp,wrong:die=addi", 2);
    for (size_t i = 0; i < w->gate.case_count; i++) {
        assert_int_equal(w->gate.cases[i].end, FINDING_END_SEVERE);
        assert_in_range(w->gate.cases[i].programs, 40, 1000);
        assert_int_equal(w->gate.cases[i].more, 0);
    }
    assert_string_equal(gate_verdict(&w->gate), "fail");
    assert_int_equal(w->gate.tally.programs, 0); /* only of ranges that did not end early */
    assert_int_equal(w->gate.trouble_count, 0);
}

/* --- engines that cannot be had by name --- */

/* The reference again, with one operation changed. */
static struct px_engine_ops changed;
static bool lying;           /* in this process */
static int *processes_begun; /* shared */

static enum px_status open_changed(struct run *run, struct px_error *err)
{
    struct engine engines[2] = { { .ops = &px_interp_engine }, { .ops = &changed } };
    for (size_t i = 0; i < 2; i++) {
        enum px_status status = engines[i].ops->create("", &engines[i].instance, err);
        if (status != PX_OK)
            return status;
    }
    return run_open_engines(engines, 2, run, err);
}

static enum px_status lie(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                          struct px_outcome *outcome, struct px_error *err)
{
    enum px_status status = px_interp_engine.run(engine, unit, entry, outcome, err);
    outcome->gas ^= lying;
    return status;
}

/* Wrong in the first process alone: what it finds, no other will. */
static enum px_status open_liar(const char *engines, struct run *run, struct px_error *err)
{
    (void)engines;
    lying = (*processes_begun)++ == 0;
    changed = px_interp_engine;
    changed.run = lie;
    return open_changed(run, err);
}

static void what_does_not_come_up_again_is_kept_as_unstable_and_fails(void **state)
{
    struct world *w = *state;
    char path[2 * PATH_ROOM];
    processes_begun = isolate_share(sizeof *processes_begun);
    assert_non_null(processes_begun);
    w->options.sandbox.open = open_liar;
    w->gate.jobs = 1;
    w->gate.max_divergences = 100;
    add_range(&w->gate, "mix", 1);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "fail");
    assert_int_equal(w->gate.found->bucket_count, 0);
    assert_int_equal(w->gate.trouble_count, 1);
    assert_int_equal(w->gate.troubles[0].kind, GATE_UNSTABLE);
    assert_string_equal(w->gate.troubles[0].text,
                        "program 0: gas, seen once and not again in a fresh process");
    (void)snprintf(path, sizeof path, "%s/unstable/seed-0000000000000007-mix-0/original.px", w->out);
    assert_string_equal(w->gate.troubles[0].path, path);
    assert_int_equal(folder_entries(&w->folder, "out/unstable/seed-0000000000000007-mix-0"), 2);
    isolate_unshare(processes_begun, sizeof *processes_begun);
}

static enum px_status refuse(struct px_engine *engine, const struct px_image *image, unsigned flags,
                             struct px_unit **unit, struct px_error *err)
{
    (void)engine;
    (void)image;
    (void)flags;
    (void)unit;
    return px_fail(err, PX_UNSUPPORTED, "not for me");
}

static enum px_status open_idler(const char *engines, struct run *run, struct px_error *err)
{
    (void)engines;
    changed = px_interp_engine;
    changed.prepare = refuse;
    return open_changed(run, err);
}

static void an_engine_that_takes_nothing_fails_the_gate(void **state)
{
    struct world *w = *state;
    w->options.sandbox.open = open_idler;
    add_range(&w->gate, "straight", 9999);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "pass"); /* too few to tell */
    gate_fini(&w->gate);
    gates_make(&w->gate);
    w->gate.out = w->out;
    add_range(&w->gate, "straight", 10000);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "fail");
    assert_int_equal(w->gate.trouble_count, 1);
    assert_int_equal(w->gate.troubles[0].kind, GATE_IDLE);
    assert_string_equal(w->gate.troubles[0].text, "block took no program");
}

/* --- files --- */

static void add_file(const struct world *w, const char *name, const char *text)
{
    char path[2 * PATH_ROOM];
    for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
        (void)snprintf(path, sizeof path, "%s/%.*s", w->folder.path, (int)(slash - name), name);
        (void)mkdir(path, 0777);
    }
    (void)snprintf(path, sizeof path, "%s/%s", w->folder.path, name);
    FILE *file = fopen(path, "we");
    if (!file)
        give_up(path);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* xor a0, a1, a2 with a2 = 1; ecalli 5. */
#define PROGRAM "parallax 1 rv64e-jar.1\ngas 1000\nreg x12 0x1\ncode\n  00c5c533\n  0002a00b\n"

static void find_files(struct world *w)
{
    struct px_error err = { "" };
    if (gate_find_files(&w->gate, true, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void expect_name(const struct world *w, size_t at, const char *name, enum gate_part part)
{
    char path[2 * PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/%s", w->corpus, name);
    assert_string_equal(w->gate.cases[at].name, path);
    assert_int_equal(w->gate.cases[at].part, part);
}

static void files_come_part_by_part_in_the_order_of_their_names(void **state)
{
    struct world *w = *state;
    add_file(w, "corpus/vectors/b/2.px", PROGRAM);
    add_file(w, "corpus/vectors/b/10.px", PROGRAM);
    add_file(w, "corpus/vectors/a.px", PROGRAM);
    add_file(w, "corpus/regress/z.px", PROGRAM);
    add_file(w, "corpus/regress/README", "not a program");
    add_file(w, "corpus/regress/.hidden.px", "not a program");
    add_file(w, "corpus/regress/.git/x.px", "not a program");
    add_file(w, "corpus/other/x.px", "not a program");
    find_files(w);
    assert_int_equal(w->gate.case_count, 4);
    expect_name(w, 0, "regress/z.px", GATE_REGRESS);
    expect_name(w, 1, "vectors/a.px", GATE_VECTORS);
    expect_name(w, 2, "vectors/b/10.px", GATE_VECTORS);
    expect_name(w, 3, "vectors/b/2.px", GATE_VECTORS);
    assert_false(w->gate.missing[GATE_REGRESS]);
    assert_true(w->gate.missing[GATE_SEEDS]);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "pass");
    assert_int_equal(gate_compared(&w->gate), 4);
}

static void a_missing_corpus_is_refused_only_when_it_was_named(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    char message[2 * PATH_ROOM];
    assert_int_equal(gate_find_files(&w->gate, false, &err), PX_OK);
    assert_int_equal(w->gate.case_count, 0);
    assert_true(w->gate.missing[GATE_REGRESS]);
    assert_int_equal(gate_find_files(&w->gate, true, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message, "corpus '%s': No such file or directory", w->corpus);
    assert_string_equal(err.text, message);
    add_file(w, "corpus", "a file");
    assert_int_equal(gate_find_files(&w->gate, false, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message, "corpus '%s': Not a directory", w->corpus);
    assert_string_equal(err.text, message);
}

static void a_file_that_is_no_program_is_refused_with_its_place(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    char message[2 * PATH_ROOM];
    add_file(w, "corpus/vectors/bad.px", "parallax 1 rv64e-jar.1\ngas many\n");
    assert_int_equal(gate_find_files(&w->gate, true, &err), PX_ERR_INPUT);
    (void)snprintf(message, sizeof message,
                   "%s/vectors/bad.px:2:5: found \"many\", expected a number, decimal or 0x hex", w->corpus);
    assert_string_equal(err.text, message);
}

static void links_are_followed_but_not_for_ever(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    char path[2 * PATH_ROOM];
    add_file(w, "corpus/regress/a.px", PROGRAM);
    (void)snprintf(path, sizeof path, "%s/regress/b.px", w->corpus);
    assert_int_equal(symlink("a.px", path), 0);
    find_files(w);
    assert_int_equal(w->gate.case_count, 2);
    (void)snprintf(path, sizeof path, "%s/regress/loop", w->corpus);
    assert_int_equal(symlink("..", path), 0);
    assert_int_equal(gate_find_files(&w->gate, true, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, ": is a link to a folder that it is in"));
}

static void an_expectation_that_is_missed_fails_on_every_engine(void **state)
{
    struct world *w = *state;
    add_file(w, "corpus/regress/kept.px", PROGRAM "expect exit=hostcall:5 x10=1\n");
    add_file(w, "corpus/regress/missed.px", PROGRAM "expect exit=hostcall:5 x10=2\n");
    find_files(w);
    run_gate(w);
    assert_string_equal(gate_verdict(&w->gate), "fail");
    assert_int_equal(w->gate.trouble_count, 2);
    assert_string_equal(w->gate.troubles[0].text, "interp: a0 is 0x1, expected 0x2");
    assert_string_equal(w->gate.troubles[1].text, "block: a0 is 0x1, expected 0x2");
    assert_string_equal(w->gate.troubles[1].path, w->gate.cases[1].name);
    assert_false(gate_case_fails(&w->gate, 0));
    assert_true(gate_case_fails(&w->gate, 1));
    assert_int_equal(w->gate.found->bucket_count, 0);
}

static void one_bug_in_files_and_ranges_is_one_bucket(void **state)
{
    struct world *w = *state;
    w->options.sandbox.engines = "interp,wrong:op=xor";
    add_file(w, "corpus/regress/a.px", PROGRAM);
    add_file(w, "corpus/seeds/minimal.px", PROGRAM);
    find_files(w);
    add_range(&w->gate, "mix", 500);
    run_gate(w);
    assert_int_equal(w->gate.found->bucket_count, 1);
    assert_int_equal(w->gate.hit_count, 3);
    const struct campaign_bucket *b = &w->gate.found->buckets[0];
    char name[PATH_ROOM];
    (void)snprintf(name, sizeof name, "out/%s", b->path);
    assert_in_range(folder_entries(&w->folder, name), 5, 5 + CAMPAIGN_STORED_MAX);
    (void)snprintf(name, sizeof name, "out/%s/corpus-minimal.px", b->path);
    char *text = folder_read(&w->folder, name); /* beside minimal.px, not over it */
    assert_non_null(strstr(text, "00c5c533"));
    free(text);
}

/* One engine alone says nothing, but an `expect` line can be held against it. */
static void a_file_that_one_engine_takes_is_compared_with_its_expectation_alone(void **state)
{
    struct world *w = *state;
    w->options.sandbox.open = open_idler;
    add_file(w, "corpus/regress/a.px", PROGRAM);
    add_file(w, "corpus/vectors/b.px", PROGRAM "expect exit=hostcall:5 x10=1\n");
    find_files(w);
    run_gate(w);
    assert_int_equal(w->gate.cases[0].state, GATE_UNTAKEN);
    assert_int_equal(w->gate.cases[1].state, GATE_RUN);
    assert_int_equal(gate_compared(&w->gate), 1);
    assert_string_equal(gate_verdict(&w->gate), "pass");
}

static void a_gate_with_nothing_to_run_does_not_pass(void **state)
{
    struct world *w = *state;
    run_gate(w);
    assert_int_equal(gate_exit_code(&w->gate), EXIT_USAGE);
    w->options.sandbox.open = open_idler;
    add_file(w, "corpus/regress/a.px", PROGRAM);
    find_files(w);
    run_gate(w);
    assert_int_equal(gate_exit_code(&w->gate), EXIT_USAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_ranges_hold_something_of_every_generator),
        CASE(the_scale_is_per_cent_of_each_range),
        CASE(engines_that_agree_pass_and_leave_nothing),
        CASE(a_wrong_engine_gives_the_same_with_any_number_of_workers),
        CASE(one_bug_in_two_ranges_is_one_bucket),
        CASE(more_findings_are_looked_at_when_asked),
        CASE(aborts_end_a_range_early_but_not_the_gate),
        CASE(what_does_not_come_up_again_is_kept_as_unstable_and_fails),
        CASE(an_engine_that_takes_nothing_fails_the_gate),
        CASE(files_come_part_by_part_in_the_order_of_their_names),
        CASE(a_missing_corpus_is_refused_only_when_it_was_named),
        CASE(a_file_that_is_no_program_is_refused_with_its_place),
        CASE(links_are_followed_but_not_for_ever),
        CASE(an_expectation_that_is_missed_fails_on_every_engine),
        CASE(one_bug_in_files_and_ranges_is_one_bucket),
        CASE(a_file_that_one_engine_takes_is_compared_with_its_expectation_alone),
        CASE(a_gate_with_nothing_to_run_does_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
