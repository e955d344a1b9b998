/*
 * What is minted: every operation x boundary operands x register aliasing, loads and stores at every width, alignment and
 * edge, control flow, compressed and reserved encodings. One group is one file.
 */
#ifndef PX_VECTORS_GROUPS_H
#define PX_VECTORS_GROUPS_H

#include "vm/program.h"

/* Takes what a group consists of. A status other than PX_OK ends it. */
struct vectors_sink {
    void *arg;
    /* A program; cases of it follow. */
    enum px_status (*record)(void *arg, struct px_program *program, struct px_error *err);
    /* A case: the registers to run it with. */
    enum px_status (*one)(void *arg, const uint64_t x[PX_REG_COUNT], struct px_error *err);
};

enum { VECTORS_GROUP_NAME_ROOM = 32 };

/* Groups are numbered; those of single operations come first. */
size_t vectors_group_count(void);

/* "add", "c.lw", "words": also the file's name. */
void vectors_group_name(size_t group, char name[VECTORS_GROUP_NAME_ROOM]);

/* Makes the cases of a group, the same each time. Statuses of @sink, PX_ERR_NOMEM. */
enum px_status vectors_group_make(size_t group, const struct vectors_sink *sink,
                                  struct px_error *err) PX_CHECKED;

#endif
