#define _GNU_SOURCE
#include "harness/tests/accept.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum {
    DIRTY_MAX = 1024,  /* more than the pages of the longest host call */
    SWEEP_MAX = 4096,  /* pages of memory compared with the case */
    TEXT_MAX = 16384,
};

const char accept_engines[] = "interp,fused,block,block:cpu=baseline,block:touch=fault";

/* --- host faults --------------------------------------------------------------------------------------- */

/* Signal handlers get no argument of ours. */
static __thread struct {
    const struct engine *engines;
    size_t count;
} faults;

static void on_fault(int signal_number, siginfo_t *info, void *ucontext)
{
    for (size_t i = 0; i < faults.count; i++) {
        const struct engine *e = &faults.engines[i];
        struct px_fault_site site;
        enum px_fault_verdict verdict = e->ops->on_fault(e->instance, signal_number, info, ucontext, &site);
        if (verdict == PX_FAULT_RESUMED || verdict == PX_FAULT_EXIT)
            return;
    }
    signal(signal_number, SIG_DFL); /* an abort, or our own fault: die of it on return */
}

void accept_route_faults(const struct engine *engines, size_t count)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    faults.engines = engines;
    faults.count = count;
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

/* --- engines ------------------------------------------------------------------------------------------- */

int accept_setup(void **state)
{
    struct run *run = calloc(1, sizeof *run);
    struct px_error err = { "" };
    assert_non_null(run);
    if (run_open(accept_engines, run, &err) != PX_OK)
        fail_msg("%s", err.text);
    *state = run;
    return 0;
}

int accept_teardown(void **state)
{
    run_close(*state);
    free(*state);
    return 0;
}

uint64_t accept_pattern(unsigned x)
{
    return x == 0 ? 0 : UINT64_C(0xab5e1f0045c0de00) + x;
}

/* --- a case as an image ----------------------------------------------------------------------------- */

size_t accept_put(uint8_t *code, size_t at, struct px_insn in)
{
    uint32_t word;
    unsigned length = px_encode(&in, &word);
    assert_int_not_equal(length, 0);
    memcpy(code + at, &word, length);
    return at + length;
}

static size_t encode(const struct accept_case *c, uint8_t *code)
{
    size_t size = 0;
    for (size_t i = 0; i < ACCEPT_CODE_MAX && c->code[i].len != 0; i++) {
        uint32_t word = (uint32_t)c->code[i].imm;
        if (c->code[i].op != PX_OP_ILLEGAL && px_encode(&c->code[i], &word) == 0)
            fail_msg("%s: instruction %zu does not encode", c->name ? c->name : "case", i);
        memcpy(code + size, &word, c->code[i].len);
        size += c->code[i].len;
    }
    assert_in_range(c->cut, 0, size);
    return size - c->cut;
}

/* @code: room for ACCEPT_CODE_MAX instructions. */
static struct px_image build(const struct accept_case *c, uint8_t *code)
{
    struct px_image image = { .code = code, .entry_pc = c->entry, .gas = c->gas, .maps = c->maps };
    struct px_error err = { "" };
    image.code_size = encode(c, code);
    if (c->bytes) {
        image.code = c->bytes;
        image.code_size = c->size;
    }
    while (image.map_count < ACCEPT_MAPS_MAX && c->maps[image.map_count].size != 0)
        image.map_count++;
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        image.x[x] = accept_pattern(x);
    for (size_t i = 0; i < ACCEPT_REGS_MAX && c->in[i].x != 0; i++)
        image.x[c->in[i].x] = c->in[i].value;
    if (px_image_check(&image, &err) != PX_OK)
        fail_msg("%s", err.text);
    return image;
}

/* --- the outcome that a case states ----------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static size_t dirty_pages(const struct accept_case *c, uint32_t *dirty)
{
    size_t count = 0, unique = 0;
    for (size_t i = 0; i < ACCEPT_STORED_MAX && c->stored[i].size != 0; i++) {
        uint32_t last = (c->stored[i].at + (c->stored[i].size - 1)) / PAGE;
        for (uint32_t page = c->stored[i].at / PAGE; page <= last; page++) {
            assert_in_range(count, 0, DIRTY_MAX - 1);
            dirty[count++] = page;
        }
    }
    qsort(dirty, count, sizeof *dirty, by_number);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || dirty[i] != dirty[i - 1])
            dirty[unique++] = dirty[i];
    return unique;
}

/* Everything but the counts. */
static struct px_outcome stated(const struct accept_case *c, const struct px_image *image, uint32_t *dirty)
{
    struct px_outcome out = { .exit = c->exit, .arg = c->arg, .pc = c->pc, .gas = c->gas - c->spent };
    memcpy(out.x, image->x, sizeof out.x);
    for (size_t i = 0; i < ACCEPT_REGS_MAX && c->out[i].x != 0; i++)
        out.x[c->out[i].x] = c->out[i].value;
    out.dirty = dirty;
    out.dirty_count = dirty_pages(c, dirty);
    return out;
}

static void print_outcome(const struct px_outcome *out, char *text)
{
    FILE *file = fmemopen(text, TEXT_MAX, "w");
    char exit[64];
    assert_non_null(file);
    px_exit_format(out, exit, sizeof exit);
    (void)fprintf(file, "%s arg=%" PRId64 " pc=%#x gas=%" PRIu64, exit, out->arg, out->pc, out->gas);
    (void)fprintf(file, " native=%" PRIu64 " side_exit=%" PRIu64 " interpreted=%" PRIu64, out->native,
                  out->side_exit, out->interpreted);
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        (void)fprintf(file, "\n  x%u=%#" PRIx64, x, out->x[x]);
    (void)fprintf(file, "\n  dirty:");
    for (size_t i = 0; i < out->dirty_count; i++)
        (void)fprintf(file, " %#x", out->dirty[i]);
    assert_int_equal(fclose(file), 0);
}

static bool same_outcome(const struct px_outcome *a, const struct px_outcome *b)
{
    return a->exit == b->exit && a->arg == b->arg && a->pc == b->pc && a->gas == b->gas &&
           memcmp(a->x, b->x, sizeof a->x) == 0 && a->native == b->native && a->side_exit == b->side_exit &&
           a->interpreted == b->interpreted && a->dirty_count == b->dirty_count &&
           (a->dirty_count == 0 || memcmp(a->dirty, b->dirty, a->dirty_count * sizeof *a->dirty) == 0);
}

bool accept_interprets(const struct engine *engine)
{
    return strcmp(engine->ops->name, "interp") == 0 || strcmp(engine->ops->name, "fused") == 0;
}

static void check_outcome(const struct accept_case *c, const struct engine *engine,
                          const struct px_outcome *got, struct px_outcome want)
{
    bool interprets = accept_interprets(engine);
    want.interpreted = interprets ? c->count : 0;
    want.native = interprets ? 0 : c->count;
    if (same_outcome(got, &want))
        return;
    char got_text[TEXT_MAX], want_text[TEXT_MAX];
    print_outcome(got, got_text);
    print_outcome(&want, want_text);
    fail_msg("%s on %s: got %s\nexpected %s", c->name ? c->name : "case", engine_spec(engine), got_text,
             want_text);
}

/* --- memory ------------------------------------------------------------------------------------------ */

/* Length of what [at, at + size) has in page @number; *offset is where it starts in the page, *skip in the range. */
static size_t clip(uint32_t at, size_t size, uint32_t number, size_t *offset, size_t *skip)
{
    uint64_t page = (uint64_t)number * PAGE, start = at, end = start + size;
    uint64_t from = start > page ? start : page, to = end < page + PAGE ? end : page + PAGE;
    if (from >= to)
        return 0;
    *offset = from - page;
    *skip = from - start;
    return to - from;
}

static void lay(uint8_t *page, uint32_t number, uint32_t at, const uint8_t *bytes, size_t size)
{
    size_t offset, skip, length = clip(at, size, number, &offset, &skip);
    if (length > 0)
        memcpy(page + offset, bytes + skip, length);
}

/* Page @number as the image and the stores of @c leave it. */
static void expected_page(const struct accept_case *c, const struct px_image *image, uint32_t number,
                          uint8_t *page)
{
    memset(page, 0, PAGE);
    lay(page, number, CODE, image->code, image->code_size);
    for (size_t i = 0; i < image->map_count; i++)
        lay(page, number, (uint32_t)image->maps[i].start, image->maps[i].content,
            image->maps[i].content_size);
    for (size_t i = 0; i < ACCEPT_STORED_MAX && c->stored[i].size != 0; i++) {
        const struct accept_bytes *s = &c->stored[i];
        size_t offset, skip, length = clip(s->at, s->size, number, &offset, &skip);
        if (length > 0 && s->fill)
            memset(page + offset, (int)s->value, length);
        else if (length > 0)
            memcpy(page + offset, (const uint8_t *)&s->value + skip, length);
    }
}

static void check_page(const struct accept_case *c, const struct run *run, uint32_t number,
                       const uint8_t *want)
{
    uint8_t scratch[PAGE];
    for (size_t i = 0; i < run->count; i++) {
        const struct engine *e = &run->engines[i];
        const uint8_t *got;
        assert_int_equal(e->ops->read_page(e->instance, number, scratch, &got), PX_OK);
        for (size_t at = 0; memcmp(got, want, PAGE) != 0 && at < PAGE; at++)
            if (got[at] != want[at])
                fail_msg("%s on %s: byte %#zx is %#x, expected %#x", c->name ? c->name : "case",
                         engine_spec(e), (size_t)number * PAGE + at, got[at], want[at]);
    }
}

/* Every page of the image, and the unmapped ones beside each range. */
static void check_memory(const struct accept_case *c, const struct run *run, const struct px_image *image)
{
    uint8_t want[PAGE];
    size_t budget = SWEEP_MAX;
    for (size_t i = 0; i <= image->map_count; i++) {
        uint64_t start = i < image->map_count ? image->maps[i].start : CODE;
        uint64_t size = i < image->map_count ? image->maps[i].size : image->code_size;
        for (uint64_t at = start - PAGE; at <= start + size && budget > 0; at += PAGE, budget--) {
            uint32_t number = (uint32_t)at / PAGE; /* wraps to page 0 behind the last one */
            expected_page(c, image, number, want);
            check_page(c, run, number, want);
        }
    }
}

/* --- running ----------------------------------------------------------------------------------------- */

static void check_agreement(struct run *run, struct run_slot *slot, const char *name,
                            struct run_result *result)
{
    struct px_error err = { "" };
    char text[2048];
    if (run_compare(run, slot, true, result, &err) != PX_OK)
        fail_msg("%s: %s", name ? name : "case", err.text);
    if (result->diff.fields == 0)
        return;
    diff_describe(&result->diff, engine_spec(&run->engines[0]), engine_spec(&run->engines[result->other]),
                  text, sizeof text);
    fail_msg("%s: engines diverge\n%s", name ? name : "case", text);
}

static void check_run(struct run *run, struct run_slot *slot, const struct accept_case *c)
{
    uint32_t dirty[DIRTY_MAX] = { 0 };
    struct px_outcome want = stated(c, &slot->image, dirty);
    struct run_result result;
    check_agreement(run, slot, c->name, &result);
    for (size_t i = 0; i < run->count; i++) {
        assert_true(result.supported[i]);
        check_outcome(c, &run->engines[i], &result.outcomes[i], want);
    }
    check_memory(c, run, &slot->image);
}

void accept_check_each(struct run *run, const struct accept_case *cases, size_t count)
{
    uint8_t code[4 * ACCEPT_CODE_MAX];
    struct px_image image = build(&cases[0], code);
    struct px_error err = { "" };
    struct run_slot slot;
    accept_route_faults(run->engines, run->count);
    if (run_prepare(run, &image, 0, &slot, &err) != PX_OK)
        fail_msg("%s: %s", cases[0].name ? cases[0].name : "case", err.text);
    for (size_t i = 0; i < 2 * count; i++) {
        slot.image.gas = cases[i / 2].gas;
        check_run(run, &slot, &cases[i / 2]);
    }
    run_release(run, &slot);
}

void accept_check(struct run *run, const struct accept_case *c)
{
    accept_check_each(run, c, 1);
}

void accept_check_stopped(struct run *run, const struct accept_case *c, uint64_t stop_after_blocks)
{
    uint8_t code[4 * ACCEPT_CODE_MAX];
    uint32_t dirty[DIRTY_MAX] = { 0 };
    struct px_image image = build(c, code);
    struct px_outcome want = stated(c, &image, dirty);
    struct px_entry entry = run_entry(&image);
    struct px_error err = { "" };
    struct run_slot slot;
    entry.stop_after_blocks = stop_after_blocks;
    accept_route_faults(run->engines, run->count);
    if (run_prepare(run, &image, PX_PREPARE_STOPPABLE, &slot, &err) != PX_OK)
        fail_msg("%s: %s", c->name ? c->name : "case", err.text);
    for (size_t i = 0; i < run->count; i++) {
        const struct engine *e = &run->engines[i];
        struct px_outcome got;
        assert_int_equal(e->ops->run(e->instance, slot.units[i], &entry, &got, &err), PX_OK);
        check_outcome(c, e, &got, want);
    }
    check_memory(c, run, &image);
    run_release(run, &slot);
}

/* --- digests ----------------------------------------------------------------------------------------- */

static uint64_t digest_more(uint64_t digest, const void *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, digest);
}

static uint64_t digest_page(const struct engine *engine, uint32_t number, uint64_t digest)
{
    uint8_t scratch[PAGE];
    const uint8_t *bytes;
    assert_int_equal(engine->ops->read_page(engine->instance, number, scratch, &bytes), PX_OK);
    return digest_more(digest, bytes, PAGE);
}

uint64_t accept_digest(const struct engine *engine, const struct px_image *image,
                       const struct px_outcome *outcome)
{
    uint64_t begun = outcome->native + outcome->side_exit + outcome->interpreted;
    uint64_t fields[] = { outcome->exit, (uint64_t)outcome->arg, outcome->pc, outcome->gas,
                          begun,         outcome->dirty_count };
    uint64_t digest = digest_more(0, fields, sizeof fields);
    digest = digest_more(digest, outcome->x, sizeof outcome->x);
    for (size_t i = 0; i < outcome->dirty_count; i++) {
        digest = digest_more(digest, &outcome->dirty[i], sizeof outcome->dirty[i]);
        digest = digest_page(engine, outcome->dirty[i], digest);
    }
    for (size_t i = 0; i < image->map_count; i++)
        for (uint64_t at = 0; at < image->maps[i].size && image->maps[i].size <= 16 * PAGE; at += PAGE)
            digest = digest_page(engine, (uint32_t)((image->maps[i].start + at) / PAGE), digest);
    return digest;
}
