/* Whatever happens in the other process, this one lives on and learns of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/isolate.h"
#include "harness/lockdown.h"

static enum px_status succeed(void *arg, struct px_error *err)
{
    (void)err;
    *(int *)arg = 42;
    return PX_OK;
}

static enum px_status refuse(void *arg, struct px_error *err)
{
    (void)arg;
    return px_fail(err, PX_ERR_NOMEM, "no room for %d", 7);
}

static enum px_status die(void *arg, struct px_error *err)
{
    (void)err;
    kill(getpid(), *(int *)arg);
    return PX_OK;
}

static enum px_status leave(void *arg, struct px_error *err)
{
    (void)arg;
    (void)err;
    _exit(3);
}

/* A buffer that the heap does not hold grows. */
static enum px_status grow(void *arg, struct px_error *err)
{
    (void)arg;
    (void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
    enum px_status status = lockdown_enter(err);
    uint8_t *bytes = NULL;
    for (size_t size = 4096; status == PX_OK && size <= (size_t)64 << 20; size *= 2) {
        uint8_t *moved = realloc(bytes, size);
        if (!moved)
            status = px_fail(err, PX_ERR_NOMEM, "%zu bytes were refused", size);
        else
            bytes = moved;
        if (bytes && status == PX_OK)
            bytes[size - 1] = 1;
    }
    free(bytes);
    return status;
}

static void a_body_works_on_shared_memory_and_on_nothing_else(void **state)
{
    (void)state;
    struct px_error err = { "" };
    int own = 1, *shared = isolate_share(sizeof *shared);
    assert_non_null(shared);
    assert_int_equal(*shared, 0);
    assert_int_equal(isolate_call(succeed, shared, &err), PX_OK);
    assert_int_equal(*shared, 42);
    assert_int_equal(isolate_call(succeed, &own, &err), PX_OK);
    assert_int_equal(own, 1);
    isolate_unshare(shared, sizeof *shared);
    isolate_unshare(NULL, sizeof *shared);
}

static void a_body_that_fails_hands_over_status_and_words(void **state)
{
    (void)state;
    struct px_error err = { "" };
    assert_int_equal(isolate_call(refuse, NULL, &err), PX_ERR_NOMEM);
    assert_string_equal(err.text, "no room for 7");
}

static void a_body_that_dies_is_an_internal_error(void **state)
{
    (void)state;
    int signals[] = { SIGKILL, SIGUSR1 };
    for (size_t i = 0; i < 2; i++) {
        struct px_error err = { "" };
        assert_int_equal(isolate_call(die, &signals[i], &err), PX_ERR_INTERNAL);
        assert_string_equal(err.text, "the process that checked it died");
    }
    struct px_error err = { "" };
    assert_int_equal(isolate_call(leave, NULL, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, "the process that checked it died");
}

static void memory_grows_in_the_sandbox_as_outside_of_it(void **state)
{
    (void)state;
    struct px_error err = { "" };
    if (isolate_call(grow, NULL, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void requests_to_end_are_for_the_parent(void **state)
{
    (void)state;
    struct px_error err = { "" };
    int requests[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_int_equal(isolate_call(die, &requests[i], &err), PX_OK);
}

static const struct sandbox both = { .engines = "interp,block" };
static const struct sandbox in_turns = { .engines = "interp,block%1000" };
static const struct sandbox unknown = { .engines = "nope,block" };
static const struct sandbox one = { .engines = "block" };

/* c.li a0, 1; ecalli 5. */
static void make_program(struct px_program *program)
{
    static const uint8_t code[] = { 0x05, 0x45, 0x0b, 0xa0, 0x02, 0x00 };
    px_program_init(program);
    assert_int_equal(px_program_append(program, code, sizeof code), PX_OK);
    program->gas = 1000;
}

static void a_program_runs_as_often_as_asked_on_every_engine(void **state)
{
    (void)state;
    struct px_program program;
    struct isolated r;
    struct px_error err = { "" };
    make_program(&program);
    assert_int_equal(isolate_run(&both, &program, 5, &r, &err), PX_OK);
    assert_int_equal(r.runs, 5);
    assert_int_equal(r.diverged, 0);
    assert_int_equal(r.engine_count, 2);
    assert_string_equal(r.specs[0], "interp");
    for (size_t i = 0; i < 2; i++) {
        assert_true(r.supported[i]);
        assert_int_equal(r.outcomes[i].exit, PX_EXIT_HOSTCALL);
        assert_int_equal(r.outcomes[i].arg, 5);
        assert_int_equal(r.outcomes[i].pc, 6);
        assert_int_equal(r.outcomes[i].x[10], 1);
        assert_null(r.outcomes[i].dirty);
    }
    assert_int_equal(r.outcomes[0].interpreted, 2);
    assert_int_equal(r.outcomes[1].native, 2);
    px_program_fini(&program);
}

/* More than any list of pages begins with room for, and than libc sorts without asking the kernel how much memory there is. */
static void a_program_may_write_many_pages(void **state)
{
    (void)state;
    enum { PAGES = 600 };
    /* sd s1, 0(s0); add s0, s0, a1; addi a0, a0, -1; bne a0, zero, -12; ecalli 0 */
    static const uint32_t code[] = { 0x00943023, 0x00b40433, 0xfff50513, 0xfe051ae3, PX_WORD_ECALLI_0 };
    struct px_program program;
    struct isolated r;
    struct px_error err = { "" };
    px_program_init(&program);
    program.gas = 10000000;
    program.x[8] = PX_DATA_BASE;
    program.x[10] = PAGES;
    program.x[11] = PX_PAGE_SIZE;
    assert_int_equal(px_program_append(&program, code, sizeof code), PX_OK);
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, PAGES * PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0),
                     PX_OK);
    assert_int_equal(isolate_run(&both, &program, 1, &r, &err), PX_OK);
    assert_int_equal(r.diverged, 0);
    assert_int_equal(r.outcomes[0].dirty_count, PAGES);
    assert_int_equal(r.outcomes[1].dirty_count, PAGES);
    px_program_fini(&program);
}

static void engines_that_take_turns_all_take_part_here(void **state)
{
    (void)state;
    struct px_program program;
    struct isolated r;
    struct px_error err = { "" };
    make_program(&program);
    assert_int_equal(isolate_run(&in_turns, &program, 1, &r, &err), PX_OK);
    assert_true(r.supported[1]);
    px_program_fini(&program);
}

static void engines_that_forget_leak_nothing(void **state)
{
    (void)state;
    struct px_program a, b;
    struct px_error err = { "" };
    bool leaks = true;
    make_program(&a);
    make_program(&b);
    b.x[5] = 7;
    assert_int_equal(isolate_between(&both, &a, &b, &leaks, &err), PX_OK);
    assert_false(leaks);
    assert_int_equal(isolate_between(&unknown, &a, &b, &leaks, &err), PX_ERR_INPUT);
    px_program_fini(&b);
    px_program_fini(&a);
}

static void a_bad_engine_list_comes_back_as_an_error(void **state)
{
    (void)state;
    struct px_program program;
    struct isolated r;
    struct px_error err = { "" };
    make_program(&program);
    assert_int_equal(isolate_run(&one, &program, 1, &r, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "1 engine: expected at least two to compare");
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_works_on_shared_memory_and_on_nothing_else),
        cmocka_unit_test(a_body_that_fails_hands_over_status_and_words),
        cmocka_unit_test(a_body_that_dies_is_an_internal_error),
        cmocka_unit_test(memory_grows_in_the_sandbox_as_outside_of_it),
        cmocka_unit_test(requests_to_end_are_for_the_parent),
        cmocka_unit_test(a_program_runs_as_often_as_asked_on_every_engine),
        cmocka_unit_test(a_program_may_write_many_pages),
        cmocka_unit_test(engines_that_take_turns_all_take_part_here),
        cmocka_unit_test(engines_that_forget_leak_nothing),
        cmocka_unit_test(a_bad_engine_list_comes_back_as_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
