/*
 * The man page and the completion for bash. They follow from the tables that options are parsed by: each command is
 * called with a --help that no user needs, and options_parse comes back here with its table.
 */
#ifndef PX_MANUAL_H
#define PX_MANUAL_H

#include "harness/options.h"

/* Arguments by which options_parse knows what to print in place of the help. */
#define MANUAL_PAGE_ARGUMENT "--help=man"
#define MANUAL_COMPLETION_ARGUMENT "--help=bash"

/* All of it, to stdout. */
void manual_print_page(const struct command *const *commands, size_t count);
void manual_print_completion(const struct command *const *commands, size_t count);

/* One command's part of it. */
void manual_print_page_part(const struct command *command, const struct option *options, size_t count);
void manual_print_completion_part(const struct command *command, const struct option *options, size_t count);

#endif
