/* pack FILE.px... FOLDER/: the binary form of programs, where there is no parallax to convert them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/program.h"

enum { FILE_MAX = 1 << 20 };

static bool read_file(const char *name, struct px_program *program, char *text)
{
    struct px_error err = { "" };
    FILE *file = fopen(name, "rb");
    size_t size = file ? fread(text, 1, FILE_MAX, file) : 0;
    bool whole = file && !ferror(file) && feof(file);
    if (file)
        (void)fclose(file);
    if (whole && px_program_parse(program, name, text, size, &err) == PX_OK)
        return true;
    fprintf(stderr, "pack: %s: %s\n", name, whole ? err.text : "cannot be read");
    return false;
}

/* FOLDER/name.px becomes FOLDER/name.pxb there. */
static bool write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[4096];
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    int length = snprintf(path, sizeof path, "%s/%.*s.pxb", folder, (int)strcspn(base, "."), base);
    FILE *file = length < (int)sizeof path ? fopen(path, "wb") : NULL;
    bool written = file && fwrite(bytes, 1, size, file) == size;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "pack: %s: cannot be written\n", path);
    return written;
}

int main(int argc, char **argv)
{
    char *text = malloc(FILE_MAX);
    uint8_t *bytes = malloc(FILE_MAX);
    struct px_program program;
    bool well = text && bytes && argc > 2;
    px_program_init(&program);
    for (int i = 1; well && i + 1 < argc; i++) {
        size_t size;
        well = read_file(argv[i], &program, text);
        if (well && px_program_pack(&program, bytes, FILE_MAX, &size) == PX_OK)
            well = write_file(argv[argc - 1], argv[i], bytes, size);
    }
    px_program_fini(&program);
    free(text);
    free(bytes);
    return well ? 0 : 2;
}
