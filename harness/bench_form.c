/*
 * Programs to and from the forms that they are kept in; a fuzzer reads the binary one before every run.
 *
 *   generate (x 32) -> write binary, read it (x 32) -> write text, read it (x 32)
 */
#include "harness/bench_measure.h"

#include <stdlib.h>

enum { SEED = 2 };

enum form_figure { READ_BINARY, WRITE_BINARY, READ_TEXT, WRITE_TEXT };

const struct bench_figure bench_form_figures[BENCH_FORM_FIGURES] = {
    [READ_BINARY] = { "read-binary", "ns/program", false },
    [WRITE_BINARY] = { "write-binary", "ns/program", false },
    [READ_TEXT] = { "read-text", "ns/program", false },
    [WRITE_TEXT] = { "write-text", "ns/program", false },
};

/* A batch in one form: program i begins at start[i] and ends where the next begins. */
struct forms {
    uint8_t *bytes;
    size_t start[BENCH_BATCH + 1];
};

static enum px_status make_batch(struct bench *b, const struct px_gen *gen, size_t *room)
{
    enum px_status status = PX_OK;
    *room = 0;
    for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++) {
        status = px_gen_make(gen, SEED, b->index++, &b->programs[i]);
        *room += px_program_pack_bound(&b->programs[i]);
    }
    return status;
}

static enum px_status write_binary(struct bench *b, struct forms *forms, size_t room)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++) {
        size_t size = 0, start = forms->start[i];
        status = px_program_pack(&b->programs[i], forms->bytes + start, room - start, &size);
        forms->start[i + 1] = start + size;
    }
    return status;
}

static enum px_status write_text(struct bench *b, struct forms *forms, FILE *file)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++) {
        status = px_program_write(&b->programs[i], file);
        forms->start[i + 1] = (size_t)ftell(file);
    }
    return status;
}

static enum px_status read_batch(struct bench *b, const struct forms *forms)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < BENCH_BATCH && status == PX_OK; i++)
        status = px_program_read(&b->programs[i], "bench", forms->bytes + forms->start[i],
                                 forms->start[i + 1] - forms->start[i], b->err);
    return status;
}

static enum px_status sample_binary(struct bench *b, size_t room, double *spent)
{
    struct forms forms = { .bytes = malloc(room) };
    if (!forms.bytes)
        return PX_ERR_NOMEM;
    uint64_t start = bench_clock();
    enum px_status status = write_binary(b, &forms, room);
    uint64_t written = bench_clock();
    if (status == PX_OK)
        status = read_batch(b, &forms);
    spent[READ_BINARY] += (double)(bench_clock() - written) - b->clock_ns;
    spent[WRITE_BINARY] += (double)(written - start) - b->clock_ns;
    free(forms.bytes);
    return status;
}

static enum px_status sample_text(struct bench *b, double *spent)
{
    struct forms forms = { .bytes = NULL };
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        return PX_ERR_NOMEM;
    uint64_t start = bench_clock();
    enum px_status status = write_text(b, &forms, file);
    uint64_t written = bench_clock();
    forms.bytes = (uint8_t *)text;
    if (status == PX_OK)
        status = read_batch(b, &forms);
    spent[READ_TEXT] += (double)(bench_clock() - written) - b->clock_ns;
    spent[WRITE_TEXT] += (double)(written - start) - b->clock_ns;
    (void)fclose(file);
    free(text);
    return status;
}

enum px_status bench_form(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    struct px_gen gen;
    double spent[BENCH_FORM_FIGURES] = { 0 };
    size_t programs = 0, room;
    enum px_status status = px_gen_parse(measure->spec, &gen, b->err);
    for (uint64_t start = bench_clock(); status == PX_OK && (programs == 0 || bench_clock() - start < ns);) {
        status = make_batch(b, &gen, &room);
        if (status == PX_OK)
            status = sample_binary(b, room, spent);
        if (status == PX_OK)
            status = sample_text(b, spent);
        if (status != PX_OK)
            return px_fail(b->err, status, "programs of %s: %s", gen.spec, px_status_name(status));
        programs += BENCH_BATCH;
    }
    for (size_t i = 0; i < BENCH_FORM_FIGURES && programs > 0; i++)
        values[i] = spent[i] / (double)programs;
    return status;
}
