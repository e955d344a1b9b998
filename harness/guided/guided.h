/*
 * A guided campaign, as its supervisor sees it: programs that show something new of the guest are kept, on disk before their
 * worker goes on, and their mutants come next. The programs depend on the corpus, so each finding brings its own.
 */
#ifndef PX_GUIDED_H
#define PX_GUIDED_H

#include "harness/guided/corpus.h"
#include "harness/guided/shared.h"

/* What the origin of such a program names. */
#define GUIDED_GEN "guided"
enum { GUIDED_VERSION = 1 };

struct guided {
    unsigned jobs;
    struct guided_corpus *corpus;
    struct guided_bell *bell;
    struct guided_box **boxes; /* by job */
    struct corpus disk;
    size_t arena_used;
    struct guided_finding *findings; /* programs of findings, the oldest first */
    size_t finding_count;
    struct px_program program; /* scratch */
};

/* Opens the folder @corpus, or with NULL @out/corpus, and loads it. PX_ERR_INPUT, PX_ERR_NOMEM, PX_ERR_SYSTEM. */
enum px_status guided_create(const char *out, const char *corpus, unsigned jobs, struct guided **guided,
                             struct px_error *err) PX_CHECKED;
void guided_destroy(struct guided *guided); /* NULL is fine */

/* Lets the next process that is forked see what worker @job sees, or no process any more. */
void guided_lend(const struct guided *guided, unsigned job, bool lent);

/* Takes over what the workers have posted. PX_ERR_SYSTEM: the corpus cannot be written. */
enum px_status guided_poll(struct guided *guided, struct px_error *err) PX_CHECKED;

/* Sleeps until something is posted, or for @milliseconds. */
void guided_wait(const struct guided *guided, unsigned milliseconds);

/* The worker of @job is dead: takes over what it had posted and what it had under way. Statuses of guided_poll. */
enum px_status guided_bury(struct guided *guided, unsigned job, struct px_error *err) PX_CHECKED;

/*
 * The worker of @job is buried: the next finding of a program from @first on that it handed over, each once; false: there is
 * none. Its program is there to be fetched. What stands in @finding has still to be judged.
 */
bool guided_rescue(struct guided *guided, unsigned job, uint64_t first, struct finding *finding);

/* Makes @program the one of the finding @index, origin included. PX_ERR_INPUT: nobody has handed it over. */
enum px_status guided_fetch(const struct guided *guided, uint64_t index,
                            struct px_program *program) PX_CHECKED;

/* Programs of the corpus in memory. */
unsigned guided_entries(const struct guided *guided);

#endif
