/* Reader of what stands behind the lines of a file of vectors. Nothing in it is trusted. */
#include "harness/vectors/vectors.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* --- bytes, numbers, values --- */

__attribute__((format(printf, 2, 3), noinline, cold)) static void fail(struct vectors_cursor *c,
                                                                       const char *fmt, ...)
{
    char message[200];
    va_list args;
    if (c->status != PX_OK)
        return;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    c->status = px_fail(c->err, PX_ERR_INPUT, "%s: body, offset %zu: %s", c->vectors->name,
                        (size_t)(c->at - c->vectors->bytes), message);
}

static size_t left(const struct vectors_cursor *c)
{
    return (size_t)(c->end - c->at);
}

static unsigned get_byte(struct vectors_cursor *c, const char *what)
{
    if (c->status == PX_OK && c->at == c->end)
        fail(c, "found the end, expected %s", what);
    return c->status == PX_OK ? *c->at++ : 0;
}

/* At most @max; 0 after a failure. */
static uint64_t get_number(struct vectors_cursor *c, uint64_t max, const char *what)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        unsigned byte = get_byte(c, what);
        number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            break;
        if (shift == 28)
            fail(c, "found a number of over 5 bytes, expected %s", what);
    }
    if (number > max)
        fail(c, "found %" PRIu64 ", expected %s, at most %" PRIu64, number, what, max);
    return c->status == PX_OK ? number : 0;
}

static uint64_t value_at(const struct vectors *vectors, size_t place)
{
    const uint8_t *table = vectors->bytes + vectors->records_at - 8 * vectors->value_count;
    uint64_t value;
    memcpy(&value, table + 8 * place, sizeof value);
    return value;
}

static uint64_t get_value(struct vectors_cursor *c, const char *what)
{
    size_t count = c->vectors->value_count;
    if (count == 0)
        fail(c, "found no table of values, expected one");
    uint64_t place = get_number(c, count > 0 ? count - 1 : 0, what);
    return c->status == PX_OK ? value_at(c->vectors, (size_t)place) : 0;
}

static uint16_t get_set(struct vectors_cursor *c, const char *what)
{
    unsigned low = get_byte(c, what), high = get_byte(c, what);
    if (low & 1)
        fail(c, "found x0, expected %s without it", what);
    return (uint16_t)(c->status == PX_OK ? low | high << 8 : 0);
}

/* --- records --- */

static void get_program(struct vectors_cursor *c)
{
    size_t size = (size_t)get_number(c, UINT32_MAX, "the size of a program");
    if (size > left(c))
        fail(c, "found %zu bytes behind it, expected the %zu of a program", left(c), size);
    if (c->status != PX_OK)
        return;
    c->status = px_program_unpack(&c->program, c->vectors->name, c->at, size, c->err);
    if (c->status == PX_OK && (c->program.origin.known || c->program.has_expect))
        fail(c, "found a program that says where it is from or what it gives, expected neither");
    c->at += c->status == PX_OK ? size : 0;
}

/* What can be the end of a run, and has one way to be written. */
static bool is_end(const struct vectors_end *end)
{
    struct px_outcome out = { .exit = end->exit, .arg = end->arg }, same = { .exit = PX_EXIT_COUNT };
    char text[64];
    if (end->exit >= PX_EXIT_STOPPED || (end->exit == PX_EXIT_PANIC && (uint64_t)end->arg >= PX_PANIC_COUNT))
        return false;
    (void)px_exit_format(&out, text, sizeof text);
    return px_exit_parse(text, &same) && same.exit == end->exit && same.arg == end->arg;
}

static void get_ends(struct vectors_cursor *c)
{
    c->end_count = get_number(c, VECTORS_ENDS_MAX, "the number of ends");
    if (c->end_count == 0)
        fail(c, "found no end, expected one at least");
    for (uint64_t i = 0; i < c->end_count && c->status == PX_OK; i++) {
        struct vectors_end end = { .exit = (enum px_exit)get_byte(c, "an exit") };
        end.arg = (int64_t)get_value(c, "the argument of an exit");
        uint64_t pc = get_value(c, "a pc");
        end.pc = (uint32_t)pc;
        if (pc > UINT32_MAX || !is_end(&end))
            fail(c, "found exit %d with 0x%" PRIx64 " at pc 0x%" PRIx64 ", expected a way for guests to end",
                 (int)end.exit, (uint64_t)end.arg, pc);
        c->ends[i] = end;
    }
}

static void get_table(struct vectors_cursor *c, struct vectors *v)
{
    uint64_t count = get_number(c, UINT32_MAX, "the size of the table");
    if (count > left(c) / 8)
        fail(c, "found %" PRIu64 ", expected the size of the table, at most %zu", count, left(c) / 8);
    v->value_count = (size_t)count;
    c->at += c->status == PX_OK ? 8 * v->value_count : 0;
    v->records_at = (size_t)(c->at - v->bytes);
}

void vectors_begin(struct vectors_cursor *cursor, const struct vectors *vectors, struct px_error *err)
{
    *cursor = (struct vectors_cursor){ .vectors = vectors, .err = err, .status = PX_OK };
    px_program_init(&cursor->program);
    cursor->end = vectors->bytes + vectors->size;
    cursor->at = vectors->bytes + vectors->records_at;
    cursor->records = get_number(cursor, left(cursor), "the number of records");
}

enum px_status vectors_index_body(struct vectors *vectors, struct px_error *err)
{
    struct vectors_cursor c = { .vectors = vectors, .err = err, .status = PX_OK };
    c.at = vectors->bytes;
    c.end = vectors->bytes + vectors->size;
    get_table(&c, vectors);
    return c.status;
}

void vectors_end(struct vectors_cursor *cursor)
{
    px_program_fini(&cursor->program);
}

bool vectors_next_record(struct vectors_cursor *c)
{
    struct vectors_case skipped;
    while (vectors_next_case(c, &skipped))
        ;
    if (c->records == 0 && c->at != c->end)
        fail(c, "found %zu more bytes, expected the end", left(c));
    if (c->records == 0 || c->status != PX_OK)
        return false;
    c->records--;
    get_program(c);
    c->inputs = get_set(c, "the inputs");
    c->outputs = get_set(c, "the outputs");
    get_ends(c);
    c->cases = get_number(c, VECTORS_CASES_MAX, "the number of cases");
    if (c->cases == 0)
        fail(c, "found a record without cases, expected one at least");
    return c->status == PX_OK;
}

bool vectors_next_case(struct vectors_cursor *c, struct vectors_case *out)
{
    if (c->cases == 0 || c->status != PX_OK)
        return false;
    /* A case that takes no bytes must not be there any number of times. */
    if (c->index == c->vectors->cases)
        fail(c, "found more cases, expected %" PRIu64 " in all", c->vectors->cases);
    unsigned place = c->end_count > 1 ? get_byte(c, "the place of an end") : 0;
    if (place >= c->end_count)
        fail(c, "found end %u, expected one of %" PRIu64, place, c->end_count);
    if (c->status != PX_OK)
        return false;
    const struct vectors_end *end = &c->ends[place];
    *out = (struct vectors_case){ .index = c->index++ };
    memcpy(out->x, c->program.x, sizeof out->x);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (c->inputs >> i & 1)
            out->x[i] = get_value(c, "an input");
    struct px_expect *expect = &out->expect;
    expect->has_exit = expect->has_pc = true;
    expect->has_x = (1u << PX_REG_COUNT) - 2;
    expect->out = (struct px_outcome){ .exit = end->exit, .arg = end->arg, .pc = end->pc };
    memcpy(expect->out.x, out->x, sizeof out->x);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (c->outputs >> i & 1)
            expect->out.x[i] = get_value(c, "an output");
    memcpy(expect->oracle, c->vectors->oracle, sizeof expect->oracle);
    c->cases--;
    return c->status == PX_OK;
}

enum px_status vectors_program(const struct vectors *vectors, uint64_t index, struct px_program *program,
                               struct px_error *err)
{
    struct vectors_cursor cursor;
    struct vectors_case one = { .index = UINT64_MAX };
    if (index >= vectors->cases)
        return px_fail(err, PX_ERR_INPUT, "%s: there is no case %" PRIu64 ": expected 0 to %" PRIu64,
                       vectors->name, index, vectors->cases - 1);
    vectors_begin(&cursor, vectors, err);
    while (one.index != index && vectors_next_record(&cursor))
        while (one.index != index && vectors_next_case(&cursor, &one))
            ;
    enum px_status status = cursor.status;
    if (status == PX_OK)
        status = px_program_copy(program, &cursor.program);
    if (status == PX_OK) {
        memcpy(program->x, one.x, sizeof program->x);
        program->has_expect = true;
        program->expect = one.expect;
    }
    vectors_end(&cursor);
    return status;
}
