/* Small programs, each run once in the life of a probe. */
#include "harness/locate_search.h"

#include <string.h>

#include "harness/seen.h"

/* Where @key is or belongs. */
static struct locate_trial *find(struct locate_memo *memo, uint64_t key)
{
    if (memo->count > LOCATE_TRIALS_MAX / 2)
        memset(memo, 0, sizeof *memo);
    for (size_t i = 0; i < LOCATE_TRIALS_MAX; i++) {
        struct locate_trial *trial = &memo->trials[(key + i) & (LOCATE_TRIALS_MAX - 1)];
        if (trial->key == 0 || trial->key == key)
            return trial;
    }
    memset(memo, 0, sizeof *memo); /* code under test has written here */
    return &memo->trials[0];
}

static void record(struct locate_trial *trial, const struct verdict *v)
{
    const struct finding *f = &v->finding;
    trial->differs = v->differs;
    if (!v->differs)
        return;
    trial->died = v->died;
    trial->compiling = v->compiling;
    trial->kind = f->kind;
    trial->signal = f->signal;
    trial->fields = v->died ? 0 : f->diff.fields;
    trial->exit_a = f->diff.a.exit;
    trial->exit_b = f->diff.b.exit;
    trial->arg_a = f->diff.a.arg;
    trial->arg_b = f->diff.b.arg;
}

bool locate_tired(const struct search *s)
{
    return s->tries >= LOCATE_TRIES_MAX || s->try_deaths >= LOCATE_TRY_DEATHS_MAX;
}

/* Not remembered yet, as *t. */
static enum px_status run_trial(struct search *s, uint64_t key, struct locate_trial *t)
{
    const bool sweep = s->sweep, warm = s->warm;
    struct verdict v = { .differs = false };
    struct px_image image;
    px_program_image(&s->variant.program, &image);
    enum px_status status = px_image_check(&image, s->err);
    s->sweep = true;
    for (int run = 0; run < 3 && status == PX_OK && !v.differs; run++) {
        s->warm = run == 2;
        if (run != 1)
            locate_release(s, &s->variant);
        status = locate_look(s, &s->variant, STAGE_TRIAL, key, 0, &v);
    }
    locate_release(s, &s->variant);
    s->sweep = sweep;
    s->warm = warm;
    if (status != PX_OK)
        return status;
    *t = (struct locate_trial){ .key = key };
    record(t, &v);
    s->l->memo->count++;
    return PX_OK;
}

enum px_status locate_try(struct search *s, const struct locate_trial **trial)
{
    uint64_t key = seen_digest(&s->variant.program) + s->other * UINT64_C(0x9e3779b97f4a7c15);
    key += key == 0;
    *trial = &s->untried;
    if (locate_tired(s))
        return PX_OK;
    struct locate_trial *t = find(s->l->memo, key);
    enum px_status status = t->key == key ? PX_OK : run_trial(s, key, t);
    if (status != PX_OK)
        return status;
    s->tries++;
    s->try_deaths += t->died;
    *trial = t;
    return PX_OK;
}

enum px_status locate_runs_out(struct search *s, bool *out)
{
    const struct locate_step step = { .stage = STAGE_TRACE, .number = seen_digest(&s->variant.program) };
    struct trace trace = { .count = 0 };
    struct px_image image;
    *out = false;
    if (!s->l->reference || locate_died(s->l->journal, step))
        return PX_OK;
    px_program_image(&s->variant.program, &image);
    s->l->journal->step = step;
    enum px_status status = trace_block(&trace, s->l->reference, &image, 0, s->err);
    s->l->journal->step.stage = STAGE_NONE;
    *out = trace.count > 0 && trace.exit == PX_EXIT_OUT_OF_GAS;
    trace_fini(&trace);
    return status;
}
