/*
 *     image -> sweep: instructions and block starts (ISA.md 4) -> the code, with a trap wherever qemu must not go on by
 *     itself -> mappings
 */
#include "harness/oracle/unit.h"

#include <string.h>

#include "harness/oracle/raw.h"
#include "vm/isa.h"

enum {
    TRAP = 0x000f0fe7, /* jalr x31, 0(x30): no signal, but four bytes */
    TRAP_HALF = 0x9002, /* c.ebreak; qemu may take four bytes of ebreak for a semihosting call */
    NOP = 0x00000013,
    STEP = 8, /* bytes for a block's first instruction apart */
    CODE_ALIGN = 16,
};

static uint64_t round_up(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* What a unit is made of, as offsets from it. */
struct layout {
    uint64_t maps, code, starts, content, size; /* in the units */
    uint64_t steps, place_size;                 /* in the code */
};

static struct layout lay_out(const struct px_image *image, bool counted)
{
    struct layout l = { .maps = sizeof(struct oracle_unit) };
    uint64_t halves = image->code_size / 2 + 1;
    l.code = l.maps + (image->map_count + 1) * sizeof(struct oracle_map);
    l.starts = round_up(l.code + image->code_size, sizeof(uint32_t));
    l.content = l.starts + halves * sizeof(uint32_t);
    l.size = l.content;
    for (size_t i = 0; i < image->map_count; i++)
        l.size += image->maps[i].content_size;
    l.size = round_up(l.size, CODE_ALIGN);
    l.steps = round_up(image->code_size + sizeof(uint32_t), CODE_ALIGN);
    l.place_size = l.steps + (counted ? halves * STEP : 0);
    return l;
}

static enum px_status make_room(struct unit_space *space, const struct layout *l, struct px_error *err)
{
    if (l->size > ORACLE_UNITS_SIZE || l->place_size > ORACLE_CODE_SIZE)
        return px_fail(err, PX_UNSUPPORTED, "engine qemu: more code or memory content than it takes");
    if (space->live == 0)
        space->units = 0;
    if (l->size > ORACLE_UNITS_SIZE - space->units)
        return px_fail(err, PX_ERR_FULL, "engine qemu: no room for more units");
    if (l->place_size > ORACLE_CODE_SIZE - space->code) {
        if (space->live > 0)
            return px_fail(err, PX_ERR_FULL, "engine qemu: no room for more code");
        space->code = 0;
        space->epoch++;
    }
    return PX_OK;
}

static void put_trap(uint8_t *at, unsigned length)
{
    const uint32_t word = TRAP;
    const uint16_t half = TRAP_HALF;
    memcpy(at, length == 4 ? (const void *)&word : &half, length);
}

/* Numbers the block starts. Returns where the instructions end: the code's end, or one that is cut off by it. */
static uint64_t sweep(const struct px_image *image, uint32_t *starts)
{
    uint64_t offset = 0;
    uint32_t blocks = 0;
    bool start = true;
    while (offset < image->code_size) {
        struct px_insn in = px_decode(image->code, image->code_size, offset);
        unsigned effects = px_ops[in.op].effects;
        if (start || (effects & PX_EFF_CALL))
            starts[offset / 2] = ++blocks;
        start = effects & PX_EFF_TERM;
        unsigned length = px_length(image->code[offset]);
        if (length > image->code_size - offset)
            break;
        offset += length;
    }
    return offset;
}

/*
 * Whether qemu must stop before it runs @in, at @offset. An access whose base starts out beyond 4 GiB most likely would
 * fault there, which costs more than a trap.
 */
static bool traps(const struct px_image *image, const struct raw *in, uint64_t offset, const uint32_t *starts)
{
    uint32_t target = (uint32_t)offset + (uint32_t)in->imm;
    switch (in->kind) {
    case RAW_NATIVE:
    case RAW_FALLTHROUGH:
        return false;
    case RAW_LOAD:
    case RAW_STORE:
        return in->rs1 != 0 && image->x[in->rs1] >> 32 != 0;
    case RAW_BRANCH:
    case RAW_JUMP:
        return target >= image->code_size || starts[target / 2] == ORACLE_NO_BLOCK;
    default:
        return true;
    }
}

/* One instruction of the code to be executed. */
static void put_insn(uint8_t *to, const uint8_t *code, const struct raw *in)
{
    const uint32_t nop = NOP;
    if (in->kind == RAW_FALLTHROUGH)
        memcpy(to, &nop, sizeof nop);
    else
        memcpy(to, code, in->len);
}

static void put_code(const struct px_image *image, const uint32_t *starts, uint64_t end, uint8_t *place,
                     uint8_t *steps)
{
    for (uint64_t offset = 0; offset < end;) {
        struct raw in = raw_read(image->code, image->code_size, offset);
        uint32_t block = starts[offset / 2];
        put_insn(place + offset, image->code + offset, &in);
        if (steps && block != ORACLE_NO_BLOCK) {
            put_insn(steps + (uint64_t)(block - 1) * STEP, image->code + offset, &in);
            put_trap(steps + (uint64_t)(block - 1) * STEP + in.len, 4);
        }
        if ((steps && block != ORACLE_NO_BLOCK) || traps(image, &in, offset, starts))
            put_trap(place + offset, in.len);
        offset += in.len;
    }
    put_trap(place + end, 4);
}

/* The image's mappings, and the code as one more. */
static void put_maps(const struct px_image *image, const struct layout *l, uint8_t *unit)
{
    struct oracle_map *maps = (struct oracle_map *)(unit + l->maps);
    uint64_t content = l->content;
    maps[0] = (struct oracle_map){ .start = PX_CODE_BASE,
                                   .size = round_up(image->code_size, PX_PAGE_SIZE),
                                   .content = l->code,
                                   .content_size = image->code_size };
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *map = &image->maps[i];
        maps[i + 1] = (struct oracle_map){ .start = map->start,
                                           .size = map->size,
                                           .content = content,
                                           .content_size = map->content_size,
                                           .writable = map->kind != PX_MAP_RO };
        if (map->content_size > 0)
            memcpy(unit + content, map->content, map->content_size);
        content += map->content_size;
    }
}

enum px_status unit_make(struct unit_space *space, const struct px_image *image, bool counted, uint64_t *at,
                         struct px_error *err)
{
    if (image->map_count >= ORACLE_MAPS_MAX)
        return px_fail(err, PX_UNSUPPORTED, "engine qemu: %zu mappings: it takes fewer than %d",
                       image->map_count, ORACLE_MAPS_MAX);
    struct layout l = lay_out(image, counted);
    enum px_status status = make_room(space, &l, err);
    if (status != PX_OK)
        return status;
    uint8_t *unit = space->memory + ORACLE_UNITS + space->units;
    uint8_t *place = space->memory + ORACLE_CODE + space->code;
    uint32_t *starts = (uint32_t *)(unit + l.starts);
    memset(starts, 0, l.content - l.starts);
    if (image->code_size > 0)
        memcpy(unit + l.code, image->code, image->code_size);
    *(struct oracle_unit *)unit = (struct oracle_unit){ .code = l.code,
                                                        .code_size = image->code_size,
                                                        .starts = l.starts,
                                                        .place = space->code,
                                                        .steps = counted ? space->code + l.steps : 0,
                                                        .maps = l.maps,
                                                        .map_count = image->map_count + 1 };
    put_maps(image, &l, unit);
    put_code(image, starts, sweep(image, starts), place, counted ? place + l.steps : NULL);
    *at = ORACLE_UNITS + space->units;
    space->units += l.size;
    space->code += round_up(l.place_size, CODE_ALIGN);
    space->live++;
    return PX_OK;
}

void unit_release(struct unit_space *space)
{
    space->live--;
}

bool unit_starts_block(const struct unit_space *space, uint64_t at, uint32_t pc)
{
    const struct oracle_unit *unit = (const struct oracle_unit *)(space->memory + at);
    const uint32_t *starts = (const uint32_t *)((const uint8_t *)unit + unit->starts);
    return pc < unit->code_size && pc % 2 == 0 && starts[pc / 2] != ORACLE_NO_BLOCK;
}
