/* What becomes of a confirmed finding: its bucket, its minimal program, its place in the output folder. */
#ifndef PX_TRIAGE_H
#define PX_TRIAGE_H

#include "harness/campaign.h"
#include "harness/isolate.h"
#include "harness/minimize.h"

struct triage {
    const struct campaign_options *options;
    bool (*interrupted)(void *arg); /* called with NULL */
    double seconds;                 /* for the next minimal program; 0: none */
    struct probe *probe;            /* NULL until the first finding */
    struct px_program minimal;
};

/* Borrows @options. */
void triage_init(struct triage *triage, const struct campaign_options *options,
                 bool (*interrupted)(void *arg));
void triage_fini(struct triage *triage);

/*
 * Enters a finding that @isolated confirmed into @result and the output folder. *fresh is the bucket that it opened, or
 * NULL. PX_ERR_SYSTEM: it could not be stored.
 */
enum px_status triage_finding(struct triage *triage, const struct px_program *program,
                              const struct isolated *isolated, struct campaign_result *result,
                              const struct campaign_bucket **fresh, struct px_error *err) PX_CHECKED;

#endif
