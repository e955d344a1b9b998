/* From a block to its instruction, and to the name of the bucket. */
#include <stdio.h>
#include <string.h>

#include "harness/reduce.h"
#include "vm/interp.h"

static void write_verdict(struct bucket *b, const struct verdict *v)
{
    const struct diff *diff = &v->finding.diff;
    (void)snprintf(b->operands, sizeof b->operands, "-");
    if (v->died) {
        bucket_death(v->finding.kind, v->finding.signal, b->fields, sizeof b->fields);
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
static size_t likeliest(const struct search *s)
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
    return chosen;
}

/* @block: 0 for the last one. A program that kills the reference has no trace. */
static enum px_status trace_it(struct search *s, uint64_t block)
{
    struct locate *l = s->l;
    struct px_image image;
    const struct locate_step step = { .stage = STAGE_TRACE, .number = block };
    enum px_status status = PX_OK;
    s->trace.count = 0;
    if (locate_died(l->journal, step))
        return PX_OK;
    if (!l->reference)
        status = px_interp_engine.create("", &l->reference, s->err);
    if (status != PX_OK)
        return status;
    px_program_image(&s->whole.program, &image);
    l->journal->step = step;
    status = trace_block(&s->trace, l->reference, &image, block, s->err);
    l->journal->step.stage = STAGE_NONE;
    return status;
}

/* Without a trace of the block, its instruction @index and the registers before it are known all the same. */
static enum px_status guess_trace(struct search *s, size_t index)
{
    const struct px_program *p = &s->whole.program;
    struct trace_step step = { .pc = s->offsets[index] };
    if (s->trace.count > 0)
        return PX_OK;
    step.insn = px_decode(p->code, p->code_size, step.pc);
    memcpy(step.x, s->agreed_x, sizeof step.x);
    return trace_only(&s->trace, index, &step, s->err);
}

/* Instruction @index of the block is the one. */
static void set_insn(struct search *s, size_t index)
{
    struct bucket *b = s->bucket;
    const struct px_program *p = &s->whole.program;
    b->place = BUCKET_INSN;
    b->number = index + 1;
    b->count = s->count;
    b->pc = s->offsets[index];
    b->insn = px_decode(p->code, p->code_size, b->pc);
    b->x_known = index < s->trace.count;
    if (b->x_known)
        memcpy(b->x, s->trace.steps[index].x, sizeof b->x);
}

/* The first of instructions @low to @high - 1 that diverges by itself. */
static enum px_status reduce_first(struct search *s, size_t low, size_t high, bool *named, size_t *index)
{
    enum px_status status = PX_OK;
    for (size_t i = low; i < high && i < s->trace.count && status == PX_OK && !*named; i++) {
        status = reduce_insn(s, &s->trace, i, named);
        *index = i;
    }
    return status;
}

/* Where cuts do not tell, or not the truth: any instruction before @end that meets memory, or ends its block. */
static enum px_status reduce_any(struct search *s, size_t end, bool *named, size_t *index)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < end && i < s->trace.count && status == PX_OK && !*named; i++) {
        unsigned effects = px_ops[s->trace.steps[i].insn.op].effects;
        if (!(effects & (PX_EFF_LOAD | PX_EFF_STORE | PX_EFF_TERM)))
            continue;
        status = reduce_insn(s, &s->trace, i, named);
        *index = i;
    }
    return status;
}

enum { WRITERS_MAX = 8 };

/*
 * A cut that takes away what the wrong instruction needs, though it comes later, blames the one that it was at: then those in
 * front of it are looked at that wrote a register that differs, or one that it reads, from the last one on.
 */
static enum px_status reduce_writers(struct search *s, size_t blamed, bool *named, size_t *index)
{
    enum px_status status = PX_OK;
    uint32_t registers = s->at.died ? 0 : (s->at.finding.diff.fields & DIFF_REGISTERS) / DIFF_X0;
    unsigned writers = 0;
    if (blamed >= s->trace.count)
        return PX_OK;
    const struct px_insn *insn = &s->trace.steps[blamed].insn;
    registers |= px_ops[insn->op].regs & PX_HAS_RS1 ? 1u << insn->rs1 : 0;
    registers |= px_ops[insn->op].regs & PX_HAS_RS2 ? 1u << insn->rs2 : 0;
    for (size_t i = blamed; i-- > 0 && writers < WRITERS_MAX && status == PX_OK && !*named;) {
        uint8_t rd = s->trace.steps[i].insn.rd;
        if (rd == 0 || !(registers >> rd & 1))
            continue;
        status = reduce_insn(s, &s->trace, i, named);
        *index = i;
        writers++;
    }
    return status;
}

/* Without the simplest program: by the instruction, as far as it is known, and what differs behind its block. */
static void name_coarsely(struct search *s, const char *op, const struct verdict *v, const char *operands)
{
    struct bucket *b = s->bucket;
    locate_write_engines(s, s->other);
    write_op(b, op);
    write_verdict(b, v);
    (void)snprintf(b->operands, sizeof b->operands, "%s", operands);
}

static void name_exits(struct search *s, const char *op)
{
    write_op(s->bucket, op);
    write_verdict(s->bucket, &s->at);
    s->bucket->place = BUCKET_BLOCK;
}

/* The instruction between @low and @high, or where they say nothing (not @possible), any; *index is where to look. */
static enum px_status reduce_block(struct search *s, bool possible, size_t low, size_t high, bool *named,
                                   size_t *index)
{
    enum px_status status = PX_OK;
    bool gas_alone = !s->at.died && s->at.finding.diff.fields == DIFF_GAS;
    *named = false;
    if (possible && s->trace.count == 0)
        status = guess_trace(s, low);
    if (status == PX_OK && gas_alone)
        status = reduce_price(s, &s->trace, possible ? high : s->count, named, index);
    if (status == PX_OK && !*named && possible)
        status = reduce_first(s, low, high, named, index);
    if (status == PX_OK && !*named)
        status = reduce_any(s, possible ? low : s->count, named, index);
    if (status == PX_OK && !*named && possible)
        status = reduce_writers(s, high - 1, named, index);
    if (status != PX_OK || *named)
        return status;
    *index = possible ? high - 1 : likeliest(s);
    if (!s->at.died &&
        (s->at.finding.diff.fields & DIFF_GAS)) /* with all the gas it could want nothing differs: a gate */
        status = reduce_gate(s, named);
    if (status != PX_OK || *named || !gas_alone)
        return status;
    *named = true;
    return reduce_sum(s);
}

enum px_status locate_name_block(struct search *s)
{
    struct bucket *b = s->bucket;
    const struct px_outcome *a = &s->at.finding.diff.a;
    bool possible, named;
    size_t low = 0, high = s->count, index = 0;
    if (!s->at.died && s->block == 1 && a->exit == PX_EXIT_PANIC && a->arg == PX_PANIC_BAD_ENTRY) {
        name_exits(s, "entry");
        (void)snprintf(b->operands, sizeof b->operands, "bad-entry/none");
        return PX_OK;
    }
    if (s->count == 0) {
        name_exits(s, "end");
        return PX_OK;
    }
    enum px_status status = trace_it(s, s->block);
    if (status == PX_OK)
        status = locate_find_insn(s, &possible, &low, &high);
    if (status != PX_OK)
        return status;
    b->at = s->at.finding;
    status = reduce_block(s, possible, low, high, &named, &index);
    if (status != PX_OK)
        return status;
    if (locate_tired(s)) {
        named = false;
        index = possible ? high - 1 : likeliest(s);
    }
    set_insn(s, index);
    if (!named)
        name_coarsely(s, px_ops[b->insn.op].mnemonic, &s->at, possible ? "in-context" : "in-its-block");
    if (!named && !possible)
        b->place = BUCKET_BLOCK;
    return b->place == BUCKET_INSN ? locate_find_bytes(s, b->number - 1) : PX_OK;
}

enum px_status locate_name_gate(struct search *s)
{
    struct bucket *b = s->bucket;
    bool named = false;
    b->place = BUCKET_BLOCK;
    enum px_status status = reduce_gate(s, &named);
    if (status != PX_OK || named)
        return status;
    const struct diff *diff = &s->at.finding.diff;
    write_op(b, "gate");
    write_verdict(b, &s->at);
    if (diff->fields & DIFF_EXIT) /* how the side that was let in went on is chance */
        (void)snprintf(b->operands, sizeof b->operands, "%s",
                       diff->a.exit == PX_EXIT_OUT_OF_GAS ? "out_of_gas/none" : "none/out_of_gas");
    return PX_OK;
}

/* What ends the program is looked at all the same: stops between blocks may have hidden it. */
static enum px_status reduce_end(struct search *s, bool *named)
{
    enum px_status status = trace_it(s, 0);
    *named = false;
    for (size_t i = s->trace.count; i-- > 0 && status == PX_OK && !*named;)
        status = reduce_insn(s, &s->trace, i, named);
    return status;
}

/* Nothing differs in lockstep, or not for the reason that the whole program does. */
enum px_status locate_name_vanished(struct search *s, const struct verdict *whole)
{
    struct bucket *b = s->bucket;
    const struct px_program *p = &s->whole.program;
    const struct finding *f = &b->finding;
    bool named = false;
    b->place = BUCKET_VANISHED;
    if (whole->compiling) {
        name_coarsely(s, "compile", whole, "-");
        return PX_OK;
    }
    enum px_status status = reduce_end(s, &named);
    if (status != PX_OK || (named && !locate_tired(s)))
        return status;
    bool pc_known = whole->died && f->guest_pc_known && f->guest_pc < p->code_size;
    name_coarsely(s, pc_known ? px_ops[px_decode(p->code, p->code_size, f->guest_pc).op].mnemonic : "?",
                  whole, "vanishes-in-lockstep");
    return PX_OK;
}
