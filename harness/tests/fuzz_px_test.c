/* The target fuzz_px without its fuzzer. */
#include "harness/fuzz/fuzz_px.c"
#include "harness/tests/fuzz_target.h"
#include "vm/test_program.h"

static const char text[] =
    "parallax 1 rv64e-jar.1\norigin seed=0x5eed index=4 gen=mix@3\ngas 1000\nentry 0x4\n"
    "reg x5 0x8000000000000000\nmap 0x10000000 0x2000 zero\n"
    "map 0x10200000 0x1000 ro hex:00112233\ncode\n  00628533\n  0000200b\n  0001\n  13\n"
    "expect exit=hostcall:0 pc=8 x10=0x2 oracle=qemu\n";

static size_t pack_text(uint8_t *bytes, size_t room)
{
    struct px_program program;
    size_t size;
    px_program_init(&program);
    test_parse(&program, text, strlen(text));
    assert_int_equal(px_program_pack(&program, bytes, room, &size), PX_OK);
    px_program_fini(&program);
    return size;
}

/* Each part of @input, each byte of it changed in some way. */
static void try_damaged(const uint8_t *input, size_t size)
{
    struct prng prng;
    prng_init(&prng, size, 3);
    for (size_t i = 0; i < size; i++) {
        uint8_t *part = malloc(i + 1), *whole = malloc(size);
        assert_true(part && whole);
        memcpy(part, input, i);
        memcpy(whole, input, size);
        assert_int_equal(LLVMFuzzerTestOneInput(part, i), 0);
        for (unsigned k = 0; k < 6; k++) {
            whole[i] = k ? (uint8_t)prng_next(&prng) : (uint8_t)(input[i] ^ 1);
            assert_int_equal(LLVMFuzzerTestOneInput(whole, size), 0);
        }
        free(part);
        free(whole);
    }
}

static void any_bytes_are_an_input(void **state)
{
    (void)state;
    uint8_t packed[512] = { 0 };
    struct prng prng;
    prng_init(&prng, 1, 1);
    for (unsigned i = 0; i < 3000; i++) {
        size_t size;
        uint8_t *bytes = any_bytes(&prng, 200, &size);
        if (size > 4 && i % 2)
            memcpy(bytes, "\x7f\x50\x58\x01", 4);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
        free(bytes);
    }
    try_damaged((const uint8_t *)text, strlen(text));
    try_damaged(packed, pack_text(packed, sizeof packed));
}

static void mutators_keep_to_what_they_are_given(void **state)
{
    (void)state;
    uint8_t packed[512];
    size_t size = pack_text(packed, sizeof packed);
    struct prng prng;
    prng_init(&prng, 2, 2);
    for (unsigned i = 0; i < 40; i++) {
        size_t any;
        uint8_t *bytes = any_bytes(&prng, 200, &any);
        check_mutators(bytes, any, i);
        free(bytes);
        check_mutators((const uint8_t *)text, strlen(text), i);
        check_mutators(packed, size, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_are_an_input),
        cmocka_unit_test(mutators_keep_to_what_they_are_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
