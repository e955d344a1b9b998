/*
 * From a body to an image. A body is code that runs off its own end; an image made of it ends in `ecalli 0`, the
 * clean halt, in front of which the signature epilogue may stand:
 *
 *     body   fallthrough   lui x3, page   sd x1, 8(x3) ... sd x15, 120(x3)   ecalli 0
 *
 * It stores x1, x2 and x5..x15 to a page of its own, so that engines that report memory and no registers can be
 * compared. A body that faults, panics or runs out of gas leaves before that: its registers then stay unseen.
 *
 * The images made here own what they point to: px_image_release frees it.
 */
#ifndef PX_BODY_H
#define PX_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "vm/image.h"
#include "vm/program.h"
#include "vm/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gas of images that are made of words; the caller may set another, and registers, before the image runs. */
#define PX_BODY_GAS UINT64_C(1000000)

/* Words of a body at most: what ends it needs room too. */
#define PX_BODY_WORDS_MAX (PX_CODE_MAX / 4 - 32)

/* For px_image_for. */
enum {
    PX_IMAGE_SIGN = 1, /* with the signature epilogue */
};

/* Pinned memory: @len bytes at @start. The mapping is as many whole pages; what is left of the last reads as zero. */
struct px_region {
    uint64_t start; /* guest address, page multiple, >= PX_DATA_BASE */
    const void *bytes;
    uint64_t len; /* > 0; start + len <= 2^32 */
};

/*
 * The image of @program's code taken as a body, with its memory, gas, registers and entry (0 unless it was set). PX_ERR_INPUT:
 * an unknown flag, what px_image_check refuses, a last instruction that is cut by the end of the code, more than
 * PX_BODY_WORDS_MAX words; with PX_IMAGE_SIGN also what px_image_sign refuses. PX_ERR_NOMEM.
 */
enum px_status px_image_for(const struct px_program *program, unsigned flags, struct px_image *image,
                            struct px_error *err) PX_CHECKED;

/*
 * The image of a body of @n words, with one pinned region of @len > 0 bytes at @start. Registers are 0, entry is 0, gas is PX_BODY_GAS.
 * Errors as px_image_for and px_image_with_ro_caps.
 */
enum px_status px_image_with_ro(const uint32_t *words, size_t n, uint64_t start, const void *bytes,
                                uint64_t len, struct px_image *image, struct px_error *err) PX_CHECKED;

/* The same with any number of pinned regions. PX_ERR_INPUT names the region, which is the mapping of the same index, and
 * what is wrong with it: its start, its length, bytes that are NULL, an overlap. */
enum px_status px_image_with_ro_caps(const uint32_t *words, size_t n, const struct px_region *regions,
                                     size_t count, struct px_image *image, struct px_error *err) PX_CHECKED;

/*
 * A copy of @from with the signature epilogue: in front of its final `ecalli 0`, else at its end. The page is the highest free
 * one below 2^31, one more `zero` mapping, the last. Branches and `jal` to where the epilogue begins now go to behind its
 * `fallthrough`, which is a block start whatever stands before it. Gas stays as it is. PX_ERR_INPUT: a last instruction that
 * is cut, more than PX_BODY_WORDS_MAX words, a branch that does not reach 4 bytes further. PX_ERR_NOMEM.
 */
enum px_status px_image_sign(const struct px_image *from, struct px_image *image,
                             struct px_error *err) PX_CHECKED;

/* Where in its page the epilogue stores register @x: a byte offset, -1 for one that it does not store. */
int px_signature_offset(unsigned x);

/* Frees what an image made here owns and empties it. An emptied or zeroed image is fine. */
void px_image_release(struct px_image *image);

#ifdef __cplusplus
}
#endif

#endif
