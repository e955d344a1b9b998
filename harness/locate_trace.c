#include "harness/locate_trace.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run.h"
#include "vm/interp.h"

enum { CALL_PAGES_MAX = 257 }; /* of a host call's range */

/* The slot of page @number, or NULL when there is no room. */
static uint8_t *state_of(struct trace *t, uint32_t number)
{
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t at = (number * UINT32_C(2654435761) + i) % TRACE_PAGES_MAX;
        if (t->pages[at] == 0)
            t->pages[at] = number + 1;
        if (t->pages[at] == number + 1)
            return &t->states[at];
    }
    return NULL;
}

static uint8_t state_before(struct trace *t, uint32_t number)
{
    const uint8_t *state = state_of(t, number);
    return state ? *state : TRACE_UNTOUCHED;
}

static void touch(struct trace *t, uint32_t address, uint64_t length, bool store)
{
    uint32_t first = address >> PX_PAGE_BITS;
    uint64_t pages = ((address % PX_PAGE_SIZE) + length - 1) / PX_PAGE_SIZE + 1;
    for (uint64_t i = 0; i < pages && i < CALL_PAGES_MAX; i++) {
        uint8_t *state = state_of(t, (first + (uint32_t)i) & 0xfffff);
        if (state && (store || *state == TRACE_UNTOUCHED))
            *state = store ? TRACE_WRITTEN : TRACE_READ;
    }
}

static void add_step(struct trace *t, const struct trace_step *step)
{
    if (t->count == t->capacity) {
        size_t grown = t->capacity ? 2 * t->capacity : 64;
        struct trace_step *moved = realloc(t->steps, grown * sizeof *moved);
        t->failed |= !moved;
        if (!moved)
            return;
        t->steps = moved;
        t->capacity = grown;
    }
    t->steps[t->count++] = *step;
}

static void observe(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct trace *t = arg;
    unsigned effects = px_ops[insn->op].effects;
    uint8_t pages[2] = { TRACE_UNTOUCHED, TRACE_UNTOUCHED };
    uint32_t address = (uint32_t)(x[insn->rs1] + (uint64_t)(int64_t)insn->imm);
    uint64_t length = UINT64_C(1) << PX_EFF_WIDTH_LOG2(effects);
    bool store = effects & PX_EFF_STORE, access = effects & (PX_EFF_LOAD | PX_EFF_STORE);
    (void)gas;
    if (insn->op == PX_OP_ECALLI && (insn->imm == PX_HOSTCALL_FILL || insn->imm == PX_HOSTCALL_HASH)) {
        store = insn->imm == PX_HOSTCALL_FILL;
        address = (uint32_t)x[10];
        length = store ? x[12] : x[11];
        access = length > 0 && length <= PX_HOSTCALL_LENGTH_MAX;
    }
    if (access) {
        pages[0] = state_before(t, address >> PX_PAGE_BITS);
        pages[1] = state_before(t, (uint32_t)(address + length - 1) >> PX_PAGE_BITS);
        touch(t, address, length, store);
    }
    if (t->ended || (effects & PX_EFF_CALL))
        t->count = 0;
    t->ended = (effects & PX_EFF_TERM) || insn->op == PX_OP_ILLEGAL;
    struct trace_step step = { .insn = *insn, .pc = pc, .pages = { pages[0], pages[1] } };
    memcpy(step.x, x, sizeof step.x);
    add_step(t, &step);
}

enum px_status trace_block(struct trace *trace, struct px_engine *reference, const struct px_image *image,
                           uint64_t block, struct px_error *err)
{
    struct px_unit *unit;
    struct px_outcome outcome;
    struct px_entry entry = run_entry(image);
    entry.stop_after_blocks = block;
    trace->count = 0;
    trace->ended = trace->failed = false;
    memset(trace->pages, 0, sizeof trace->pages);
    memset(trace->states, 0, sizeof trace->states);
    enum px_status status = px_interp_engine.prepare(reference, image, PX_PREPARE_STOPPABLE, &unit, err);
    if (status != PX_OK)
        return status;
    px_interp_observe(reference, observe, trace);
    status = px_interp_engine.run(reference, unit, &entry, &outcome, err);
    px_interp_engine.release(reference, unit);
    if (status == PX_OK)
        trace->exit = outcome.exit;
    if (status == PX_OK && trace->failed)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a block's trace");
    return status;
}

enum px_status trace_only(struct trace *trace, size_t index, const struct trace_step *step,
                          struct px_error *err)
{
    trace->count = 0;
    trace->failed = false;
    while (trace->count <= index && !trace->failed)
        add_step(trace, step);
    return trace->failed ? px_fail(err, PX_ERR_NOMEM, "out of memory for a block's trace") : PX_OK;
}

void trace_fini(struct trace *trace)
{
    free(trace->steps);
    *trace = (struct trace){ .count = 0 };
}
