/* A file is whole, or as it was before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/isolate.h"
#include "harness/save.h"
#include "harness/tests/folder.h"

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

static enum px_status write_text(FILE *file, const void *text)
{
    fputs(text, file);
    return PX_OK;
}

static enum px_status give_up_half_way(FILE *file, const void *text)
{
    fputs(text, file);
    return PX_ERR_INPUT;
}

static void expect_file(const struct folder *folder, const char *name, const char *expected)
{
    char *text = folder_read(folder, name);
    assert_string_equal(text, expected);
    free(text);
}

static void a_file_is_made_and_made_again(void **state)
{
    char path[PATH_ROOM];
    struct px_error err = { "" };
    folder_path(*state, "report", path, sizeof path);
    assert_int_equal(save_check(path, &err), PX_OK);
    assert_int_equal(folder_entries(*state, ""), 0);
    assert_int_equal(save_file(path, write_text, "a longer text", &err), PX_OK);
    expect_file(*state, "report", "a longer text");
    assert_int_equal(save_check(path, &err), PX_OK);
    assert_int_equal(save_file(path, write_text, "short", &err), PX_OK);
    expect_file(*state, "report", "short");
    assert_int_equal(folder_entries(*state, ""), 1);
}

static void a_failure_leaves_what_was_there(void **state)
{
    char path[PATH_ROOM];
    struct px_error err = { "" };
    folder_path(*state, "report", path, sizeof path);
    assert_int_equal(save_file(path, give_up_half_way, "half", &err), PX_ERR_INPUT);
    assert_int_equal(folder_entries(*state, ""), 0);
    assert_int_equal(save_file(path, write_text, "whole", &err), PX_OK);
    assert_int_equal(save_file(path, give_up_half_way, "half", &err), PX_ERR_INPUT);
    expect_file(*state, "report", "whole");
    assert_int_equal(folder_entries(*state, ""), 1);
}

static void expect_refused(const char *path, const char *why)
{
    char text[2 * PATH_ROOM];
    struct px_error err = { "" };
    (void)snprintf(text, sizeof text, "'%s': %s", path, why);
    assert_int_equal(save_check(path, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, text);
    err.text[0] = '\0';
    assert_int_equal(save_file(path, write_text, "text", &err), PX_ERR_INPUT);
    assert_string_equal(err.text, text);
}

static void what_cannot_be_written_is_refused(void **state)
{
    const struct folder *folder = *state;
    char path[PATH_ROOM];
    expect_refused(folder->path, "is a folder, expected a file to write");
    folder_path(folder, "missing/report", path, sizeof path);
    expect_refused(path, "cannot be written: No such file or directory");
    folder_add(folder, "file");
    folder_path(folder, "file/report", path, sizeof path);
    expect_refused(path, "cannot be written: Not a directory");
    expect_refused("", "cannot be written: it has no name");
}

/* As a user who does not own the folder: root may write everywhere. */
static enum px_status check_as_nobody(void *path, struct px_error *err)
{
    enum { NOBODY = 65534 };
    if (getuid() == 0 && setuid(NOBODY) != 0) /* access asks for the real user */
        return px_fail(err, PX_ERR_SYSTEM, "cannot become somebody else");
    return save_check(path, err);
}

static void a_folder_without_permission_is_refused(void **state)
{
    char path[PATH_ROOM], text[PATH_ROOM + 64];
    struct px_error err = { "" };
    assert_int_equal(chmod(((struct folder *)*state)->path, 0555), 0);
    folder_path(*state, "report", path, sizeof path);
    assert_int_equal(isolate_call(check_as_nobody, path, &err), PX_ERR_INPUT);
    (void)snprintf(text, sizeof text, "'%s': cannot be written: Permission denied", path);
    assert_string_equal(err.text, text);
    assert_int_equal(chmod(((struct folder *)*state)->path, 0755), 0);
}

/* Renaming something over a device would replace it for everybody. A pipe shows it as well, and does no harm. */
static void what_is_no_regular_file_is_written_in_place(void **state)
{
    char path[PATH_ROOM], got[16] = "";
    struct px_error err = { "" };
    folder_path(*state, "pipe", path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(save_check(path, &err), PX_OK);
    assert_int_equal(save_file(path, write_text, "text", &err), PX_OK);
    assert_int_equal(read(reader, got, sizeof got - 1), 4);
    assert_string_equal(got, "text");
    assert_int_equal(close(reader), 0);
    assert_int_equal(folder_entries(*state, ""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_made_and_made_again, make_world, remove_world),
        cmocka_unit_test_setup_teardown(a_failure_leaves_what_was_there, make_world, remove_world),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_refused, make_world, remove_world),
        cmocka_unit_test_setup_teardown(a_folder_without_permission_is_refused, make_world, remove_world),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_written_in_place, make_world,
                                        remove_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
