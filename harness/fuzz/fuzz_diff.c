/*
 * Programs in the binary form on several engines (PX_ENGINES, default interp,block): a difference ends the process, and the
 * fuzzer keeps the input, which `parallax replay` and the others take as it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/features.h"
#include "harness/fuzz/bytes.h"
#include "harness/fuzz/entry.h"
#include "harness/fuzz/fault.h"
#include "harness/fuzz/map.h"
#include "harness/fuzz/usual.h"
#include "harness/fuzz/warm.h"

/* libFuzzer's functions get no argument of ours. */
static struct {
    bool ready;
    struct run run;
    struct features features;
    bool watched, under_afl;
    struct fuzz_usual usual; /* zeroed under AFL++: the same there costs and saves nothing */
    struct fuzz_bytes bytes;
    uint64_t inputs, programs, by_all;
} target;

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[FEATURES];
_Static_assert(sizeof counters <= FUZZ_MAP_MAX, "AFL++'s map has a place for each");

static void must(enum px_status status, const struct px_error *err)
{
    if (status == PX_OK)
        return;
    fprintf(stderr, "fuzz_diff: %s\n", err->text);
    exit(2);
}

static void say_how_many(void)
{
    fprintf(stderr, "fuzz_diff: %llu inputs, %llu of them programs, %llu run by all engines\n",
            (unsigned long long)target.inputs, (unsigned long long)target.programs,
            (unsigned long long)target.by_all);
}

static void report(const struct diff *diff, size_t other)
{
    char fields[128], lines[4096];
    diff_fields_format(diff->fields, fields, sizeof fields);
    diff_describe(diff, engine_spec(&target.run.engines[0]), engine_spec(&target.run.engines[other]), lines,
                  sizeof lines);
    fprintf(stderr, "fuzz_diff: divergence: %s\n%s", fields, lines);
    abort();
}

/* @judge: a difference counts. */
static void run_program(struct px_program *program, bool judge)
{
    struct px_image image;
    struct run_slot slot;
    struct run_result result;
    struct px_error err = { "" };
    px_program_image(program, &image);
    must(run_prepare(&target.run, &image, 0, &slot, &err), &err);
    if (target.watched)
        features_begin(&target.features, &slot.image);
    must(run_compare(&target.run, &slot, false, &result, &err), &err);
    if (judge && result.diff.fields != 0)
        report(&result.diff, result.other);
    if (target.watched)
        features_end(&target.features, &target.run, &slot, &result);
    run_release(&target.run, &slot);
    bool all = true;
    for (size_t i = 0; i < target.run.count; i++)
        all &= result.supported[i];
    target.by_all += all;
}

/* Runs the sample. */
static void find_usual(void)
{
    struct px_gen gen;
    struct px_error err = { "" };
    if (target.under_afl)
        return;
    must(px_gen_parse("mix", &gen, &err), &err);
    must(fuzz_usual_init(&target.usual, counters, sizeof counters, &err), &err);
    for (unsigned i = 0; i < FUZZ_USUAL_PROGRAMS; i++) {
        must(px_gen_make(&gen, 0, i, &target.bytes.program), &err);
        run_program(&target.bytes.program, false);
        fuzz_usual_add(&target.usual);
    }
}

static void start(void)
{
    const char *engines = getenv("PX_ENGINES");
    struct px_error err = { "" };
    must(run_open(engines ? engines : "interp,block", &target.run, &err), &err);
    must(fuzz_bytes_init(&target.bytes, &err), &err);
    must(fuzz_fault_install(&target.run, &err), &err);
    target.watched = features_attach(&target.features, &target.run, fuzz_map(counters), &err) == PX_OK;
    target.under_afl = fuzz_map(counters) != counters;
    if (!target.watched)
        fprintf(stderr, "fuzz_diff: without the guest's coverage: %s\n", err.text);
    for (unsigned i = 0; i < FUZZ_WARM_PROGRAMS; i++) {
        must(fuzz_warm(i, &target.bytes.program, &err), &err); /* where inputs are read, too: it grows now */
        run_program(&target.bytes.program, false);
    }
    find_usual();
    target.by_all = 0;
    (void)atexit(say_how_many);
    target.ready = true;
}

__attribute__((constructor(FUZZ_MAP_EARLY))) static void reserve(void)
{
    fuzz_map_reserve(sizeof counters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!target.ready)
        start();
    target.inputs++;
    if (target.under_afl) /* it counts edges of the reading, too: they must not depend on what is at hand */
        fuzz_bytes_forget(&target.bytes);
    /* Only what ends soon, and runs when it is replayed as it did here. */
    struct px_program *program = fuzz_bytes_read(&target.bytes, data, size);
    if (!program || !mutate_ends_soon(program))
        return -1;
    target.programs++;
    fuzz_usual_begin(&target.usual);
    run_program(program, true);
    fuzz_usual_hide(&target.usual, target.features.hits, target.features.count);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    if (!target.ready)
        start();
    return fuzz_bytes_mutate(&target.bytes, data, size, max_size, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_size, unsigned int seed)
{
    if (!target.ready)
        start();
    return fuzz_bytes_cross(&target.bytes, data, size, other, other_size, out, max_size, seed);
}
