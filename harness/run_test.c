/*
 * Engine lists, and comparison over engines that say what the test tells them: unsupported, failing,
 * lying.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "harness/run.h"
#include "harness/wrong.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- an engine that does as it is told --- */

struct px_unit {
    char unused;
};

struct px_engine {
    enum px_status prepare, run, read; /* what these say */
    struct px_outcome outcome;
    uint64_t drift; /* each run costs so much less */
    bool heir;      /* a run costs less by x5 of the one before, left */
    uint64_t left;
    bool blind;     /* meters no gas */
    unsigned runs;
    unsigned prepared, released;
    struct px_unit unit;
};

static void puppet_destroy(struct px_engine *engine)
{
    (void)engine;
}

static const char *puppet_spec(const struct px_engine *engine)
{
    (void)engine;
    return "puppet";
}

static struct px_caps puppet_caps(const struct px_engine *engine)
{
    return (struct px_caps){ .registers = true, .gas = !engine->blind, .dirty = true, .counts = true };
}

static enum px_status puppet_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    (void)image;
    (void)flags;
    if (engine->prepare != PX_OK)
        return px_fail(err, engine->prepare, "puppet: not prepared");
    engine->prepared++;
    *unit = &engine->unit;
    return PX_OK;
}

static void puppet_release(struct px_engine *engine, struct px_unit *unit)
{
    engine->released += unit != NULL;
}

static enum px_status puppet_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    assert_ptr_equal(unit, &engine->unit);
    if (engine->run != PX_OK)
        return px_fail(err, engine->run, "puppet: not run");
    engine->runs++;
    *outcome = engine->outcome;
    if (engine->heir)
        outcome->gas += engine->left;
    engine->left = entry->x[5];
    engine->outcome.gas += engine->drift;
    return PX_OK;
}

static enum px_status puppet_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    (void)page;
    (void)scratch;
    if (engine->read != PX_OK)
        return engine->read;
    *bytes = px_zero_page;
    return PX_OK;
}

static const struct px_engine_ops puppet = {
    .name = "puppet",
    .destroy = puppet_destroy,
    .spec = puppet_spec,
    .caps = puppet_caps,
    .prepare = puppet_prepare,
    .release = puppet_release,
    .run = puppet_run,
    .read_page = puppet_read_page,
};

enum { PUPPETS = 3 };

static void open_puppets(struct px_engine *puppets, struct run *run)
{
    struct engine engines[PUPPETS];
    struct px_error err = { "" };
    for (size_t i = 0; i < PUPPETS; i++) {
        puppets[i] = (struct px_engine){ .outcome = { .gas = 10 } };
        engines[i] = (struct engine){ .ops = &puppet, .instance = &puppets[i] };
    }
    assert_int_equal(run_open_engines(engines, PUPPETS, run, &err), PX_OK);
}

static const struct px_mapping one_page = { .start = PX_DATA_BASE, .size = PX_PAGE_SIZE };
static const struct px_image some_image = { .maps = &one_page, .map_count = 1 };
static const struct px_image other_image = { .maps = &one_page, .map_count = 1, .x = { [5] = 1 } };

/* How many runs of a check began on each puppet. */
struct turns {
    unsigned of[PUPPETS];
};

static void take_turn(void *arg, size_t engine)
{
    struct turns *turns = arg;
    assert_in_range(engine, 0, PUPPETS - 1);
    turns->of[engine]++;
}

/* --- lists --- */

/* The canonical spec of one engine. */
static void canonical(const char *spec, char *text, size_t size)
{
    struct engine engine;
    struct px_error err = { "" };
    assert_int_equal(engine_open(spec, &engine, &err), PX_OK);
    (void)snprintf(text, size, "%s", engine_spec(&engine));
    engine_close(&engine);
}

static void lists_are_split_before_names_and_not_before_options(void **state)
{
    (void)state;
    static const struct {
        const char *list, *specs[4];
        uint64_t every[4];
    } rows[] = {
        { "interp,block", { "interp", "block" }, { 1, 1 } },
        { "block,interp", { "block", "interp" }, { 1, 1 } },
        { "interp,block:touch=check,cpu=baseline,block",
          { "interp", "block:touch=check,cpu=baseline", "block" },
          { 1, 1, 1 } },
        { "block:cpu=baseline,interp,block:touch=check,interp",
          { "block:cpu=baseline", "interp", "block:touch=check", "interp" },
          { 1, 1, 1, 1 } },
        { "interp,block%16", { "interp", "block" }, { 1, 16 } },
        { "interp,block:cpu=baseline,touch=check%1000000,block%1",
          { "interp", "block:cpu=baseline,touch=check", "block" },
          { 1, 1000000, 1 } },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct run run;
        struct px_error err = { "" };
        if (run_open(rows[i].list, &run, &err) != PX_OK)
            fail_msg("%s: %s", rows[i].list, err.text);
        for (size_t j = 0; j < run.count; j++) {
            char expected[128];
            assert_true(j < COUNT(rows[i].specs));
            canonical(rows[i].specs[j], expected, sizeof expected);
            assert_string_equal(engine_spec(&run.engines[j]), expected);
            assert_int_equal(run.every[j], rows[i].every[j]);
        }
        assert_true(run.count == COUNT(rows[i].specs) || !rows[i].specs[run.count]);
        run_close(&run);
    }
}

static void bad_lists_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char share[] = "expected %1 to %1000000 behind an engine that is not the first";
    static const struct {
        const char *list, *text;
    } rows[] = {
        { "", "0 engines: expected at least two to compare" },
        { "interp", "1 engine: expected at least two to compare" },
        { "interp,interp,interp,interp,interp,interp,interp,interp,interp", "more than 8 engines" },
        { "interp,nope",
          "engine 'nope': expected interp, fused, block, linear, tiered, qemu, plugin or wrong" },
        { "Interp,block",
          "engine 'Interp': expected interp, fused, block, linear, tiered, qemu, plugin or wrong" },
        { ",interp", "engine '': expected interp, fused, block, linear, tiered, qemu, plugin or wrong" },
        { "interp:fast=1,block", "engine interp: option 'fast=1': expected none" },
        { "interp,block:cpu=z80", NULL }, /* the engine's own words */
        { "qemu,interp", "engine qemu cannot say how every program ends: expected behind one that can" },
        { "interp,qemu:fast", "engine qemu: option 'fast': expected none" },
        { "interp%2,block", share },
        { "interp,block%0", share },
        { "interp,block%", share },
        { "interp,block%-1", share },
        { "interp,block%1000001", share },
        { "interp,block%16x", share },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct run run;
        struct px_error err = { "" };
        if (run_open(rows[i].list, &run, &err) != PX_ERR_INPUT)
            fail_msg("%s is taken", rows[i].list);
        if (rows[i].text == share)
            assert_non_null(strstr(err.text, share));
        else if (rows[i].text)
            assert_string_equal(err.text, rows[i].text);
        assert_int_not_equal(err.text[0], '\0');
    }
}

static void a_cpu_limit_goes_to_every_engine_that_makes_code(void **state)
{
    (void)state;
    static const struct {
        const char *list, *features, *expected;
    } rows[] = {
        { "interp,block,block:touch=fault%16", NULL, "interp,block,block:touch=fault%16" },
        { "interp,block", "baseline", "interp,block:cpu=baseline" },
        { "interp,block%3,block:touch=fault%16,block:cpu=host,touch=fault", "bmi1+bmi2",
          "interp,block:cpu=bmi1+bmi2%3,block:touch=fault,cpu=bmi1+bmi2%16,block:cpu=host,touch=fault" },
        { "blocks,interp:x=1,block:xcpu=1", "host", "blocks,interp:x=1,block:xcpu=1,cpu=host" },
        { "", "host", "" },
    };
    char text[ENGINES_TEXT], longest[ENGINES_TEXT + 1];
    struct px_error err;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(engines_limit_cpu(rows[i].list, rows[i].features, text, &err), PX_OK);
        assert_string_equal(text, rows[i].expected);
    }
    memset(longest, 'x', ENGINES_TEXT);
    longest[ENGINES_TEXT] = '\0';
    assert_int_equal(engines_limit_cpu(longest, NULL, text, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "engines: expected a list of at most 1023 characters");
    longest[ENGINES_TEXT - 1] = '\0';
    assert_int_equal(engines_limit_cpu(longest, "host", text, &err), PX_OK);
    assert_string_equal(text, longest);
    assert_int_equal(engines_limit_cpu("block", "bmi1,touch=fault", text, &err), PX_ERR_INPUT);
    assert_string_equal(err.text,
                        "cpu features 'bmi1,touch=fault': expected host, baseline, or names joined by '+'");
}

static void a_spec_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char list[ENGINES_TEXT + 16] = "interp,";
    struct run run;
    struct px_error err = { "" };
    memset(list + 7, 'x', ENGINES_TEXT);
    list[7 + ENGINES_TEXT] = '\0';
    assert_int_equal(run_open(list, &run, &err), PX_ERR_INPUT);
    assert_string_equal(err.text,
                        "engine 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...': expected a spec of at most "
                        "1023 characters");
}

/* --- comparison --- */

static void engines_that_agree_do_not_diverge(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_puppets(puppets, &run);
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    for (size_t i = 0; i < PUPPETS; i++) {
        assert_true(result.supported[i]);
        assert_int_equal(result.outcomes[i].gas, 10);
        assert_int_equal(puppets[i].prepared, 1);
        assert_int_equal(puppets[i].released, 1);
    }
    run_close(&run);
}

static void the_first_engine_that_diverges_is_named(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_puppets(puppets, &run);
    puppets[2].outcome.gas = 9;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_OK);
    assert_int_equal(result.other, 2);
    assert_int_equal(result.diff.fields, DIFF_GAS);
    puppets[1].outcome.pc = 4;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_OK);
    assert_int_equal(result.other, 1);
    assert_int_equal(result.diff.fields, DIFF_PC);
    run_close(&run);
}

static void an_engine_that_does_not_take_the_image_is_left_out(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_puppets(puppets, &run);
    puppets[1].prepare = PX_UNSUPPORTED;
    puppets[1].outcome.gas = 0;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_OK);
    assert_false(result.supported[1]);
    assert_true(result.supported[2]);
    assert_int_equal(result.diff.fields, 0);
    puppets[0].prepare = PX_UNSUPPORTED; /* nothing to hold the others against */
    puppets[2].outcome.gas = 0;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    run_close(&run);
}

/* The same, the last of them blind for gas. */
static void open_with_a_blind_one(struct px_engine *puppets, struct run *run)
{
    open_puppets(puppets, run);
    puppets[2].blind = true;
    run->caps[2].gas = false;
}

static void an_engine_that_cannot_say_is_held_against_nothing(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_puppets(puppets, &run);
    puppets[1].outcome = (struct px_outcome){ .exit = PX_EXIT_UNJUDGED, .arg = PX_UNJUDGED_TIME };
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    assert_true(result.supported[1]);
    assert_int_equal(result.outcomes[1].arg, PX_UNJUDGED_TIME);
    puppets[1].outcome.arg = 99; /* no reason that there is */
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.outcomes[1].arg, PX_UNJUDGED_LOST);
    puppets[2].outcome.gas = 9; /* the others go on */
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.other, 2);
    assert_int_equal(result.majority.relation[0][1], RELATION_UNKNOWN);
    assert_int_equal(result.majority.relation[1][2], RELATION_UNKNOWN);
    run_close(&run);
}

static void an_engine_blind_for_gas_is_not_asked_when_gas_ran_out(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_with_a_blind_one(puppets, &run);
    puppets[2].outcome.gas = 0; /* nobody looks at it */
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    assert_int_equal(puppets[2].runs, 1);
    puppets[0].outcome.exit = puppets[1].outcome.exit = PX_EXIT_OUT_OF_GAS;
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    assert_int_equal(result.outcomes[2].exit, PX_EXIT_UNJUDGED);
    assert_int_equal(result.outcomes[2].arg, PX_UNJUDGED_GAS);
    assert_int_equal(puppets[2].runs, 1);
    run_close(&run);
}

static void everybody_is_held_against_everybody_where_two_differ(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_with_a_blind_one(puppets, &run);
    puppets[1].outcome.pc = 4;
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.majority.relation[0][1], RELATION_DIFFER);
    assert_int_equal(result.majority.relation[0][2], RELATION_AGREE);
    assert_int_equal(result.majority.relation[2][1], RELATION_DIFFER);
    puppets[1].outcome = (struct px_outcome){ .exit = PX_EXIT_OUT_OF_GAS, .gas = 10 };
    assert_int_equal(run_image(&run, &some_image, true, &result, &err), PX_OK);
    assert_int_equal(result.majority.relation[0][1], RELATION_DIFFER);
    assert_int_equal(result.majority.relation[0][2], RELATION_AGREE);
    assert_int_equal(result.majority.relation[1][2], RELATION_UNKNOWN); /* it may be right about that */
    run_close(&run);
}

static void what_nobody_can_say_is_no_leak(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_slot slots[2];
    struct turns turns = { { 0 } };
    const struct run_watch watch = { .turn = take_turn, .arg = &turns };
    bool leaks = true;
    size_t which;
    open_with_a_blind_one(puppets, &run);
    puppets[2].drift = 1; /* each run ends otherwise, ... */
    puppets[2].outcome.exit = PX_EXIT_UNJUDGED;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(run_prepare(&run, &some_image, 0, &slots[i], &err), PX_OK);
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_false(leaks);
    assert_int_equal(puppets[2].runs, 4);
    puppets[2].outcome.exit = PX_EXIT_HOSTCALL; /* ... which does not matter where it is not run */
    puppets[0].outcome.exit = PX_EXIT_OUT_OF_GAS;
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_false(leaks);
    assert_int_equal(puppets[2].runs, 4);
    puppets[0].outcome.exit = PX_EXIT_HOSTCALL;
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_true(leaks);
    assert_int_equal(which, 2);
    for (size_t i = 0; i < 2; i++)
        run_release(&run, &slots[i]);
    run_close(&run);
}

static void an_engine_takes_part_when_its_turn_has_come(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    open_puppets(puppets, &run);
    run.every[2] = 4;
    puppets[2].outcome.gas = 9;
    for (uint64_t index = 0; index < 12; index++) {
        struct run_result result;
        run_choose(&run, index);
        assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_OK);
        assert_int_equal(result.supported[2], index % 4 == 0);
        assert_int_equal(result.diff.fields, index % 4 == 0 ? DIFF_GAS : 0);
    }
    assert_int_equal(puppets[1].prepared, 12);
    assert_int_equal(puppets[2].prepared, 3);
    run_close(&run);
}

static void a_failed_prepare_leaves_nothing_prepared(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_slot slot;
    open_puppets(puppets, &run);
    puppets[2].prepare = PX_ERR_FULL;
    assert_int_equal(run_prepare(&run, &some_image, 0, &slot, &err), PX_ERR_FULL);
    assert_string_equal(err.text, "puppet: not prepared");
    for (size_t i = 0; i < PUPPETS - 1; i++) {
        assert_int_equal(puppets[i].prepared, 1);
        assert_int_equal(puppets[i].released, 1);
    }
    assert_int_equal(puppets[2].released, 0);
    run_close(&run);
}

static void our_own_failures_are_no_divergences(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    open_puppets(puppets, &run);
    puppets[1].run = PX_ERR_NOMEM;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_ERR_NOMEM);
    assert_string_equal(err.text, "puppet: not run");
    puppets[1].run = PX_OK;
    puppets[1].read = PX_ERR_SYSTEM;
    assert_int_equal(run_image(&run, &some_image, false, &result, &err), PX_ERR_SYSTEM);
    assert_string_equal(err.text, "engine puppet or puppet: reading guest memory failed");
    assert_int_equal(puppets[2].released, 2);
    run_close(&run);
}

static void what_a_program_leaves_to_the_next_is_a_leak(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_slot slots[2];
    struct turns turns = { { 0 } };
    const struct run_watch watch = { .turn = take_turn, .arg = &turns };
    bool leaks = true;
    size_t which = 0;
    open_puppets(puppets, &run);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(run_prepare(&run, &some_image, 0, &slots[i], &err), PX_OK);
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_false(leaks);
    for (size_t i = 0; i < PUPPETS; i++)
        assert_int_equal(turns.of[i], puppets[i].runs);
    puppets[2].drift = 1;
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_true(leaks);
    assert_int_equal(which, 2);
    slots[1].supported[2] = false; /* who did not take both is not asked */
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_false(leaks);
    puppets[1].run = PX_ERR_NOMEM;
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_ERR_NOMEM);
    for (size_t i = 0; i < 2; i++)
        run_release(&run, &slots[i]);
    run_close(&run);
}

static void what_ran_before_a_check_hides_no_leak(void **state)
{
    (void)state;
    struct px_engine puppets[PUPPETS];
    struct px_error err = { "" };
    struct run run;
    struct run_slot slots[2];
    struct run_result result;
    struct turns turns = { { 0 } };
    const struct run_watch watch = { .turn = take_turn, .arg = &turns };
    bool leaks = false;
    size_t which = 0;
    open_puppets(puppets, &run);
    puppets[1].heir = true;
    assert_int_equal(run_prepare(&run, &some_image, 0, &slots[0], &err), PX_OK);
    assert_int_equal(run_prepare(&run, &other_image, 0, &slots[1], &err), PX_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(run_compare(&run, &slots[i], false, &result, &err), PX_OK);
    assert_int_equal(run_between(&run, &slots[0], &slots[1], &watch, &leaks, &which, &err), PX_OK);
    assert_true(leaks);
    assert_int_equal(which, 1);
    for (size_t i = 0; i < 2; i++)
        run_release(&run, &slots[i]);
    run_close(&run);
}

static void the_entry_is_what_the_image_asks_for(void **state)
{
    (void)state;
    struct px_image image = { .entry_pc = 6, .gas = 77, .x = { 0, 1, 2 } };
    struct px_entry entry = run_entry(&image);
    assert_int_equal(entry.pc, 6);
    assert_int_equal(entry.gas, 77);
    assert_int_equal(entry.stop_after_blocks, 0);
    assert_memory_equal(entry.x, image.x, sizeof entry.x);
}

/* --- memory --- */

/* Runs `sb x0, 0(x8)`, x8 = the first mapped page, against an engine that falsifies every page it is asked for.
 * Gives the fields that differ, and the page. */
static uint32_t fields_with_pages(unsigned writable_pages, bool store, bool sweep, uint32_t *page)
{
    static const uint8_t code[] = { 0x23, 0x00, 0x04, 0x00, 0x0b, 0x20, 0x00, 0x00 };
    const struct px_mapping maps[] = {
        { .start = PX_DATA_BASE, .size = (uint64_t)writable_pages * PX_PAGE_SIZE },
        { .start = PX_DATA_BASE + PX_CLUSTER_SIZE, .size = PX_PAGE_SIZE, .kind = PX_MAP_RO },
    };
    struct px_image image = {
        .code = code, .code_size = sizeof code, .maps = maps, .map_count = 2, .gas = 10000
    };
    image.x[8] = PX_DATA_BASE;
    image.entry_pc = store ? 0 : 4;
    struct engine engines[2] = { { .ops = &px_interp_engine }, { .ops = &px_wrong_engine } };
    struct px_error err = { "" };
    struct run run;
    struct run_result result;
    assert_int_equal(px_interp_engine.create("", &engines[0].instance, &err), PX_OK);
    assert_int_equal(px_wrong_engine.create("memory", &engines[1].instance, &err), PX_OK);
    assert_int_equal(run_open_engines(engines, 2, &run, &err), PX_OK);
    assert_int_equal(run_image(&run, &image, sweep, &result, &err), PX_OK);
    if (result.diff.fields != 0) {
        assert_int_equal(result.diff.a.exit, PX_EXIT_HOSTCALL);
        assert_int_equal(result.diff.b.exit, PX_EXIT_HOSTCALL);
    }
    *page = result.diff.page;
    run_close(&run);
    return result.diff.fields;
}

static void few_writable_pages_are_all_read_and_of_many_those_written(void **state)
{
    (void)state;
    uint32_t page;
    assert_int_equal(fields_with_pages(RUN_WRITABLE_MAX, false, false, &page), DIFF_MEMORY);
    assert_int_equal(page, PX_DATA_BASE / PX_PAGE_SIZE);
    assert_int_equal(fields_with_pages(RUN_WRITABLE_MAX + 1, false, false, &page), 0);
    assert_int_equal(fields_with_pages(RUN_WRITABLE_MAX + 1, true, false, &page), DIFF_MEMORY);
    assert_int_equal(page, PX_DATA_BASE / PX_PAGE_SIZE);
}

static void a_sweep_reads_pages_that_nobody_touched(void **state)
{
    (void)state;
    uint32_t page;
    assert_int_equal(fields_with_pages(RUN_WRITABLE_MAX + 1, false, true, &page), DIFF_MEMORY);
    assert_int_equal(page, PX_DATA_BASE / PX_PAGE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_split_before_names_and_not_before_options),
        cmocka_unit_test(bad_lists_are_refused_with_a_reason),
        cmocka_unit_test(a_cpu_limit_goes_to_every_engine_that_makes_code),
        cmocka_unit_test(a_spec_that_is_too_long_is_refused),
        cmocka_unit_test(engines_that_agree_do_not_diverge),
        cmocka_unit_test(the_first_engine_that_diverges_is_named),
        cmocka_unit_test(an_engine_that_does_not_take_the_image_is_left_out),
        cmocka_unit_test(an_engine_that_cannot_say_is_held_against_nothing),
        cmocka_unit_test(an_engine_blind_for_gas_is_not_asked_when_gas_ran_out),
        cmocka_unit_test(everybody_is_held_against_everybody_where_two_differ),
        cmocka_unit_test(what_nobody_can_say_is_no_leak),
        cmocka_unit_test(an_engine_takes_part_when_its_turn_has_come),
        cmocka_unit_test(a_failed_prepare_leaves_nothing_prepared),
        cmocka_unit_test(our_own_failures_are_no_divergences),
        cmocka_unit_test(what_a_program_leaves_to_the_next_is_a_leak),
        cmocka_unit_test(what_ran_before_a_check_hides_no_leak),
        cmocka_unit_test(the_entry_is_what_the_image_asks_for),
        cmocka_unit_test(few_writable_pages_are_all_read_and_of_many_those_written),
        cmocka_unit_test(a_sweep_reads_pages_that_nobody_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
