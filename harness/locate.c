#define _GNU_SOURCE
#include "harness/locate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCK_MAX = 4096, /* instructions of a block that is looked into */
    SNAPSHOT_MAX = 8 << 20, /* bytes of memory content in a snapshot */
    DEADLINE_FACTOR = 50, /* times the first engine's time, of which the deadline is never less */
    GAS_RAISE = 1 << 20,
};

/* What a run belongs to; with its number it names the run in the journal. */
enum stage {
    STAGE_NONE,
    STAGE_WHOLE,
    STAGE_BLOCKS,
    STAGE_RAISED, /* blocks once more, with more gas */
    STAGE_CHECK,
    STAGE_CUT,
    STAGE_OPERANDS,
    STAGE_PRICE,
};

struct verdict {
    bool differs, died, compiling;
    struct finding finding; /* when it differs */
    struct px_outcome a;    /* of engine 0, unless it died */
};

/* A program and, once it ran, what the engines made of it. */
struct view {
    struct px_program program;
    struct run_slot slot;
    bool prepared;
};

struct search {
    struct locate *l;
    struct px_error *err;
    struct bucket *bucket;
    size_t other;
    bool sweep;
    enum stage blocks; /* STAGE_BLOCKS or STAGE_RAISED */
    struct view whole, variant;
    struct px_program snapshot;
    bool from_snapshot;
    uint64_t block;      /* the one that diverges */
    struct verdict at;   /* behind it */
    struct verdict before;
    uint32_t offsets[BLOCK_MAX];
    size_t count; /* of its instructions */
};

static void view_release(struct search *s, struct view *view)
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
    uint64_t number = atomic_load(s->l->running) + 1;
    for (size_t i = 1; i < run->count && status == PX_OK; i++) {
        if (!view->slot.supported[i])
            continue;
        atomic_store(s->l->running, number + i);
        status = run_engine(run, &view->slot, i, &entry, result, s->err);
    }
    atomic_store(s->l->running, 0);
    if (status == PX_OK)
        status = run_judge(run, &view->slot, s->sweep, result, s->err);
    return status;
}

static const struct locate_death *died_before(const struct locate_journal *journal, struct locate_step step)
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
    for (size_t i = 0; i < run->count; i++)
        run->active[i] = i == 0 || i == s->other;
    px_program_image(&view->program, &image);
    s->l->journal->compiling = true;
    enum px_status status = run_prepare(run, &image, flags, &view->slot, s->err);
    s->l->journal->compiling = false;
    view->prepared = status == PX_OK;
    return status;
}

/* Runs @view from its entry to the end, or for @stop blocks. */
static enum px_status look(struct search *s, struct view *view, enum stage stage, uint64_t number,
                           uint64_t stop, struct verdict *v)
{
    struct locate_journal *journal = s->l->journal;
    struct locate_step step = { .stage = stage, .number = number };
    const struct locate_death *death = died_before(journal, step);
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
        status = look(s, &s->whole, STAGE_WHOLE, other * 2 + sweep, 0, &s->at);
    }
    view_release(s, &s->whole);
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

static enum px_status after_blocks(struct search *s, uint64_t k, struct verdict *v)
{
    return look(s, &s->whole, s->blocks, k, k, v);
}

/* Sets s->block and s->at; block 0 when both sides stay equal to the end, or to block @limit. */
static enum px_status find_block(struct search *s, uint64_t limit)
{
    uint64_t agreed = 0, k = 1;
    enum px_status status = PX_OK;
    s->block = 0;
    for (;; k = k < LOCATE_LINEAR ? k + 1 : 2 * k) {
        status = after_blocks(s, k, &s->at);
        if (status != PX_OK || s->at.differs)
            break;
        if (s->at.a.exit != PX_EXIT_STOPPED || k >= limit)
            return PX_OK;
        agreed = k;
    }
    while (status == PX_OK && k - agreed > 1) {
        struct verdict v;
        uint64_t middle = agreed + (k - agreed) / 2;
        status = after_blocks(s, middle, &v);
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
        gas > UINT64_MAX - GAS_RAISE)
        return PX_OK;
    const struct px_program *p = &s->whole.program;
    uint32_t pc = diff->a.exit == PX_EXIT_OUT_OF_GAS ? diff->a.pc : diff->b.pc;
    if (pc < p->code_size && (px_ops[px_decode(p->code, p->code_size, pc).op].effects & PX_EFF_CALL))
        return PX_OK; /* a host call looks at gas by itself */
    view_release(s, &s->whole);
    s->whole.program.gas += GAS_RAISE;
    s->blocks = STAGE_RAISED;
    enum px_status status = find_block(s, block);
    if (status != PX_OK || s->block != 0)
        return status;
    view_release(s, &s->whole);
    s->whole.program.gas = gas;
    s->blocks = STAGE_BLOCKS;
    s->block = block;
    s->at = at;
    *gate = true;
    return PX_OK;
}

/* State in front of the block. */
static enum px_status look_before(struct search *s)
{
    if (s->block > 1)
        return after_blocks(s, s->block - 1, &s->before);
    const struct px_program *p = &s->whole.program;
    s->before = (struct verdict){ .a = { .exit = PX_EXIT_STOPPED, .pc = p->entry_pc, .gas = p->gas } };
    memcpy(s->before.a.x, p->x, sizeof s->before.a.x);
    return PX_OK;
}

/* Where the instructions of the block at @pc are. A host call has a block of its own. */
static void read_block(struct search *s, uint32_t pc)
{
    const struct px_program *p = &s->whole.program;
    unsigned effects = 0;
    s->count = 0;
    while (pc < p->code_size && s->count < BLOCK_MAX && !(effects & PX_EFF_TERM)) {
        struct px_insn insn = px_decode(p->code, p->code_size, pc);
        effects = px_ops[insn.op].effects;
        if (insn.op == PX_OP_ILLEGAL)
            effects = PX_EFF_TERM;
        if ((effects & PX_EFF_CALL) && s->count > 0)
            break;
        s->offsets[s->count++] = pc;
        pc += insn.len;
    }
}

/* Content of mapping @index with what engine 0 has written since. Appends to the snapshot. */
static enum px_status snapshot_mapping(struct search *s, size_t index, const struct px_outcome *out)
{
    struct px_mapping map = px_program_mapping(&s->whole.program, index);
    uint64_t first = map.start >> PX_PAGE_BITS, last = (map.start + map.size) >> PX_PAGE_BITS, end = 0;
    for (size_t i = 0; i < out->dirty_count; i++)
        if (out->dirty[i] >= first && out->dirty[i] < last)
            end = (out->dirty[i] + 1 - first) << PX_PAGE_BITS;
    uint64_t size = end > map.content_size ? end : map.content_size;
    if (size + s->snapshot.content_size > SNAPSHOT_MAX)
        return PX_ERR_FULL;
    uint8_t *content = calloc(1, size + 1), scratch[PX_PAGE_SIZE];
    if (!content)
        return PX_ERR_NOMEM;
    if (map.content_size > 0)
        memcpy(content, map.content, map.content_size);
    const struct engine *e = &s->l->run->engines[0];
    enum px_status status = PX_OK;
    for (size_t i = 0; i < out->dirty_count && status == PX_OK; i++) {
        const uint8_t *bytes;
        if (out->dirty[i] < first || out->dirty[i] >= last)
            continue;
        status = e->ops->read_page(e->instance, out->dirty[i], scratch, &bytes);
        if (status == PX_OK)
            memcpy(content + ((out->dirty[i] - first) << PX_PAGE_BITS), bytes, PX_PAGE_SIZE);
    }
    enum px_map_kind kind = map.kind == PX_MAP_ZERO && size > 0 ? PX_MAP_COW : map.kind;
    if (status == PX_OK)
        status = px_program_map(&s->snapshot, map.start, map.size, kind, content, size);
    free(content);
    return status;
}

/* A program that begins in front of the block: registers, gas and memory, but nothing touched. */
static enum px_status make_snapshot(struct search *s)
{
    enum px_status status = look_before(s); /* again: the dirty set lives until the next run */
    const struct px_program *p = &s->whole.program;
    px_program_clear(&s->snapshot);
    if (status == PX_OK)
        status = px_program_append(&s->snapshot, p->code, p->code_size);
    for (size_t i = 0; i < p->map_count && status == PX_OK; i++)
        status = snapshot_mapping(s, i, &s->before.a);
    s->snapshot.gas = s->before.a.gas;
    s->snapshot.entry_pc = s->before.a.pc;
    memcpy(s->snapshot.x, s->before.a.x, sizeof s->snapshot.x);
    return status;
}

/* The program with its block cut after @keep instructions by one that only ends a block. False: that does not fit. */
static enum px_status make_cut(struct search *s, size_t keep, bool *fits)
{
    static const struct px_insn stop4 = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    static const struct px_insn stop2 = { .op = PX_OP_JAL, .rvc = PX_C_J, .len = 2, .imm = 2 };
    struct px_program *v = &s->variant.program;
    view_release(s, &s->variant);
    enum px_status status = px_program_copy(v, s->from_snapshot ? &s->snapshot : &s->whole.program);
    *fits = true;
    if (status != PX_OK || keep == s->count)
        return status;
    uint32_t at = s->offsets[keep];
    unsigned length = px_decode(v->code, v->code_size, at).len;
    *fits = px_program_patch(v, at, length == 2 ? &stop2 : &stop4) == PX_OK;
    return PX_OK;
}

/* State after @keep instructions of the block. */
static enum px_status after_insns(struct search *s, size_t keep, struct verdict *v)
{
    bool fits;
    if (keep == s->count && !s->from_snapshot) {
        *v = s->at;
        return PX_OK;
    }
    enum px_status status = make_cut(s, keep, &fits);
    *v = (struct verdict){ .differs = false };
    if (status != PX_OK || !fits)
        return status;
    return look(s, &s->variant, STAGE_CUT, keep, s->from_snapshot ? 1 : s->block, v);
}

/*
 * Whether the block may be cut where it stands: nothing before it may notice. Else, as in a loop, the snapshot
 * is cut, if that diverges at all.
 */
static enum px_status choose_base(struct search *s, bool *possible)
{
    struct verdict v;
    bool fits = true;
    *possible = true;
    if (s->block == 1 || s->count == 1)
        return PX_OK;
    enum px_status status = make_cut(s, 1, &fits);
    if (status == PX_OK && fits)
        status = look(s, &s->variant, STAGE_CHECK, 0, s->block - 1, &v);
    if (status != PX_OK)
        return status;
    const struct px_outcome *a = &v.a, *b = &s->before.a;
    if (fits && !v.differs && a->exit == PX_EXIT_STOPPED && a->pc == b->pc && a->gas == b->gas &&
        memcmp(a->x, b->x, sizeof a->x) == 0)
        return PX_OK;
    s->from_snapshot = true;
    status = make_snapshot(s);
    if (status == PX_ERR_FULL) {
        *possible = false;
        return PX_OK;
    }
    if (status == PX_OK)
        status = after_insns(s, s->count, &v);
    *possible = v.differs;
    return status;
}

/* *keep: how many instructions it takes to diverge; *agreed is the state in front of the last of them. A program that
 * kills is not cut by halves: each death costs a process. */
static enum px_status find_insn(struct search *s, size_t *keep, struct verdict *agreed)
{
    size_t low = 0, high = s->count;
    bool kills = s->at.died;
    enum px_status status = PX_OK;
    *agreed = s->before;
    while (high - low > 1 && status == PX_OK) {
        struct verdict v;
        size_t middle = kills ? low + 1 : low + (high - low) / 2;
        status = after_insns(s, middle, &v);
        if (status == PX_OK && v.differs) {
            high = middle;
            s->at = v;
        } else {
            low = middle;
            *agreed = v;
        }
    }
    *keep = high;
    return status;
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

/* Does the instruction alone diverge with these operands? */
static enum px_status try_operands(struct search *s, uint64_t number, const uint64_t *x, struct verdict *v)
{
    static const struct px_insn stop = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    struct px_program *p = &s->variant.program;
    view_release(s, &s->variant);
    px_program_clear(p);
    p->gas = GAS_RAISE;
    memcpy(p->x, x, sizeof p->x);
    enum px_status status = px_program_emit(p, &s->bucket->insn);
    if (status == PX_OK)
        status = px_program_emit(p, &stop);
    *v = (struct verdict){ .differs = false };
    return status == PX_OK ? look(s, &s->variant, STAGE_OPERANDS, number, 1, v) : status;
}

/* A special case names the bucket only if it takes that case to diverge. */
static enum px_status find_operands(struct search *s)
{
    static const uint64_t harmless[][2] = {
        { UINT64_C(0x0123456789abcdef), 7 },
        { UINT64_C(0xfedcba9876543210), 19 },
        { UINT64_C(0x00000000deadbeef), 3 },
    };
    struct bucket *b = s->bucket;
    const char *special = bucket_special((enum px_op)b->insn.op, b->x[b->insn.rs1], b->x[b->insn.rs2]);
    struct verdict v;
    if (!special || !b->x_known)
        return PX_OK;
    enum px_status status = try_operands(s, 0, b->x, &v);
    if (status != PX_OK || !v.differs)
        return status;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0] && status == PX_OK; i++) {
        uint64_t x[PX_REG_COUNT];
        memcpy(x, b->x, sizeof x);
        x[b->insn.rs1] = harmless[i][0];
        x[b->insn.rs2] = harmless[i][1];
        x[0] = 0;
        status = try_operands(s, i + 1, x, &v);
        if (v.differs)
            return status;
    }
    (void)snprintf(b->operands, sizeof b->operands, "%s", special);
    return status;
}

/*
 * A wrong price shows in the block's gas only where it makes the sum larger, often behind some other instruction. So each
 * is asked alone, in a block full of it.
 */
static enum px_status find_price(struct search *s, size_t keep)
{
    static const struct px_insn stop = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    struct bucket *b = s->bucket;
    const struct px_program *from = &s->whole.program;
    struct px_program *p = &s->variant.program;
    enum px_status status = PX_OK;
    for (size_t i = 0; i < keep && status == PX_OK; i++) {
        struct px_insn insn = px_decode(from->code, from->code_size, s->offsets[i]);
        struct verdict v;
        if ((px_ops[insn.op].effects & PX_EFF_TERM) || insn.op == PX_OP_ILLEGAL)
            continue;
        view_release(s, &s->variant);
        px_program_clear(p);
        p->gas = GAS_RAISE;
        for (int copy = 0; copy < LOCATE_PRICE_COPIES && status == PX_OK; copy++)
            status = px_program_emit(p, &insn);
        if (status == PX_OK)
            status = px_program_emit(p, &stop);
        if (status == PX_OK)
            status = look(s, &s->variant, STAGE_PRICE, i, 1, &v);
        if (status != PX_OK || v.died || !(v.finding.diff.fields & DIFF_GAS))
            continue;
        b->pc = s->offsets[i];
        b->insn = insn;
        b->x_known = false; /* those of the place where it showed are of no use */
        write_op(b, px_ops[insn.op].mnemonic);
        (void)snprintf(b->operands, sizeof b->operands, "price");
        break;
    }
    return status;
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
    enum px_status status = choose_base(s, &possible);
    if (status != PX_OK)
        return status;
    if (!possible) {
        write_op(b, px_ops[likeliest(s).op].mnemonic);
        write_verdict(b, &s->at);
        (void)snprintf(b->operands, sizeof b->operands, "in-its-block");
        b->place = BUCKET_BLOCK;
        return PX_OK;
    }
    status = find_insn(s, &keep, &agreed);
    if (status != PX_OK)
        return status;
    const struct px_program *p = &s->whole.program;
    b->place = BUCKET_INSN;
    b->pc = s->offsets[keep - 1];
    b->insn = px_decode(p->code, p->code_size, b->pc);
    b->x_known = !agreed.died && agreed.a.exit == PX_EXIT_STOPPED;
    memcpy(b->x, agreed.a.x, sizeof b->x);
    write_op(b, px_ops[b->insn.op].mnemonic);
    write_verdict(b, &s->at);
    if (strcmp(b->fields, "gas") == 0)
        return find_price(s, keep);
    return strcmp(b->operands, "-") == 0 ? find_operands(s) : PX_OK;
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
        status = look_before(s);
    if (status != PX_OK)
        return status;
    b->block = s->block;
    b->block_pc = s->before.a.pc;
    memcpy(b->block_x, s->before.a.x, sizeof b->block_x);
    read_block(s, b->block_pc);
    const struct px_outcome *a = &s->at.finding.diff.a;
    bool entry = !s->at.died && s->block == 1 && a->exit == PX_EXIT_PANIC && a->arg == PX_PANIC_BAD_ENTRY;
    if (!gate && !entry && s->count > 0)
        return look_into_block(s);
    write_op(b, gate ? "gate" : entry ? "entry" : "end");
    write_verdict(b, &s->at);
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
    view_release(s, &s->whole);
    view_release(s, &s->variant);
    px_program_fini(&s->whole.program);
    px_program_fini(&s->variant.program);
    px_program_fini(&s->snapshot);
    free(s);
    return status;
}
