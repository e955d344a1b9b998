/*
 * One allocation holds all that an image owns: code first, so that the image's code pointer is what gets freed, then
 * mappings, then their content.
 */
#include "vm/body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vm/isa.h"

enum {
    WORD = 4,
    SIGNATURE_POINTER = 3, /* the register that the epilogue stores through */
    TAIL_MAX = 20 * WORD,  /* epilogue and terminator */
};

#define SIGNATURE_HIGHEST UINT64_C(0x7ffff000) /* the last page that `lui` reaches without a sign */

_Static_assert(PX_BODY_WORDS_MAX *WORD + TAIL_MAX <= PX_CODE_MAX, "a body and its tail are code");

/* What follows the body. */
struct tail {
    uint8_t bytes[TAIL_MAX];
    size_t size;
};

static void add_word(struct tail *tail, uint32_t word)
{
    memcpy(tail->bytes + tail->size, &word, WORD);
    tail->size += WORD;
}

static void add_insn(struct tail *tail, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct px_insn insn = { .op = (uint8_t)op,
                            .len = WORD,
                            .rd = (uint8_t)rd,
                            .rs1 = (uint8_t)rs1,
                            .rs2 = (uint8_t)rs2,
                            .imm = imm };
    uint32_t word = 0;
    (void)px_encode(&insn, &word);
    add_word(tail, word);
}

int px_signature_offset(unsigned x)
{
    bool stored = x == 1 || x == 2 || (x >= 5 && x < PX_REG_COUNT);
    return stored ? (int)(8 * x) : -1;
}

static void add_signature(struct tail *tail, uint64_t page)
{
    add_insn(tail, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    add_insn(tail, PX_OP_LUI, SIGNATURE_POINTER, 0, 0, (int32_t)page);
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        if (px_signature_offset(x) >= 0)
            add_insn(tail, PX_OP_SD, 0, SIGNATURE_POINTER, x, px_signature_offset(x));
}

void px_image_release(struct px_image *image)
{
    free((void *)(uintptr_t)image->code);
    *image = (struct px_image){ .code = NULL };
}

static size_t align(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* A copy of @from, which passes px_image_check, with @tail behind its code and room for one more mapping. */
static enum px_status copy(const struct px_image *from, const struct tail *tail, struct px_image *image,
                           struct px_error *err)
{
    size_t code_size = from->code_size + tail->size, size = align(code_size), contents;
    struct px_mapping *maps;
    size += align((from->map_count + 1) * sizeof *maps);
    contents = size;
    for (size_t i = 0; i < from->map_count; i++)
        size += from->maps[i].content_size;
    uint8_t *block = malloc(size);
    if (!block)
        return px_fail(err, PX_ERR_NOMEM, "no memory for an image of %zu bytes", size);
    if (from->code_size > 0)
        memcpy(block, from->code, from->code_size);
    memcpy(block + from->code_size, tail->bytes, tail->size);
    maps = (struct px_mapping *)(void *)(block + align(code_size));
    for (size_t i = 0; i < from->map_count; i++) {
        maps[i] = from->maps[i];
        maps[i].content = maps[i].content_size > 0 ? block + contents : NULL;
        if (maps[i].content_size > 0)
            memcpy(block + contents, from->maps[i].content, maps[i].content_size);
        contents += maps[i].content_size;
    }
    *image = *from;
    image->code = block;
    image->code_size = code_size;
    image->maps = maps;
    return PX_OK;
}

/*
 * Where the body ends: at the final `ecalli 0` when it is to be kept behind the tail, else at the end of the code.
 */
static enum px_status find_end(const struct px_image *from, bool before_halt, size_t *end,
                               struct px_error *err)
{
    size_t at = 0, last = 0;
    while (at < from->code_size) {
        last = at;
        at += px_length(from->code[at]);
    }
    if (at > from->code_size)
        return px_fail(err, PX_ERR_INPUT, "code: the instruction at 0x%zx is cut by the end of the code",
                       last);
    uint32_t word = 0;
    if (at - last == WORD)
        memcpy(&word, from->code + last, WORD);
    *end = before_halt && word == PX_WORD_ECALLI_0 ? last : at;
    if (*end > (size_t)PX_BODY_WORDS_MAX * WORD)
        return px_fail(err, PX_ERR_INPUT, "code: %zu bytes: expected at most %" PRIu32 " for a body", *end,
                       PX_BODY_WORDS_MAX * WORD);
    return PX_OK;
}

/* Aims branches at @end 4 bytes further. @code is ours. */
static enum px_status move_targets(uint8_t *code, size_t end, struct px_error *err)
{
    uint32_t word;
    for (size_t at = 0; at < end; at += px_length(code[at])) {
        struct px_insn insn = px_decode(code, end, at);
        unsigned format = px_ops[insn.op].format;
        bool aims = format == PX_FMT_BRANCH || format == PX_FMT_JAL;
        if (!aims || (int64_t)at + insn.imm != (int64_t)end)
            continue;
        insn.imm += WORD;
        if (px_encode(&insn, &word) == 0)
            return px_fail(err, PX_ERR_INPUT,
                           "code: the branch at 0x%zx cannot go 4 bytes further than to the end of the body",
                           at);
        memcpy(code + at, &word, insn.len);
    }
    return PX_OK;
}

/* The highest page that no mapping holds. */
static uint64_t free_page(const struct px_image *image)
{
    uint64_t page = SIGNATURE_HIGHEST;
    for (size_t i = 0; i < image->map_count && page >= PX_DATA_BASE;) {
        const struct px_mapping *map = &image->maps[i];
        bool taken = page - map->start < map->size; /* wraps to a huge value below start */
        page = taken ? map->start - PX_PAGE_SIZE : page;
        i = taken ? 0 : i + 1;
    }
    return page;
}

/* What px_image_for and px_image_sign have in common: @from up to @end, the tail, the page. */
static enum px_status finish(const struct px_image *from, size_t end, bool sign, struct px_image *image,
                             struct px_error *err)
{
    struct px_image body = *from, made;
    struct tail tail = { .size = 0 };
    uint64_t page = sign ? free_page(from) : PX_DATA_BASE;
    if (page < PX_DATA_BASE)
        return px_fail(err, PX_ERR_INPUT, "maps: no page below 2^31 is free for the signature");
    if (sign)
        add_signature(&tail, page);
    add_word(&tail, PX_WORD_ECALLI_0);
    body.code_size = end;
    enum px_status status = copy(&body, &tail, &made, err);
    if (status != PX_OK || !sign) {
        if (status == PX_OK)
            *image = made;
        return status;
    }
    status = move_targets((uint8_t *)(uintptr_t)made.code, end, err);
    if (status != PX_OK) {
        px_image_release(&made);
        return status;
    }
    struct px_mapping *maps = (struct px_mapping *)(uintptr_t)made.maps; /* which copy left room in */
    maps[made.map_count++] = (struct px_mapping){ .start = page, .size = PX_PAGE_SIZE, .kind = PX_MAP_ZERO };
    *image = made;
    return PX_OK;
}

enum px_status px_image_sign(const struct px_image *from, struct px_image *image, struct px_error *err)
{
    size_t end;
    enum px_status status = px_image_check(from, err);
    if (status == PX_OK)
        status = find_end(from, true, &end, err);
    return status == PX_OK ? finish(from, end, true, image, err) : status;
}

enum px_status px_image_for(const struct px_program *program, unsigned flags, struct px_image *image,
                            struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image body = { .code = program->code,
                             .code_size = program->code_size,
                             .entry_pc = program->entry_pc,
                             .gas = program->gas,
                             .maps = maps,
                             .map_count = program->map_count };
    size_t end;
    if (flags & ~(unsigned)PX_IMAGE_SIGN)
        return px_fail(err, PX_ERR_INPUT, "flags 0x%x: expected 0 or PX_IMAGE_SIGN", flags);
    for (size_t i = 0; i < program->map_count; i++)
        maps[i] = px_program_mapping(program, i);
    memcpy(body.x, program->x, sizeof body.x);
    enum px_status status = px_image_check(&body, err);
    if (status == PX_OK)
        status = find_end(&body, false, &end, err);
    return status == PX_OK ? finish(&body, end, flags & PX_IMAGE_SIGN, image, err) : status;
}

/* As a mapping. */
static enum px_status take_region(const struct px_region *region, size_t index, struct px_mapping *map,
                                  struct px_error *err)
{
    if (region->len == 0 || region->len > PX_SPACE_SIZE)
        return px_fail(err, PX_ERR_INPUT, "region %zu: %" PRIu64 " bytes: expected 1 to 2^32", index,
                       region->len);
    if (!region->bytes)
        return px_fail(err, PX_ERR_INPUT, "region %zu: its bytes are NULL", index);
    *map = (struct px_mapping){ .start = region->start,
                                .size = (region->len + PX_PAGE_SIZE - 1) & ~(uint64_t)(PX_PAGE_SIZE - 1),
                                .kind = PX_MAP_RO,
                                .content = region->bytes,
                                .content_size = region->len };
    if (px_mapping_bad_field(map) == PX_MAP_FIELD_START)
        return px_fail(err, PX_ERR_INPUT,
                       "region %zu: start 0x%" PRIx64 ": expected a page multiple from 0x%" PRIx32
                       " to below 2^32",
                       index, region->start, PX_DATA_BASE);
    if (px_mapping_bad_field(map) != PX_MAP_FIELD_NONE)
        return px_fail(err, PX_ERR_INPUT, "region %zu: %" PRIu64 " bytes from 0x%" PRIx64 " run past 2^32",
                       index, region->len, region->start);
    return PX_OK;
}

static enum px_status take_regions(const struct px_region *regions, size_t count, struct px_mapping *maps,
                                   struct px_error *err)
{
    for (size_t i = 0; i < count; i++) {
        enum px_status status = take_region(&regions[i], i, &maps[i], err);
        if (status != PX_OK)
            return status;
    }
    return PX_OK;
}

enum px_status px_image_with_ro_caps(const uint32_t *words, size_t n, const struct px_region *regions,
                                     size_t count, struct px_image *image, struct px_error *err)
{
    size_t end = 0;
    if (n > PX_BODY_WORDS_MAX)
        return px_fail(err, PX_ERR_INPUT, "code: %zu words: expected at most %" PRIu32, n, PX_BODY_WORDS_MAX);
    struct px_mapping *maps = calloc(count + 1, sizeof *maps);
    if (!maps)
        return px_fail(err, PX_ERR_NOMEM, "no memory for %zu regions", count);
    const struct px_image body = { .code = (const uint8_t *)words,
                                   .code_size = n * WORD,
                                   .gas = PX_BODY_GAS,
                                   .maps = maps,
                                   .map_count = count };
    enum px_status status = take_regions(regions, count, maps, err);
    if (status == PX_OK)
        status = px_image_check(&body, err);
    if (status == PX_OK)
        status = find_end(&body, false, &end, err);
    if (status == PX_OK)
        status = finish(&body, end, false, image, err);
    free(maps);
    return status;
}

enum px_status px_image_with_ro(const uint32_t *words, size_t n, uint64_t start, const void *bytes,
                                uint64_t len, struct px_image *image, struct px_error *err)
{
    const struct px_region region = { .start = start, .bytes = bytes, .len = len };
    return px_image_with_ro_caps(words, n, &region, 1, image, err);
}
