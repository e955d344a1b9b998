/*
 * Real programs as acceptance cases: what they compute is known from outside, from published digests and from the same C
 * compiled natively, and every engine must agree on all else.
 */
#include <inttypes.h>
#include <string.h>

#include "generators/generator.h"
#include "generators/guests.h"
#include "harness/tests/accept.h"

/* Runs @program on every engine, which must agree, and returns the reference's outcome. */
static struct px_outcome run_everywhere(struct run *run, struct px_program *program)
{
    struct px_image image;
    struct px_error err = { "" };
    struct run_result result;
    accept_route_faults(run->engines, run->count);
    px_program_image(program, &image);
    if (run_image(run, &image, true, &result, &err) != PX_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < run->count; i++)
        assert_true(result.supported[i]);
    if (result.diff.fields != 0)
        fail_msg("%s disagrees", engine_spec(&run->engines[result.other]));
    return result.outcomes[0];
}

static void every_guest_gives_the_native_checksum_on_every_engine(void **state)
{
    struct run *run = *state;
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < px_guest_count; i++) {
        assert_int_equal(px_guest_load(&px_guests[i], &program), PX_OK);
        assert_true(program.has_expect && program.expect.has_exit && (program.expect.has_x >> 10 & 1));
        struct px_outcome out = run_everywhere(run, &program);
        assert_int_equal(out.exit, PX_EXIT_HOSTCALL);
        assert_int_equal(out.arg, PX_HOSTCALL_HALT);
        if (out.x[10] != program.expect.out.x[10])
            fail_msg("%s: found 0x%016" PRIx64 ", natively 0x%016" PRIx64, px_guests[i].name, out.x[10],
                     program.expect.out.x[10]);
    }
    px_program_fini(&program);
}

static void digests_are_the_published_ones(void **state)
{
    static const char fox[] = "The quick brown fox jumps over the lazy dog";
    static const struct {
        const char *guest, *input;
        uint64_t digest; /* its first eight bytes */
    } rows[] = {
        { "sha256", "", UINT64_C(0xe3b0c44298fc1c14) },
        { "sha256", "abc", UINT64_C(0xba7816bf8f01cfea) },
        { "sha256", fox, UINT64_C(0xd7a8fbb307d78094) },
        { "keccak", "", UINT64_C(0xa7ffc6f8bf1ed766) },
        { "keccak", "abc", UINT64_C(0x3a985da74fe225b2) },
        { "keccak", fox, UINT64_C(0x69070dda01975c8c) },
        { "blake2b", "", UINT64_C(0x786a02f742015903) },
        { "blake2b", "abc", UINT64_C(0xba80a53f981c4d0d) },
        { "blake2b", fox, UINT64_C(0xa8add4bdddfd93e4) },
        { "crc32", "123456789", 0xcbf43926 },
        { "crc32", fox, 0x414fa339 },
    };
    struct run *run = *state;
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct px_guest *guest = px_guest_find(rows[i].guest, strlen(rows[i].guest));
        struct px_guest_input input = { .bytes = (const uint8_t *)rows[i].input,
                                        .end = strlen(rows[i].input),
                                        .kind = PX_MAP_RO };
        assert_non_null(guest);
        assert_int_equal(px_guest_make(guest, &input, &program), PX_OK);
        struct px_outcome out = run_everywhere(run, &program);
        if (out.exit != PX_EXIT_HOSTCALL || out.x[10] != rows[i].digest)
            fail_msg("%s of '%s': found 0x%016" PRIx64, rows[i].guest, rows[i].input, out.x[10]);
    }
    px_program_fini(&program);
}

static void fibonacci_numbers_are_those(void **state)
{
    static const uint8_t input[] = { 0, 1, 2, 3 }; /* the 13th to the 16th */
    static const uint64_t numbers[] = { 233, 377, 610, 987 };
    struct px_program program;
    uint64_t sum = 0;
    px_program_init(&program);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        sum = (sum ^ numbers[i]) * UINT64_C(0x9e3779b97f4a7c15); /* as guest.h adds results up */
        sum ^= sum >> 29;
    }
    struct px_guest_input four = { .bytes = input, .end = sizeof input, .kind = PX_MAP_COW, .scale = 3 };
    assert_int_equal(px_guest_make(px_guest_find("fibonacci", 9), &four, &program), PX_OK);
    assert_int_equal(run_everywhere(*state, &program).x[10], sum);
    px_program_fini(&program);
}

static void an_input_at_any_address_and_of_any_kind_gives_the_same(void **state)
{
    static uint8_t bytes[2 * PAGE];
    static const size_t starts[] = { 0, 1, 7, PAGE - 20, PAGE - 1, PAGE };
    const size_t size = 100;
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < px_guest_count; i++) {
        uint64_t first = 0;
        for (size_t j = 0; j < COUNT(starts); j++) {
            memset(bytes, 0xee, sizeof bytes);
            for (size_t n = 0; n < size; n++)
                bytes[starts[j] + n] = (uint8_t)(n * n + i);
            struct px_guest_input input = { .bytes = bytes,
                                            .start = starts[j],
                                            .end = starts[j] + size,
                                            .kind = j % 2 ? PX_MAP_COW : PX_MAP_RO };
            assert_int_equal(px_guest_make(&px_guests[i], &input, &program), PX_OK);
            struct px_outcome out = run_everywhere(*state, &program);
            assert_int_equal(out.exit, PX_EXIT_HOSTCALL);
            first = j == 0 ? out.x[10] : first;
            assert_int_equal(out.x[10], first);
        }
    }
    px_program_fini(&program);
}

static void the_generator_makes_every_guest_and_every_engine_agrees(void **state)
{
    struct px_gen gen;
    struct px_program program;
    struct px_error err;
    unsigned halted = 0, out_of_gas = 0;
    px_program_init(&program);
    assert_int_equal(px_gen_parse("guest", &gen, &err), PX_OK);
    for (uint64_t i = 0; i < 400; i++) {
        assert_int_equal(px_gen_make(&gen, 77, i, &program), PX_OK);
        struct px_outcome out = run_everywhere(*state, &program);
        halted += out.exit == PX_EXIT_HOSTCALL;
        out_of_gas += out.exit == PX_EXIT_OUT_OF_GAS;
    }
    assert_int_equal(halted + out_of_gas, 400);
    assert_in_range(out_of_gas, 20, 100);
    px_program_fini(&program);
}

static void a_guest_is_found_by_its_whole_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < px_guest_count; i++)
        assert_ptr_equal(px_guest_find(px_guests[i].name, strlen(px_guests[i].name)), &px_guests[i]);
    assert_null(px_guest_find("sieve", 4));
    assert_null(px_guest_find("sieves", 6));
    assert_null(px_guest_find("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(every_guest_gives_the_native_checksum_on_every_engine),
        ACCEPT_TEST(digests_are_the_published_ones),
        ACCEPT_TEST(fibonacci_numbers_are_those),
        ACCEPT_TEST(an_input_at_any_address_and_of_any_kind_gives_the_same),
        ACCEPT_TEST(the_generator_makes_every_guest_and_every_engine_agrees),
        cmocka_unit_test(a_guest_is_found_by_its_whole_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
