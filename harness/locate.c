#define _GNU_SOURCE
#include "harness/locate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/locate_search.h"

enum { WARMING = 2 }; /* what is learnt of a program, and what that teaches: as when it is confirmed */
enum { DEADLINE_FACTOR = 50 }; /* times the first engine's time, of which the deadline is never less */

void locate_release(struct search *s, struct view *view)
{
    if (view->prepared)
        run_release(s->l->run, &view->slot);
    view->prepared = false;
}

static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Engine 0 is not timed: gas bounds it. The others get a multiple of its time. */
static enum px_status run_engines(struct search *s, struct view *view, uint64_t stop,
                                  struct run_result *result)
{
    struct run *run = s->l->run;
    struct px_entry entry = run_entry(&view->slot.image);
    struct hostfault *deadline = s->l->deadline;
    entry.stop_after_blocks = stop;
    double start = cpu_time();
    enum px_status status = run_engine(run, &view->slot, 0, &entry, result, s->err);
    if (deadline) {
        double ticks = (cpu_time() - start) * (double)DEADLINE_FACTOR * 1000 / (double)deadline->tick_ms;
        deadline->ticks_max = 2 + (ticks < 1e6 ? (unsigned)ticks : 1000000);
    }
    for (size_t i = 1; i < run->count && status == PX_OK; i++) {
        if (!view->slot.supported[i])
            continue;
        atomic_store(s->l->running, ++s->l->runs); /* a new number: the timer counts anew */
        status = run_engine(run, &view->slot, i, &entry, result, s->err);
    }
    atomic_store(s->l->running, 0);
    if (status == PX_OK)
        status = run_judge(run, &view->slot, s->sweep, result, s->err);
    return status;
}

const struct locate_death *locate_died(const struct locate_journal *journal, struct locate_step step)
{
    for (size_t i = 0; i < journal->death_count; i++)
        if (journal->deaths[i].step.stage == step.stage && journal->deaths[i].step.number == step.number)
            return &journal->deaths[i];
    return NULL;
}

static enum px_status prepare(struct search *s, struct view *view, unsigned flags)
{
    struct px_image image;
    struct run *run = s->l->run;
    for (size_t i = 0; i < run->count; i++) {
        run->engines[i].ops->reset(
            run->engines[i].instance); /* no program may owe anything to an earlier one */
        run->active[i] = i == 0 || i == s->other;
    }
    px_program_image(&view->program, &image);
    s->l->journal->compiling = true;
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < (s->warm ? WARMING : 0) && status == PX_OK; i++) {
        status = run_prepare(run, &image, flags, &view->slot, s->err);
        if (status == PX_OK)
            run_release(run, &view->slot);
    }
    if (status == PX_OK)
        status = run_prepare(run, &image, flags, &view->slot, s->err);
    s->l->journal->compiling = false;
    view->prepared = status == PX_OK;
    return status;
}

/* Runs @view from its entry to the end, or for @stop blocks. */
enum px_status locate_look(struct search *s, struct view *view, enum stage stage, uint64_t number,
                           uint64_t stop, struct verdict *v)
{
    struct locate_journal *journal = s->l->journal;
    struct locate_step step = { .stage = stage, .number = number };
    const struct locate_death *death = locate_died(journal, step);
    *v = (struct verdict){ .differs = false };
    if (death) {
        v->differs = v->died = true;
        v->finding = death->finding;
        v->compiling = death->compiling;
        return PX_OK;
    }
    journal->step = step;
    struct run_result result;
    enum px_status status = PX_OK;
    if (!view->prepared)
        status = prepare(s, view, stop == 0 ? 0 : PX_PREPARE_STOPPABLE);
    bool both = status == PX_OK && view->slot.supported[0] && view->slot.supported[s->other];
    if (both)
        status = run_engines(s, view, stop, &result);
    journal->step.stage = STAGE_NONE;
    if (status != PX_OK || !both)
        return status;
    v->a = result.outcomes[0];
    v->differs = result.diff.fields != 0;
    v->finding = (struct finding){ .kind = FINDING_DIFF, .other = s->other, .diff = result.diff };
    return PX_OK;
}

/*
 * The whole program as a campaign runs it, against one engine: without and, if need be, with a full sweep; then by engines that
 * have met it before.
 */
static enum px_status look_at_whole(struct search *s, size_t other)
{
    enum { COLD, SWEPT, WARM, WAYS };
    enum px_status status = PX_OK;
    s->other = other;
    for (unsigned way = COLD; way < WAYS && status == PX_OK && !s->at.differs; way++) {
        s->sweep = way != COLD;
        s->warm = way == WARM;
        if (s->warm)
            locate_release(s, &s->whole);
        status = locate_look(s, &s->whole, STAGE_WHOLE, other * WAYS + way, 0, &s->at);
    }
    locate_release(s, &s->whole);
    return status;
}

void locate_write_engines(struct search *s, size_t other)
{
    const struct engine *engines = s->l->run->engines;
    (void)snprintf(s->bucket->engines, sizeof s->bucket->engines, "%.60s|%.60s", engine_spec(&engines[0]),
                   engine_spec(&engines[other]));
}

static enum px_status find_engine(struct search *s, size_t other)
{
    enum px_status status = PX_OK;
    size_t first = other ? other : 1, last = other ? other : s->l->run->count - 1;
    for (size_t i = first; i <= last && status == PX_OK && !s->at.differs; i++)
        status = look_at_whole(s, i);
    struct bucket *b = s->bucket;
    b->diverges = s->at.differs;
    b->finding = s->at.finding;
    b->finding.other = s->other;
    locate_write_engines(s, s->other);
    return status;
}

enum px_status locate_after_blocks(struct search *s, uint64_t k, struct verdict *v)
{
    return locate_look(s, &s->whole, s->blocks, k, k, v);
}

/* Sets s->block and s->at; block 0 when both sides stay equal to the end, or to block @limit. */
static enum px_status find_block(struct search *s, uint64_t limit)
{
    uint64_t agreed = 0, k = 1;
    enum px_status status = PX_OK;
    s->block = 0;
    for (;; k = k < LOCATE_LINEAR ? k + 1 : 2 * k) {
        status = locate_after_blocks(s, k, &s->at);
        if (status != PX_OK || s->at.differs)
            break;
        if (s->at.a.exit != PX_EXIT_STOPPED || k >= limit)
            return PX_OK;
        agreed = k;
    }
    while (status == PX_OK && k - agreed > 1) {
        struct verdict v = { .died = false };
        uint64_t middle = agreed + (k - agreed) / 2;
        status = locate_after_blocks(s, middle, &v);
        if (v.differs) {
            k = middle;
            s->at = v;
        } else {
            agreed = middle;
        }
    }
    s->block = k;
    return status;
}

/* One side is refused by the gate of a block. Which instruction is mispriced shows when gas does not end there. */
static enum px_status look_behind_gate(struct search *s, bool *gate)
{
    const struct diff *diff = &s->at.finding.diff;
    uint64_t block = s->block, gas = s->whole.program.gas;
    struct verdict at = s->at;
    *gate = !at.died && diff->a.exit == PX_EXIT_OUT_OF_GAS && diff->b.exit == PX_EXIT_OUT_OF_GAS &&
            diff->a.pc == diff->b.pc && (diff->fields & DIFF_GAS); /* refused, and yet charged */
    if (*gate || at.died || (diff->a.exit == PX_EXIT_OUT_OF_GAS) == (diff->b.exit == PX_EXIT_OUT_OF_GAS))
        return PX_OK;
    const struct px_program *p = &s->whole.program;
    uint32_t pc = diff->a.exit == PX_EXIT_OUT_OF_GAS ? diff->a.pc : diff->b.pc;
    if (pc < p->code_size && (px_ops[px_decode(p->code, p->code_size, pc).op].effects & PX_EFF_CALL))
        return PX_OK; /* a host call looks at gas by itself */
    *gate = gas > UINT64_MAX - LOCATE_GAS_RAISE; /* no gas is more than that */
    if (*gate)
        return PX_OK;
    locate_release(s, &s->whole);
    s->whole.program.gas += LOCATE_GAS_RAISE;
    s->blocks = STAGE_RAISED;
    enum px_status status = find_block(s, block);
    const struct diff *still = &s->at.finding.diff;
    bool refused = s->block != 0 && !s->at.died &&
                   (still->a.exit == PX_EXIT_OUT_OF_GAS) != (still->b.exit == PX_EXIT_OUT_OF_GAS);
    if (status != PX_OK || (s->block != 0 && !refused))
        return status;
    locate_release(s, &s->whole);
    s->whole.program.gas = gas;
    s->blocks = STAGE_BLOCKS;
    s->block = block;
    s->at = at;
    *gate = true;
    return PX_OK;
}

static enum px_status name_block(struct search *s)
{
    struct bucket *b = s->bucket;
    bool gate;
    enum px_status status = look_behind_gate(s, &gate);
    if (status == PX_OK)
        status = locate_look_before(s);
    if (status != PX_OK)
        return status;
    b->block = s->block;
    b->block_pc = s->before.a.pc;
    memcpy(b->block_x, s->before.a.x, sizeof b->block_x);
    b->block_gas = s->before.a.gas;
    b->at = s->at.finding;
    locate_read_block(s, b->block_pc);
    return gate ? locate_name_gate(s) : locate_name_block(s);
}

static enum px_status search_all(struct search *s, size_t other)
{
    enum px_status status = find_engine(s, other);
    if (status != PX_OK || !s->at.differs)
        return status;
    struct verdict whole = s->at;
    if (!whole.compiling)
        status = find_block(s, UINT64_MAX);
    if (status == PX_OK && s->block == 0)
        status = locate_name_vanished(s, &whole);
    else if (status == PX_OK)
        status = name_block(s);
    if (status == PX_OK)
        bucket_name(s->bucket);
    return status;
}

enum px_status locate(struct locate *l, const struct px_program *program, size_t other, struct bucket *bucket,
                      struct px_error *err)
{
    struct search *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for the search");
    *bucket = (struct bucket){ .diverges = false };
    s->l = l;
    s->err = err;
    s->bucket = bucket;
    s->blocks = STAGE_BLOCKS;
    enum px_status status = px_program_copy(&s->whole.program, program);
    if (status == PX_OK)
        status = search_all(s, other);
    locate_release(s, &s->whole);
    locate_release(s, &s->variant);
    px_program_fini(&s->whole.program);
    px_program_fini(&s->variant.program);
    px_program_fini(&s->snapshot);
    trace_fini(&s->trace);
    free(s);
    return status;
}
