/* Writer of vectors: cases are gathered as they are, then values get their places in the table, the most frequent first. */
#define _GNU_SOURCE
#include "harness/vectors/vectors.h"

#include <stdlib.h>
#include <string.h>

struct vectors_run {
    uint64_t before[PX_REG_COUNT], after[PX_REG_COUNT];
    unsigned end; /* its place in the record */
};

struct vectors_record {
    uint8_t *program; /* packed */
    size_t size;
    uint64_t x[PX_REG_COUNT]; /* the program's own */
    size_t first, count; /* of the runs */
    uint16_t inputs, outputs;
    struct vectors_end ends[VECTORS_ENDS_MAX];
    unsigned end_count;
};

void vectors_writer_fini(struct vectors_writer *writer)
{
    for (size_t i = 0; i < writer->record_count; i++)
        free(writer->records[i].program);
    free(writer->records);
    free(writer->runs);
    *writer = (struct vectors_writer){ .record_count = 0 };
}

static enum px_status no_memory(struct px_error *err)
{
    return px_fail(err, PX_ERR_NOMEM, "out of memory for vectors");
}

static void *grow(void *items, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity)
        return items;
    size_t room = *capacity ? 2 * *capacity : 64;
    void *grown = reallocarray(items, room, size);
    if (grown)
        *capacity = room;
    return grown;
}

/* Packs @program without what says where it is from and what it gives. */
static enum px_status pack(const struct px_program *program, struct vectors_record *record,
                           struct px_error *err)
{
    struct px_program plain;
    px_program_init(&plain);
    enum px_status status = px_program_copy(&plain, program);
    plain.has_expect = plain.origin.known = false;
    size_t room = px_program_pack_bound(&plain);
    if (status == PX_OK)
        record->program = malloc(room);
    if (status == PX_OK && record->program)
        status = px_program_pack(&plain, record->program, room, &record->size);
    px_program_fini(&plain);
    if (status == PX_ERR_NOMEM || !record->program)
        return no_memory(err);
    return status == PX_OK ? PX_OK : px_fail(err, status, "a program does not fit the binary form");
}

enum px_status vectors_writer_record(struct vectors_writer *w, const struct px_program *program,
                                     struct px_error *err)
{
    struct vectors_record *records = grow(w->records, sizeof *records, w->record_count, &w->record_capacity);
    if (!records)
        return no_memory(err);
    w->records = records;
    struct vectors_record *record = &records[w->record_count];
    *record = (struct vectors_record){ .first = w->run_count };
    memcpy(record->x, program->x, sizeof record->x);
    enum px_status status = pack(program, record, err);
    if (status == PX_OK)
        w->record_count++;
    else
        free(record->program);
    return status;
}

/* The place of @end among those of @record, which gets it; VECTORS_ENDS_MAX when there is no room. */
static unsigned place_of_end(struct vectors_record *record, const struct vectors_end *end)
{
    unsigned i;
    for (i = 0; i < record->end_count; i++) {
        const struct vectors_end *there = &record->ends[i];
        if (there->exit == end->exit && there->arg == end->arg && there->pc == end->pc)
            return i;
    }
    if (i < VECTORS_ENDS_MAX)
        record->ends[record->end_count++] = *end;
    return i;
}

enum px_status vectors_writer_case(struct vectors_writer *w, const uint64_t x[PX_REG_COUNT],
                                   const struct px_outcome *outcome, struct px_error *err)
{
    struct vectors_record *record = &w->records[w->record_count - 1];
    const struct vectors_end end = { .exit = outcome->exit, .arg = outcome->arg, .pc = outcome->pc };
    struct vectors_run *runs = grow(w->runs, sizeof *runs, w->run_count, &w->run_capacity);
    if (!runs)
        return no_memory(err);
    w->runs = runs;
    struct vectors_run *run = &runs[w->run_count];
    run->end = place_of_end(record, &end);
    if (run->end == VECTORS_ENDS_MAX)
        return px_fail(err, PX_ERR_FULL, "over %d different ends of one program", VECTORS_ENDS_MAX);
    memcpy(run->before, x, sizeof run->before);
    memcpy(run->after, outcome->x, sizeof run->after);
    for (unsigned i = 1; i < PX_REG_COUNT; i++) {
        record->inputs |= (uint16_t)((x[i] != record->x[i]) << i);
        record->outputs |= (uint16_t)((x[i] != outcome->x[i]) << i);
    }
    record->count++;
    w->run_count++;
    return PX_OK;
}

/* --- the table --- */

struct entry {
    uint64_t value;
    size_t count, place;
};

struct table {
    struct entry *entries; /* by value */
    size_t count;
};

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int by_entry_value(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* The most frequent first; of equals the smallest. */
static int by_count(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_entry_value(a, b);
}

/* All values that the file names; the caller frees them. NULL: no memory. */
static uint64_t *gather(const struct vectors_writer *w, size_t *count)
{
    size_t room = 2 * PX_REG_COUNT * w->run_count + 2 * (size_t)VECTORS_ENDS_MAX * w->record_count + 1, n = 0;
    uint64_t *values = malloc(room * sizeof *values);
    for (size_t r = 0; values && r < w->record_count; r++) {
        const struct vectors_record *record = &w->records[r];
        for (unsigned i = 0; i < record->end_count; i++) {
            values[n++] = (uint64_t)record->ends[i].arg;
            values[n++] = record->ends[i].pc;
        }
        for (size_t k = record->first; k < record->first + record->count; k++) {
            for (unsigned i = 1; i < PX_REG_COUNT; i++) {
                if (record->inputs >> i & 1)
                    values[n++] = w->runs[k].before[i];
                if (record->outputs >> i & 1)
                    values[n++] = w->runs[k].after[i];
            }
        }
    }
    *count = n;
    return values;
}

static bool make_table(const struct vectors_writer *w, struct table *table)
{
    size_t count;
    uint64_t *values = gather(w, &count);
    struct entry *entries = values ? calloc(count + 1, sizeof *entries) : NULL;
    *table = (struct table){ .entries = entries };
    if (entries) {
        qsort(values, count, sizeof *values, by_value);
        for (size_t i = 0; i < count; i++) {
            if (i == 0 || values[i] != values[i - 1])
                entries[table->count++].value = values[i];
            entries[table->count - 1].count++;
        }
        qsort(entries, table->count, sizeof *entries, by_count);
        for (size_t i = 0; i < table->count; i++)
            entries[i].place = i;
    }
    free(values);
    return entries;
}

/* --- bytes --- */

static void put_number(FILE *file, uint64_t number)
{
    for (; number >= 128; number >>= 7)
        (void)putc((int)(number & 127) | 128, file);
    (void)putc((int)number, file);
}

static void put_set(FILE *file, uint16_t set)
{
    (void)putc(set & 255, file);
    (void)putc(set >> 8, file);
}

/* @table is sorted by value. */
static void put_value(FILE *file, const struct table *table, uint64_t value)
{
    const struct entry key = { .value = value };
    const struct entry *found = bsearch(&key, table->entries, table->count, sizeof key, by_entry_value);
    put_number(file, found->place);
}

static void put_record(FILE *file, const struct table *table, const struct vectors_writer *w,
                       const struct vectors_record *record)
{
    put_number(file, record->size);
    (void)fwrite(record->program, 1, record->size, file);
    put_set(file, record->inputs);
    put_set(file, record->outputs);
    put_number(file, record->end_count);
    for (unsigned i = 0; i < record->end_count; i++) {
        (void)putc((int)record->ends[i].exit, file);
        put_value(file, table, (uint64_t)record->ends[i].arg);
        put_value(file, table, record->ends[i].pc);
    }
    put_number(file, record->count);
    for (size_t k = record->first; k < record->first + record->count; k++) {
        const struct vectors_run *run = &w->runs[k];
        if (record->end_count > 1)
            (void)putc((int)run->end, file);
        for (unsigned i = 1; i < PX_REG_COUNT; i++)
            if (record->inputs >> i & 1)
                put_value(file, table, run->before[i]);
        for (unsigned i = 1; i < PX_REG_COUNT; i++)
            if (record->outputs >> i & 1)
                put_value(file, table, run->after[i]);
    }
}

static void put_body(FILE *file, struct table *table, const struct vectors_writer *w)
{
    size_t records = 0;
    put_number(file, table->count);
    for (size_t i = 0; i < table->count; i++)
        (void)fwrite(&table->entries[i].value, sizeof(uint64_t), 1, file);
    qsort(table->entries, table->count, sizeof *table->entries, by_entry_value);
    for (size_t i = 0; i < w->record_count; i++)
        records += w->records[i].count > 0;
    put_number(file, records);
    for (size_t i = 0; i < w->record_count; i++)
        if (w->records[i].count > 0)
            put_record(file, table, w, &w->records[i]);
}

static enum px_status put_file(struct vectors *v, char **bytes, size_t *size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    enum px_status status = file ? vectors_write_head(file, v, vectors_checksum(v)) : PX_ERR_NOMEM;
    if (file) {
        (void)fwrite(v->bytes, 1, v->size, file);
        if (ferror(file) || fclose(file) != 0)
            status = PX_ERR_NOMEM;
    }
    if (status == PX_OK)
        *bytes = text;
    else
        free(text);
    return status;
}

enum px_status vectors_writer_finish(const struct vectors_writer *w, const char *oracle, const char *date,
                                     char **bytes, size_t *size, struct px_error *err)
{
    struct vectors v = { .cases = w->run_count };
    struct table table;
    char *body = NULL;
    if (!make_table(w, &table))
        return no_memory(err);
    (void)snprintf(v.oracle, sizeof v.oracle, "%s", oracle);
    (void)snprintf(v.date, sizeof v.date, "%s", date);
    FILE *file = open_memstream(&body, &v.size);
    enum px_status status = file ? PX_OK : PX_ERR_NOMEM;
    if (file) {
        put_body(file, &table, w);
        if (ferror(file) || fclose(file) != 0)
            status = PX_ERR_NOMEM;
    }
    v.bytes = (uint8_t *)body;
    if (status == PX_OK)
        status = put_file(&v, bytes, size);
    free(body);
    free(table.entries);
    return status == PX_OK ? PX_OK : no_memory(err);
}
