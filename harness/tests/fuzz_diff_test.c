/* The target fuzz_diff without its fuzzer: any input and any wish of libFuzzer is fine; a difference ends the process. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fuzz/fuzz_diff.c"
#include "harness/tests/fuzz_target.h"
#include "vm/test_program.h"

static size_t pack(const char *text, uint8_t *bytes, size_t room)
{
    struct px_program program;
    size_t size;
    px_program_init(&program);
    test_parse(&program, text, strlen(text));
    assert_int_equal(px_program_pack(&program, bytes, room, &size), PX_OK);
    px_program_fini(&program);
    return size;
}

static void any_bytes_are_an_input(void **state)
{
    (void)state;
    struct prng prng;
    prng_init(&prng, 1, 1);
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)"", 0), -1);
    for (unsigned i = 0; i < 3000; i++) {
        size_t size;
        uint8_t *bytes = any_bytes(&prng, 300, &size);
        if (size > 4 && i % 2)
            memcpy(bytes, "\x7f\x50\x58\x01", 4);
        int taken = LLVMFuzzerTestOneInput(bytes, size);
        assert_true(taken == 0 || taken == -1);
        free(bytes);
    }
}

/* From one byte on, for thousands of steps: nearly all of it is run by all engines. */
static void mutants_are_programs(void **state)
{
    (void)state;
    static uint8_t data[TARGET_ROOM] = { 1 };
    size_t size = 1;
    uint64_t inputs = target.inputs, by_all = target.by_all;
    for (unsigned i = 0; i < 4000; i++) {
        size = LLVMFuzzerCustomMutator(data, size, 1024, i);
        assert_in_range(size, 1, 1024);
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    assert_true((target.by_all - by_all) * 100 >= (target.inputs - inputs) * 95);
}

static void mutators_keep_to_what_they_are_given(void **state)
{
    (void)state;
    static uint8_t data[TARGET_ROOM] = { 1 };
    struct prng prng;
    size_t size = 1;
    prng_init(&prng, 2, 2);
    for (unsigned i = 0; i < 60; i++) {
        size_t any;
        uint8_t *bytes = any_bytes(&prng, 200, &any);
        check_mutators(bytes, any, i);
        free(bytes);
        size = LLVMFuzzerCustomMutator(data, size, 2048, i);
        check_mutators(data, size, i);
    }
}

static void crossing_two_programs_gives_a_program(void **state)
{
    (void)state;
    static uint8_t a[TARGET_ROOM] = { 1 }, b[TARGET_ROOM] = { 2 }, out[TARGET_ROOM];
    size_t a_size = 1, b_size = 1;
    struct px_program program;
    px_program_init(&program);
    for (unsigned i = 0; i < 500; i++) {
        a_size = LLVMFuzzerCustomMutator(a, a_size, 1024, i);
        b_size = LLVMFuzzerCustomMutator(b, b_size, 1024, i + 1000000);
        size_t size = LLVMFuzzerCustomCrossOver(a, a_size, b, b_size, out, 4096, i);
        assert_in_range(size, 1, 4096);
        assert_int_equal(px_program_unpack(&program, "child", out, size, NULL), PX_OK);
    }
    px_program_fini(&program);
}

/* What was made is not read again, and is as if it were. */
static void the_program_at_hand_is_the_one_that_was_written(void **state)
{
    (void)state;
    static uint8_t data[TARGET_ROOM] = { 1 }, other[TARGET_ROOM] = { 1 };
    const struct fuzz_bytes *bytes = &target.bytes;
    struct px_program back;
    size_t size = 1, other_size = 1;
    px_program_init(&back);
    for (unsigned i = 0; i < 3000; i++) {
        size_t made = 0;
        if (i % 2)
            made = LLVMFuzzerCustomCrossOver(data, size, data, size, other, FUZZ_BYTES_KNOWN, i);
        if (made > 0)
            memcpy(data, other, made);
        size = made > 0 ? made : LLVMFuzzerCustomMutator(data, size, FUZZ_BYTES_KNOWN, i);
        assert_int_equal(bytes->known_size, size);
        assert_ptr_equal(fuzz_bytes_read(&target.bytes, data, size), &bytes->program);
        assert_int_equal(px_program_unpack(&back, "back", data, size, NULL), PX_OK);
        test_expect_same_program(&bytes->program, &back);
    }
    /* One bit makes another program of it, or none; then the first is read again. */
    size = pack("parallax 1 rv64e-jar.1\ngas 7\ncode\n  00628533\n", data, sizeof data);
    other_size = pack("parallax 1 rv64e-jar.1\ngas 6\ncode\n  00628533\n", other, sizeof other);
    assert_int_equal(fuzz_bytes_read(&target.bytes, data, size)->gas, 7);
    assert_int_equal(fuzz_bytes_read(&target.bytes, other, other_size)->gas, 6);
    assert_null(fuzz_bytes_read(&target.bytes, other, other_size - 1));
    assert_null(fuzz_bytes_read(&target.bytes, other, 0));
    assert_int_equal(fuzz_bytes_read(&target.bytes, data, size)->gas, 7);
    px_program_fini(&back);
}

/* It would run otherwise when it is replayed. */
static void a_program_whose_gas_would_be_cut_is_no_input(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = pack("parallax 1 rv64e-jar.1\ngas 1000000\ncode\n  0000006f\n", bytes, sizeof bytes);
    assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), -1);
    size = pack("parallax 1 rv64e-jar.1\ngas 1000000\ncode\n  0000200b\n", bytes, sizeof bytes);
    assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
}

/* What @text shows. */
static void look(const char *text, uint8_t seen[FEATURES])
{
    uint8_t bytes[256];
    size_t size = pack(text, bytes, sizeof bytes);
    memset(counters, 0, sizeof counters); /* as libFuzzer does before each input */
    assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
    memcpy(seen, counters, sizeof counters);
}

/* A host call ends it, as so many programs; few divide the least number by anything. */
static void what_a_program_shows_is_in_the_counters_but_for_what_is_usual(void **state)
{
    (void)state;
    static const char text[] = "parallax 1 rv64e-jar.1\ngas 1000\nreg x5 0x8000000000000000\ncode\n"
                               "  025362bb\n  0000200b\n"; /* remw t0, t1, t0 */
    static uint8_t all[FEATURES], rare[FEATURES], again[FEATURES];
    struct fuzz_usual usual = target.usual;
    unsigned shown = 0, hidden = 0;
    target.usual = (struct fuzz_usual){ 0 };
    look(text, all);
    target.usual = usual;
    look(text, rare);
    for (size_t i = 0; i < sizeof all; i++) {
        bool hides = usual.features.kept[i] == 0;
        assert_int_equal(rare[i], hides ? 0 : all[i]);
        hidden += hides && all[i];
        shown += rare[i];
    }
    assert_in_range(hidden, 10, 60);
    assert_in_range(shown, 1, 20);
    size_t hostcall = FEATURE_EXITS + PX_OP_ECALLI * FEATURES_EXIT_KINDS + PX_EXIT_HOSTCALL;
    assert_int_equal(all[hostcall], 1);
    assert_int_equal(rare[hostcall], 0);
    look("parallax 1 rv64e-jar.1\ngas 1000\ncode\n  00628533\n  0000200b\n", again);
    assert_memory_not_equal(again, rare, sizeof rare);
    look(text, again);
    assert_memory_equal(again, rare, sizeof rare);
}

/* As before the first input. */
static void forget(void)
{
    features_detach(&target.features);
    run_close(&target.run);
    fuzz_bytes_fini(&target.bytes);
    fuzz_usual_fini(&target.usual);
    target.ready = false;
}

/* In a process of its own with other engines; the signal that ended it, or 0. */
static int run_with(const char *engines, const char *text)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        uint8_t bytes[256];
        size_t size = pack(text, bytes, sizeof bytes);
        int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (sink < 0 || dup2(sink, STDERR_FILENO) < 0)
            _exit(99);
        setenv("PX_ENGINES", engines, 1);
        forget();
        (void)LLVMFuzzerTestOneInput(bytes, size);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) * 1000;
}

static void a_difference_ends_the_process(void **state)
{
    (void)state;
    static const char add[] = "parallax 1 rv64e-jar.1\ngas 1000\ncode\n  00628533\n  0000200b\n",
                      load[] = "parallax 1 rv64e-jar.1\ngas 1000\nmap 0x10000000 0x1000 zero\n"
                               "reg x5 0x10000000\ncode\n  0002b503\n  0000200b\n";
    assert_int_equal(run_with("interp,wrong:op=add", add), SIGABRT);
    assert_int_equal(run_with("interp,wrong:op=sub", add), 0);
    assert_int_equal(run_with("interp,block:touch=fault", load), 0); /* its faults are the engine's */
    assert_int_equal(run_with("block,block:touch=fault", load), 0); /* without the guest's coverage */
    assert_int_equal(run_with("interp", add), 2000);
    assert_int_equal(run_with("interp,nope", add), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_are_an_input),
        cmocka_unit_test(mutants_are_programs),
        cmocka_unit_test(mutators_keep_to_what_they_are_given),
        cmocka_unit_test(crossing_two_programs_gives_a_program),
        cmocka_unit_test(the_program_at_hand_is_the_one_that_was_written),
        cmocka_unit_test(a_program_whose_gas_would_be_cut_is_no_input),
        cmocka_unit_test(what_a_program_shows_is_in_the_counters_but_for_what_is_usual),
        cmocka_unit_test(a_difference_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
