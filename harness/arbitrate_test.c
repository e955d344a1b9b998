/* What the oracle says of two engines that differ, and why it sometimes says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/arbitrate.h"
#include "harness/oracle/oracle.h"
#include "harness/tests/give_up.h"

enum {
    REMW = 0x025362bb,  /* remw t0, t1, t0 */
    CTZW = 0x6010129b,  /* ctzw t0, zero */
    JUMP = 0x0000006f,  /* to itself */
};

static void make_program(struct px_program *program, const uint32_t *words, size_t count)
{
    const uint32_t halt = PX_WORD_ECALLI_0;
    px_program_init(program);
    program->gas = 10000;
    program->x[5] = 3;
    program->x[6] = 10;
    assert_int_equal(px_program_append(program, words, count * sizeof *words), PX_OK);
    assert_int_equal(px_program_append(program, &halt, sizeof halt), PX_OK);
}

static struct isolated between(const char *first, const char *other, enum finding_kind kind)
{
    struct isolated r = { .engine_count = 2,
                          .diverged = 1,
                          .finding = { .kind = kind, .other = 1 },
                          .caps = { { .gas = true }, { .gas = true } } };
    (void)snprintf(r.specs[0], sizeof r.specs[0], "%s", first);
    (void)snprintf(r.specs[1], sizeof r.specs[1], "%s", other);
    return r;
}

/* Asks about a list of the two. */
static bool ask_oracle(const struct isolated *isolated, const struct px_program *program,
                       const struct px_program *minimal, char text[ARBITRATION_TEXT])
{
    char list[ENGINES_TEXT];
    (void)snprintf(list, sizeof list, "%s,%s%%16", isolated->specs[0], isolated->specs[1]);
    return arbitrate(list, isolated, program, minimal, text, ARBITRATION_TEXT);
}

/* @expected has "qemu" where the text names the version too. */
static void expect_line(const struct isolated *isolated, const struct px_program *program,
                        const struct px_program *minimal, const char *expected)
{
    char text[ARBITRATION_TEXT], line[ARBITRATION_TEXT], version[32];
    struct px_error err;
    assert_int_equal(oracle_version(version, sizeof version, &err), PX_OK);
    const char *name = strstr(expected, "qemu");
    assert_non_null(name);
    size_t before = (size_t)(name - expected) + strlen("qemu");
    (void)snprintf(line, sizeof line, "%.*s %s%s", (int)before, expected, version, expected + before);
    assert_true(ask_oracle(isolated, program, minimal, text));
    assert_string_equal(text, line);
}

static void it_takes_the_side_that_it_agrees_with(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    struct px_program program;
    make_program(&program, words, 1);
    struct isolated r = between("interp", "wrong:op=remw", FINDING_DIFF);
    expect_line(&r, &program, NULL, "qemu agrees with interp");
    r = between("wrong:op=remw", "block", FINDING_DIFF);
    expect_line(&r, &program, NULL, "qemu agrees with block");
    r = between("wrong:op=remw", "wrong:x9", FINDING_DIFF);
    expect_line(&r, &program, NULL, "qemu agrees with neither");
    px_program_fini(&program);
}

static void an_engine_that_died_is_not_asked_again(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    struct px_program program;
    make_program(&program, words, 1);
    struct isolated r = between("interp", "wrong:die=remw", FINDING_ABORT);
    expect_line(&r, &program, NULL, "qemu agrees with interp");
    r = between("wrong:die=remw", "interp", FINDING_ABORT);
    expect_line(&r, &program, NULL, "qemu cannot tell: wrong:die=remw dies over the program");
    px_program_fini(&program);
}

static void what_it_does_not_look_at_it_cannot_tell(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    struct px_program program;
    make_program(&program, words, 1);
    struct isolated r = between("interp", "wrong:gas", FINDING_DIFF);
    expect_line(&r, &program, NULL, "qemu cannot tell: what differs it does not look at");
    px_program_fini(&program);
}

static void the_minimal_program_is_asked_about_where_the_original_says_nothing(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW, CTZW }, forever[] = { JUMP };
    struct px_program program, minimal, endless;
    make_program(&program, words, 2);
    make_program(&minimal, words, 1);
    make_program(&endless, forever, 1);
    struct isolated r = between("interp", "wrong:op=remw", FINDING_DIFF);
    expect_line(&r, &program, &minimal, "on minimal.px qemu agrees with interp");
    expect_line(&r, &program, NULL,
                "qemu cannot tell: the program runs an instruction that it does not know");
    expect_line(&r, &program, &program,
                "qemu cannot tell: the program runs an instruction that it does not know");
    expect_line(&r, &endless, NULL,
                "qemu cannot tell: the program runs out of gas, of which it knows nothing");
    px_program_fini(&program);
    px_program_fini(&minimal);
    px_program_fini(&endless);
}

static void engines_without_gas_are_judged_by_the_reference_alone(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    struct px_program program;
    make_program(&program, words, 1);
    struct isolated r = between("interp", "wrong:op=remw", FINDING_DIFF);
    r.caps[1].gas = false;
    expect_line(&r, &program, NULL, "qemu agrees with interp");
    r = between("wrong:op=remw", "interp", FINDING_DIFF);
    r.caps[1].gas = false;
    expect_line(&r, &program, NULL, "qemu cannot tell: interp meters no gas");
    px_program_fini(&program);
}

static void where_it_took_part_there_is_nothing_to_ask(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    char text[ARBITRATION_TEXT] = "x";
    struct px_program program;
    make_program(&program, words, 1);
    struct isolated r = between("interp", "qemu", FINDING_DIFF);
    assert_false(ask_oracle(&r, &program, NULL, text));
    assert_string_equal(text, "");
    r = between("interp", "block", FINDING_LEAK);
    assert_false(ask_oracle(&r, &program, NULL, text));
    px_program_fini(&program);
}

static void without_qemu_it_says_what_is_missing(void **state)
{
    (void)state;
    const uint32_t words[] = { REMW };
    char text[ARBITRATION_TEXT];
    const char *path_now = getenv("PATH");
    char *saved = path_now ? strdup(path_now) : NULL;
    struct px_program program;
    make_program(&program, words, 1);
    if (!saved)
        give_up("PATH");
    struct isolated r = between("interp", "block", FINDING_DIFF);
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    assert_true(ask_oracle(&r, &program, NULL, text));
    assert_int_equal(setenv("PATH", saved, 1), 0);
    assert_string_equal(text, "not asked: engine qemu: there is no qemu-riscv64 in PATH: install it "
                              "(on Debian: apt-get install qemu-user)");
    free(saved);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_the_side_that_it_agrees_with),
        cmocka_unit_test(an_engine_that_died_is_not_asked_again),
        cmocka_unit_test(what_it_does_not_look_at_it_cannot_tell),
        cmocka_unit_test(the_minimal_program_is_asked_about_where_the_original_says_nothing),
        cmocka_unit_test(engines_without_gas_are_judged_by_the_reference_alone),
        cmocka_unit_test(where_it_took_part_there_is_nothing_to_ask),
        cmocka_unit_test(without_qemu_it_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
