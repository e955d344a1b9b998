/*
 * Whatever goes in, what comes out is a sound program within the limits, and another one; the seed decides which. What
 * each mutation does is in mutate_kinds_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "generators/generator.h"
#include "generators/mutate_edit.h"
#include "vm/test_program.h"

static uint64_t add_bytes(uint64_t digest, const void *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, digest);
}

static uint64_t digest_of(const struct px_program *program)
{
    const uint64_t fields[] = { program->gas, program->entry_pc, program->code_size, program->map_count };
    uint64_t digest = add_bytes(0, fields, sizeof fields);
    digest = add_bytes(digest, program->x, sizeof program->x);
    digest = add_bytes(digest, program->code, program->code_size);
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_mapping map = px_program_mapping(program, i);
        const uint64_t numbers[] = { map.start, map.size, map.kind, map.content_size };
        digest = add_bytes(digest, numbers, sizeof numbers);
        digest = add_bytes(digest, map.content, map.content_size);
    }
    return digest;
}

static void make_of(const char *spec, uint64_t index, struct px_program *program)
{
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse(spec, &gen, &err), PX_OK);
    assert_int_equal(px_gen_make(&gen, 5, index, program), PX_OK);
}

static void make(uint64_t index, struct px_program *program)
{
    make_of("mix", index, program);
}

/* For what is pinned: of the generators that change least. */
static void make_pinned(uint64_t index, struct px_program *program)
{
    static const char *const specs[] = { "control", "memory", "compressed", "hostile" };
    make_of(specs[index % 4], index, program);
}

/* Code without a way back, whose gas may be anything. */
static bool runs_forward(const struct px_program *program)
{
    for (size_t at = 0; at < program->code_size;) {
        struct px_insn insn = px_decode(program->code, program->code_size, at);
        bool jumps = px_ops[insn.op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
        if (jumps && (insn.op == PX_OP_JALR || insn.imm <= 0))
            return false;
        at += insn.len;
    }
    return true;
}

static void expect_sound(struct px_program *program, size_t code_max, size_t content_max)
{
    struct px_image image;
    struct px_error err = { "" };
    size_t content = 0;
    px_program_image(program, &image);
    if (px_image_check(&image, &err) != PX_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < image.map_count; i++)
        content += image.maps[i].content_size;
    assert_true(program->code_size <= code_max);
    assert_true(program->map_count <= PX_PROGRAM_MAPS_MAX);
    assert_true(content <= content_max);
    assert_int_equal(program->content_size, content); /* nothing is left behind in it */
    assert_int_equal(program->x[0], 0);
    assert_false(program->origin.known);
    assert_false(program->has_expect);
    assert_true(program->gas <= MUTATE_GAS_MAX || runs_forward(program));
}

static void expect_text_comes_back(const struct px_program *program)
{
    struct px_program back;
    size_t size;
    char *text = test_program_text(program, &size);
    px_program_init(&back);
    test_parse(&back, text, size);
    test_expect_same_program(program, &back);
    px_program_fini(&back);
    free(text);
}

static void chains_of_mutations_stay_sound_and_change_programs(void **state)
{
    (void)state;
    enum { CHAINS = 1500, STEPS = 80 };
    struct mutator m = { .prng = { 1, 1 } };
    struct px_program program, other;
    unsigned unchanged = 0;
    px_program_init(&program);
    px_program_init(&other);
    for (uint64_t chain = 0; chain < CHAINS; chain++) {
        make(chain, &program);
        make(chain + CHAINS, &other);
        size_t code_max = program.code_size > MUTATE_CODE_MAX ? program.code_size : MUTATE_CODE_MAX;
        size_t content_max =
            program.content_size > MUTATE_CONTENT_MAX ? program.content_size : MUTATE_CONTENT_MAX;
        mutator_seed(&m, 1, chain);
        for (unsigned step = 0; step < STEPS; step++) {
            uint64_t before = digest_of(&program);
            if (step % 8 == 7) {
                assert_int_equal(mutate_cross(&m, &program, &other), PX_OK);
            } else {
                assert_int_equal(mutate_program(&m, &program), PX_OK);
                unchanged += digest_of(&program) == before;
            }
            expect_sound(&program, code_max, content_max);
        }
        if (chain % 32 == 0)
            expect_text_comes_back(&program);
    }
    assert_in_range(unchanged, 0, CHAINS * STEPS / 500); /* a later step undid an earlier one */
    mutator_fini(&m);
    px_program_fini(&program);
    px_program_fini(&other);
}

static void the_seed_decides_what_becomes_of_a_program(void **state)
{
    (void)state;
    enum { PROGRAMS = 2000 };
    static const uint64_t pinned[2] = { UINT64_C(0xf14df5d2137db48a), UINT64_C(0x78aef7abccea304a) };
    struct px_program program, other;
    uint64_t digests[2] = { 0, 0 };
    px_program_init(&program);
    px_program_init(&other);
    for (unsigned run = 0; run < 4; run++) { /* twice each: what a mutator did before is nothing to it */
        struct mutator m = { .prng = { 1, 1 } };
        uint64_t digest = 0;
        for (uint64_t i = 0; i < PROGRAMS; i++) {
            make_pinned(i, &program);
            make_pinned(i + 7, &other);
            if (run & 1) {
                mutator_seed(&m, 99, i);
                assert_int_equal(mutate_program(&m, &program), PX_OK);
                make_pinned(i, &program);
            }
            mutator_seed(&m, run / 2, i);
            assert_int_equal(i % 4 ? mutate_program(&m, &program) : mutate_cross(&m, &program, &other),
                             PX_OK);
            const uint64_t row = digest_of(&program);
            digest = add_bytes(digest, &row, sizeof row);
        }
        mutator_fini(&m);
        if (run & 1)
            assert_int_equal(digest, digests[run / 2]);
        digests[run / 2] = digest;
    }
    assert_int_not_equal(digests[0], digests[1]);
    if (digests[0] != pinned[0] || digests[1] != pinned[1])
        fail_msg("mutation makes other programs than before: pin { UINT64_C(0x%016" PRIx64
                 "), UINT64_C(0x%016" PRIx64 ") }",
                 digests[0], digests[1]);
    px_program_fini(&program);
    px_program_fini(&other);
}

/* Code, mappings and content that leave no room. */
static void make_full(struct px_program *program, uint32_t code_max, uint32_t content_max)
{
    static const uint8_t bytes[MUTATE_CONTENT_MAX];
    const struct px_insn nop = { .op = PX_OP_ADDI, .rvc = PX_C_NOP, .len = 2 };
    const struct px_insn branch = { .op = PX_OP_BEQ, .rvc = PX_C_BEQZ, .len = 2, .rs1 = 8, .imm = 254 };
    px_program_clear(program);
    while (program->code_size < code_max)
        assert_int_equal(px_program_emit(program, program->code_size % 256 ? &nop : &branch), PX_OK);
    for (uint64_t i = 0; i < PX_PROGRAM_MAPS_MAX; i++)
        assert_int_equal(px_program_map(program, PX_DATA_BASE + i * 0x100000, 0x100000,
                                        i == 5 ? PX_MAP_RO : PX_MAP_ZERO, bytes, i == 5 ? content_max : 0),
                         PX_OK);
}

static void a_full_program_grows_no_further(void **state)
{
    (void)state;
    enum { CODE = 1000, CONTENT = 500 };
    struct mutator m = { .code_max = CODE, .content_max = CONTENT, .prng = { 1, 1 } };
    struct px_program full, program;
    px_program_init(&full);
    px_program_init(&program);
    make_full(&full, CODE, CONTENT);
    for (uint64_t i = 0; i < 4000; i++) {
        assert_int_equal(px_program_copy(&program, &full), PX_OK);
        mutator_seed(&m, 2, i);
        assert_int_equal(i % 4 ? mutate_program(&m, &program) : mutate_cross(&m, &program, &full), PX_OK);
        expect_sound(&program, CODE, CONTENT);
    }
    /* A program that is larger than the limits already may stay so. */
    make_full(&full, 2 * CODE, 2 * CONTENT);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_int_equal(px_program_copy(&program, &full), PX_OK);
        mutator_seed(&m, 3, i);
        assert_int_equal(mutate_program(&m, &program), PX_OK);
        expect_sound(&program, 2 * CODE, 2 * CONTENT);
    }
    mutator_fini(&m);
    px_program_fini(&full);
    px_program_fini(&program);
}

static void the_largest_program_there_can_be_stays_one(void **state)
{
    (void)state;
    static const enum mutation kinds[] = { MUTATE_INSERT, MUTATE_DUPLICATE, MUTATE_LOOP,
                                           MUTATE_EXPAND, MUTATE_RETARGET,  MUTATE_CUT };
    struct mutator m = { .code_max = UINT32_MAX, .prng = { 1, 1 } };
    struct px_program program;
    px_program_init(&program);
    uint8_t *code = calloc(1, PX_CODE_MAX);
    assert_non_null(code);
    for (size_t at = 0; at < PX_CODE_MAX; at += 4)
        memcpy(code + at, at % 4096 ? "\x13\0\0" : "\x01\0\x01", 4); /* nop; c.nop, c.nop */
    assert_int_equal(px_program_append(&program, code, PX_CODE_MAX), PX_OK);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bool changed;
        mutator_seed(&m, 4, i);
        do {
            assert_int_equal(mutate_once(&m, kinds[i], &program, &changed), PX_OK);
        } while (kinds[i] == MUTATE_CUT && !changed);
        assert_int_equal(changed, kinds[i] == MUTATE_CUT);
        assert_true(changed ? program.code_size < PX_CODE_MAX : program.code_size == PX_CODE_MAX);
    }
    free(code);
    mutator_fini(&m);
    px_program_fini(&program);
}

static void an_empty_program_can_be_mutated_too(void **state)
{
    (void)state;
    struct mutator m = { .prng = { 1, 1 } };
    struct px_program program, other;
    unsigned changes = 0, coded = 0;
    px_program_init(&program);
    px_program_init(&other);
    for (unsigned kind = 0; kind < MUTATION_COUNT; kind++) {
        bool changed;
        px_program_clear(&program);
        mutator_seed(&m, 6, kind);
        assert_int_equal(mutate_once(&m, (enum mutation)kind, &program, &changed), PX_OK);
        expect_sound(&program, MUTATE_CODE_MAX, MUTATE_CONTENT_MAX);
        changes += changed;
    }
    assert_in_range(changes, 3, 5); /* insert, map-add, seed; entry and gas unless they draw 0 */
    for (uint64_t i = 0; i < 2000; i++) {
        px_program_clear(&program);
        px_program_clear(&other);
        mutator_seed(&m, 7, i);
        assert_int_equal(i % 2 ? mutate_program(&m, &program) : mutate_cross(&m, &program, &other), PX_OK);
        expect_sound(&program, MUTATE_CODE_MAX, MUTATE_CONTENT_MAX);
        coded += program.code_size > 0;
    }
    assert_in_range(coded, 100, 900);
    mutator_fini(&m);
    px_program_fini(&program);
    px_program_fini(&other);
}

static void crossover_brings_code_seeds_and_mappings_of_both(void **state)
{
    (void)state;
    /* Each program knows one instruction, one seed value and one mapping. */
    static const char texts[2][256] = {
        "parallax 1 rv64e-jar.1\ngas 1000\nreg x5 0xa\nreg x6 0xa\nmap 0x10000000 0x1000 ro hex:aa\ncode\n"
        "  00628533\n  00628533\n  00628533\n  00628533\n  00628533\n", /* add a0, t0, t1 */
        "parallax 1 rv64e-jar.1\ngas 2000\nreg x5 0xb\nreg x6 0xb\nmap 0x20000000 0x2000 cow hex:bb\ncode\n"
        "  40628533\n  40628533\n  40628533\n  40628533\n  40628533\n", /* sub */
    };
    struct mutator m = { .prng = { 1, 1 } };
    struct px_program programs[2], child;
    unsigned both_codes = 0, both_maps = 0, seeds = 0, gas = 0;
    px_program_init(&child);
    for (unsigned i = 0; i < 2; i++) {
        px_program_init(&programs[i]);
        test_parse(&programs[i], texts[i], strlen(texts[i]));
    }
    uint64_t donor = digest_of(&programs[1]);
    for (uint64_t i = 0; i < 1000; i++) {
        unsigned ops[2] = { 0, 0 };
        mutator_seed(&m, 8, i);
        assert_int_equal(px_program_copy(&child, &programs[0]), PX_OK);
        assert_int_equal(mutate_cross(&m, &child, &programs[1]), PX_OK);
        expect_sound(&child, MUTATE_CODE_MAX, MUTATE_CONTENT_MAX);
        for (size_t at = 0; at < child.code_size; at += 4) {
            enum px_op op = px_decode(child.code, child.code_size, at).op;
            assert_true(op == PX_OP_ADD || op == PX_OP_SUB);
            ops[op == PX_OP_SUB]++;
        }
        both_codes += ops[0] > 0 && ops[1] > 0;
        both_maps += child.map_count == 2;
        if (child.map_count == 2) {
            struct px_mapping map = px_program_mapping(&child, 1);
            assert_int_equal(map.start, 0x20000000);
            assert_int_equal(map.kind, PX_MAP_COW);
            assert_int_equal(map.content[0], 0xbb);
        }
        seeds += child.x[5] == 0xb;
        assert_true(child.x[5] == 0xa || child.x[5] == 0xb);
        gas += child.gas == 2000;
    }
    assert_int_equal(digest_of(&programs[1]), donor);
    assert_in_range(both_codes, 500, 950);
    assert_in_range(both_maps, 300, 700);
    assert_in_range(seeds, 300, 800);
    assert_in_range(gas, 300, 700);
    mutator_fini(&m);
    for (unsigned i = 0; i < 2; i++)
        px_program_fini(&programs[i]);
    px_program_fini(&child);
}

/* As a listing says it, with its branches linked. */
static void code_that_runs_backwards_is_known_without_a_listing(void **state)
{
    (void)state;
    struct listing listing = { .count = 0 };
    struct px_program program;
    unsigned backwards = 0;
    px_program_init(&program);
    for (uint64_t i = 0; i < 3000; i++) {
        make(i, &program);
        program.gas = UINT64_MAX;
        assert_int_equal(listing_read(&listing, &program), PX_OK);
        bool runs = mutate_may_run_backwards(&listing);
        assert_int_equal(mutate_ends_soon(&program), !runs);
        backwards += runs;
    }
    assert_in_range(backwards, 500, 2500);
    listing_fini(&listing);
    px_program_fini(&program);
}

static void gas_is_limited_only_where_code_may_run_backwards(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        bool limited;
    } rows[] = {
        { "  00000463\n  0000200b\n  0000200b\n", false }, /* beqz zero, 8 */
        { "  0000006f\n", true }, /* j 0 */
        { "  0001\n  fe050fe3\n", true }, /* a branch back by 2 */
        { "  00008067\n", true }, /* ret: anywhere */
        { "  fff00513\n  0000200b\n", false }, /* a negative immediate is no way back */
        { "", false },
    };
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "parallax 1 rv64e-jar.1\ngas 0xffffffffffffffff\ncode\n%s",
                       rows[i].code);
        test_parse(&program, text, strlen(text));
        assert_int_equal(mutate_ends_soon(&program), !rows[i].limited);
        mutate_limit_gas(&program);
        assert_int_equal(program.gas, rows[i].limited ? MUTATE_GAS_MAX : UINT64_MAX);
        assert_true(mutate_ends_soon(&program));
        program.gas = 77;
        mutate_limit_gas(&program);
        assert_int_equal(program.gas, 77);
    }
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_mutations_stay_sound_and_change_programs),
        cmocka_unit_test(the_seed_decides_what_becomes_of_a_program),
        cmocka_unit_test(a_full_program_grows_no_further),
        cmocka_unit_test(the_largest_program_there_can_be_stays_one),
        cmocka_unit_test(an_empty_program_can_be_mutated_too),
        cmocka_unit_test(crossover_brings_code_seeds_and_mappings_of_both),
        cmocka_unit_test(code_that_runs_backwards_is_known_without_a_listing),
        cmocka_unit_test(gas_is_limited_only_where_code_may_run_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
