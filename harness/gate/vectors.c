/* A file of vectors: all its cases at once, then those that were missed, one by one, as programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/gate/session.h"
#include "harness/interrupt.h"
#include "harness/vectors/replay.h"

enum { LOOKED_AT = 4, LOOKED_AT_IN_ALL = 40, NAME_KEPT = 80, NAME_ROOM = NAME_KEPT + 48 };

/* Looks at a case that was missed among others: by itself it is a program like any other of the corpus. */
static enum px_status look_at(struct gate_session *s, size_t at, const struct vectors *vectors,
                              const struct replay_miss *miss, struct px_program *program,
                              struct px_error *err)
{
    char label[40], name[NAME_ROOM];
    const char *path = s->gate->cases[at].name, *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base) - strlen(VECTORS_SUFFIX);
    struct gate_program p = { .at = at, .program = program, .label = label, .name = name };
    (void)snprintf(label, sizeof label, "case %" PRIu64 ": ", miss->index);
    (void)snprintf(name, sizeof name, "corpus-%.*s-%" PRIu64 ".px",
                   length < NAME_KEPT ? (int)length : NAME_KEPT, base, miss->index);
    enum px_status status = vectors_program(vectors, miss->index, program, err);
    if (status == PX_OK)
        status = gate_run_program(s, &p, err);
    if (status == PX_ERR_FULL) /* and Ctrl-C */
        return PX_OK;
    if (status != PX_OK || p.shown)
        return status;
    return gate_add_trouble(s->gate, GATE_UNSTABLE, at, NULL, err,
                            "%s%s, seen among the others and not by itself in a fresh process", label,
                            miss->text);
}

static enum px_status look_at_misses(struct gate_session *s, size_t at, const struct vectors *vectors,
                                     const struct replay_result *r, struct px_error *err)
{
    struct px_program program;
    size_t most = r->deaths > 0 ? 1 : LOOKED_AT; /* what dies takes its time */
    if (most > LOOKED_AT_IN_ALL - s->vectors)
        most = LOOKED_AT_IN_ALL - s->vectors; /* an engine that is wrong everywhere is known by then */
    size_t looked = r->miss_count < most ? r->miss_count : most;
    s->vectors += looked;
    enum px_status status = PX_OK;
    px_program_init(&program);
    for (size_t i = 0; i < looked && status == PX_OK && !interrupt_came(NULL); i++)
        status = look_at(s, at, vectors, &r->misses[i], &program, err);
    px_program_fini(&program);
    const char *path = s->gate->cases[at].name;
    if (status == PX_OK && r->missed > 0 && looked == 0)
        status = gate_add_trouble(s->gate, GATE_EXPECTATION, at, path, err,
                                  "%" PRIu64 " of %" PRIu64 " cases missed, first case %" PRIu64 ": %s",
                                  r->missed, r->cases, r->misses[0].index, r->misses[0].text);
    else if (status == PX_OK && r->missed > looked)
        status =
            gate_add_trouble(s->gate, GATE_EXPECTATION, at, path, err,
                             "%" PRIu64 " more of %" PRIu64 " cases missed", r->missed - looked, r->cases);
    if (status == PX_OK && r->ended_early)
        status =
            gate_add_trouble(s->gate, GATE_EXPECTATION, at, path, err,
                             "ended early, after %" PRIu64 " of %" PRIu64 " cases: too many aborts or hangs",
                             r->cases, vectors->cases);
    return status;
}

enum px_status gate_run_vectors(struct gate_session *session, size_t at, struct px_error *err)
{
    struct vectors vectors;
    struct replay_result result;
    struct gate_case *c = &session->gate->cases[at];
    enum px_status status = vectors_load(&vectors, c->name, err);
    if (status != PX_OK)
        return status;
    do
        status = vectors_replay(&vectors, &session->options->sandbox, interrupt_came, &result, err);
    while (gate_try_again(session, status, err));
    if (status == PX_OK) {
        uint64_t judged = 0;
        for (size_t i = 0; i < result.engine_count; i++)
            judged += result.judged[i];
        c->state = judged > 0 || result.missed > 0 ? GATE_RUN : GATE_UNTAKEN;
        c->programs = c->state == GATE_RUN ? result.cases : 0;
        c->end = result.ended_early ? FINDING_END_SEVERE : FINDING_END_WHOLE;
        status = look_at_misses(session, at, &vectors, &result, err);
    } else if (status == PX_ERR_LOST || status == PX_ERR_FULL) {
        status = PX_OK; /* Ctrl-C: it did not run */
    }
    vectors_fini(&vectors);
    return status;
}
