/*
 * The oracle for those who ask it about one program after another: what a program gives, as qemu sees it.
 */
#ifndef PX_ORACLE_H
#define PX_ORACLE_H

#include "vm/engine.h"
#include "vm/program.h"

enum { ORACLE_VERSION_TEXT = 32 };

struct oracle {
    struct px_engine *engine; /* of px_qemu_engine */
};

/* Whether there is one. PX_ERR_INPUT: qemu is not installed, or its runner was not built (says what is missing). */
enum px_status oracle_check(struct px_error *err) PX_CHECKED;

/* Statuses of oracle_check and PX_ERR_SYSTEM, PX_ERR_NOMEM. The oracle runs in processes of its own; the caller's need not be a sandbox. */
enum px_status oracle_open(struct oracle *oracle, struct px_error *err) PX_CHECKED;
void oracle_close(struct oracle *oracle);

/*
 * Runs @program. Gas means nothing to the oracle: whether the program has enough is for the caller to know. Exit
 * PX_EXIT_UNJUDGED says why it cannot tell; a program that does not end is PX_UNJUDGED_TIME after a second. Of
 * @outcome exit, arg, pc and x are set, and `dirty` lists the pages that may have been written.
 */
enum px_status oracle_ask(struct oracle *oracle, struct px_program *program, struct px_outcome *outcome,
                          struct px_error *err) PX_CHECKED;

/* "7.2": the version of the qemu in PATH, of which oracle names are made ("qemu-7.2"). PX_ERR_INPUT without one. */
enum px_status oracle_version(char *text, size_t size, struct px_error *err) PX_CHECKED;

#endif
