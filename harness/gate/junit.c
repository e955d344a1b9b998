/*
 * JUnit XML as CI servers read it: one <failure> in a test case, which tells everything that failed there; known and
 * tolerated buckets in <system-out>; what did not run to its end is <skipped>.
 */
#include <inttypes.h>

#include "harness/gate/report.h"
#include "harness/options.h"
#include "harness/quote.h"

struct counts {
    size_t tests, failures, skipped;
    double seconds;
};

static bool is_skipped(const struct gate *gate, size_t index)
{
    const struct gate_case *c = &gate->cases[index];
    return !gate_case_fails(gate, index) && (c->state == GATE_UNTAKEN || gate_unfinished(c));
}

/* Of one part, or with GATE_PARTS of all. */
static struct counts count(const struct gate *gate, enum gate_part part)
{
    struct counts counts = { 0 };
    for (size_t i = 0; i < gate->case_count; i++) {
        if (part != GATE_PARTS && gate->cases[i].part != part)
            continue;
        counts.tests++;
        counts.failures += gate_case_fails(gate, i);
        counts.skipped += is_skipped(gate, i);
        counts.seconds += gate->cases[i].seconds;
    }
    return counts;
}

static void write_counts(FILE *file, const struct counts *counts)
{
    fprintf(file, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n",
            counts->tests, counts->failures, counts->skipped, counts->seconds);
}

static void write_bucket(const struct gate *gate, const struct gate_hit *hit, FILE *file)
{
    const struct campaign_bucket *b = &gate->found->buckets[hit->bucket];
    const struct known *known;
    const char *standing = gate_standing_name(gate_standing(gate, hit->bucket, &known));
    char date[GATE_DATE_ROOM];
    fprintf(file, "%s bucket ", standing);
    quote_xml(file, b->bucket.id);
    fprintf(file, ": %" PRIu64 " divergence%s, first ", hit->count, hit->count == 1 ? "" : "s");
    gate_print_place(gate, hit, quote_xml, file);
    fprintf(file, ", kept in ");
    quote_xml(file, gate->out);
    putc('/', file);
    quote_xml(file, b->path);
    if (known) {
        fprintf(file, "; ");
        quote_xml(file, known->owner);
        fprintf(file, ", until %s", gate_date_format(known->expires, date));
        if (known->reason[0])
            fprintf(file, ": ");
        quote_xml(file, known->reason);
    }
    putc('\n', file);
}

/* Every bucket and trouble of the case, a line each. */
static void write_findings(const struct gate *gate, size_t index, FILE *file)
{
    for (size_t i = 0; i < gate->trouble_count; i++) {
        if (gate->troubles[i].at != index)
            continue;
        fprintf(file, "%s: ", gate_trouble_name(gate->troubles[i].kind));
        quote_xml(file, gate->troubles[i].text);
        putc('\n', file);
    }
    for (size_t i = 0; i < gate->hit_count; i++)
        if (gate->hits[i].at == index)
            write_bucket(gate, &gate->hits[i], file);
}

static bool has_findings(const struct gate *gate, size_t index)
{
    for (size_t i = 0; i < gate->hit_count; i++)
        if (gate->hits[i].at == index)
            return true;
    return false;
}

/* What a server shows in a list: how many things are wrong, and of what kind the first is. */
static void write_failure(const struct gate *gate, size_t index, FILE *file)
{
    size_t buckets = 0, troubles = 0;
    const char *kind = NULL;
    for (size_t i = 0; i < gate->trouble_count; i++) {
        if (gate->troubles[i].at != index)
            continue;
        kind = kind ? kind : gate_trouble_name(gate->troubles[i].kind);
        troubles++;
    }
    for (size_t i = 0; i < gate->hit_count; i++)
        buckets += gate->hits[i].at == index;
    fprintf(file, "      <failure type=\"%s\" message=\"", kind ? kind : "divergence");
    if (buckets > 0)
        fprintf(file, "%zu divergence bucket%s", buckets, buckets == 1 ? "" : "s");
    if (troubles > 0)
        fprintf(file, "%s%zu other failure%s", buckets > 0 ? ", " : "", troubles, troubles == 1 ? "" : "s");
    fprintf(file, "\">");
    write_findings(gate, index, file);
    fprintf(file, "</failure>\n");
}

static void write_case(const struct gate *gate, size_t index, FILE *file)
{
    const struct gate_case *c = &gate->cases[index];
    fprintf(file, "    <testcase classname=\"parallax.%s\" name=\"", gate_part_name(c->part));
    quote_xml(file, c->name);
    fprintf(file, "\" time=\"%.3f\">\n", c->seconds);
    if (is_skipped(gate, index) && c->state == GATE_UNTAKEN)
        fprintf(file, "      <skipped message=\"taken by too few engines\"/>\n");
    else if (is_skipped(gate, index))
        fprintf(file, "      <skipped message=\"incomplete: %" PRIu64 " of %" PRIu64 " programs ran\"/>\n",
                c->programs, c->planned);
    if (gate_case_fails(gate, index)) {
        write_failure(gate, index, file);
    } else if (has_findings(gate, index)) {
        fprintf(file, "      <system-out>");
        write_findings(gate, index, file);
        fprintf(file, "</system-out>\n");
    }
    fprintf(file, "    </testcase>\n");
}

/* What belongs to no file and no range, and the verdict. */
static bool whole_fails(const struct gate *gate)
{
    int code = gate_exit_code(gate);
    return gate_case_fails(gate, GATE_NO_CASE) || code == EXIT_USAGE || code == EXIT_BROKEN;
}

static void write_whole(const struct gate *gate, FILE *file)
{
    bool fails = whole_fails(gate), stopped = !fails && gate->interrupted;
    const struct counts counts = { .tests = 1, .failures = fails, .skipped = stopped };
    fprintf(file, "  <testsuite name=\"gate\"");
    write_counts(file, &counts);
    fprintf(file, "    <testcase classname=\"parallax.gate\" name=\"verdict\" time=\"0.000\">\n");
    if (fails) {
        fprintf(file, "      <failure type=\"gate\" message=\"%s\">", gate_verdict(gate));
        write_findings(gate, GATE_NO_CASE, file);
        fprintf(file, "</failure>\n");
    }
    if (stopped)
        fprintf(file, "      <skipped message=\"interrupted\"/>\n");
    fprintf(file, "      <system-out>%s</system-out>\n    </testcase>\n  </testsuite>\n", gate_verdict(gate));
}

enum px_status gate_write_junit(FILE *file, const void *ran)
{
    const struct gate *gate = ran;
    struct counts all = count(gate, GATE_PARTS);
    all.tests++;
    all.failures += whole_fails(gate);
    all.skipped += !whole_fails(gate) && gate->interrupted;
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"parallax gate\"");
    write_counts(file, &all);
    write_whole(gate, file);
    for (enum gate_part part = GATE_REGRESS; part < GATE_PARTS; part++) {
        struct counts counts = count(gate, part);
        fprintf(file, "  <testsuite name=\"%s\"", gate_part_name(part));
        write_counts(file, &counts);
        for (size_t i = 0; i < gate->case_count; i++)
            if (gate->cases[i].part == part)
                write_case(gate, i, file);
        fprintf(file, "  </testsuite>\n");
    }
    fprintf(file, "</testsuites>\n");
    return ferror(file) ? PX_ERR_SYSTEM : PX_OK;
}
