/* Programs from files and bytes of either form, which tell by themselves what they are. */
#include <stdlib.h>

#include "vm/program.h"
#include "vm/program_binary.h"
#include "vm/text.h"

bool px_program_is_binary(const void *bytes, size_t size)
{
    return size > 0 && *(const uint8_t *)bytes == PX_BINARY_FIRST;
}

enum px_status px_program_read(struct px_program *program, const char *name, const void *bytes, size_t size,
                               struct px_error *err)
{
    if (px_program_is_binary(bytes, size))
        return px_program_unpack(program, name, bytes, size, err);
    return px_program_parse(program, name, bytes, size, err);
}

enum px_status px_program_load(struct px_program *program, const char *path, struct px_error *err)
{
    char *bytes;
    size_t size;
    px_program_clear(program);
    /* One byte more than the readers take, so that they see when a file is too long. */
    enum px_status status = px_text_load(path, PX_PROGRAM_FILE_MAX + 1, &bytes, &size, err);
    if (status != PX_OK)
        return status;
    status = px_program_read(program, path, bytes, size, err);
    free(bytes);
    return status;
}
