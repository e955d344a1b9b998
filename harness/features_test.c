/* What a run shows is where the header says, and is the program's alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "generators/generator.h"
#include "harness/features.h"
#include "vm/test_program.h"

#define HEADER "parallax 1 rv64e-jar.1\ngas 100000\n"

/* Engines, and the table of what they showed last. */
struct world {
    struct run run;
    struct features features;
    uint8_t table[FEATURES];
    struct px_program program;
};

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct px_error err = { "" };
    assert_non_null(w);
    if (run_open("interp,block", &w->run, &err) != PX_OK ||
        features_attach(&w->features, &w->run, w->table, &err) != PX_OK)
        fail_msg("%s", err.text);
    px_program_init(&w->program);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    features_detach(&w->features);
    run_close(&w->run);
    px_program_fini(&w->program);
    free(w);
    return 0;
}

/* Runs w->program; what it showed is in the table then. */
static void show(struct world *w)
{
    struct px_image image;
    struct run_slot slot;
    struct run_result result;
    struct px_error err = { "" };
    px_program_image(&w->program, &image);
    if (run_prepare(&w->run, &image, 0, &slot, &err) != PX_OK)
        fail_msg("%s", err.text);
    features_begin(&w->features, &slot.image);
    if (run_compare(&w->run, &slot, false, &result, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_int_equal(result.diff.fields, 0);
    features_end(&w->features, &w->run, &slot, &result);
    run_release(&w->run, &slot);
}

static void show_text(struct world *w, const char *text)
{
    test_parse(&w->program, text, strlen(text));
    show(w);
}

static void make(struct world *w, uint64_t index)
{
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    assert_int_equal(px_gen_make(&gen, 21, index, &w->program), PX_OK);
}

static void the_parts_fill_the_table(void **state)
{
    (void)state;
    unsigned next = 0;
    for (size_t i = 0; i < FEATURES_GROUPS; i++) {
        assert_int_equal(features_groups[i].first, next);
        next += features_groups[i].count;
    }
    assert_int_equal(next, FEATURES);
}

static void the_table_holds_what_was_hit_and_nothing_else(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 0; i < 300; i++) {
        size_t set = 0;
        make(w, i);
        show(w);
        for (size_t k = 0; k < FEATURES; k++) {
            assert_in_range(w->table[k], 0, 1);
            set += w->table[k];
        }
        assert_int_equal(set, w->features.count);
        for (size_t k = 0; k < w->features.count; k++)
            assert_int_equal(w->table[w->features.hits[k]], 1);
    }
}

static void a_program_shows_the_same_whatever_ran_before(void **state)
{
    struct world *w = *state;
    uint8_t *first = malloc(FEATURES);
    assert_non_null(first);
    for (uint64_t i = 0; i < 200; i++) {
        make(w, i);
        show(w);
        memcpy(first, w->table, FEATURES);
        make(w, i + 1000);
        show(w);
        make(w, i);
        show(w);
        assert_memory_equal(first, w->table, FEATURES);
    }
    free(first);
}

/* How many features of @group only one of two programs shows. */
static unsigned differ(struct world *w, const char *one, const char *other, const char *group)
{
    uint8_t *first = malloc(FEATURES);
    unsigned count = 0;
    assert_non_null(first);
    show_text(w, one);
    memcpy(first, w->table, FEATURES);
    show_text(w, other);
    for (size_t i = 0; i < FEATURES_GROUPS; i++)
        for (unsigned k = 0; k < features_groups[i].count && strcmp(features_groups[i].name, group) == 0; k++)
            count += first[features_groups[i].first + k] != w->table[features_groups[i].first + k];
    free(first);
    return count;
}

static void each_part_tells_programs_apart_by_its_own(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *group, *one, *other;
    } rows[] = {
        /* div of -1 and of INT64_MIN, by the same */
        { "operands", HEADER "reg x6 0xffffffffffffffff\ncode\n  027342b3\n  0000200b\n",
          HEADER "reg x6 0x8000000000000000\ncode\n  027342b3\n  0000200b\n" },
        /* the second operand */
        { "operands", HEADER "reg x7 0x1\ncode\n  027342b3\n  0000200b\n",
          HEADER "reg x7 0x80000000\ncode\n  027342b3\n  0000200b\n" },
        /* rd = rs1 */
        { "operands", HEADER "code\n  027342b3\n  0000200b\n", HEADER "code\n  0272c2b3\n  0000200b\n" },
        /* how far apart the sides of a branch are */
        { "operands", HEADER "reg x5 0x4100\nreg x6 0x4000\ncode\n  00628463\n  0000200b\n",
          HEADER "reg x5 0x4100\nreg x6 0x4101\ncode\n  00628463\n  0000200b\n" },
        /* add, sub and sub, add */
        { "pairs", HEADER "code\n  00628533\n  40628533\n  0000200b\n",
          HEADER "code\n  40628533\n  00628533\n  0000200b\n" },
        { "exits", HEADER "code\n  0000200b\n", HEADER "code\n  0000000b\n" },
        /* a load that its first page refuses, and one that its second does */
        { "touches", HEADER "map 0x10000000 0x1000 zero\nreg x5 0x20000000\ncode\n  0002b303\n  0000200b\n",
          HEADER "map 0x10000000 0x1000 zero\nreg x5 0x10000ffd\ncode\n  0002b303\n  0000200b\n" },
        /* a branch taken or not */
        { "events", HEADER "reg x5 0x1\ncode\n  00028463\n  0000200b\n  0000200b\n",
          HEADER "code\n  00028463\n  0000200b\n  0000200b\n" },
        /* a block of three instructions and one of five */
        { "sizes", HEADER "code\n  00000013\n  00000013\n  00000013\n  0000200b\n",
          HEADER "code\n  00000013\n  00000013\n  00000013\n  00000013\n  00000013\n  0000200b\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (differ(w, rows[i].one, rows[i].other, rows[i].group) == 0)
            fail_msg("row %zu: nothing in %s", i, rows[i].group);
        else
            assert_int_equal(differ(w, rows[i].one, rows[i].one, rows[i].group), 0);
}

static bool touched(const struct world *w, unsigned touch)
{
    return w->table[FEATURE_TOUCHES + touch];
}

static void touches_are_told_as_memory_says(void **state)
{
    struct world *w = *state;
    /* Loads zero, loads it again, stores it, stores it again; loads two pages of one ro mapping and its code; stores over the
     * end of zero into cow; stores to ro. */
    show_text(w, HEADER "map 0x10000000 0x1000 zero\nmap 0x10001000 0x1000 cow\nmap 0x10400000 0x2000 ro\n"
                        "reg x5 0x10000000\nreg x6 0x10400000\nreg x7 0x10401000\nreg x8 0x400000\n"
                        "reg x9 0x10000ffd\ncode\n"
                        "  0002b503\n  0002b503\n  00a2b023\n  00a2b023\n" /* ld, ld, sd, sd of x5 */
                        "  00033503\n  0003b503\n  00043503\n" /* ld of x6, x7, x8 */
                        "  00a4b023\n" /* sd of x9 */
                        "  00a33023\n"); /* sd of x6 */
    static const unsigned seen[] = {
        PX_TOUCH_PAGE + 8 * PX_MAP_ZERO + 2 * PX_BEFORE_NOTHING,
        PX_TOUCH_PAGE + 8 * PX_MAP_ZERO + 2 * PX_BEFORE_READ,
        PX_TOUCH_PAGE + 8 * PX_MAP_ZERO + 2 * PX_BEFORE_READ + 1,
        PX_TOUCH_PAGE + 8 * PX_MAP_ZERO + 2 * PX_BEFORE_WRITTEN + 1,
        PX_TOUCH_PAGE + 8 * PX_MAP_RO + 2 * PX_BEFORE_NOTHING,
        PX_TOUCH_PAGE + 8 * PX_MAP_RO + 2 * PX_BEFORE_UNIT_PAID,
        PX_TOUCH_PAGE + 8 * PX_PLACE_CODE + 2 * PX_BEFORE_NOTHING,
        PX_TOUCH_PAGE + 8 * PX_MAP_COW + 2 * PX_BEFORE_NOTHING + 1,
        PX_TOUCH_STRADDLE + 8 * PX_MAP_ZERO + 2 * PX_MAP_COW + 1,
        PX_TOUCH_REFUSED + 2 * PX_MAP_RO + 1,
    };
    size_t all = 0;
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        if (!touched(w, seen[i]))
            fail_msg("touch %u is missing", seen[i]);
    for (unsigned i = 0; i < PX_TOUCHES; i++)
        all += touched(w, i);
    assert_int_equal(all, sizeof seen / sizeof seen[0]);
    /* The second page refuses. */
    show_text(w, HEADER "map 0x10000000 0x1000 zero\nreg x5 0x10000ffd\ncode\n  0002b503\n");
    assert_true(touched(w, PX_TOUCH_REFUSED + 8 + 2 * PX_PLACE_NOWHERE));
    assert_false(touched(w, PX_TOUCH_PAGE + 8 * PX_MAP_ZERO));
}

/* Every host instruction that is emitted has the length that Zydis finds, too. */
static void host_code_is_read_to_its_end(void **state)
{
    (void)state;
    static const char *const lists[] = { "interp,block", "interp,block:touch=fault",
                                         "interp,block:cpu=baseline" };
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    struct px_program program;
    struct px_gen gen;
    struct px_error err = { "" };
    size_t instructions = 0;
    px_program_init(&program);
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        struct run run;
        assert_int_equal(run_open(lists[l], &run, &err), PX_OK);
        const struct engine *block = &run.engines[1];
        for (uint64_t i = 0; i < 1500; i++) {
            struct px_image image;
            struct run_slot slot;
            size_t size;
            assert_int_equal(px_gen_parse(i % 8 ? "mix" : "boundary", &gen, &err), PX_OK);
            assert_int_equal(px_gen_make(&gen, 3, i * 101, &program), PX_OK);
            px_program_image(&program, &image);
            assert_int_equal(run_prepare(&run, &image, 0, &slot, &err), PX_OK);
            const uint8_t *code = block->ops->code(block->instance, slot.units[1], &size);
            for (size_t at = 0; at < size; instructions++) {
                ZydisDecodedInstruction judge;
                ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
                unsigned form = UINT32_MAX, length = features_host_form(code + at, size - at, &form);
                assert_true(
                    ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, size - at, &judge, operands)));
                if (length != judge.length)
                    fail_msg("%s, program %llu, offset %zu: %u bytes, Zydis finds %u", lists[l],
                             (unsigned long long)i, at, length, judge.length);
                assert_in_range(form, 0, (1u << FEATURES_FORM_BITS) - 1);
                at += length;
            }
            run_release(&run, &slot);
        }
        run_close(&run);
    }
    assert_true(instructions > 100000);
    px_program_fini(&program);
}

static void forms_tell_encodings_apart(void **state)
{
    (void)state;
    /* add [rbx], [rbx + 127], [rbx + 128], [r12], [rbp + 0], rax; with imm8 and imm32 of different kinds. */
    static const uint8_t codes[][8] = {
        { 0x01, 0x03 },       { 0x01, 0x43, 0x7f }, { 0x01, 0x83, 0x80 }, { 0x41, 0x01, 0x04, 0x24 },
        { 0x01, 0x45, 0x00 }, { 0x48, 0x01, 0xc0 }, { 0x83, 0xc0, 0x01 }, { 0x83, 0xc0, 0x40 },
        { 0x83, 0xc0, 0x80 }, { 0x81, 0xc0, 0x80 }, { 0x81, 0xe8, 0x80 },
    };
    enum { CODES = sizeof codes / sizeof codes[0] };
    unsigned forms[CODES];
    for (size_t i = 0; i < CODES; i++) {
        assert_true(features_host_form(codes[i], sizeof codes[i], &forms[i]) > 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(forms[i], forms[k]);
    }
    /* Which plain register it is makes no form. */
    unsigned form;
    const uint8_t other[] = { 0x01, 0x0f }; /* [rdi], ecx */
    assert_int_equal(features_host_form(other, sizeof other, &form), 2);
    assert_int_equal(form, forms[0]);
}

static void host_bytes_of_any_kind_are_taken(void **state)
{
    (void)state;
    uint64_t x = 1;
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[12];
        unsigned form;
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        memcpy(bytes, &x, 8);
        memcpy(bytes + 8, (uint8_t *)&x + 3, 4);
        size_t size = 1 + (x >> 40) % sizeof bytes;
        uint8_t *alone = malloc(size); /* so that a sanitizer sees a read past it */
        assert_non_null(alone);
        memcpy(alone, bytes, size);
        assert_in_range(features_host_form(alone, size, &form), 0, size);
        free(alone);
    }
}

static void coverage_without_the_reference_is_refused(void **state)
{
    (void)state;
    struct run run;
    struct px_error err = { "" };
    static struct features features;
    static uint8_t table[FEATURES];
    assert_int_equal(run_open("block,block:touch=fault", &run, &err), PX_OK);
    assert_int_equal(features_attach(&features, &run, table, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "coverage needs the engine interp among those that are compared");
    run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_fill_the_table),
        cmocka_unit_test_setup_teardown(the_table_holds_what_was_hit_and_nothing_else, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_program_shows_the_same_whatever_ran_before, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(each_part_tells_programs_apart_by_its_own, open_world, close_world),
        cmocka_unit_test_setup_teardown(touches_are_told_as_memory_says, open_world, close_world),
        cmocka_unit_test(host_code_is_read_to_its_end),
        cmocka_unit_test(forms_tell_encodings_apart),
        cmocka_unit_test(host_bytes_of_any_kind_are_taken),
        cmocka_unit_test(coverage_without_the_reference_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
