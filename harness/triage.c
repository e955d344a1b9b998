#include "harness/triage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

/* A bucket's first finding: its minimal program and its folder. */
static enum px_status store_first(struct triage *t, const struct px_program *program,
                                  const struct isolated *isolated, struct campaign_bucket *entry,
                                  struct px_error *err)
{
    const struct campaign_options *o = t->options;
    const struct minimize_options how = {
        .probe = { .sandbox = o->worker.sandbox, .interrupted = t->interrupted },
        .other = entry->bucket.finding.other,
        .seconds = t->seconds,
    };
    struct minimized m = { .bucket = entry->bucket };
    const struct stored stored = {
        .original = program, .result = isolated, .minimized = &m, .minimal = &t->minimal
    };
    struct px_error ignored;
    bool located = strcmp(entry->bucket.operands, not_located) != 0;
    enum px_status status = PX_UNSUPPORTED;
    if (located && t->seconds > 0 && !t->interrupted(NULL))
        status = minimize(&how, program, &t->minimal, &m, &ignored);
    /* Without a minimal program, or with that of another bucket, there is still the original. */
    if (status != PX_OK || !m.confirmed || strcmp(m.bucket.id, entry->bucket.id) != 0)
        m = (struct minimized){ .bucket = entry->bucket };
    entry->minimized = m.confirmed;
    entry->before = m.before;
    entry->after = m.after;
    return store_bucket(o->out, entry->path, &stored, err);
}

static enum px_status store_more(const struct triage *t, const struct px_program *program, uint64_t index,
                                 const struct campaign_bucket *entry, struct px_error *err)
{
    const struct worker_config *w = &t->options->worker;
    char file[128];
    if (entry->count > CAMPAIGN_STORED_MAX)
        return PX_OK;
    (void)snprintf(file, sizeof file, "seed-%016" PRIx64 "-%s-%" PRIu64 ".px", w->seed,
                   w->gen.generator->name, index);
    return store_further(t->options->out, entry->path, file, program, err);
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
    if (r->stored_count == CAMPAIGN_STORED_MAX)
        return;
    struct campaign_finding *stored = &r->stored[r->stored_count++];
    stored->index = finding->index;
    stored->kind = finding->kind;
    finding_format(finding, stored->what, sizeof stored->what);
    (void)snprintf(stored->path, sizeof stored->path, "%s", bucket->path);
}

void triage_init(struct triage *triage, const struct campaign_options *options,
                 bool (*interrupted)(void *arg))
{
    *triage = (struct triage){ .options = options, .interrupted = interrupted };
    px_program_init(&triage->minimal);
}

void triage_fini(struct triage *triage)
{
    probe_destroy(triage->probe);
    px_program_fini(&triage->minimal);
}

enum px_status triage_finding(struct triage *triage, const struct px_program *program,
                              const struct isolated *isolated, struct campaign_result *result,
                              const struct campaign_bucket **fresh, struct px_error *err)
{
    struct bucket bucket;
    bool is_new;
    *fresh = NULL;
    find_bucket(triage, program, &isolated->finding, result, &bucket);
    struct campaign_bucket *entry = enter(result, &bucket, &is_new);
    if (!entry) {
        result->further++;
        return PX_OK;
    }
    remember(result, &isolated->finding, entry);
    if (!is_new)
        return store_more(triage, program, isolated->finding.index, entry, err);
    *fresh = entry;
    return store_first(triage, program, isolated, entry, err);
}
