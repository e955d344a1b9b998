/* Programs through memory that a server may have written to: sizes and pointers are checked before they are used. */
#include "harness/session_shared.h"

#include <string.h>

void session_put_program(struct session_shared *shared, const struct px_program *program)
{
    struct px_program *copy = &shared->shrink;
    *copy = *program;
    copy->code = shared->slots[0].bytes;
    copy->content = copy->code + program->code_size;
    if (program->code_size > 0)
        memcpy(copy->code, program->code, program->code_size);
    if (program->content_size > 0)
        memcpy(copy->content, program->content, program->content_size);
}

static bool is_sound(const struct px_program *p)
{
    if (p->code_size > PX_CODE_MAX || p->content_size > PX_SESSION_BYTES_MAX - p->code_size ||
        p->map_count > PX_PROGRAM_MAPS_MAX)
        return false;
    for (size_t i = 0; i < p->map_count; i++)
        if (p->maps[i].content > p->content_size ||
            p->maps[i].content_size > p->content_size - p->maps[i].content)
            return false;
    return true;
}

enum px_status session_take_program(const struct session_shared *shared, struct px_program *program,
                                    struct px_error *err)
{
    struct px_program header = shared->shrink;
    struct px_image image;
    header.code = (uint8_t *)(uintptr_t)shared->slots[0].bytes;
    header.content = header.code + header.code_size;
    if (is_sound(&header)) {
        header.x[0] = 0;
        header.origin.gen[sizeof header.origin.gen - 1] = '\0';
        header.expect.oracle[sizeof header.expect.oracle - 1] = '\0';
        px_program_image(&header, &image);
        if (px_image_check(&image, NULL) == PX_OK) {
            enum px_status status = px_program_copy(program, &header);
            return status == PX_OK ? PX_OK : px_fail(err, status, "out of memory for a program");
        }
    }
    return px_fail(err, PX_ERR_INTERNAL, "what the sandbox shares is no program");
}

static bool inside(const struct session_slot *slot, const void *from, uint64_t size)
{
    uintptr_t offset = (uintptr_t)from - (uintptr_t)slot->bytes;
    return size == 0 || (offset < sizeof slot->bytes && size <= sizeof slot->bytes - offset);
}

/* Makes *image, which is the slot's, one whose mappings are in @maps. False: it is none. */
static bool take_header(const struct session_slot *slot, struct px_image *image, struct px_mapping *maps)
{
    if (!inside(slot, image->code, image->code_size) || image->map_count > PX_PROGRAM_MAPS_MAX ||
        !inside(slot, image->maps, image->map_count * sizeof *maps))
        return false;
    for (size_t i = 0; i < image->map_count; i++) {
        maps[i] = image->maps[i];
        if (!inside(slot, maps[i].content, maps[i].content_size))
            return false;
    }
    image->maps = maps;
    return true;
}

enum px_status session_copy_image(const struct px_image *image, struct px_program *program,
                                  struct px_error *err)
{
    program->gas = image->gas;
    program->entry_pc = image->entry_pc;
    memcpy(program->x, image->x, sizeof program->x);
    program->x[0] = 0;
    enum px_status status = px_program_append(program, image->code, image->code_size);
    for (size_t i = 0; i < image->map_count && status == PX_OK; i++) {
        const struct px_mapping *map = &image->maps[i];
        status = px_program_map(program, map->start, map->size, map->kind, map->content, map->content_size);
    }
    return status == PX_OK ? PX_OK : px_fail(err, status, "out of memory for a program");
}

enum px_status session_take_image(const struct session_shared *shared, size_t slot, size_t index,
                                  struct px_program *program, struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image = shared->slots[slot].images[index];
    if (take_header(&shared->slots[slot], &image, maps) && px_image_check(&image, NULL) == PX_OK)
        return session_copy_image(&image, program, err);
    return px_fail(err, PX_ERR_INTERNAL, "what the sandbox shares is no program");
}
