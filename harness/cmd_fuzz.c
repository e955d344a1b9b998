#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/campaign.h"
#include "harness/commands.h"
#include "harness/eligible.h"
#include "harness/lockdown.h"
#include "harness/quote.h"
#include "vm/isa.h"

enum { JOBS_MAX = 256 };

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void print_exits(const struct tally *t)
{
    printf("  exits       ");
    for (unsigned i = 0; i < PX_EXIT_STOPPED; i++)
        printf("%s %.2f %%   ", px_exit_name(i), percent(t->exits[i], t->programs));
    printf("\n  panics      ");
    for (unsigned i = 0; i < PX_PANIC_COUNT; i++)
        printf("%s %" PRIu64 "   ", px_panic_name(i), t->panics[i]);
    printf("\n");
}

/* Of an engine that cannot say how every program ends: why not. False: it is not one. */
static bool print_judged(const char *spec, const struct tally *t, size_t i)
{
    uint64_t sum = 0;
    for (unsigned reason = 0; reason < PX_UNJUDGED_COUNT; reason++)
        sum += t->unjudged[i][reason];
    if (sum == 0)
        return false;
    printf("  %-11s judged %.2f %% of the programs; no verdict:", spec,
           percent(t->supported[i], t->programs));
    for (unsigned reason = 0; reason < PX_UNJUDGED_COUNT; reason++)
        if (t->unjudged[i][reason] > 0)
            printf(" %s %.2f %%", px_unjudged_name(reason), percent(t->unjudged[i][reason], t->programs));
    printf("\n");
    return true;
}

static void print_engines(const struct campaign_result *r)
{
    for (size_t i = 0; i < r->engine_count; i++) {
        const struct tally *t = &r->tally;
        if (print_judged(r->specs[i], t, i))
            continue;
        printf("  %-11s ran %.2f %% of ", r->specs[i], 100 * eligible_share(r, i));
        if (r->every[i] > 1)
            printf("one program in %" PRIu64, r->every[i]);
        else
            printf("the programs");
        printf(": %" PRIu64 " instructions natively, %" PRIu64 " by side exits, %" PRIu64 " interpreted\n",
               t->native[i], t->side_exit[i], t->interpreted[i]);
    }
}

/* "1 Ki", "64 Ki", "2 Mi" and so on for 2^@bits programs. */
static const char *doubling(unsigned bits, char text[16])
{
    static const char *const units[] = { "", " Ki", " Mi", " Gi", " Ti", " Pi", " Ei" };
    (void)snprintf(text, 16, "%u%s", 1u << bits % 10, units[bits / 10]);
    return text;
}

/* The last doubling before the end. */
static unsigned last_doubling(const struct campaign_result *r)
{
    unsigned k = 0;
    while (r->tally.programs > 1 && (r->tally.programs - 1) >> k > 1)
        k++;
    return k;
}

static void print_coverage(const struct campaign_options *o, const struct campaign_result *r)
{
    enum { CURVE_FROM = 10 };
    char text[16];
    if (!r->watched)
        return;
    printf("  coverage    %u of %d features:", r->features, FEATURES);
    for (size_t i = 0; i < FEATURES_GROUPS; i++)
        printf("%s %s %u", i ? "," : "", features_groups[i].name, r->features_by_group[i]);
    if (!o->guided)
        printf("; by %d programs and one in %d of the others", COVERAGE_FIRST, COVERAGE_EVERY);
    printf("\n  curve       features after");
    for (unsigned k = CURVE_FROM; k <= last_doubling(r); k++)
        printf(" %s: %u,", doubling(k, text), r->curve[k]);
    printf(" %" PRIu64 ": %u\n", r->tally.programs, r->features);
}

static void print_corpus(const struct campaign_options *o, const struct campaign_result *r)
{
    if (o->guided)
        printf("  corpus      %" PRIu64 " programs, %" PRIu64 " of them new, in %s%s\n",
               r->corpus_loaded + r->corpus_saved, r->corpus_saved, o->corpus ? o->corpus : o->out,
               o->corpus ? "" : "/corpus");
}

static void print_summary(const struct campaign_options *o, const struct campaign_result *r)
{
    const struct tally *t = &r->tally;
    printf("%" PRIu64 " programs of %s@%u%s, seed %#" PRIx64 ", in %.1f s: %.0f programs/s with %u job%s%s\n",
           t->programs, o->worker.gen.spec, o->worker.gen.generator->version,
           o->guided ? " and their mutants" : "", o->worker.seed, r->seconds,
           r->seconds > 0 ? (double)t->programs / r->seconds : 0, o->worker.jobs,
           o->worker.jobs == 1 ? "" : "s", r->interrupted ? " (interrupted)" : "");
    printf("  self-test   %u deliberately wrong engines, all caught\n", r->self_tests);
    if (!lockdown_wanted())
        printf("  sandbox     off: PX_SANDBOX=off\n");
    print_engines(r);
    print_exits(t);
    print_coverage(o, r);
    print_corpus(o, r);
    printf("  findings    %" PRIu64 " divergences (%" PRIu64 " differences, %" PRIu64 " aborts, %" PRIu64
           " hangs, %" PRIu64 " state leaks), %" PRIu64 " unstable, %" PRIu64
           " further not looked at; %" PRIu64 " worker restarts\n",
           r->confirmed, r->by_kind[FINDING_DIFF], r->by_kind[FINDING_ABORT], r->by_kind[FINDING_HANG],
           r->by_kind[FINDING_LEAK], r->unstable, r->further, r->restarts);
    if (r->early.worker > 0)
        printf(
            "  memory      %.1f MiB resident for the largest worker after %d programs, %.1f MiB at the end; "
            "supervisor %.1f and %.1f MiB\n",
            mib(r->early.worker), RESIDENT_EARLY, mib(r->late.worker), mib(r->early.supervisor),
            mib(r->late.supervisor));
    if (r->unstable > 0)
        printf("  unstable    kept in %s/unstable: seen once, and not again in a fresh process\n", o->out);
    if (r->bucket_count > 0)
        printf("  buckets     %zu\n", r->bucket_count);
    for (size_t i = 0; i < r->bucket_count; i++) {
        const struct campaign_bucket *b = &r->buckets[i];
        printf("  %s/%s: %s, %" PRIu64 " divergence%s, ", o->out, b->path, b->bucket.id, b->count,
               b->count == 1 ? "" : "s");
        if (b->minimized)
            printf("%zu of %zu instructions in minimal.px\n", b->after, b->before);
        else
            printf("not minimized\n");
        if (b->verdict[0])
            printf("    %s\n", b->verdict);
        if (b->oracle[0])
            printf("    oracle: %s\n", b->oracle);
    }
}

/* "\"extension\": 5, ...", with every reason. */
static const char *unjudged_json(const uint64_t *counts, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < PX_UNJUDGED_COUNT && length < size; i++) {
        int n = snprintf(text + length, size - length, "%s\"%s\": %" PRIu64, i ? ", " : "",
                         px_unjudged_name(i), counts[i]);
        length += n > 0 ? (size_t)n : 0;
    }
    return text;
}

static void print_json_counts(const struct campaign_result *r)
{
    const struct tally *t = &r->tally;
    char text[PX_UNJUDGED_COUNT * 48];
    printf(", \"exits\": {");
    for (unsigned i = 0; i < PX_EXIT_STOPPED; i++)
        printf("%s\"%s\": %" PRIu64, i ? ", " : "", px_exit_name(i), t->exits[i]);
    printf("}, \"panics\": {");
    for (unsigned i = 0; i < PX_PANIC_COUNT; i++)
        printf("%s\"%s\": %" PRIu64, i ? ", " : "", px_panic_name(i), t->panics[i]);
    printf("}, \"engines\": [");
    for (size_t i = 0; i < r->engine_count; i++)
        printf("%s{\"spec\": \"%s\", \"programs\": %" PRIu64 ", \"native\": %" PRIu64
               ", \"side_exit\": %" PRIu64 ", \"interpreted\": %" PRIu64
               ", \"taken\": %.4f, \"unjudged\": {%s}}",
               i ? ", " : "", r->specs[i], t->supported[i], t->native[i], t->side_exit[i], t->interpreted[i],
               eligible_share(r, i), unjudged_json(t->unjudged[i], text, sizeof text));
    printf("]");
}

/* null for an empty text. */
static void print_json_text(const char *key, const char *text)
{
    printf(", \"%s\": ", key);
    if (text[0])
        quote_json(stdout, text);
    else
        printf("null");
}

static void print_json_coverage(const struct campaign_options *o, const struct campaign_result *r)
{
    printf(", \"guided\": %s", o->guided ? "true" : "false");
    if (o->guided)
        printf(", \"corpus\": {\"programs\": %" PRIu64 ", \"loaded\": %" PRIu64 ", \"new\": %" PRIu64 "}",
               r->corpus_loaded + r->corpus_saved, r->corpus_loaded, r->corpus_saved);
    if (!r->watched)
        return;
    printf(", \"features\": {\"seen\": %u, \"of\": %d, \"parts\": {", r->features, FEATURES);
    for (size_t i = 0; i < FEATURES_GROUPS; i++)
        printf("%s\"%s\": %u", i ? ", " : "", features_groups[i].name, r->features_by_group[i]);
    printf("}, \"curve\": [");
    for (unsigned k = 0; k <= last_doubling(r); k++)
        printf("[%" PRIu64 ", %u], ", UINT64_C(1) << k, r->curve[k]);
    printf("[%" PRIu64 ", %u]]}", r->tally.programs, r->features);
}

/* Behind the findings: scripts read the first "fields" of the object as those of the first finding. */
static void print_json_buckets(const struct campaign_result *r)
{
    printf(", \"buckets\": [");
    for (size_t i = 0; i < r->bucket_count; i++) {
        const struct campaign_bucket *b = &r->buckets[i];
        printf("%s{\"id\": \"%s\", \"hash\": \"%s\", \"count\": %" PRIu64 ", \"first\": %" PRIu64
               ", \"op\": \"%s\", \"fields\": \"%s\", \"operands\": \"%s\"",
               i ? ", " : "", b->bucket.id, b->bucket.hash, b->count, b->first, b->bucket.op,
               b->bucket.fields, b->bucket.operands);
        print_json_text("verdict", b->verdict);
        print_json_text("oracle", b->oracle);
        printf(", \"path\": \"%s\"", b->path);
        if (b->minimized)
            printf(", \"instructions\": %zu, \"minimal_instructions\": %zu}", b->before, b->after);
        else
            printf(", \"instructions\": null, \"minimal_instructions\": null}");
    }
    printf("]");
}

static void print_json(const struct campaign_options *o, const struct campaign_result *r)
{
    printf("{\"programs\": %" PRIu64 ", \"seed\": %" PRIu64
           ", \"generator\": \"%s@%u\", \"seconds\": %.3f, \"jobs\": %u",
           r->tally.programs, o->worker.seed, o->worker.gen.spec, o->worker.gen.generator->version,
           r->seconds, o->worker.jobs);
    printf(", \"self_tests\": %u, \"divergences\": %" PRIu64 ", \"differences\": %" PRIu64
           ", \"aborts\": %" PRIu64 ", \"hangs\": %" PRIu64 ", \"state_leaks\": %" PRIu64
           ", \"unstable\": %" PRIu64 ", \"further\": %" PRIu64 ", \"restarts\": %" PRIu64
           ", \"interrupted\": %s",
           r->self_tests, r->confirmed, r->by_kind[FINDING_DIFF], r->by_kind[FINDING_ABORT],
           r->by_kind[FINDING_HANG], r->by_kind[FINDING_LEAK], r->unstable, r->further, r->restarts,
           r->interrupted ? "true" : "false");
    if (r->early.worker > 0)
        printf(", \"resident_bytes\": {\"programs\": %d, \"worker\": [%" PRIu64 ", %" PRIu64
               "], \"supervisor\": [%" PRIu64 ", %" PRIu64 "]}",
               RESIDENT_EARLY, r->early.worker, r->late.worker, r->early.supervisor, r->late.supervisor);
    else
        printf(", \"resident_bytes\": null");
    if (r->confirmed > 0)
        printf(", \"first_divergence_index\": %" PRIu64, r->first);
    else
        printf(", \"first_divergence_index\": null");
    print_json_counts(r);
    print_json_coverage(o, r);
    printf(", \"findings\": [");
    for (size_t i = 0; i < r->stored_count; i++)
        printf("%s{\"index\": %" PRIu64 ", \"fields\": \"%s\", \"path\": \"%s\"}", i ? ", " : "",
               r->stored[i].index, r->stored[i].what, r->stored[i].path);
    printf("]");
    print_json_buckets(r);
    printf("}\n");
}

/* What the command line says, before it is checked. */
struct arguments {
    uint64_t seed, seconds, count, jobs, stop_after, minimize;
    const char *gen, *engines, *cpu, *out, *corpus;
    bool json, quiet, no_oracle, guided;
    char engine_list[ENGINES_TEXT]; /* engines, limited to cpu */
};

/* False: *code is the exit code, and what is wrong was told. */
static bool make_options(const struct command *command, struct arguments *a, struct campaign_options *o,
                         int *code)
{
    struct px_error err;
    enum px_status status = engines_limit_cpu(a->engines, a->cpu, a->engine_list, &err);
    if (status != PX_OK) {
        *code = options_fail_status(command, status, &err);
        return false;
    }
    if (a->corpus && !a->guided) {
        *code = options_fail(command, "--corpus is for --guided, which is not given");
        return false;
    }
    *o = (struct campaign_options){
        .seconds = (double)a->seconds,
        .stop_after = a->stop_after,
        .out = a->out,
        .quiet = a->quiet,
        .guided = a->guided,
        .corpus = a->corpus,
        .minimize_seconds = (double)a->minimize,
        .arbitrate = !a->no_oracle,
        .worker = { .sandbox = { .engines = a->engine_list }, .seed = a->seed, .jobs = (unsigned)a->jobs }
    };
    status = px_gen_parse(a->gen, &o->worker.gen, &err);
    if (status != PX_OK) {
        *code = options_fail_status(command, status, &err);
        return false;
    }
    uint64_t limit = a->guided ? UINT64_MAX : px_gen_count(&o->worker.gen);
    if (a->count != 0 && a->count < limit)
        limit = a->count;
    o->worker.limit = limit;
    if (a->count != 0 && a->seconds == UINT64_MAX)
        o->seconds = 0; /* a count alone sets no time limit */
    else if (a->seconds == UINT64_MAX)
        o->seconds = 60;
    return true;
}

/* @held: engines are held to what they are expected to take. */
static int exit_code(const struct command *command, const struct campaign_result *r, bool held)
{
    char text[256];
    if (r->confirmed > 0 || r->unstable > 0 || r->further > 0)
        return EXIT_DIVERGED;
    if (held && !eligible_enough(r, text, sizeof text))
        return options_fail(command, "%s", text);
    return r->interrupted ? EXIT_INTERRUPTED : EXIT_AGREE;
}

static int run_fuzz(const struct command *command, int argc, char **argv)
{
    static const char default_engines[] = ENGINES_CAMPAIGN;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct arguments a = { .seconds = UINT64_MAX,
                           .jobs = cpus > 0 && cpus < JOBS_MAX ? (uint64_t)cpus : 1,
                           .minimize = 2,
                           .gen = "mix",
                           .engines = default_engines,
                           .out = "parallax-out" };
    if (getrandom(&a.seed, sizeof a.seed, 0) != (ssize_t)sizeof a.seed)
        return options_fail(command, "no random seed to be had: give --seed");
    const struct option options[] = {
        { "time", OPTION_NUMBER, &a.seconds, 0, 1000000000, "SECONDS",
          "run for so long; 0 = until Ctrl-C (default 60)" },
        { "count", OPTION_NUMBER, &a.count, 1, UINT64_MAX, "N",
          "run programs 0 to N - 1, with no time limit but --time" },
        { "seed", OPTION_NUMBER, &a.seed, 0, UINT64_MAX, "S", "campaign seed (default random, printed)" },
        { "gen", OPTION_TEXT, &a.gen, 0, 0, "SPEC",
          "generator: mix (default), boundary, straight[:length=N], control, memory, compressed, hostcall, "
          "hostile, gas, long, guest[:name=N]" },
        { "engines", OPTION_TEXT, &a.engines, 0, 0, "LIST",
          "engines to compare; %N: in one program of N (default " ENGINES_CAMPAIGN ")" },
        { "cpu-features", OPTION_TEXT, &a.cpu, 0, 0, "LIST",
          "host features that compiled code may use: host (default), baseline, or names joined by '+'" },
        { "jobs", OPTION_NUMBER, &a.jobs, 1, JOBS_MAX, "N", "worker processes (default one per CPU)" },
        { "out", OPTION_TEXT, &a.out, 0, 0, "FOLDER", "where divergences go (default parallax-out)" },
        { "stop-after", OPTION_NUMBER, &a.stop_after, 1, UINT64_MAX, "N",
          "stop after N confirmed divergences" },
        { "minimize", OPTION_NUMBER, &a.minimize, 0, 3600, "SECONDS",
          "for each bucket's minimal program; 0 = none (default 2)" },
        { "no-oracle", OPTION_FLAG, &a.no_oracle, 0, 0, NULL, "do not ask qemu who is right in each bucket" },
        { "guided", OPTION_FLAG, &a.guided, 0, 0, NULL,
          "guided by coverage: keep programs that show something new, and run their mutants" },
        { "corpus", OPTION_TEXT, &a.corpus, 0, 0, "FOLDER",
          "where --guided keeps them, for later campaigns too (default OUT/corpus)" },
        { "json", OPTION_FLAG, &a.json, 0, 0, NULL, "print the summary as one JSON object" },
        { "quiet", OPTION_FLAG, &a.quiet, 0, 0, NULL, "no live line" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 0)
        return options_fail(command, "unexpected '%.60s': see parallax fuzz --help", argv[1]);
    struct campaign_options o;
    if (!make_options(command, &a, &o, &code))
        return code;

    struct campaign_result *r = malloc(sizeof *r);
    struct px_error err = { "" };
    if (!r)
        return options_fail(command, "out of memory");
    enum px_status status = campaign_run(&o, r, &err);
    if (r->tally.programs > 0 || status == PX_OK)
        (a.json ? print_json : print_summary)(&o, r);
    /* A generator of one thing may well leave an engine of the default list without work. */
    bool held = strcmp(o.worker.gen.generator->name, "mix") == 0 || a.engines != default_engines;
    code = status == PX_OK ? exit_code(command, r, held) : options_fail_status(command, status, &err);
    free(r);
    return code;
}

const struct command command_fuzz = {
    .name = "fuzz",
    .summary = "Runs generated programs on several engines and keeps every divergence.",
    .usage = "[OPTIONS]",
    .examples =
        "  parallax fuzz --time 600                      ten minutes with a fresh seed\n"
        "  parallax fuzz --seed 7 --count 10000000       the same ten million programs each time\n"
        "  parallax fuzz --engines interp,block,block:cpu=baseline --gen boundary\n"
        "  parallax fuzz --guided --time 3600            guided by coverage; goes on where it stopped\n",
    .run = run_fuzz,
};
