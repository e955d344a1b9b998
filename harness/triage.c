#include "harness/triage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/guided/guided.h"
#include "harness/interrupt.h"
#include "harness/store.h"

static const char not_located[] = "not-located";

/* For what no probe sees: state leaks, and divergences that take the campaign's own surroundings. */
static void name_by_finding(const struct campaign_result *r, const struct finding *finding, struct bucket *b)
{
    bool other_known = finding->kind == FINDING_DIFF || finding->kind == FINDING_LEAK;
    *b = (struct bucket){ .diverges = true, .finding = *finding, .place = BUCKET_VANISHED };
    (void)snprintf(b->engines, sizeof b->engines, "%.60s|%.60s", r->specs[0],
                   other_known ? r->specs[finding->other] : "?");
    (void)snprintf(b->op, sizeof b->op, "?");
    if (finding->kind == FINDING_DIFF)
        (void)snprintf(b->fields, sizeof b->fields, "%s", bucket_field(finding->diff.fields));
    else if (finding->kind == FINDING_LEAK)
        (void)snprintf(b->fields, sizeof b->fields, "leak");
    else
        finding_format(finding, b->fields, sizeof b->fields);
    (void)snprintf(b->operands, sizeof b->operands, "%s", not_located);
    bucket_name(b);
}

/* The bucket of the confirmed finding at hand. */
static void find_bucket(struct triage *t, const struct px_program *program, const struct finding *finding,
                        const struct campaign_result *r, struct bucket *bucket)
{
    struct px_error ignored;
    /* Not to be interrupted: it takes milliseconds, and what Ctrl-C leaves in the rings has buckets too. */
    const struct probe_config config = { .sandbox = t->options->worker.sandbox };
    size_t other = finding->kind == FINDING_DIFF ? finding->other : 0;
    enum px_status status = finding->kind == FINDING_LEAK ? PX_UNSUPPORTED : PX_OK;
    if (status == PX_OK && !t->probe)
        status = probe_create(&config, &t->probe, &ignored);
    if (status == PX_OK)
        status = probe_bucket(t->probe, program, other, bucket, &ignored);
    if (status == PX_OK &&
        !bucket->diverges) { /* earlier programs may hide it: it was confirmed in a fresh process */
        probe_rest(t->probe);
        status = probe_bucket(t->probe, program, other, bucket, &ignored);
    }
    if (status != PX_OK || !bucket->diverges)
        name_by_finding(r, finding, bucket);
}

/* The campaign's entry for @bucket, *fresh: a new one. NULL: there are too many. */
static struct campaign_bucket *enter(struct campaign_result *r, const struct bucket *bucket, bool *fresh)
{
    *fresh = false;
    for (size_t i = 0; i < r->bucket_count; i++)
        if (strcmp(r->buckets[i].bucket.id, bucket->id) == 0)
            return &r->buckets[i];
    if (r->bucket_count == CAMPAIGN_BUCKETS_MAX)
        return NULL;
    *fresh = true;
    struct campaign_bucket *entry = &r->buckets[r->bucket_count++];
    *entry = (struct campaign_bucket){ .bucket = *bucket, .first = UINT64_MAX };
    bucket_folder(bucket, entry->path, sizeof entry->path);
    return entry;
}

/* What to show of a bucket in its report: the place in @program, as it is found there. False: there is none. */
static bool look_closer(struct triage *t, struct px_program *program, const struct campaign_bucket *entry,
                        struct located *located)
{
    struct px_error ignored;
    if (!t->shown)
        t->shown = malloc(sizeof *t->shown);
    if (!t->shown || !t->probe ||
        probe_locate(t->probe, program, entry->bucket.finding.other, &t->shown->bucket, &t->shown->code,
                     &ignored) != PX_OK ||
        !t->shown->bucket.diverges)
        return false;
    (void)snprintf(t->shown->engines, sizeof t->shown->engines, "%s", t->shown->bucket.engines);
    char *bar = strchr(t->shown->engines, '|');
    if (!bar)
        return false;
    *bar = '\0';
    *located = (struct located){ .program = program,
                                 .a = t->shown->engines,
                                 .b = bar + 1,
                                 .bucket = &t->shown->bucket,
                                 .code = &t->shown->code };
    return true;
}

/* A bucket's first finding: its minimal program and its folder. */
static enum px_status store_first(struct triage *t, struct px_program *program,
                                  const struct isolated *isolated, struct campaign_bucket *entry,
                                  struct px_error *err)
{
    const struct campaign_options *o = t->options;
    const struct minimize_options how = {
        .probe = { .sandbox = o->worker.sandbox, .interrupted = interrupt_came },
        .other = entry->bucket.finding.other,
        .seconds = t->seconds,
        .candidates = o->minimize_candidates,
    };
    struct minimized m = { .bucket = entry->bucket };
    struct stored stored = { .original = program,
                             .result = isolated,
                             .minimized = &m,
                             .minimal = &t->minimal,
                             .oracle = entry->oracle };
    struct located closer;
    struct px_error ignored;
    bool located = strcmp(entry->bucket.operands, not_located) != 0;
    enum px_status status = PX_UNSUPPORTED;
    if (located && t->seconds > 0 && !interrupt_came(NULL))
        status = minimize(&how, program, &t->minimal, &m, &ignored);
    /* Without a minimal program, or with that of another bucket, there is still the original. */
    if (status != PX_OK || !m.confirmed || strcmp(m.bucket.id, entry->bucket.id) != 0)
        m = (struct minimized){ .bucket = entry->bucket };
    if (located && look_closer(t, m.confirmed ? &t->minimal : program, entry, &closer))
        stored.located = &closer;
    entry->minimized = m.confirmed;
    entry->before = m.before;
    entry->after = m.after;
    (void)isolate_describe_majority(isolated, entry->verdict, sizeof entry->verdict);
    if (o->arbitrate && !interrupt_came(NULL))
        (void)arbitrate(o->worker.sandbox.engines, isolated, program, m.confirmed ? &t->minimal : NULL,
                        entry->oracle, sizeof entry->oracle);
    return store_bucket(o->out, entry->path, &stored, err);
}

static void remember(struct campaign_result *r, const struct finding *finding, struct campaign_bucket *bucket)
{
    bucket->count++;
    if (finding->index < bucket->first)
        bucket->first = finding->index;
    if (r->confirmed == 0 || finding->index < r->first)
        r->first = finding->index;
    r->confirmed++;
    r->by_kind[finding->kind]++;
    bucket->by_kind[finding->kind]++;
    if (r->stored_count == CAMPAIGN_STORED_MAX)
        return;
    struct campaign_finding *stored = &r->stored[r->stored_count++];
    stored->index = finding->index;
    stored->kind = finding->kind;
    finding_format(finding, stored->what, sizeof stored->what);
    (void)snprintf(stored->path, sizeof stored->path, "%s", bucket->path);
}

void triage_init(struct triage *triage, const struct campaign_options *options)
{
    *triage = (struct triage){ .options = options };
    px_program_init(&triage->program);
    px_program_init(&triage->between);
    px_program_init(&triage->minimal);
}

void triage_fini(struct triage *triage)
{
    probe_destroy(triage->probe);
    free(triage->shown);
    px_program_fini(&triage->program);
    px_program_fini(&triage->between);
    px_program_fini(&triage->minimal);
}

void triage_rest(struct triage *triage)
{
    if (triage->probe)
        probe_rest(triage->probe);
}

enum px_status triage_program(struct triage *triage, struct px_program *program, const char *file,
                              const struct isolated *isolated, struct campaign_result *result,
                              struct triaged *triaged, struct px_error *err)
{
    struct bucket bucket;
    *triaged = (struct triaged){ .bucket = NULL };
    find_bucket(triage, program, &isolated->finding, result, &bucket);
    struct campaign_bucket *entry = enter(result, &bucket, &triaged->fresh);
    if (!entry) {
        result->further++;
        return PX_OK;
    }
    triaged->bucket = entry;
    (void)snprintf(triaged->path, sizeof triaged->path, "%s", entry->path);
    remember(result, &isolated->finding, entry);
    if (triaged->fresh)
        return store_first(triage, program, isolated, entry, err);
    if (entry->count > CAMPAIGN_STORED_MAX)
        return PX_OK;
    return store_further(triage->options->out, entry->path, file, program, err);
}

/* The campaign's program @index once more. */
static enum px_status make_again(const struct worker_config *w, uint64_t index, struct px_program *program)
{
    return w->guided ? guided_fetch(w->guided, index, program)
                     : px_gen_make(&w->gen, w->seed, index, program);
}

/* Makes the finding's programs again and runs them in a fresh process. */
static enum px_status confirm(struct triage *t, const struct finding *finding, struct isolated *isolated,
                              struct px_error *err)
{
    const struct worker_config *w = &t->options->worker;
    enum px_status status = make_again(w, finding->index, &t->program);
    if (status == PX_OK && finding->kind == FINDING_LEAK)
        status = make_again(w, finding->between, &t->between);
    if (status == PX_ERR_INPUT && w->guided)
        return PX_UNSUPPORTED;
    if (status != PX_OK)
        return px_fail(err, status, "program %" PRIu64 " cannot be made again", finding->index);
    if (finding->kind != FINDING_LEAK)
        return isolate_run(&w->sandbox, &t->program, CAMPAIGN_CONFIRM_RUNS, isolated, err);
    bool leaks = false;
    status = isolate_between(&w->sandbox, &t->program, &t->between, &leaks, err);
    *isolated = (struct isolated){ .diverged = leaks, .finding = *finding };
    return status;
}

enum px_status triage_unstable(struct triage *triage, const struct px_program *program, const char *name,
                               const struct finding *seen, const struct isolated *isolated,
                               struct campaign_result *result, struct triaged *triaged, struct px_error *err)
{
    const struct stored stored = { .original = program, .result = isolated, .unstable = seen };
    size_t length = strlen(name), suffix = strlen(".px");
    char folder[128];
    *triaged = (struct triaged){ .unstable = true };
    result->unstable++;
    if (result->unstable > CAMPAIGN_STORED_MAX)
        return PX_OK;
    bool is_file = length > suffix && strcmp(name + length - suffix, ".px") == 0;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(is_file ? length - suffix : length), name);
    (void)snprintf(triaged->path, sizeof triaged->path, "unstable/%s", folder);
    return store_unstable(triage->options->out, folder, &stored, err);
}

enum px_status triage_finding(struct triage *triage, const struct finding *finding,
                              struct campaign_result *result, struct triaged *triaged, struct px_error *err)
{
    const struct worker_config *w = &triage->options->worker;
    struct isolated isolated = { .runs = 0 };
    char name[128];
    (void)snprintf(name, sizeof name, "seed-%016" PRIx64 "-%s-%" PRIu64 ".px", w->seed,
                   w->guided ? GUIDED_GEN : w->gen.generator->name, finding->index);
    enum px_status status = confirm(triage, finding, &isolated, err);
    if (status == PX_UNSUPPORTED) { /* its worker died before it had made the program known */
        *triaged = (struct triaged){ .bucket = NULL };
        result->further++;
        return PX_OK;
    }
    if (status != PX_OK)
        return status;
    isolated.finding.index = finding->index;
    if (isolated.diverged > 0)
        return triage_program(triage, &triage->program, name, &isolated, result, triaged, err);
    return triage_unstable(triage, &triage->program, name, finding, &isolated, result, triaged, err);
}

enum px_status triage_not_kept(const struct worker_config *worker, const struct finding *finding,
                               enum px_status status, struct px_error *err)
{
    struct px_error what = *err;
    if (worker->guided)
        return px_fail(err, status, "%.240s; the program of this finding is lost", what.text);
    return px_fail(err, status,
                   "%.240s; its program is not kept: parallax replay --seed %#" PRIx64 " --index %" PRIu64
                   " --gen %.60s@%u",
                   what.text, worker->seed, finding->index, worker->gen.spec, worker->gen.generator->version);
}
