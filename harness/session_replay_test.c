/* What parallax.h promises of one engine alone and of the smallest program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/session.h"
#include "harness/tests/sessions.h"

typedef enum px_status replay_fn(struct px_session *session, const struct px_program *program,
                                 struct px_replay *replay, struct px_error *err);

static void a_replay_gives_outcome_and_written_pages_of_either_engine(void **state)
{
    (void)state;
    static const uint32_t code[] = { 0x00943823, PX_WORD_ECALLI_0 }; /* sd s1, 16(s0) */
    static replay_fn *const both[] = { px_replay_interp, px_replay_recomp };
    struct px_session *session = open_session("interp,block", 0, false);
    struct px_program program;
    struct px_error err = { "" };
    uint8_t expected[PX_PAGE_SIZE] = { [16] = 4 };
    make_program(&program, code, 2);
    program.x[8] = PX_DATA_BASE + PX_PAGE_SIZE;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, 0x3000, PX_MAP_ZERO, NULL, 0), PX_OK);
    for (size_t i = 0; i < 2; i++) {
        struct px_replay replay;
        assert_int_equal(both[i](session, &program, &replay, &err), PX_OK);
        assert_int_equal(replay.kind, PX_DIFF_NONE);
        assert_int_equal(replay.outcome.exit, PX_EXIT_HOSTCALL);
        assert_int_equal(replay.outcome.pc, 8);
        assert_int_equal(replay.outcome.x[9], 4);
        assert_int_equal(replay.outcome.native, i == 0 ? 0 : 2);
        assert_int_equal(replay.outcome.interpreted, i == 0 ? 2 : 0);
        assert_int_equal(replay.outcome.dirty_count, 1);
        assert_int_equal(replay.outcome.dirty[0], 0x10001);
        assert_int_equal(replay.page_count, 1);
        assert_memory_equal(px_replay_page(&replay, 0x10001), expected, PX_PAGE_SIZE);
        assert_null(px_replay_page(&replay, 0x10000));
        assert_null(px_replay_page(&replay, 0x10002));
        px_replay_release(&replay);
        assert_null(px_replay_page(&replay, 0x10001));
        px_replay_release(&replay);
    }
    px_program_fini(&program);
    px_session_destroy(session);
}

static void a_replay_keeps_the_bytes_of_so_many_pages(void **state)
{
    (void)state;
    /* sd s1, 0(s0); add s0, s0, a1; addi a0, a0, -1; bne a0, zero, -12; ecalli 0 */
    static const uint32_t code[] = { 0x00943023, 0x00b40433, 0xfff50513, 0xfe051ae3, PX_WORD_ECALLI_0 };
    enum { PAGES = PX_REPLAY_PAGES_MAX + 10 };
    struct px_session *session = open_session("interp,block", 0, false);
    struct px_program program;
    struct px_replay replay;
    make_program(&program, code, 5);
    program.gas = 100000000;
    program.x[8] = PX_DATA_BASE;
    program.x[10] = PAGES;
    program.x[11] = PX_PAGE_SIZE;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, 0x2000000, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_replay_recomp(session, &program, &replay, NULL), PX_OK);
    assert_int_equal(replay.outcome.exit, PX_EXIT_HOSTCALL);
    assert_int_equal(replay.outcome.dirty_count, PAGES);
    assert_int_equal(replay.page_count, PX_REPLAY_PAGES_MAX);
    for (uint32_t i = 0; i < PAGES; i++) {
        const uint8_t *bytes = px_replay_page(&replay, 0x10000 + i);
        assert_int_equal(replay.outcome.dirty[i], 0x10000 + i);
        assert_int_equal(bytes != NULL, i < PX_REPLAY_PAGES_MAX);
        assert_true(!bytes || bytes[0] == 4);
    }
    px_replay_release(&replay);
    px_program_fini(&program);
    px_session_destroy(session);
}

static void a_replay_that_does_not_end_says_so(void **state)
{
    (void)state;
    struct px_session *session = open_session("wrong:hang=div,wrong:die=xor", 20, false);
    struct px_program program;
    struct px_replay replay;
    make_program(&program, mixed, 3);
    assert_int_equal(px_replay_interp(session, &program, &replay, NULL), PX_OK);
    assert_int_equal(replay.kind, PX_DIFF_HANG);
    assert_int_equal(replay.page_count, 0);
    px_replay_release(&replay);
    assert_int_equal(px_replay_recomp(session, &program, &replay, NULL), PX_OK);
    assert_int_equal(replay.kind, PX_DIFF_ABORT);
    assert_int_equal(replay.death.signal, SIGILL);
    assert_int_equal(replay.death.pc, 0);
    px_replay_release(&replay);
    program.code_size = PX_CODE_MAX + 1;
    assert_int_equal(px_replay_recomp(session, &program, &replay, NULL), PX_ERR_INPUT);
    program.code_size = 12;
    px_program_fini(&program);
    px_session_destroy(session);
}

static void an_engine_that_does_not_take_a_program_says_so(void **state)
{
    (void)state;
    static const uint32_t jump[] = { 0x0040006f, PX_WORD_ECALLI_0 }; /* jal zero, 4 */
    struct px_session *session = open_session("interp,linear", 0, false);
    struct px_program program;
    struct px_replay replay;
    struct px_diff diff;
    struct px_error err = { "" };
    make_program(&program, jump, 2);
    assert_int_equal(px_replay_recomp(session, &program, &replay, &err), PX_UNSUPPORTED);
    assert_string_equal(err.text, "engine linear does not take the program");
    assert_int_equal(px_replay_interp(session, &program, &replay, &err), PX_OK);
    px_replay_release(&replay);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    assert_int_equal(diff.ran, 1);
    px_program_fini(&program);
    px_session_destroy(session);
}

/* --- shrink --- */

static void shrinking_leaves_the_instruction_that_is_wrong(void **state)
{
    (void)state;
    static const char *const engines[] = { "interp,wrong:op=div", "interp,wrong:die=div" };
    struct px_program *programs = make_programs("straight:length=64", 40), small;
    px_program_init(&small);
    for (size_t e = 0; e < 2; e++) {
        struct px_session *session = open_session(engines[e], 0, true);
        struct px_shrunk shrunk = { .diverges = false };
        struct px_diff diff;
        struct px_error err = { "" };
        size_t i = 0;
        for (; i < 40 && !shrunk.diverges; i++)
            assert_int_equal(px_shrink(session, &programs[i], 10, &small, &shrunk, &err), PX_OK);
        assert_true(shrunk.diverges);
        assert_true(shrunk.confirmed);
        assert_true(shrunk.complete);
        assert_int_equal(shrunk.before, 64);
        assert_int_equal(shrunk.after, 1);
        assert_non_null(strstr(shrunk.bucket, ":div:"));
        assert_true(shrunk.tried > 0);
        assert_int_equal(px_decode(small.code, small.code_size, 0).op, PX_OP_DIV);
        assert_false(small.origin.known);
        diff_program(session, &small, &diff);
        assert_int_equal(diff.kind, e == 0 ? PX_DIFF_OUTCOME : PX_DIFF_ABORT);
        px_session_destroy(session);
    }
    px_program_fini(&small);
    free_programs(programs, 40);
}

static void shrinking_what_agrees_changes_nothing(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,block", 0, false);
    struct px_program program, small;
    struct px_shrunk shrunk;
    struct px_error err = { "" };
    make_program(&program, mixed, 3);
    make_program(&small, mixed, 1);
    assert_int_equal(px_shrink(session, &program, 1, &small, &shrunk, &err), PX_OK);
    assert_false(shrunk.diverges);
    assert_int_equal(small.code_size, sizeof mixed[0]);
    assert_memory_equal(small.code, mixed, sizeof mixed[0]);
    assert_int_equal(px_shrink(session, &program, 0, &small, &shrunk, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "shrink: 0 seconds: expected more than 0");
    assert_int_equal(px_program_map(&program, 1, 1, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_shrink(session, &program, 1, &small, &shrunk, &err), PX_ERR_INPUT);
    px_program_fini(&program);
    px_program_fini(&small);
    px_session_destroy(session);
}

static void a_program_shrinks_with_its_memory(void **state)
{
    (void)state;
    static const uint32_t code[] = { 0x00c54533, 0x00944533, 0x00043583, 0x00b54533, PX_WORD_ECALLI_0 };
    static const uint8_t content[] = { 9, 8, 7 };
    struct px_session *session = open_session("interp,wrong:op=ld", 0, false);
    struct px_program program, small;
    struct px_shrunk shrunk;
    struct px_diff diff;
    struct px_error err = { "" };
    make_program(&program, code, 5);
    program.x[8] = PX_DATA_BASE;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, PX_PAGE_SIZE, PX_MAP_RO, content, 3), PX_OK);
    px_program_init(&small);
    if (px_shrink(session, &program, 10, &small, &shrunk, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_true(shrunk.diverges);
    assert_int_equal(shrunk.after, 1);
    assert_int_equal(small.map_count, 1);
    diff_program(session, &small, &diff);
    assert_int_equal(diff.kind, PX_DIFF_OUTCOME);
    px_program_fini(&small);
    px_program_fini(&program);
    px_session_destroy(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_gives_outcome_and_written_pages_of_either_engine),
        cmocka_unit_test(a_replay_keeps_the_bytes_of_so_many_pages),
        cmocka_unit_test(a_replay_that_does_not_end_says_so),
        cmocka_unit_test(an_engine_that_does_not_take_a_program_says_so),
        cmocka_unit_test(shrinking_leaves_the_instruction_that_is_wrong),
        cmocka_unit_test(shrinking_what_agrees_changes_nothing),
        cmocka_unit_test(a_program_shrinks_with_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
