/* parallax convert: programs from text to the binary form and back, one or whole corpora. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/interrupt.h"
#include "harness/progress.h"
#include "harness/save.h"
#include "vm/program.h"
#include "vm/text.h"

enum form { FORM_OTHER, FORM_TEXT, FORM_BINARY };

static const char *const suffixes[] = { [FORM_TEXT] = ".px", [FORM_BINARY] = ".pxb" };

struct convert {
    const struct command *command;
    enum form to; /* FORM_OTHER: the one that a file is not in */
    struct px_program program;
    uint64_t files, refused, bytes_before, bytes_after;
    int code; /* the worst so far */
};

/* What is to be written. */
struct rendered {
    char *bytes;
    size_t size;
};

static enum px_status render_binary(const struct px_program *program, struct rendered *r)
{
    size_t room = px_program_pack_bound(program);
    uint8_t *bytes = malloc(room);
    if (!bytes)
        return PX_ERR_NOMEM;
    enum px_status status = px_program_pack(program, bytes, room, &r->size);
    r->bytes = (char *)bytes;
    return status;
}

static enum px_status render_text(const struct px_program *program, struct rendered *r)
{
    FILE *file = open_memstream(&r->bytes, &r->size);
    if (!file)
        return PX_ERR_NOMEM;
    enum px_status status = px_program_write(program, file);
    return fclose(file) == 0 ? status : PX_ERR_NOMEM;
}

static enum px_status write_rendered(FILE *file, const void *arg)
{
    const struct rendered *r = arg;
    return fwrite(r->bytes, 1, r->size, file) == r->size ? PX_OK : PX_ERR_SYSTEM;
}

/* Reads @in into c->program; *form is the one to write. */
static enum px_status read_program(struct convert *c, const char *in, enum form *form, struct px_error *err)
{
    bool standard = strcmp(in, "-") == 0;
    char *bytes;
    size_t size;
    enum px_status status =
        px_text_load(standard ? "/dev/stdin" : in, PX_PROGRAM_FILE_MAX + 1, &bytes, &size, err);
    if (status != PX_OK)
        return status;
    status = px_program_read(&c->program, standard ? "standard input" : in, bytes, size, err);
    *form = px_program_is_binary(bytes, size) ? FORM_TEXT : FORM_BINARY;
    if (c->to != FORM_OTHER)
        *form = c->to;
    free(bytes);
    if (status == PX_OK)
        c->bytes_before += size;
    return status;
}

/* The name of a file without folders and without the suffix of either form. */
static const char *stem_of(const char *path, size_t *length)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    *length = strlen(name);
    for (enum form form = FORM_TEXT; form <= FORM_BINARY; form++) {
        size_t suffix = strlen(suffixes[form]);
        if (*length > suffix && strcmp(name + *length - suffix, suffixes[form]) == 0) {
            *length -= suffix;
            break;
        }
    }
    return name;
}

/* Where @in goes below @folder, which is NULL when @out is the place. The caller frees it. NULL: no memory. */
static char *place_of(const char *in, const char *folder, const char *out, enum form form)
{
    char *path = NULL;
    size_t length;
    const char *stem = stem_of(in, &length);
    if (!folder)
        return strdup(out);
    return asprintf(&path, "%s/%.*s%s", folder, (int)length, stem, suffixes[form]) < 0 ? NULL : path;
}

static enum px_status write_program(struct convert *c, const char *path, enum form form, struct px_error *err)
{
    struct rendered r = { .bytes = NULL };
    enum px_status status =
        form == FORM_BINARY ? render_binary(&c->program, &r) : render_text(&c->program, &r);
    if (status == PX_ERR_INPUT)
        status = px_fail(
            err, status,
            "%.200s: expected a program that fits the form: text holds 64 MiB, half of that of content",
            path);
    else if (status != PX_OK)
        status = px_fail(err, status, "%.200s: %s", path, px_status_name(status));
    else if (strcmp(path, "-") != 0)
        status = save_file(path, write_rendered, &r, err);
    else if (write_rendered(stdout, &r) != PX_OK)
        status = px_fail(err, PX_ERR_SYSTEM, "standard output takes no more");
    if (status == PX_OK)
        c->bytes_after += r.size;
    free(r.bytes);
    return status;
}

static void convert_one(struct convert *c, const char *in, const char *folder, const char *out)
{
    struct px_error err;
    enum form form;
    enum px_status status = read_program(c, in, &form, &err);
    if (status == PX_OK) {
        char *path = place_of(in, folder, out, form);
        status = path ? write_program(c, path, form, &err) : px_fail(&err, PX_ERR_NOMEM, "out of memory");
        free(path);
    }
    if (status == PX_OK) {
        c->files++;
        return;
    }
    int code = options_fail_status(c->command, status, &err);
    c->code = code > c->code ? code : c->code;
    c->refused++;
}

/* --- many files --- */

struct stem {
    const char *name, *path;
    size_t length;
};

static int by_name(const void *a, const void *b)
{
    const struct stem *one = a, *other = b;
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->name, other->name, shorter);
    return order != 0 ? order : (one->length > other->length) - (one->length < other->length);
}

/* Two files must not end up as one: refused before the first is written. -1, or the exit code. */
static int check_names(const struct command *command, char **in, size_t count)
{
    int code = -1;
    struct stem *stems = malloc(count * sizeof *stems);
    if (!stems)
        return options_fail_status(command, PX_ERR_NOMEM, &(struct px_error){ "out of memory" });
    for (size_t i = 0; i < count; i++) {
        stems[i].path = in[i];
        stems[i].name = stem_of(in[i], &stems[i].length);
        if (strcmp(in[i], "-") == 0 || stems[i].length == 0)
            code = options_fail(command, "'%.60s': has no name to keep in a folder", in[i]);
    }
    qsort(stems, count, sizeof *stems, by_name);
    for (size_t i = 1; i < count && code < 0; i++)
        if (by_name(&stems[i - 1], &stems[i]) == 0)
            code = options_fail(command, "'%.100s' and '%.100s' have one name: expected different ones",
                                stems[i - 1].path, stems[i].path);
    free(stems);
    return code;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void convert_all(struct convert *c, char **in, size_t count, const char *folder)
{
    struct progress progress;
    struct interrupt before;
    progress_init(&progress, !isatty(STDERR_FILENO));
    progress.next = seconds() + 1; /* nobody needs to be told about less */
    interrupt_watch(&before);
    for (size_t i = 0; i < count && !interrupt_came(NULL); i++) {
        char line[80];
        convert_one(c, in[i], folder, NULL);
        if (!progress_due(&progress, seconds()))
            continue;
        (void)snprintf(line, sizeof line, "%zu of %zu files", i + 1, count);
        progress_show(&progress, line);
    }
    progress_end(&progress);
    if (interrupt_came(NULL))
        c->code = EXIT_INTERRUPTED;
    interrupt_unwatch(&before);
}

static void tell(const struct convert *c)
{
    printf("converted %" PRIu64 " program%s: %" PRIu64 " -> %" PRIu64 " bytes", c->files,
           c->files == 1 ? "" : "s", c->bytes_before, c->bytes_after);
    if (c->refused > 0)
        printf(", %" PRIu64 " refused", c->refused);
    printf("%s\n", c->code == EXIT_INTERRUPTED ? " (interrupted)" : "");
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int convert(struct convert *c, char **paths, size_t count)
{
    const char *target = paths[count - 1];
    bool folder = is_folder(target);
    if (!folder && count > 2)
        return options_fail(c->command, "'%.200s': expected a folder for %zu files", target, count - 1);
    if (folder) {
        int code = check_names(c->command, paths, count - 1);
        if (code >= 0)
            return code;
        convert_all(c, paths, count - 1, target);
    } else {
        convert_one(c, paths[0], NULL, target);
    }
    if (strcmp(target, "-") != 0 && c->files > 0)
        tell(c);
    return c->code;
}

static int run_convert(const struct command *command, int argc, char **argv)
{
    struct convert c = { .command = command, .code = EXIT_AGREE };
    const char *to = NULL;
    const struct option options[] = {
        { "to", OPTION_TEXT, &to, 0, 0, "FORM", "text or binary (default the form that a file is not in)" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (to && strcmp(to, "text") != 0 && strcmp(to, "binary") != 0)
        return options_fail(command, "--to: '%.60s': expected text or binary", to);
    if (to)
        c.to = strcmp(to, "text") == 0 ? FORM_TEXT : FORM_BINARY;
    if (positional < 2)
        return options_fail(command, "expected IN and OUT, or files and a FOLDER");
    px_program_init(&c.program);
    code = convert(&c, argv + 1, (size_t)positional);
    px_program_fini(&c.program);
    return code;
}

const struct command command_convert = {
    .name = "convert",
    .summary = "Turns programs from text (.px) into the compact binary form (.pxb), and back.",
    .usage = "[OPTIONS] (IN OUT | IN... FOLDER)",
    .examples = "  parallax convert minimal.px minimal.pxb\n"
                "  parallax convert minimal.pxb - | less\n"
                "  parallax convert corpus/regress/*.px seeds/\n"
                "  parallax convert --to=text crash-1a2b3c crash.px\n",
    .run = run_convert,
};
