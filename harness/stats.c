#include "harness/stats.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run.h"
#include "vm/interp.h"

enum {
    PAGE_WORDS = PX_SPACE_SIZE / PX_PAGE_SIZE / 64,
    FORM_X0 = 3,    /* forms: bits 3..5 say that rd, rs1, rs2 are x0, whether or not the format has them */
    FORM_X3_X4 = 6, /* ... and bits 0..2 which of them are equal, as enum stats_alias numbers that */
    VALUE_EXTREME = 64,
};

/* A set of pages. It remembers which words it used, so that emptying it costs what filling it did. */
struct page_set {
    uint64_t bits[PAGE_WORDS];
    uint16_t used[PAGE_WORDS];
    size_t used_count;
    uint32_t count;
};

struct access {
    uint32_t pc;
    uint64_t address, length; /* length 0: none */
};

struct stats {
    struct stats_counts counts;
    struct px_engine *interp;

    /* About the program that runs. */
    uint8_t last_op;
    uint32_t last_pc;
    struct access access; /* the last one, not yet in the set: it may have failed */
    enum stats_jump jump; /* the last one that was counted ... */
    enum stats_target direction; /* ... as what ... */
    uint32_t target;      /* ... and where it went */
    struct page_set pages;
};

static void add_page(struct page_set *set, uint32_t page)
{
    uint64_t bit = UINT64_C(1) << (page % 64);
    uint64_t *word = &set->bits[page / 64];
    if (*word == 0)
        set->used[set->used_count++] = (uint16_t)(page / 64);
    set->count += (*word & bit) == 0;
    *word |= bit;
}

static void empty_pages(struct page_set *set)
{
    while (set->used_count > 0)
        set->bits[set->used[--set->used_count]] = 0;
    set->count = 0;
}

/* The last access succeeded. */
static void settle_access(struct stats *s)
{
    uint64_t first = (uint32_t)s->access.address / PX_PAGE_SIZE;
    uint64_t end = (uint32_t)s->access.address + s->access.length;
    for (uint64_t page = first; s->access.length > 0 && page * PX_PAGE_SIZE < end; page++)
        add_page(&s->pages, (uint32_t)(page % (PX_SPACE_SIZE / PX_PAGE_SIZE)));
    s->access.length = 0;
}

static bool branch_taken(const struct px_insn *in, const uint64_t *x)
{
    uint64_t a = x[in->rs1], b = x[in->rs2];
    switch (in->op) {
    case PX_OP_BEQ:
        return a == b;
    case PX_OP_BNE:
        return a != b;
    case PX_OP_BLT:
        return (int64_t)a < (int64_t)b;
    case PX_OP_BGE:
        return (int64_t)a >= (int64_t)b;
    case PX_OP_BLTU:
        return a < b;
    default:
        return a >= b;
    }
}

/* Counts it as a good one; count_bad_target takes that back. */
static void count_jump(struct stats *s, enum stats_jump jump, uint32_t pc, uint32_t target)
{
    s->jump = jump;
    s->direction = target > pc ? STATS_TARGET_FORWARD : STATS_TARGET_BACKWARD;
    s->target = target;
    s->counts.jumps[jump][s->direction]++;
}

static void observe_access(struct stats *s, const struct px_insn *in, uint32_t pc, const uint64_t *x)
{
    unsigned effects = px_ops[in->op].effects;
    settle_access(s);
    s->access.pc = pc;
    if (effects & (PX_EFF_LOAD | PX_EFF_STORE)) {
        s->access.address = x[in->rs1] + (uint64_t)(int64_t)in->imm;
        s->access.length = UINT64_C(1) << PX_EFF_WIDTH_LOG2(effects);
    } else if (in->op == PX_OP_ECALLI && (in->imm == PX_HOSTCALL_FILL || in->imm == PX_HOSTCALL_HASH)) {
        s->access.address = x[10];
        s->access.length = x[in->imm == PX_HOSTCALL_FILL ? 12 : 11];
    }
}

static void observe_jump(struct stats *s, const struct px_insn *in, uint32_t pc, const uint64_t *x)
{
    uint32_t target = pc + (uint32_t)in->imm;
    if (px_ops[in->op].effects & PX_EFF_BRANCH) {
        bool taken = branch_taken(in, x);
        s->counts.branches[in->op][taken]++;
        if (taken)
            count_jump(s, STATS_JUMP_BRANCH, pc, target);
    } else if (in->op == PX_OP_JAL) {
        count_jump(s, STATS_JUMP_JAL, pc, target);
    } else {
        target = (((uint32_t)x[in->rs1] + (uint32_t)in->imm) & ~UINT32_C(1)) - PX_CODE_BASE;
        count_jump(s, STATS_JUMP_JALR, pc, target);
    }
}

static inline unsigned form_of(const struct px_insn *in)
{
    unsigned rd = in->rd, rs1 = in->rs1, rs2 = in->rs2;
    unsigned equal = (unsigned)(rd == rs1) << STATS_ALIAS_RD_RS1 |
                     (unsigned)(rd == rs2) << STATS_ALIAS_RD_RS2 |
                     (unsigned)(rs1 == rs2) << STATS_ALIAS_RS1_RS2;
    unsigned zero = (unsigned)(rd == 0) * PX_HAS_RD | (unsigned)(rs1 == 0) * PX_HAS_RS1 |
                    (unsigned)(rs2 == 0) * PX_HAS_RS2;
    unsigned x3_x4 = ((1u << rd | 1u << rs1 | 1u << rs2) & (1u << 3 | 1u << 4)) != 0;
    return equal | zero << FORM_X0 | x3_x4 << FORM_X3_X4;
}

/* Adds @weight to the bucket of @value: by sign and length in bits, the extremes apart. Without branches, since the
 * values of random programs mispredict every one; value_class says what a bucket means. */
static inline void count_value(uint64_t buckets[2][128], uint64_t value, unsigned weight)
{
    uint64_t sign = value >> 63, magnitude = value ^ (0 - sign);
    unsigned bits = 63 - (unsigned)__builtin_clzll(magnitude << 1 | 1);
    unsigned extreme = (magnitude == INT64_MAX) | (value == (uint64_t)INT32_MIN);
    buckets[sign][bits + VALUE_EXTREME * extreme] += weight;
}

static enum stats_value value_class(bool negative, unsigned bucket)
{
    if (negative) {
        if (bucket >= VALUE_EXTREME)
            return bucket == VALUE_EXTREME + 31 ? STATS_VALUE_INT32_MIN : STATS_VALUE_INT64_MIN;
        return bucket == 0    ? STATS_VALUE_MINUS_ONE
               : bucket <= 31 ? STATS_VALUE_NEGATIVE32
                              : STATS_VALUE_OTHER;
    }
    if (bucket >= VALUE_EXTREME)
        return STATS_VALUE_INT64_MAX;
    if (bucket <= 1)
        return bucket == 0 ? STATS_VALUE_ZERO : STATS_VALUE_ONE;
    return bucket <= 12 ? STATS_VALUE_SMALL : bucket <= 31 ? STATS_VALUE_POSITIVE32 : STATS_VALUE_OTHER;
}

/* Hundreds of calls per program: what can be done once, at its end or in the report, is not done here. */
static void observe(void *arg, const struct px_insn *in, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct stats *s = arg;
    struct stats_counts *counts = &s->counts;
    const struct px_op_info *info = &px_ops[in->op];
    (void)gas;
    counts->ops[in->op]++;
    if (in->rvc != PX_C_NONE)
        counts->rows[in->rvc]++;
    counts->pairs[s->last_op][in->op] = 1;
    counts->forms[in->op] |= (uint8_t)form_of(in);
    count_value(counts->values[0], x[in->rs1], info->regs / PX_HAS_RS1 & 1u);
    count_value(counts->values[1], x[in->rs2], info->regs / PX_HAS_RS2 & 1u);
    s->last_op = in->op;
    s->last_pc = pc;
    if (info->effects & (PX_EFF_LOAD | PX_EFF_STORE | PX_EFF_CALL))
        observe_access(s, in, pc, x);
    else if (info->effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
        observe_jump(s, in, pc, x);
}

enum px_status stats_create(struct stats **stats, struct px_error *err)
{
    struct stats *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for counters");
    enum px_status status = px_interp_engine.create("", &s->interp, err);
    if (status != PX_OK) {
        free(s);
        return status;
    }
    px_interp_observe(s->interp, observe, s);
    *stats = s;
    return PX_OK;
}

void stats_destroy(struct stats *stats)
{
    if (!stats)
        return;
    px_interp_engine.destroy(stats->interp);
    free(stats);
}

const struct stats_counts *stats_get(const struct stats *stats)
{
    return &stats->counts;
}

static size_t bucket_of(uint64_t value)
{
    const uint64_t limit = (UINT64_C(1) << STATS_RANGE_BITS) - 1;
    value = value < limit ? value : limit;
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = bits > STATS_EXACT_BITS ? bits - STATS_EXACT_BITS : 0;
    return ((size_t)shift << (STATS_EXACT_BITS - 1)) + (size_t)(value >> shift);
}

/* The smallest number of a bucket. */
static uint64_t bucket_floor(size_t bucket)
{
    const size_t half = (size_t)1 << (STATS_EXACT_BITS - 1);
    if (bucket < 2 * half)
        return bucket;
    size_t shift = bucket / half - 1;
    return (uint64_t)(bucket - shift * half) << shift;
}

static void spread_add(struct stats_spread *spread, uint64_t value)
{
    spread->count++;
    spread->sum += value;
    if (value > spread->max)
        spread->max = value;
    spread->buckets[bucket_of(value)]++;
}

/* Along the linear sweep of ISA.md 4, which needs the lengths alone. */
static uint64_t count_static(const struct px_image *image)
{
    uint64_t count = 0;
    for (size_t offset = 0; offset < image->code_size; count++)
        offset += (image->code[offset] & 3) == 3 ? 4 : 2;
    return count;
}

/* What is at @offset; FORWARD stands for a block start. */
static enum stats_target place_of(const struct px_image *image, uint32_t offset)
{
    if (offset >= image->code_size)
        return STATS_TARGET_OUTSIDE;
    unsigned before = PX_EFF_TERM;
    size_t at = 0;
    while (at < offset) {
        struct px_insn insn = px_decode(image->code, image->code_size, at);
        before = px_ops[insn.op].effects;
        at += insn.len;
    }
    if (at != offset)
        return STATS_TARGET_MID_INSN;
    unsigned here = px_ops[px_decode(image->code, image->code_size, at).op].effects;
    return (before & PX_EFF_TERM) || (here & PX_EFF_CALL) ? STATS_TARGET_FORWARD : STATS_TARGET_MID_BLOCK;
}

static void count_bad_target(struct stats *s, const struct px_image *image)
{
    s->counts.jumps[s->jump][s->direction]--;
    s->counts.jumps[s->jump][place_of(image, s->target)]++;
}

static void count_outcome(struct stats *s, const struct px_image *image, const struct px_outcome *outcome)
{
    struct stats_counts *counts = &s->counts;
    counts->programs++;
    counts->instructions += outcome->interpreted;
    counts->exits[outcome->exit]++;
    if (outcome->exit == PX_EXIT_PANIC) {
        counts->panics[outcome->arg]++;
        if (outcome->arg == PX_PANIC_BAD_TARGET)
            count_bad_target(s, image);
    }
    if (outcome->exit == PX_EXIT_PAGE_FAULT)
        counts->mid_block_faults += place_of(image, outcome->pc) == STATS_TARGET_MID_BLOCK;

    /* An access that was the last instruction and where the program ended was refused. */
    if (s->access.pc != s->last_pc || outcome->pc != s->last_pc)
        settle_access(s);
    spread_add(&counts->static_length, count_static(image));
    spread_add(&counts->dynamic_length, outcome->interpreted);
    spread_add(&counts->touched, s->pages.count);
    spread_add(&counts->dirty, outcome->dirty_count);
}

enum px_status stats_run(struct stats *stats, struct px_program *program, struct px_error *err)
{
    struct px_image image;
    struct px_unit *unit;
    struct px_outcome outcome;
    px_program_image(program, &image);
    struct px_entry entry = run_entry(&image);
    enum px_status status = px_interp_engine.prepare(stats->interp, &image, 0, &unit, err);
    if (status != PX_OK)
        return status;
    stats->last_op = PX_OP_ILLEGAL; /* begins no pair */
    stats->access.length = 0;
    empty_pages(&stats->pages);
    status = px_interp_engine.run(stats->interp, unit, &entry, &outcome, err);
    if (status == PX_OK)
        count_outcome(stats, &image, &outcome);
    px_interp_engine.release(stats->interp, unit);
    return status;
}

uint64_t stats_intended(const struct stats_counts *counts)
{
    return counts->exits[PX_EXIT_HOSTCALL] + counts->exits[PX_EXIT_MANAGE] + counts->exits[PX_EXIT_TRAP];
}

double stats_mean(const struct stats_spread *spread)
{
    return spread->count ? (double)spread->sum / (double)spread->count : 0;
}

uint64_t stats_percentile(const struct stats_spread *spread, unsigned percent)
{
    /* The rank, rounded up, without a product that could overflow. */
    uint64_t rank = spread->count / 100 * percent + (spread->count % 100 * percent + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < STATS_BUCKETS; i++) {
        seen += spread->buckets[i];
        if (seen > 0 && seen >= rank)
            return bucket_floor(i);
    }
    return 0;
}

bool stats_alias_possible(unsigned op, enum stats_alias alias)
{
    static const uint8_t needs[STATS_ALIAS_COUNT] = {
        [STATS_ALIAS_RD_RS1] = PX_HAS_RD | PX_HAS_RS1,
        [STATS_ALIAS_RD_RS2] = PX_HAS_RD | PX_HAS_RS2,
        [STATS_ALIAS_RS1_RS2] = PX_HAS_RS1 | PX_HAS_RS2,
    };
    unsigned regs = px_ops[op].regs;
    return regs != 0 && (regs & needs[alias]) == needs[alias];
}

bool stats_alias_seen(const struct stats_counts *counts, unsigned op, enum stats_alias alias)
{
    unsigned form = counts->forms[op];
    if (!stats_alias_possible(op, alias))
        return false;
    if (alias == STATS_ALIAS_X0)
        return (form >> FORM_X0 & px_ops[op].regs) != 0;
    return form >> (alias == STATS_ALIAS_X3_X4 ? FORM_X3_X4 : (unsigned)alias) & 1;
}

unsigned stats_pairs_seen(const struct stats_counts *counts)
{
    unsigned seen = 0;
    for (unsigned a = 1; a < PX_OP_COUNT; a++)
        for (unsigned b = 1; b < PX_OP_COUNT; b++)
            seen += counts->pairs[a][b];
    return seen;
}

unsigned stats_pairs_possible(void)
{
    enum { ALWAYS_EXIT = 4, OPS = PX_OP_COUNT - 1 }; /* ecall, ebreak, trap, ecall.jar */
    return (OPS - ALWAYS_EXIT) * OPS;
}

void stats_values(const struct stats_counts *counts, uint64_t classes[STATS_VALUE_COUNT])
{
    memset(classes, 0, STATS_VALUE_COUNT * sizeof *classes);
    for (unsigned negative = 0; negative < 2; negative++)
        for (unsigned i = 0; i < 128; i++)
            classes[value_class(negative, i)] +=
                counts->values[0][negative][i] + counts->values[1][negative][i];
}

const char *stats_alias_name(enum stats_alias alias)
{
    static const char *const names[STATS_ALIAS_COUNT] = {
        [STATS_ALIAS_RD_RS1] = "rd=rs1", [STATS_ALIAS_RD_RS2] = "rd=rs2", [STATS_ALIAS_RS1_RS2] = "rs1=rs2",
        [STATS_ALIAS_X0] = "x0",         [STATS_ALIAS_X3_X4] = "x3/x4",
    };
    return names[alias];
}

const char *stats_value_name(enum stats_value value)
{
    static const char *const names[STATS_VALUE_COUNT] = {
        [STATS_VALUE_ZERO] = "zero",
        [STATS_VALUE_ONE] = "one",
        [STATS_VALUE_MINUS_ONE] = "minus-one",
        [STATS_VALUE_SMALL] = "small",
        [STATS_VALUE_POSITIVE32] = "positive32",
        [STATS_VALUE_INT32_MIN] = "int32-min",
        [STATS_VALUE_NEGATIVE32] = "negative32",
        [STATS_VALUE_INT64_MIN] = "int64-min",
        [STATS_VALUE_INT64_MAX] = "int64-max",
        [STATS_VALUE_OTHER] = "other",
    };
    return names[value];
}

const char *stats_jump_name(enum stats_jump jump)
{
    static const char *const names[STATS_JUMP_COUNT] = {
        [STATS_JUMP_BRANCH] = "branch",
        [STATS_JUMP_JAL] = "jal",
        [STATS_JUMP_JALR] = "jalr",
    };
    return names[jump];
}

const char *stats_target_name(enum stats_target target)
{
    static const char *const names[STATS_TARGET_COUNT] = {
        [STATS_TARGET_FORWARD] = "forward",     [STATS_TARGET_BACKWARD] = "backward",
        [STATS_TARGET_MID_BLOCK] = "mid-block", [STATS_TARGET_MID_INSN] = "mid-instruction",
        [STATS_TARGET_OUTSIDE] = "outside",
    };
    return names[target];
}
