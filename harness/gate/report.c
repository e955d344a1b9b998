#include "harness/gate/report.h"

#include <inttypes.h>
#include <string.h>

const char *gate_part_name(enum gate_part part)
{
    static const char *const names[GATE_PARTS] = {
        [GATE_REGRESS] = "regress",
        [GATE_VECTORS] = "vectors",
        [GATE_SEEDS] = "seeds",
        [GATE_RANGES] = "ranges",
    };
    return names[part];
}

const char *gate_standing_name(enum gate_standing standing)
{
    static const char *const names[] = {
        [GATE_NEW] = "new",
        [GATE_KNOWN] = "known",
        [GATE_EXPIRED] = "expired",
    };
    return names[standing];
}

static bool is_of(const struct campaign_bucket *bucket, enum finding_kind kind)
{
    return bucket->by_kind[kind] > 0 || bucket->bucket.finding.kind == kind;
}

const char *gate_bucket_kind(const struct campaign_bucket *bucket)
{
    if (is_of(bucket, FINDING_HANG))
        return "hang";
    if (is_of(bucket, FINDING_ABORT))
        return "abort";
    if (is_of(bucket, FINDING_LEAK))
        return "state-leak";
    return bucket->bucket.fields;
}

const char *gate_trouble_name(enum gate_trouble_kind kind)
{
    static const char *const names[GATE_TROUBLES] = {
        [GATE_EXPECTATION] = "expectation", [GATE_UNSTABLE] = "unstable",         [GATE_LOST] = "lost-worker",
        [GATE_IDLE] = "idle-engine",        [GATE_OVERFLOW] = "too-many-buckets",
    };
    return names[kind];
}

const struct gate_hit *gate_first_hit(const struct gate *gate, size_t index)
{
    for (size_t i = 0; i < gate->hit_count; i++)
        if (gate->hits[i].bucket == index)
            return &gate->hits[i];
    return NULL;
}

void gate_print_place(const struct gate *gate, const struct gate_hit *hit,
                      void (*quote)(FILE *file, const char *text), FILE *file)
{
    if (!hit) { /* it could not be kept: the gate is broken */
        fprintf(file, "unknown");
        return;
    }
    const struct gate_case *c = &gate->cases[hit->at];
    if (c->part == GATE_RANGES)
        fprintf(file, "program %" PRIu64 " of ", hit->first);
    quote(file, c->name);
}
