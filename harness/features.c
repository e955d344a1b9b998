#include "harness/features.h"

#include <string.h>

const struct features_group features_groups[FEATURES_GROUPS] = {
    { "operands", FEATURE_OPERANDS, FEATURE_PAIRS - FEATURE_OPERANDS },
    { "pairs", FEATURE_PAIRS, FEATURE_EXITS - FEATURE_PAIRS },
    { "exits", FEATURE_EXITS, FEATURE_FORMS - FEATURE_EXITS },
    { "forms", FEATURE_FORMS, FEATURE_TOUCHES - FEATURE_FORMS },
    { "touches", FEATURE_TOUCHES, FEATURE_SIZES - FEATURE_TOUCHES },
    { "sizes", FEATURE_SIZES, FEATURE_EVENTS - FEATURE_SIZES },
    { "events", FEATURE_EVENTS, FEATURES - FEATURE_EVENTS },
};

/* Classes of operands. */
enum {
    CLASS_ZERO,
    CLASS_ONE,
    CLASS_MINUS_ONE,
    CLASS_SHIFT,      /* 2 .. 63 */
    CLASS_POSITIVE32, /* 64 .. 2^31 - 1 */
    CLASS_UNSIGNED32, /* 2^31 .. 2^32 - 1 */
    CLASS_POSITIVE64,
    CLASS_INT64_MAX,
    CLASS_NEGATIVE32, /* -2^31 + 1 .. -2 */
    CLASS_INT32_MIN,
    CLASS_NEGATIVE64,
    CLASS_INT64_MIN,
    CLASS_COUNT
};

/* What an op has among the operands: two classes, a distance, registers that coincide. */
enum {
    SLOT_FIRST = 0,
    SLOT_SECOND = SLOT_FIRST + CLASS_COUNT,
    SLOT_APART = SLOT_SECOND + CLASS_COUNT, /* + bytes up to the highest that differs, 7 for 8 */
    SLOT_ALIAS = SLOT_APART + 8, /* + 1: rd = rs1, + 2: rd = rs2, + 4: rs1 = rs2, + 8: x3 or x4 */
    SLOT_END = SLOT_ALIAS + 16
};
_Static_assert(SLOT_END == 0 + FEATURES_EACH_OP, "features.h says how many");

/* Sizes. */
enum {
    SIZE_LENGTH, /* instructions that were run */
    SIZE_BLOCK,  /* ... of the longest block */
    SIZE_BLOCKS, /* ... blocks */
    SIZE_GAS,    /* that it took */
    SIZE_DIRTY,  /* pages */
    SIZE_PAGES,  /* touched */
    SIZE_UNITS,  /* of ro memory */
    SIZE_CODE,   /* bytes */
    SIZE_UNDONE, /* instructions that a fault left undone in its block */
    SIZE_SIDE_EXITS, /* instructions that engines ran by them */
    SIZE_END
};
_Static_assert(SIZE_END == 0 + FEATURES_SIZES, "features.h says how many");

/* Events, and how many values each has. */
enum {
    EVENT_BRANCH = 0, /* + 4 * (op - beq) + 2 * taken + backwards */
    EVENT_JAL = 24,   /* + backwards */
    EVENT_JALR = 28,
    EVENT_ROWS = 32, /* + compressed row */
    EVENT_END = EVENT_ROWS + PX_C_COUNT,
};
_Static_assert(EVENT_END <= 0 + FEATURES_EVENTS, "features.h says how many");
_Static_assert(PX_OP_BGEU - PX_OP_BEQ == 5, "a row for each branch");

static inline void record(struct features *f, unsigned feature)
{
    f->hits[f->count] = (uint16_t)feature;
    f->count += f->table[feature] == 0;
    f->table[feature] = 1;
}

/* The same for several, through locals: bytes of the table could be anything, even the count. */
static inline void record_all(struct features *f, const uint32_t *which, size_t number)
{
    uint8_t *table = f->table;
    uint16_t *hits = f->hits;
    size_t count = f->count;
    for (size_t i = 0; i < number; i++) {
        hits[count] = (uint16_t)which[i];
        count += table[which[i]] == 0;
        table[which[i]] = 1;
    }
    f->count = count;
}

/* By sign and length in bits without it, the largest and INT32_MIN apart; no branches, which random values mispredict. */
static const uint8_t classes[2][128] = {
    { [0] = CLASS_ZERO,
      [1] = CLASS_ONE,
      [2 ... 6] = CLASS_SHIFT,
      [7 ... 31] = CLASS_POSITIVE32,
      [32] = CLASS_UNSIGNED32,
      [33 ... 63] = CLASS_POSITIVE64,
      [64 ... 127] = CLASS_INT64_MAX },
    { [0] = CLASS_MINUS_ONE,
      [1 ... 31] = CLASS_NEGATIVE32,
      [32 ... 63] = CLASS_NEGATIVE64,
      [64 ... 95] = CLASS_INT32_MIN,
      [96 ... 127] = CLASS_INT64_MIN },
};

static inline unsigned bits_of(uint64_t value)
{
    return 64 - (unsigned)__builtin_clzll(value | 1) - (unsigned)(value == 0);
}

static inline unsigned class_of(uint64_t value)
{
    uint64_t sign = value >> 63, magnitude = value ^ (0 - sign); /* below 2^63 */
    unsigned bits = 63 - (unsigned)__builtin_clzll(magnitude << 1 | 1);
    unsigned extreme = (magnitude == INT64_MAX) | (value == (uint64_t)INT32_MIN);
    return classes[sign][bits + 64 * extreme];
}

static inline uint32_t hash_ops(unsigned first, unsigned second)
{
    return (first * 128 + second) * UINT32_C(0x9e3779b1) >> (32 - FEATURES_PAIR_BITS);
}

/* Where the jump or branch before the instruction at @pc has led. */
static unsigned jump_event(const struct features *f, uint32_t pc)
{
    unsigned op = f->last_op, backwards = pc <= f->last_pc;
    if (px_ops[op].effects & PX_EFF_BRANCH)
        return EVENT_BRANCH + 4 * (op - PX_OP_BEQ) + 2 * (unsigned)(pc != f->next_pc) + backwards;
    return (op == PX_OP_JAL ? EVENT_JAL : EVENT_JALR) + backwards;
}

static void close_block(struct features *f)
{
    if (f->in_block > f->block_max)
        f->block_max = f->in_block;
    f->in_block = 0;
    f->blocks++;
}

static void observe_operands(struct features *f, const struct px_insn *in, const uint64_t *x)
{
    unsigned op = in->op, rd = in->rd, rs1 = in->rs1, rs2 = in->rs2;
    unsigned base = FEATURE_OPERANDS + op * FEATURES_EACH_OP;
    uint64_t a = x[rs1], b = px_ops[op].regs & PX_HAS_RS2 ? x[rs2] : (uint64_t)(int64_t)in->imm;
    unsigned apart = (bits_of(a ^ b) + 7) / 8;
    /* Registers that the format lacks are 0, always. */
    unsigned alias = (unsigned)(rd == rs1) | (unsigned)(rd == rs2) << 1 | (unsigned)(rs1 == rs2) << 2 |
                     (unsigned)(((1u << rd | 1u << rs1 | 1u << rs2) & 0x18) != 0) << 3;
    const uint32_t which[] = {
        FEATURE_PAIRS + hash_ops(f->last_op, op),
        base + SLOT_FIRST + class_of(a),
        base + SLOT_SECOND + class_of(b),
        base + SLOT_APART + apart - apart / 8,
        base + SLOT_ALIAS + alias,
        FEATURE_EVENTS + EVENT_ROWS + in->rvc,
    };
    record_all(f, which, sizeof which / sizeof which[0]);
}

/*
 * Called for each instruction that the reference engine runs. What is done again and again is looked at the first, second, fourth, eighth
 * time and so on; whatever can be done once is done at the end.
 */
static void observe(void *arg, const struct px_insn *in, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct features *f = arg;
    unsigned last = px_ops[f->last_op].effects, op = in->op;
    uint16_t *at = &f->visits[pc / 2 % FEATURES_VISITED], visits = (*at)++;
    (void)gas;
    if ((last & PX_EFF_TERM) || (px_ops[op].effects & PX_EFF_CALL))
        close_block(f);
    if ((visits & (visits + 1)) == 0) {
        if (last & (PX_EFF_BRANCH | PX_EFF_JUMP))
            record(f, FEATURE_EVENTS + jump_event(f, pc));
        observe_operands(f, in, x);
    }
    f->in_block++;
    f->last_op = (uint8_t)op;
    f->last_pc = pc;
    f->next_pc = pc + in->len;
}

enum px_status features_attach(struct features *features, struct run *run, uint8_t *table,
                               struct px_error *err)
{
    for (size_t i = 0; i < run->count; i++) {
        if (run->engines[i].ops != &px_interp_engine)
            continue;
        features->table = table;
        features->count = 0;
        features->interp = run->engines[i].instance;
        px_interp_observe(features->interp, observe, features);
        px_interp_watch_memory(features->interp, features->touches);
        return PX_OK;
    }
    return px_fail(err, PX_ERR_INPUT, "coverage needs the engine interp among those that are compared");
}

void features_detach(struct features *features)
{
    px_interp_observe(features->interp, NULL, NULL);
    px_interp_watch_memory(features->interp, NULL);
}

void features_begin(struct features *f, const struct px_image *image)
{
    for (size_t i = 0; i < f->count; i++)
        f->table[f->hits[i]] = 0;
    f->count = 0;
    f->last_op = PX_OP_ILLEGAL;
    f->in_block = f->block_max = f->blocks = 0;
    memset(f->touches, 0, sizeof f->touches);
    size_t halves = image->code_size / 2 + 1;
    memset(f->visits, 0, (halves < FEATURES_VISITED ? halves : FEATURES_VISITED) * sizeof f->visits[0]);
}

/* Small numbers are steps of their own; from 4 on there are four to a doubling. */
static unsigned step_of(uint64_t value)
{
    unsigned bits = bits_of(value);
    unsigned step = bits < 3 ? (unsigned)value : 4 * (bits - 2) + (unsigned)(value >> (bits - 3) & 3);
    return step < FEATURES_SIZE_STEPS ? step : FEATURES_SIZE_STEPS - 1;
}

static void record_size(struct features *f, unsigned kind, uint64_t value)
{
    record(f, FEATURE_SIZES + kind * FEATURES_SIZE_STEPS + step_of(value));
}

/* Instructions behind the one at @pc that are in its block (ISA.md 4), 2^15 at most. */
static unsigned undone_at(const struct px_image *image, uint32_t pc)
{
    unsigned count = 0;
    struct px_insn in = px_decode(image->code, image->code_size, pc);
    for (pc += in.len; pc < image->code_size && !(px_ops[in.op].effects & PX_EFF_TERM) && count >> 15 == 0;
         pc += in.len, count++) {
        in = px_decode(image->code, image->code_size, pc);
        if (px_ops[in.op].effects & PX_EFF_CALL)
            break;
    }
    return count;
}

static void record_outcome(struct features *f, const struct px_image *image, const struct px_outcome *out)
{
    size_t pages, units;
    unsigned kind =
        out->exit == PX_EXIT_PANIC ? (unsigned)PX_EXIT_COUNT + (unsigned)out->arg : (unsigned)out->exit;
    px_interp_touched(f->interp, &pages, &units);
    close_block(f);
    record(f, FEATURE_EXITS + (unsigned)f->last_op * FEATURES_EXIT_KINDS + kind);
    record_size(f, SIZE_LENGTH, out->interpreted);
    record_size(f, SIZE_BLOCK, f->block_max);
    record_size(f, SIZE_BLOCKS, f->blocks);
    record_size(f, SIZE_GAS, image->gas - out->gas);
    record_size(f, SIZE_DIRTY, out->dirty_count);
    record_size(f, SIZE_PAGES, pages);
    record_size(f, SIZE_UNITS, units);
    record_size(f, SIZE_CODE, image->code_size);
    if (out->exit == PX_EXIT_PAGE_FAULT)
        record_size(f, SIZE_UNDONE, undone_at(image, out->pc));
}
_Static_assert(0 + PX_EXIT_COUNT + (0 + PX_PANIC_COUNT) <= 0 + FEATURES_EXIT_KINDS,
               "features.h says how many");

/* The forms of the host code that @engine made for @unit. */
static void record_forms(struct features *f, const struct engine *engine, const struct px_unit *unit)
{
    size_t size;
    const uint8_t *code = engine->ops->code(engine->instance, unit, &size), *end = code + size;
    while (code < end) {
        unsigned form, length = features_host_form(code, (size_t)(end - code), &form);
        if (length == 0)
            return;
        record(f, FEATURE_FORMS + form);
        code += length;
    }
}

static void record_touches(struct features *f)
{
    for (unsigned i = 0; i < PX_TOUCHES; i += 8) {
        uint64_t eight;
        memcpy(&eight, f->touches + i, sizeof eight);
        for (unsigned k = i; eight != 0; eight >>= 8, k++)
            if (eight & 1)
                record(f, FEATURE_TOUCHES + k);
    }
}
_Static_assert(PX_TOUCHES % 8 == 0, "read by eight");

/* Forms cost more than all the rest, and soon there is none left to be seen: one program in a few shows them, which its code
 * decides. */
static bool shows_forms(const struct px_image *image)
{
    uint32_t words[2] = { 0, (uint32_t)image->code_size };
    if (image->code_size >= 8)
        memcpy(words, image->code + image->code_size / 2, sizeof words[0]);
    return ((words[0] ^ words[1]) * UINT32_C(0x9e3779b1) >> 16) % FEATURES_FORMS_EVERY == 0;
}

void features_end(struct features *f, const struct run *run, const struct run_slot *slot,
                  const struct run_result *result)
{
    bool forms = shows_forms(&slot->image);
    record_touches(f);
    for (unsigned i = 0; i < run->count; i++) {
        const struct engine *engine = &run->engines[i];
        if (!result->supported[i] || run->every[i] != 1) /* whose turn it is says nothing about the program */
            continue;
        if (engine->instance == f->interp)
            record_outcome(f, &slot->image, &result->outcomes[i]);
        else if (result->outcomes[i].side_exit > 0)
            record_size(f, SIZE_SIDE_EXITS, result->outcomes[i].side_exit);
        if (forms && engine->ops->code)
            record_forms(f, engine, slot->units[i]);
    }
}
