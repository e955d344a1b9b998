#include "harness/bench.h"

#include <inttypes.h>
#include <string.h>

enum { NUMBER_MAX = 48 };

/* Four digits at least, and thousands apart: 0.5123, 12.34, 243,112. */
static void format_number(double value, char *text)
{
    char digits[NUMBER_MAX];
    double size = value < 0 ? -value : value;
    int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
    int length = snprintf(digits, sizeof digits, "%.*f", decimals, value);
    int point = decimals ? length - decimals - 1 : length;
    for (int i = 0; i < length && i < NUMBER_MAX / 2; i++) {
        if (i > 0 && i < point && (point - i) % 3 == 0 && digits[i - 1] != '-')
            *text++ = ',';
        *text++ = digits[i];
    }
    *text = '\0';
}

static void print_target(const struct bench_result *result, FILE *out)
{
    char target[NUMBER_MAX];
    if (result->target == 0) {
        (void)fprintf(out, "%s\n", result->unit);
        return;
    }
    (void)snprintf(target, sizeof target, "%.15g", result->target);
    const char *missed = result->more_is_better ? "below" : "above";
    (void)fprintf(out, "%-16s  %s %-8s %s\n", result->unit, result->more_is_better ? ">=" : "<=", target,
                  bench_reached(result) ? "ok" : missed);
}

void bench_print(const struct bench_report *report, FILE *out)
{
    const struct bench_machine *machine = &report->machine;
    (void)fprintf(out, "machine: %s, %ld cores; ", machine->cpu, machine->cores);
    if (machine->pinned >= 0)
        (void)fprintf(out, "pinned to CPU %d", machine->pinned);
    else
        (void)fputs("not pinned", out);
    (void)fprintf(out, ", of which it got %.1f %%; medians of %" PRIu64 " repetitions\n\n",
                  machine->share * 100, report->repetitions);
    (void)fprintf(out, "%-44s %10s %10s %10s  %-16s  target\n", "figure", "median", "min", "max", "unit");
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_result *result = &report->results[i];
        char median[NUMBER_MAX], min[NUMBER_MAX], max[NUMBER_MAX];
        format_number(result->median, median);
        format_number(result->min, min);
        format_number(result->max, max);
        (void)fprintf(out, "%-44s %10s %10s %10s  ", result->name, median, min, max);
        print_target(result, out);
    }
    if (report->diverged)
        (void)fprintf(out, "\nThe engines disagreed on %" PRIu64 " programs: see parallax fuzz.\n",
                      report->diverged);
}

static void print_string(const char *text, FILE *out)
{
    (void)fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            (void)fprintf(out, "\\%c", *c);
        else if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            (void)fprintf(out, "\\u%04x", (unsigned char)*c);
        else
            (void)fputc(*c, out);
    }
    (void)fputc('"', out);
}

static void print_result(const struct bench_result *result, FILE *out)
{
    (void)fputs("    ", out);
    print_string(result->name, out);
    (void)fputs(": {\"unit\": ", out);
    print_string(result->unit, out);
    (void)fprintf(out, ", \"better\": \"%s\", \"min\": %.6g, \"median\": %.6g, \"max\": %.6g",
                  result->more_is_better ? "more" : "less", result->min, result->median, result->max);
    if (result->target != 0)
        (void)fprintf(out, ", \"target\": %.15g, \"ok\": %s", result->target,
                      bench_reached(result) ? "true" : "false");
    (void)fputc('}', out);
}

void bench_print_json(const struct bench_report *report, FILE *out)
{
    const struct bench_machine *machine = &report->machine;
    (void)fputs("{\n  \"machine\": {\"cpu\": ", out);
    print_string(machine->cpu, out);
    (void)fprintf(out, ", \"cores\": %ld, \"pinned\": ", machine->cores);
    if (machine->pinned >= 0)
        (void)fprintf(out, "%d", machine->pinned);
    else
        (void)fputs("null", out);
    (void)fprintf(out, ", \"share\": %.4f},\n  \"repetitions\": %" PRIu64 ",\n  \"diverged\": %" PRIu64,
                  machine->share, report->repetitions, report->diverged);
    (void)fputs(",\n  \"figures\": {\n", out);
    for (size_t i = 0; i < report->count; i++) {
        print_result(&report->results[i], out);
        (void)fputs(i + 1 < report->count ? ",\n" : "\n", out);
    }
    (void)fputs("  }\n}\n", out);
}
