/* Ctrl-C, SIGTERM and SIGHUP as a flag to look at, while something runs that can end in good order. */
#ifndef PX_INTERRUPT_H
#define PX_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* What the signals did before. */
struct interrupt {
    struct sigaction on_int, on_term, on_hup;
};

/*
 * From now on these signals set the flag, which is cleared first, unless somebody watches already. A SIGHUP that is
 * ignored stays so: nohup wants it.
 */
void interrupt_watch(struct interrupt *before);
void interrupt_unwatch(const struct interrupt *before);

/* Whether one came. Takes an argument, ignored, to be what probe_config.interrupted wants. */
bool interrupt_came(void *unused);

#endif
