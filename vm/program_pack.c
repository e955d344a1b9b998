/*
 * Writer of the binary form. Whatever it takes, the reader gives back equal.
 */
#include "vm/program_binary.h"

#include <assert.h>
#include <string.h>

#include "vm/program.h"

enum {
    NUMBER_MAX = 9, /* bytes of a number */
    RUN_MIN = 9,
    PAIRS = 8, /* of neighbours, compared at once */
    HEAD_MAX = 1024, /* all but mappings and code: at most 41 numbers and two names */
    MAP_MAX = 1 + 4 * NUMBER_MAX,
};

const uint64_t px_binary_edges[PX_NUMBER_EDGES] = {
    0x7e,
    0x81,
    0x7ffe,
    0x8001,
    0xfffe,
    0x10001,
    1000000,
    0x3ffff8,
    0xffffff8,
    0x10000ff8,
    0x55555555,
    0x7ffffffe,
    0x80000001,
    0xaaaaaaaa,
    0xdeadbeef,
    0xfffff000,
    0xfffffff8,
    0xfffffffc,
    0xfffffffe,
    0x100000001,
    0x10000000f,
    0x1fffffff0,
    0xff0100807f0001,
    0x123456789abcdef,
    0x5555555555555555,
    0x7fffffff80000000,
    0x7ffffffffffffffe,
    0x8000000000000001,
    0x8000000080000000,
    0x80000000ffffffff,
    0xaaaaaaaaaaaaaaaa,
    0xdeadbeef00000000,
    0xfedcba9876543210,
    0xfffffffeffffffff,
    0xffffffff00000000,
    0xffffffff00000001,
    0xffffffff7fffffff,
    0xffffffff80000000,
    0xffffffff80000001,
    0xfffffffffffeffff,
    0xffffffffffff7fff,
    0xffffffffffff8000,
    0xfffffffffffff000,
    0xfffffffffffff800,
    0xffffffffffffff7f,
    0xffffffffffffff80,
    0xfffffffffffffffe,
    0xffffffffffffffff,
};

/* Stops at its end; `full` says that it was reached. */
struct packer {
    uint8_t *at, *end;
    bool full;
};

static void put_bytes(struct packer *p, const void *bytes, size_t size)
{
    if (size > (size_t)(p->end - p->at)) {
        p->full = true;
        p->at = p->end;
        return;
    }
    if (size > 0)
        memcpy(p->at, bytes, size);
    p->at += size;
}

static void put_byte(struct packer *p, unsigned byte)
{
    if (p->at == p->end)
        p->full = true;
    else
        *p->at++ = (uint8_t)byte;
}

static unsigned byte_length(uint64_t value)
{
    return value == 0 ? 1 : (71 - (unsigned)__builtin_clzll(value)) / 8;
}

/* The first edge that is not below @value. */
static unsigned find_edge(uint64_t value)
{
    unsigned edge = 0;
    for (unsigned step = 32; step > 0; step /= 2)
        if (edge + step < PX_NUMBER_EDGES && px_binary_edges[edge + step - 1] < value)
            edge += step;
    return edge;
}

static void put_number(struct packer *p, uint64_t value)
{
    if (value < 64) {
        put_byte(p, PX_NUMBER_SMALL + (unsigned)value);
    } else if ((value & (value - 1)) == 0) {
        put_byte(p, PX_NUMBER_POWER + (unsigned)__builtin_ctzll(value));
    } else if ((value & (value + 1)) == 0 && value != UINT64_MAX) {
        put_byte(p, PX_NUMBER_ONES + (unsigned)__builtin_ctzll(value + 1));
    } else if (px_binary_edges[find_edge(value)] == value) {
        put_byte(p, PX_NUMBER_EDGE + find_edge(value));
    } else {
        unsigned plain = byte_length(value), complement = byte_length(~value);
        unsigned kind = complement < plain ? PX_NUMBER_COMPLEMENT : PX_NUMBER_BYTES;
        unsigned length = complement < plain ? complement : plain;
        uint64_t bytes = complement < plain ? ~value : value;
        put_byte(p, kind + length - 1);
        put_bytes(p, &bytes, length);
    }
}

static void put_set(struct packer *p, uint16_t set, const uint64_t x[PX_REG_COUNT])
{
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (set >> i & 1)
            put_number(p, x[i]);
}

static void put_half(struct packer *p, uint16_t half)
{
    put_byte(p, half & 255u);
    put_byte(p, half >> 8);
}

static void put_name(struct packer *p, const char name[PX_NAME_MAX])
{
    size_t length = strnlen(name, PX_NAME_MAX);
    put_byte(p, (unsigned)length);
    put_bytes(p, name, length);
}

/* How many of @size bytes each differ from the one before by the same, from the first on; below RUN_MIN it may say less. */
static size_t run_length(const uint8_t *bytes, size_t size)
{
    if (size < RUN_MIN)
        return 0;
    uint8_t step = (uint8_t)(bytes[1] - bytes[0]);
    uint64_t steps = px_repeat_byte(step);
    size_t length = 1;
    size = size < PX_BINARY_RUN_MAX ? size : PX_BINARY_RUN_MAX;
    while (length + PAIRS <= size &&
           px_add_to_bytes(px_load_8(bytes + length - 1), steps) == px_load_8(bytes + length))
        length += PAIRS;
    if (length == 1)
        return 0;
    while (length < size && (uint8_t)(bytes[length - 1] + step) == bytes[length])
        length++;
    return length;
}

static void put_literal(struct packer *p, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return;
    put_number(p, 2 * (size - 1));
    put_bytes(p, bytes, size);
}

static void put_content(struct packer *p, const uint8_t *bytes, size_t size)
{
    size_t literal = 0; /* where what is not written yet begins */
    put_number(p, size);
    for (size_t at = 0; at < size && !p->full;) {
        size_t run = run_length(bytes + at, size - at);
        if (run < RUN_MIN) {
            at++;
            continue;
        }
        put_literal(p, bytes + literal, at - literal);
        put_number(p, 2 * (run - 1) + 1);
        put_byte(p, bytes[at]);
        put_byte(p, (uint8_t)(bytes[at + 1] - bytes[at]));
        at += run;
        literal = at;
    }
    if (literal < size)
        put_literal(p, bytes + literal, size - literal);
}

static void put_maps(struct packer *p, const struct px_program *program)
{
    put_number(p, program->map_count);
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_mapping map = px_program_mapping(program, i);
        put_byte(p, map.kind);
        put_number(p, (map.start - PX_DATA_BASE) >> PX_PAGE_BITS);
        put_number(p, (map.size >> PX_PAGE_BITS) - 1);
        if (map.kind != PX_MAP_ZERO)
            put_content(p, map.content, map.content_size);
    }
}

static void put_origin(struct packer *p, const struct px_origin *origin)
{
    put_number(p, origin->seed);
    put_number(p, origin->index);
    put_name(p, origin->gen);
    if (origin->gen[0] != '\0')
        put_number(p, origin->version);
}

static void put_exit(struct packer *p, const struct px_outcome *out)
{
    put_byte(p, out->exit);
    if (out->exit == PX_EXIT_PAGE_FAULT)
        put_number(p, (uint64_t)out->arg >> PX_PAGE_BITS);
    else if (out->exit == PX_EXIT_HOSTCALL || out->exit == PX_EXIT_PANIC)
        put_number(p, (uint64_t)out->arg);
}

static void put_expect(struct packer *p, const struct px_expect *expect)
{
    bool oracle = expect->oracle[0] != '\0';
    put_byte(p, (expect->has_exit ? PX_EXPECT_EXIT : 0u) | (expect->has_pc ? PX_EXPECT_PC : 0u) |
                    (expect->has_gas ? PX_EXPECT_GAS : 0u) | (oracle ? PX_EXPECT_ORACLE : 0u));
    put_half(p, expect->has_x);
    if (expect->has_exit)
        put_exit(p, &expect->out);
    if (expect->has_pc)
        put_number(p, expect->out.pc);
    if (expect->has_gas)
        put_number(p, expect->out.gas);
    put_set(p, expect->has_x, expect->out.x);
    if (oracle)
        put_name(p, expect->oracle);
}

static void put_program(struct packer *p, const struct px_program *program)
{
    static const uint8_t magic[] = { PX_BINARY_FIRST, 'P', 'X', PX_BINARY_VERSION };
    uint16_t seeds = 0;
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        seeds |= (uint16_t)((program->x[i] != 0) << i);
    put_bytes(p, magic, sizeof magic);
    put_byte(p, (program->origin.known ? PX_PART_ORIGIN : 0u) | (program->has_expect ? PX_PART_EXPECT : 0u));
    put_number(p, program->gas);
    put_number(p, program->entry_pc);
    put_half(p, seeds);
    put_set(p, seeds, program->x);
    put_maps(p, program);
    put_number(p, program->code_size);
    put_bytes(p, program->code, program->code_size);
    if (program->origin.known)
        put_origin(p, &program->origin);
    if (program->has_expect)
        put_expect(p, &program->expect);
}

/* A run and the literal before it are never longer than what they hold: RUN_MIN is more than their heads. */
size_t px_program_pack_bound(const struct px_program *program)
{
    size_t bound = HEAD_MAX + program->code_size;
    for (size_t i = 0; i < program->map_count; i++)
        bound += MAP_MAX + program->maps[i].content_size;
    return bound;
}

enum px_status px_program_pack(const struct px_program *program, uint8_t *bytes, size_t room, size_t *size)
{
    size_t content = 0;
    enum px_status status = px_program_check_storable(program);
    for (size_t i = 0; i < program->map_count && status == PX_OK; i++)
        content += program->maps[i].content_size;
    if (status == PX_OK && content > PX_BINARY_CONTENT_MAX)
        status = PX_ERR_INPUT;
    if (status != PX_OK)
        return status;
    struct packer p = { .at = bytes, .end = bytes + room };
    put_program(&p, program);
    if (p.full)
        return PX_ERR_FULL;
    *size = (size_t)(p.at - bytes);
    return PX_OK;
}
