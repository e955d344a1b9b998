/*
 * Test cases as data: growing buffers, edits, and the image that engines run.
 */
#include "vm/program.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void px_program_init(struct px_program *program)
{
    *program = (struct px_program){ .gas = 0 };
}

void px_program_fini(struct px_program *program)
{
    free(program->content);
    free(program->code);
    px_program_init(program);
}

void px_program_clear(struct px_program *program)
{
    program->origin = (struct px_origin){ .known = false };
    program->gas = 0;
    program->entry_pc = 0;
    memset(program->x, 0, sizeof program->x);
    program->code_size = 0;
    program->map_count = 0;
    program->content_size = 0;
    program->has_expect = false;
    program->expect = (struct px_expect){ .has_exit = false };
}

/* Makes room for @needed bytes, at least doubling, so that appending stays linear. */
static enum px_status reserve(uint8_t **buffer, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return PX_OK;
    size_t grown = *capacity < PX_PROGRAM_KEPT ? PX_PROGRAM_KEPT : *capacity;
    while (grown < needed)
        grown *= 2;
    uint8_t *bytes = realloc(*buffer, grown);
    if (!bytes)
        return PX_ERR_NOMEM;
    *buffer = bytes;
    *capacity = grown;
    return PX_OK;
}

enum px_status px_program_copy(struct px_program *to, const struct px_program *from)
{
    if (to == from)
        return PX_OK;
    enum px_status status = reserve(&to->code, &to->code_capacity, from->code_size);
    if (status == PX_OK)
        status = reserve(&to->content, &to->content_capacity, from->content_size);
    if (status != PX_OK)
        return status;

    to->origin = from->origin;
    to->gas = from->gas;
    to->entry_pc = from->entry_pc;
    memcpy(to->x, from->x, sizeof to->x);
    to->code_size = from->code_size;
    if (from->code_size > 0)
        memcpy(to->code, from->code, from->code_size);
    to->map_count = from->map_count;
    memcpy(to->maps, from->maps, from->map_count * sizeof from->maps[0]);
    to->content_size = from->content_size;
    if (from->content_size > 0)
        memcpy(to->content, from->content, from->content_size);
    to->has_expect = from->has_expect;
    to->expect = from->expect;
    return PX_OK;
}

enum px_status px_seed_reg(struct px_program *program, unsigned x, uint64_t value, struct px_error *err)
{
    if (x == 0 || x >= PX_REG_COUNT)
        return px_fail(err, PX_ERR_INPUT, "register %u: expected 1 to %d", x, PX_REG_COUNT - 1);
    program->x[x] = value;
    return PX_OK;
}

enum px_status px_program_append(struct px_program *program, const void *bytes, size_t size)
{
    if (size > PX_CODE_MAX - program->code_size)
        return PX_ERR_INPUT;
    if (size == 0)
        return PX_OK;
    enum px_status status = reserve(&program->code, &program->code_capacity, program->code_size + size);
    if (status != PX_OK)
        return status;
    memcpy(program->code + program->code_size, bytes, size);
    program->code_size += size;
    return PX_OK;
}

enum px_status px_program_emit(struct px_program *program, const struct px_insn *insn)
{
    uint32_t word;
    unsigned length = px_encode(insn, &word);
    if (length == 0)
        return PX_ERR_INPUT;
    if (program->code_capacity - program->code_size < sizeof word)
        return px_program_append(program, &word, length);
    /* Room for a whole word: one store, the size says how much of it counts. */
    memcpy(program->code + program->code_size, &word, sizeof word);
    program->code_size += length;
    return program->code_size <= PX_CODE_MAX ? PX_OK : PX_ERR_INPUT;
}

enum px_status px_program_patch(struct px_program *program, size_t offset, const struct px_insn *insn)
{
    uint32_t word;
    unsigned length = px_encode(insn, &word);
    if (length == 0 || offset >= program->code_size)
        return PX_ERR_INPUT;
    /* The length that the low bits say is also given when the instruction is cut by the end of code. */
    if (px_decode(program->code, program->code_size, offset).len != length ||
        length > program->code_size - offset)
        return PX_ERR_INPUT;
    memcpy(program->code + offset, &word, length);
    return PX_OK;
}

enum px_status px_program_map_room(struct px_program *program, uint64_t start, uint64_t size,
                                   enum px_map_kind kind, size_t content_size, uint8_t **content)
{
    if (program->map_count == PX_PROGRAM_MAPS_MAX || content_size > PX_SPACE_SIZE)
        return PX_ERR_INPUT;
    enum px_status status =
        reserve(&program->content, &program->content_capacity, program->content_size + content_size);
    if (status != PX_OK)
        return status;
    program->maps[program->map_count++] = (struct px_program_map){
        .start = start,
        .size = size,
        .kind = kind,
        .content = program->content_size,
        .content_size = content_size,
    };
    *content = content_size > 0 ? program->content + program->content_size : NULL;
    program->content_size += content_size;
    return PX_OK;
}

enum px_status px_program_map(struct px_program *program, uint64_t start, uint64_t size,
                              enum px_map_kind kind, const void *content, size_t content_size)
{
    uint8_t *room;
    enum px_status status = px_program_map_room(program, start, size, kind, content_size, &room);
    if (status == PX_OK && content_size > 0)
        memcpy(room, content, content_size);
    return status;
}

enum px_status px_program_resize_content(struct px_program *program, size_t index, size_t size)
{
    assert(index < program->map_count);
    struct px_program_map *map = &program->maps[index];
    if (size > PX_SPACE_SIZE)
        return PX_ERR_INPUT;
    if (size == map->content_size)
        return PX_OK;
    if (map->content_size == 0) /* it lies nowhere in particular until now */
        map->content = program->content_size;
    size_t old_end = map->content + map->content_size, rest = program->content_size - old_end;
    if (size > map->content_size) {
        enum px_status status = reserve(&program->content, &program->content_capacity,
                                        program->content_size - map->content_size + size);
        if (status != PX_OK)
            return status;
    }
    size_t new_end = map->content + size;
    memmove(program->content + new_end, program->content + old_end, rest);
    if (new_end > old_end)
        memset(program->content + old_end, 0, new_end - old_end);
    map->content_size = size;
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_program_map *other = &program->maps[i];
        if (other->content_size == 0)
            other->content = 0;
        else if (i != index && other->content >= old_end)
            other->content = other->content - old_end + new_end;
    }
    program->content_size = new_end + rest;
    return PX_OK;
}

void px_program_unmap(struct px_program *program, size_t index)
{
    enum px_status status = px_program_resize_content(program, index, 0); /* makes nothing larger */
    assert(status == PX_OK);
    (void)status;
    program->map_count--;
    memmove(&program->maps[index], &program->maps[index + 1],
            (program->map_count - index) * sizeof program->maps[0]);
}

struct px_mapping px_program_mapping(const struct px_program *program, size_t index)
{
    const struct px_program_map *map = &program->maps[index];
    assert(index < program->map_count);
    assert(map->content <= program->content_size);
    assert(map->content_size <= program->content_size - map->content);
    return (struct px_mapping){
        .start = map->start,
        .size = map->size,
        .kind = map->kind,
        .content = map->content_size > 0 ? program->content + map->content : NULL,
        .content_size = map->content_size,
    };
}

void px_program_image(struct px_program *program, struct px_image *image)
{
    for (size_t i = 0; i < program->map_count; i++)
        program->image_maps[i] = px_program_mapping(program, i);
    *image = (struct px_image){
        .code = program->code,
        .code_size = program->code_size,
        .entry_pc = program->entry_pc,
        .gas = program->gas,
        .maps = program->image_maps,
        .map_count = program->map_count,
    };
    memcpy(image->x, program->x, sizeof image->x);
}
