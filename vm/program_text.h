/*
 * What readers and writers of .px files must agree on. Internal to vm/.
 */
#ifndef PX_PROGRAM_TEXT_H
#define PX_PROGRAM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "vm/guest.h"
#include "vm/program.h"
#include "vm/status.h"

#define PX_TEXT_HEADER "parallax 1 " PX_GUEST_NAME

#define PX_TEXT_MAX PX_PROGRAM_FILE_MAX

/*
 * Can these bytes be the name of a generator or an oracle? They must fit PX_NAME_MAX with its NUL and
 * be printable ASCII without blanks, '#' (starts a comment) and '@' (ends a generator's name).
 */
bool px_text_is_name(const char *at, size_t length);

/*
 * Whether the forms on disk hold @program, that is, whether reading it back gives an equal one: PX_ERR_INPUT when its
 * image fails px_image_check, a name has other characters, or it expects nothing or PX_EXIT_STOPPED.
 */
enum px_status px_program_check_storable(const struct px_program *program) PX_CHECKED;

#endif
