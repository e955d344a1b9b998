/*
 * What becomes of a finding: a fresh process confirms it, then it gets its bucket, its minimal program and its
 * place in the output folder.
 */
#ifndef PX_TRIAGE_H
#define PX_TRIAGE_H

#include "harness/campaign.h"
#include "harness/isolate.h"
#include "harness/hostcode.h"
#include "harness/minimize.h"

/* What located_write shows of a bucket. */
struct shown {
    char engines[BUCKET_ENGINES_MAX];
    struct bucket bucket;
    struct hostcode code;
};

struct triage {
    const struct campaign_options *options;
    double seconds;      /* for the next minimal program; 0: none */
    struct probe *probe; /* NULL until the first finding */
    struct px_program program; /* of the finding at hand */
    struct px_program between; /* FINDING_LEAK: what ran in between */
    struct px_program minimal;
    struct shown *shown; /* of the last new bucket; NULL until there is one */
};

/* Where a finding went. */
struct triaged {
    const struct campaign_bucket *bucket; /* NULL: it is unstable, or there are too many buckets */
    bool fresh;                           /* it is the first in its bucket */
    bool unstable;
    char path[160];                       /* of what was stored, a folder below `out`; "" for nothing */
};

/* Borrows @options. */
void triage_init(struct triage *triage, const struct campaign_options *options);
void triage_fini(struct triage *triage);

/* Ends the process that waits for the next finding: the machine has no room for it. */
void triage_rest(struct triage *triage);

/*
 * Makes the programs of @finding again and runs them in a fresh process. What that reproduces goes into @result and
 * the output folder; what it does not is counted there, and kept as unstable. PX_ERR_SYSTEM: it could not be stored.
 */
enum px_status triage_finding(struct triage *triage, const struct finding *finding,
                              struct campaign_result *result, struct triaged *triaged,
                              struct px_error *err) PX_CHECKED;

/*
 * The same for a program from elsewhere that @isolated has confirmed, finding.index included; @file is its name
 * among the further programs of a bucket.
 */
enum px_status triage_program(struct triage *triage, struct px_program *program, const char *file,
                              const struct isolated *isolated, struct campaign_result *result,
                              struct triaged *triaged, struct px_error *err) PX_CHECKED;

/*
 * The same for a program from elsewhere of which @isolated did not reproduce the finding @seen. What is stored is
 * called @name, without a final ".px".
 */
enum px_status triage_unstable(struct triage *triage, const struct px_program *program, const char *name,
                               const struct finding *seen, const struct isolated *isolated,
                               struct campaign_result *result, struct triaged *triaged,
                               struct px_error *err) PX_CHECKED;

/*
 * Adds to @err, which says what keeps the finding from being looked at or stored, how its program is made again. Gives
 * @status.
 */
enum px_status triage_not_kept(const struct worker_config *worker, const struct finding *finding,
                               enum px_status status, struct px_error *err);

#endif
