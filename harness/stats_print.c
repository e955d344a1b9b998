#include "harness/stats_print.h"

#include <inttypes.h>
#include <string.h>

enum { LIST_WIDTH = 88 };

/* Names of what was not seen, and out of how many. */
struct missing {
    const char *names[PX_OP_COUNT];
    size_t count, of;
};

_Static_assert(sizeof px_rvcs / sizeof px_rvcs[0] <= sizeof px_ops / sizeof px_ops[0],
               "lists of ops and of compressed rows both fit");

static void look_for(struct missing *missing, const char *name, bool seen)
{
    missing->of++;
    if (!seen)
        missing->names[missing->count++] = name;
}

static void missing_ops(const struct stats_counts *counts, struct missing *missing)
{
    *missing = (struct missing){ .count = 0 };
    for (unsigned op = 1; op < PX_OP_COUNT; op++)
        look_for(missing, px_ops[op].mnemonic, counts->ops[op] > 0);
}

static void missing_rows(const struct stats_counts *counts, struct missing *missing)
{
    *missing = (struct missing){ .count = 0 };
    for (unsigned row = 1; row < PX_C_COUNT; row++)
        look_for(missing, px_rvcs[row].mnemonic, counts->rows[row] > 0);
}

static void missing_alias(const struct stats_counts *counts, enum stats_alias alias, struct missing *missing)
{
    *missing = (struct missing){ .count = 0 };
    for (unsigned op = 1; op < PX_OP_COUNT; op++)
        if (stats_alias_possible(op, alias))
            look_for(missing, px_ops[op].mnemonic, stats_alias_seen(counts, op, alias));
}

/* --- tables -------------------------------------------------------------------------------------------- */

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_share(FILE *out, const char *name, uint64_t part, uint64_t whole)
{
    fprintf(out, "  %-28s %12" PRIu64 " %7.2f %%\n", name, part, percent(part, whole));
}

static void print_exits(const struct stats_counts *counts, FILE *out)
{
    fprintf(out, "\nexits\n");
    for (unsigned i = 0; i < PX_EXIT_COUNT; i++) {
        if (i >= PX_EXIT_STOPPED) /* no exits of a whole run */
            continue;
        if (i != PX_EXIT_PANIC) {
            print_share(out, px_exit_name(i), counts->exits[i], counts->programs);
            continue;
        }
        for (unsigned cause = 0; cause < PX_PANIC_COUNT; cause++) {
            char name[40];
            (void)snprintf(name, sizeof name, "panic:%s", px_panic_name(cause));
            print_share(out, name, counts->panics[cause], counts->programs);
        }
    }
    print_share(out, "terminator or intended exit", stats_intended(counts), counts->programs);
    print_share(out, "page fault mid-block", counts->mid_block_faults, counts->programs);
}

static void print_spread(FILE *out, const char *name, const struct stats_spread *spread)
{
    fprintf(out, "  %-20s %10.1f %8" PRIu64 " %8" PRIu64 " %10" PRIu64 "\n", name, stats_mean(spread),
            stats_percentile(spread, 50), stats_percentile(spread, 90), spread->max);
}

static void print_missing(FILE *out, const char *name, const struct missing *missing)
{
    fprintf(out, "  %-20s %5zu of %5zu %7.2f %%", name, missing->of - missing->count, missing->of,
            percent(missing->of - missing->count, missing->of));
    size_t shown = 0, width = 0;
    while (shown < missing->count && width + strlen(missing->names[shown]) < LIST_WIDTH) {
        fprintf(out, "%s%s", shown ? " " : "   missing: ", missing->names[shown]);
        width += strlen(missing->names[shown++]) + 1;
    }
    if (shown < missing->count)
        fprintf(out, " and %zu more", missing->count - shown);
    fputc('\n', out);
}

static void print_coverage(const struct stats_counts *counts, FILE *out)
{
    struct missing missing;
    fprintf(out, "\ncoverage\n");
    missing_ops(counts, &missing);
    print_missing(out, "ops", &missing);
    missing_rows(counts, &missing);
    print_missing(out, "compressed rows", &missing);
    for (unsigned alias = 0; alias < STATS_ALIAS_COUNT; alias++) {
        char name[40];
        (void)snprintf(name, sizeof name, "ops with %s", stats_alias_name(alias));
        missing_alias(counts, alias, &missing);
        print_missing(out, name, &missing);
    }
    unsigned pairs = stats_pairs_seen(counts), possible = stats_pairs_possible();
    fprintf(out, "  %-20s %5u of %5u %7.2f %%\n", "pairs of ops", pairs, possible, percent(pairs, possible));
}

static void print_values(const struct stats_counts *counts, FILE *out)
{
    uint64_t classes[STATS_VALUE_COUNT], sum = 0;
    stats_values(counts, classes);
    for (unsigned i = 0; i < STATS_VALUE_COUNT; i++)
        sum += classes[i];
    fprintf(out, "\nsource operands\n");
    for (unsigned i = 0; i < STATS_VALUE_COUNT; i++)
        print_share(out, stats_value_name(i), classes[i], sum);
}

static void print_flow(const struct stats_counts *counts, FILE *out)
{
    fprintf(out, "\n  %-20s %15s %15s %9s\n", "branches", "taken", "untaken", "taken");
    for (unsigned op = 0; op < PX_OP_COUNT; op++) {
        const uint64_t *taken = counts->branches[op];
        if (px_ops[op].effects & PX_EFF_BRANCH)
            fprintf(out, "  %-20s %15" PRIu64 " %15" PRIu64 " %7.2f %%\n", px_ops[op].mnemonic, taken[1],
                    taken[0], percent(taken[1], taken[0] + taken[1]));
    }
    fprintf(out, "\n  %-20s", "jumps");
    for (unsigned target = 0; target < STATS_TARGET_COUNT; target++)
        fprintf(out, " %15s", stats_target_name(target));
    fputc('\n', out);
    for (unsigned jump = 0; jump < STATS_JUMP_COUNT; jump++) {
        fprintf(out, "  %-20s", stats_jump_name(jump));
        for (unsigned target = 0; target < STATS_TARGET_COUNT; target++)
            fprintf(out, " %15" PRIu64, counts->jumps[jump][target]);
        fputc('\n', out);
    }
}

void stats_print(const struct stats_counts *counts, const struct stats_source *source, FILE *out)
{
    fprintf(out, "%s, seed 0x%" PRIx64 ": %s%" PRIu64 " programs, %" PRIu64 " instructions\n",
            source->generator, source->seed, source->all ? "all " : "", counts->programs,
            counts->instructions);
    print_exits(counts, out);
    fprintf(out, "\n  %-20s %10s %8s %8s %10s\n", "per program", "mean", "median", "p90", "max");
    print_spread(out, "static length", &counts->static_length);
    print_spread(out, "dynamic length", &counts->dynamic_length);
    print_spread(out, "touched pages", &counts->touched);
    print_spread(out, "dirty pages", &counts->dirty);
    print_coverage(counts, out);
    print_values(counts, out);
    print_flow(counts, out);
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

/* Every name and value here is plain ASCII without quotes or backslashes: nothing needs escaping. */
struct json {
    FILE *out;
    bool follows; /* a comma is due */
};

static void json_key(struct json *json, const char *key)
{
    if (json->follows)
        fputc(',', json->out);
    json->follows = true;
    if (key)
        fprintf(json->out, "\"%s\":", key);
}

static void json_open(struct json *json, const char *key, char bracket)
{
    json_key(json, key);
    fputc(bracket, json->out);
    json->follows = false;
}

static void json_close(struct json *json, char bracket)
{
    fputc(bracket, json->out);
    json->follows = true;
}

static void json_number(struct json *json, const char *key, uint64_t value)
{
    json_key(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

static void json_missing(struct json *json, const char *key, const struct missing *missing)
{
    json_open(json, key, '{');
    json_number(json, "seen", missing->of - missing->count);
    json_number(json, "of", missing->of);
    json_open(json, "missing", '[');
    for (size_t i = 0; i < missing->count; i++) {
        json_key(json, NULL);
        fprintf(json->out, "\"%s\"", missing->names[i]);
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void json_exits(struct json *json, const struct stats_counts *counts)
{
    json_open(json, "exits", '{');
    for (unsigned i = 0; i < PX_EXIT_COUNT; i++)
        if (i < PX_EXIT_STOPPED && i != PX_EXIT_PANIC)
            json_number(json, px_exit_name(i), counts->exits[i]);
    for (unsigned cause = 0; cause < PX_PANIC_COUNT; cause++) {
        char name[40];
        (void)snprintf(name, sizeof name, "panic:%s", px_panic_name(cause));
        json_number(json, name, counts->panics[cause]);
    }
    json_close(json, '}');
    json_number(json, "intended", stats_intended(counts));
    json_number(json, "mid_block_faults", counts->mid_block_faults);
}

static void json_spread(struct json *json, const char *key, const struct stats_spread *spread)
{
    json_open(json, key, '{');
    json_key(json, "mean");
    fprintf(json->out, "%.3f", stats_mean(spread));
    json_number(json, "median", stats_percentile(spread, 50));
    json_number(json, "p90", stats_percentile(spread, 90));
    json_number(json, "max", spread->max);
    json_close(json, '}');
}

static void json_coverage(struct json *json, const struct stats_counts *counts)
{
    struct missing missing;
    missing_ops(counts, &missing);
    json_missing(json, "ops", &missing);
    missing_rows(counts, &missing);
    json_missing(json, "compressed", &missing);
    json_open(json, "aliases", '{');
    for (unsigned alias = 0; alias < STATS_ALIAS_COUNT; alias++) {
        missing_alias(counts, alias, &missing);
        json_missing(json, stats_alias_name(alias), &missing);
    }
    json_close(json, '}');
    json_open(json, "pairs", '{');
    json_number(json, "seen", stats_pairs_seen(counts));
    json_number(json, "of", stats_pairs_possible());
    json_close(json, '}');
    json_open(json, "executed", '{');
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        json_number(json, px_ops[op].mnemonic, counts->ops[op]);
    for (unsigned row = 1; row < PX_C_COUNT; row++)
        json_number(json, px_rvcs[row].mnemonic, counts->rows[row]);
    json_close(json, '}');
}

static void json_values(struct json *json, const struct stats_counts *counts)
{
    uint64_t classes[STATS_VALUE_COUNT];
    stats_values(counts, classes);
    json_open(json, "operands", '{');
    for (unsigned i = 0; i < STATS_VALUE_COUNT; i++)
        json_number(json, stats_value_name(i), classes[i]);
    json_close(json, '}');
}

static void json_flow(struct json *json, const struct stats_counts *counts)
{
    json_open(json, "branches", '{');
    for (unsigned op = 0; op < PX_OP_COUNT; op++) {
        if (!(px_ops[op].effects & PX_EFF_BRANCH))
            continue;
        json_open(json, px_ops[op].mnemonic, '{');
        json_number(json, "taken", counts->branches[op][1]);
        json_number(json, "untaken", counts->branches[op][0]);
        json_close(json, '}');
    }
    json_close(json, '}');
    json_open(json, "jumps", '{');
    for (unsigned jump = 0; jump < STATS_JUMP_COUNT; jump++) {
        json_open(json, stats_jump_name(jump), '{');
        for (unsigned target = 0; target < STATS_TARGET_COUNT; target++)
            json_number(json, stats_target_name(target), counts->jumps[jump][target]);
        json_close(json, '}');
    }
    json_close(json, '}');
}

void stats_print_json(const struct stats_counts *counts, const struct stats_source *source, FILE *out)
{
    struct json json = { .out = out };
    json_open(&json, NULL, '{');
    json_key(&json, "generator");
    fprintf(out, "\"%s\"", source->generator);
    json_key(&json, "seed"); /* text: most readers of JSON keep only 53 bits of a number */
    fprintf(out, "\"0x%" PRIx64 "\"", source->seed);
    json_key(&json, "all");
    fputs(source->all ? "true" : "false", out);
    json_number(&json, "programs", counts->programs);
    json_number(&json, "instructions", counts->instructions);
    json_exits(&json, counts);
    json_spread(&json, "static_length", &counts->static_length);
    json_spread(&json, "dynamic_length", &counts->dynamic_length);
    json_spread(&json, "touched_pages", &counts->touched);
    json_spread(&json, "dirty_pages", &counts->dirty);
    json_coverage(&json, counts);
    json_values(&json, counts);
    json_flow(&json, counts);
    json_close(&json, '}');
    fputc('\n', out);
}
