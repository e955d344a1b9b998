#define _GNU_SOURCE
#include "harness/ledger.h"

#include <assert.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum {
    LOOKS_MAX = 1000,
    WAIT_NS = 200000, /* between two looks for room in the ring */
};

_Static_assert(LEDGER_PENDING <= LEDGER_RING, "a batch's findings must fit an empty ring");
_Static_assert(sizeof(struct tally) % sizeof(uint64_t) == 0, "records are digested as bytes: no padding");
_Static_assert(sizeof(struct ledger_record) ==
                   offsetof(struct ledger_record, tally) + sizeof(struct tally) + sizeof(uint64_t),
               "records are digested as bytes: no padding");

static void add_up(uint64_t *sum, const uint64_t *more, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += more[i];
}

void tally_add(struct tally *sum, const struct tally *more)
{
    sum->programs += more->programs;
    add_up(sum->exits, more->exits, PX_EXIT_COUNT);
    add_up(sum->panics, more->panics, PX_PANIC_COUNT);
    add_up(sum->supported, more->supported, RUN_ENGINES_MAX);
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++)
        add_up(sum->unjudged[i], more->unjudged[i], PX_UNJUDGED_COUNT);
    add_up(sum->native, more->native, RUN_ENGINES_MAX);
    add_up(sum->side_exit, more->side_exit, RUN_ENGINES_MAX);
    add_up(sum->interpreted, more->interpreted, RUN_ENGINES_MAX);
}

static uint64_t record_digest(const struct ledger_record *record)
{
    return XXH3_64bits(record, offsetof(struct ledger_record, digest));
}

/* Of the bytes as they stand in the ring, padding included; the number makes an older finding in the same place wrong. */
static uint64_t finding_digest(const struct finding *finding, uint64_t number)
{
    return XXH3_64bits_withSeed(finding, sizeof *finding, number + 1);
}

void ledger_init(struct ledger *ledger, const struct ledger_record *record)
{
    struct ledger_record first = *record;
    first.digest = record_digest(&first);
    memset(ledger, 0, sizeof *ledger);
    ledger->records[0] = first;
    atomic_store(&ledger->taken, first.findings);
}

/* --- the worker --- */

void ledger_writer_init(struct ledger_writer *writer, struct ledger *ledger)
{
    uint64_t commits = atomic_load(&ledger->commits);
    *writer =
        (struct ledger_writer){ .ledger = ledger, .commits = commits, .next = ledger->records[commits % 2] };
}

void ledger_note(struct ledger_writer *writer, const struct finding *finding)
{
    assert(writer->pending_count < LEDGER_PENDING);
    writer->pending[writer->pending_count++] = *finding;
}

/* What is written here counts only once a record says so. */
static void publish(struct ledger_writer *writer)
{
    struct ledger *ledger = writer->ledger;
    const struct timespec pause = { .tv_nsec = WAIT_NS };
    for (size_t i = 0; i < writer->pending_count; i++) {
        uint64_t number = writer->next.findings;
        while (number - atomic_load(&ledger->taken) >= LEDGER_RING)
            nanosleep(&pause, NULL);
        struct ledger_finding *slot = &ledger->ring[number % LEDGER_RING];
        memcpy(&slot->finding, &writer->pending[i], sizeof slot->finding);
        slot->digest = finding_digest(&slot->finding, number);
        writer->next.findings = number + 1;
    }
    writer->pending_count = 0;
}

void ledger_commit(struct ledger_writer *writer, uint64_t at)
{
    struct ledger *ledger = writer->ledger;
    if (writer->pending_count > 0)
        publish(writer);
    writer->next.at = at;
    writer->next.digest = record_digest(&writer->next);
    ledger->records[++writer->commits % 2] = writer->next;
    atomic_store(&ledger->commits, writer->commits);
    atomic_thread_fence(
        memory_order_seq_cst); /* the next batch writes to the copy that was valid until now */
}

/* --- the supervisor --- */

bool ledger_read(const struct ledger *ledger, struct ledger_record *record)
{
    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        struct ledger_record copy;
        uint64_t commits = atomic_load(&ledger->commits);
        memcpy(&copy, &ledger->records[commits % 2], sizeof copy);
        atomic_thread_fence(memory_order_seq_cst);
        if (atomic_load(&ledger->commits) != commits || copy.digest != record_digest(&copy))
            continue;
        *record = copy;
        return true;
    }
    return false;
}

bool ledger_finding_read(const struct ledger *ledger, uint64_t number, struct finding *finding)
{
    struct ledger_finding copy;
    memcpy(&copy, &ledger->ring[number % LEDGER_RING], sizeof copy);
    if (copy.digest != finding_digest(&copy.finding, number))
        return false;
    *finding = copy.finding;
    return true;
}
