/*
 * A program as a standalone RISC-V assembly file, which shows outside parallax what the program does: it maps the
 * program's memory at its addresses, loads its registers, runs its very code on the machine, and prints exit, pc and
 * registers, one a line, as an expect line spells them.
 */
#ifndef PX_EMIT_H
#define PX_EMIT_H

#include <stdio.h>

#include "vm/program.h"

enum { EMIT_NOTES_MAX = 8 };

/* What a machine does not do as parallax does, one line each. */
struct emit_notes {
    const char *lines[EMIT_NOTES_MAX];
    size_t count;
};

/* What of that may matter to @program. PX_ERR_NOMEM. */
enum px_status emit_notes(const struct px_program *program, struct emit_notes *notes) PX_CHECKED;

/* Writes the file. PX_ERR_INPUT when the text form cannot hold the program, PX_ERR_NOMEM; ferror tells of @file. */
enum px_status emit_write(const struct px_program *program, FILE *file) PX_CHECKED;

#endif
