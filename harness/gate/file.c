/* One file of the corpus: compared on every engine and held against what it expects. */
#include <stdio.h>
#include <string.h>

#include "harness/gate/session.h"

enum { NAME_KEPT = 100, NAME_ROOM = NAME_KEPT + 16 };

/* Whether enough engines took it for something to be said. */
static bool is_taken(const struct px_program *program, const struct isolated *isolated)
{
    size_t engines = 0;
    for (size_t i = 0; i < isolated->engine_count; i++)
        engines += isolate_judged(isolated, i);
    return isolated->diverged > 0 || engines >= 2 || (engines == 1 && program->has_expect);
}

static enum px_status check_expect(struct gate *gate, size_t at, const struct px_program *program,
                                   const struct isolated *isolated, struct px_error *err)
{
    const char *path = gate->cases[at].name;
    enum px_status status = PX_OK;
    char what[128];
    if (!program->has_expect || isolated->runs == 0)
        return PX_OK;
    for (size_t i = 0; i < isolated->engine_count && status == PX_OK; i++)
        if (isolate_missed(isolated, i, &program->expect, what, sizeof what))
            status =
                gate_add_trouble(gate, GATE_EXPECTATION, at, path, err, "%s: %s", isolated->specs[i], what);
    return status;
}

/* The file's name among the findings; a prefix keeps it apart from what else is there. */
static void name_finding(const char *path, char name[NAME_ROOM])
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base) - strlen(".px");
    (void)snprintf(name, NAME_ROOM, "corpus-%.*s.px", length < NAME_KEPT ? (int)length : NAME_KEPT, base);
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
static enum px_status confirm(struct gate_session *s, size_t at, struct px_program *program,
                              const struct isolated *seen, struct px_error *err)
{
    struct isolated again;
    struct triaged triaged;
    char name[NAME_ROOM];
    name_finding(s->gate->cases[at].name, name);
    enum px_status status = run_alone(s, program, CAMPAIGN_CONFIRM_RUNS, &again, err);
    if (status != PX_OK)
        return status == PX_ERR_FULL ? PX_OK : status; /* Ctrl-C: it is as if it had not run */
    if (again.diverged > 0)
        status = triage_program(&s->triage, program, name, &again, s->gate->found, &triaged, err);
    else
        status =
            triage_unstable(&s->triage, program, name, &seen->finding, &again, s->gate->found, &triaged, err);
    return status == PX_OK ? gate_take(s, at, 0, &triaged, &seen->finding, err) : status;
}

static enum px_status run(struct gate_session *s, size_t at, struct px_program *program, struct px_error *err)
{
    struct isolated isolated;
    struct gate_case *c = &s->gate->cases[at];
    enum px_status status = px_program_load(program, c->name, err);
    if (status == PX_OK)
        status = run_alone(s, program, 1, &isolated, err);
    if (status == PX_ERR_FULL) /* and Ctrl-C: it did not run */
        return PX_OK;
    if (status != PX_OK)
        return status;
    c->state = is_taken(program, &isolated) ? GATE_RUN : GATE_UNTAKEN;
    c->programs = c->state == GATE_RUN;
    status = check_expect(s->gate, at, program, &isolated, err);
    if (status == PX_OK && isolated.diverged > 0)
        status = confirm(s, at, program, &isolated, err);
    return status;
}

enum px_status gate_run_file(struct gate_session *session, size_t at, struct px_error *err)
{
    struct px_program program;
    struct gate_case *c = &session->gate->cases[at];
    double start = gate_now();
    px_program_init(&program);
    enum px_status status = run(session, at, &program, err);
    px_program_fini(&program);
    c->seconds = gate_now() - start;
    return status;
}
