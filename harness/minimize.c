#define _GNU_SOURCE
#include "harness/minimize.h"

#include <string.h>
#include <time.h>

#include "harness/shrink.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool shrink_begin(struct shrink *s)
{
    if (s->status == PX_OK)
        s->status = px_program_copy(&s->candidate, &s->best);
    return s->status == PX_OK;
}

bool shrink_try(struct shrink *s)
{
    struct bucket bucket;
    struct px_image image;
    bool added;
    s->late = s->late || now() >= s->end || (s->candidates_max > 0 && s->candidates >= s->candidates_max);
    if (s->late || s->status != PX_OK)
        return false;
    px_program_image(&s->candidate, &image);
    if (px_image_check(&image, NULL) != PX_OK)
        return false;
    s->status = seen_add(&s->seen, seen_digest(&s->candidate), &added);
    if (s->status != PX_OK)
        return false;
    if (!added) {
        s->repeated++;
        return false;
    }
    s->candidates++;
    s->status = probe_bucket(s->probe, &s->candidate, s->other, &bucket, s->err);
    if (s->status != PX_OK || !bucket.diverges || strcmp(bucket.id, s->bucket.id) != 0)
        return false;
    struct px_program smaller = s->candidate;
    s->candidate = s->best;
    s->best = smaller;
    return true;
}

/* From the coarse to the fine, until a whole round changes nothing. True: there is nothing left to try. */
static bool shrink_all(struct shrink *s)
{
    bool changed = shrink_start(s);
    do {
        changed = shrink_drop(s);
        changed |= shrink_memory(s);
        changed |= shrink_seeds(s);
        changed |= shrink_operands(s);
        changed |= shrink_registers(s);
        changed |= shrink_gas(s);
    } while (changed && !s->late && s->status == PX_OK);
    return !s->late && s->status == PX_OK;
}

/* Instructions, a final ecalli 0 not counted. */
static enum px_status count_insns(const struct px_program *program, size_t *count)
{
    struct listing listing = { 0 };
    enum px_status status = listing_read(&listing, program);
    if (status != PX_OK)
        return status;
    bool halts = listing.count > 0 && listing.items[listing.count - 1].word == PX_WORD_ECALLI_0;
    *count = listing.count - halts;
    listing_fini(&listing);
    return PX_OK;
}

/* Once more, in a fresh process that has all the time of a campaign. */
static enum px_status confirm(const struct minimize_options *o, const struct shrink *s, bool *confirmed,
                              struct px_error *err)
{
    struct probe_config config = o->probe;
    struct probe *probe;
    struct bucket bucket;
    config.patient = true;
    enum px_status status = probe_create(&config, &probe, err);
    if (status != PX_OK)
        return status;
    status = probe_bucket(probe, &s->best, s->other, &bucket, err);
    *confirmed = status == PX_OK && bucket.diverges && strcmp(bucket.id, s->bucket.id) == 0;
    probe_destroy(probe);
    return status;
}

static enum px_status run(const struct minimize_options *o, const struct px_program *program,
                          struct shrink *s, struct minimized *r)
{
    double start = now();
    s->status = px_program_copy(&s->best, program);
    if (s->status == PX_OK)
        s->status = count_insns(program, &r->before);
    if (s->status == PX_OK)
        s->status = probe_bucket(s->probe, program, o->other, &s->bucket, s->err);
    if (s->status != PX_OK || !s->bucket.diverges)
        return s->status;
    r->diverges = true;
    r->bucket = s->bucket;
    s->other = s->bucket.finding.other;
    s->end = start + o->seconds;
    s->candidates_max = o->candidates;
    s->best.has_expect = false;
    s->best.origin.known = false;
    r->complete = shrink_all(s);
    r->seconds = now() - start;
    if (s->status == PX_OK)
        s->status = confirm(o, s, &r->confirmed, s->err);
    if (s->status == PX_OK && !r->confirmed)
        s->status = px_program_copy(&s->best, program);
    if (s->status == PX_OK)
        s->status = count_insns(&s->best, &r->after);
    return s->status;
}

enum px_status minimize(const struct minimize_options *options, const struct px_program *program,
                        struct px_program *small, struct minimized *result, struct px_error *err)
{
    struct shrink s = { .err = err };
    struct probe_config config = options->probe;
    struct minimized r = { .diverges = false };
    config.patient = false;
    px_program_init(&s.best);
    px_program_init(&s.candidate);
    enum px_status status = probe_create(&config, &s.probe, err);
    if (status == PX_OK)
        status = run(options, program, &s, &r);
    if (status == PX_ERR_NOMEM)
        px_fail(err, status, "out of memory for the minimizer");
    if (status == PX_OK && r.diverges)
        status = px_program_copy(small, &s.best);
    if (s.probe)
        r.processes = probe_processes(s.probe);
    r.candidates = s.candidates;
    r.repeated = s.repeated;
    if (status == PX_OK)
        *result = r;
    probe_destroy(s.probe);
    seen_fini(&s.seen);
    px_program_fini(&s.best);
    px_program_fini(&s.candidate);
    return status;
}
