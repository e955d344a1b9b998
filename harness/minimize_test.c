#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "harness/minimize.h"
#include "harness/seen.h"
#include "harness/tests/flawed.h"
#include "vm/test_program.h"

/* For as long as it takes: what bounds the search here are tries, of which there are as many on any machine. */
static const double unhurried = INFINITY;
enum { TRIES = 64 };

/* Minimizes @program against an engine with @flaws; checks what holds of every result. */
static void shrink(const char *flaws, const struct px_program *program, double seconds,
                   struct px_program *small, struct minimized *m)
{
    struct minimize_options o = { .probe = { .sandbox = { .engines = flaws, .open = flawed_open } },
                                  .seconds = seconds,
                                  .candidates = TRIES };
    struct px_error err = { "" };
    if (minimize(&o, program, small, m, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_true(m->diverges);
    assert_true(m->confirmed);
    assert_true(m->after <= m->before);
    assert_true(small->gas <= program->gas);
    assert_true(small->map_count <= program->map_count);
}

/* A straight line of 64 instructions of @seed that diverges; the bug sits behind values that others computed. */
static void make_line(const char *flaws, uint64_t seed, struct px_program *program)
{
    struct px_gen gen;
    struct px_error err = { "" };
    struct probe_config config = { .sandbox = { .engines = flaws, .open = flawed_open } };
    struct probe *probe;
    struct bucket bucket = { .diverges = false };
    assert_int_equal(px_gen_parse("straight:length=64", &gen, &err), PX_OK);
    assert_int_equal(probe_create(&config, &probe, &err), PX_OK);
    for (uint64_t i = 0; !bucket.diverges; i++) {
        assert_int_equal(px_gen_make(&gen, seed, i, program), PX_OK);
        assert_int_equal(probe_bucket(probe, program, 0, &bucket, &err), PX_OK);
    }
    probe_destroy(probe);
}

static void value_bugs_in_64_instructions_shrink_to_three_in_64_tries(void **state)
{
    (void)state;
    static const char *const flaws[] = { "xor", "mul", "divw", "overflow-divw" };
    struct px_program program, small;
    px_program_init(&program);
    px_program_init(&small);
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++)
        for (uint64_t seed = 0; seed < 5; seed++) {
            struct minimized m;
            make_line(flaws[i], seed, &program);
            shrink(flaws[i], &program, unhurried, &small, &m);
            assert_true(m.before >= 64);
            assert_true(m.after <= 3);
            assert_true(m.complete);
        }
    px_program_fini(&program);
    px_program_fini(&small);
}

static void aborts_and_hangs_shrink_in_processes_that_may_die(void **state)
{
    (void)state;
    static const char *const flaws[] = { "fatal-xor", "endless-xor" };
    struct px_program program, small;
    px_program_init(&program);
    px_program_init(&small);
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        struct minimized m;
        make_line(flaws[i], 7, &program);
        shrink(flaws[i], &program, unhurried, &small, &m);
        assert_true(m.after <= 3);
        assert_true(m.complete);
        assert_true(m.processes > 1);
    }
    px_program_fini(&program);
    px_program_fini(&small);
}

static void without_time_the_original_stays(void **state)
{
    (void)state;
    struct px_program program, small;
    struct minimized m;
    px_program_init(&program);
    px_program_init(&small);
    make_line("xor", 1, &program);
    shrink("xor", &program, 0, &small, &m);
    assert_false(m.complete);
    assert_int_equal(m.candidates, 0);
    assert_int_equal(m.after, m.before);
    px_program_fini(&program);
    px_program_fini(&small);
}

static void the_bucket_stays_that_of_the_original(void **state)
{
    (void)state;
    static const char both[] = "parallax 1 rv64e-jar.1\ngas 123456\nreg x5 0x1\nreg x6 0x3\ncode\n"
                               "  026283b3\n" /* mul t2, t0, t1: the first wrong one */
                               "  0062c433\n" /* xor s0, t0, t1 */
                               "  0000200b\n"; /* ecalli 0 */
    struct px_program program, small;
    struct minimized m;
    px_program_init(&program);
    px_program_init(&small);
    test_parse(&program, both, strlen(both));
    shrink("xor+mul", &program, unhurried, &small, &m);
    assert_string_equal(m.bucket.id, "interp|flawed:mul:reg:-");
    assert_int_equal(m.after, 1);
    assert_int_equal(px_decode(small.code, small.code_size, 0).op, PX_OP_MUL);
    assert_true(small.gas < 123456);
    px_program_fini(&program);
    px_program_fini(&small);
}

static void engines_that_agree_leave_nothing_to_minimize(void **state)
{
    (void)state;
    struct minimize_options o = { .probe = { .sandbox = { .engines = "interp,block" } },
                                  .seconds = unhurried };
    static const char text[] = "parallax 1 rv64e-jar.1\ngas 1000\ncode\n  0000200b\n";
    struct px_program program, small;
    struct minimized m;
    struct px_error err = { "" };
    px_program_init(&program);
    px_program_init(&small);
    test_parse(&program, text, strlen(text));
    assert_int_equal(minimize(&o, &program, &small, &m, &err), PX_OK);
    assert_false(m.diverges);
    assert_int_equal(small.code_size, 0);
    o.probe.sandbox.engines = "interp,bloc";
    assert_int_equal(minimize(&o, &program, &small, &m, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "bloc"));
    px_program_fini(&program);
    px_program_fini(&small);
}

static void a_limit_on_candidates_gives_the_same_program_each_time(void **state)
{
    (void)state;
    struct minimize_options o = { .probe = { .sandbox = { .engines = "xor", .open = flawed_open } },
                                  .seconds = unhurried,
                                  .candidates = 6 };
    struct px_program program, small[2];
    struct minimized m;
    struct px_error err = { "" };
    px_program_init(&program);
    make_line("xor", 3, &program);
    for (size_t i = 0; i < 2; i++) {
        px_program_init(&small[i]);
        assert_int_equal(minimize(&o, &program, &small[i], &m, &err), PX_OK);
        assert_true(m.confirmed);
        assert_false(m.complete);
        assert_int_equal(m.candidates, 6);
        assert_true(m.after < m.before);
    }
    test_expect_same_program(&small[0], &small[1]);
    px_program_fini(&program);
    px_program_fini(&small[0]);
    px_program_fini(&small[1]);
}

static bool at_once(void *arg)
{
    (void)arg;
    return true;
}

static void an_interrupt_ends_the_search(void **state)
{
    (void)state;
    struct minimize_options o = { .probe = { .sandbox = { .engines = "endless-xor", .open = flawed_open } },
                                  .seconds = unhurried };
    struct px_program program, small;
    struct minimized m;
    struct px_error err = { "" };
    px_program_init(&program);
    px_program_init(&small);
    make_line("endless-xor", 3, &program);
    o.probe.interrupted = at_once;
    assert_int_equal(minimize(&o, &program, &small, &m, &err), PX_ERR_SYSTEM);
    assert_string_equal(err.text, "interrupted");
    px_program_fini(&program);
    px_program_fini(&small);
}

static void a_set_of_digests_knows_what_it_was_given(void **state)
{
    (void)state;
    struct seen seen = { .count = 0 };
    bool added;
    for (uint64_t i = 1; i <= 5000; i++) {
        assert_int_equal(seen_add(&seen, i * UINT64_C(0x9e3779b97f4a7c15), &added), PX_OK);
        assert_true(added);
    }
    for (uint64_t i = 1; i <= 5000; i++) {
        assert_int_equal(seen_add(&seen, i * UINT64_C(0x9e3779b97f4a7c15), &added), PX_OK);
        assert_false(added);
    }
    seen_fini(&seen);
}

/* Runs the command with its diagnostics out of the way. */
static int command(char *first, char *second)
{
    char name[] = "minimize";
    char *argv[] = { name, first, second, NULL };
    fflush(stderr);
    int sink = open("/dev/null", O_WRONLY | O_CLOEXEC), old = dup(STDERR_FILENO);
    if (sink < 0 || old < 0)
        return -1; /* no exit code: whoever expects one fails */
    dup2(sink, STDERR_FILENO);
    close(sink);
    int code = command_minimize.run(&command_minimize, second ? 3 : first ? 2 : 1, argv);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
    return code;
}

static int command_on(const char *text)
{
    char path[] = P_tmpdir "/parallax-minimize-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    int code = command(path, NULL);
    unlink(path);
    return code;
}

static void the_command_tells_bad_input_from_agreement(void **state)
{
    (void)state;
    char missing[] = "/nonexistent/program.px", option[] = "--seconds=0", engines[] = "--engines=interp";
    assert_int_equal(command(NULL, NULL), EXIT_USAGE);
    assert_int_equal(command(missing, NULL), EXIT_USAGE);
    assert_int_equal(command(missing, option), EXIT_USAGE);
    assert_int_equal(command(missing, engines), EXIT_USAGE);
    assert_int_equal(command_on("parallax 1 rv64e-jar.1\ngas 1000\ncode\n  zzz\n"), EXIT_USAGE);
    assert_int_equal(command_on("parallax 1 rv64e-jar.1\ngas 1000\ncode\n  0000200b\n"), EXIT_AGREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_bugs_in_64_instructions_shrink_to_three_in_64_tries),
        cmocka_unit_test(aborts_and_hangs_shrink_in_processes_that_may_die),
        cmocka_unit_test(without_time_the_original_stays),
        cmocka_unit_test(the_bucket_stays_that_of_the_original),
        cmocka_unit_test(engines_that_agree_leave_nothing_to_minimize),
        cmocka_unit_test(a_limit_on_candidates_gives_the_same_program_each_time),
        cmocka_unit_test(an_interrupt_ends_the_search),
        cmocka_unit_test(a_set_of_digests_knows_what_it_was_given),
        cmocka_unit_test(the_command_tells_bad_input_from_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
