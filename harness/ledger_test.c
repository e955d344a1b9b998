/* A ledger is whole whenever its writer dies, and what was overwritten is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ledger.h"

struct world {
    struct ledger ledger;
    struct ledger_writer writer;
};

static int make_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct ledger_record first = { .at = 7, .findings = 3, .tally = { .programs = 5 } };
    if (!w)
        return -1;
    ledger_init(&w->ledger, &first);
    ledger_writer_init(&w->writer, &w->ledger);
    *state = w;
    return 0;
}

static int remove_world(void **state)
{
    free(*state);
    return 0;
}

static void expect_record(const struct world *w, uint64_t at, uint64_t findings, uint64_t programs)
{
    struct ledger_record record;
    assert_true(ledger_read(&w->ledger, &record));
    assert_int_equal(record.at, at);
    assert_int_equal(record.findings, findings);
    assert_int_equal(record.tally.programs, programs);
}

static void note(struct world *w, uint64_t index)
{
    const struct finding finding = { .index = index, .kind = FINDING_DIFF, .diff = { .fields = DIFF_PC } };
    ledger_note(&w->writer, &finding);
}

static void a_batch_counts_when_it_is_committed_and_not_before(void **state)
{
    struct world *w = *state;
    expect_record(w, 7, 3, 5);
    w->writer.next.tally.programs += 2;
    note(w, 8);
    expect_record(w, 7, 3, 5);
    ledger_commit(&w->writer, 9);
    expect_record(w, 9, 4, 7);
    struct finding finding;
    assert_true(ledger_finding_read(&w->ledger, 3, &finding));
    assert_int_equal(finding.index, 8);
    assert_int_equal(finding.diff.fields, DIFF_PC);
    w->writer.next.tally.programs++;
    ledger_commit(&w->writer, 10);
    expect_record(w, 10, 4, 8);
}

/* Whatever a writer that dies has written of the next batch, the last one stands. */
static void what_a_dying_writer_leaves_half_written_does_not_count(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 0; i < 4; i++) {
        ledger_commit(&w->writer, 8 + i);
        struct ledger_record *next = &w->ledger.records[(atomic_load(&w->ledger.commits) + 1) % 2];
        memset(next, 0xa5, sizeof *next);
        expect_record(w, 8 + i, 3, 5);
    }
    /* The ring: entries that no record speaks of yet. */
    memset(w->ledger.ring, 0xa5, sizeof w->ledger.ring);
    expect_record(w, 11, 3, 5);
}

static void a_replacement_goes_on_where_the_record_stands(void **state)
{
    struct world *w = *state;
    w->writer.next.tally.programs = 100;
    note(w, 50);
    ledger_commit(&w->writer, 200);
    w->writer.next.tally.programs = 999; /* lost with its worker */
    note(w, 201);
    struct ledger_record record;
    assert_true(ledger_read(&w->ledger, &record));
    ledger_init(&w->ledger, &record);
    ledger_writer_init(&w->writer, &w->ledger);
    w->writer.next.tally.programs++;
    note(w, 202);
    ledger_commit(&w->writer, 203);
    expect_record(w, 203, 5, 101);
    struct finding finding;
    assert_true(ledger_finding_read(&w->ledger, 4, &finding));
    assert_int_equal(finding.index, 202);
}

static void findings_go_round_the_ring(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 0; i < (uint64_t)3 * LEDGER_RING; i++) {
        struct finding finding;
        note(w, 1000 + i);
        ledger_commit(&w->writer, 1001 + i);
        assert_true(ledger_finding_read(&w->ledger, 3 + i, &finding));
        assert_int_equal(finding.index, 1000 + i);
        if (i >= LEDGER_RING) /* an older one, whose place this one took, is not mistaken for it */
            assert_false(ledger_finding_read(&w->ledger, 3 + i - LEDGER_RING, &finding));
        atomic_store(&w->ledger.taken, 4 + i);
    }
}

static void every_overwritten_byte_is_noticed(void **state)
{
    struct world *w = *state;
    struct ledger_record record;
    struct finding finding;
    note(w, 8);
    ledger_commit(&w->writer, 9);
    uint8_t *bytes = (uint8_t *)&w->ledger.records[1];
    for (size_t i = 0; i < sizeof w->ledger.records[1]; i++) {
        bytes[i] ^= 0x10;
        assert_false(ledger_read(&w->ledger, &record));
        bytes[i] ^= 0x10;
    }
    bytes = (uint8_t *)&w->ledger.ring[3];
    for (size_t i = 0; i < sizeof w->ledger.ring[3]; i++) {
        bytes[i] ^= 0x10;
        assert_false(ledger_finding_read(&w->ledger, 3, &finding));
        bytes[i] ^= 0x10;
    }
    expect_record(w, 9, 4, 5);
    atomic_store(&w->ledger.commits, 2); /* the other copy, which is older */
    expect_record(w, 7, 3, 5);
}

static void tallies_add_up_in_every_field(void **state)
{
    (void)state;
    struct tally sum = { 0 }, more = { 0 };
    uint64_t fields[sizeof sum / sizeof(uint64_t)] = { 0 };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        fields[i] = i + 1;
    memcpy(&more, fields, sizeof more);
    tally_add(&sum, &more);
    tally_add(&sum, &more);
    memcpy(fields, &sum, sizeof fields);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_int_equal(fields[i], 2 * (i + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_counts_when_it_is_committed_and_not_before, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(what_a_dying_writer_leaves_half_written_does_not_count, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(a_replacement_goes_on_where_the_record_stands, make_world,
                                        remove_world),
        cmocka_unit_test_setup_teardown(findings_go_round_the_ring, make_world, remove_world),
        cmocka_unit_test_setup_teardown(every_overwritten_byte_is_noticed, make_world, remove_world),
        cmocka_unit_test(tallies_add_up_in_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
