/* The output folder: what may be one, findings complete or absent, and the text of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/emit.h"
#include "harness/store.h"
#include "harness/tests/folder.h"
#include "vm/test_program.h"

enum { PATH_ROOM = 256 };

static int make_world(void **state)
{
    struct folder *folder = malloc(sizeof *folder);
    assert_non_null(folder);
    folder_make(folder);
    *state = folder;
    return 0;
}

static int remove_world(void **state)
{
    folder_remove(*state);
    free(*state);
    return 0;
}

/* c.li a0, 1; ecalli 0, from a generator. */
static void make_program(struct px_program *program)
{
    static const uint8_t code[] = { 0x05, 0x45, 0x0b, 0x20, 0x00, 0x00 };
    px_program_init(program);
    assert_int_equal(px_program_append(program, code, sizeof code), PX_OK);
    program->gas = 1000;
    program->origin =
        (struct px_origin){ .known = true, .seed = 0x5eed, .index = 1234, .gen = "mix", .version = 3 };
}

static const struct px_caps all_caps = { .registers = true, .gas = true, .dirty = true, .counts = true };

static struct isolated some_result(void)
{
    struct isolated r = { .runs = 3,
                          .diverged = 3,
                          .engine_count = 3,
                          .specs = { "interp", "block", "other" },
                          .caps = { all_caps, all_caps, all_caps },
                          .supported = { true, true, false },
                          .finding = { .kind = FINDING_DIFF, .other = 1 } };
    r.outcomes[0] = (struct px_outcome){ .exit = PX_EXIT_HOSTCALL, .pc = 6, .gas = 899, .interpreted = 2 };
    r.outcomes[1] = r.outcomes[0];
    r.outcomes[1].gas = 898;
    r.outcomes[1].dirty_count = 1;
    r.finding.diff = (struct diff){ .fields = DIFF_GAS, .a = r.outcomes[0], .b = r.outcomes[1] };
    return r;
}

static void a_folder_is_made_with_its_parents_and_goes_when_empty(void **state)
{
    char path[PATH_ROOM];
    struct px_error err = { "" };
    folder_path(*state, "a/b//c/", path, sizeof path);
    assert_int_equal(store_open(path, &err), PX_OK);
    assert_int_equal(store_open(path, &err), PX_OK);
    assert_int_equal(folder_entries(*state, "a/b"), 1);
    assert_int_equal(folder_entries(*state, "a/b/c"), 0);
    store_close(path);
    assert_int_equal(folder_entries(*state, "a/b"), 0);
    assert_int_equal(folder_entries(*state, "a"), 1);
}

static void a_folder_with_something_in_it_stays(void **state)
{
    char path[PATH_ROOM];
    struct px_error err = { "" };
    folder_path(*state, "out", path, sizeof path);
    assert_int_equal(store_open(path, &err), PX_OK);
    folder_add(*state, "out/notes");
    store_close(path);
    assert_int_equal(folder_entries(*state, "out"), 1);
}

static void what_stands_in_the_way_is_named(void **state)
{
    char path[PATH_ROOM], below[PATH_ROOM + 8], text[PATH_ROOM + 64];
    struct px_error err = { "" };
    folder_add(*state, "file");
    folder_path(*state, "file", path, sizeof path);
    (void)snprintf(below, sizeof below, "%s/x/y", path);
    assert_int_equal(store_open(below, &err), PX_ERR_INPUT);
    (void)snprintf(text, sizeof text, "output folder '%s/x': Not a directory", path);
    assert_string_equal(err.text, text);
    assert_int_equal(store_open(path, &err), PX_ERR_INPUT);
    (void)snprintf(text, sizeof text, "output folder '%s': Not a directory", path);
    assert_string_equal(err.text, text);
    assert_int_equal(store_open("", &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "output folder '': expected a path of 1 to 4095 characters");
}

static void a_path_too_long_is_refused(void **state)
{
    (void)state;
    char *path = malloc(4097);
    struct px_error err = { "" };
    assert_non_null(path);
    memset(path, 'x', 4096);
    path[4096] = '\0';
    assert_int_equal(store_open(path, &err), PX_ERR_INPUT);
    assert_non_null(strstr(err.text, "': expected a path of 1 to 4095 characters"));
    free(path);
}

/* As a user who does not own the folder: root may write everywhere. */
static enum px_status open_as_nobody(void *path, struct px_error *err)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && seteuid(NOBODY) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "cannot become somebody else");
    return store_open(path, err);
}

static void a_folder_without_permission_is_refused(void **state)
{
    char path[PATH_ROOM], text[PATH_ROOM + 64];
    struct px_error err = { "" };
    assert_int_equal(chmod(((struct folder *)*state)->path, 0711), 0);
    folder_path(*state, "locked", path, sizeof path);
    assert_int_equal(mkdir(path, 0500), 0);
    assert_int_equal(isolate_call(open_as_nobody, path, &err), PX_ERR_INPUT);
    (void)snprintf(text, sizeof text, "output folder '%s': Permission denied", path);
    assert_string_equal(err.text, text);
}

static void a_finding_is_a_folder_with_program_and_report(void **state)
{
    const struct folder *folder = *state;
    struct px_program program, back;
    struct isolated result = some_result();
    struct px_error err = { "" };
    make_program(&program);
    assert_int_equal(store_finding(folder->path, "one", &program, &result, &err), PX_OK);
    assert_int_equal(folder_entries(folder, ""), 1);
    assert_int_equal(folder_entries(folder, "one"), 2);
    char *px = folder_read(folder, "one/original.px"), *report = folder_read(folder, "one/report.txt");
    px_program_init(&back);
    test_parse(&back, px, strlen(px));
    test_expect_same_program(&program, &back);
    assert_string_equal(
        report, "program   number 1234 of seed 0x5eed, generator mix@3\n"
                "diverges  gas (3 of 3 runs in a fresh process)\n"
                "  gas     interp 899   block 898   (difference -1)\n"
                "outcomes\n"
                "  interp                       exit=hostcall:0 pc=0x6 gas=899 instructions=2 dirty=0\n"
                "  block                        exit=hostcall:0 pc=0x6 gas=898 instructions=2 dirty=1\n"
                "  other                        unsupported: did not run\n"
                "replay    parallax replay --seed 0x5eed --index 1234 --gen mix@3\n");
    free(px);
    free(report);
    px_program_fini(&back);
    px_program_fini(&program);
}

/* Of the minimal program where there is one. */
static void a_bucket_has_assembly_of_its_smallest_program(void **state)
{
    const struct folder *folder = *state;
    struct px_program program, minimal;
    struct isolated result = some_result();
    struct minimized minimized = { .confirmed = false };
    struct px_error err = { "" };
    make_program(&program);
    px_program_init(&minimal);
    assert_int_equal(px_program_append(&minimal, "\x0b\0\0\0", 4), PX_OK);
    struct stored stored = {
        .original = &program, .result = &result, .minimized = &minimized, .minimal = &minimal
    };
    for (unsigned confirmed = 0; confirmed < 2; confirmed++) {
        char *want = NULL;
        size_t size;
        minimized.confirmed = confirmed;
        assert_int_equal(store_bucket(folder->path, "one", &stored, &err), PX_OK);
        assert_int_equal(folder_entries(folder, "one"), 3 + confirmed);
        FILE *file = open_memstream(&want, &size);
        assert_non_null(file);
        assert_int_equal(emit_write(confirmed ? &minimal : &program, file), PX_OK);
        assert_int_equal(fclose(file), 0);
        char *got = folder_read(folder, "one/repro.S");
        assert_string_equal(got, want);
        free(got);
        free(want);
    }
    px_program_fini(&minimal);
    px_program_fini(&program);
}

static void a_finding_replaces_an_older_one_of_its_name(void **state)
{
    const struct folder *folder = *state;
    struct px_program program;
    struct isolated result = some_result();
    struct px_error err = { "" };
    make_program(&program);
    assert_int_equal(store_finding(folder->path, "one", &program, &result, &err), PX_OK);
    result.diverged = 2;
    assert_int_equal(store_finding(folder->path, "one", &program, &result, &err), PX_OK);
    assert_int_equal(folder_entries(folder, ""), 1);
    assert_int_equal(folder_entries(folder, "one"), 2);
    char *report = folder_read(folder, "one/report.txt");
    assert_non_null(strstr(report, "(2 of 3 runs in a fresh process)"));
    free(report);
    px_program_fini(&program);
}

static void a_finding_that_cannot_be_stored_leaves_nothing(void **state)
{
    const struct folder *folder = *state;
    struct px_program program;
    struct isolated result = some_result();
    struct px_error err = { "" };
    char path[PATH_ROOM], text[2 * PATH_ROOM];
    make_program(&program);
    folder_add(folder, "one"); /* a file: no folder takes its place */
    assert_int_equal(store_finding(folder->path, "one", &program, &result, &err), PX_ERR_SYSTEM);
    (void)snprintf(text, sizeof text, "finding '%s/one': Not a directory", folder->path);
    assert_string_equal(err.text, text);
    assert_int_equal(folder_entries(folder, ""), 1);
    folder_path(folder, "gone", path, sizeof path);
    assert_int_equal(store_finding(path, "one", &program, &result, &err), PX_ERR_SYSTEM);
    (void)snprintf(text, sizeof text, "output folder '%s': No such file or directory", path);
    assert_string_equal(err.text, text);
    px_program_fini(&program);
}

static void a_program_that_no_file_can_hold_leaves_nothing(void **state)
{
    const struct folder *folder = *state;
    struct px_program program;
    struct isolated result = some_result();
    struct px_error err = { "" };
    make_program(&program);
    strcpy(program.origin.gen, "two words");
    assert_int_equal(store_finding(folder->path, "one", &program, &result, &err), PX_ERR_SYSTEM);
    assert_int_equal(folder_entries(folder, ""), 0);
    px_program_fini(&program);
}

static void expect_report(const struct px_program *program, const struct isolated *result,
                          const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(store_report(file, program, result), PX_OK);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void reports_tell_agreement_aborts_and_hangs(void **state)
{
    (void)state;
    struct px_program program;
    make_program(&program);
    program.origin.known = false;
    struct isolated r = {
        .runs = 1, .engine_count = 1, .specs = { "interp" }, .caps = { all_caps }, .supported = { true }
    };
    r.outcomes[0] = (struct px_outcome){ .exit = PX_EXIT_TRAP, .pc = 2, .gas = 7, .native = 1 };
    expect_report(&program, &r,
                  "agrees    in 1 run\n"
                  "outcomes\n"
                  "  interp                       exit=trap pc=0x2 gas=7 instructions=1 dirty=0\n");
    r = (struct isolated){ .diverged = 1, .finding = { .kind = FINDING_HANG } };
    expect_report(&program, &r, "diverges  hang (1 of 1 runs in a fresh process)\n");
    r.finding = (struct finding){ .kind = FINDING_ABORT, .signal = SIGFPE, .address = 0x1000, .guest_pc = 8 };
    r.finding.guest_pc_known = true;
    expect_report(&program, &r,
                  "diverges  abort:SIGFPE (1 of 1 runs in a fresh process)\n"
                  "  signal  8 (Floating point exception) at host address 0x1000\n"
                  "  code    of the guest block at pc 0x8\n");
    r.finding.guest_pc_known = false;
    r.finding.in_harness = true;
    expect_report(&program, &r,
                  "diverges  abort:SIGFPE (1 of 1 runs in a fresh process)\n"
                  "  signal  8 (Floating point exception) at host address 0x1000\n"
                  "  code    the process itself, not generated code\n");
    px_program_fini(&program);
}

static void reports_tell_who_stands_alone_and_what_an_engine_can_say(void **state)
{
    (void)state;
    struct px_program program;
    make_program(&program);
    program.origin.known = false;
    struct isolated r = some_result();
    (void)snprintf(r.specs[2], sizeof r.specs[2], "qemu");
    r.supported[2] = true;
    r.caps[2] = (struct px_caps){ .registers = true };
    r.outcomes[2] = (struct px_outcome){ .exit = PX_EXIT_HOSTCALL, .pc = 6 };
    majority_set(&r.majority, 0, 1, RELATION_DIFFER);
    majority_set(&r.majority, 0, 2, RELATION_AGREE);
    majority_set(&r.majority, 1, 2, RELATION_DIFFER);
    expect_report(&program, &r,
                  "diverges  gas (3 of 3 runs in a fresh process)\n"
                  "  gas     interp 899   block 898   (difference -1)\n"
                  "verdict   block stands alone against interp and qemu\n"
                  "outcomes\n"
                  "  interp                       exit=hostcall:0 pc=0x6 gas=899 instructions=2 dirty=0\n"
                  "  block                        exit=hostcall:0 pc=0x6 gas=898 instructions=2 dirty=1\n"
                  "  qemu                         exit=hostcall:0 pc=0x6\n");
    r.majority = (struct majority){ 0 };
    r.outcomes[2] = (struct px_outcome){ .exit = PX_EXIT_UNJUDGED, .arg = PX_UNJUDGED_HOSTCALL };
    expect_report(&program, &r,
                  "diverges  gas (3 of 3 runs in a fresh process)\n"
                  "  gas     interp 899   block 898   (difference -1)\n"
                  "outcomes\n"
                  "  interp                       exit=hostcall:0 pc=0x6 gas=899 instructions=2 dirty=0\n"
                  "  block                        exit=hostcall:0 pc=0x6 gas=898 instructions=2 dirty=1\n"
                  "  qemu                         no verdict: hostcall\n");
    px_program_fini(&program);
}

static void an_unstable_finding_is_kept_apart_with_what_was_seen(void **state)
{
    const struct folder *folder = *state;
    struct px_program program;
    struct isolated result = some_result();
    struct px_error err = { "" };
    make_program(&program);
    const struct finding seen = result.finding;
    const struct stored stored = { .original = &program, .result = &result, .unstable = &seen };
    result.diverged = 0;
    assert_int_equal(store_unstable(folder->path, "one", &stored, &err), PX_OK);
    assert_int_equal(folder_entries(folder, ""), 1);
    assert_int_equal(folder_entries(folder, "unstable"), 1);
    assert_int_equal(folder_entries(folder, "unstable/one"), 2);
    char *report = folder_read(folder, "unstable/one/report.txt");
    assert_string_equal(
        report, "unstable  gas, seen once in a campaign and not again in a fresh process\n"
                "  gas     interp 899   block 898   (difference -1)\n"
                "program   number 1234 of seed 0x5eed, generator mix@3\n"
                "agrees    in 3 runs\n"
                "outcomes\n"
                "  interp                       exit=hostcall:0 pc=0x6 gas=899 instructions=2 dirty=0\n"
                "  block                        exit=hostcall:0 pc=0x6 gas=898 instructions=2 dirty=1\n"
                "  other                        unsupported: did not run\n"
                "replay    parallax replay --seed 0x5eed --index 1234 --gen mix@3\n");
    free(report);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_made_with_its_parents_and_goes_when_empty, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_folder_with_something_in_it_stays, make_world, remove_world),
        cmocka_unit_test_setup_teardown(what_stands_in_the_way_is_named, make_world, remove_world),
        cmocka_unit_test(a_path_too_long_is_refused),
        cmocka_unit_test_setup_teardown(a_folder_without_permission_is_refused, make_world, remove_world),
        cmocka_unit_test_setup_teardown(a_finding_is_a_folder_with_program_and_report, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_bucket_has_assembly_of_its_smallest_program, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_finding_replaces_an_older_one_of_its_name, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_finding_that_cannot_be_stored_leaves_nothing, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_program_that_no_file_can_hold_leaves_nothing, make_world,
                                        remove_world),
        cmocka_unit_test(reports_tell_agreement_aborts_and_hangs),
        cmocka_unit_test(reports_tell_who_stands_alone_and_what_an_engine_can_say),
        cmocka_unit_test_setup_teardown(an_unstable_finding_is_kept_apart_with_what_was_seen, make_world,
                                        remove_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
