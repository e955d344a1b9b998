/* Files that are whole or as they were before: written under a temporary name beside them, synced, renamed. */
#ifndef PX_SAVE_H
#define PX_SAVE_H

#include <stdio.h>

#include "vm/status.h"

/* Writes the content; what went wrong with @file itself is found out anyway. */
typedef enum px_status save_fn(FILE *file, const void *arg);

/*
 * Makes @write(file, @arg) the content of @path. What is there and no regular file, such as /dev/stdout, is written to in
 * place. PX_ERR_SYSTEM, or what @write returned.
 */
enum px_status save_file(const char *path, save_fn *write, const void *arg, struct px_error *err) PX_CHECKED;

/* PX_ERR_INPUT when save_file could not make @path, as far as can be told without doing so. */
enum px_status save_check(const char *path, struct px_error *err) PX_CHECKED;

#endif
