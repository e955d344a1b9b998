#define _GNU_SOURCE
#include "harness/gate/gate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"

enum px_status gate_init(struct gate *gate, struct px_error *err)
{
    *gate = (struct gate){ .found = calloc(1, sizeof *gate->found) };
    return gate->found ? PX_OK : px_fail(err, PX_ERR_NOMEM, "out of memory for buckets");
}

void gate_fini(struct gate *gate)
{
    for (size_t i = 0; i < gate->case_count; i++)
        free(gate->cases[i].name);
    for (size_t i = 0; i < gate->trouble_count; i++) {
        free(gate->troubles[i].text);
        free(gate->troubles[i].path);
    }
    free(gate->cases);
    free(gate->hits);
    free(gate->troubles);
    free(gate->found);
    known_fini(&gate->known);
    *gate = (struct gate){ 0 };
}

/* Room for one more of @size bytes in *items; NULL: no memory. */
static void *grow(void *items, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    size_t room = *capacity ? 2 * *capacity : 16;
    void *grown = reallocarray(items, room, size);
    if (grown)
        *capacity = room;
    return grown;
}

static enum px_status no_memory(struct px_error *err)
{
    return px_fail(err, PX_ERR_NOMEM, "out of memory for what the gate found");
}

enum px_status gate_add_case(struct gate *gate, enum gate_part part, const char *name, uint64_t planned,
                             struct px_error *err)
{
    struct gate_case *cases = grow(gate->cases, sizeof *gate->cases, gate->case_count, &gate->case_capacity);
    if (!cases)
        return no_memory(err);
    gate->cases = cases;
    struct gate_case c = { .part = part, .name = strdup(name), .planned = planned };
    if (!c.name)
        return no_memory(err);
    cases[gate->case_count++] = c;
    return PX_OK;
}

enum px_status gate_add_hit(struct gate *gate, size_t at, size_t bucket, uint64_t index, struct px_error *err)
{
    for (size_t i = 0; i < gate->hit_count; i++) {
        struct gate_hit *hit = &gate->hits[i];
        if (hit->at != at || hit->bucket != bucket)
            continue;
        hit->count++;
        hit->first = index < hit->first ? index : hit->first;
        return PX_OK;
    }
    struct gate_hit *hits = grow(gate->hits, sizeof *gate->hits, gate->hit_count, &gate->hit_capacity);
    if (!hits)
        return no_memory(err);
    gate->hits = hits;
    hits[gate->hit_count++] = (struct gate_hit){ .at = at, .bucket = bucket, .count = 1, .first = index };
    return PX_OK;
}

enum px_status gate_add_trouble(struct gate *gate, enum gate_trouble_kind kind, size_t at, const char *path,
                                struct px_error *err, const char *fmt, ...)
{
    struct gate_trouble *troubles =
        grow(gate->troubles, sizeof *gate->troubles, gate->trouble_count, &gate->trouble_capacity);
    if (!troubles)
        return no_memory(err);
    gate->troubles = troubles;
    struct gate_trouble trouble = { .kind = kind, .at = at, .path = path ? strdup(path) : NULL };
    va_list args;
    va_start(args, fmt);
    int length = vasprintf(&trouble.text, fmt, args);
    va_end(args);
    if (length < 0 || (path && !trouble.path)) {
        free(length < 0 ? NULL : trouble.text);
        free(trouble.path);
        return no_memory(err);
    }
    troubles[gate->trouble_count++] = trouble;
    return PX_OK;
}

/* --- the verdict --- */

enum gate_standing gate_standing(const struct gate *gate, size_t index, const struct known **known)
{
    *known = known_find(&gate->known, gate->found->buckets[index].bucket.hash);
    if (!*known)
        return GATE_NEW;
    return gate->today > (*known)->expires ? GATE_EXPIRED : GATE_KNOWN;
}

bool gate_severe(const struct campaign_bucket *bucket)
{
    return bucket->count != bucket->by_kind[FINDING_DIFF] || bucket->bucket.finding.kind != FINDING_DIFF;
}

size_t gate_counted(const struct gate *gate)
{
    const struct known *known;
    size_t count = 0;
    for (size_t i = 0; i < gate->found->bucket_count; i++)
        count += gate_standing(gate, i, &known) != GATE_KNOWN;
    return count;
}

bool gate_complete(const struct gate *gate)
{
    for (size_t i = 0; i < gate->case_count; i++)
        if (gate->cases[i].state == GATE_NOT_RUN)
            return false;
    return !gate->interrupted && !gate->broken;
}

bool gate_vanished(const struct gate *gate, const struct known *known)
{
    for (size_t i = 0; i < gate->found->bucket_count; i++)
        if (strcmp(gate->found->buckets[i].bucket.hash, known->hash) == 0)
            return false;
    return gate_complete(gate);
}

size_t gate_ended_early(const struct gate *gate)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->case_count; i++)
        count += gate->cases[i].part == GATE_RANGES && gate->cases[i].end != FINDING_END_WHOLE;
    return count;
}

bool gate_unfinished(const struct gate_case *c)
{
    return c->state == GATE_NOT_RUN ||
           (c->state == GATE_RUN && c->programs < c->planned && c->end == FINDING_END_WHOLE);
}

size_t gate_compared(const struct gate *gate)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->case_count; i++)
        count += gate->cases[i].state == GATE_RUN && gate->cases[i].programs > 0;
    return count;
}

static bool too_many(const struct gate *gate)
{
    return gate_counted(gate) > gate->max_divergences;
}

bool gate_case_fails(const struct gate *gate, size_t index)
{
    const struct known *known;
    bool over = too_many(gate);
    for (size_t i = 0; i < gate->trouble_count; i++)
        if (gate->troubles[i].at == index)
            return true;
    for (size_t i = 0; i < gate->hit_count; i++) {
        const struct gate_hit *hit = &gate->hits[i];
        if (hit->at != index)
            continue;
        bool counts = gate_standing(gate, hit->bucket, &known) != GATE_KNOWN;
        if (gate_severe(&gate->found->buckets[hit->bucket]) || (over && counts))
            return true;
    }
    return false;
}

static size_t count_troubles(const struct gate *gate, enum gate_trouble_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < gate->trouble_count; i++)
        count += gate->troubles[i].kind == kind;
    return count;
}

/* Writes a reason when there is one, that is when @count is not 0; gives how many it wrote. */
static size_t reason(char text[GATE_REASON_ROOM], size_t count, const char *one, const char *many)
{
    if (count == 0)
        return 0;
    (void)snprintf(text, GATE_REASON_ROOM, "%zu %s", count, count == 1 ? one : many);
    return 1;
}

size_t gate_reasons(const struct gate *gate, char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM])
{
    static const struct {
        const char *one, *many;
    } words[GATE_TROUBLES] = {
        [GATE_EXPECTATION] = { "expectation missed", "expectations missed" },
        [GATE_UNSTABLE] = { "unstable finding", "unstable findings" },
        [GATE_LOST] = { "range in which workers were killed", "ranges in which workers were killed" },
        [GATE_IDLE] = { "engine that took no program", "engines that took no program" },
        [GATE_OVERFLOW] = { "finding past the last bucket", "findings past the last bucket" },
    };
    size_t used = 0, counted = gate_counted(gate), severe = 0;
    if (too_many(gate)) {
        (void)snprintf(reasons[used++], GATE_REASON_ROOM,
                       "%zu divergence bucket%s, at most %" PRIu64 " allowed", counted,
                       counted == 1 ? "" : "s", gate->max_divergences);
    }
    for (size_t i = 0; i < gate->found->bucket_count; i++)
        severe += gate_severe(&gate->found->buckets[i]);
    used += reason(reasons[used], severe, "bucket of aborts, hangs or state leaks, which always fail",
                   "buckets of aborts, hangs or state leaks, which always fail");
    for (unsigned kind = 0; kind < GATE_TROUBLES; kind++)
        used += reason(reasons[used], count_troubles(gate, kind), words[kind].one, words[kind].many);
    return used;
}

int gate_exit_code(const struct gate *gate)
{
    char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM];
    if (gate->interrupted)
        return EXIT_INTERRUPTED;
    if (gate->broken)
        return EXIT_BROKEN;
    if (gate_reasons(gate, reasons) > 0)
        return EXIT_DIVERGED;
    return gate_compared(gate) > 0 ? EXIT_AGREE : EXIT_USAGE;
}

const char *gate_verdict(const struct gate *gate)
{
    switch (gate_exit_code(gate)) {
    case EXIT_AGREE:
        return "pass";
    case EXIT_DIVERGED:
        return "fail";
    case EXIT_INTERRUPTED:
        return "incomplete";
    case EXIT_USAGE:
        return "empty";
    default:
        return "error";
    }
}
