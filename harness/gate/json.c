/* The gate as one JSON object. What depends on time or machine stands in `seconds` and `jobs` alone. */
#include <inttypes.h>

#include "harness/gate/report.h"
#include "harness/quote.h"

static void print_text(FILE *file, const char *key, const char *text)
{
    fprintf(file, ", \"%s\": ", key);
    if (text)
        quote_json(file, text);
    else
        fprintf(file, "null");
}

static void print_bool(FILE *file, const char *key, bool value)
{
    fprintf(file, ", \"%s\": %s", key, value ? "true" : "false");
}

static void print_reasons(const struct gate *gate, FILE *file)
{
    char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM];
    size_t count = gate_reasons(gate, reasons);
    fprintf(file, ", \"reasons\": [");
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%s", i ? ", " : "");
        quote_json(file, reasons[i]);
    }
    fprintf(file, "]");
}

static void print_engines(const struct gate *gate, FILE *file)
{
    const struct tally *t = &gate->tally;
    fprintf(file, ", \"self_tests\": %u, \"engines\": [", gate->preflight.self_tests);
    for (size_t i = 0; i < gate->preflight.engine_count; i++) {
        fprintf(file, "%s{\"spec\": ", i ? ", " : "");
        quote_json(file, gate->preflight.specs[i]);
        fprintf(file,
                ", \"programs\": %" PRIu64 ", \"native\": %" PRIu64 ", \"side_exit\": %" PRIu64
                ", \"interpreted\": %" PRIu64 "}",
                t->supported[i], t->native[i], t->side_exit[i], t->interpreted[i]);
    }
    fprintf(file, "]");
}

static const char *case_state(const struct gate *gate, size_t index)
{
    const struct gate_case *c = &gate->cases[index];
    if (gate_case_fails(gate, index))
        return "failed";
    if (c->state == GATE_UNTAKEN)
        return "untaken";
    return gate_unfinished(c) ? "not run" : "passed";
}

static void print_cases(const struct gate *gate, FILE *file)
{
    fprintf(file, ", \"cases\": [");
    for (size_t i = 0; i < gate->case_count; i++) {
        const struct gate_case *c = &gate->cases[i];
        fprintf(file, "%s{\"part\": \"%s\"", i ? ", " : "", gate_part_name(c->part));
        print_text(file, "name", c->name);
        print_text(file, "state", case_state(gate, i));
        if (c->part == GATE_RANGES) {
            print_text(file, "generator", c->gen);
            fprintf(file, ", \"seed\": %" PRIu64 ", \"planned\": %" PRIu64 ", \"programs\": %" PRIu64,
                    c->seed, c->planned, c->programs);
            fprintf(file, ", \"only_counted\": %" PRIu64, c->more);
            print_bool(file, "ended_early", c->end != FINDING_END_WHOLE);
        }
        fprintf(file, ", \"seconds\": %.3f}", c->seconds);
    }
    fprintf(file, "]");
}

static void print_known(const struct known *known, FILE *file)
{
    char date[GATE_DATE_ROOM];
    print_text(file, "owner", known->owner);
    print_text(file, "expires", gate_date_format(known->expires, date));
    print_text(file, "reason", known->reason);
}

static void print_hits(const struct gate *gate, size_t bucket, FILE *file)
{
    const char *comma = "";
    fprintf(file, ", \"hits\": [");
    for (size_t i = 0; i < gate->hit_count; i++) {
        const struct gate_hit *hit = &gate->hits[i];
        if (hit->bucket != bucket)
            continue;
        fprintf(file, "%s{\"case\": ", comma);
        quote_json(file, gate->cases[hit->at].name);
        fprintf(file, ", \"count\": %" PRIu64 ", \"first\": %" PRIu64 "}", hit->count, hit->first);
        comma = ", ";
    }
    fprintf(file, "]");
}

static void print_buckets(const struct gate *gate, FILE *file)
{
    fprintf(file, ", \"buckets\": [");
    for (size_t i = 0; i < gate->found->bucket_count; i++) {
        const struct campaign_bucket *b = &gate->found->buckets[i];
        const struct known *known;
        enum gate_standing standing = gate_standing(gate, i, &known);
        fprintf(file, "%s{\"id\": ", i ? ", " : "");
        quote_json(file, b->bucket.id);
        print_text(file, "hash", b->bucket.hash);
        print_text(file, "standing", gate_standing_name(standing));
        print_text(file, "kind", gate_bucket_kind(b));
        print_bool(file, "always_fails", gate_severe(b));
        fprintf(file, ", \"count\": %" PRIu64, b->count);
        print_text(file, "path", b->path);
        if (b->minimized)
            fprintf(file, ", \"instructions\": %zu, \"minimal_instructions\": %zu", b->before, b->after);
        else
            fprintf(file, ", \"instructions\": null, \"minimal_instructions\": null");
        if (b->oracle[0])
            print_text(file, "oracle", b->oracle);
        if (known)
            print_known(known, file);
        print_hits(gate, i, file);
        fprintf(file, "}");
    }
    fprintf(file, "]");
}

static void print_troubles(const struct gate *gate, FILE *file)
{
    fprintf(file, ", \"troubles\": [");
    for (size_t i = 0; i < gate->trouble_count; i++) {
        const struct gate_trouble *t = &gate->troubles[i];
        fprintf(file, "%s{\"kind\": \"%s\"", i ? ", " : "", gate_trouble_name(t->kind));
        print_text(file, "case", t->at == GATE_NO_CASE ? NULL : gate->cases[t->at].name);
        print_text(file, "text", t->text);
        print_text(file, "path", t->path);
        fprintf(file, "}");
    }
    fprintf(file, "]");
}

static void print_vanished(const struct gate *gate, FILE *file)
{
    const char *comma = "";
    fprintf(file, ", \"vanished\": [");
    for (size_t i = 0; i < gate->known.count; i++) {
        const struct known *known = &gate->known.items[i];
        if (!gate_vanished(gate, known))
            continue;
        fprintf(file, "%s{\"hash\": \"%s\"", comma, known->hash);
        print_known(known, file);
        fprintf(file, "}");
        comma = ", ";
    }
    fprintf(file, "]");
}

void gate_print_json(const struct gate *gate, FILE *file)
{
    char date[GATE_DATE_ROOM];
    size_t counted = gate_counted(gate);
    fprintf(file, "{\"verdict\": \"%s\"", gate_verdict(gate));
    print_bool(file, "complete", gate_complete(gate));
    print_reasons(gate, file);
    fprintf(file,
            ", \"divergences\": %zu, \"known\": %zu, \"max_divergences\": %" PRIu64 ", \"scale\": %" PRIu64,
            counted, gate->found->bucket_count - counted, gate->max_divergences, gate->scale);
    print_text(file, "today", gate_date_format(gate->today, date));
    print_text(file, "out", gate->out);
    print_engines(gate, file);
    print_cases(gate, file);
    print_buckets(gate, file);
    print_troubles(gate, file);
    print_vanished(gate, file);
    fprintf(file, ", \"seconds\": %.3f, \"jobs\": %u}\n", gate->seconds, gate->jobs);
}
