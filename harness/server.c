/*
 * The sandboxed process of a session:
 *
 *   wait for a slot -> prepare up to 32 pending programs -> run and compare each -> ... -> slot done
 */
#define _GNU_SOURCE
#include "harness/session_shared.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "harness/futex.h"

enum {
    SERVER_BATCH = 32, /* programs prepared before the first of them runs */
    IDLE_MS = 10000,   /* without a slot it wakes up so often */
};

struct server {
    struct session_shared *shared;
    struct run run;
    struct hostfault faults;
    struct run_slot prepared[SERVER_BATCH];
    size_t indices[SERVER_BATCH]; /* of the programs prepared */
    size_t ready; /* so many are */
    uint64_t count, beats;
};

static void set(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* What this process dies of from now on is @index's doing. */
static void begin(struct server *s, const struct session_slot *slot, size_t index)
{
    struct session_shared *shared = s->shared;
    set(&shared->engine, SESSION_ENGINE_NONE);
    set(&shared->current, (uint32_t)(1 + (size_t)(slot - shared->slots) * SESSION_BATCH + index));
    atomic_store_explicit(&shared->beats, ++s->beats, memory_order_relaxed);
}

static void end(struct server *s)
{
    set(&s->shared->current, 0);
}

static void start_clock(struct server *s)
{
    atomic_store_explicit(&s->shared->running, ++s->count, memory_order_relaxed);
}

static void stop_clock(struct server *s)
{
    atomic_store_explicit(&s->shared->running, 0, memory_order_relaxed);
}

static void choose(struct server *s, const struct session_slot *slot, size_t index)
{
    run_choose(&s->run, slot->alone ? 0 : slot->first + index);
    for (size_t i = 0; i < s->run.count && slot->work == WORK_REPLAY; i++)
        s->run.active[i] = i == slot->engine;
}

/* Runs a prepared program on all engines that took it. */
static enum px_status compare(struct server *s, struct session_slot *slot, size_t index,
                              struct run_slot *prepared)
{
    struct run_result result;
    struct px_error *err = &s->shared->error;
    struct session_result *r = &slot->results[index];
    struct px_entry entry = run_entry(&prepared->image);
    enum px_status status = PX_OK;
    r->ran = 0;
    start_clock(s);
    for (size_t i = 0; i < s->run.count && status == PX_OK; i++) {
        if (!prepared->supported[i])
            continue;
        r->ran |= 1u << i;
        set(&s->shared->engine, (uint32_t)i);
        status = run_engine(&s->run, prepared, i, &entry, &result, err);
    }
    set(&s->shared->engine, SESSION_ENGINE_NONE);
    bool sweep = slot->alone || (slot->first + index) % SESSION_SWEEP == 0;
    if (status == PX_OK)
        status = run_judge(&s->run, prepared, sweep, &result, err);
    stop_clock(s);
    if (status != PX_OK || result.diff.fields == 0)
        return status;
    slot->findings[index] =
        (struct finding){ .kind = FINDING_DIFF, .other = result.other, .diff = result.diff };
    r->diverges = true;
    return PX_OK;
}

static enum px_status keep_pages(struct server *s, const struct engine *engine, struct px_outcome *outcome)
{
    struct session_replay *replay = &s->shared->replay;
    enum px_status status = PX_OK;
    const uint8_t *bytes;
    for (size_t i = 0; i < outcome->dirty_count && i < SESSION_DIRTY_MAX; i++)
        replay->dirty[i] = outcome->dirty[i];
    for (size_t i = 0; i < outcome->dirty_count && i < PX_REPLAY_PAGES_MAX && status == PX_OK; i++) {
        status = engine->ops->read_page(engine->instance, replay->dirty[i], replay->pages[i], &bytes);
        if (status == PX_OK && bytes != replay->pages[i])
            memcpy(replay->pages[i], bytes, PX_PAGE_SIZE);
    }
    return status;
}

static enum px_status replay(struct server *s, const struct session_slot *slot, struct run_slot *prepared)
{
    struct run_result result;
    struct session_replay *replay = &s->shared->replay;
    struct px_entry entry = run_entry(&prepared->image);
    replay->supported = prepared->supported[slot->engine];
    if (!replay->supported)
        return PX_OK;
    start_clock(s);
    set(&s->shared->engine, (uint32_t)slot->engine);
    enum px_status status = run_engine(&s->run, prepared, slot->engine, &entry, &result, &s->shared->error);
    stop_clock(s);
    if (status != PX_OK)
        return status;
    replay->outcome = result.outcomes[slot->engine];
    return keep_pages(s, &s->run.engines[slot->engine], &replay->outcome);
}

static void finish(struct session_slot *slot, size_t index)
{
    atomic_store_explicit(&slot->results[index].state, PROGRAM_DONE, memory_order_release);
    if (slot->results[index].diverges) /* somebody may want to hear of it at once */
        futex_wake(&slot->state);
}

/* Prepares pending programs from *next on, as many as fit. */
static enum px_status prepare_some(struct server *s, struct session_slot *slot, size_t *next)
{
    enum px_status status = PX_OK;
    s->ready = 0;
    for (; *next < slot->count && s->ready < SERVER_BATCH; ++*next) {
        if (atomic_load(&slot->results[*next].state) == PROGRAM_DONE)
            continue;
        begin(s, slot, *next);
        choose(s, slot, *next);
        status = run_prepare(&s->run, &slot->images[*next], 0, &s->prepared[s->ready], &s->shared->error);
        if (status != PX_OK)
            break;
        s->indices[s->ready++] = *next;
    }
    return status == PX_ERR_FULL && s->ready > 0 ? PX_OK : status; /* the rest comes next */
}

/* Each run of a check has the time of a program. */
static void take_turn(void *arg, size_t engine)
{
    struct server *s = arg;
    start_clock(s);
    set(&s->shared->engine, (uint32_t)engine);
    atomic_store_explicit(&s->shared->beats, ++s->beats, memory_order_relaxed);
}

/* Whether a check of the first program prepared is due, with the second one in between. */
static bool between_is_due(const struct server *s, const struct session_slot *slot)
{
    return slot->between && s->ready > 1 && s->indices[0] == 0 && !slot->results[0].diverges;
}

/* A, B, A: what ran between two runs of a program must not show. */
static enum px_status check_between(struct server *s, struct session_slot *slot)
{
    const struct run_watch watch = { .turn = take_turn, .arg = s };
    struct session_result *result = &slot->results[0];
    struct finding finding = { .kind = FINDING_LEAK, .between = s->indices[1] };
    bool leaks;
    begin(s, slot, 0);
    set(&s->shared->between, (uint32_t)(1 + finding.between));
    enum px_status status = run_between(&s->run, &s->prepared[0], &s->prepared[1], &watch, &leaks,
                                        &finding.other, &s->shared->error);
    stop_clock(s);
    set(&s->shared->between, 0);
    set(&s->shared->engine, SESSION_ENGINE_NONE);
    if (status != PX_OK || !leaks)
        return status;
    slot->findings[0] = finding;
    result->engine = (uint32_t)finding.other;
    result->diverges = true;
    return PX_OK;
}

/* Runs the program prepared as number @i. One whose check is due is done when its successor has run, and the check. */
static enum px_status run_one(struct server *s, struct session_slot *slot, size_t i)
{
    enum px_status status;
    begin(s, slot, s->indices[i]);
    if (slot->work == WORK_REPLAY)
        status = replay(s, slot, &s->prepared[i]);
    else
        status = compare(s, slot, s->indices[i], &s->prepared[i]);
    bool due = between_is_due(s, slot);
    if (status == PX_OK && !(due && i == 0))
        finish(slot, s->indices[i]);
    if (status == PX_OK && due && i == 1) {
        status = check_between(s, slot);
        if (status == PX_OK)
            finish(slot, 0);
    }
    return status;
}

/* Prepares some, and runs them. */
static enum px_status run_some(struct server *s, struct session_slot *slot, size_t *next)
{
    enum px_status status = prepare_some(s, slot, next);
    for (size_t i = 0; i < s->ready && status == PX_OK && !atomic_load(&slot->cancelled); i++)
        status = run_one(s, slot, i);
    end(s);
    for (size_t i = 0; i < s->ready; i++)
        run_release(&s->run, &s->prepared[i]);
    return status;
}

/* The slot to work on, NULL when there is none. */
static struct session_slot *pick(struct session_shared *shared)
{
    struct session_slot *first = NULL;
    for (size_t i = 0; i < SESSION_SLOTS; i++) {
        struct session_slot *slot = &shared->slots[i];
        if (atomic_load(&slot->state) == SLOT_READY && (!first || slot->number < first->number))
            first = slot;
    }
    return first;
}

static enum px_status work(struct server *s)
{
    struct session_shared *shared = s->shared;
    enum px_status status = PX_OK;
    while (status == PX_OK) {
        uint32_t given = atomic_load(&shared->given);
        struct session_slot *slot = pick(shared);
        if (!slot) {
            futex_wait(&shared->given, given, IDLE_MS);
            continue;
        }
        size_t next = 0;
        while (status == PX_OK && next < slot->count && !atomic_load(&slot->cancelled))
            status = run_some(s, slot, &next);
        if (status == PX_OK) {
            atomic_store(&slot->state, SLOT_DONE);
            futex_wake(&slot->state);
        }
    }
    return status;
}

static enum px_status open_server(struct server *s, const struct sandbox *sandbox)
{
    struct session_shared *shared = s->shared;
    s->faults = (struct hostfault){ .record = &shared->record, .running = &shared->running };
    enum px_status status = sandbox_enter(sandbox, &s->run, &s->faults, &shared->error);
    if (status != PX_OK)
        return status;
    shared->engine_count = s->run.count;
    for (size_t i = 0; i < s->run.count; i++)
        (void)strncpy(shared->specs[i], engine_spec(&s->run.engines[i]), PX_SPEC_MAX - 1);
    atomic_store(&shared->ready, 1);
    futex_wake(&shared->ready);
    return PX_OK;
}

_Noreturn void server_main(const struct sandbox *sandbox, struct session_shared *shared)
{
    enum px_status status = PX_ERR_NOMEM;
    struct server *s = calloc(1, sizeof *s);
    prctl(PR_SET_NAME, "parallax-server");
    if (s) {
        s->shared = shared;
        s->beats = atomic_load(&shared->beats); /* it goes on growing, whoever died */
        status = open_server(s, sandbox);
        if (status == PX_OK)
            status = work(s);
    } else {
        px_fail(&shared->error, status, "out of memory for the sandbox");
    }
    atomic_store(&shared->failed, (uint32_t)status);
    _exit(1);
}
