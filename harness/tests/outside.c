#include "harness/tests/outside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t outside_start(const struct campaign_options *options, struct outside *outside,
                    void (*prepare)(void *arg), void *arg)
{
    fflush(NULL);
    *outside = (struct outside){ .status = PX_OK };
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (prepare)
            prepare(arg);
        outside->status = campaign_run(options, &outside->result, &outside->error);
        _exit(0);
    }
    return pid;
}

void outside_finish(const struct outside *outside, pid_t campaign)
{
    int wait_status;
    assert_int_equal(waitpid(campaign, &wait_status, 0), campaign);
    assert_true(WIFEXITED(wait_status));
    if (outside->status != PX_OK)
        fail_msg("%s", outside->error.text);
}
