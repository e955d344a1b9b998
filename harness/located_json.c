/* The same as located.c tells, for machines. */
#include "harness/located.h"

#include <inttypes.h>
#include <string.h>

#include "harness/code_window.h"
#include "harness/disassembly.h"
#include "harness/locate.h"
#include "harness/quote.h"

static void write_key(FILE *file, const char *key, const char *text)
{
    fprintf(file, ", \"%s\": ", key);
    quote_json(file, text);
}

static void write_place(FILE *file, const struct located *l)
{
    static const char *const places[] = {
        [BUCKET_INSN] = "instruction", [BUCKET_BLOCK] = "block", [BUCKET_VANISHED] = "vanished"
    };
    const struct bucket *b = l->bucket;
    fprintf(file, "\"place\": \"%s\"", places[b->place]);
    if (b->place == BUCKET_INSN) {
        write_key(file, "op", px_ops[b->insn.op].mnemonic);
        fprintf(file, ", \"pc\": %" PRIu32 ", \"instruction\": %zu, \"instructions\": %zu", b->pc, b->number,
                b->count);
    }
    if (b->place != BUCKET_VANISHED)
        fprintf(file, ", \"block_pc\": %" PRIu32 ", \"block_number\": %" PRIu64, b->block_pc, b->block);
    write_key(file, "bucket", b->id);
    write_key(file, "hash", b->hash);
}

/* Values as texts, since 64 bits are more than JSON's numbers hold everywhere. */
static void write_differences(FILE *file, const struct located *l)
{
    const struct bucket *b = l->bucket;
    const struct finding *f = b->place == BUCKET_VANISHED ? &b->finding : &b->at;
    struct diff_row rows[DIFF_ROWS_MAX];
    char fields[256];
    size_t count = f->kind == FINDING_DIFF ? diff_rows(&f->diff, rows) : 0;
    fputs(", \"differs\": [", file);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", {\"field\": " : "{\"field\": ", file);
        quote_json(file, rows[i].name);
        write_key(file, "a", rows[i].a);
        write_key(file, "b", rows[i].b);
        fputc('}', file);
    }
    (void)finding_format(&b->finding, fields, sizeof fields);
    fputs("]", file);
    write_key(file, "end", fields);
}

/* Host lines of the parts of @pc. */
static void write_host(FILE *file, const struct located *l, uint32_t pc)
{
    static const char *const roles[] = {
        [PX_CODE_HEAD] = "head", [PX_CODE_BODY] = "body", [PX_CODE_COLD] = "cold"
    };
    const char *comma = "";
    for (size_t i = 0; i < l->code->count; i++) {
        const struct hostcode_part *part = &l->code->parts[i];
        for (uint32_t at = 0; part->pc == pc && at < part->size;) {
            struct host_mark mark;
            char text[128];
            size_t length = host_line_read(l->code, l->code->bytes + part->at + at, part->size - at,
                                           part->offset + at, text, sizeof text);
            located_mark(l, part->offset + at, length, &mark);
            fprintf(file, "%s{\"offset\": %" PRIu32 ", \"role\": \"%s\"", comma, part->offset + at,
                    roles[part->role]);
            write_key(file, "text", text);
            fprintf(file, ", \"faults\": %s, \"seen\": %u}", mark.faults ? "true" : "false", mark.seen);
            comma = ", ";
            at += (uint32_t)length;
        }
    }
}

static void write_code(FILE *file, const struct located *l)
{
    struct px_image image;
    struct code_window w;
    uint32_t center;
    bool found = false;
    px_program_image(l->program, &image);
    fputs(", \"code\": [", file);
    if (locate_center(l->program, l->bucket, &center) &&
        code_window_find(&image, center, &w, &found) == PX_OK && found)
        for (uint32_t pc = w.first; pc <= w.last; pc += px_length(image.code[pc])) {
            struct guest_line line;
            guest_line_read(image.code, image.code_size, pc, &line);
            fprintf(file, "%s{\"pc\": %" PRIu32, pc == w.first ? "" : ", ", pc);
            write_key(file, "hex", line.hex);
            write_key(file, "text", line.text);
            fprintf(file, ", \"located\": %s, \"host\": [",
                    l->bucket->place == BUCKET_INSN && pc == center ? "true" : "false");
            if (l->code && l->code->known)
                write_host(file, l, pc);
            fputs("]}", file);
        }
    fputs("]", file);
}

void located_write_json(FILE *file, const struct located *l)
{
    fputc('{', file);
    write_place(file, l);
    write_differences(file, l);
    write_code(file, l);
    fputc('}', file);
}
