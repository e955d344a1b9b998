#include "harness/progress.h"

#include <stdio.h>
#include <unistd.h>

void progress_init(struct progress *progress, bool quiet)
{
    bool terminal = isatty(STDERR_FILENO);
    *progress = (struct progress){ .terminal = terminal, .quiet = quiet, .interval = terminal ? 0.5 : 10 };
}

bool progress_due(struct progress *progress, double now)
{
    if (progress->quiet)
        return false;
    if (progress->next == 0)
        progress->next = now + progress->interval;
    if (now < progress->next)
        return false;
    progress->next = now + progress->interval;
    return true;
}

void progress_show(struct progress *progress, const char *line)
{
    if (progress->terminal)
        fprintf(stderr, "\r\033[K%s", line);
    else
        fprintf(stderr, "%s\n", line);
    fflush(stderr);
    progress->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->terminal && progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
