/*
 * Makes golden vectors: each case is run by an oracle and by the reference, and kept when they agree on everything. What the
 * oracle has no verdict on, or gets wrong, must stand among its errata.
 */
#ifndef PX_VECTORS_MINT_H
#define PX_VECTORS_MINT_H

#include <stdio.h>

#include "harness/run.h"
#include "harness/vectors/errata.h"
#include "harness/vectors/vectors.h"

enum { MINT_ERRATA_MAX = 64 };

struct mint_options {
    const char *reference, *oracle; /* engines */
    const char *name; /* of the oracle, in files and errata: "qemu-7.2" */
    const char *date; /* YYYY-MM-DD */
    const struct erratum *errata; /* at most MINT_ERRATA_MAX */
    size_t errata_count;
    FILE *complaints; /* where what is wrong is told, a line each */
    bool (*interrupted)(void *arg); /* asked now and then; NULL: never. With NULL for @arg */
};

struct mint {
    const struct mint_options *options;
    struct run run;
    uint64_t met[MINT_ERRATA_MAX];   /* cases that an erratum is about, and true of */
    uint64_t stale[MINT_ERRATA_MAX]; /* that it is about, and not true of */
    uint64_t refused; /* cases that are not explained */
    bool stopped;     /* interrupted() said so */
};

/* What became of one group. */
struct minted {
    char
        *bytes; /* the file, the caller's to free; NULL: there is no case to keep, or something was refused */
    size_t size;
    uint64_t cases, left_out, refused;
};

/* Opens both engines. Statuses of run_open. Borrows @options. */
enum px_status mint_open(struct mint *mint, const struct mint_options *options,
                         struct px_error *err) PX_CHECKED;
void mint_close(struct mint *mint);

/* Mints group number @group (groups.h). Cases that are not explained are told and counted: that is no failure. */
enum px_status mint_group(struct mint *mint, size_t group, struct minted *minted,
                          struct px_error *err) PX_CHECKED;

/*
 * After groups were minted: tells each erratum that is not true any more, or, when @all groups were, that no case met. How
 * many.
 */
size_t mint_check_errata(const struct mint *mint, bool all);

#endif
