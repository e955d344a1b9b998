/*
 * The supervisor's side of a guided campaign: what workers hand over is on disk and in everybody's sight, and what a guest
 * that broke out may write there harms nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/guided/coverage.h"
#include "harness/guided/guided.h"
#include "harness/tests/capture.h"
#include "harness/tests/folder.h"
#include "vm/test_program.h"

enum { PATH_ROOM = 256, JOBS = 2 };

struct world {
    struct folder folder;
    char out[PATH_ROOM];
    struct guided *guided;
    struct px_program program;
};

static struct guided *open_guided(const struct world *w)
{
    struct guided *guided;
    struct px_error err = { "" };
    if (guided_create(w->out, NULL, JOBS, &guided, &err) != PX_OK)
        fail_msg("%s", err.text);
    return guided;
}

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    folder_make(&w->folder);
    folder_path(&w->folder, "out", w->out, sizeof w->out);
    px_program_init(&w->program);
    w->guided = open_guided(w);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    struct world *w = *state;
    guided_destroy(w->guided);
    px_program_fini(&w->program);
    folder_remove(&w->folder);
    free(w);
    return 0;
}

static void make(struct world *w, uint64_t index)
{
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse("control", &gen, &err), PX_OK);
    assert_int_equal(px_gen_make(&gen, 8, index, &w->program), PX_OK);
    w->program.origin.known = false;
}

static void pack(const struct px_program *program, struct guided_program *into)
{
    size_t size;
    assert_int_equal(px_program_pack(program, into->bytes, sizeof into->bytes, &size), PX_OK);
    into->size = (uint32_t)size;
}

/* As a worker posts it; w->program. */
static void post(struct world *w, unsigned job, enum guided_mail_kind kind, uint64_t index)
{
    struct guided_mail *mail = &w->guided->boxes[job]->mail;
    mail->kind = kind;
    mail->index = index;
    mail->entry = (struct guided_entry){ .gas = 77, .claims = { 5, FEATURES - 1 }, .claim_count = 2 };
    pack(&w->program, &mail->program);
    atomic_fetch_add(&mail->posted, 1);
}

static void poll_mail(struct world *w)
{
    struct px_error err = { "" };
    if (guided_poll(w->guided, &err) != PX_OK)
        fail_msg("%s", err.text);
    for (unsigned i = 0; i < JOBS; i++)
        assert_int_equal(atomic_load(&w->guided->boxes[i]->mail.posted),
                         atomic_load(&w->guided->boxes[i]->mail.taken));
}

static void entries_are_on_disk_and_in_sight_of_all_workers(void **state)
{
    struct world *w = *state;
    struct px_program back;
    px_program_init(&back);
    for (uint64_t i = 0; i < 20; i++) {
        make(w, i);
        post(w, i % JOBS, GUIDED_MAIL_ENTRY, i);
        poll_mail(w);
        assert_int_equal(guided_entries(w->guided), i + 1);
        const struct guided_entry *entry = &w->guided->corpus->entries[i];
        assert_int_equal(entry->gas, 77);
        assert_int_equal(entry->claim_count, 2);
        assert_int_equal(entry->claims[1], FEATURES - 1);
        assert_int_equal(
            px_program_unpack(&back, "entry", w->guided->corpus->arena + entry->offset, entry->size, NULL),
            PX_OK);
        test_expect_same_program(&back, &w->program);
    }
    make(w, 3);
    post(w, 0, GUIDED_MAIL_ENTRY, 99); /* again: no second file */
    poll_mail(w);
    assert_int_equal(folder_entries(&w->folder, "out/corpus"), 20);
    assert_int_equal(w->guided->disk.saved, 20);

    /* Another campaign begins with them, in whatever order. */
    struct guided *next = open_guided(w);
    assert_int_equal(next->disk.loaded, 20);
    assert_int_equal(next->corpus->imports, 20);
    assert_int_equal(guided_entries(next), 20);
    guided_destroy(next);
    px_program_fini(&back);
}

static void findings_keep_their_programs(void **state)
{
    struct world *w = *state;
    struct px_program back;
    px_program_init(&back);
    assert_int_equal(guided_fetch(w->guided, 7, &back), PX_ERR_INPUT);
    for (uint64_t i = 0; i < 50; i++) {
        make(w, i);
        post(w, 1, GUIDED_MAIL_FINDING, i);
        poll_mail(w);
    }
    make(w, 500); /* program 7 of a worker that was replaced is another one */
    post(w, 0, GUIDED_MAIL_FINDING, 7);
    poll_mail(w);
    assert_int_equal(guided_fetch(w->guided, 7, &back), PX_OK);
    test_expect_same_program(&back, &w->program);
    make(w, 49);
    assert_int_equal(guided_fetch(w->guided, 49, &back), PX_OK);
    test_expect_same_program(&back, &w->program);
    /* Thousands of findings later the oldest are gone, not the last. */
    for (uint64_t i = 1000; i < 3000; i++) {
        post(w, 0, GUIDED_MAIL_FINDING, i);
        poll_mail(w);
    }
    assert_int_equal(guided_fetch(w->guided, 7, &back), PX_ERR_INPUT);
    assert_int_equal(guided_fetch(w->guided, 2999, &back), PX_OK);
    assert_int_equal(guided_entries(w->guided), 0);
    px_program_fini(&back);
}

static void what_a_dead_worker_had_under_way_is_kept(void **state)
{
    struct world *w = *state;
    struct px_error err = { "" };
    struct px_program back;
    px_program_init(&back);
    struct guided_box *box = w->guided->boxes[1];
    for (uint64_t i = 0; i < 3; i++) {
        make(w, i);
        pack(&w->program, &box->batch[i].program);
        box->batch[i].number = 40 + i + 1;
    }
    box->batch[3].number = 44; /* was being written */
    make(w, 9);
    post(w, 1, GUIDED_MAIL_ENTRY, 39); /* posted, and not taken yet */
    assert_int_equal(guided_bury(w->guided, 1, &err), PX_OK);
    assert_int_equal(guided_entries(w->guided), 1);
    for (uint64_t i = 0; i < 3; i++) {
        make(w, i);
        assert_int_equal(guided_fetch(w->guided, 40 + i, &back), PX_OK);
        test_expect_same_program(&back, &w->program);
    }
    assert_int_equal(guided_fetch(w->guided, 43, &back), PX_ERR_INPUT);
    px_program_fini(&back);
}

static void what_was_found_is_told_once_its_worker_is_dead(void **state)
{
    struct world *w = *state;
    struct guided_mail *mail = &w->guided->boxes[1]->mail;
    struct px_error err = { "" };
    struct finding finding;
    for (uint64_t i = 0; i < 6; i++) {
        make(w, i);
        mail->finding = (struct finding){ .index = 10 + i, .other = 1, .diff = { .fields = (uint32_t)i } };
        post(w, 1, i == 4 ? GUIDED_MAIL_PROGRAM : GUIDED_MAIL_FINDING, 10 + i);
        if (i < 5)
            poll_mail(w);
    }
    mail = &w->guided->boxes[0]->mail;
    mail->finding = (struct finding){ .index = 12, .kind = (enum finding_kind)77, .other = RUN_ENGINES_MAX };
    post(w, 0, GUIDED_MAIL_FINDING, 30);
    poll_mail(w);
    assert_int_equal(guided_bury(w->guided, 1, &err), PX_OK);
    static const uint64_t told[] = { 12, 13, 15 };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        assert_true(guided_rescue(w->guided, 1, 12, &finding));
        assert_int_equal(finding.index, told[i]);
        assert_int_equal(finding.other, 1);
        assert_int_equal(finding.diff.fields, told[i] - 10);
    }
    assert_false(guided_rescue(w->guided, 1, 12, &finding));
    assert_true(guided_rescue(w->guided, 0, 0, &finding)); /* what nobody may believe leads nobody astray */
    assert_int_equal(finding.kind, FINDING_ABORT);
    assert_int_equal(finding.other, 0);
}

static void nonsense_is_taken_and_dropped(void **state)
{
    struct world *w = *state;
    struct guided_mail *mail = &w->guided->boxes[0]->mail;
    struct px_program back;
    px_program_init(&back);
    make(w, 1);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    mail->program.size = GUIDED_BYTES_MAX + 1;
    poll_mail(w);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    mail->program.size = 0;
    poll_mail(w);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    mail->program.bytes[0] ^= 1;
    poll_mail(w);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    mail->entry.claim_count = GUIDED_CLAIMS + 1;
    poll_mail(w);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    mail->entry.claims[0] = FEATURES;
    poll_mail(w);
    post(w, 0, GUIDED_MAIL_FINDING, 1);
    mail->program.size = UINT32_MAX;
    poll_mail(w);
    assert_int_equal(guided_entries(w->guided), 0);
    assert_int_equal(folder_entries(&w->folder, "out/corpus"), 0);
    assert_int_equal(guided_fetch(w->guided, 1, &back), PX_ERR_INPUT);
    post(w, 0, GUIDED_MAIL_ENTRY, 1); /* a sound one still gets through */
    poll_mail(w);
    assert_int_equal(guided_entries(w->guided), 1);
    px_program_fini(&back);
}

static void write_file(const struct world *w, const char *name, const void *bytes, size_t size)
{
    char path[PATH_ROOM];
    folder_path(&w->folder, name, path, sizeof path);
    FILE *file = fopen(path, "we");
    if (!file) {
        fail_msg("%s: %s", path, strerror(errno));
        return;
    }
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void files_that_are_no_programs_are_left_out(void **state)
{
    struct world *w = *state;
    static const char text[] = "parallax 1 rv64e-jar.1\ngas 1\ncode\n  0000200b\n";
    make(w, 1);
    post(w, 0, GUIDED_MAIL_ENTRY, 1);
    poll_mail(w);
    write_file(w, "out/corpus/mine.px", text, sizeof text - 1); /* either form may be put there */
    write_file(w, "out/corpus/bad.px", "no program", 10);
    write_file(w, "out/corpus/cut.pxb", "\x7fPX\x01", 4);
    write_file(w, "out/corpus/.0123.pxb.tmp-1", "\x7fPX", 3); /* of a campaign that was killed */
    write_file(w, "out/corpus/notes.txt", "hello", 5);
    struct capture capture;
    capture_begin(&capture, stderr);
    struct guided *next = open_guided(w);
    char *said = capture_end(&capture), *bad = strstr(said, "/bad.px"), *cut = strstr(said, "/cut.pxb");
    assert_int_equal(strncmp(said, "corpus: left out: ", strlen("corpus: left out: ")), 0);
    assert_true(bad && cut && bad < cut);
    free(said);
    assert_int_equal(next->disk.loaded, 2);
    assert_int_equal(next->disk.refused, 2);
    assert_int_equal(guided_entries(next), 2);
    guided_destroy(next);
}

static void a_folder_that_cannot_be_is_refused(void **state)
{
    struct world *w = *state;
    struct guided *guided = NULL;
    struct px_error err = { "" };
    char out[PATH_ROOM];
    folder_add(&w->folder, "file");
    folder_path(&w->folder, "file", out, sizeof out);
    assert_int_equal(guided_create(out, NULL, JOBS, &guided, &err), PX_ERR_INPUT);
    assert_null(guided);
    assert_non_null(strstr(err.text, "Not a directory"));
}

static void the_curve_counts_features_by_the_doubling_that_showed_them_first(void **state)
{
    (void)state;
    static coverage_mark seen[FEATURES];
    unsigned curve[COVERAGE_POINTS];
    assert_int_equal(coverage_seen(seen, NULL), 0);
    assert_true(coverage_show(seen, 0, 0));
    assert_true(coverage_show(seen, 1, 1));
    assert_true(coverage_show(seen, 2, 4095));
    assert_true(coverage_show(seen, 3, 4096));
    assert_true(coverage_show(seen, FEATURES - 1, UINT64_MAX));
    assert_false(coverage_show(seen, 1, 5000)); /* later does not count ... */
    assert_false(coverage_show(seen, 3, 7)); /* ... and earlier does: workers are not at one place */
    coverage_curve(seen, curve);
    for (unsigned k = 0; k < COVERAGE_POINTS; k++)
        assert_int_equal(curve[k], 1 + (k >= 1) + (k >= 3) + (k >= 12) + (k >= 64));
    seen[9] = 0xff; /* what a guest may write */
    coverage_curve(seen, curve);
    assert_int_equal(curve[63], 4);
    assert_int_equal(curve[64], 6);
    assert_int_equal(coverage_seen(seen, NULL), 6);
    assert_int_equal(coverage_seen(seen, &features_groups[0]), 5);
    assert_int_equal(coverage_seen(seen, &features_groups[FEATURES_GROUPS - 1]), 1);
}

static void a_blind_campaign_looks_at_its_first_programs_and_some_others(void **state)
{
    (void)state;
    unsigned looks = 0;
    for (uint64_t i = 0; i < COVERAGE_FIRST + 16 * COVERAGE_EVERY; i++)
        looks += coverage_looks(i);
    assert_int_equal(looks, COVERAGE_FIRST + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_are_on_disk_and_in_sight_of_all_workers, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(findings_keep_their_programs, make_world, remove_world),
        cmocka_unit_test_setup_teardown(what_a_dead_worker_had_under_way_is_kept, make_world, remove_world),
        cmocka_unit_test_setup_teardown(what_was_found_is_told_once_its_worker_is_dead, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(nonsense_is_taken_and_dropped, make_world, remove_world),
        cmocka_unit_test_setup_teardown(files_that_are_no_programs_are_left_out, make_world, remove_world),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_is_refused, make_world, remove_world),
        cmocka_unit_test(the_curve_counts_features_by_the_doubling_that_showed_them_first),
        cmocka_unit_test(a_blind_campaign_looks_at_its_first_programs_and_some_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
