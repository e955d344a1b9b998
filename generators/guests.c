#include "generators/guests.h"

#include <string.h>

enum {
    INPUT_AT = 0x20000000, /* where scripts/guest-cc maps a guest's input */
};

#define GUESTS(X)                                                                                            \
    X(blake2b)                                                                                               \
    X(bytecode)                                                                                              \
    X(coremix)                                                                                               \
    X(crc32)                                                                                                 \
    X(fibonacci)                                                                                             \
    X(keccak)                                                                                                \
    X(matrix)                                                                                                \
    X(quicksort)                                                                                             \
    X(sha256)                                                                                                \
    X(sieve)

/* The files themselves: a build needs no compiler for the guest, and workers may open none. */
#define EMBED(name)                                                                                          \
    __asm__(".pushsection .rodata\n"                                                                         \
            "px_guest_" #name ": .incbin \"corpus/guests/" #name ".px\"\n"                                   \
            "px_guest_" #name "_end: .byte 0\n"                                                              \
            ".popsection\n");                                                                                \
    extern const char px_guest_##name[], px_guest_##name##_end[];
GUESTS(EMBED)
#undef EMBED

const struct px_guest px_guests[] = {
#define ROW(name) { #name, px_guest_##name, px_guest_##name##_end },
    GUESTS(ROW)
#undef ROW
};
const size_t px_guest_count = sizeof px_guests / sizeof px_guests[0];

#undef GUESTS

const struct px_guest *px_guest_find(const char *name, size_t length)
{
    for (size_t i = 0; i < px_guest_count; i++)
        if (strlen(px_guests[i].name) == length && memcmp(px_guests[i].name, name, length) == 0)
            return &px_guests[i];
    return NULL;
}

enum px_status px_guest_load(const struct px_guest *guest, struct px_program *program)
{
    return px_program_parse(program, guest->name, guest->text, (size_t)(guest->end - guest->text), NULL);
}

/* Takes the mapping at INPUT_AT out. */
static void drop_input(struct px_program *program)
{
    size_t kept = 0;
    for (size_t i = 0; i < program->map_count; i++)
        if (program->maps[i].start != INPUT_AT)
            program->maps[kept++] = program->maps[i];
    program->map_count = kept;
}

enum px_status px_guest_make(const struct px_guest *guest, const struct px_guest_input *input,
                             struct px_program *program)
{
    enum px_status status = px_guest_load(guest, program);
    if (status != PX_OK)
        return status;
    drop_input(program);
    program->has_expect = false;
    program->x[10] = INPUT_AT + input->start;
    program->x[11] = input->end - input->start;
    program->x[12] = input->scale;
    uint64_t pages = (input->end + PX_PAGE_SIZE - 1) / PX_PAGE_SIZE;
    if (pages == 0)
        return PX_OK;
    return px_program_map(program, INPUT_AT, pages * PX_PAGE_SIZE, input->kind, input->bytes, input->end);
}
