#include "harness/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vm/fused/kinds.h"
#include "harness/run.h"
#include "vm/interp.h"

/* Counts how often the instruction at each halfword begins. */
static void observe(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    uint64_t *begun = arg;
    (void)insn;
    (void)gas;
    (void)x;
    begun[pc / 2]++;
}

static enum px_status count(const struct px_image *image, uint64_t *begun, uint64_t *instructions,
                            struct px_error *err)
{
    struct px_engine *interp;
    struct px_unit *unit;
    struct px_outcome outcome;
    struct px_entry entry = run_entry(image);
    enum px_status status = px_interp_engine.create("", &interp, err);
    if (status != PX_OK)
        return status;
    px_interp_observe(interp, observe, begun);
    status = px_interp_engine.prepare(interp, image, 0, &unit, err);
    if (status == PX_OK)
        status = px_interp_engine.run(interp, unit, &entry, &outcome, err);
    if (status == PX_OK)
        *instructions = outcome.interpreted;
    px_interp_engine.destroy(interp);
    return status;
}

static int by_instructions(const void *a, const void *b)
{
    const struct profile_block *x = a, *y = b;
    uint64_t in_x = x->entered * x->count, in_y = y->entered * y->count;
    return in_x != in_y ? (in_x < in_y ? 1 : -1) : (x->pc > y->pc) - (x->pc < y->pc);
}

/* The blocks of the linear sweep (ISA.md 4) that were entered; @blocks has room for one a halfword. */
static size_t find_blocks(const struct px_image *image, const uint64_t *begun, struct profile_block *blocks)
{
    size_t found = 0;
    bool open = false;
    uint32_t size = (uint32_t)image->code_size;
    for (uint32_t pc = 0; pc < size;) {
        struct px_insn insn = px_decode(image->code, size, pc);
        unsigned effects = px_ops[insn.op].effects;
        if (!open || (effects & PX_EFF_CALL))
            blocks[found++] = (struct profile_block){ .pc = pc, .entered = begun[pc / 2] };
        struct profile_block *block = &blocks[found - 1];
        pc += insn.len;
        block->size = pc - block->pc;
        block->count++;
        open = !(effects & PX_EFF_TERM);
        if (!open && block->entered == 0)
            found--;
    }
    return found;
}

enum px_status profile_run(struct px_program *program, struct profile *profile, struct px_error *err)
{
    struct px_image image;
    px_program_image(program, &image);
    size_t halves = image.code_size / 2 + 1;
    struct profile made = { .blocks = malloc(halves * sizeof *made.blocks) };
    uint64_t *begun = calloc(halves, sizeof *begun);
    if (!made.blocks || !begun) {
        free(made.blocks);
        free(begun);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a profile");
    }
    enum px_status status = count(&image, begun, &made.instructions, err);
    if (status == PX_OK) {
        made.count = find_blocks(&image, begun, made.blocks);
        qsort(made.blocks, made.count, sizeof *made.blocks, by_instructions);
        *profile = made;
    } else {
        free(made.blocks);
    }
    free(begun);
    return status;
}

void profile_fini(struct profile *profile)
{
    free(profile->blocks);
    *profile = (struct profile){ 0 };
}

static void print_block(const struct px_program *program, const struct profile_block *block, FILE *out)
{
    static const char *const forms[FUSED_FORMS] = { "", ":1", ":2" };
    unsigned written = 0;
    for (uint32_t pc = block->pc; pc < block->pc + block->size;) {
        struct px_insn insn = px_decode(program->code, program->code_size, pc);
        struct fused_step step;
        pc += insn.len;
        if (!fused_see(&insn, written, &step))
            continue;
        (void)fprintf(out, " %s%s", fused_kind_name((enum fused_kind)step.kind), forms[step.form]);
        written = fused_written(&insn);
    }
}

void profile_print(const struct profile *profile, const struct px_program *program, size_t top, FILE *out)
{
    (void)fprintf(out, "# %" PRIu64 " instructions; %zu blocks were entered\n", profile->instructions,
                  profile->count);
    (void)fprintf(out, "# %8s %10s %8s  instructions\n", "of 1000", "entries", "pc");
    for (size_t i = 0; i < profile->count && i < top; i++) {
        const struct profile_block *block = &profile->blocks[i];
        double entries = 1000.0 * (double)block->entered / (double)profile->instructions;
        (void)fprintf(out, "%10.3f %10.4f %#8" PRIx32 " ", entries * block->count, entries, block->pc);
        print_block(program, block, out);
        (void)fputc('\n', out);
    }
}
