/* What the parts of a running gate share. */
#ifndef PX_GATE_SESSION_H
#define PX_GATE_SESSION_H

#include "harness/gate/run.h"
#include "harness/progress.h"
#include "harness/triage.h"

struct gate_session {
    struct gate *gate;
    const struct gate_options *options;
    struct campaign_options campaign; /* of the case at hand: what triage goes by */
    struct triage triage;
    struct progress progress;
    double start;
    uint64_t planned, done; /* programs of all ranges */
};

/* Seconds on a steady clock. */
double gate_now(void);

/* Enters where triage put a finding of case @at: program @index of a range, 0 of a file. @what is what was seen. */
enum px_status gate_take(struct gate_session *session, size_t at, uint64_t index,
                         const struct triaged *triaged, const struct finding *what,
                         struct px_error *err) PX_CHECKED;

/* Runs the file that is case @at; its state says how it went. */
enum px_status gate_run_file(struct gate_session *session, size_t at, struct px_error *err) PX_CHECKED;

/* The same for a range. */
enum px_status gate_run_range(struct gate_session *session, size_t at, struct px_error *err) PX_CHECKED;

#endif
