#define _GNU_SOURCE
#include "harness/locate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/locate_search.h"

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
    enum px_status status = run_prepare(run, &image, flags, &view->slot, s->err);
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
        status = prepare(s, view, stage == STAGE_WHOLE ? 0 : PX_PREPARE_STOPPABLE);
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

/* The whole program as a campaign runs it, against one engine: without and, if need be, with a full sweep. */
static enum px_status look_at_whole(struct search *s, size_t other)
{
    s->other = other;
    enum px_status status = PX_OK;
    for (unsigned sweep = 0; sweep < 2 && status == PX_OK && !s->at.differs; sweep++) {
        s->sweep = sweep;
        status = locate_look(s, &s->whole, STAGE_WHOLE, other * 2 + sweep, 0, &s->at);
    }
    locate_release(s, &s->whole);
    return status;
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
    (void)snprintf(b->engines, sizeof b->engines, "%.60s|%.60s", engine_spec(&s->l->run->engines[0]),
                   engine_spec(&s->l->run->engines[s->other]));
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
    *gate = false;
    if (at.died || (diff->a.exit == PX_EXIT_OUT_OF_GAS) == (diff->b.exit == PX_EXIT_OUT_OF_GAS) ||
        gas > UINT64_MAX - LOCATE_GAS_RAISE)
        return PX_OK;
    const struct px_program *p = &s->whole.program;
    uint32_t pc = diff->a.exit == PX_EXIT_OUT_OF_GAS ? diff->a.pc : diff->b.pc;
    if (pc < p->code_size && (px_ops[px_decode(p->code, p->code_size, pc).op].effects & PX_EFF_CALL))
        return PX_OK; /* a host call looks at gas by itself */
    locate_release(s, &s->whole);
    s->whole.program.gas += LOCATE_GAS_RAISE;
    s->blocks = STAGE_RAISED;
    enum px_status status = find_block(s, block);
    if (status != PX_OK || s->block != 0)
        return status;
    locate_release(s, &s->whole);
    s->whole.program.gas = gas;
    s->blocks = STAGE_BLOCKS;
    s->block = block;
    s->at = at;
    *gate = true;
    return PX_OK;
}

static void write_death(const struct finding *finding, char *text, size_t size)
{
    const char *name = finding->signal ? sigabbrev_np(finding->signal) : NULL;
    if (finding->kind == FINDING_HANG)
        (void)snprintf(text, size, "hang");
    else
        (void)snprintf(text, size, "%s%s", name ? "SIG" : "died", name ? name : "");
}

static void write_verdict(struct bucket *b, const struct verdict *v)
{
    const struct diff *diff = &v->finding.diff;
    (void)snprintf(b->operands, sizeof b->operands, "-");
    if (v->died) {
        write_death(&v->finding, b->fields, sizeof b->fields);
        return;
    }
    (void)snprintf(b->fields, sizeof b->fields, "%s", bucket_field(diff->fields));
    if (diff->fields & (DIFF_EXIT | DIFF_ARG))
        bucket_exits(&diff->a, &diff->b, b->operands, sizeof b->operands);
}

static void write_op(struct bucket *b, const char *op)
{
    (void)snprintf(b->op, sizeof b->op, "%s", op);
}

/* The block's instruction that most likely has to do with what differs behind it. */
static struct px_insn likeliest(const struct search *s)
{
    const struct px_program *p = &s->whole.program;
    const struct diff *diff = &s->at.finding.diff;
    const char *field = s->at.died ? "" : bucket_field(diff->fields);
    size_t chosen = s->count - 1;
    for (size_t i = 0; i < s->count; i++) {
        struct px_insn insn = px_decode(p->code, p->code_size, s->offsets[i]);
        unsigned effects = px_ops[insn.op].effects;
        if (strcmp(field, "reg") == 0 && insn.rd != 0 && (diff->fields & (uint32_t)DIFF_X0 << insn.rd))
            chosen = i;
        if (strcmp(field, "mem") == 0 && (effects & PX_EFF_STORE))
            chosen = i;
        if (strcmp(field, "gas") == 0 && (effects & (PX_EFF_STORE | PX_EFF_LOAD))) {
            chosen = i;
            break;
        }
    }
    return px_decode(p->code, p->code_size, s->offsets[chosen]);
}

/* From the block to the instruction, if the block lets itself be cut. */
static enum px_status look_into_block(struct search *s)
{
    struct bucket *b = s->bucket;
    bool possible;
    size_t keep;
    struct verdict agreed;
    enum px_status status = locate_find_insn(s, &possible, &keep, &agreed);
    if (status != PX_OK)
        return status;
    if (!possible) {
        write_op(b, px_ops[likeliest(s).op].mnemonic);
        write_verdict(b, &s->at);
        (void)snprintf(b->operands, sizeof b->operands, "in-its-block");
        b->place = BUCKET_BLOCK;
        return PX_OK;
    }
    const struct px_program *p = &s->whole.program;
    b->place = BUCKET_INSN;
    b->number = keep;
    b->count = s->count;
    b->at = s->at.finding;
    b->pc = s->offsets[keep - 1];
    b->insn = px_decode(p->code, p->code_size, b->pc);
    b->x_known = !agreed.died && agreed.a.exit == PX_EXIT_STOPPED;
    memcpy(b->x, agreed.a.x, sizeof b->x);
    write_op(b, px_ops[b->insn.op].mnemonic);
    write_verdict(b, &s->at);
    return locate_find_cause(s, keep);
}

/* Nothing differs in lockstep, or not for the reason that the whole program does. */
static void name_vanished(struct search *s, const struct verdict *whole)
{
    struct bucket *b = s->bucket;
    const struct px_program *p = &s->whole.program;
    const struct finding *f = &b->finding;
    write_verdict(b, whole);
    bool pc_known = whole->died && f->guest_pc_known && f->guest_pc < p->code_size;
    if (whole->compiling)
        write_op(b, "compile");
    else
        write_op(b, pc_known ? px_ops[px_decode(p->code, p->code_size, f->guest_pc).op].mnemonic : "?");
    (void)snprintf(b->operands, sizeof b->operands, "%s", whole->compiling ? "-" : "vanishes-in-lockstep");
    b->place = BUCKET_VANISHED;
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
    const struct px_outcome *a = &s->at.finding.diff.a;
    bool entry = !s->at.died && s->block == 1 && a->exit == PX_EXIT_PANIC && a->arg == PX_PANIC_BAD_ENTRY;
    if (!gate && !entry && s->count > 0)
        return look_into_block(s);
    write_op(b, gate ? "gate" : entry ? "entry" : "end");
    write_verdict(b, &s->at);
    if (entry || gate) /* how the side that was let in went on is chance */
        (void)snprintf(b->operands, sizeof b->operands, "%s",
                       entry                           ? "bad-entry/none"
                       : a->exit == PX_EXIT_OUT_OF_GAS ? "out_of_gas/none"
                                                       : "none/out_of_gas");
    b->place = BUCKET_BLOCK;
    return PX_OK;
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
        name_vanished(s, &whole);
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
    free(s);
    return status;
}
