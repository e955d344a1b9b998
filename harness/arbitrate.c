#include "harness/arbitrate.h"

#include <stdio.h>
#include <string.h>

#include "harness/oracle/oracle.h"

static const char oracle[] = "qemu";

/* What an engine and the oracle are to each other over a program. */
enum opinion {
    OPINION_AGREES,
    OPINION_DIFFERS,
    OPINION_NONE, /* the oracle gives no verdict, or the engine dies */
};

struct question {
    const char *engines; /* the list that the finding comes from */
    struct px_program *program;
    enum opinion opinions[2]; /* of the first engine, of the other */
    char why[160]; /* OPINION_NONE: for want of what */
};

static const char *reason_text(const struct px_outcome *out)
{
    static const char *const texts[PX_UNJUDGED_COUNT] = {
        [PX_UNJUDGED_EXTENSION] = "the program runs an instruction that it does not know",
        [PX_UNJUDGED_HOSTCALL] = "the program makes a host call that goes on",
        [PX_UNJUDGED_GAS] = "the program runs out of gas, of which it knows nothing",
        [PX_UNJUDGED_TIME] = "it does not come to an end with the program",
        [PX_UNJUDGED_SIZE] = "the program touches more memory than it holds",
        [PX_UNJUDGED_LOST] = "it dies over the program",
    };
    return out->arg >= 0 && out->arg < PX_UNJUDGED_COUNT ? texts[out->arg] : "it gives no reason";
}

/* Holds engine number @index, called @spec, against the oracle. */
static enum px_status ask(size_t index, const char *spec, struct question *q, enum opinion *opinion,
                          struct px_error *err)
{
    char engine[ENGINES_TEXT], list[ENGINES_TEXT + 16];
    struct isolated result;
    const struct sandbox sandbox = { .engines = list };
    enum px_status status = engines_pick(q->engines, index, engine, err);
    if (status != PX_OK)
        return status;
    (void)snprintf(list, sizeof list, "%s,%s", engine, oracle);
    status = isolate_run(&sandbox, q->program, 1, &result, err);
    if (status != PX_OK)
        return status;
    const struct px_outcome *out = &result.outcomes[1];
    *opinion = OPINION_NONE;
    if (result.runs == 0)
        (void)snprintf(q->why, sizeof q->why, "%.64s dies over the program", spec);
    else if (!result.supported[1])
        (void)snprintf(q->why, sizeof q->why, "the program is too large for it");
    else if (out->exit == PX_EXIT_UNJUDGED)
        (void)snprintf(q->why, sizeof q->why, "%s", reason_text(out));
    else
        *opinion = result.diverged > 0 ? OPINION_DIFFERS : OPINION_AGREES;
    return PX_OK;
}

/*
 * Both sides' opinions. An engine that died or hung over the program has none to be asked for: the oracle differs. So it
 * does from one that meters no gas, which nothing can be held against, when it agrees with what that one differs from.
 */
static enum px_status ask_both(const struct isolated *isolated, struct question *q, struct px_error *err)
{
    const struct finding *f = &isolated->finding;
    enum px_status status = ask(0, isolated->specs[0], q, &q->opinions[0], err);
    q->opinions[1] = OPINION_DIFFERS;
    if (status != PX_OK || q->opinions[0] == OPINION_NONE || f->kind != FINDING_DIFF)
        return status;
    if (isolated->caps[f->other].gas)
        return ask(f->other, isolated->specs[f->other], q, &q->opinions[1], err);
    if (q->opinions[0] == OPINION_DIFFERS) {
        q->opinions[1] = OPINION_NONE;
        (void)snprintf(q->why, sizeof q->why, "%.64s meters no gas", isolated->specs[f->other]);
    }
    return PX_OK;
}

static bool takes_sides(const struct question *q)
{
    return q->opinions[0] != OPINION_NONE && q->opinions[1] != OPINION_NONE;
}

static void write_opinion(const struct isolated *isolated, const char *name, const struct question *q,
                          char *text, size_t size)
{
    const struct finding *f = &isolated->finding;
    const char *other = f->kind == FINDING_DIFF ? isolated->specs[f->other] : "the other";
    bool first = q->opinions[0] == OPINION_AGREES, second = q->opinions[1] == OPINION_AGREES;
    if (!takes_sides(q))
        (void)snprintf(text, size, "%s cannot tell: %s", name, q->why);
    else if (first && second)
        (void)snprintf(text, size, "%s cannot tell: what differs it does not look at", name);
    else if (first || second)
        (void)snprintf(text, size, "%s agrees with %s", name, first ? isolated->specs[0] : other);
    else
        (void)snprintf(text, size, "%s agrees with neither", name);
}

/* Whether the oracle was asked already, or cannot be. */
static bool nothing_to_ask(const struct isolated *isolated)
{
    for (size_t i = 0; i < isolated->engine_count; i++)
        if (strcmp(isolated->specs[i], oracle) == 0)
            return true;
    return isolated->finding.kind == FINDING_LEAK;
}

/* Asks about a copy of @program: to be run it must not be const. */
static enum px_status ask_about(const char *engines, const struct isolated *isolated,
                                const struct px_program *program, struct question *q, struct px_error *err)
{
    struct px_program copy;
    px_program_init(&copy);
    enum px_status status = px_program_copy(&copy, program);
    q->engines = engines;
    q->program = &copy;
    if (status == PX_OK)
        status = ask_both(isolated, q, err);
    else
        px_fail(err, status, "out of memory");
    q->program = NULL;
    px_program_fini(&copy);
    return status;
}

bool arbitrate(const char *engines, const struct isolated *isolated, const struct px_program *program,
               const struct px_program *minimal, char *text, size_t size)
{
    char version[ORACLE_VERSION_TEXT] = "", name[64];
    struct px_error err = { "" };
    struct question q, smaller;
    if (size > 0)
        text[0] = '\0';
    if (nothing_to_ask(isolated))
        return false;
    const char *where = "";
    enum px_status status = oracle_version(version, sizeof version, &err);
    if (status == PX_OK)
        status = ask_about(engines, isolated, program, &q, &err);
    if (status == PX_OK && !takes_sides(&q) && minimal) {
        status = ask_about(engines, isolated, minimal, &smaller, &err);
        if (status == PX_OK && takes_sides(&smaller)) {
            q = smaller;
            where = "on minimal.px ";
        }
    }
    (void)snprintf(name, sizeof name, "%s%s %s", where, oracle, version);
    if (status != PX_OK)
        (void)snprintf(text, size, "not asked: %s", err.text);
    else
        write_opinion(isolated, name, &q, text, size);
    return true;
}
