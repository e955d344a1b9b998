/* Host code of guest instructions as plain data: collected in the process that compiles it, shown in another. */
#ifndef PX_HOSTCODE_H
#define PX_HOSTCODE_H

#include "harness/engines.h"

enum {
    HOSTCODE_PARTS_MAX = 512,
    HOSTCODE_BYTES_MAX = 32 << 10,
    HOSTCODE_LABELS_MAX = 32,
};

struct hostcode_part {
    enum px_code_role role;
    uint32_t pc;
    uint32_t offset, size; /* in the unit's code */
    uint32_t at; /* of its bytes in hostcode.bytes */
};

struct hostcode_label {
    int64_t offset;
    char name[16];
};

struct hostcode_home {
    char reg[8]; /* "": nowhere */
    bool memory;
    int32_t disp;
};

struct hostcode {
    bool known; /* false: the engine has none, or did not take the program */
    bool cut; /* there is more than fits */
    size_t count;
    struct hostcode_part parts[HOSTCODE_PARTS_MAX]; /* ascending by offset */
    size_t size;
    uint8_t bytes[HOSTCODE_BYTES_MAX];
    size_t label_count;
    struct hostcode_label labels[HOSTCODE_LABELS_MAX];
    struct hostcode_home homes[PX_REG_COUNT];
};

/* Compiles @image on @engine and keeps what serves guest offsets @first to @last. Statuses of px_engine_ops.prepare. */
enum px_status hostcode_collect(const struct engine *engine, const struct px_image *image, uint32_t first,
                                uint32_t last, struct hostcode *code, struct px_error *err) PX_CHECKED;

/* Cuts counts and places that no hostcode_collect wrote, so that what comes out of a sandbox can be read. */
void hostcode_make_harmless(struct hostcode *code);

#endif
