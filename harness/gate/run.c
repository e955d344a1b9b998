#define _GNU_SOURCE
#include "harness/gate/run.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/gate/session.h"
#include "harness/interrupt.h"
#include "harness/store.h"

enum {
    MINIMIZE_CANDIDATES = 1000, /* a limit in programs gives the same program on any machine ... */
    MINIMIZE_SECONDS = 60,      /* ... but not at any price */
    IDLE_PROGRAMS = 10000,      /* an engine that takes none of so many takes none at all */
    ROOM_MS = 100,              /* between two tries at a process for which there is no room */
};

/* What every change to an engine is held against. Index 0 onwards of each: the gate is the same each time. */
static const struct {
    const char *gen;
    uint64_t seed, programs;
} ranges[] = {
    { "mix", 0x9e3779b97f4a7c15, 8000000 },      { "boundary", 1, 4000000 }, /* all of them */
    { "straight", 0x2545f4914f6cdd1d, 2000000 }, { "control", 0xd1342543de82ef95, 1500000 },
    { "memory", 0xaf251af3b0f025b5, 1500000 },   { "compressed", 0x5851f42d4c957f2d, 1000000 },
    { "hostcall", 0xda942042e4dd58b5, 1000000 }, { "hostile", 0xc2b2ae3d27d4eb4f, 2000000 },
    { "gas", 0x165667b19e3779f9, 1000000 },      { "long", 0x85ebca77c2b2ae63, 20000 },
    { "guest", 0x94d049bb133111eb, 10000 },      { "straight:length=1024", 0x27d4eb2f165667c5, 20000 },
};

double gate_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* @percent of @programs, but at least one. */
static uint64_t share(uint64_t programs, uint64_t percent)
{
    uint64_t part = programs * percent / 100;
    return part > 0 ? part : 1;
}

enum px_status gate_add_ranges(struct gate *gate, struct px_error *err)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] && gate->scale > 0; i++) {
        struct px_gen gen;
        char name[128], spec[80];
        if (px_gen_parse(ranges[i].gen, &gen, err) != PX_OK)
            return PX_ERR_INTERNAL;
        uint64_t programs = share(ranges[i].programs, gate->scale), all = px_gen_count(&gen);
        (void)snprintf(spec, sizeof spec, "%s@%u", gen.spec, gen.generator->version);
        (void)snprintf(name, sizeof name, "%s seed=%#" PRIx64, spec, ranges[i].seed);
        enum px_status status = gate_add_case(gate, GATE_RANGES, name, programs < all ? programs : all, err);
        if (status != PX_OK)
            return status;
        struct gate_case *c = &gate->cases[gate->case_count - 1];
        (void)snprintf(c->gen, sizeof c->gen, "%s", spec);
        c->seed = ranges[i].seed;
    }
    return PX_OK;
}

void gate_tell_waiting(struct gate_session *s, const char *why)
{
    if (why && !s->waiting) {
        progress_end(&s->progress);
        fprintf(stderr, "waiting: %s: trying again until there is room\n", why);
    }
    s->waiting = why != NULL;
}

bool gate_try_again(struct gate_session *s, enum px_status status, const struct px_error *err)
{
    const struct timespec pause = { .tv_nsec = ROOM_MS * 1000000L };
    gate_tell_waiting(s, status == PX_ERR_FULL ? err->text : NULL);
    if (status != PX_ERR_FULL || interrupt_came(NULL))
        return false;
    nanosleep(&pause, NULL);
    return true;
}

enum px_status gate_take(struct gate_session *s, size_t at, uint64_t index, const struct triaged *triaged,
                         const struct finding *what, struct px_error *err)
{
    struct gate *gate = s->gate;
    const struct gate_case *c = &gate->cases[at];
    char number[40] = "", text[160];
    finding_format(what, text, sizeof text);
    if (c->part == GATE_RANGES)
        (void)snprintf(number, sizeof number, "program %" PRIu64 ": ", index);
    if (triaged->unstable) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s/original.px", gate->out, triaged->path);
        return gate_add_trouble(gate, GATE_UNSTABLE, at, triaged->path[0] ? path : NULL, err,
                                "%s%s, seen once and not again in a fresh process", number, text);
    }
    if (!triaged->bucket)
        return gate_add_trouble(gate, GATE_OVERFLOW, at, NULL, err, "%s%s, past %d buckets", number, text,
                                CAMPAIGN_BUCKETS_MAX);
    if (triaged->fresh && !s->options->quiet) {
        progress_end(&s->progress);
        fprintf(stderr, "divergence: %s: %s%s: %s/%s\n", c->name, number, triaged->bucket->bucket.id,
                gate->out, triaged->bucket->path);
    }
    return gate_add_hit(gate, at, (size_t)(triaged->bucket - gate->found->buckets), index, err);
}

static void show_files(struct gate_session *s, size_t at)
{
    double time = gate_now();
    char line[128];
    if (!progress_due(&s->progress, time))
        return;
    (void)snprintf(line, sizeof line, "%.0f s | file %zu of %zu | %zu buckets", time - s->start, at + 1,
                   s->gate->case_count, s->gate->found->bucket_count);
    progress_show(&s->progress, line);
}

static enum px_status run_cases(struct gate_session *s, struct px_error *err)
{
    struct gate *gate = s->gate;
    enum px_status status = PX_OK;
    for (size_t i = 0; i < gate->case_count && status == PX_OK && !interrupt_came(NULL); i++) {
        if (gate->cases[i].part == GATE_RANGES) {
            status = gate_run_range(s, i, err);
        } else {
            show_files(s, i);
            status = gate_run_file(s, i, err);
        }
    }
    return status;
}

/* An engine that took none of many programs was compared with nothing. Ranges that end early do not count. */
static enum px_status find_idle(struct gate *gate, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < gate->preflight.engine_count && status == PX_OK; i++)
        if (gate->took[i] == 0 && gate->tally.programs >= IDLE_PROGRAMS)
            status = gate_add_trouble(gate, GATE_IDLE, GATE_NO_CASE, NULL, err, "%s took no program",
                                      gate->preflight.specs[i]);
    return status;
}

enum px_status gate_run(struct gate *gate, const struct gate_options *options, struct px_error *err)
{
    struct gate_session s = { .gate = gate,
                              .options = options,
                              .start = gate_now(),
                              .campaign = { .out = gate->out,
                                            .arbitrate = true,
                                            .minimize_candidates = MINIMIZE_CANDIDATES,
                                            .worker = { .sandbox = options->sandbox, .jobs = gate->jobs } } };
    struct interrupt before;
    interrupt_watch(&before); /* whoever sees the folder may interrupt in good order */
    enum px_status status = store_open(gate->out, err);
    if (status != PX_OK) {
        interrupt_unwatch(&before);
        gate->broken = true;
        return status;
    }
    for (size_t i = 0; i < gate->case_count; i++)
        s.planned += gate->cases[i].part == GATE_RANGES ? gate->cases[i].planned : 0;
    gate->found->engine_count = gate->preflight.engine_count;
    memcpy(gate->found->specs, gate->preflight.specs, sizeof gate->found->specs);
    progress_init(&s.progress, options->quiet);
    triage_init(&s.triage, &s.campaign);
    s.triage.seconds = MINIMIZE_SECONDS;
    status = run_cases(&s, err);
    gate->interrupted = interrupt_came(NULL);
    gate->broken = status != PX_OK;
    if (gate_complete(gate))
        status = find_idle(gate, err);
    triage_fini(&s.triage);
    progress_end(&s.progress);
    interrupt_unwatch(&before);
    store_close(gate->out);
    gate->seconds = gate_now() - s.start;
    return status;
}
