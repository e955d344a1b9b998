/*
 * Comparing in a session:
 *
 *   check all -> fill a slot while the server works on the other -> results in order -> confirm -> callback
 */
#define _GNU_SOURCE
#include "harness/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SAME(name) _Static_assert((PX_FIELD_##name ^ DIFF_##name) == 0, "the same bits inside and outside")
SAME(EXIT);
SAME(ARG);
SAME(PC);
SAME(GAS);
SAME(COUNT);
SAME(DIRTY);
SAME(MEMORY);
SAME(X0);
#undef SAME

/* What a result says, once it is taken out of shared memory. */
struct verdict {
    struct finding finding;
    bool stable;
    uint32_t ran;
    size_t engine; /* at work at a death, or that leaks, or SESSION_ENGINE_NONE */
};

static void name_engine(const struct px_session *session, size_t engine, size_t *index,
                        char name[PX_SPEC_MAX])
{
    const char *spec = px_session_engine(session, engine);
    *index = spec ? engine : SIZE_MAX;
    (void)snprintf(name, PX_SPEC_MAX, "%s", spec ? spec : "?");
}

static void take_difference(const struct px_session *session, const struct finding *f, struct px_diff *diff)
{
    diff->kind = PX_DIFF_OUTCOME;
    diff->fields = f->diff.fields;
    diff->outcomes[0] = f->diff.a;
    diff->outcomes[1] = f->diff.b;
    diff->outcomes[0].dirty = diff->outcomes[1].dirty = NULL;
    diff->dirty_page = f->diff.dirty_page;
    diff->page = f->diff.page;
    diff->offset = f->diff.offset;
    diff->bytes[0] = f->diff.byte_a;
    diff->bytes[1] = f->diff.byte_b;
    name_engine(session, f->other, &diff->b, diff->names[1]);
}

void session_death(const struct finding *finding, struct px_death *death)
{
    *death = (struct px_death){ .signal = finding->signal,
                                .address = finding->address,
                                .generated = !finding->in_harness,
                                .pc_known = finding->guest_pc_known,
                                .pc = finding->guest_pc };
}

enum px_diff_kind session_kind(const struct finding *finding)
{
    if (finding->kind == FINDING_DIFF)
        return PX_DIFF_OUTCOME;
    if (finding->kind == FINDING_LEAK)
        return PX_DIFF_LEAK;
    return finding->kind == FINDING_HANG ? PX_DIFF_HANG : PX_DIFF_ABORT;
}

static void make_diff(const struct px_session *session, const struct verdict *v, struct px_diff *diff)
{
    *diff = (struct px_diff){ .kind = session_kind(&v->finding), .stable = v->stable, .ran = v->ran };
    name_engine(session, diff->kind == PX_DIFF_LEAK ? v->engine : 0, &diff->a, diff->names[0]);
    if (diff->kind == PX_DIFF_OUTCOME) {
        take_difference(session, &v->finding, diff);
        return;
    }
    if (diff->kind == PX_DIFF_LEAK)
        diff->between = v->finding.between;
    name_engine(session, v->engine, &diff->b, diff->names[1]);
    if (diff->kind == PX_DIFF_ABORT)
        session_death(&v->finding, &diff->death);
}

/* Runs it again in a fresh process: what that says goes before what was seen first. */
static enum px_status confirm(struct px_session *session, size_t slot, size_t index, struct verdict *v,
                              struct px_error *err)
{
    bool leak = v->finding.kind == FINDING_LEAK;
    const struct session_request request = { .command = leak ? COMMAND_CONFIRM_LEAK : COMMAND_CONFIRM,
                                             .slot = slot,
                                             .index = index,
                                             .between = v->finding.between };
    struct session_answer answer;
    struct px_error why = { "" };
    enum px_status status = session_ask(session, &request, &answer, &why);
    if (status != PX_OK) /* other programs may be under way */
        return session_break(session, status, why.text, err);
    v->stable = answer.diverges;
    if (v->stable && !leak) {
        v->finding = answer.finding;
        v->ran = answer.ran;
    }
    return PX_OK;
}

/* What came of program @index of slot @number, which is done and diverges. */
static enum px_status take_result(struct px_session *session, size_t number, size_t index,
                                  struct px_diff *diff, struct px_error *err)
{
    const struct session_slot *slot = &session->shared->slots[number];
    struct verdict v = { .finding = slot->findings[index],
                         .ran = slot->results[index].ran,
                         .engine = slot->results[index].engine };
    finding_make_harmless(&v.finding);
    if (v.finding.between >= session->loads[number].count)
        v.finding.between = index;
    enum px_status status = session->confirm ? confirm(session, number, index, &v, err) : PX_OK;
    if (status == PX_OK)
        make_diff(session, &v, diff);
    return status;
}

/* --- one --- */

static void forget(struct px_session *session)
{
    px_program_fini(&session->before);
    session->has_before = false;
}

/* Keeps a copy: between two runs of the next program it is run again. */
static enum px_status remember(struct px_session *session, const struct px_image *image, struct px_error *err)
{
    enum px_status status = session_copy_image(image, &session->before, err);
    session->has_before = status == PX_OK;
    if (status != PX_OK)
        forget(session);
    return status;
}

static enum px_status diff_image(struct px_session *session, const struct px_image *image,
                                 struct px_diff *diff, struct px_error *err)
{
    struct session_slot *slot = &session->shared->slots[0];
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image before;
    if (session->has_before)
        session_image(&session->before, maps, &before);
    enum px_status status =
        session_run(session, image, session->has_before ? &before : NULL, WORK_COMPARE, 0, err);
    forget(session);
    if (status != PX_OK)
        return status;
    if (slot->results[0].diverges) {
        status = take_result(session, 0, 0, diff, err);
        if (status == PX_OK)
            diff->between = 0;
        return status;
    }
    if (session->agreed++ % SESSION_BETWEEN == 0)
        status = remember(session, image, err);
    if (status == PX_OK) {
        *diff = (struct px_diff){ .kind = PX_DIFF_NONE, .ran = slot->results[0].ran, .stable = true };
        name_engine(session, 0, &diff->a, diff->names[0]);
        name_engine(session, SESSION_ENGINE_NONE, &diff->b, diff->names[1]);
    }
    return status;
}

enum px_status px_diff_image(struct px_session *session, const struct px_image *image, struct px_diff *diff,
                             struct px_error *err)
{
    enum px_status status = session_check(session, err);
    if (status == PX_OK)
        status = session_check_image(image, err);
    return status == PX_OK ? diff_image(session, image, diff, err) : status;
}

enum px_status px_diff(struct px_session *session, const struct px_program *program, struct px_diff *diff,
                       struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image;
    session_image(program, maps, &image);
    return px_diff_image(session, &image, diff, err);
}

/* --- many --- */

struct batch {
    struct px_session *session;
    const struct px_program *programs;
    size_t n, given; /* programs handed to the server so far */
    struct {
        bool flying;
        size_t first, count, taken; /* programs of the batch in it, results taken of them */
    } slots[SESSION_SLOTS];
    px_found_fn *found;
    void *arg;
    bool enough;
    struct px_error *err;
};

static enum px_status check_programs(const struct px_program *programs, size_t n, struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image;
    struct px_error why;
    for (size_t i = 0; i < n; i++) {
        session_image(&programs[i], maps, &image);
        enum px_status status = session_check_image(&image, &why);
        if (status != PX_OK)
            return px_fail(err, status, "program %zu: %s", i, why.text);
    }
    return PX_OK;
}

static void fill(struct batch *b, size_t number)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image;
    struct session_slot *slot = session_empty(b->session, number, WORK_COMPARE);
    slot->first = b->given;
    slot->between = b->given % SESSION_BETWEEN == 0;
    b->slots[number].first = b->given;
    for (; b->given < b->n; b->given++) {
        if (b->given % SESSION_BETWEEN == 0 && b->given != b->slots[number].first)
            break; /* it is to be the first of its slot */
        session_image(&b->programs[b->given], maps, &image);
        if (!session_put(b->session, number, &image))
            break;
    }
    b->slots[number].count = b->given - b->slots[number].first;
    b->slots[number].taken = 0;
    b->slots[number].flying = true;
    session_give(b->session, number);
}

/* Takes the results of slot @number as far as they are in. */
static enum px_status drain(struct batch *b, size_t number)
{
    struct session_slot *slot = &b->session->shared->slots[number];
    enum px_status status = PX_OK;
    while (b->slots[number].taken < b->slots[number].count && status == PX_OK && !b->enough) {
        size_t index = b->slots[number].taken;
        const struct session_result *result = &slot->results[index];
        struct px_diff diff;
        if (atomic_load_explicit(&result->state, memory_order_acquire) != PROGRAM_DONE)
            break;
        b->slots[number].taken++;
        if (!result->diverges)
            continue;
        status = take_result(b->session, number, index, &diff, b->err);
        if (status != PX_OK)
            break;
        if (diff.kind == PX_DIFF_LEAK)
            diff.between += b->slots[number].first;
        b->enough = !b->found(b->arg, b->slots[number].first + index, &diff);
    }
    return status;
}

/* Sees slot @number through. */
static enum px_status finish(struct batch *b, size_t number)
{
    struct session_slot *slot = &b->session->shared->slots[number];
    enum px_status status = PX_OK;
    while (status == PX_OK && atomic_load(&slot->state) == SLOT_READY) {
        status = drain(b, number);
        atomic_store(&slot->cancelled, b->enough);
        if (status == PX_OK)
            status = session_wait(b->session, number, b->err);
    }
    if (status == PX_OK)
        status = drain(b, number);
    if (status == PX_OK && !b->enough && b->slots[number].taken < b->slots[number].count)
        status = session_break(b->session, PX_ERR_INTERNAL, SESSION_UNDONE, b->err);
    b->slots[number].flying = false;
    return status;
}

/* The slots take turns, so that results come in order. */
static enum px_status run_batch(struct batch *b)
{
    enum px_status status = PX_OK;
    for (size_t turn = 0; status == PX_OK; turn = (turn + 1) % SESSION_SLOTS) {
        for (size_t i = 0; i < SESSION_SLOTS; i++) {
            size_t number = (turn + i) % SESSION_SLOTS;
            if (!b->slots[number].flying && b->given < b->n && !b->enough)
                fill(b, number);
        }
        if (!b->slots[turn].flying)
            break;
        status = finish(b, turn);
    }
    return status;
}

enum px_status px_diff_batch(struct px_session *session, const struct px_program *programs, size_t n,
                             px_found_fn *found, void *arg, struct px_error *err)
{
    struct batch b = {
        .session = session, .programs = programs, .n = n, .found = found, .arg = arg, .err = err
    };
    enum px_status status = session_check(session, err);
    if (status == PX_OK)
        status = check_programs(programs, n, err);
    if (status != PX_OK)
        return status;
    session->busy = true;
    status = run_batch(&b);
    session->busy = false;
    return status;
}

/* --- in words --- */

static size_t describe_death(const struct px_diff *diff, char *text, size_t size)
{
    const struct px_death *d = &diff->death;
    const char *name = diff->kind == PX_DIFF_ABORT && d->signal ? sigdescr_np(d->signal) : NULL;
    char where[64] = "the engine's own code";
    int n;
    if (diff->kind == PX_DIFF_HANG)
        n = snprintf(text, size, "  hang    %s took longer than the deadline\n", diff->names[1]);
    else if (d->signal == 0)
        n = snprintf(text, size, "  abort   %s ended its process\n", diff->names[1]);
    else {
        if (d->generated && d->pc_known)
            (void)snprintf(where, sizeof where, "the code of the guest block at pc %#" PRIx32, d->pc);
        else if (d->generated)
            (void)snprintf(where, sizeof where, "generated code");
        n = snprintf(text, size, "  abort   %s: signal %d (%s) at host address %#" PRIx64 ", in %s\n",
                     diff->names[1], d->signal, name ? name : "unknown", d->address, where);
    }
    return n > 0 ? (size_t)n : 0;
}

size_t px_diff_describe(const struct px_diff *diff, char *text, size_t size)
{
    size_t length;
    const struct diff inside = { .fields = diff->fields,
                                 .a = diff->outcomes[0],
                                 .b = diff->outcomes[1],
                                 .dirty_page = diff->dirty_page,
                                 .page = diff->page,
                                 .offset = diff->offset,
                                 .byte_a = diff->bytes[0],
                                 .byte_b = diff->bytes[1] };
    if (diff->kind == PX_DIFF_NONE)
        return (size_t)snprintf(text, size, "  agree\n");
    if (diff->kind == PX_DIFF_LEAK)
        return (size_t)snprintf(text, size, "  leak    %s runs it otherwise after another program has run\n",
                                diff->names[1]);
    if (diff->kind == PX_DIFF_OUTCOME)
        length = diff_describe(&inside, diff->names[0], diff->names[1], text, size);
    else
        length = describe_death(diff, text, size);
    return length;
}
