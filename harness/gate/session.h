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
    size_t vectors; /* cases of vectors that were missed and looked at */
    bool waiting; /* for room on the machine, and it has been told */
};

/* Seconds on a steady clock. */
double gate_now(void);

/* Says so when it begins to take patience: @why the machine has no room for one more process, NULL when it has. */
void gate_tell_waiting(struct gate_session *session, const char *why);

/*
 * Whether to try again what gave @status: waits a moment when the machine had no room for a process, as @err says. False
 * for any other status, and after Ctrl-C.
 */
bool gate_try_again(struct gate_session *session, enum px_status status, const struct px_error *err);

/* Enters where triage put a finding of case @at: program @index of a range, 0 of a file. @what is what was seen. */
enum px_status gate_take(struct gate_session *session, size_t at, uint64_t index,
                         const struct triaged *triaged, const struct finding *what,
                         struct px_error *err) PX_CHECKED;

/* A program of a corpus file. */
struct gate_program {
    size_t at; /* case */
    struct px_program *program;
    const char *label; /* before what is told about it: "case 17: ", or "" */
    const char *name; /* of what is stored of it, with ".px" */
    bool taken; /* by engines enough for something to be said */
    bool shown; /* it missed its expectation, or diverged */
};

/* Compares it on every engine, holds it against what it expects, and looks at what diverges. Neither: Ctrl-C came. */
enum px_status gate_run_program(struct gate_session *session, struct gate_program *program,
                                struct px_error *err) PX_CHECKED;

/* The same for a file of vectors. */
enum px_status gate_run_vectors(struct gate_session *session, size_t at, struct px_error *err) PX_CHECKED;

/* Runs the file that is case @at; its state says how it went. */
enum px_status gate_run_file(struct gate_session *session, size_t at, struct px_error *err) PX_CHECKED;

/* The same for a range. */
enum px_status gate_run_range(struct gate_session *session, size_t at, struct px_error *err) PX_CHECKED;

#endif
