/*
 * SARIF 2.1.0 as code-scanning pages read it. A result for each bucket, at its smallest program, with the bucket as its
 * fingerprint, and one for each other trouble. Known buckets are there too, suppressed.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gate/report.h"
#include "harness/options.h"
#include "harness/quote.h"
#include "harness/version.h"

/* What results are about: gate_bucket_kind and gate_trouble_name. The last one is for whatever else a bucket may say. */
static const struct {
    const char *id, *text;
} rules[] = {
    { "exit", "Two engines end a program in different ways." },
    { "arg", "Two engines end a program in one way with different arguments." },
    { "pc", "Two engines end a program at different addresses." },
    { "mem", "Two engines leave different memory behind." },
    { "reg", "Two engines leave different registers behind." },
    { "gas", "Two engines leave different amounts of gas." },
    { "count", "Two engines run different numbers of instructions." },
    { "abort", "A program crashes the process of an engine." },
    { "hang", "A program runs for over a second on an engine." },
    { "state-leak", "A program runs otherwise after another one has run." },
    { "expectation", "An engine does not do what a file of the corpus expects." },
    { "unstable", "A finding did not come up again in a fresh process." },
    { "lost-worker", "Worker processes were killed from outside." },
    { "idle-engine", "An engine took no program at all." },
    { "too-many-buckets", "There are more buckets than can be told apart." },
    { "divergence", "Two engines disagree." },
};

enum { RULES = sizeof rules / sizeof rules[0] };

static size_t rule_of(const char *id)
{
    size_t i = 0;
    while (i < RULES - 1 && strcmp(rules[i].id, id) != 0)
        i++;
    return i;
}

/* A text put together from pieces, as a JSON string: @write tells it to a file. */
struct piece {
    FILE *file;
    char *text;
    size_t size;
};

static FILE *begin_text(struct piece *piece)
{
    *piece = (struct piece){ 0 };
    piece->file = open_memstream(&piece->text, &piece->size);
    return piece->file;
}

/* False: no memory. */
static bool end_text(struct piece *piece, FILE *file)
{
    bool good = piece->file && fclose(piece->file) == 0;
    if (good)
        quote_json(file, piece->text);
    free(piece->text);
    return good;
}

static void plain(FILE *file, const char *text)
{
    fputs(text, file);
}

static void write_rules(FILE *file)
{
    fprintf(file, "\"rules\": [");
    for (size_t i = 0; i < RULES; i++)
        fprintf(file,
                "%s\n          {\"id\": \"%s\", \"shortDescription\": {\"text\": \"%s\"}, "
                "\"defaultConfiguration\": {\"level\": \"error\"}}",
                i ? "," : "", rules[i].id, rules[i].text);
    fprintf(file, "\n        ]");
}

static void begin_result(FILE *file, bool *first, const char *kind)
{
    size_t rule = rule_of(kind);
    fprintf(
        file,
        "%s\n        {\"ruleId\": \"%s\", \"ruleIndex\": %zu, \"level\": \"error\", \"message\": {\"text\": ",
        *first ? "" : ",", rules[rule].id, rule);
    *first = false;
}

/* Where it can be seen: programs are read from their first line. */
static void begin_location(FILE *file)
{
    fprintf(file, "}, \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {\"uri\": \"");
}

static void end_location(FILE *file)
{
    fprintf(file, "\"}, \"region\": {\"startLine\": 1}}}]");
}

static void write_suppression(FILE *file, const struct known *known, bool *good)
{
    char date[GATE_DATE_ROOM];
    struct piece piece;
    fprintf(file,
            ", \"suppressions\": [{\"kind\": \"external\", \"status\": \"accepted\", \"justification\": ");
    FILE *text = begin_text(&piece);
    if (text)
        fprintf(text, "%s, until %s%s%s", known->owner, gate_date_format(known->expires, date),
                known->reason[0] ? ": " : "", known->reason);
    *good &= end_text(&piece, file);
    fprintf(file, "}]");
}

static void write_bucket(const struct gate *gate, size_t index, FILE *file, bool *first, bool *good)
{
    const struct campaign_bucket *b = &gate->found->buckets[index];
    const struct known *known;
    enum gate_standing standing = gate_standing(gate, index, &known);
    struct piece piece;
    begin_result(file, first, gate_bucket_kind(b));
    FILE *text = begin_text(&piece);
    if (text) {
        fprintf(text, "%s: %" PRIu64 " divergence%s, first ", b->bucket.id, b->count,
                b->count == 1 ? "" : "s");
        gate_print_place(gate, gate_first_hit(gate, index), plain, text);
    }
    *good &= end_text(&piece, file);
    begin_location(file);
    quote_uri(file, gate->out);
    fprintf(file, "/%s/%s.px", b->path, b->minimized ? "minimal" : "original");
    end_location(file);
    fprintf(file, ", \"partialFingerprints\": {\"parallaxBucket/v1\": ");
    quote_json(file, b->bucket.id);
    fprintf(file, "}");
    if (standing == GATE_KNOWN && !gate_severe(b))
        write_suppression(file, known, good);
    fprintf(file, "}");
}

static void write_trouble(const struct gate *gate, const struct gate_trouble *t, FILE *file, bool *first,
                          bool *good)
{
    struct piece piece;
    begin_result(file, first, gate_trouble_name(t->kind));
    FILE *text = begin_text(&piece);
    if (text)
        fprintf(text, "%s%s%s", t->at == GATE_NO_CASE ? "" : gate->cases[t->at].name,
                t->at == GATE_NO_CASE ? "" : ": ", t->text);
    *good &= end_text(&piece, file);
    if (t->path) {
        begin_location(file);
        quote_uri(file, t->path);
        end_location(file);
        fprintf(file, "}");
    } else {
        fprintf(file, "}}");
    }
}

enum px_status gate_write_sarif(FILE *file, const void *ran)
{
    const struct gate *gate = ran;
    bool first = true, good = true;
    fprintf(file, "{\n  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
                  "  \"version\": \"2.1.0\",\n  \"runs\": [\n    {\n"
                  "      \"tool\": {\"driver\": {\"name\": \"parallax\", \"version\": ");
    quote_json(file, px_build_id());
    fprintf(file, ", ");
    write_rules(file);
    fprintf(
        file,
        "}},\n      \"columnKind\": \"utf16CodeUnits\",\n      \"invocations\": [{\"executionSuccessful\": "
        "%s, \"exitCode\": %d}],\n      \"results\": [",
        gate_complete(gate) ? "true" : "false", gate_exit_code(gate));
    for (size_t i = 0; i < gate->found->bucket_count; i++)
        write_bucket(gate, i, file, &first, &good);
    for (size_t i = 0; i < gate->trouble_count; i++)
        write_trouble(gate, &gate->troubles[i], file, &first, &good);
    fprintf(file, "\n      ]\n    }\n  ]\n}\n");
    if (!good)
        return PX_ERR_NOMEM;
    return ferror(file) ? PX_ERR_SYSTEM : PX_OK;
}
