#include "harness/fuzz/bytes.h"

#include <string.h>

enum {
    FRESH_ONE_IN = 32, /* mutations of a new program instead, so that the corpus never runs dry */
    CROSS_ONE_IN = 16, /* ... with a new program */
};

enum px_status fuzz_bytes_init(struct fuzz_bytes *bytes, struct px_error *err)
{
    px_program_init(&bytes->program);
    px_program_init(&bytes->other);
    bytes->mutator = (struct mutator){ .code_max = 0 };
    fuzz_bytes_forget(bytes);
    return px_gen_parse("mix", &bytes->gen, err);
}

void fuzz_bytes_fini(struct fuzz_bytes *bytes)
{
    px_program_fini(&bytes->program);
    px_program_fini(&bytes->other);
    mutator_fini(&bytes->mutator);
}

/* bytes->program is what stands at @data. */
static void know(struct fuzz_bytes *bytes, const uint8_t *data, size_t size)
{
    bytes->known_size = size <= sizeof bytes->known ? size : 0;
    memcpy(bytes->known, data, bytes->known_size);
}

struct px_program *fuzz_bytes_read(struct fuzz_bytes *bytes, const uint8_t *data, size_t size)
{
    if (size > 0 && size == bytes->known_size && memcmp(data, bytes->known, size) == 0)
        return &bytes->program;
    bytes->known_size = 0;
    if (size == 0 || px_program_unpack(&bytes->program, "input", data, size, NULL) != PX_OK)
        return NULL;
    know(bytes, data, size);
    return &bytes->program;
}

void fuzz_bytes_forget(struct fuzz_bytes *bytes)
{
    bytes->known_size = 0;
}

/* A new program in which nothing depends on what was there. */
static bool make_program(struct fuzz_bytes *bytes, struct px_program *program)
{
    struct prng *prng = &bytes->mutator.prng;
    uint64_t seed = prng_next(prng);
    return px_gen_make(&bytes->gen, seed, prng_next(prng), program) == PX_OK;
}

/* Leaves out what is least missed; false when there is nothing left. */
static bool leave_out(struct px_program *program)
{
    if (program->map_count > 0)
        px_program_unmap(program, program->map_count - 1);
    else if (program->code_size > 0)
        program->code_size /= 2;
    else if (program->gas != 0 || program->entry_pc != 0 || program->x[1] != 0)
        program->gas = program->entry_pc = 0, program->x[1] = 0;
    else
        return false;
    if (program->map_count == 0 && program->code_size == 0)
        memset(program->x, 0, sizeof program->x);
    return true;
}

/* bytes->program in at most @max bytes; 0 when not even an empty one fits. */
static size_t write_program(struct fuzz_bytes *bytes, uint8_t *data, size_t max)
{
    struct px_program *program = &bytes->program;
    size_t size = 0;
    program->origin.known = false;
    program->has_expect = false;
    while (px_program_pack(program, data, max, &size) != PX_OK)
        if (!leave_out(program))
            return 0;
    know(bytes, data, size);
    return size;
}

static void begin(struct fuzz_bytes *bytes, size_t max, uint64_t seed)
{
    uint32_t room = max < MUTATE_CODE_MAX ? (uint32_t)max : MUTATE_CODE_MAX;
    bytes->mutator.code_max = room / 2 + 1;
    bytes->mutator.content_max = room / 4 + 1;
    mutator_seed(&bytes->mutator, seed, max);
}

size_t fuzz_bytes_mutate(struct fuzz_bytes *bytes, uint8_t *data, size_t size, size_t max, uint64_t seed)
{
    struct mutator *m = &bytes->mutator;
    struct px_program *program = &bytes->program;
    enum px_status status = PX_OK;
    begin(bytes, max, seed);
    bool fresh = prng_one_in(&m->prng, FRESH_ONE_IN) || !fuzz_bytes_read(bytes, data, size);
    fuzz_bytes_forget(bytes);
    bool made = !fresh || make_program(bytes, program);
    if (made && prng_one_in(&m->prng, CROSS_ONE_IN) && make_program(bytes, &bytes->other))
        status = mutate_cross(m, program, &bytes->other);
    else if (made)
        status = mutate_program(m, program);
    size_t written = made && status == PX_OK ? write_program(bytes, data, max) : 0;
    if (written > 0)
        return written;
    if (size == 0)
        data[0] = 0;
    return size == 0 ? 1 : size < max ? size : max;
}

size_t fuzz_bytes_cross(struct fuzz_bytes *bytes, const uint8_t *data, size_t size, const uint8_t *other,
                        size_t other_size, uint8_t *out, size_t max, uint64_t seed)
{
    struct px_program *program = &bytes->program, *from = &bytes->other;
    begin(bytes, max, seed);
    bool made = fuzz_bytes_read(bytes, data, size) || make_program(bytes, program);
    fuzz_bytes_forget(bytes);
    bool read = other_size > 0 && px_program_unpack(from, "input", other, other_size, NULL) == PX_OK;
    if (!made || (!read && !make_program(bytes, from)) ||
        mutate_cross(&bytes->mutator, program, from) != PX_OK)
        return 0;
    return write_program(bytes, out, max);
}
