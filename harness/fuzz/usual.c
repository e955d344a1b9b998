#include "harness/fuzz/usual.h"

#include <stdlib.h>
#include <string.h>

/* Where clang counts edges, as the linker says; NULL where it does not. */
extern uint8_t edges_start[] __asm__("__start___sancov_cntrs") __attribute__((weak, visibility("hidden")));
extern uint8_t edges_end[] __asm__("__stop___sancov_cntrs") __attribute__((weak, visibility("hidden")));

_Static_assert(FUZZ_USUAL_PROGRAMS <= UINT8_MAX, "counted in bytes");

enum px_status fuzz_usual_init(struct fuzz_usual *usual, uint8_t *features, size_t count,
                               struct px_error *err)
{
    size_t edges = (size_t)((uintptr_t)edges_end - (uintptr_t)edges_start);
    *usual = (struct fuzz_usual){ .parts = {
                                      { .bytes = edges_start, .count = edges },
                                      { .bytes = features, .count = count },
                                  } };
    for (size_t i = 0; i < FUZZ_USUAL_PARTS; i++) {
        struct fuzz_usual_part *part = &usual->parts[i];
        part->shown = calloc(part->count + 1, 1);
        if (!part->shown) {
            fuzz_usual_fini(usual);
            return px_fail(err, PX_ERR_NOMEM, "out of memory for what is usual");
        }
    }
    return PX_OK;
}

void fuzz_usual_fini(struct fuzz_usual *usual)
{
    for (size_t i = 0; i < FUZZ_USUAL_PARTS; i++)
        free(usual->parts[i].shown);
    *usual = (struct fuzz_usual){ 0 };
}

static void clear(const struct fuzz_usual_part *part)
{
    if (part->count > 0)
        memset(part->bytes, 0, part->count);
}

void fuzz_usual_clear(struct fuzz_usual *usual)
{
    for (size_t i = 0; i < FUZZ_USUAL_PARTS; i++)
        clear(&usual->parts[i]);
}

void fuzz_usual_begin(struct fuzz_usual *usual)
{
    clear(&usual->parts[0]);
}

void fuzz_usual_count(struct fuzz_usual *usual)
{
    for (size_t i = 0; i < FUZZ_USUAL_PARTS; i++) {
        const struct fuzz_usual_part *part = &usual->parts[i];
        for (size_t k = 0; k < part->count; k++)
            part->shown[k] = (uint8_t)(part->shown[k] + (part->bytes[k] != 0));
    }
}

void fuzz_usual_settle(struct fuzz_usual *usual, unsigned shown)
{
    for (size_t i = 0; i < FUZZ_USUAL_PARTS; i++) {
        const struct fuzz_usual_part *part = &usual->parts[i];
        for (size_t k = 0; k < part->count; k++)
            part->shown[k] = part->shown[k] >= shown ? 0 : UINT8_MAX;
    }
}

void fuzz_usual_hide(struct fuzz_usual *usual, const uint16_t *hits, size_t count)
{
    const struct fuzz_usual_part *edges = &usual->parts[0], *features = &usual->parts[1];
    uint8_t *restrict bytes = edges->bytes;
    const uint8_t *restrict shown = edges->shown;
    for (size_t i = 0, end = edges->count; i < end; i++)
        bytes[i] &= shown[i];
    for (size_t i = 0; features->count > 0 && i < count; i++)
        features->bytes[hits[i]] &= features->shown[hits[i]];
}
