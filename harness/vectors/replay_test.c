#define _GNU_SOURCE
#include "harness/vectors/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vectors/errata.h"

#define FOLDER "corpus/vectors"

static void load(struct vectors *vectors, const char *name)
{
    char path[300];
    struct px_error err = { "" };
    (void)snprintf(path, sizeof path, FOLDER "/%s", name);
    if (vectors_load(vectors, path, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static struct replay_result replay(const struct vectors *vectors, const struct sandbox *sandbox)
{
    struct replay_result result;
    struct px_error err = { "" };
    if (vectors_replay(vectors, sandbox, NULL, &result, &err) != PX_OK)
        fail_msg("%s: %s", vectors->name, err.text);
    return result;
}

static struct replay_result replay_file(const char *name, const char *engines)
{
    struct vectors vectors;
    const struct sandbox sandbox = { .engines = engines };
    load(&vectors, name);
    struct replay_result result = replay(&vectors, &sandbox);
    assert_true(result.cases <= vectors.cases);
    vectors_fini(&vectors);
    return result;
}

/* What is in the corpus, by instruction. */
static void every_engine_gives_what_the_oracle_gave(void **state)
{
    (void)state;
    glob_t found;
    uint64_t cases = 0, ran[RUN_ENGINES_MAX] = { 0 };
    assert_int_equal(glob(FOLDER "/*" VECTORS_SUFFIX, 0, NULL, &found), 0);
    for (size_t k = 0; k < found.gl_pathc; k++) {
        const char *name = strrchr(found.gl_pathv[k], '/') + 1;
        struct replay_result r = replay_file(name, ENGINES_EVERY);
        if (r.missed > 0)
            fail_msg("%s: case %llu: %s", name, (unsigned long long)r.misses[0].index, r.misses[0].text);
        cases += r.cases;
        for (size_t i = 0; i < r.engine_count; i++)
            ran[i] += r.judged[i];
    }
    size_t files = found.gl_pathc;
    globfree(&found);
    assert_true(files > 100 && cases > 300000);
    for (size_t i = 0; i < 5; i++) /* all but `linear` take everything */
        assert_int_equal(ran[i], cases);
    assert_true(ran[5] > cases / 2);
}

static bool is_erratum(enum px_op op)
{
    for (size_t i = 0; i < vectors_errata_count; i++)
        if (vectors_errata[i].op == op && !vectors_errata[i].covers)
            return true;
    return false;
}

static void every_instruction_has_vectors_or_an_erratum(void **state)
{
    (void)state;
    for (unsigned op = 1; op < PX_OP_COUNT; op++) {
        struct vectors vectors;
        char path[64];
        struct px_error err;
        (void)snprintf(path, sizeof path, FOLDER "/%s" VECTORS_SUFFIX, px_ops[op].mnemonic);
        bool there = vectors_load(&vectors, path, &err) == PX_OK;
        if (there == is_erratum((enum px_op)op))
            fail_msg("%s: %s", px_ops[op].mnemonic, there ? "vectors in spite of an erratum" : err.text);
        if (there)
            vectors_fini(&vectors);
    }
}

static void an_engine_wrong_in_one_instruction_is_caught_by_its_vectors(void **state)
{
    (void)state;
    for (unsigned op = 1; op < PX_OP_COUNT; op++) {
        char name[64], engines[64];
        if (!(px_ops[op].regs & PX_HAS_RD) || is_erratum((enum px_op)op))
            continue;
        (void)snprintf(name, sizeof name, "%s" VECTORS_SUFFIX, px_ops[op].mnemonic);
        (void)snprintf(engines, sizeof engines, "interp,wrong:op=%s", px_ops[op].mnemonic);
        struct replay_result r = replay_file(name, engines);
        if (r.missed == 0)
            fail_msg("%s: nobody saw it", engines);
        assert_non_null(strstr(r.misses[0].text, "wrong:op="));
    }
}

/* When all engines are wrong alike, only an oracle can tell. */
static void engines_that_are_wrong_together_are_caught(void **state)
{
    (void)state;
    struct replay_result r = replay_file("add.pxv", "wrong:op=add,wrong:op=add");
    assert_true(r.missed > 1000);
    assert_int_equal(r.miss_count, REPLAY_MISSES_MAX);
    assert_int_equal(r.misses[0].index, 0);
    assert_string_equal(r.misses[0].text, "wrong:op=add: a0 is 0x1, expected 0");
    assert_string_equal(r.misses[15].text, "wrong:op=add: a0 is 0xfffe, expected 0xffff");
}

static void a_lie_about_any_field_is_caught(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "exit", "pc", "gas", "dirty", "count", "memory", "x1", "x10", "x15"
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char engines[64];
        (void)snprintf(engines, sizeof engines, "interp,wrong:%s", fields[i]);
        if (replay_file("sd.pxv", engines).missed == 0)
            fail_msg("%s: nobody saw it", engines);
    }
    assert_int_equal(replay_file("sd.pxv", "interp,wrong:none").missed, 0);
}

static void a_case_that_kills_its_process_is_missed_and_the_others_run(void **state)
{
    (void)state;
    struct replay_result r = replay_file("flow.pxv", "interp,wrong:die=sh2add");
    assert_true(r.deaths > 0 && r.deaths <= 4);
    assert_int_equal(r.missed, r.deaths);
    assert_string_equal(r.misses[0].text, "an engine: abort:SIGILL");
    assert_true(r.misses[0].index > 10); /* those before it ran */
    assert_true(r.cases > r.misses[0].index);
}

static void after_too_many_deaths_it_ends(void **state)
{
    (void)state;
    struct vectors vectors;
    const struct sandbox sandbox = { .engines = "interp,wrong:hang=or", .hang_ms = 30 };
    load(&vectors, "or.pxv");
    struct replay_result r = replay(&vectors, &sandbox);
    assert_true(r.ended_early);
    assert_int_equal(r.deaths, 2);
    assert_int_equal(r.hangs, 2);
    assert_int_equal(r.missed, 2);
    assert_int_equal(r.misses[1].index, 1);
    assert_string_equal(r.misses[1].text, "an engine: hang");
    vectors_fini(&vectors);
}

static bool at_once(void *arg)
{
    (void)arg;
    return true;
}

static void it_can_be_interrupted(void **state)
{
    (void)state;
    struct vectors vectors;
    struct replay_result result = { .cases = 1 };
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = "interp,block" };
    load(&vectors, "and.pxv");
    assert_int_equal(vectors_replay(&vectors, &sandbox, at_once, &result, &err), PX_ERR_LOST);
    assert_int_equal(result.cases, 0);
    vectors_fini(&vectors);
}

static void engines_that_do_not_open_are_told(void **state)
{
    (void)state;
    struct vectors vectors;
    struct replay_result result;
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = "interp,nope" };
    load(&vectors, "and.pxv");
    assert_int_equal(vectors_replay(&vectors, &sandbox, NULL, &result, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "engine 'nope': expected"));
    vectors_fini(&vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_engine_gives_what_the_oracle_gave),
        cmocka_unit_test(every_instruction_has_vectors_or_an_erratum),
        cmocka_unit_test(an_engine_wrong_in_one_instruction_is_caught_by_its_vectors),
        cmocka_unit_test(engines_that_are_wrong_together_are_caught),
        cmocka_unit_test(a_lie_about_any_field_is_caught),
        cmocka_unit_test(a_case_that_kills_its_process_is_missed_and_the_others_run),
        cmocka_unit_test(after_too_many_deaths_it_ends),
        cmocka_unit_test(it_can_be_interrupted),
        cmocka_unit_test(engines_that_do_not_open_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
