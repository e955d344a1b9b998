/* parallax convert: single files, folders, pipes, and what it refuses. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/tests/capture.h"
#include "harness/tests/folder.h"
#include "harness/tests/give_up.h"
#include "vm/program.h"
#include "vm/text.h"

#define HEADER "parallax 1 rv64e-jar.1\n"

static const char canonical[] = HEADER "gas 5\ncode\n  0000200b    # ecalli 0\n";
static const char binary[] = "\x7fPX\x01\0\x05\0\0\0\0\x04\x0b\x20\0";

enum { BINARY_SIZE = sizeof binary, ARGS_MAX = 8 }; /* the last byte of the code is the NUL of the literal */

/* The command's working folder is the test's own. */
struct world {
    struct folder folder;
    int before;
    char *out, *err;
};

static void enter(struct world *w)
{
    *w = (struct world){ .before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
    assert_true(w->before >= 0);
    folder_make(&w->folder);
    assert_int_equal(chdir(w->folder.path), 0);
}

static void leave(struct world *w)
{
    free(w->out);
    free(w->err);
    assert_int_equal(fchdir(w->before), 0);
    assert_int_equal(close(w->before), 0);
    folder_remove(&w->folder);
}

/* Runs the command with @args, separated by blanks; its exit code. What it printed is in w->out and w->err. */
static int convert(struct world *w, const char *args)
{
    char words[256], *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)"convert" }, *rest = words;
    int argc = 1;
    struct capture out, err;
    free(w->out);
    free(w->err);
    (void)snprintf(words, sizeof words, "%s", args);
    for (char *word; (word = strsep(&rest, " ")) && argc < ARGS_MAX;)
        argv[argc++] = word;
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    int code = command_convert.run(&command_convert, argc, argv);
    w->err = capture_end(&err);
    w->out = capture_end(&out);
    return code;
}

static void put(const char *name, const char *bytes, size_t size)
{
    FILE *file = fopen(name, "w");
    if (!file)
        give_up("no stream");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const char *bytes, size_t size)
{
    char *got;
    size_t got_size;
    struct px_error err;
    assert_int_equal(px_text_load(name, PX_PROGRAM_FILE_MAX, &got, &got_size, &err), PX_OK);
    assert_int_equal(got_size, size);
    assert_memory_equal(got, bytes, size);
    free(got);
}

static void put_text(const char *name)
{
    put(name, canonical, sizeof canonical - 1);
}

static void expect_text(const char *name)
{
    expect_file(name, canonical, sizeof canonical - 1);
}

static void a_file_is_turned_into_the_other_form_and_back(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    put_text("a.px");
    assert_int_equal(convert(&w, "a.px b"), EXIT_AGREE);
    assert_string_equal(w.out, "converted 1 program: 59 -> 15 bytes\n");
    assert_string_equal(w.err, "");
    expect_file("b", binary, BINARY_SIZE);
    assert_int_equal(convert(&w, "b c"), EXIT_AGREE);
    assert_string_equal(w.out, "converted 1 program: 15 -> 59 bytes\n");
    expect_text("c");
    assert_int_equal(convert(&w, "c c"), EXIT_AGREE); /* in place */
    expect_file("c", binary, BINARY_SIZE);
    assert_int_equal(folder_entries(&w.folder, ""), 3);
    leave(&w);
}

static void the_form_can_be_asked_for(void **state)
{
    (void)state;
    static const char loose[] = "# by hand\n" HEADER "code 0000200B\ngas 0x5\n";
    struct world w;
    enter(&w);
    put("loose.px", loose, sizeof loose - 1);
    assert_int_equal(convert(&w, "--to=text loose.px text"), EXIT_AGREE);
    expect_text("text");
    assert_int_equal(convert(&w, "loose.px binary"), EXIT_AGREE);
    expect_file("binary", binary, BINARY_SIZE);
    assert_int_equal(convert(&w, "--to binary binary again"), EXIT_AGREE);
    expect_file("again", binary, BINARY_SIZE);
    assert_int_equal(convert(&w, "--to=px loose.px other"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: --to: 'px': expected text or binary\n");
    leave(&w);
}

static void a_dash_is_standard_input_or_output(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    int file = memfd_create("input", MFD_CLOEXEC), saved = dup(STDIN_FILENO);
    if (file < 0 || saved < 0)
        give_up("no file descriptor");
    assert_int_equal(pwrite(file, binary, BINARY_SIZE, 0), BINARY_SIZE);
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(convert(&w, "- -"), EXIT_AGREE);
    assert_string_equal(w.out, canonical); /* and nothing else */
    assert_int_equal(ftruncate(file, 6), 0);
    assert_int_equal(convert(&w, "- -"), EXIT_USAGE);
    assert_string_equal(w.out, "");
    assert_string_equal(
        w.err, "parallax convert: standard input: offset 6: found the end of the file, expected the entry\n");
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(saved), 0);
    assert_int_equal(close(file), 0);
    leave(&w);
}

static void a_folder_takes_many_files_and_bad_ones_do_not_stop_it(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    assert_int_equal(mkdir("in", 0777), 0);
    assert_int_equal(mkdir("to", 0777), 0);
    put_text("in/one.px");
    put("in/two.pxb", binary, BINARY_SIZE);
    put("in/.px", canonical, sizeof canonical - 1);
    put("bad.px", HEADER "gas x\n", sizeof HEADER - 1 + 6);
    put("cut.pxb", binary, BINARY_SIZE - 1);
    put("crash-1", binary, BINARY_SIZE);
    assert_int_equal(convert(&w, "in/one.px bad.px in/two.pxb cut.pxb ./crash-1 in/.px to"), EXIT_USAGE);
    assert_string_equal(w.out, "converted 4 programs: 148 -> 148 bytes, 2 refused\n");
    assert_string_equal(
        w.err, "parallax convert: bad.px:2:5: found \"x\", expected a number, decimal or 0x hex\n"
               "parallax convert: cut.pxb: offset 10: found 3 bytes after it, expected the 4 of the code\n");
    assert_int_equal(folder_entries(&w.folder, "to"), 4);
    expect_file("to/one.pxb", binary, BINARY_SIZE);
    expect_text("to/two.px");
    expect_text("to/crash-1.px");
    expect_file("to/.px.pxb", binary, BINARY_SIZE);
    leave(&w);
}

static void files_that_would_become_one_are_refused_before_any_is_written(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    assert_int_equal(mkdir("in", 0777), 0);
    assert_int_equal(mkdir("to", 0777), 0);
    put_text("in/a.px");
    put_text("a.pxb");
    put_text("b.px");
    assert_int_equal(convert(&w, "b.px a.pxb in/a.px to"), EXIT_USAGE);
    assert_non_null(strstr(w.err, "'a.pxb'"));
    assert_non_null(strstr(w.err, "'in/a.px'"));
    assert_non_null(strstr(w.err, " have one name: expected different ones\n"));
    assert_int_equal(folder_entries(&w.folder, "to"), 0);
    assert_int_equal(convert(&w, "- to"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: '-': has no name to keep in a folder\n");
    leave(&w);
}

static void what_cannot_be_read_or_written_leaves_everything_as_it_was(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    put_text("good.px");
    put("old", "old", 3);
    put("bad.px", "nonsense\n", 9);
    assert_int_equal(convert(&w, "bad.px old"), EXIT_USAGE);
    assert_string_equal(w.out, "");
    expect_file("old", "old", 3);
    assert_int_equal(convert(&w, "missing.px old"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: missing.px: cannot open: No such file or directory\n");
    assert_int_equal(convert(&w, "good.px no/such/folder"), EXIT_USAGE);
    assert_non_null(strstr(w.err, "No such file or directory"));
    assert_int_equal(convert(&w, "good.px good.px old"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: 'old': expected a folder for 2 files\n");
    assert_int_equal(convert(&w, "good.px"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: expected IN and OUT, or files and a FOLDER\n");
    assert_int_equal(convert(&w, "good.px /dev/full"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: /dev/full: No space left on device\n");
    assert_int_equal(folder_entries(&w.folder, ""), 3);
    leave(&w);
}

/* Code as words takes 36 MiB of text, so that 15 MiB of content are too much; in binary all of it has 31 MiB. */
static void what_the_text_form_cannot_hold_is_refused(void **state)
{
    (void)state;
    struct world w;
    enter(&w);
    enum { CODE = 16 << 20 };
    uint32_t content = 15 << 20, literal = 2 * (content - 1);
    FILE *file = fopen("large.pxb", "w");
    if (!file)
        give_up("no stream");
    fwrite("\x7fPX\x01\0\x05\0\0\0\x01\x01\0\xc1\xff\x0f", 1, 15, file);
    fputc(0xc3, file);
    fwrite(&content, 4, 1, file);
    fputc(0xc3, file);
    fwrite(&literal, 4, 1, file);
    for (uint32_t i = 0; i < content; i++)
        fputc(1, file);
    fputc(0x40 + 24, file);
    for (uint32_t i = 0; i < CODE; i++)
        fputc(1, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(convert(&w, "large.pxb large.px"), EXIT_USAGE);
    assert_string_equal(w.err, "parallax convert: large.px: expected a program that fits the form: text "
                               "holds 64 MiB, half of that of content\n");
    assert_int_equal(convert(&w, "--to=binary large.pxb small.pxb"), EXIT_AGREE);
    assert_int_equal(folder_entries(&w.folder, ""), 2);
    leave(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_turned_into_the_other_form_and_back),
        cmocka_unit_test(the_form_can_be_asked_for),
        cmocka_unit_test(a_dash_is_standard_input_or_output),
        cmocka_unit_test(a_folder_takes_many_files_and_bad_ones_do_not_stop_it),
        cmocka_unit_test(files_that_would_become_one_are_refused_before_any_is_written),
        cmocka_unit_test(what_cannot_be_read_or_written_leaves_everything_as_it_was),
        cmocka_unit_test(what_the_text_form_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
