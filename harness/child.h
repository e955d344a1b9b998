/*
 * Processes of the sandbox as their parent sees them: started, watched, and what they died of.
 */
#ifndef PX_CHILD_H
#define PX_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/hostfault.h"
#include "vm/status.h"

/*
 * Ends that come from outside, one after the other, before they are held against the program: it may be what makes the
 * kernel run out of memory.
 */
enum { CHILD_KILLS_MAX = 100 };

/*
 * Forks; *pid is 0 in the child. It dies with its parent, leaves the requests to end that the keyboard and `kill` send
 * to whole groups to its parent, and is the first that the kernel takes when memory runs out. PX_ERR_FULL: the
 * machine has no room for a process just now, so try again later.
 */
enum px_status child_fork(pid_t *pid, struct px_error *err) PX_CHECKED;

/* The same, tried again for about a second. */
enum px_status child_fork_patiently(pid_t *pid, struct px_error *err) PX_CHECKED;

/*
 * Shared zeroed memory for one child; NULL when refused. Children get to see it when they are forked while it is lent to
 * them, and no others: what runs in one cannot reach what another one writes.
 */
void *child_share(size_t size);
void child_unshare(void *memory, size_t size); /* NULL is fine */
void child_lend(void *memory, size_t size, bool lent);

/*
 * Whether a child that is dead, as waitpid says in @wait_status, was ended from outside: by somebody's signal, or by the
 * kernel for want of memory. A locked-down child cannot send itself such an end, so that the program it ran is not to blame.
 */
bool child_killed(const struct host_record *record, int wait_status);

/* Whether it died of a signal that a fault brings. Before its handlers were there, it may have been sent as well. */
bool child_crashed(int wait_status);

/* Decides when a child that makes no progress is to be ended. */
struct child_watch {
    pid_t pid;
    uint64_t beat; /* last one seen */
    double looked; /* when we looked last */
    double still; /* seconds since the beat, as far as we were there to see */
    double spent; /* CPU seconds that it had used up at the beat */
};

enum child_health {
    CHILD_WELL, /* or starved, which no signal would mend */
    CHILD_STOPPED, /* by somebody, and for too long */
    CHILD_HUNG, /* it runs or sleeps for too long */
};

/* Begins to watch the living child @pid. */
void child_watch_start(struct child_watch *watch, pid_t pid);

/*
 * Looks at it; @beat changes with its progress. @limit: seconds that it may go without, of CPU time while it runs, of
 * wall time while it sleeps or is stopped; times in which we did not look count for little.
 */
enum child_health child_watch_look(struct child_watch *watch, uint64_t beat, double limit);

/* CLOCK_MONOTONIC in seconds. */
double child_clock(void);

#endif
