/* The real guest programs of corpus/guests, compiled and linked into this build. */
#ifndef PX_GUESTS_H
#define PX_GUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "vm/program.h"
#include "vm/status.h"

/* What a guest works on. */
struct px_guest_input {
    const uint8_t *bytes;  /* of their mapping: the guest gets those from @start to @end */
    size_t start, end;
    enum px_map_kind kind; /* ro or cow */
    uint64_t scale;        /* how much more work is made of them, about 10,000 instructions each */
};

struct px_guest {
    const char *name;
    const char *text, *end; /* corpus/guests/NAME.px */
};

extern const struct px_guest px_guests[];
extern const size_t px_guest_count;

/* The guest called @name (@length characters), or NULL. */
const struct px_guest *px_guest_find(const char *name, size_t length);

/* Reads @guest as it is in the corpus: input, scale and an `expect` line, which says what it computes natively. Into
 * a program that may hold another. PX_ERR_NOMEM. */
enum px_status px_guest_load(const struct px_guest *guest, struct px_program *program) PX_CHECKED;

/* The same with another input, and nothing expected. */
enum px_status px_guest_make(const struct px_guest *guest, const struct px_guest_input *input,
                             struct px_program *program) PX_CHECKED;

#endif
