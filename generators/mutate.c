#include "generators/mutate_edit.h"

enum {
    STEPS_MAX = 6,
    TRIES_MAX = 64, /* steps that found nothing to change, before a seed is changed instead */
    WEIGHTS = 128,
};

static const struct {
    const char *name;
    mutate_step *step;
    uint8_t weight; /* of WEIGHTS */
} mutations[MUTATION_COUNT] = {
    [MUTATE_INSERT] = { "insert", mutate_insert, 16 },
    [MUTATE_DELETE] = { "delete", mutate_delete, 9 },
    [MUTATE_DUPLICATE] = { "duplicate", mutate_duplicate, 6 },
    [MUTATE_SWAP] = { "swap", mutate_swap, 6 },
    [MUTATE_OP] = { "op", mutate_op, 14 },
    [MUTATE_REGISTER] = { "register", mutate_register, 16 },
    [MUTATE_IMMEDIATE] = { "immediate", mutate_immediate, 10 },
    [MUTATE_RETARGET] = { "retarget", mutate_retarget, 4 },
    [MUTATE_MISTARGET] = { "mistarget", mutate_mistarget, 1 },
    [MUTATE_LOOP] = { "loop", mutate_loop, 2 },
    [MUTATE_COMPRESS] = { "compress", mutate_compress, 5 },
    [MUTATE_EXPAND] = { "expand", mutate_expand, 2 },
    [MUTATE_FLIP] = { "flip", mutate_flip, 3 },
    [MUTATE_CUT] = { "cut", mutate_cut, 1 },
    [MUTATE_ENTRY] = { "entry", mutate_entry, 1 },
    [MUTATE_MAP_ADD] = { "map-add", mutate_map_add, 3 },
    [MUTATE_MAP_DROP] = { "map-drop", mutate_map_drop, 1 },
    [MUTATE_MAP_KIND] = { "map-kind", mutate_map_kind, 2 },
    [MUTATE_MAP_SIZE] = { "map-size", mutate_map_size, 2 },
    [MUTATE_MAP_CONTENT] = { "map-content", mutate_map_content, 4 },
    [MUTATE_SEED] = { "seed", mutate_seed, 16 },
    [MUTATE_GAS] = { "gas", mutate_gas, 4 },
};

const char *mutate_name(enum mutation kind)
{
    return mutations[kind].name;
}

void mutator_seed(struct mutator *m, uint64_t seed, uint64_t index)
{
    prng_init(&m->prng, seed ^ UINT64_C(0x6d7574617465), index);
}

void mutator_fini(struct mutator *m)
{
    listing_fini(&m->code);
    listing_fini(&m->other);
    *m = (struct mutator){ 0 };
}

/* Whether @insn may lead to itself or before; @back: what it names as its target is there. */
static bool leads_backwards(const struct px_insn *insn, bool back)
{
    bool leads = px_ops[insn->op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
    return insn->op == PX_OP_JALR || (leads && back);
}

bool mutate_may_run_backwards(const struct listing *code)
{
    for (uint32_t i = 0; i < code->count; i++) {
        const struct listing_item *item = &code->items[i];
        bool back = item->target == LISTING_NOWHERE ? item->insn.imm <= 0 : item->target <= i;
        if (leads_backwards(&item->insn, back))
            return true;
    }
    return false;
}

static void limit_gas(struct mutator *m)
{
    if (m->program->gas > MUTATE_GAS_MAX && mutate_may_run_backwards(&m->code))
        m->program->gas = MUTATE_GAS_MAX;
}

static enum px_status begin(struct mutator *m, struct px_program *program)
{
    m->program = program;
    m->status = listing_read(&m->code, program);
    return m->status;
}

/* Puts the code together again, and leaves nothing behind that is no longer true. */
static enum px_status finish(struct mutator *m)
{
    struct px_program *program = m->program;
    limit_gas(m);
    listing_reach(&m->code, mutate_code_max(m));
    enum px_status status = listing_put(&m->code, program);
    if (m->status == PX_OK)
        m->status = status;
    program->origin.known = false;
    program->has_expect = false;
    m->program = NULL;
    return m->status;
}

static enum mutation any_mutation(struct mutator *m)
{
    uint32_t pick = prng_below(&m->prng, WEIGHTS);
    unsigned kind = 0;
    while (kind + 1 < MUTATION_COUNT && pick >= mutations[kind].weight)
        pick -= mutations[kind++].weight;
    return (enum mutation)kind;
}

enum px_status mutate_program(struct mutator *m, struct px_program *program)
{
    if (begin(m, program) != PX_OK)
        return m->status;
    uint32_t steps = mutate_draw_few(m, STEPS_MAX), changes = 0;
    for (unsigned tries = 0; changes < steps && tries < TRIES_MAX && m->status == PX_OK; tries++)
        changes += mutations[any_mutation(m)].step(m);
    while (changes == 0 && m->status == PX_OK)
        changes += mutate_seed(m);
    return finish(m);
}

enum px_status mutate_once(struct mutator *m, enum mutation kind, struct px_program *program, bool *changed)
{
    if (begin(m, program) != PX_OK)
        return m->status;
    *changed = mutations[kind].step(m);
    return finish(m);
}

enum px_status mutate_cross(struct mutator *m, struct px_program *program, const struct px_program *other)
{
    if (begin(m, program) != PX_OK)
        return m->status;
    mutate_cross_with(m, other);
    return finish(m);
}

bool mutate_ends_soon(const struct px_program *program)
{
    struct px_insn in;
    if (program->gas <= MUTATE_GAS_MAX)
        return true;
    for (size_t at = 0; at < program->code_size; at += in.len) {
        in = px_decode(program->code, program->code_size, at);
        if (leads_backwards(&in, in.imm <= 0))
            return false;
    }
    return true;
}

void mutate_limit_gas(struct px_program *program)
{
    if (!mutate_ends_soon(program))
        program->gas = MUTATE_GAS_MAX;
}
