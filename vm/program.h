/*
 * A test case: code, register seeds, memory, gas, where it came from and what is expected of it.
 * Programs own their bytes and keep their buffers from one use to the next, so that making millions of them
 * allocates nothing. Generators and the minimizer edit programs; engines run the image.
 *
 * The text form is the .px file of DESIGN.md 4; the binary form holds the same for fuzzers and large corpora.
 */
#ifndef PX_PROGRAM_H
#define PX_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vm/image.h"
#include "vm/isa.h"
#include "vm/outcome.h"
#include "vm/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PX_PROGRAM_MAPS_MAX = 64,
    PX_PROGRAM_KEPT = 2048, /* bytes that each buffer is at first: more than most programs need */
    /* Generator specs and oracle names, with NUL: printable ASCII without blanks, '#' and '@'. */
    PX_NAME_MAX = 64,
};

/* The largest file of either form, in bytes. */
#define PX_PROGRAM_FILE_MAX ((size_t)64 << 20)

/* Provenance; never needed to run. */
struct px_origin {
    bool known;
    uint64_t seed, index;
    char gen[PX_NAME_MAX];
    unsigned version;
};

/* What a run must give. Fields that are not set are not compared. */
struct px_expect {
    bool has_exit, has_pc, has_gas;
    uint16_t has_x;        /* bit i: x[i] is expected; bit 0 stays 0 */
    struct px_outcome out; /* exit, arg, pc, gas, x */
    char oracle[PX_NAME_MAX];
};

struct px_program_map {
    uint64_t start, size; /* as in struct px_mapping */
    enum px_map_kind kind;
    size_t content, content_size; /* offset and length in px_program.content */
};

struct px_program {
    struct px_origin origin;
    uint64_t gas;
    uint32_t entry_pc;
    uint64_t x[PX_REG_COUNT]; /* register seeds; x[0] stays 0 */

    uint8_t *code; /* whole image code, the appended terminator included */
    size_t code_size, code_capacity;

    struct px_program_map maps[PX_PROGRAM_MAPS_MAX];
    size_t map_count;
    uint8_t *content;
    size_t content_size, content_capacity;

    bool has_expect;
    struct px_expect expect;

    struct px_mapping image_maps[PX_PROGRAM_MAPS_MAX]; /* what px_program_image points to */
};

void px_program_init(struct px_program *program); /* an empty program: no code, gas 0 */
void px_program_fini(struct px_program *program);

/* Back to empty, buffers kept. */
void px_program_clear(struct px_program *program);

/* Makes @to equal to @from. On failure (PX_ERR_NOMEM) @to is as it was. */
enum px_status px_program_copy(struct px_program *to, const struct px_program *from) PX_CHECKED;

/* Seeds register @x, 1 to 15, with @value. PX_ERR_INPUT: no such register, or x0, which is always 0. */
enum px_status px_seed_reg(struct px_program *program, unsigned x, uint64_t value,
                           struct px_error *err) PX_CHECKED;

/* Appends bytes, which are not the program's own, to the code. PX_ERR_INPUT past PX_CODE_MAX, PX_ERR_NOMEM. */
enum px_status px_program_append(struct px_program *program, const void *bytes, size_t size) PX_CHECKED;

/* Encodes and appends @insn. PX_ERR_INPUT when an operand does not fit. */
enum px_status px_program_emit(struct px_program *program, const struct px_insn *insn) PX_CHECKED;

/*
 * Overwrites the instruction at @offset with @insn. PX_ERR_INPUT when the lengths differ, an operand does
 * not fit, or the instruction at @offset is not wholly inside the code.
 */
enum px_status px_program_patch(struct px_program *program, size_t offset,
                                const struct px_insn *insn) PX_CHECKED;

/* Adds a mapping with a copy of @content, which is not the program's own. PX_ERR_INPUT when there are
 * PX_PROGRAM_MAPS_MAX already; the rest of the structure is checked by px_image_check. */
enum px_status px_program_map(struct px_program *program, uint64_t start, uint64_t size,
                              enum px_map_kind kind, const void *content, size_t content_size) PX_CHECKED;

/* The same with room for @content_size bytes, *content (NULL: none), which the caller fills before the next edit. */
enum px_status px_program_map_room(struct px_program *program, uint64_t start, uint64_t size,
                                   enum px_map_kind kind, size_t content_size, uint8_t **content) PX_CHECKED;

/* Takes mapping @index out, which must be below map_count, and its content. */
void px_program_unmap(struct px_program *program, size_t index);

/* Gives mapping @index @size bytes of content: the first of those that it has, then zeros. PX_ERR_INPUT past 4 GiB, PX_ERR_NOMEM. */
enum px_status px_program_resize_content(struct px_program *program, size_t index, size_t size) PX_CHECKED;

/* Mapping @index, which must be below map_count, as part of an image. Borrows the program's content. */
struct px_mapping px_program_mapping(const struct px_program *program, size_t index);

/* Points @image into @program. Valid until the program is edited, cleared or moved. */
void px_program_image(struct px_program *program, struct px_image *image);

/*
 * Parses the text form. @name stands for the file in messages ("FILE:LINE:COLUMN: ..., expected ...").
 * Any bytes whatever give either a program whose image passes px_image_check, or PX_ERR_INPUT (or
 * PX_ERR_NOMEM). On failure @program is cleared.
 */
enum px_status px_program_parse(struct px_program *program, const char *name, const char *text, size_t size,
                                struct px_error *err) PX_CHECKED;

/*
 * Reads the binary form, which holds the same in a fraction of the bytes (vm/program_binary.h): "FILE: offset N: found
 * ..., expected ...". Otherwise as px_program_parse; time and memory are bounded by @size.
 */
enum px_status px_program_unpack(struct px_program *program, const char *name, const uint8_t *bytes,
                                 size_t size, struct px_error *err) PX_CHECKED;

/*
 * Writes the binary form to @bytes, *size of them: unpacking them gives an equal program, and packing that the same
 * bytes. PX_ERR_FULL when there is no @room, which px_program_pack_bound always is. PX_ERR_INPUT where the text form
 * cannot hold the program either.
 */
enum px_status px_program_pack(const struct px_program *program, uint8_t *bytes, size_t room,
                               size_t *size) PX_CHECKED;
size_t px_program_pack_bound(const struct px_program *program);

/* Whether bytes are of the binary form, if they are a program at all; what neither form is counts as text. */
bool px_program_is_binary(const void *bytes, size_t size);

/* Reads either form. */
enum px_status px_program_read(struct px_program *program, const char *name, const void *bytes, size_t size,
                               struct px_error *err) PX_CHECKED;

/* Reads a whole file of either form. PX_ERR_INPUT when it cannot be read or is over 64 MiB. */
enum px_status px_program_load(struct px_program *program, const char *path, struct px_error *err) PX_CHECKED;

/*
 * Writes the text form: parsing it gives an equal program, and writing that gives equal text. Code
 * lines carry disassembly as comments, except that of images over 256 KiB. Flushes @file; PX_ERR_SYSTEM
 * when it takes no more. PX_ERR_INPUT when the text form cannot hold the program: its image fails
 * px_image_check, a name has other characters, it expects nothing or PX_EXIT_STOPPED (all of which leave
 * @file as it was), or the text would be over 64 MiB.
 */
enum px_status px_program_write(const struct px_program *program, FILE *file) PX_CHECKED;

#ifdef __cplusplus
}
#endif

#endif
