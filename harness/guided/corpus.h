/*
 * The corpus folder of guided campaigns: one file for each program, in the binary form, named after what it is. A file is there
 * as a whole or not at all, whenever we are killed; nothing is ever removed.
 */
#ifndef PX_CORPUS_H
#define PX_CORPUS_H

#include "harness/seen.h"
#include "vm/program.h"

struct corpus {
    char *folder;
    struct seen names; /* digests of the programs that are in it */
    uint64_t loaded, saved, refused; /* files at the start; since; that were no programs */
};

/* Makes @folder, or with NULL @out/corpus. PX_ERR_INPUT says what stands in the way. */
enum px_status corpus_open(struct corpus *corpus, const char *out, const char *folder,
                           struct px_error *err) PX_CHECKED;
void corpus_close(struct corpus *corpus);

/* Gets each program of the folder of at most @size_max bytes, in the order of their names. False ends the loading. */
typedef bool corpus_take_fn(void *arg, const uint8_t *bytes, size_t size);

/* Hands over all programs, packed without origin; says on stderr which files are none. PX_ERR_SYSTEM, PX_ERR_NOMEM. */
enum px_status corpus_load(struct corpus *corpus, size_t size_max, corpus_take_fn *take, void *arg,
                           struct px_error *err) PX_CHECKED;

/* Puts @program, packed as @bytes, into the folder; *added: it was not there. PX_ERR_SYSTEM, PX_ERR_NOMEM. */
enum px_status corpus_save(struct corpus *corpus, const struct px_program *program, const uint8_t *bytes,
                           size_t size, bool *added, struct px_error *err) PX_CHECKED;

#endif
