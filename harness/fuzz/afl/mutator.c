#include "harness/fuzz/afl/mutator.h"

#include <stdlib.h>
#include <string.h>

#include "generators/trim.h"
#include "harness/fuzz/bytes.h"

enum { CROSS_ONE_IN = 8 };

struct afl_mutator {
    struct fuzz_bytes bytes;
    struct prng prng;
    uint8_t *out;
    size_t room;
    struct trim trim;
    int32_t step;
    size_t best, candidate; /* bytes of what is trimmed */
};

struct afl_mutator *afl_custom_init(void *afl, unsigned seed)
{
    struct afl_mutator *m = calloc(1, sizeof *m);
    (void)afl;
    if (!m)
        return NULL;
    trim_init(&m->trim);
    prng_init(&m->prng, seed, 0);
    if (fuzz_bytes_init(&m->bytes, NULL) == PX_OK)
        return m;
    afl_custom_deinit(m);
    return NULL;
}

void afl_custom_deinit(struct afl_mutator *m)
{
    if (!m)
        return;
    fuzz_bytes_fini(&m->bytes);
    trim_fini(&m->trim);
    free(m->out);
    free(m);
}

static bool make_room(struct afl_mutator *m, size_t size)
{
    if (size <= m->room)
        return true;
    uint8_t *out = realloc(m->out, size);
    if (!out)
        return false;
    m->out = out;
    m->room = size;
    return true;
}

size_t afl_custom_fuzz(struct afl_mutator *m, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *add,
                       size_t add_size, size_t max)
{
    uint64_t seed = prng_next(&m->prng);
    size_t made = 0;
    if (max == 0 || !make_room(m, size > max ? size : max))
        return 0;
    if (add && prng_one_in(&m->prng, CROSS_ONE_IN))
        made = fuzz_bytes_cross(&m->bytes, bytes, size, add, add_size, m->out, max, seed);
    if (made == 0) {
        if (size > 0)
            memcpy(m->out, bytes, size);
        made = fuzz_bytes_mutate(&m->bytes, m->out, size, max, seed);
    }
    *out = m->out;
    return made;
}

/* The next candidate that is no larger than the best; false at the end. */
static bool next(struct afl_mutator *m)
{
    while (m->step < TRIM_TRIES && trim_next(&m->trim)) {
        enum px_status status = px_program_pack(&m->trim.candidate, m->out, m->best, &m->candidate);
        if (status == PX_OK && m->candidate > 0)
            return true;
        m->step++;
    }
    return false;
}

int32_t afl_custom_init_trim(struct afl_mutator *m, uint8_t *bytes, size_t size)
{
    const struct px_program *program = fuzz_bytes_read(&m->bytes, bytes, size);
    m->step = TRIM_TRIES;
    if (!program || trim_begin(&m->trim, program) != PX_OK || !make_room(m, size))
        return 0;
    m->step = 0;
    m->best = size;
    return next(m) ? TRIM_TRIES : 0;
}

size_t afl_custom_trim(struct afl_mutator *m, uint8_t **out)
{
    *out = m->out;
    return m->candidate;
}

int32_t afl_custom_post_trim(struct afl_mutator *m, uint8_t success)
{
    if (success) {
        trim_keep(&m->trim);
        m->best = m->candidate;
    }
    m->step++;
    return next(m) ? m->step : TRIM_TRIES;
}
