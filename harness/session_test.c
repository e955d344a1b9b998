/* What parallax.h promises of sessions and of comparing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/isolate.h"
#include "harness/session.h"
#include "harness/tests/flawed.h"
#include "harness/tests/sessions.h"
#include "harness/wrong.h"
#include "vm/interp.h"
#include "vm/test_program.h"

enum { PROGRAMS = 700 }; /* more than two slots hold */

/* @text: how the message begins. */
static void refuse(const struct px_session_options *options, const char *text)
{
    struct px_session *session;
    struct px_error err = { "" };
    assert_int_equal(px_session_create(options, &session, &err), PX_ERR_INPUT);
    if (strncmp(err.text, text, strlen(text)) != 0)
        assert_string_equal(err.text, text);
}

/* --- options --- */

static void options_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct {
        struct px_session_options options;
        uint8_t later[8];
    } future = { .options = { .size = sizeof future }, .later = { 1 } };
    struct px_session_options options = { .size = 8 };
    char text[128];
    refuse(&options, "options: size 8: expected sizeof(struct px_session_options)");
    (void)snprintf(text, sizeof text, "options: byte %zu is set: this library, %s, knows %zu", sizeof options,
                   PX_VERSION, sizeof options);
    refuse(&future.options, text);
    options = (struct px_session_options){ .size = sizeof options, .deadline_ms = 10001 };
    refuse(&options, "options: deadline_ms 10001: expected 0 to 10000");
    options = (struct px_session_options){ .size = sizeof options, .engines = "interp" };
    refuse(&options, "1 engine: expected at least two to compare");
    options.engines = "interp,nope";
    refuse(&options, "engine 'nope': expected interp, ");
    options.engines = "interp,block:x=1";
    refuse(&options, "engine block: option 'x=1': expected touch=check, touch=fault");
}

static void options_of_a_later_library_that_are_0_change_nothing(void **state)
{
    (void)state;
    struct {
        struct px_session_options options;
        uint8_t later[8];
    } future = { .options = { .size = sizeof future, .engines = "interp,wrong:x9" } };
    struct px_session *session;
    assert_int_equal(px_session_create(&future.options, &session, NULL), PX_OK);
    assert_string_equal(px_session_engine(session, 0), "interp");
    assert_string_equal(px_session_engine(session, 1), "wrong:x9");
    assert_null(px_session_engine(session, 2));
    px_session_destroy(session);
}

static void without_options_a_session_compares_what_campaigns_do(void **state)
{
    (void)state;
    struct px_session *session;
    struct px_program program;
    struct px_diff diff;
    struct run run;
    assert_int_equal(px_session_create(NULL, &session, NULL), PX_OK);
    assert_int_equal(run_open(ENGINES_CAMPAIGN, &run, NULL), PX_OK);
    for (size_t i = 0; i < run.count; i++)
        assert_string_equal(px_session_engine(session, i), engine_spec(&run.engines[i]));
    assert_null(px_session_engine(session, run.count));
    size_t count = run.count;
    run_close(&run);
    make_program(&program, mixed, 3);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    assert_int_equal(diff.ran, (1u << count) - 1);
    assert_true(diff.stable);
    px_program_fini(&program);
    px_session_destroy(session);
    px_session_destroy(NULL);
}

/* addi a0, a0, -1; bne a0, zero, -4; ecalli 0: two instructions for each of a0. */
static const uint32_t countdown[] = { 0xfff50513, 0xfe051ee3, PX_WORD_ECALLI_0 };

static void the_deadline_decides_what_a_hang_is(void **state)
{
    (void)state;
    struct px_program program;
    struct px_diff diff;
    make_program(&program, countdown, 3);
    program.gas = UINT64_C(1) << 40;
    program.x[10] = 20000000;
    struct px_session *session = open_session("interp,block", 10, false);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_HANG);
    assert_true(diff.stable);
    assert_int_equal(diff.b, 0);
    assert_string_equal(diff.names[1], "interp");
    px_session_destroy(session);
    session = open_session("interp,block", PX_DEADLINE_MAX_MS, false);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    px_session_destroy(session);
    px_program_fini(&program);
}

static void only_what_is_confirmed_is_stable(void **state)
{
    (void)state;
    struct px_program program;
    struct px_diff diff;
    make_program(&program, mixed, 3);
    for (int unconfirmed = 0; unconfirmed < 2; unconfirmed++) {
        struct px_session *session = open_session("interp,wrong:op=xor", 0, unconfirmed);
        diff_program(session, &program, &diff);
        assert_int_equal(diff.kind, PX_DIFF_OUTCOME);
        assert_int_equal(diff.stable, !unconfirmed);
        px_session_destroy(session);
    }
    px_program_fini(&program);
}

/* --- one program --- */

static void a_difference_says_which_engines_and_fields_and_values(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,wrong:none,wrong:op=xor", 0, false);
    struct px_program program;
    struct px_diff diff;
    char text[256];
    make_program(&program, mixed, 3);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_OUTCOME);
    assert_int_equal(diff.a, 0);
    assert_int_equal(diff.b, 2);
    assert_string_equal(diff.names[0], "interp");
    assert_string_equal(diff.names[1], "wrong:op=xor");
    assert_int_equal(diff.fields, PX_FIELD_X0 << 10);
    assert_int_equal(diff.ran, 7);
    assert_int_equal(diff.outcomes[0].x[10], 8);
    assert_int_equal(diff.outcomes[1].x[10], 9);
    assert_int_equal(diff.outcomes[0].x[11], 3);
    assert_null(diff.outcomes[0].dirty);
    static const char lines[] = "  x10     interp 0x0000000000000008   wrong:op=xor 0x0000000000000009\n";
    assert_int_equal(px_diff_describe(&diff, text, sizeof text), strlen(lines));
    assert_string_equal(text, lines);
    assert_int_equal(px_diff_describe(&diff, text, 6), strlen(lines));
    assert_string_equal(text, "  x10");
    px_program_fini(&program);
    px_session_destroy(session);
}

static void differences_in_memory_say_where(void **state)
{
    (void)state;
    static const uint32_t code[] = { 0x00843823, PX_WORD_ECALLI_0 }; /* sd s0, 16(s0) */
    struct px_session *session = open_session("interp,wrong:memory", 0, false);
    struct px_program program;
    struct px_diff diff;
    make_program(&program, code, 2);
    program.x[8] = PX_DATA_BASE;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0), PX_OK);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_OUTCOME);
    assert_int_equal(diff.fields, PX_FIELD_MEMORY);
    assert_int_equal(diff.page, PX_DATA_BASE >> PX_PAGE_BITS);
    assert_int_equal(diff.offset, PX_PAGE_SIZE - 1);
    assert_int_equal(diff.bytes[0] ^ diff.bytes[1], 0x80);
    px_program_fini(&program);
    px_session_destroy(session);
}

static void a_death_says_which_engine_and_where_and_the_session_goes_on(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,block,wrong:die=div", 0, false);
    struct px_program program, harmless;
    struct px_diff diff;
    char text[256];
    make_program(&program, mixed, 3);
    make_program(&harmless, mixed, 1);
    for (int i = 0; i < 3; i++) {
        diff_program(session, &program, &diff);
        assert_int_equal(diff.kind, PX_DIFF_ABORT);
        assert_true(diff.stable);
        assert_int_equal(diff.b, 2);
        assert_string_equal(diff.names[1], "wrong:die=div");
        assert_int_equal(diff.death.signal, SIGILL);
        assert_true(diff.death.generated);
        assert_true(diff.death.pc_known);
        assert_int_equal(diff.death.pc, 4);
        assert_int_equal(diff.fields, 0);
        px_diff_describe(&diff, text, sizeof text);
        assert_non_null(
            strstr(text, "  abort   wrong:die=div: signal 4 (Illegal instruction) at host address 0x"));
        assert_non_null(strstr(text, ", in the code of the guest block at pc 0x4\n"));
        diff_program(session, &harmless, &diff);
        assert_int_equal(diff.kind, PX_DIFF_NONE);
        px_diff_describe(&diff, text, sizeof text);
        assert_string_equal(text, "  agree\n");
    }
    px_program_fini(&program);
    px_program_fini(&harmless);
    px_session_destroy(session);
}

static void a_hang_says_which_engine(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,wrong:hang=div", 20, false);
    struct px_program program;
    struct px_diff diff;
    char text[256];
    make_program(&program, mixed, 3);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_HANG);
    assert_int_equal(diff.b, 1);
    px_diff_describe(&diff, text, sizeof text);
    assert_string_equal(text, "  hang    wrong:hang=div took longer than the deadline\n");
    px_program_fini(&program);
    px_session_destroy(session);
}

static void an_image_with_pinned_regions_is_compared(void **state)
{
    (void)state;
    static const uint8_t first[] = { 1, 2, 3 }, second[] = { 4 };
    static const struct px_region regions[] = { { PX_DATA_BASE, first, sizeof first },
                                                { PX_DATA_BASE + 0x100000, second, sizeof second } };
    static const uint32_t words[] = { 0x00044503, 0x00044583 }; /* lbu a0, 0(s0); lbu a1, 0(s0) */
    struct px_session *session = open_session("interp,block,wrong:op=lbu", 0, false);
    struct px_image image;
    struct px_diff diff;
    struct px_error err = { "" };
    assert_int_equal(px_image_with_ro_caps(words, 2, regions, 2, &image, &err), PX_OK);
    image.x[8] = PX_DATA_BASE + 1;
    assert_int_equal(px_diff_image(session, &image, &diff, &err), PX_OK);
    assert_int_equal(diff.fields, PX_FIELD_X0 << 10 | PX_FIELD_X0 << 11);
    assert_int_equal(diff.b, 2);
    assert_int_equal(diff.outcomes[0].x[10], 2);
    px_image_release(&image);
    px_session_destroy(session);
}

static void programs_that_cannot_run_are_refused_and_the_session_stays(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,block", 0, false);
    struct px_program program;
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX + 1];
    struct px_image image;
    struct px_diff diff;
    struct px_error err = { "" };
    make_program(&program, mixed, 3);
    assert_int_equal(px_program_map(&program, 0x1000, PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_diff(session, &program, &diff, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "mapping 0: start 0x1000 is below the data base 0x10000000");
    program.map_count = 0;
    px_program_image(&program, &image);
    for (size_t i = 0; i <= PX_PROGRAM_MAPS_MAX; i++)
        maps[i] = (struct px_mapping){ .start = PX_DATA_BASE + i * PX_PAGE_SIZE, .size = PX_PAGE_SIZE };
    image.maps = maps;
    image.map_count = PX_PROGRAM_MAPS_MAX + 1;
    assert_int_equal(px_diff_image(session, &image, &diff, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "maps: 65 mappings: expected at most 64");
    image.map_count--;
    assert_int_equal(px_diff_image(session, &image, &diff, &err), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    px_program_fini(&program);
    px_session_destroy(session);
}

static void a_program_may_be_as_large_as_it_says(void **state)
{
    (void)state;
    struct px_session *session = open_session("interp,block,wrong:op=xor", 0, false);
    struct px_program program;
    struct px_diff diff;
    struct px_error err = { "" };
    size_t room = PX_SESSION_BYTES_MAX;
    uint8_t *content = malloc(room);
    assert_non_null(content);
    memset(content, 0x5a, room);
    make_program(&program, mixed, 3);
    size_t code = program.code_size;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, room, PX_MAP_COW, content, room - code), PX_OK);
    assert_int_equal(px_diff(session, &program, &diff, &err), PX_OK);
    assert_int_equal(diff.fields, PX_FIELD_X0 << 10);
    program.map_count = 0;
    program.content_size = 0;
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, room, PX_MAP_COW, content, room - code + 1),
                     PX_OK);
    assert_int_equal(px_diff(session, &program, &diff, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "33554433 bytes of code and content: expected at most 33554432");
    free(content);
    px_program_fini(&program);
    px_session_destroy(session);
}

/* --- batches --- */

struct found {
    size_t count, enough; /* enough 0: go on */
    size_t indices[PROGRAMS];
    enum px_diff_kind kinds[PROGRAMS];
    uint32_t fields[PROGRAMS];
    struct px_session *busy; /* is asked something meanwhile */
    const struct px_program *programs;
};

static bool note(void *arg, size_t index, const struct px_diff *diff)
{
    struct found *f = arg;
    assert_true(f->count == 0 || index > f->indices[f->count - 1]);
    assert_in_range(f->count, 0, PROGRAMS - 1);
    f->indices[f->count] = index;
    f->kinds[f->count] = diff->kind;
    f->fields[f->count++] = diff->fields;
    if (f->busy) {
        struct px_diff ignored;
        struct px_error err = { "" };
        assert_int_equal(px_diff(f->busy, f->programs, &ignored, &err), PX_ERR_INPUT);
        assert_string_equal(err.text, "session: busy with a batch: its callback needs another session");
    }
    return f->count != f->enough;
}

static void run_batch(struct px_session *session, const struct px_program *programs, size_t n,
                      struct found *found)
{
    struct px_error err = { "" };
    found->count = 0;
    if (px_diff_batch(session, programs, n, note, found, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void watch_for_div(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    (void)pc;
    (void)gas;
    (void)x;
    *(bool *)arg |= insn->op == PX_OP_DIV;
}

/* Whether @program executes a div, by the reference engine in this process. */
static bool divides(struct px_program *program)
{
    struct px_engine *engine;
    struct px_unit *unit;
    struct px_image image;
    struct px_outcome out;
    bool seen = false;
    px_program_image(program, &image);
    struct px_entry entry = run_entry(&image);
    assert_int_equal(px_interp_engine.create("", &engine, NULL), PX_OK);
    px_interp_observe(engine, watch_for_div, &seen);
    assert_int_equal(px_interp_engine.prepare(engine, &image, 0, &unit, NULL), PX_OK);
    assert_int_equal(px_interp_engine.run(engine, unit, &entry, &out, NULL), PX_OK);
    px_interp_engine.destroy(engine);
    return seen;
}

static void a_batch_finds_what_programs_one_by_one_show(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", PROGRAMS);
    struct px_session *session = open_session("interp,block,wrong:op=div", 0, true);
    struct found *found = calloc(1, sizeof *found);
    size_t next = 0;
    assert_non_null(found);
    run_batch(session, programs, PROGRAMS, found);
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct px_diff diff;
        diff_program(session, &programs[i], &diff);
        if (diff.kind == PX_DIFF_NONE)
            continue;
        assert_in_range(next, 0, found->count - 1);
        assert_int_equal(found->indices[next], i);
        assert_int_equal(found->fields[next++], diff.fields);
    }
    assert_int_equal(next, found->count);
    assert_in_range(found->count, 10, PROGRAMS - 10);
    free(found);
    px_session_destroy(session);
    free_programs(programs, PROGRAMS);
}

static void programs_that_kill_their_process_cost_the_batch_no_other(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", PROGRAMS);
    struct px_session *session = open_session("interp,wrong:die=div", 0, true);
    struct found *found = calloc(1, sizeof *found);
    size_t next = 0;
    assert_non_null(found);
    run_batch(session, programs, PROGRAMS, found);
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (!divides(&programs[i]))
            continue;
        assert_in_range(next, 0, found->count - 1);
        assert_int_equal(found->kinds[next], PX_DIFF_ABORT);
        assert_int_equal(found->indices[next++], i);
    }
    assert_int_equal(next, found->count);
    free(found);
    px_session_destroy(session);
    free_programs(programs, PROGRAMS);
}

static void honest_engines_agree_on_a_batch_of_everything(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("mix", PROGRAMS);
    struct px_session *session = open_session(NULL, 0, false);
    struct found found = { .count = 0 };
    run_batch(session, programs, PROGRAMS, &found);
    assert_int_equal(found.count, 0);
    run_batch(session, programs, 0, &found);
    px_session_destroy(session);
    free_programs(programs, PROGRAMS);
}

static void a_callback_may_stop_its_batch_and_the_session_goes_on(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", PROGRAMS);
    struct px_session *session = open_session("interp,wrong:x9", 0, true);
    struct found found = { .enough = 3 };
    for (int i = 0; i < 3; i++) {
        run_batch(session, programs, PROGRAMS, &found);
        assert_int_equal(found.count, 3);
        assert_int_equal(found.indices[2], 2);
    }
    found = (struct found){ .count = 0 };
    run_batch(session, programs, PROGRAMS, &found);
    assert_int_equal(found.count, PROGRAMS);
    px_session_destroy(session);
    free_programs(programs, PROGRAMS);
}

static void a_session_in_a_batch_is_busy(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", 4);
    struct px_session *session = open_session("interp,wrong:x9", 0, true);
    struct found found = { .busy = session, .programs = programs };
    run_batch(session, programs, 4, &found);
    assert_int_equal(found.count, 4);
    px_session_destroy(session);
    free_programs(programs, 4);
}

static void an_engine_with_a_share_takes_part_in_one_program_of_so_many(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", PROGRAMS);
    struct px_session *session = open_session("interp,wrong:x9%7", 0, true);
    struct found found = { .count = 0 };
    struct px_diff diff;
    run_batch(session, programs, PROGRAMS, &found);
    assert_int_equal(found.count, PROGRAMS / 7);
    for (size_t i = 0; i < found.count; i++)
        assert_int_equal(found.indices[i], 7 * i);
    diff_program(session, &programs[1], &diff); /* alone, all take part */
    assert_int_equal(diff.fields, PX_FIELD_X0 << 9);
    px_session_destroy(session);
    free_programs(programs, PROGRAMS);
}

static void a_batch_with_a_program_that_cannot_run_runs_nothing(void **state)
{
    (void)state;
    struct px_program *programs = make_programs("straight", 10);
    struct px_session *session = open_session("interp,wrong:x9", 0, true);
    struct found found = { .count = 0 };
    struct px_error err = { "" };
    assert_int_equal(px_program_map(&programs[7], PX_DATA_BASE, 1, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_diff_batch(session, programs, 10, note, &found, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "program 7: mapping 0: size 0x1 is not a multiple of 4096");
    assert_int_equal(found.count, 0);
    px_session_destroy(session);
    free_programs(programs, 10);
}

static void large_programs_go_through_slots_one_by_one(void **state)
{
    (void)state;
    enum { LARGE = 5 };
    struct px_program *programs = calloc(LARGE, sizeof *programs);
    struct px_session *session = open_session("interp,block,wrong:op=xor", 0, true);
    struct found found = { .count = 0 };
    size_t size = PX_SESSION_BYTES_MAX - PX_PAGE_SIZE;
    uint8_t *content = calloc(size, 1);
    assert_non_null(programs);
    assert_non_null(content);
    for (size_t i = 0; i < LARGE; i++) {
        make_program(&programs[i], mixed, 3);
        if (i % 2 == 0)
            assert_int_equal(px_program_map(&programs[i], PX_DATA_BASE, size, PX_MAP_RO, content, size),
                             PX_OK);
    }
    run_batch(session, programs, LARGE, &found);
    assert_int_equal(found.count, LARGE);
    free_programs(programs, LARGE);
    free(content);
    px_session_destroy(session);
}

/* --- what one program leaves to another --- */

/* One that leaves something when it divides, and one that finds it. */
static const uint32_t leaving[] = { 0x029445b3, PX_WORD_ECALLI_0 },
                      finding_it[] = { 0x00944533, PX_WORD_ECALLI_0 }, neither[] = { PX_WORD_ECALLI_0 };

static struct px_session *open_flawed_session(const char *flaws, bool confirm)
{
    const struct sandbox sandbox = { .engines = flaws, .open = flawed_open };
    struct px_session *session;
    struct px_error err = { "" };
    if (session_start(&sandbox, confirm, &session, &err) != PX_OK)
        fail_msg("%s", err.text);
    return session;
}

static void expect_leak(const struct px_diff *diff, bool stable)
{
    char text[128];
    assert_int_equal(diff->kind, PX_DIFF_LEAK);
    assert_int_equal(diff->stable, stable);
    assert_int_equal(diff->a, 1);
    assert_int_equal(diff->b, 1);
    assert_string_equal(diff->names[0], "flawed");
    assert_string_equal(diff->names[1], "flawed");
    assert_int_equal(diff->fields, 0);
    px_diff_describe(diff, text, sizeof text);
    assert_string_equal(text, "  leak    flawed runs it otherwise after another program has run\n");
}

static void what_the_program_before_leaves_is_a_leak(void **state)
{
    (void)state;
    static const char *const flaws[] = { "left-xor", "left-fatal-xor" };
    struct px_program leaver, finder;
    struct px_diff diff;
    make_program(&leaver, leaving, 2);
    make_program(&finder, finding_it, 2);
    for (int i = 0; i < 4; i++) {
        bool confirm = i < 2;
        struct px_session *session = open_flawed_session(flaws[i % 2], confirm);
        diff_program(session, &leaver, &diff);
        assert_int_equal(diff.kind, PX_DIFF_NONE);
        diff_program(session, &finder, &diff);
        expect_leak(&diff, confirm);
        assert_int_equal(diff.between, 0);
        for (int times = 0; times < 3; times++) { /* once in a while is enough */
            diff_program(session, times % 2 ? &finder : &leaver, &diff);
            assert_int_equal(diff.kind, PX_DIFF_NONE);
        }
        px_session_destroy(session);
    }
    px_program_fini(&leaver);
    px_program_fini(&finder);
}

struct leaks {
    size_t count, indices[3], between[3];
    bool confirmed;
};

static bool note_leak(void *arg, size_t index, const struct px_diff *diff)
{
    struct leaks *leaks = arg;
    assert_in_range(leaks->count, 0, 2);
    expect_leak(diff, leaks->confirmed);
    leaks->indices[leaks->count] = index;
    leaks->between[leaks->count++] = diff->between;
    return true;
}

static void of_a_batch_one_program_in_so_many_is_checked_for_leaks(void **state)
{
    (void)state;
    enum { MANY = 2 * SESSION_BETWEEN + 2 };
    static const char *const flaws[] = { "left-xor", "left-fatal-xor", "none" };
    struct px_program *programs = calloc(MANY, sizeof *programs);
    assert_non_null(programs);
    for (size_t i = 0; i < MANY; i++) {
        size_t at = i % SESSION_BETWEEN % 700;
        make_program(&programs[i], at == 0 ? finding_it : at == 1 ? leaving : neither, at < 2 ? 2 : 1);
    }
    for (int i = 0; i < 3; i++) {
        struct px_session *session = open_flawed_session(flaws[i], i == 0);
        struct leaks leaks = { .confirmed = i == 0 };
        struct px_error err = { "" };
        if (px_diff_batch(session, programs, MANY, note_leak, &leaks, &err) != PX_OK)
            fail_msg("%s", err.text);
        assert_int_equal(leaks.count, i == 2 ? 0 : 3);
        for (size_t k = 0; k < leaks.count; k++) {
            assert_int_equal(leaks.indices[k], k * SESSION_BETWEEN);
            assert_int_equal(leaks.between[k], k * SESSION_BETWEEN + 1);
        }
        px_session_destroy(session);
    }
    free_programs(programs, MANY);
}

/* --- engines that report no registers --- */

static void engines_without_registers_are_compared_by_signature(void **state)
{
    (void)state;
    struct px_program program;
    struct px_session *session = open_session("interp,wrong:registers=no", 0, false);
    struct px_diff diff;
    make_program(&program, mixed, 3);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    px_session_destroy(session);
    session = open_session("interp,wrong:op=xor,registers=no", 0, false);
    diff_program(session, &program, &diff);
    assert_int_equal(diff.fields, PX_FIELD_MEMORY);
    assert_int_equal(diff.offset, px_signature_offset(10));
    px_session_destroy(session);
    px_program_fini(&program);
}

static void the_library_says_its_version(void **state)
{
    (void)state;
    assert_string_equal(px_version(), PX_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(options_of_a_later_library_that_are_0_change_nothing),
        cmocka_unit_test(without_options_a_session_compares_what_campaigns_do),
        cmocka_unit_test(the_deadline_decides_what_a_hang_is),
        cmocka_unit_test(only_what_is_confirmed_is_stable),
        cmocka_unit_test(a_difference_says_which_engines_and_fields_and_values),
        cmocka_unit_test(differences_in_memory_say_where),
        cmocka_unit_test(a_death_says_which_engine_and_where_and_the_session_goes_on),
        cmocka_unit_test(a_hang_says_which_engine),
        cmocka_unit_test(an_image_with_pinned_regions_is_compared),
        cmocka_unit_test(programs_that_cannot_run_are_refused_and_the_session_stays),
        cmocka_unit_test(a_program_may_be_as_large_as_it_says),
        cmocka_unit_test(a_batch_finds_what_programs_one_by_one_show),
        cmocka_unit_test(programs_that_kill_their_process_cost_the_batch_no_other),
        cmocka_unit_test(honest_engines_agree_on_a_batch_of_everything),
        cmocka_unit_test(a_callback_may_stop_its_batch_and_the_session_goes_on),
        cmocka_unit_test(a_session_in_a_batch_is_busy),
        cmocka_unit_test(an_engine_with_a_share_takes_part_in_one_program_of_so_many),
        cmocka_unit_test(a_batch_with_a_program_that_cannot_run_runs_nothing),
        cmocka_unit_test(large_programs_go_through_slots_one_by_one),
        cmocka_unit_test(what_the_program_before_leaves_is_a_leak),
        cmocka_unit_test(of_a_batch_one_program_in_so_many_is_checked_for_leaks),
        cmocka_unit_test(engines_without_registers_are_compared_by_signature),
        cmocka_unit_test(the_library_says_its_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
