/* Sessions whose servers are not to be trusted: they scribble over what is shared, or never show the same twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/prng.h"
#include "harness/isolate.h"
#include "harness/session.h"
#include "harness/tests/sessions.h"

/* The shared memory of the session in whose server this runs. */
static struct session_shared *find_shared(void)
{
    char line[256];
    struct session_shared *shared = NULL;
    FILE *file = fopen("/proc/self/maps", "re");
    while (file && fgets(line, sizeof line, file)) {
        char *end;
        uintptr_t from = strtoul(line, &end, 16), to = *end == '-' ? strtoul(end + 1, NULL, 16) : from;
        if (to - from >= sizeof *shared && to - from < sizeof *shared + PX_PAGE_SIZE)
            shared = (struct session_shared *)from;
    }
    if (file)
        fclose(file);
    return shared;
}

/* The reference beside itself, and then everything that is shared is overwritten. */
struct px_engine {
    struct px_engine *inner;
    struct session_shared *shared;
    struct prng prng;
};

static void scribble(struct session_shared *s, uint8_t byte)
{
    for (size_t i = 0; i < SESSION_SLOTS; i++) {
        struct session_slot *slot = &s->slots[i];
        memset(slot->images, byte, sizeof slot->images);
        memset(slot->results, byte, sizeof slot->results);
        memset(slot->findings, byte, sizeof slot->findings);
        memset(slot->bytes, byte, PX_PAGE_SIZE);
        slot->count = slot->first = slot->number = byte * UINT64_C(0x0101010101010101);
    }
    memset(&s->shrink, byte, sizeof s->shrink);
    memset(&s->error, byte, sizeof s->error);
    memset(s->specs, byte, sizeof s->specs);
    memset(&s->replay.outcome, byte, sizeof s->replay.outcome);
    s->current = byte * UINT32_C(0x01010101);
    s->engine = byte;
    s->between = byte * UINT32_C(0x01010101);
}

/* Once and then it dies, or while it says that all is done, or for as long as it is let. */
static enum px_status hostile_run(struct px_engine *engine, struct px_unit *unit,
                                  const struct px_entry *entry, struct px_outcome *outcome,
                                  struct px_error *err)
{
    struct session_shared *s = engine->shared;
    uint8_t byte = (uint8_t)prng_next(&engine->prng);
    if (px_interp_engine.run(engine->inner, unit, entry, outcome, err) != PX_OK)
        abort();
    do
        scribble(s, byte++);
    while (byte & 2);
    if (byte & 1) {
        s->slots[0].results[0].state = PROGRAM_DONE;
        s->slots[0].results[0].diverges = 1;
        if (byte & 8)
            s->slots[0].findings[0].kind = FINDING_LEAK;
        s->slots[0].state = SLOT_DONE;
    }
    unsigned times = byte & 4 ? UINT32_MAX : 0; /* longer than it is let */
    for (unsigned i = 0; i < times; i++)
        scribble(s, (uint8_t)i);
    abort();
}

static enum px_status hostile_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                      struct px_unit **unit, struct px_error *err)
{
    return px_interp_engine.prepare(engine->inner, image, flags, unit, err);
}

static struct px_caps hostile_caps(const struct px_engine *engine)
{
    return px_interp_engine.caps(engine->inner);
}

static const char *hostile_spec(const struct px_engine *engine)
{
    (void)engine;
    return "hostile";
}

static void hostile_reset(struct px_engine *engine)
{
    px_interp_engine.reset(engine->inner);
}

static enum px_fault_verdict hostile_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                              void *ucontext, struct px_fault_site *site)
{
    return px_interp_engine.on_fault(engine->inner, signal, siginfo, ucontext, site);
}

static const struct px_engine_ops hostile_engine = {
    .name = "hostile",
    .prepare = hostile_prepare,
    .release = NULL, /* never lives to see one */
    .run = hostile_run,
    .caps = hostile_caps,
    .spec = hostile_spec,
    .reset = hostile_reset,
    .on_fault = hostile_on_fault,
};

static enum px_status open_hostile(const char *engines, struct run *run, struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    struct engine both[2] = { { .ops = &px_interp_engine }, { .ops = &hostile_engine, .instance = e } };
    if (!e)
        return PX_ERR_NOMEM;
    e->shared = find_shared();
    prng_init(&e->prng, strtoul(engines, NULL, 10), 0);
    enum px_status status = e->shared ? px_interp_engine.create("", &e->inner, err) : PX_ERR_INTERNAL;
    if (status == PX_OK)
        status = px_interp_engine.create("", &both[0].instance, err);
    if (status == PX_OK)
        status = run_open_engines(both, 2, run, err);
    if (status != PX_OK)
        free(e);
    return status;
}

static bool ignore(void *arg, size_t index, const struct px_diff *diff)
{
    char text[512];
    (void)index;
    assert_true(px_diff_describe(diff, text, sizeof text) < 100 * sizeof text);
    return --*(int *)arg > 0;
}

enum { PROGRAMS = 600, FOUND_MAX = 20, WAYS = 4 };

/* Asks one thing. Any status will do, and any difference: what counts is that the caller lives to read it. */
static enum px_status ask(struct px_session *session, int way, const struct px_program *programs,
                          struct px_error *err)
{
    struct px_program small;
    struct px_diff diff;
    struct px_replay replay = { .kind = PX_DIFF_NONE };
    struct px_shrunk shrunk = { .diverges = false };
    enum px_status status;
    int left = FOUND_MAX;
    px_program_init(&small);
    if (way == 0)
        status = px_diff(session, programs, &diff, err);
    else if (way == 1)
        status = px_diff_batch(session, programs, PROGRAMS, ignore, &left, err);
    else if (way == 2)
        status = px_replay_recomp(session, programs, &replay, err);
    else
        status = px_shrink(session, programs, 0.1, &small, &shrunk, err);
    if (way == 0 && status == PX_OK)
        ignore(&left, 0, &diff);
    assert_non_null(memchr(shrunk.bucket, '\0', sizeof shrunk.bucket));
    px_replay_release(&replay);
    px_program_fini(&small);
    return status;
}

static void what_a_server_writes_harms_no_caller(void **state)
{
    (void)state;
    enum { TIMES = 16 };
    struct px_program *programs = make_programs("straight", PROGRAMS);
    for (int i = 0; i < TIMES; i++) {
        char seed[16];
        (void)snprintf(seed, sizeof seed, "%d", i / WAYS);
        const struct sandbox sandbox = { .engines = seed, .open = open_hostile, .hang_ms = 10 };
        struct px_session *session;
        struct px_error err = { "" };
        if (session_start(&sandbox, i % 2, &session, &err) != PX_OK)
            fail_msg("%s", err.text);
        for (int times = 0; times < 2; times++) {
            enum px_status status = ask(session, i % WAYS, programs, &err);
            assert_in_range(status, PX_OK, PX_ERR_INTERNAL);
            assert_non_null(memchr(err.text, '\0', sizeof err.text));
        }
        px_session_destroy(session);
    }
    free_programs(programs, PROGRAMS);
}

/* An engine that is wrong once only, over all processes: in this run. */
static _Atomic unsigned *runs_made;
static unsigned wrong_run;

static enum px_status once_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                               struct px_outcome *outcome, struct px_error *err)
{
    enum px_status status = px_interp_engine.run(engine->inner, unit, entry, outcome, err);
    if (atomic_fetch_add(runs_made, 1) == wrong_run)
        outcome->x[9] ^= 1;
    return status;
}

static void once_release(struct px_engine *engine, struct px_unit *unit)
{
    px_interp_engine.release(engine->inner, unit);
}

static enum px_status once_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                     const uint8_t **bytes)
{
    return px_interp_engine.read_page(engine->inner, page, scratch, bytes);
}

static enum px_status open_once(const char *engines, struct run *run, struct px_error *err)
{
    static const struct px_engine_ops once_engine = {
        .name = "once",
        .prepare = hostile_prepare,
        .release = once_release,
        .run = once_run,
        .read_page = once_read_page,
        .caps = hostile_caps,
        .spec = hostile_spec,
        .reset = hostile_reset,
        .on_fault = hostile_on_fault,
    };
    struct px_engine *e = calloc(1, sizeof *e);
    struct engine both[2] = { { .ops = &px_interp_engine }, { .ops = &once_engine, .instance = e } };
    (void)engines;
    if (!e)
        return PX_ERR_NOMEM;
    enum px_status status = px_interp_engine.create("", &e->inner, err);
    if (status == PX_OK)
        status = px_interp_engine.create("", &both[0].instance, err);
    if (status == PX_OK)
        status = run_open_engines(both, 2, run, err);
    if (status != PX_OK)
        free(e);
    return status;
}

static struct px_session *open_once_session(unsigned wrong)
{
    const struct sandbox sandbox = { .engines = "", .open = open_once };
    struct px_session *session;
    wrong_run = wrong;
    runs_made = isolate_share(sizeof *runs_made);
    assert_non_null(runs_made);
    assert_int_equal(session_start(&sandbox, true, &session, NULL), PX_OK);
    return session;
}

static void close_once_session(struct px_session *session)
{
    px_session_destroy(session);
    isolate_unshare((void *)(uintptr_t)runs_made, sizeof *runs_made);
}

static void what_a_fresh_process_does_not_show_is_unstable(void **state)
{
    (void)state;
    struct px_program program;
    struct px_diff diff;
    struct px_session *session = open_once_session(0);
    make_program(&program, mixed, MIXED);
    assert_int_equal(px_diff(session, &program, &diff, NULL), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_OUTCOME);
    assert_int_equal(diff.fields, PX_FIELD_X0 << 9);
    assert_false(diff.stable);
    assert_int_equal(*runs_made, 2);
    assert_int_equal(px_diff(session, &program, &diff, NULL), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    close_once_session(session);
    px_program_fini(&program);
}

static void a_leak_that_a_fresh_process_does_not_show_is_unstable(void **state)
{
    (void)state;
    enum { FIRST = 1, COMPARED = 2, CHECKED = 4 }; /* runs of the first program, of both, of check A, B, A */
    struct px_program program;
    struct px_diff diff;
    struct px_session *session = open_once_session(FIRST + COMPARED + CHECKED - 1);
    make_program(&program, mixed, MIXED);
    assert_int_equal(px_diff(session, &program, &diff, NULL), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_NONE);
    assert_int_equal(*runs_made, FIRST);
    assert_int_equal(px_diff(session, &program, &diff, NULL), PX_OK);
    assert_int_equal(diff.kind, PX_DIFF_LEAK);
    assert_int_equal(diff.b, 1);
    assert_false(diff.stable);
    assert_int_equal(*runs_made, FIRST + COMPARED + 2 * CHECKED);
    close_once_session(session);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_writes_harms_no_caller),
        cmocka_unit_test(what_a_fresh_process_does_not_show_is_unstable),
        cmocka_unit_test(a_leak_that_a_fresh_process_does_not_show_is_unstable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
