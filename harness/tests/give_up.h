/* For what a test cannot go on without. Include cmocka.h first. */
#ifndef PX_TEST_GIVE_UP_H
#define PX_TEST_GIVE_UP_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* fail_msg leaves the test, but neither compiler nor analyzer knows. */
static inline _Noreturn void give_up(const char *call)
{
    fail_msg("%s: %s", call, strerror(errno));
    abort();
}

#endif
