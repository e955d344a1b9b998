#include "harness/pairs.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/probe.h"

/* Engine 0 and engine @other of @engines. */
static enum px_status look_at(const char *engines, size_t other, struct pair *pair, struct px_error *err)
{
    char a[ENGINES_TEXT], b[ENGINES_TEXT], list[2 * ENGINES_TEXT];
    struct probe *probe = NULL;
    const struct probe_config config = { .sandbox = { .engines = list } };
    enum px_status status = engines_pick(engines, 0, a, err);
    if (status == PX_OK)
        status = engines_pick(engines, other, b, err);
    if (status != PX_OK)
        return status;
    (void)snprintf(list, sizeof list, "%s,%s", a, b);
    status = isolate_run(&config.sandbox, pair->program, PAIR_RUNS, &pair->runs, err);
    if (status == PX_OK)
        status = probe_create(&config, &probe, err);
    if (status == PX_OK)
        status = probe_locate(probe, pair->program, 1, &pair->bucket, &pair->code, err);
    probe_destroy(probe);
    return status;
}

enum px_status pairs_walk(const char *engines, struct px_program *program, pairs_fn *take, void *arg,
                          struct px_error *err)
{
    const struct sandbox sandbox = { .engines = engines };
    struct pair *pair = calloc(1, sizeof *pair);
    struct isolated first;
    bool on = true;
    if (!pair)
        return px_fail(err, PX_ERR_NOMEM, "out of memory");
    pair->program = program;
    enum px_status status = isolate_run(&sandbox, program, 1, &first, err);
    for (size_t i = 1; status == PX_OK && on && i < first.engine_count; i++) {
        (void)snprintf(pair->a, sizeof pair->a, "%s", first.specs[0]);
        (void)snprintf(pair->b, sizeof pair->b, "%s", first.specs[i]);
        status = look_at(engines, i, pair, err);
        if (status == PX_OK)
            on = take(pair, arg);
    }
    free(pair);
    return status;
}

bool pair_diverges(const struct pair *pair)
{
    return pair->runs.diverged > 0 || pair->bucket.diverges;
}

unsigned pair_runs(const struct pair *pair)
{
    return pair->runs.runs + (pair->runs.diverged > 0 && pair->runs.finding.kind != FINDING_DIFF);
}

bool pair_doubts(const struct pair *pair, char *text, size_t size)
{
    unsigned runs = pair_runs(pair), diverged = pair->runs.diverged;
    if (diverged == 0)
        (void)snprintf(text, size,
                       "a fresh process agrees in %u runs: what earlier programs left behind shows", runs);
    else if (diverged < runs)
        (void)snprintf(text, size, "diverges in %u of %u runs of a fresh process", diverged, runs);
    return diverged < runs;
}

struct located pair_located(const struct pair *pair)
{
    return (struct located){ .program = pair->program,
                             .a = pair->a,
                             .b = pair->b,
                             .bucket = &pair->bucket,
                             .code = &pair->code,
                             .finding = pair->runs.diverged > 0 ? &pair->runs.finding : NULL };
}
