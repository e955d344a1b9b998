#include "harness/vectors/mint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vectors/groups.h"

enum {
    TOLD_MAX = 8,        /* of a group */
    ASK_MASK = 0x3ff,    /* cases between two questions whether to go on, less one */
};

/* One group under way. */
struct group {
    struct mint *mint;
    char name[VECTORS_GROUP_NAME_ROOM];
    struct px_program program; /* of the record at hand */
    struct px_insn first; /* the first instruction it runs */
    struct run_slot slot;
    bool prepared;
    struct vectors_writer writer;
    struct minted result;
};

enum px_status mint_open(struct mint *mint, const struct mint_options *options, struct px_error *err)
{
    char list[ENGINES_TEXT];
    *mint = (struct mint){ .options = options };
    (void)snprintf(list, sizeof list, "%s,%s", options->reference, options->oracle);
    return run_open(list, &mint->run, err);
}

void mint_close(struct mint *mint)
{
    run_close(&mint->run);
}

static void release(struct group *g)
{
    if (g->prepared)
        run_release(&g->mint->run, &g->slot);
    g->prepared = false;
}

static enum px_status take_record(void *arg, struct px_program *program, struct px_error *err)
{
    struct group *g = arg;
    struct px_image image;
    release(g);
    enum px_status status = px_program_copy(&g->program, program);
    if (status != PX_OK)
        return px_fail(err, status, "out of memory");
    px_program_image(&g->program, &image);
    status = px_image_check(&image, err);
    if (status == PX_OK)
        status = run_prepare(&g->mint->run, &image, 0, &g->slot, err);
    if (status != PX_OK)
        return status;
    g->prepared = true;
    g->first = image.entry_pc < image.code_size ? px_decode(image.code, image.code_size, image.entry_pc)
                                                : (struct px_insn){ .op = PX_OP_ILLEGAL };
    return vectors_writer_record(&g->writer, &g->program, err);
}

/* The entry that is about this case; SIZE_MAX for none. */
static size_t find_erratum(const struct group *g, const uint64_t x[PX_REG_COUNT])
{
    const struct mint_options *o = g->mint->options;
    for (size_t i = 0; i < o->errata_count; i++) {
        const struct erratum *e = &o->errata[i];
        if (strcmp(e->oracle, o->name) == 0 && e->op == g->first.op &&
            (!e->covers || e->covers(&g->first, x)))
            return i;
    }
    return SIZE_MAX;
}

/* Says why a case is not minted, with all that makes it again. */
static void tell(const struct group *g, const uint64_t x[PX_REG_COUNT], const char *what)
{
    FILE *file = g->mint->options->complaints;
    char text[64];
    if (g->result.refused == TOLD_MAX)
        fprintf(file, "%s: and more\n", g->name);
    if (g->result.refused >= TOLD_MAX)
        return;
    uint32_t word = 0;
    size_t left = g->program.code_size - g->program.entry_pc;
    memcpy(&word, g->program.code + g->program.entry_pc, left < sizeof word ? left : sizeof word);
    (void)px_disassemble(&g->first, word, text, sizeof text);
    fprintf(file, "%s: %s: %s; with", g->name, text, what);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        fprintf(file, " x%u=%#" PRIx64, i, x[i]);
    fprintf(file, "\n");
}

/* A case that the oracle does not answer as the reference does. */
static void leave_out(struct group *g, const uint64_t x[PX_REG_COUNT], const struct run_result *result)
{
    struct mint *m = g->mint;
    const struct px_outcome *said = &result->outcomes[1];
    bool silent = !result->supported[1] || said->exit == PX_EXIT_UNJUDGED;
    enum px_unjudged reason = result->supported[1] ? (enum px_unjudged)said->arg : PX_UNJUDGED_SIZE;
    size_t i = find_erratum(g, x);
    const struct erratum *e = i != SIZE_MAX ? &m->options->errata[i] : NULL;
    if (e && (silent ? !e->wrong && e->reason == reason : e->wrong)) {
        m->met[i]++;
        g->result.left_out++;
        return;
    }
    char fields[256], what[384];
    diff_fields_format(result->diff.fields, fields, sizeof fields);
    if (silent)
        (void)snprintf(what, sizeof what, "%s gives no verdict: %s", m->options->name,
                       px_unjudged_name(reason));
    else
        (void)snprintf(what, sizeof what, "%s and %s differ in %s", m->options->reference, m->options->name,
                       fields);
    tell(g, x, what);
    g->result.refused++;
    m->refused++;
}

static enum px_status keep(struct group *g, const uint64_t x[PX_REG_COUNT], const struct px_outcome *outcome,
                           struct px_error *err)
{
    enum px_status status = vectors_writer_case(&g->writer, x, outcome, err);
    if (status != PX_ERR_FULL)
        return status;
    status = vectors_writer_record(&g->writer, &g->program, err);
    return status == PX_OK ? vectors_writer_case(&g->writer, x, outcome, err) : status;
}

static enum px_status take_case(void *arg, const uint64_t x[PX_REG_COUNT], struct px_error *err)
{
    struct group *g = arg;
    struct mint *m = g->mint;
    struct run_result result = { .diff = { .fields = 0 } };
    const struct mint_options *o = m->options;
    if ((++g->result.cases & ASK_MASK) == 0 && o->interrupted && o->interrupted(NULL)) {
        m->stopped = true;
        return px_fail(err, PX_ERR_LOST, "interrupted");
    }
    memcpy(g->slot.image.x, x, sizeof g->slot.image.x);
    enum px_status status = run_compare(&m->run, &g->slot, true, &result, err);
    if (status != PX_OK)
        return status;
    bool answered = result.supported[1] && result.outcomes[1].exit != PX_EXIT_UNJUDGED;
    if (!answered || result.diff.fields != 0) {
        leave_out(g, x, &result);
        return PX_OK;
    }
    size_t i = find_erratum(g, x);
    if (i != SIZE_MAX)
        m->stale[i]++;
    return keep(g, x, &result.outcomes[1], err);
}

enum px_status mint_group(struct mint *mint, size_t group, struct minted *minted, struct px_error *err)
{
    struct group g = { .mint = mint };
    const struct vectors_sink sink = { .arg = &g, .record = take_record, .one = take_case };
    vectors_group_name(group, g.name);
    px_program_init(&g.program);
    enum px_status status = vectors_group_make(group, &sink, err);
    release(&g);
    g.result.cases -= g.result.left_out + g.result.refused;
    if (status == PX_OK && g.result.refused == 0 && g.result.cases > 0)
        status = vectors_writer_finish(&g.writer, mint->options->name, mint->options->date, &g.result.bytes,
                                       &g.result.size, err);
    vectors_writer_fini(&g.writer);
    px_program_fini(&g.program);
    if (status == PX_OK)
        *minted = g.result;
    return status;
}

size_t mint_check_errata(const struct mint *mint, bool all)
{
    const struct mint_options *o = mint->options;
    size_t bad = 0;
    for (size_t i = 0; i < o->errata_count; i++) {
        const struct erratum *e = &o->errata[i];
        bool applies = strcmp(e->oracle, o->name) == 0;
        if (!applies || (mint->stale[i] == 0 && (mint->met[i] > 0 || !all)))
            continue;
        bad++;
        fprintf(o->complaints, "erratum of %s, %s, \"%s\": ", e->oracle, px_ops[e->op].mnemonic, e->what);
        if (mint->stale[i] > 0)
            fprintf(o->complaints, "%" PRIu64 " cases in which it agrees with %s: the entry is stale\n",
                    mint->stale[i], o->reference);
        else
            fprintf(o->complaints, "no case meets it: the entry is stale\n");
    }
    return bad;
}
