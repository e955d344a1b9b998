#include "harness/fuzz/usual.h"

#include <stdlib.h>
#include <string.h>

/* Where clang counts edges, as the linker says; NULL where it does not. */
extern uint8_t edges_start[] __asm__("__start___sancov_cntrs") __attribute__((weak, visibility("hidden")));
extern uint8_t edges_end[] __asm__("__stop___sancov_cntrs") __attribute__((weak, visibility("hidden")));

enum px_status fuzz_usual_init(struct fuzz_usual *usual, uint8_t *features, size_t count,
                               struct px_error *err)
{
    size_t edges = (size_t)((uintptr_t)edges_end - (uintptr_t)edges_start);
    *usual = (struct fuzz_usual){
        .edges = { .bytes = edges_start, .count = edges, .kept = malloc(edges + 1) },
        .features = { .bytes = features, .count = count, .kept = malloc(count + 1) },
    };
    if (!usual->edges.kept || !usual->features.kept) {
        fuzz_usual_fini(usual);
        return px_fail(err, PX_ERR_NOMEM, "out of memory for what is usual");
    }
    memset(usual->edges.kept, UINT8_MAX, edges + 1);
    memset(usual->features.kept, UINT8_MAX, count + 1);
    return PX_OK;
}

void fuzz_usual_fini(struct fuzz_usual *usual)
{
    free(usual->edges.kept);
    free(usual->features.kept);
    *usual = (struct fuzz_usual){ 0 };
}

static void clear(const struct fuzz_usual_part *part)
{
    if (part->count > 0)
        memset(part->bytes, 0, part->count);
}

static void add(const struct fuzz_usual_part *part)
{
    for (size_t i = 0; i < part->count; i++)
        part->kept[i] = part->bytes[i] == 0 ? part->kept[i] : 0;
}

void fuzz_usual_add(struct fuzz_usual *usual)
{
    add(&usual->edges);
    add(&usual->features);
    clear(&usual->edges);
    clear(&usual->features);
}

void fuzz_usual_begin(struct fuzz_usual *usual)
{
    clear(&usual->edges);
}

void fuzz_usual_hide(struct fuzz_usual *usual, const uint16_t *hits, size_t count)
{
    uint8_t *restrict bytes = usual->edges.bytes;
    const uint8_t *restrict kept = usual->edges.kept;
    for (size_t i = 0, end = usual->edges.count; i < end; i++)
        bytes[i] &= kept[i];
    for (size_t i = 0; usual->features.count > 0 && i < count; i++)
        usual->features.bytes[hits[i]] &= usual->features.kept[hits[i]];
}
