/* What to show of a located divergence: the host code around it, and how often the instruction has run by then. */
#include "harness/code_window.h"
#include "harness/locate_search.h"
#include "vm/interp.h"

bool locate_center(const struct px_program *program, const struct bucket *b, uint32_t *pc)
{
    switch (b->place) {
    case BUCKET_INSN:
        *pc = b->pc;
        break;
    case BUCKET_BLOCK:
        *pc = b->block_pc;
        break;
    case BUCKET_VANISHED:
        if (!b->finding.guest_pc_known)
            return false;
        *pc = b->finding.guest_pc;
        break;
    }
    return *pc < program->code_size;
}

struct visits {
    uint32_t pc;
    uint64_t count;
};

static void count_visit(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct visits *visits = arg;
    (void)insn;
    (void)gas;
    (void)x;
    visits->count += pc == visits->pc;
}

/* Up to its block both sides agree: the reference tells for both. */
static enum px_status count_visits(const struct px_image *image, struct bucket *b, struct px_error *err)
{
    const struct px_engine_ops *ops = &px_interp_engine;
    struct px_engine *engine;
    struct px_unit *unit;
    struct px_outcome outcome;
    struct visits visits = { .pc = b->pc };
    struct px_entry entry = run_entry(image);
    entry.stop_after_blocks = b->block;
    if (b->place != BUCKET_INSN || b->block == 0)
        return PX_OK;
    enum px_status status = ops->create("", &engine, err);
    if (status != PX_OK)
        return status;
    px_interp_observe(engine, count_visit, &visits);
    status = ops->prepare(engine, image, PX_PREPARE_STOPPABLE, &unit, err);
    if (status == PX_OK)
        status = ops->run(engine, unit, &entry, &outcome, err);
    ops->destroy(engine);
    b->visit = visits.count;
    return status;
}

enum px_status locate_code(struct locate *l, struct px_program *program, struct bucket *bucket,
                           struct hostcode *code, struct px_error *err)
{
    const struct locate_step step = { .stage = STAGE_CODE };
    struct px_image image;
    struct code_window window;
    uint32_t pc = 0;
    bool found;
    code->known = false;
    px_program_image(program, &image);
    enum px_status status = count_visits(&image, bucket, err);
    if (status != PX_OK || locate_died(l->journal, step) || !locate_center(program, bucket, &pc))
        return status;
    if (code_window_find(&image, pc, &window, &found) != PX_OK)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for %zu bytes of code", image.code_size);
    if (!found)
        return PX_OK;
    l->journal->step = step;
    l->journal->compiling = true;
    status = hostcode_collect(&l->run->engines[bucket->finding.other], &image, window.first, window.last,
                              code, err);
    l->journal->compiling = false;
    l->journal->step.stage = STAGE_NONE;
    return status;
}
