/*
 * Generators are part of every reproducer: (seed, index, version) must give the same program forever. Digests pin
 * what they make; the rest is what generator.h promises.
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
#include "vm/isa.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    FIRST = 1000,  /* programs from index 0 on ... */
    FAR = 1000,    /* ... and as many far apart, which reach all of the boundary enumeration */
    STRIDE = 3779,
};

static const uint64_t seed = 0x5eed;

static void parse(const char *spec, struct px_gen *gen)
{
    struct px_error err = { "" };
    if (px_gen_parse(spec, gen, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static uint64_t add_bytes(uint64_t digest, const void *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, digest);
}

static uint64_t add_program(uint64_t digest, const struct px_program *program)
{
    const uint64_t fields[] = { program->gas, program->entry_pc, program->code_size, program->map_count };
    digest = add_bytes(digest, fields, sizeof fields);
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

static uint64_t digest_of(const struct px_gen *gen)
{
    struct px_program program;
    uint64_t digest = 0;
    px_program_init(&program);
    for (uint64_t i = 0; i < FIRST + FAR; i++) {
        uint64_t index = i < FIRST ? i : (i - FIRST) * STRIDE;
        assert_int_equal(px_gen_make(gen, seed, index, &program), PX_OK);
        digest = add_program(digest, &program);
    }
    px_program_fini(&program);
    return digest;
}

/* When a generator makes other programs than before, its version goes up and this table follows. Mix goes with its
 * parts. */
static const struct {
    const char *spec;
    unsigned version;
    uint64_t digest;
} pins[] = {
    { "mix", 3, UINT64_C(0x7f1854244a040067) },
    { "boundary", 1, UINT64_C(0x06bc8909ec95a466) },
    { "straight", 1, UINT64_C(0x2f0d2c967a4b38f2) },
    { "straight:length=200", 1, UINT64_C(0x7c03aef839484cf5) },
    { "control", 1, UINT64_C(0x15913d37348b829c) },
    { "memory", 1, UINT64_C(0xde0e4caa8f2e0cd6) },
    { "compressed", 1, UINT64_C(0xbbbf4705593b8b70) },
    { "hostcall", 1, UINT64_C(0x7a36692d81ae49a0) },
    { "hostile", 1, UINT64_C(0x1136a9067da4f13d) },
    { "gas", 2, UINT64_C(0x9a99b035a00371c3) },
    { "long", 1, UINT64_C(0x23ebbaef0b3b5c3e) },
    { "guest", 2, UINT64_C(0x2e8030e3e748aad1) },
    { "guest:name=sieve", 2, UINT64_C(0x8f946876a3f3e40e) },
};

static void what_each_version_of_a_generator_makes_is_pinned(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < COUNT(pins); i++) {
        struct px_gen gen;
        parse(pins[i].spec, &gen);
        uint64_t digest = digest_of(&gen);
        unsigned version = gen.generator->version;
        if (digest == pins[i].digest && version == pins[i].version)
            continue;
        wrong++;
        if (digest != pins[i].digest && version == pins[i].version)
            print_error("%s makes other programs under the same version: bump the version in "
                        "generators/%s.c, then pin\n",
                        pins[i].spec, gen.generator->name);
        else
            print_error("%s is at version %u, the pin is of version %u: pin\n", pins[i].spec, version,
                        pins[i].version);
        print_error("    { \"%s\", %u, UINT64_C(0x%016" PRIx64 ") },\n", pins[i].spec,
                    version + (version == pins[i].version), digest);
    }
    assert_int_equal(wrong, 0);
}

static void every_generator_is_pinned(void **state)
{
    (void)state;
    for (size_t i = 0; px_generators[i]; i++) {
        bool pinned = false;
        for (size_t j = 0; j < COUNT(pins); j++)
            pinned = pinned || strcmp(pins[j].spec, px_generators[i]->name) == 0;
        if (!pinned)
            fail_msg("generator %s has no pin", px_generators[i]->name);
    }
}

static void a_program_depends_on_seed_and_index_alone(void **state)
{
    (void)state;
    struct px_program used, fresh;
    px_program_init(&used);
    for (size_t g = 0; px_generators[g]; g++) {
        struct px_gen gen;
        parse(px_generators[g]->name, &gen);
        for (uint64_t i = 500; i-- > 0;) { /* backwards, into buffers that held something else */
            px_program_init(&fresh);
            assert_int_equal(px_gen_make(&gen, seed, i * 7, &used), PX_OK);
            assert_int_equal(px_gen_make(&gen, seed, i * 7, &fresh), PX_OK);
            assert_int_equal(add_program(0, &used), add_program(0, &fresh));
            px_program_fini(&fresh);
        }
    }
    px_program_fini(&used);
}

static void another_seed_gives_other_programs(void **state)
{
    (void)state;
    static const char *const specs[] = { "mix",      "straight", "control", "memory", "compressed",
                                         "hostcall", "hostile",  "gas",     "long",   "guest" };
    struct px_program a, b;
    px_program_init(&a);
    px_program_init(&b);
    for (size_t i = 0; i < COUNT(specs); i++) {
        struct px_gen gen;
        unsigned same = 0;
        parse(specs[i], &gen);
        for (uint64_t index = 0; index < 200; index++) {
            assert_int_equal(px_gen_make(&gen, 1, index, &a), PX_OK);
            assert_int_equal(px_gen_make(&gen, 2, index, &b), PX_OK);
            same += add_program(0, &a) == add_program(0, &b);
        }
        assert_int_equal(same, 0);
    }
    px_program_fini(&a);
    px_program_fini(&b);
}

static bool may_loop(const struct px_program *program)
{
    for (size_t at = 0; at < program->code_size;) {
        struct px_insn insn = px_decode(program->code, program->code_size, at);
        if (px_ops[insn.op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
            return true;
        at += insn.len;
    }
    return false;
}

static void every_program_is_a_sound_image_that_knows_its_origin(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < COUNT(pins); i++) {
        struct px_gen gen;
        parse(pins[i].spec, &gen);
        for (uint64_t index = 0; index < 2000; index++) {
            struct px_image image;
            struct px_error err = { "" };
            assert_int_equal(px_gen_make(&gen, seed, index * 1891, &program), PX_OK);
            px_program_image(&program, &image);
            if (px_image_check(&image, &err) != PX_OK)
                fail_msg("%s index %" PRIu64 ": %s", pins[i].spec, index * 1891, err.text);
            assert_true(program.origin.known);
            assert_int_equal(program.origin.seed, seed);
            assert_int_equal(program.origin.index, index * 1891);
            assert_int_equal(program.origin.version, gen.generator->version);
            assert_string_equal(program.origin.gen, pins[i].spec);
            assert_true(program.gas <= (gen.generator->takes_guest ? 4000000 : 1000000) ||
                        !may_loop(&program));
            assert_int_equal(program.x[0], 0);
        }
    }
    px_program_fini(&program);
}

static unsigned instructions(const struct px_program *program)
{
    unsigned count = 0;
    for (size_t at = 0; at < program->code_size; count++)
        at += px_decode(program->code, program->code_size, at).len;
    return count;
}

static void straight_makes_as_many_instructions_as_it_is_told(void **state)
{
    (void)state;
    static const unsigned lengths[] = { 1, 2, 64, 4096 };
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct px_gen gen;
        char spec[40];
        (void)snprintf(spec, sizeof spec, "straight:length=%u", lengths[i]);
        parse(spec, &gen);
        assert_int_equal(px_gen_make(&gen, seed, 3, &program), PX_OK);
        assert_int_equal(instructions(&program), lengths[i] + 1); /* and the terminator */
    }
    px_program_fini(&program);
}

static void boundary_is_enumerable_and_the_others_take_any_index(void **state)
{
    (void)state;
    struct px_gen gen;
    parse("boundary", &gen);
    uint64_t count = px_gen_count(&gen);
    assert_in_range(count, 3000000, 5000000);
    struct px_program first, again;
    px_program_init(&first);
    px_program_init(&again);
    assert_int_equal(px_gen_make(&gen, seed, 12345, &first), PX_OK);
    assert_int_equal(px_gen_make(&gen, seed, 12345 + count, &again), PX_OK);
    assert_int_equal(add_program(0, &first), add_program(0, &again));
    px_program_fini(&first);
    px_program_fini(&again);
    for (size_t i = 0; px_generators[i]; i++) {
        parse(px_generators[i]->name, &gen);
        assert_true(px_generators[i] == &px_gen_boundary || px_gen_count(&gen) == UINT64_MAX);
    }
}

static void a_spec_is_kept_in_its_canonical_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "mix", "mix" },
        { "boundary", "boundary" },
        { "control", "control" },
        { "straight", "straight" },
        { "straight:length=1", "straight:length=1" },
        { "straight:length=0032", "straight:length=32" },
        { "straight:length=4096", "straight:length=4096" },
        { "guest", "guest" },
        { "guest:name=sieve", "guest:name=sieve" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct px_gen gen, versioned;
        char spec[80];
        parse(rows[i][0], &gen);
        assert_string_equal(gen.spec, rows[i][1]);
        (void)snprintf(spec, sizeof spec, "%s@%u", rows[i][0], gen.generator->version);
        parse(spec, &versioned);
        assert_string_equal(versioned.spec, rows[i][1]);
        assert_ptr_equal(versioned.generator, gen.generator);
    }
}

static void expect_refused(const char *spec, const char *message)
{
    struct px_gen gen, before;
    struct px_error err = { "" };
    memset(&gen, 0x5a, sizeof gen);
    memcpy(&before, &gen, sizeof gen);
    assert_int_equal(px_gen_parse(spec, &gen, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_memory_equal(&gen, &before, sizeof gen);
    assert_int_equal(px_gen_parse(spec, &gen, NULL), PX_ERR_INPUT);
}

static void an_unknown_generator_is_refused_by_name(void **state)
{
    (void)state;
    expect_refused("", "generator '': expected mix, boundary, straight, control, memory, compressed, "
                       "hostcall, hostile, gas, long or guest");
    expect_refused("Mix", "generator 'Mix': expected mix, boundary, straight, control, memory, compressed, "
                          "hostcall, hostile, gas, long or guest");
    expect_refused("mi", "generator 'mi': expected mix, boundary, straight, control, memory, compressed, "
                         "hostcall, hostile, gas, long or guest");
    expect_refused("mixed@1", "generator 'mixed': expected mix, boundary, straight, control, memory, "
                              "compressed, hostcall, hostile, gas, long or guest");
    expect_refused(" mix", "generator ' mix': expected mix, boundary, straight, control, memory, compressed, "
                           "hostcall, hostile, gas, long or guest");
    expect_refused("0123456789012345678901234567890123456789no more of this",
                   "generator '0123456789012345678901234567890123456789': expected mix, boundary, straight, "
                   "control, memory, compressed, hostcall, hostile, gas, long or guest");
}

static void programs_of_guided_campaigns_are_not_made_by_number(void **state)
{
    (void)state;
    static const char message[] =
        "generator guided: its programs depend on a corpus and replay from their files alone";
    expect_refused("guided", message);
    expect_refused("guided@1", message);
}

static void an_unknown_option_or_a_value_out_of_range_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "length",
        "length=",
        "length=0",
        "length=4097",
        "length=-1",
        "length=+1",
        "length=1x",
        "length= 1",
        "Length=1",
        "lengths=1",
        "length=1,",
        "length=1,length=2",
        "size=3",
        "length=0x10",
        "length=999999999999999",
        "length=18446744073709551617",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char spec[80], message[160];
        (void)snprintf(spec, sizeof spec, "straight:%s", bad[i]);
        (void)snprintf(message, sizeof message, "generator straight: option '%s': expected length=1..4096",
                       bad[i]);
        expect_refused(spec, message);
    }
    expect_refused("guest:name=",
                   "generator guest: option 'name=': expected name=GUEST, one of corpus/guests");
    expect_refused("guest:name=siev",
                   "generator guest: option 'name=siev': expected name=GUEST, one of corpus/guests");
    expect_refused("guest:length=3",
                   "generator guest: option 'length=3': expected name=GUEST, one of corpus/guests");
    expect_refused("control:name=sieve", "generator control: option 'name=sieve': expected none");
    expect_refused("mix:length=3", "generator mix: option 'length=3': expected none");
    expect_refused("boundary:", "generator boundary: option '': expected none");
    expect_refused("control:depth=9@1", "generator control: option 'depth=9': expected none");
}

static void a_version_that_this_build_does_not_make_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",   "0",   "9999", "x",          "-1",
                                       "+1", "1@1", "1 ",   "4294967297", "99999999999999999" };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char spec[80], message[160];
        (void)snprintf(message, sizeof message,
                       "generator straight: version '%s': this build makes version %u", bad[i],
                       px_gen_straight.version);
        (void)snprintf(spec, sizeof spec, "straight@%s", bad[i]);
        expect_refused(spec, message);
        (void)snprintf(spec, sizeof spec, "straight:length=5@%s", bad[i]);
        expect_refused(spec, message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_each_version_of_a_generator_makes_is_pinned),
        cmocka_unit_test(every_generator_is_pinned),
        cmocka_unit_test(a_program_depends_on_seed_and_index_alone),
        cmocka_unit_test(another_seed_gives_other_programs),
        cmocka_unit_test(every_program_is_a_sound_image_that_knows_its_origin),
        cmocka_unit_test(straight_makes_as_many_instructions_as_it_is_told),
        cmocka_unit_test(boundary_is_enumerable_and_the_others_take_any_index),
        cmocka_unit_test(a_spec_is_kept_in_its_canonical_form),
        cmocka_unit_test(an_unknown_generator_is_refused_by_name),
        cmocka_unit_test(programs_of_guided_campaigns_are_not_made_by_number),
        cmocka_unit_test(an_unknown_option_or_a_value_out_of_range_is_refused),
        cmocka_unit_test(a_version_that_this_build_does_not_make_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
