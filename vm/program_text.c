/*
 * Reader of .px files (DESIGN.md 4): one function per key. Mappings are checked as they are read, so that
 * a structural error, too, points at its place.
 */
#include "vm/program_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vm/program.h"
#include "vm/text.h"

enum { EXIT_TEXT_MAX = 40 };

enum key { KEY_ORIGIN, KEY_GAS, KEY_ENTRY, KEY_REG, KEY_MAP, KEY_CODE, KEY_EXPECT, KEY_COUNT };

#define EXPECTED_KEY "origin, gas, entry, reg, map, code or expect"
#define EXPECTED_WORD "8, 4 or 2 hex digits"
#define EXPECTED_ORIGIN "seed=N, index=N or gen=NAME@VERSION"
#define EXPECTED_EXPECT "exit=, pc=, gas=, x1= to x15= or oracle="
#define EXPECTED_EXIT "hostcall:N, manage, trap, panic:CAUSE, page_fault:0xPAGE or out_of_gas"

/* Fields of an origin line and of an expect line; there, 1 to 15 are x1 to x15. */
enum { FIELD_SEED, FIELD_INDEX, FIELD_GEN };
enum { FIELD_EXIT = PX_REG_COUNT, FIELD_PC, FIELD_GAS, FIELD_ORACLE };

struct reader {
    struct px_program *program;
    struct px_text text;
    bool has_header, in_code;
    size_t key_line[KEY_COUNT]; /* where a key was last seen; 0: not yet */
    size_t reg_line[PX_REG_COUNT];
};

bool px_text_is_name(const char *at, size_t length)
{
    if (length == 0 || length >= PX_NAME_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (at[i] <= ' ' || at[i] > '~' || at[i] == '#' || at[i] == '@')
            return false;
    return true;
}

static enum px_status read_name(struct reader *r, struct px_token token, char name[PX_NAME_MAX])
{
    if (!px_text_is_name(token.at, token.length))
        return px_text_reject(&r->text, token, "a name of at most %d printable characters", PX_NAME_MAX - 1);
    memset(name, 0, PX_NAME_MAX);
    memcpy(name, token.at, token.length);
    return PX_OK;
}

static enum px_status next_number(struct reader *r, uint64_t max, struct px_token *token, uint64_t *value)
{
    (void)px_text_token(&r->text, token);
    return px_text_number(&r->text, *token, max, value);
}

/* 1 to 15, or 0 when @token is not one of "x1" to "x15": nothing can be said of x0. */
static unsigned reg_number(struct px_token token)
{
    unsigned reg = 0;
    if (token.length < 2 || token.length > 3 || token.at[0] != 'x' || token.at[1] == '0')
        return 0;
    for (size_t i = 1; i < token.length; i++) {
        if (token.at[i] < '0' || token.at[i] > '9')
            return 0;
        reg = reg * 10 + (unsigned)(token.at[i] - '0');
    }
    return reg < PX_REG_COUNT ? reg : 0;
}

static enum px_status parse_header(struct reader *r, struct px_token first)
{
    struct px_token token;
    if (!px_token_is(first, "parallax"))
        return px_text_reject(&r->text, first, "\"%s\"", PX_TEXT_HEADER);
    if (!px_text_token(&r->text, &token) || !px_token_is(token, "1"))
        return px_text_reject(&r->text, token, "format version 1");
    if (!px_text_token(&r->text, &token) || !px_token_is(token, PX_GUEST_NAME))
        return px_text_reject(&r->text, token, "guest %s", PX_GUEST_NAME);
    r->has_header = true;
    return PX_OK;
}

static enum px_status parse_gen(struct reader *r, struct px_token value)
{
    struct px_origin *origin = &r->program->origin;
    struct px_token name, version;
    uint64_t number;
    if (!px_token_split(value, '@', &name, &version))
        return px_text_reject(&r->text, value, "NAME@VERSION");
    enum px_status status = read_name(r, name, origin->gen);
    if (status == PX_OK)
        status = px_text_number(&r->text, version, UINT32_MAX, &number);
    if (status == PX_OK)
        origin->version = (unsigned)number;
    return status;
}

/* One "name=value" of an origin line; *field tells which. */
static enum px_status parse_origin_field(struct reader *r, struct px_token token, unsigned *field)
{
    struct px_origin *origin = &r->program->origin;
    struct px_token name, value;
    bool split = px_token_split(token, '=', &name, &value);
    if (split && px_token_is(name, "seed")) {
        *field = FIELD_SEED;
        return px_text_number(&r->text, value, UINT64_MAX, &origin->seed);
    }
    if (split && px_token_is(name, "index")) {
        *field = FIELD_INDEX;
        return px_text_number(&r->text, value, UINT64_MAX, &origin->index);
    }
    if (split && px_token_is(name, "gen")) {
        *field = FIELD_GEN;
        return parse_gen(r, value);
    }
    return px_text_reject(&r->text, token, EXPECTED_ORIGIN);
}

static enum px_status parse_exit(struct reader *r, struct px_token value)
{
    struct px_expect *expect = &r->program->expect;
    char text[EXIT_TEXT_MAX] = "";
    if (value.length < sizeof text)
        memcpy(text, value.at, value.length);
    expect->has_exit = px_exit_parse(text, &expect->out) && expect->out.exit < PX_EXIT_STOPPED;
    return expect->has_exit ? PX_OK : px_text_reject(&r->text, value, EXPECTED_EXIT);
}

static enum px_status parse_pc(struct reader *r, struct px_token value)
{
    struct px_expect *expect = &r->program->expect;
    uint64_t pc;
    enum px_status status = px_text_number(&r->text, value, UINT32_MAX, &pc);
    if (status == PX_OK)
        expect->out.pc = (uint32_t)pc;
    expect->has_pc = true;
    return status;
}

/* One "name=value" of an expect line; *field tells which. */
static enum px_status parse_expect_field(struct reader *r, struct px_token token, unsigned *field)
{
    struct px_expect *expect = &r->program->expect;
    struct px_token name, value;
    bool split = px_token_split(token, '=', &name, &value);
    unsigned reg = reg_number(name);
    if (split && reg > 0) {
        *field = reg;
        expect->has_x |= (uint16_t)(1u << reg);
        return px_text_number(&r->text, value, UINT64_MAX, &expect->out.x[reg]);
    }
    if (split && px_token_is(name, "exit")) {
        *field = FIELD_EXIT;
        return parse_exit(r, value);
    }
    if (split && px_token_is(name, "pc")) {
        *field = FIELD_PC;
        return parse_pc(r, value);
    }
    if (split && px_token_is(name, "gas")) {
        *field = FIELD_GAS;
        expect->has_gas = true;
        return px_text_number(&r->text, value, UINT64_MAX, &expect->out.gas);
    }
    if (split && px_token_is(name, "oracle")) {
        *field = FIELD_ORACLE;
        return read_name(r, value, expect->oracle);
    }
    return px_text_reject(&r->text, token, EXPECTED_EXPECT);
}

/* Reads the fields of a line by @parse; bit i of *fields: field i was there. */
static enum px_status parse_fields(struct reader *r,
                                   enum px_status (*parse)(struct reader *, struct px_token, unsigned *),
                                   uint32_t *fields)
{
    struct px_token token;
    *fields = 0;
    while (px_text_token(&r->text, &token)) {
        unsigned field = 0;
        enum px_status status = parse(r, token, &field);
        if (status != PX_OK)
            return status;
        if (*fields >> field & 1)
            return px_text_reject(&r->text, token, "each field once");
        *fields |= 1u << field;
    }
    return PX_OK;
}

static enum px_status parse_origin(struct reader *r)
{
    uint32_t fields;
    enum px_status status = parse_fields(r, parse_origin_field, &fields);
    if (status == PX_OK && fields == 0)
        return px_text_reject(&r->text, (struct px_token){ r->text.cursor, 0 }, EXPECTED_ORIGIN);
    r->program->origin.known = status == PX_OK;
    return status;
}

static enum px_status parse_expect(struct reader *r)
{
    struct px_expect *expect = &r->program->expect;
    uint32_t fields;
    enum px_status status = parse_fields(r, parse_expect_field, &fields);
    /* A vector that compares nothing would always pass. */
    if (status == PX_OK && !expect->has_exit && !expect->has_pc && !expect->has_gas && expect->has_x == 0)
        return px_text_reject(&r->text, (struct px_token){ r->text.cursor, 0 }, EXPECTED_EXPECT);
    r->program->has_expect = status == PX_OK;
    return status;
}

static enum px_status parse_gas(struct reader *r)
{
    struct px_token token;
    return next_number(r, UINT64_MAX, &token, &r->program->gas);
}

static enum px_status parse_entry(struct reader *r)
{
    struct px_token token;
    uint64_t entry;
    enum px_status status = next_number(r, UINT32_MAX, &token, &entry);
    if (status == PX_OK)
        r->program->entry_pc = (uint32_t)entry;
    return status;
}

static enum px_status parse_reg(struct reader *r)
{
    struct px_token name, value;
    (void)px_text_token(&r->text, &name);
    unsigned reg = reg_number(name);
    if (reg == 0)
        return px_text_reject(&r->text, name, "x1 to x15");
    if (r->reg_line[reg] != 0)
        return px_text_reject(&r->text, name, "each register once (line %zu has it)", r->reg_line[reg]);
    r->reg_line[reg] = r->text.line;
    return next_number(r, UINT64_MAX, &value, &r->program->x[reg]);
}

static enum px_status read_kind(struct reader *r, enum px_map_kind *kind)
{
    struct px_token token;
    (void)px_text_token(&r->text, &token);
    for (int i = 0; i < PX_MAP_KIND_COUNT; i++)
        if (px_token_is(token, px_map_kind_name((enum px_map_kind)i))) {
            *kind = (enum px_map_kind)i;
            return PX_OK;
        }
    return px_text_reject(&r->text, token, "zero, ro or cow");
}

/* @bytes has room for half of @digits. */
static enum px_status read_bytes(struct reader *r, struct px_token digits, uint8_t *bytes)
{
    for (size_t i = 0; i < digits.length; i += 2) {
        int high = px_hex_value(digits.at[i]);
        int low = i + 1 < digits.length ? px_hex_value(digits.at[i + 1]) : -1;
        if (high < 0 || low < 0) {
            struct px_token rest = { digits.at + i, digits.length - i };
            return px_text_reject(&r->text, rest, "two hex digits per byte");
        }
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    return PX_OK;
}

static enum px_status add_map(struct reader *r, const struct px_program_map *map, struct px_token digits)
{
    uint8_t *bytes = malloc(digits.length / 2 + 1);
    if (!bytes)
        return px_text_fail(&r->text, digits, PX_ERR_NOMEM, "out of memory");
    enum px_status status = read_bytes(r, digits, bytes);
    if (status == PX_OK) {
        status = px_program_map(r->program, map->start, map->size, map->kind, bytes, digits.length / 2);
        if (status != PX_OK)
            (void)px_text_fail(&r->text, digits, status, "out of memory");
    }
    free(bytes);
    return status;
}

/* The program passed until the last mapping came, so whatever px_image_check finds is about that one. */
static enum px_status check_last_map(struct reader *r, struct px_token start, struct px_token size,
                                     struct px_token content)
{
    struct px_image image;
    struct px_error why;
    px_program_image(r->program, &image);
    enum px_status status = px_image_check(&image, &why);
    if (status == PX_OK)
        return PX_OK;
    enum px_map_field field = px_mapping_bad_field(&image.maps[image.map_count - 1]);
    struct px_token guilty = start;
    if (field == PX_MAP_FIELD_SIZE)
        guilty = size;
    else if (field == PX_MAP_FIELD_CONTENT)
        guilty = content;
    return px_text_fail(&r->text, guilty, status, why.text);
}

static enum px_status parse_map(struct reader *r)
{
    struct px_program_map map = { .start = 0 };
    struct px_token start, size, content, prefix, digits = { r->text.line_end, 0 };
    enum px_status status = next_number(r, UINT64_MAX, &start, &map.start);
    if (status == PX_OK && r->program->map_count == PX_PROGRAM_MAPS_MAX)
        status = px_text_reject(&r->text, start, "at most %d mappings", PX_PROGRAM_MAPS_MAX);
    if (status == PX_OK)
        status = next_number(r, UINT64_MAX, &size, &map.size);
    if (status == PX_OK)
        status = read_kind(r, &map.kind);
    if (status != PX_OK)
        return status;
    if (px_text_token(&r->text, &content) &&
        (!px_token_split(content, ':', &prefix, &digits) || !px_token_is(prefix, "hex")))
        return px_text_reject(&r->text, content, "hex:DIGITS or end of line");
    status = add_map(r, &map, digits);
    return status == PX_OK ? check_last_map(r, start, size, content) : status;
}

static enum px_status parse_word(struct reader *r, struct px_token token, const char *expected)
{
    uint32_t word = 0;
    bool good = token.length == 8 || token.length == 4 || token.length == 2;
    for (size_t i = 0; i < token.length && good; i++) {
        int digit = px_hex_value(token.at[i]);
        good = digit >= 0;
        word = word << 4 | ((uint32_t)digit & 15);
    }
    if (!good)
        return px_text_reject(&r->text, token, "%s", expected);

    uint8_t bytes[4];
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(word >> 8 * i);
    enum px_status status = px_program_append(r->program, bytes, token.length / 2);
    if (status == PX_ERR_INPUT)
        return px_text_reject(&r->text, token, "at most %" PRIu32 " bytes of code", PX_CODE_MAX);
    return status == PX_OK ? PX_OK : px_text_fail(&r->text, token, status, "out of memory");
}

static enum px_status parse_code(struct reader *r)
{
    struct px_token token;
    r->in_code = true;
    while (px_text_token(&r->text, &token)) {
        enum px_status status = parse_word(r, token, EXPECTED_WORD);
        if (status != PX_OK)
            return status;
    }
    return PX_OK;
}

static const struct {
    const char *name;
    bool repeats;
    enum px_status (*parse)(struct reader *r);
} keys[KEY_COUNT] = {
    [KEY_ORIGIN] = { .name = "origin", .parse = parse_origin },
    [KEY_GAS] = { .name = "gas", .parse = parse_gas },
    [KEY_ENTRY] = { .name = "entry", .parse = parse_entry },
    [KEY_REG] = { .name = "reg", .repeats = true, .parse = parse_reg },
    [KEY_MAP] = { .name = "map", .repeats = true, .parse = parse_map },
    [KEY_CODE] = { .name = "code", .parse = parse_code },
    [KEY_EXPECT] = { .name = "expect", .parse = parse_expect },
};

static enum px_status parse_key(struct reader *r, struct px_token first)
{
    int key = 0;
    while (key < KEY_COUNT && !px_token_is(first, keys[key].name))
        key++;
    if (key == KEY_COUNT && !r->in_code)
        return px_text_reject(&r->text, first, EXPECTED_KEY);
    if (key == KEY_COUNT) {
        enum px_status status = parse_word(r, first, EXPECTED_WORD ", or " EXPECTED_KEY);
        return status == PX_OK ? parse_code(r) : status;
    }
    if (r->key_line[key] != 0 && !keys[key].repeats)
        return px_text_reject(&r->text, first, "%s once (line %zu has it)", keys[key].name, r->key_line[key]);
    r->key_line[key] = r->text.line;
    r->in_code = false;
    return keys[key].parse(r);
}

static enum px_status parse_lines(struct reader *r)
{
    for (;;) {
        struct px_token token;
        enum px_status status = px_text_line(&r->text);
        if (status != PX_OK || r->text.at_end)
            return status;
        if (!px_text_token(&r->text, &token))
            continue;
        status = r->has_header ? parse_key(r, token) : parse_header(r, token);
        if (status == PX_OK && px_text_token(&r->text, &token))
            status = px_text_reject(&r->text, token, "end of line");
        if (status != PX_OK)
            return status;
    }
}

static enum px_status parse(struct reader *r, const char *text, size_t size)
{
    if (size > PX_TEXT_MAX) {
        char message[80];
        r->text.line = 1;
        (void)snprintf(message, sizeof message, "found over %zu bytes, expected at most that many",
                       PX_TEXT_MAX);
        return px_text_fail(&r->text, (struct px_token){ text, 0 }, PX_ERR_INPUT, message);
    }
    enum px_status status = parse_lines(r);
    struct px_token end = { r->text.cursor, 0 };
    if (status == PX_OK && !r->has_header)
        return px_text_reject(&r->text, end, "\"%s\"", PX_TEXT_HEADER);
    if (status == PX_OK && r->key_line[KEY_GAS] == 0)
        return px_text_reject(&r->text, end, "gas N");
    return status;
}

enum px_status px_program_parse(struct px_program *program, const char *name, const char *text, size_t size,
                                struct px_error *err)
{
    struct reader r = { .program = program };
    px_program_clear(program);
    px_text_init(&r.text, name, text, size, err);
    enum px_status status = parse(&r, text, size);
    if (status != PX_OK)
        px_program_clear(program);
    return status;
}
