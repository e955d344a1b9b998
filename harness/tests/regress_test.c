#define _GNU_SOURCE
/* Every program of corpus/regress on every engine, which must do what its `expect` line says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/isolate.h"
#include "harness/tests/give_up.h"
#include "vm/text.h"

static char folder[] = "corpus/regress";

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Calls @check for each file; gives how many there are. */
static size_t for_each(void (*check)(const char *path))
{
    char *const roots[] = { folder, NULL };
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    size_t count = 0;
    if (!tree)
        give_up(folder);
    while ((entry = fts_read(tree))) {
        if (entry->fts_info != FTS_F)
            continue;
        check(entry->fts_path);
        count++;
    }
    fts_close(tree);
    return count;
}

static void check_outcomes(const char *path)
{
    struct px_program program;
    struct isolated result = { .runs = 0 };
    struct px_error err = { "" };
    const struct sandbox sandbox = { .engines = ENGINES_EVERY };
    char what[128];
    px_program_init(&program);
    if (px_program_load(&program, path, &err) != PX_OK ||
        isolate_run(&sandbox, &program, 1, &result, &err) != PX_OK)
        fail_msg("%s", err.text);
    if (result.diverged > 0 || result.runs != 1)
        fail_msg("%s: engines diverge", path);
    if (!program.has_expect || !program.expect.has_exit || !program.expect.has_pc ||
        !program.expect.has_gas || program.expect.has_x != 0xfffe)
        fail_msg("%s: expected a whole outcome in its `expect` line", path);
    for (size_t i = 0; i < result.engine_count; i++) {
        if (!isolate_judged(&result, i) && strncmp(result.specs[i], "linear", 6) != 0)
            fail_msg("%s: %s did not take it", path, result.specs[i]);
        if (isolate_missed(&result, i, &program.expect, what, sizeof what))
            fail_msg("%s: %s: %s", path, result.specs[i], what);
    }
    px_program_fini(&program);
}

static void every_program_ends_as_it_should_on_every_engine(void **state)
{
    (void)state;
    assert_true(for_each(check_outcomes) >= 150);
}

/* "# " and at least a few words. */
static void check_reason(const char *path)
{
    char *bytes;
    size_t size;
    struct px_error err = { "" };
    if (px_text_load(path, PX_PROGRAM_FILE_MAX, &bytes, &size, &err) != PX_OK)
        fail_msg("%s", err.text);
    const char *end = memchr(bytes, '\n', size);
    if (!end || strncmp(bytes, "# ", 2) != 0 || end - bytes < 12)
        fail_msg("%s: expected a first line that says why it is there", path);
    free(bytes);
}

static void every_program_says_why_it_is_there(void **state)
{
    (void)state;
    (void)for_each(check_reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_program_ends_as_it_should_on_every_engine),
        cmocka_unit_test(every_program_says_why_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
