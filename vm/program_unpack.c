/*
 * Reader of the binary form. Nothing that it reads is trusted; what it makes of a byte is bounded, in time and
 * in memory, by PX_BINARY_RUN_MAX.
 */
#include "vm/program_binary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vm/program.h"
#include "vm/text.h"

/* The first failure is kept; after it every number is 0. */
struct unpacker {
    struct px_program *program;
    const char *name;
    struct px_error *err;
    const uint8_t *start, *at, *end;
    size_t content; /* bytes of all mappings so far */
    enum px_status status;
};

__attribute__((format(printf, 4, 5), noinline, cold)) static void
fail(struct unpacker *u, enum px_status status, size_t offset, const char *fmt, ...)
{
    char name[PX_TEXT_NAME_SHOWN], message[200];
    va_list args;
    if (u->status != PX_OK)
        return;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    px_text_show_name(u->name, name);
    u->status = px_fail(u->err, status, "%s: offset %zu: %s", name, offset, message);
}

static size_t offset_of(const struct unpacker *u)
{
    return (size_t)(u->at - u->start);
}

static size_t left(const struct unpacker *u)
{
    return (size_t)(u->end - u->at);
}

static __attribute__((cold)) void fail_end(struct unpacker *u, const char *what)
{
    fail(u, PX_ERR_INPUT, offset_of(u), "found the end of the file, expected %s", what);
}

static unsigned get_byte(struct unpacker *u, unsigned max, const char *what)
{
    if (u->status != PX_OK)
        return 0;
    if (u->at == u->end) {
        fail_end(u, what);
        return 0;
    }
    if (*u->at > max)
        fail(u, PX_ERR_INPUT, offset_of(u), "found 0x%02x, expected %s, at most 0x%02x", *u->at, what, max);
    return u->status == PX_OK ? *u->at++ : 0;
}

/* The bytes of a number of more than one; @length is 1 to 8. */
static uint64_t get_wide(struct unpacker *u, unsigned length, const char *what)
{
    uint64_t value = 0;
    if (left(u) >= sizeof value) {
        value = px_load_8(u->at) & UINT64_MAX >> (64 - 8 * length);
    } else if (length > left(u)) {
        u->at = u->end;
        fail_end(u, what);
        return 0;
    } else {
        for (unsigned i = 0; i < length; i++)
            value |= (uint64_t)u->at[i] << 8 * i;
    }
    u->at += length;
    return value;
}

static uint64_t get_number(struct unpacker *u, uint64_t max, const char *what)
{
    size_t offset = offset_of(u);
    unsigned first = get_byte(u, 255, what);
    uint64_t value;
    if (first < PX_NUMBER_POWER)
        value = first;
    else if (first < PX_NUMBER_ONES)
        value = UINT64_C(1) << (first & 63);
    else if (first < PX_NUMBER_BYTES)
        value = (UINT64_C(1) << (first & 63)) - 1;
    else if (first < PX_NUMBER_COMPLEMENT)
        value = get_wide(u, (first & 7) + 1, what);
    else if (first < PX_NUMBER_EDGE)
        value = ~get_wide(u, (first & 7) + 1, what);
    else
        value = px_binary_edges[first - PX_NUMBER_EDGE];
    if (value <= max || u->status != PX_OK)
        return u->status == PX_OK ? value : 0;
    fail(u, PX_ERR_INPUT, offset, "found 0x%" PRIx64 ", expected %s, at most 0x%" PRIx64, value, what, max);
    return 0;
}

/* A set of x1 to x15. */
static uint16_t get_set(struct unpacker *u, const char *what)
{
    size_t offset = offset_of(u);
    unsigned low = get_byte(u, 255, what);
    uint16_t set = (uint16_t)(low | get_byte(u, 255, what) << 8);
    if ((set & 1) == 0)
        return set;
    fail(u, PX_ERR_INPUT, offset, "found 0x%02x, expected %s, without x0", low, what);
    return 0;
}

static void get_registers(struct unpacker *u, uint16_t set, uint64_t x[PX_REG_COUNT])
{
    for (unsigned i = 1; set >> i != 0; i++)
        if (set >> i & 1)
            x[i] = get_number(u, UINT64_MAX, "a register");
}

static void get_name(struct unpacker *u, char name[PX_NAME_MAX], const char *what)
{
    size_t length = get_byte(u, PX_NAME_MAX - 1, what);
    if (u->status != PX_OK)
        return;
    if (length > left(u)) {
        u->at = u->end;
        fail_end(u, what);
    } else if (length > 0 && !px_text_is_name((const char *)u->at, length)) {
        fail(u, PX_ERR_INPUT, offset_of(u), "found other bytes, expected %s of printable characters", what);
    } else {
        memset(name, 0, PX_NAME_MAX);
        memcpy(name, u->at, length);
        u->at += length;
    }
}

/* --- mappings --- */

static void fill_run(uint8_t *to, size_t size, uint8_t first, uint8_t step)
{
    size_t at = 0;
    uint64_t bytes = 0, steps = px_repeat_byte((uint8_t)(8 * step));
    for (unsigned i = 0; i < 8; i++)
        bytes |= (uint64_t)(uint8_t)(first + i * step) << 8 * i;
    for (; at + sizeof bytes <= size; at += sizeof bytes, bytes = px_add_to_bytes(bytes, steps))
        memcpy(to + at, &bytes, sizeof bytes);
    memcpy(to + at, &bytes, size - at);
}

static void get_run(struct unpacker *u, uint8_t *to, size_t size)
{
    unsigned first = get_byte(u, 255, "the first byte of a run");
    unsigned step = get_byte(u, 255, "the step of a run");
    if (u->status == PX_OK)
        fill_run(to, size, (uint8_t)first, (uint8_t)step);
}

static void get_literal(struct unpacker *u, uint8_t *to, size_t size)
{
    if (size > left(u)) {
        fail(u, PX_ERR_INPUT, offset_of(u), "found %zu bytes, expected %zu of content", left(u), size);
        return;
    }
    memcpy(to, u->at, size);
    u->at += size;
}

static void get_chunks(struct unpacker *u, uint8_t *to, size_t size)
{
    for (size_t done = 0; done < size && u->status == PX_OK;) {
        size_t offset = offset_of(u), rest = size - done;
        uint64_t head = get_number(u, 2 * (rest - 1) + 1, "a chunk of content");
        size_t length = (size_t)(head >> 1) + 1;
        if (u->status != PX_OK)
            return;
        if ((head & 1) == 0)
            get_literal(u, to + done, length);
        else if (length <= PX_BINARY_RUN_MAX)
            get_run(u, to + done, length);
        else
            fail(u, PX_ERR_INPUT, offset, "found a run of %zu bytes, expected at most %d", length,
                 PX_BINARY_RUN_MAX);
        done += length;
    }
}

static void get_content(struct unpacker *u, struct px_program_map *map)
{
    uint8_t *content;
    size_t offset = offset_of(u), room = PX_BINARY_CONTENT_MAX - u->content;
    uint64_t max = map->size < room ? map->size : room;
    size_t size =
        map->kind == PX_MAP_ZERO ? 0 : (size_t)get_number(u, max, "the size of a mapping's content");
    /* Nothing is allocated that the bytes which are there could not fill. */
    if (size / PX_BINARY_RUN_MAX > left(u))
        fail(u, PX_ERR_INPUT, offset, "found %zu bytes after it, expected the %zu of a mapping's content",
             left(u), size);
    if (u->status != PX_OK)
        return;
    u->content += size;
    if (px_program_map_room(u->program, map->start, map->size, map->kind, size, &content) != PX_OK)
        fail(u, PX_ERR_NOMEM, offset, "out of memory");
    get_chunks(u, content, size);
}

/* Each mapping is sound by itself, so that only an overlap can be left. The offset is that of the mapping. */
static void check_overlaps(struct unpacker *u, const size_t offsets[PX_PROGRAM_MAPS_MAX])
{
    struct px_image image;
    struct px_error why;
    px_program_image(u->program, &image);
    if (px_image_check(&image, NULL) == PX_OK)
        return;
    for (image.map_count = 1; px_image_check(&image, &why) == PX_OK;)
        image.map_count++;
    fail(u, PX_ERR_INPUT, offsets[image.map_count - 1], "%s", why.text);
}

static void get_maps(struct unpacker *u)
{
    const uint64_t pages = (PX_SPACE_SIZE - PX_DATA_BASE) >> PX_PAGE_BITS;
    size_t offsets[PX_PROGRAM_MAPS_MAX] = { 0 };
    uint64_t count = get_number(u, PX_PROGRAM_MAPS_MAX, "the number of mappings");
    for (uint64_t i = 0; i < count && u->status == PX_OK; i++) {
        offsets[i] = offset_of(u);
        unsigned kind = get_byte(u, PX_MAP_KIND_COUNT - 1, "the kind of a mapping");
        uint64_t page = get_number(u, pages - 1, "the first page of a mapping");
        uint64_t more = get_number(u, pages - page - 1, "the further pages of a mapping");
        struct px_program_map map = {
            .start = PX_DATA_BASE + (page << PX_PAGE_BITS),
            .size = (more + 1) << PX_PAGE_BITS,
            .kind = (enum px_map_kind)kind,
        };
        get_content(u, &map);
    }
    if (count > 1 && u->status == PX_OK)
        check_overlaps(u, offsets);
}

/* --- the other parts --- */

static void get_code(struct unpacker *u)
{
    size_t offset = offset_of(u), size = (size_t)get_number(u, PX_CODE_MAX, "the size of the code");
    if (size > left(u))
        fail(u, PX_ERR_INPUT, offset, "found %zu bytes after it, expected the %zu of the code", left(u),
             size);
    if (u->status != PX_OK)
        return;
    if (px_program_append(u->program, u->at, size) != PX_OK)
        fail(u, PX_ERR_NOMEM, offset, "out of memory");
    u->at += size;
}

static void get_origin(struct unpacker *u)
{
    struct px_origin *origin = &u->program->origin;
    origin->known = true;
    origin->seed = get_number(u, UINT64_MAX, "the seed of the origin");
    origin->index = get_number(u, UINT64_MAX, "the index of the origin");
    get_name(u, origin->gen, "the name of the generator");
    if (origin->gen[0] != '\0')
        origin->version = (unsigned)get_number(u, UINT32_MAX, "the version of the generator");
}

static void get_exit(struct unpacker *u, struct px_outcome *out)
{
    size_t offset = offset_of(u);
    const uint64_t below = UINT64_C(1) << 19; /* selectors have 20 bits */
    out->exit = (enum px_exit)get_byte(u, PX_EXIT_STOPPED - 1, "the kind of the exit");
    if (out->exit == PX_EXIT_HOSTCALL) {
        out->arg = (int64_t)get_number(u, UINT64_MAX, "the selector of the host call");
        if ((uint64_t)out->arg + below >= 2 * below)
            fail(u, PX_ERR_INPUT, offset, "found host call %" PRId64 ", expected a selector of 20 bits",
                 out->arg);
    } else if (out->exit == PX_EXIT_PANIC) {
        out->arg = (int64_t)get_number(u, PX_PANIC_COUNT - 1, "the cause of the panic");
    } else if (out->exit == PX_EXIT_PAGE_FAULT) {
        out->arg = (int64_t)(get_number(u, (PX_SPACE_SIZE >> PX_PAGE_BITS) - 1, "the page of the fault")
                             << PX_PAGE_BITS);
    }
}

static void get_expect(struct unpacker *u)
{
    struct px_expect *expect = &u->program->expect;
    size_t offset = offset_of(u);
    unsigned has = get_byte(u, PX_EXPECTS, "what is expected");
    u->program->has_expect = true;
    expect->has_exit = has & PX_EXPECT_EXIT;
    expect->has_pc = has & PX_EXPECT_PC;
    expect->has_gas = has & PX_EXPECT_GAS;
    expect->has_x = get_set(u, "the registers expected");
    /* A vector that compares nothing would always pass. */
    if ((has & ~(unsigned)PX_EXPECT_ORACLE) == 0 && expect->has_x == 0)
        fail(u, PX_ERR_INPUT, offset, "found nothing expected, expected exit, pc, gas or a register");
    if (expect->has_exit)
        get_exit(u, &expect->out);
    if (expect->has_pc)
        expect->out.pc = (uint32_t)get_number(u, UINT32_MAX, "the pc expected");
    if (expect->has_gas)
        expect->out.gas = get_number(u, UINT64_MAX, "the gas expected");
    get_registers(u, expect->has_x, expect->out.x);
    offset = offset_of(u);
    if (has & PX_EXPECT_ORACLE)
        get_name(u, expect->oracle, "the name of the oracle");
    if ((has & PX_EXPECT_ORACLE) && expect->oracle[0] == '\0')
        fail(u, PX_ERR_INPUT, offset, "found no name, expected that of the oracle");
}

static void get_magic(struct unpacker *u)
{
    static const uint8_t magic[] = { PX_BINARY_FIRST, 'P', 'X' };
    for (size_t i = 0; i < sizeof magic && u->status == PX_OK; i++) {
        if (u->at == u->end)
            fail_end(u, "7f 50 58, the magic of a binary program");
        else if (*u->at != magic[i])
            fail(u, PX_ERR_INPUT, i, "found 0x%02x, expected 7f 50 58, the magic of a binary program",
                 *u->at);
        else
            u->at++;
    }
    unsigned version = get_byte(u, 255, "a format version");
    if (u->status == PX_OK && version != PX_BINARY_VERSION)
        fail(u, PX_ERR_INPUT, sizeof magic, "found format version %u, expected %d", version,
             PX_BINARY_VERSION);
}

static void get_program(struct unpacker *u)
{
    get_magic(u);
    unsigned parts = get_byte(u, PX_PARTS, "the parts of the file");
    u->program->gas = get_number(u, UINT64_MAX, "gas");
    u->program->entry_pc = (uint32_t)get_number(u, UINT32_MAX, "the entry");
    get_registers(u, get_set(u, "the registers"), u->program->x);
    get_maps(u);
    get_code(u);
    if (parts & PX_PART_ORIGIN)
        get_origin(u);
    if (parts & PX_PART_EXPECT)
        get_expect(u);
    if (u->status == PX_OK && u->at != u->end)
        fail(u, PX_ERR_INPUT, offset_of(u), "found %zu more bytes, expected the end of the file", left(u));
}

enum px_status px_program_unpack(struct px_program *program, const char *name, const uint8_t *bytes,
                                 size_t size, struct px_error *err)
{
    struct unpacker u = { .program = program, .name = name, .err = err, .start = bytes, .at = bytes };
    u.end = size > 0 ? bytes + size : bytes;
    px_program_clear(program);
    if (size > PX_BINARY_MAX)
        fail(&u, PX_ERR_INPUT, PX_BINARY_MAX, "found over %zu bytes, expected at most that many",
             PX_BINARY_MAX);
    else
        get_program(&u);
    if (u.status != PX_OK)
        px_program_clear(program);
    return u.status;
}
