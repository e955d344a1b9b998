/* One file of the corpus: compared on every engine and held against what it expects. */
#include <stdio.h>
#include <string.h>

#include "harness/gate/session.h"
#include "harness/vectors/vectors.h"

enum { NAME_KEPT = 100, NAME_ROOM = NAME_KEPT + 16 };

/* Whether enough engines took it for something to be said. */
static bool is_taken(const struct px_program *program, const struct isolated *isolated)
{
    size_t engines = 0;
    for (size_t i = 0; i < isolated->engine_count; i++)
        engines += isolate_judged(isolated, i);
    return isolated->diverged > 0 || engines >= 2 || (engines == 1 && program->has_expect);
}

static enum px_status check_expect(struct gate *gate, struct gate_program *p, const struct isolated *isolated,
                                   struct px_error *err)
{
    const char *path = gate->cases[p->at].name;
    enum px_status status = PX_OK;
    char what[128];
    if (!p->program->has_expect || isolated->runs == 0)
        return PX_OK;
    for (size_t i = 0; i < isolated->engine_count && status == PX_OK; i++) {
        if (!isolate_missed(isolated, i, &p->program->expect, what, sizeof what))
            continue;
        p->shown = true;
        status = gate_add_trouble(gate, GATE_EXPECTATION, p->at, path, err, "%s%s: %s", p->label,
                                  isolated->specs[i], what);
    }
    return status;
}

static enum px_status run_alone(struct gate_session *s, struct px_program *program, unsigned times,
                                struct isolated *isolated, struct px_error *err)
{
    enum px_status status;
    do
        status = isolate_run(&s->options->sandbox, program, times, isolated, err);
    while (gate_try_again(s, status, err));
    return status;
}

/* It diverged once: as in a campaign, a fresh process has the last word. */
static enum px_status confirm(struct gate_session *s, struct gate_program *p, const struct isolated *seen,
                              struct px_error *err)
{
    struct isolated again;
    struct triaged triaged;
    struct campaign_result *found = s->gate->found;
    enum px_status status = run_alone(s, p->program, CAMPAIGN_CONFIRM_RUNS, &again, err);
    if (status != PX_OK)
        return status == PX_ERR_FULL ? PX_OK : status; /* Ctrl-C: it is as if it had not run */
    p->shown = true;
    if (again.diverged > 0)
        status = triage_program(&s->triage, p->program, p->name, &again, found, &triaged, err);
    else
        status =
            triage_unstable(&s->triage, p->program, p->name, &seen->finding, &again, found, &triaged, err);
    return status == PX_OK ? gate_take(s, p->at, 0, &triaged, &seen->finding, err) : status;
}

enum px_status gate_run_program(struct gate_session *session, struct gate_program *p, struct px_error *err)
{
    struct isolated isolated;
    p->taken = p->shown = false;
    enum px_status status = run_alone(session, p->program, 1, &isolated, err);
    if (status != PX_OK)
        return status;
    p->taken = is_taken(p->program, &isolated);
    status = check_expect(session->gate, p, &isolated, err);
    return status == PX_OK && isolated.diverged > 0 ? confirm(session, p, &isolated, err) : status;
}

/* The file's name among the findings; a prefix keeps it apart from what else is there. */
static void name_finding(const char *path, char name[NAME_ROOM])
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base) - strlen(".px");
    (void)snprintf(name, NAME_ROOM, "corpus-%.*s.px", length < NAME_KEPT ? (int)length : NAME_KEPT, base);
}

static enum px_status run(struct gate_session *s, size_t at, struct px_program *program, struct px_error *err)
{
    struct gate_case *c = &s->gate->cases[at];
    char name[NAME_ROOM];
    struct gate_program p = { .at = at, .program = program, .label = "", .name = name };
    name_finding(c->name, name);
    enum px_status status = px_program_load(program, c->name, err);
    if (status == PX_OK)
        status = gate_run_program(s, &p, err);
    if (status == PX_ERR_FULL) /* and Ctrl-C: it did not run */
        return PX_OK;
    if (status != PX_OK)
        return status;
    c->state = p.taken ? GATE_RUN : GATE_UNTAKEN;
    c->programs = p.taken;
    return PX_OK;
}

enum px_status gate_run_file(struct gate_session *session, size_t at, struct px_error *err)
{
    struct px_program program;
    struct gate_case *c = &session->gate->cases[at];
    double start = gate_now();
    enum px_status status;
    if (vectors_is_path(c->name)) {
        status = gate_run_vectors(session, at, err);
    } else {
        px_program_init(&program);
        status = run(session, at, &program, err);
        px_program_fini(&program);
    }
    c->seconds = gate_now() - start;
    return status;
}
