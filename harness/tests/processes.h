/* Processes as others see them. */
#ifndef PX_TEST_PROCESSES_H
#define PX_TEST_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Writes the children of @parent to @children, at most @room of them; returns how many. */
size_t children_of(pid_t parent, pid_t *children, size_t room);

/* Whether there is a process @pid that is not a zombie. */
bool process_lives(pid_t pid);

#endif
