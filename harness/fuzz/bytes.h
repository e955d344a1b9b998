/*
 * Programs as a fuzzer keeps them, in the binary form: changed, crossed and put back into so many bytes. What cannot be read
 * gives a generated program, so that every mutation is one of a program.
 */
#ifndef PX_FUZZ_BYTES_H
#define PX_FUZZ_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "generators/generator.h"
#include "generators/mutate.h"
#include "vm/program.h"

enum { FUZZ_BYTES_KNOWN = 4096 };

/* Owned by the caller. */
struct fuzz_bytes {
    struct mutator mutator;
    struct px_program program, other;
    uint8_t known[FUZZ_BYTES_KNOWN]; /* @program in the binary form ... */
    size_t known_size; /* ... of so many bytes; 0: they are not known */
    struct px_gen gen;
};

/* PX_ERR_INPUT: never. */
enum px_status fuzz_bytes_init(struct fuzz_bytes *bytes, struct px_error *err) PX_CHECKED;
void fuzz_bytes_fini(struct fuzz_bytes *bytes);

/*
 * The program of @size bytes at @data, NULL: they are none. Nothing is read twice: what was read, or made, last is at hand.
 * Borrowed until the next call, for an image and not for changes.
 */
struct px_program *fuzz_bytes_read(struct fuzz_bytes *bytes, const uint8_t *data, size_t size);

/* The next ones are read, whatever is at hand. */
void fuzz_bytes_forget(struct fuzz_bytes *bytes);

/*
 * Changes the program of @size bytes at @data, which has room for @max of them and at least one; the new size, 1 to @max. Any
 * bytes are fine, also when @size is above @max or 0.
 */
size_t fuzz_bytes_mutate(struct fuzz_bytes *bytes, uint8_t *data, size_t size, size_t max, uint64_t seed);

/* Puts something of the second into the first: into @out, of @max bytes; the size, 0 when there is no room. */
size_t fuzz_bytes_cross(struct fuzz_bytes *bytes, const uint8_t *data, size_t size, const uint8_t *other,
                        size_t other_size, uint8_t *out, size_t max, uint64_t seed);

#endif
