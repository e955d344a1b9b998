#include "harness/vectors/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/expect.h"

enum {
    PATIENCE = 4, /* a death takes one of it, a hang two: each costs a process, and a hang a second */
    CHILD_CASES = 50000, /* between two looks whether to go on */
};

/* What the child and we share; what is in it may be anything, once the child has run. */
struct tally {
    struct replay_result result;
    uint64_t next; /* the case to begin with */
};

/* The child's order. */
struct order {
    const struct vectors *vectors;
    const struct sandbox *sandbox;
    struct tally *tally;
    uint64_t first, last; /* cases, the last excluded */
    struct replay_result before; /* what came of those before */
};

static void note(struct replay_result *r, uint64_t index, const char *spec, const char *what)
{
    if (r->miss_count > 0 && r->misses[r->miss_count - 1].index == index)
        return; /* the first engine that goes wrong is told */
    r->missed++;
    if (r->miss_count == REPLAY_MISSES_MAX)
        return;
    struct replay_miss *miss = &r->misses[r->miss_count++];
    miss->index = index;
    (void)snprintf(miss->text, sizeof miss->text, "%.60s: %.90s", spec, what);
}

/* Holds what came out against the case, then the engines against each other. */
static void judge(struct run *run, const struct vectors_case *c, const struct run_result *out,
                  struct replay_result *r)
{
    char what[128], fields[100];
    bool missed = false;
    for (size_t i = 0; i < run->count; i++) {
        struct px_expect within = expect_within(&c->expect, run->caps[i]);
        if (!out->supported[i] || out->outcomes[i].exit == PX_EXIT_UNJUDGED)
            continue;
        r->judged[i]++;
        if (missed || !expect_missed(&within, &out->outcomes[i], what, sizeof what))
            continue;
        missed = true;
        note(r, c->index, r->specs[i], what);
    }
    if (missed || out->diff.fields == 0)
        return;
    diff_fields_format(out->diff.fields, fields, sizeof fields);
    (void)snprintf(what, sizeof what, "differs from %.40s in %.60s", r->specs[0], fields);
    note(r, c->index, r->specs[out->other], what);
}

/* The cases of the record at hand that are among those wanted. */
static enum px_status run_record(struct run *run, struct vectors_cursor *cursor, const struct order *o,
                                 struct replay_result *r, _Atomic uint64_t *running, struct px_error *err)
{
    struct px_image image;
    struct run_slot slot;
    struct vectors_case one;
    struct run_result out = { .diff = { .fields = 0 } };
    px_program_image(&cursor->program, &image);
    enum px_status status = run_prepare(run, &image, 0, &slot, err);
    if (status != PX_OK)
        return status;
    while (status == PX_OK && vectors_next_case(cursor, &one)) {
        if (one.index < o->first || one.index >= o->last)
            continue;
        memcpy(slot.image.x, one.x, sizeof slot.image.x);
        atomic_store(running, one.index + 1);
        status = run_compare(run, &slot, false, &out, err);
        atomic_store(running, 0);
        if (status != PX_OK)
            break;
        r->cases++;
        judge(run, &one, &out, r);
        o->tally->result = *r;
        o->tally->next = one.index + 1;
    }
    run_release(run, &slot);
    return status == PX_OK ? cursor->status : status;
}

static enum px_status run_cases(void *arg, struct host_record *record, _Atomic uint64_t *running,
                                struct px_error *err)
{
    const struct order *o = arg;
    struct run run;
    struct vectors_cursor cursor;
    struct replay_result result =
        o->tally->result; /* our own: what is shared, the code under test may overwrite */
    struct hostfault hostfault = { .record = record, .running = running };
    enum px_status status = sandbox_enter(o->sandbox, &run, &hostfault, err);
    if (status != PX_OK)
        return status;
    result.engine_count = run.count;
    for (size_t i = 0; i < run.count; i++)
        (void)snprintf(result.specs[i], sizeof result.specs[i], "%s", engine_spec(&run.engines[i]));
    o->tally->result = result;
    vectors_begin(&cursor, o->vectors, err);
    while (status == PX_OK && cursor.index < o->last && vectors_next_record(&cursor))
        if (cursor.index + cursor.cases > o->first)
            status = run_record(&run, &cursor, o, &result, running, err);
    return status == PX_OK ? cursor.status : status; /* the process ends here */
}

/* Whatever the child left, nothing that is read of it can lead astray. */
static void make_harmless(struct tally *t, const struct order *o)
{
    struct replay_result *r = &t->result;
    if (t->next < o->first || t->next > o->last)
        t->next = o->first;
    if (r->engine_count > RUN_ENGINES_MAX)
        r->engine_count = 0;
    if (r->miss_count > REPLAY_MISSES_MAX)
        r->miss_count = 0;
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++)
        r->specs[i][sizeof r->specs[i] - 1] = '\0';
    for (size_t i = 0; i < REPLAY_MISSES_MAX; i++) {
        r->misses[i].text[sizeof r->misses[i].text - 1] = '\0';
        if (r->misses[i].index >= o->vectors->cases)
            r->misses[i].index = 0;
    }
}

/* One process: as far as it comes within @o. */
static enum px_status run_child(struct order *o, struct px_error *err)
{
    struct isolate_end end;
    char what[64];
    o->tally->next = o->first;
    o->before = o->tally->result;
    enum px_status status = isolate_watch(o->sandbox, run_cases, o, &end, err);
    if (status != PX_OK)
        return status;
    make_harmless(o->tally, o);
    struct replay_result *r = &o->tally->result;
    if (!end.died) {
        o->tally->next = o->last;
        return PX_OK;
    }
    uint64_t guilty = end.finding.index - 1;
    if (guilty != o->tally->next) /* not in a program, or what says so was overwritten */
        guilty = o->tally->next < o->last ? o->tally->next : o->last - 1;
    finding_format(&end.finding, what, sizeof what);
    r->cases++;
    r->deaths++;
    r->hangs += end.finding.kind == FINDING_HANG;
    note(r, guilty, "an engine", what);
    o->tally->next = guilty + 1;
    return PX_OK;
}

enum px_status vectors_replay(const struct vectors *vectors, const struct sandbox *sandbox,
                              bool (*interrupted)(void *arg), struct replay_result *result,
                              struct px_error *err)
{
    struct tally *tally = isolate_share(sizeof *tally);
    if (!tally)
        return px_fail(err, PX_ERR_SYSTEM, "shared memory for the sandbox: %s", strerror(errno));
    struct order o = { .vectors = vectors, .sandbox = sandbox, .tally = tally };
    enum px_status status = PX_OK;
    while (status == PX_OK && o.first < vectors->cases && !tally->result.ended_early) {
        if (interrupted && interrupted(NULL)) {
            status = px_fail(err, PX_ERR_LOST, "interrupted");
            break;
        }
        o.last = vectors->cases - o.first < CHILD_CASES ? vectors->cases : o.first + CHILD_CASES;
        status = run_child(&o, err);
        o.first = tally->next;
        tally->result.ended_early =
            tally->result.deaths + tally->result.hangs >= PATIENCE && o.first < vectors->cases;
    }
    if (status == PX_OK || status == PX_ERR_LOST)
        *result = tally->result;
    isolate_unshare(tally, sizeof *tally);
    return status;
}
