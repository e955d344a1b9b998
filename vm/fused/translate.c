/*
 * One pass over the linear sweep (ISA.md 4): decode, price, emit a cell; heads get their numbers when their block ends,
 * jumps their targets when the code does.
 */
#include <stdlib.h>
#include <string.h>

#include "vm/fused/cost.h"
#include "vm/fused/kinds.h"
#include "vm/fused/unit.h"
#include "vm/units.h"

struct translator {
    struct px_unit *unit;
    const void *const *handlers;
    uint64_t mem;
    uint32_t head; /* of the open block; FUSED_BAD: none is open */
    bool gated;
    struct fused_cost cost;
    uint32_t leader; /* the cell whose handler the next may join; FUSED_BAD: none yet in this block */
    enum fused_kind kind; /* of that handler */
    unsigned written; /* by the instruction before, 0: nothing */
};

static bool replace(void **array, size_t count, size_t size)
{
    free(*array);
    *array = malloc(count * size);
    return *array != NULL;
}

/* Room for the densest code: a block for each halfword, with a head, its instruction, and a cell that goes on. */
static bool make_room(struct px_unit *unit)
{
    size_t halves = px_unit_room(unit->image.code_size) / 2 + 1;
    if (halves <= unit->capacity)
        return true;
    size_t cells = halves * (FUSED_HEAD + 2) + 2 * FUSED_HEAD; /* the two heads around it all */
    unit->capacity = 0;
    if (!replace((void **)&unit->cells, cells, sizeof *unit->cells) ||
        !replace((void **)&unit->places, cells, sizeof *unit->places) ||
        !replace((void **)&unit->heads, halves, sizeof *unit->heads) ||
        !replace((void **)&unit->jumps, halves, sizeof *unit->jumps))
        return false;
    unit->capacity = halves;
    return true;
}

static union fused_cell *take(struct px_unit *unit, size_t count)
{
    union fused_cell *cell = &unit->cells[unit->cell_count];
    unit->cell_count += count;
    return cell;
}

/* A head that is never entered without a question. */
static void put_head(struct px_unit *unit, uint32_t pc)
{
    union fused_cell *head = take(unit, FUSED_HEAD);
    head[0].gate.limit = UINT64_MAX;
    head[0].gate.need = 0;
    head[1].block.total = 0;
    head[1].block.pc = pc;
    head[1].block.count = 0;
}

static void open_block(struct translator *t, uint32_t pc, bool gated)
{
    t->head = (uint32_t)t->unit->cell_count;
    t->gated = gated;
    t->leader = FUSED_BAD;
    t->written = 0;
    t->unit->heads[pc / 2] = t->head;
    put_head(t->unit, pc);
    fused_cost_start(&t->cost);
}

static void close_block(struct translator *t)
{
    union fused_cell *head = &t->unit->cells[t->head];
    if (t->gated) {
        head[0].gate.need = fused_cost_need(&t->cost);
        head[1].block.total = head[0].gate.need + t->cost.reserve;
        if (!(t->unit->flags & PX_PREPARE_STOPPABLE))
            head[0].gate.limit = head[1].block.total - 1;
    }
    t->head = FUSED_BAD;
}

/* Lets the handler of the cells before do this one too, if there is one that does. */
static void join(struct translator *t, uint32_t at, const struct fused_step *step)
{
    union fused_cell *cells = t->unit->cells;
    enum fused_kind longer = t->leader == FUSED_BAD
                                 ? FUSED_ILLEGAL
                                 : fused_extend(t->kind, (enum fused_kind)step->kind, step->form);
    cells[at].op.go = t->handlers[step->kind]; /* never taken if it joins */
    if (longer == FUSED_ILLEGAL) {
        t->leader = at;
        t->kind = (enum fused_kind)step->kind;
    } else {
        cells[t->leader].op.go = t->handlers[longer];
        t->kind = longer;
    }
}

static void put_instruction(struct translator *t, const struct px_insn *insn, uint32_t pc)
{
    struct px_unit *unit = t->unit;
    struct fused_step step;
    uint32_t at = (uint32_t)unit->cell_count;
    if (!fused_see(insn, t->written, &step))
        return;
    struct fused_op op = { .imm = insn->imm, .rd = step.rd, .rs1 = step.rs1, .rs2 = step.rs2 };
    if (op.rd == 0)
        op.rd = FUSED_SINK;
    if ((px_ops[insn->op].effects & PX_EFF_BRANCH) || insn->op == PX_OP_JAL) {
        op.imm = (int32_t)(pc + (uint32_t)insn->imm);
        unit->jumps[unit->jump_count++] = at;
    }
    take(unit, 1)->op = op;
    unit->places[at] = (struct fused_place){ .pc = pc, .head = t->head };
    join(t, at, &step);
    t->written = fused_written(insn);
}

static void put_next(struct translator *t, uint32_t pc)
{
    uint32_t at = (uint32_t)t->unit->cell_count;
    take(t->unit, 1)->op = (struct fused_op){ .go = t->handlers[FUSED_NEXT] };
    t->unit->places[at] = (struct fused_place){ .pc = pc, .head = t->head };
}

static void sweep(struct translator *t)
{
    const struct px_image *image = &t->unit->image;
    uint32_t pc = 0, size = (uint32_t)image->code_size;
    while (pc < size) {
        struct px_insn insn = px_decode(image->code, size, pc);
        unsigned effects = px_ops[insn.op].effects;
        if (t->head != FUSED_BAD && (effects & PX_EFF_CALL)) {
            put_next(t, pc);
            close_block(t);
        }
        if (t->head == FUSED_BAD)
            open_block(t, pc, !(effects & PX_EFF_CALL));
        fused_cost_add(&t->cost, &insn, t->mem);
        put_instruction(t, &insn, pc);
        t->unit->cells[t->head + 1].block.count++;
        if (effects & PX_EFF_TERM)
            close_block(t);
        pc += insn.len;
    }
    if (t->head != FUSED_BAD) {
        put_next(t, size);
        close_block(t);
    }
    put_head(t->unit, size);
}

static void resolve_jumps(struct px_unit *unit)
{
    for (size_t i = 0; i < unit->jump_count; i++) {
        uint32_t at = unit->jumps[i], pc = (uint32_t)unit->cells[at].op.imm;
        uint32_t head = pc % 2 == 0 && pc < unit->image.code_size ? unit->heads[pc / 2] : FUSED_BAD;
        unit->cells[at].op.imm = (int32_t)head - (int32_t)at;
    }
}

enum px_status fused_translate(struct px_unit *unit)
{
    if (!make_room(unit))
        return PX_ERR_NOMEM;
    struct translator t = {
        .unit = unit, .handlers = fused_handlers(), .mem = fused_cost_mem(&unit->image), .head = FUSED_BAD
    };
    unit->cell_count = unit->jump_count = 0;
    memset(unit->heads, 0, (unit->image.code_size + 1) / 2 * sizeof *unit->heads); /* FUSED_BAD */
    put_head(unit, 0);
    sweep(&t);
    resolve_jumps(unit);
    return PX_OK;
}

void fused_unit_fini(struct px_unit *unit)
{
    free(unit->cells);
    free(unit->places);
    free(unit->heads);
    free(unit->jumps);
    unit->cells = NULL;
    unit->places = NULL;
    unit->heads = NULL;
    unit->jumps = NULL;
    unit->capacity = 0;
}
