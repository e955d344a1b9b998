/*
 * What the reader and the writer of .px files must agree on. Internal to vm/.
 */
#ifndef PX_PROGRAM_TEXT_H
#define PX_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/guest.h"

#define PX_TEXT_HEADER "parallax 1 " PX_GUEST_NAME

/* The largest .px file, in bytes. */
#define PX_TEXT_MAX ((size_t)64 << 20)

/*
 * Can these bytes be the name of a generator or an oracle? They must fit PX_NAME_MAX with its NUL and
 * be printable ASCII without blanks, '#' (starts a comment) and '@' (ends a generator's name).
 */
bool px_text_is_name(const char *at, size_t length);

#endif
