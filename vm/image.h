/*
 * An image is what an engine runs (ISA.md 2): code, entry, initial registers, gas and memory
 * mappings. It borrows every byte it points to; owners are struct px_program or the caller.
 */
#ifndef PX_IMAGE_H
#define PX_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vm/guest.h"
#include "vm/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum px_map_kind {
    PX_MAP_ZERO, /* reads zeros; the first write gives a zero page */
    PX_MAP_RO,   /* pinned: reads content; a write page-faults */
    PX_MAP_COW,  /* reads content; the first write copies the page */
    PX_MAP_KIND_COUNT
};

struct px_mapping {
    uint64_t start; /* guest address, page multiple, >= PX_DATA_BASE */
    uint64_t size;  /* bytes, page multiple, > 0; start + size <= 2^32 */
    enum px_map_kind kind;
    const uint8_t *content; /* content_size bytes; the rest of the mapping reads as zero */
    uint64_t content_size;  /* <= size; 0 for PX_MAP_ZERO */
};

struct px_image {
    const uint8_t *code;
    size_t code_size;  /* bytes, odd and 0 included, <= PX_CODE_MAX */
    uint32_t entry_pc; /* offset into code; anything: checked when run (ISA.md 4) */
    uint64_t gas;
    uint64_t x[PX_REG_COUNT]; /* x[0] is ignored */
    const struct px_mapping *maps;
    size_t map_count;
};

/*
 * Checks the structure that ISA.md 2 demands (not the instructions). Mappings may stand in any order.
 * PX_ERR_INPUT names the field and the mapping's index; `ro`, `cow` with fewer content bytes than size
 * are fine. PX_ERR_NOMEM is possible above 64 mappings only.
 */
enum px_status px_image_check(const struct px_image *image, struct px_error *err) PX_CHECKED;

enum px_map_field {
    PX_MAP_FIELD_NONE,
    PX_MAP_FIELD_START,
    PX_MAP_FIELD_SIZE,
    PX_MAP_FIELD_KIND,
    PX_MAP_FIELD_CONTENT,
};

/*
 * The first field that makes @map bad by itself, PX_MAP_FIELD_NONE when it is sound: what px_image_check
 * applies to each mapping before it looks for overlaps. For messages that point at the field.
 */
enum px_map_field px_mapping_bad_field(const struct px_mapping *map);

/* What untouched memory without content reads as. Engines lend it, so that two that do need no comparison. */
extern const uint8_t px_zero_page[PX_PAGE_SIZE];

/* "zero", "ro" or "cow". */
const char *px_map_kind_name(enum px_map_kind kind);

#ifdef __cplusplus
}
#endif

#endif
