/* The live line: on a terminal one that renews itself, elsewhere a plain line now and then. */
#ifndef PX_PROGRESS_H
#define PX_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool terminal, shown, quiet;
    double interval, next; /* seconds between lines, and when the next one is due */
};

/* To stderr; @quiet: never anything. */
void progress_init(struct progress *progress, bool quiet);

/* Whether a line is due at @now (seconds on any steady clock). */
bool progress_due(struct progress *progress, double now);
void progress_show(struct progress *progress, const char *line);

/* Takes the line off a terminal. */
void progress_end(struct progress *progress);

#endif
