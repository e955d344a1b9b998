/* The summary for people. */
#include <inttypes.h>
#include <string.h>

#include "harness/gate/report.h"
#include "harness/lockdown.h"
#include "harness/quote.h"

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void print_engines(const struct gate *gate, FILE *file)
{
    const struct preflight *p = &gate->preflight;
    fprintf(file, "  engines     ");
    for (size_t i = 0; i < p->engine_count; i++)
        fprintf(file, "%s%s", i ? ", " : "", p->specs[i]);
    fprintf(file, "\n  self-test   %u deliberately wrong engines, all caught\n", p->self_tests);
    if (!lockdown_wanted())
        fprintf(file, "  sandbox     off: PX_SANDBOX=off\n");
}

static void print_files(const struct gate *gate, enum gate_part part, FILE *file)
{
    size_t files = 0, failed = 0, untaken = 0, waiting = 0;
    for (size_t i = 0; i < gate->case_count; i++) {
        const struct gate_case *c = &gate->cases[i];
        if (c->part != part)
            continue;
        files++;
        failed += gate_case_fails(gate, i);
        untaken += c->state == GATE_UNTAKEN;
        waiting += c->state == GATE_NOT_RUN;
    }
    fprintf(file, "  %-11s ", gate_part_name(part));
    if (gate->missing[part]) {
        fprintf(file, "none: there is no ");
        quote_plain(file, gate->corpus);
        fprintf(file, "/%s\n", gate_part_name(part));
        return;
    }
    fprintf(file, "%zu file%s", files, plural(files));
    if (files > 0)
        fprintf(file, ", %zu failed", failed);
    if (untaken > 0)
        fprintf(file, ", %zu taken by too few engines", untaken);
    if (waiting > 0)
        fprintf(file, ", %zu not run", waiting);
    fprintf(file, "\n");
}

static void print_range(const struct gate *gate, size_t index, FILE *file)
{
    static const char *const ends[] = {
        [FINDING_END_WHOLE] = "",
        [FINDING_END_SEVERE] = "; ended early: too many aborts, hangs or state leaks",
        [FINDING_END_DIFFERENCES] = "; ended early: too many differences",
    };
    const struct gate_case *c = &gate->cases[index];
    uint64_t findings = 0;
    for (size_t i = 0; i < gate->hit_count; i++)
        findings += gate->hits[i].at == index ? gate->hits[i].count : 0;
    fprintf(file, "  %-11s %s, ", "range", c->name);
    if (c->state == GATE_NOT_RUN) {
        fprintf(file, "not run\n");
        return;
    }
    if (c->programs < c->planned)
        fprintf(file, "%" PRIu64 " of ", c->programs);
    fprintf(file, "%" PRIu64 " programs: %" PRIu64 " divergence%s", c->planned, findings, plural(findings));
    if (c->more > 0)
        fprintf(file, ", %" PRIu64 " more that look like them and were only counted", c->more);
    fprintf(file, "%s", ends[c->end]);
    fprintf(file, "; %.1f s\n", c->seconds);
}

static void print_known(const struct known *known, FILE *file)
{
    char date[GATE_DATE_ROOM];
    quote_plain(file, known->owner);
    fprintf(file, ", until %s", gate_date_format(known->expires, date));
    if (known->reason[0]) {
        fprintf(file, ": ");
        quote_plain(file, known->reason);
    }
}

static void print_counts(const struct gate *gate, FILE *file)
{
    size_t counted = gate_counted(gate);
    fprintf(file, "  buckets     %zu counted, at most %" PRIu64 " allowed", counted, gate->max_divergences);
    if (gate->known.count > 0)
        fprintf(file, "; %zu known", gate->found->bucket_count - counted);
    fprintf(file, "\n");
}

static void print_bucket(const struct gate *gate, size_t index, FILE *file)
{
    const struct campaign_bucket *b = &gate->found->buckets[index];
    const struct known *known;
    enum gate_standing standing = gate_standing(gate, index, &known);
    fprintf(file, "  %-11s ", gate_standing_name(standing));
    quote_plain(file, gate->out);
    fprintf(file, "/%s: %s, %" PRIu64 " divergence%s, first ", b->path, b->bucket.id, b->count,
            plural(b->count));
    gate_print_place(gate, gate_first_hit(gate, index), quote_plain, file);
    if (b->minimized)
        fprintf(file, ", %zu of %zu instructions in minimal.px", b->after, b->before);
    if (b->oracle[0])
        fprintf(file, "; %s", b->oracle);
    if (known) {
        fprintf(file, " (");
        print_known(known, file);
        fprintf(file, ")");
    }
    if (standing == GATE_KNOWN && gate_severe(b))
        fprintf(file, "; fails all the same: %s", gate_bucket_kind(b));
    fprintf(file, "\n");
}

static void print_troubles(const struct gate *gate, FILE *file)
{
    for (size_t i = 0; i < gate->trouble_count; i++) {
        const struct gate_trouble *t = &gate->troubles[i];
        fprintf(file, "  %-11s ", gate_trouble_name(t->kind));
        if (t->at != GATE_NO_CASE) {
            quote_plain(file, gate->cases[t->at].name);
            fprintf(file, ": ");
        }
        quote_plain(file, t->text);
        if (t->path && t->kind == GATE_UNSTABLE) {
            fprintf(file, ": ");
            quote_plain(file, t->path);
        }
        fprintf(file, "\n");
    }
}

static void print_vanished(const struct gate *gate, FILE *file)
{
    for (size_t i = 0; i < gate->known.count; i++) {
        const struct known *known = &gate->known.items[i];
        if (!gate_vanished(gate, known))
            continue;
        fprintf(file, "  %-11s %s (", "vanished", known->hash);
        print_known(known, file);
        if (gate->scale < 100)
            fprintf(file, "): not seen by so small a gate\n");
        else
            fprintf(file, "): not seen; line %zu of the list can go\n", known->line);
    }
}

static void print_verdict(const struct gate *gate, FILE *file)
{
    static const struct {
        const char *verdict, *shown;
    } words[] = {
        { "pass", "PASS" },
        { "fail", "FAIL" },
        { "incomplete", "INCOMPLETE: interrupted" },
        { "empty", "FAIL: nothing was compared" },
        { "error", "FAIL: the gate broke" },
    };
    char reasons[GATE_REASONS_MAX][GATE_REASON_ROOM];
    size_t count = gate_reasons(gate, reasons);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(gate_verdict(gate), words[i].verdict) == 0)
            fprintf(file, "%s", words[i].shown);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%s", i ? "; " : ": ", reasons[i]);
    if (gate_ended_early(gate) > 0)
        fprintf(file, " (%zu range%s ended early)", gate_ended_early(gate), plural(gate_ended_early(gate)));
    fprintf(file, "\n");
}

void gate_print(const struct gate *gate, FILE *file)
{
    char date[GATE_DATE_ROOM];
    uint64_t programs = 0;
    for (size_t i = 0; i < gate->case_count; i++)
        programs += gate->cases[i].programs;
    fprintf(file, "gate of %s: %" PRIu64 " programs in %.1f s with %u job%s\n",
            gate_date_format(gate->today, date), programs, gate->seconds, gate->jobs, plural(gate->jobs));
    print_engines(gate, file);
    for (enum gate_part part = GATE_REGRESS; part < GATE_RANGES; part++)
        print_files(gate, part, file);
    for (size_t i = 0; i < gate->case_count; i++)
        if (gate->cases[i].part == GATE_RANGES)
            print_range(gate, i, file);
    print_counts(gate, file);
    for (size_t i = 0; i < gate->found->bucket_count; i++)
        print_bucket(gate, i, file);
    print_troubles(gate, file);
    print_vanished(gate, file);
    print_verdict(gate, file);
}
