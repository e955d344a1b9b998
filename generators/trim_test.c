#include "generators/trim.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

#include "generators/generator.h"
#include "vm/test_program.h"

typedef bool keeps(const struct px_program *program);

/* Trims @program as long as @keep likes what comes; how many candidates there were. */
static unsigned trim_all(struct trim *trim, const struct px_program *program, keeps *keep)
{
    unsigned tries = 0;
    assert_int_equal(trim_begin(trim, program), PX_OK);
    while (trim_next(trim)) {
        struct px_image image;
        struct px_error err;
        px_program_image(&trim->candidate, &image);
        if (px_image_check(&image, &err) != PX_OK)
            fail_msg("candidate %u: %s", tries, err.text);
        assert_true(trim->candidate.code_size <= trim->best.code_size);
        assert_true(trim->candidate.map_count <= trim->best.map_count);
        assert_true(trim->candidate.content_size <= trim->best.content_size);
        assert_false(trim->candidate.origin.known || trim->candidate.has_expect);
        if (keep(&trim->candidate))
            trim_keep(trim);
        tries++;
    }
    assert_false(trim_next(trim));
    assert_in_range(tries, 0, TRIM_TRIES);
    return tries;
}

static bool always(const struct px_program *program)
{
    (void)program;
    return true;
}

static bool never(const struct px_program *program)
{
    (void)program;
    return false;
}

static size_t pack(const struct px_program *program, uint8_t *bytes, size_t room)
{
    size_t size;
    assert_int_equal(px_program_pack(program, bytes, room, &size), PX_OK);
    return size;
}

/* Programs of every kind: all of it goes, or nothing does. */
static void all_goes_when_all_is_kept_and_nothing_when_none_is(void **state)
{
    (void)state;
    static uint8_t before[1 << 20], after[1 << 20];
    struct px_gen gen;
    struct px_program program;
    struct trim trim;
    px_program_init(&program);
    trim_init(&trim);
    assert_int_equal(px_gen_parse("mix", &gen, NULL), PX_OK);
    for (uint64_t i = 0; i < 300; i++) {
        assert_int_equal(px_gen_make(&gen, 1, i, &program), PX_OK);
        program.origin.known = program.has_expect = false;
        size_t size = pack(&program, before, sizeof before);
        (void)trim_all(&trim, &program, never);
        assert_int_equal(pack(&trim.best, after, sizeof after), size);
        assert_memory_equal(before, after, size);
        (void)trim_all(&trim, &program, always);
        assert_int_equal(trim.best.code_size, 0);
        assert_int_equal(trim.best.map_count, 0);
        for (unsigned x = 0; x < PX_REG_COUNT; x++)
            assert_int_equal(trim.best.x[x], 0);
    }
    px_program_fini(&program);
    trim_fini(&trim);
}

static bool branch_leads_to_a_halt(const struct px_program *program)
{
    struct listing code = { 0 };
    bool found = false;
    assert_int_equal(listing_read(&code, program), PX_OK);
    for (uint32_t i = 0; i < code.count; i++)
        found |= code.items[i].insn.op == PX_OP_BEQ && code.items[i].target < code.count &&
                 code.items[code.items[i].target].insn.op == PX_OP_ECALLI;
    listing_fini(&code);
    return found && program->map_count >= 1 && program->x[5] == 7;
}

static void what_must_stay_stays_and_branches_lead_where_they_led(void **state)
{
    (void)state;
    static const char text[] = "parallax 1 rv64e-jar.1\ngas 1000\nreg x5 0x7\nreg x6 0x8\n"
                               "map 0x10000000 0x2000 zero\nmap 0x10200000 0x1000 cow hex:00112233\ncode\n"
                               "  00128293\n  00128293\n  00000c63\n" /* beq x0, x0, +24 */
                               "  00000013\n  00128293\n  00128293\n  00128293\n  0000400b\n  0000200b\n",
                      least[] = "parallax 1 rv64e-jar.1\ngas 1000\nreg x5 0x7\n"
                                "map 0x10000000 0x2000 zero\ncode\n"
                                "  00000263\n  0000200b\n"; /* beq x0, x0, +4 */
    uint8_t expected[256], got[256];
    struct px_program program;
    struct trim trim;
    px_program_init(&program);
    trim_init(&trim);
    test_parse(&program, text, strlen(text));
    unsigned tries = trim_all(&trim, &program, branch_leads_to_a_halt);
    assert_in_range(tries, 5, 40);
    test_parse(&program, least, strlen(least));
    size_t size = pack(&program, expected, sizeof expected);
    assert_int_equal(pack(&trim.best, got, sizeof got), size);
    assert_memory_equal(got, expected, size);
    px_program_fini(&program);
    trim_fini(&trim);
}

static bool has_map(const struct px_program *program)
{
    return program->map_count == 2;
}

static void content_goes_where_its_mapping_must_stay(void **state)
{
    (void)state;
    static const char text[] = "parallax 1 rv64e-jar.1\ngas 1000\nmap 0x10000000 0x2000 cow hex:0102\n"
                               "map 0x10200000 0x1000 ro hex:00112233\ncode\n  0000200b\n";
    struct px_program program;
    struct trim trim;
    px_program_init(&program);
    trim_init(&trim);
    test_parse(&program, text, strlen(text));
    (void)trim_all(&trim, &program, has_map);
    assert_int_equal(trim.best.content_size, 0);
    assert_int_equal(trim.best.map_count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct px_mapping map = px_program_mapping(&trim.best, i);
        assert_int_equal(map.kind, map.start == 0x10000000 ? PX_MAP_ZERO : PX_MAP_RO);
    }
    px_program_fini(&program);
    trim_fini(&trim);
}

static void an_empty_program_has_nothing_to_trim(void **state)
{
    (void)state;
    struct px_program program;
    struct trim trim;
    px_program_init(&program);
    trim_init(&trim);
    assert_false(trim_next(&trim));
    assert_int_equal(trim_all(&trim, &program, never), 0);
    trim_fini(&trim);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_goes_when_all_is_kept_and_nothing_when_none_is),
        cmocka_unit_test(what_must_stay_stays_and_branches_lead_where_they_led),
        cmocka_unit_test(content_goes_where_its_mapping_must_stay),
        cmocka_unit_test(an_empty_program_has_nothing_to_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
