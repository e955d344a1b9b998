/* Waiting on a word of shared memory: all that a locked-down process may wait on. */
#ifndef PX_FUTEX_H
#define PX_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while *@word is @value, at most so long; may also return before. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value, unsigned milliseconds)
{
    const struct timespec pause = { .tv_sec = milliseconds / 1000,
                                    .tv_nsec = milliseconds % 1000 * 1000000L };
    (void)syscall(SYS_futex, word, FUTEX_WAIT, value, &pause, NULL, 0);
}

static inline void futex_wake(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
