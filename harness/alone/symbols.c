#define _GNU_SOURCE
#include "harness/alone/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LABELS_MAX = 64,
    LABEL_SIZE = 256, /* of the last one, at most */
};

size_t symbols_max(size_t code_size)
{
    return (code_size / 2 + 2) * PX_CODE_ROLE_COUNT + LABELS_MAX;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return (x->address > y->address) - (x->address < y->address);
}

/* Shared code, each piece of which ends where the next begins; @base is offset 0 of the unit. */
static size_t collect_labels(const struct engine *engine, const struct px_unit *unit, uint64_t base,
                             struct symbol *symbols, size_t room)
{
    struct px_code_label labels[LABELS_MAX];
    size_t count =
        engine->ops->code_labels ? engine->ops->code_labels(engine->instance, unit, labels, LABELS_MAX) : 0;
    count = count < LABELS_MAX ? count : LABELS_MAX;
    count = count < room ? count : room;
    for (size_t i = 0; i < count; i++) {
        symbols[i] = (struct symbol){ .address = base + (uint64_t)labels[i].offset, .role = SYMBOL_SHARED };
        (void)snprintf(symbols[i].label, sizeof symbols[i].label, "%s", labels[i].name);
    }
    if (count > 0)
        qsort(symbols, count, sizeof *symbols, by_address);
    for (size_t i = 0; i < count; i++) {
        uint64_t end = i + 1 < count ? symbols[i + 1].address : base, size = end - symbols[i].address;
        symbols[i].size = size < LABEL_SIZE ? (uint32_t)size : LABEL_SIZE;
    }
    return count;
}

size_t symbols_collect(const struct engine *engine, const struct px_unit *unit, struct symbol *symbols,
                       size_t room)
{
    size_t count = 0;
    if (!engine->ops->code_parts)
        return 0;
    size_t parts = engine->ops->code_parts(engine->instance, unit, NULL, 0);
    struct px_code_part *list = calloc(parts + 1, sizeof *list);
    if (!list)
        return 0;
    parts = engine->ops->code_parts(engine->instance, unit, list, parts);
    if (parts > 0)
        count =
            collect_labels(engine, unit, (uint64_t)(uintptr_t)list[0].bytes - list[0].offset, symbols, room);
    for (size_t i = 0; i < parts && count < room; i++)
        if (list[i].size > 0)
            symbols[count++] = (struct symbol){ .address = (uint64_t)(uintptr_t)list[i].bytes,
                                                .size = list[i].size,
                                                .pc = list[i].pc,
                                                .role = list[i].role };
    free(list);
    return count;
}

void symbol_name(const struct symbol *symbol, size_t code_size, char name[SYMBOL_NAME])
{
    static const char *const roles[PX_CODE_ROLE_COUNT] = {
        [PX_CODE_HEAD] = "_block", [PX_CODE_BODY] = "", [PX_CODE_COLD] = "_cold"
    };
    if (symbol->role == SYMBOL_SHARED)
        (void)snprintf(name, SYMBOL_NAME, "px_%.15s", symbol->label);
    else if (symbol->role == PX_CODE_HEAD && symbol->pc == code_size)
        (void)snprintf(name, SYMBOL_NAME, "guest_leave");
    else
        (void)snprintf(name, SYMBOL_NAME, "guest_%" PRIx32 "%s", symbol->pc,
                       symbol->role < PX_CODE_ROLE_COUNT ? roles[symbol->role] : "_unknown");
}

/* A map of the same name is left over from another process. */
static FILE *create_anew(const char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, flags, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file && fd >= 0)
        (void)close(fd);
    return file;
}

enum px_status symbols_write_perf_map(const struct symbol *symbols, size_t count, size_t code_size, int pid,
                                      char *path, size_t path_size, struct px_error *err)
{
    (void)snprintf(path, path_size, "/tmp/perf-%d.map", pid);
    FILE *file = create_anew(path);
    if (!file)
        return px_fail(err, PX_ERR_INPUT, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < count; i++) {
        char name[SYMBOL_NAME];
        symbol_name(&symbols[i], code_size, name);
        fprintf(file, "%" PRIx64 " %" PRIx32 " %s\n", symbols[i].address, symbols[i].size, name);
    }
    bool good = !ferror(file);
    good = fclose(file) == 0 && good;
    return good ? PX_OK : px_fail(err, PX_ERR_INPUT, "%s: cannot be written to its end", path);
}
