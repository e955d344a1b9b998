/*
 * What afl-fuzz calls of libparallax-afl.so (AFL_CUSTOM_MUTATOR_LIBRARY): mutation and crossover of programs in the binary form, and
 * trimming by instructions, mappings and registers. Any bytes are fine. The names are AFL++'s.
 */
#ifndef PX_FUZZ_AFL_MUTATOR_H
#define PX_FUZZ_AFL_MUTATOR_H

#include <stddef.h>
#include <stdint.h>

struct afl_mutator;

/* NULL: no memory. @afl is not looked at. */
struct afl_mutator *afl_custom_init(void *afl, unsigned seed);
void afl_custom_deinit(struct afl_mutator *m);

/*
 * Changes @bytes, of which there are @size, or crosses them with @add (NULL: none). *@out, with at most @max bytes, is the mutator's until
 * its next call. Returns how many; 0: no memory, nothing to be run.
 */
size_t afl_custom_fuzz(struct afl_mutator *m, uint8_t *bytes, size_t size, uint8_t **out, uint8_t *add,
                       size_t add_size, size_t max);

/* Steps that there may be to make @bytes smaller; 0: none. */
int32_t afl_custom_init_trim(struct afl_mutator *m, uint8_t *bytes, size_t size);
/* The bytes to try, never more than there were. */
size_t afl_custom_trim(struct afl_mutator *m, uint8_t **out);
/* @success: they cover the same, and are kept. The number of the next step; what init_trim said when there is none. */
int32_t afl_custom_post_trim(struct afl_mutator *m, uint8_t success);

#endif
