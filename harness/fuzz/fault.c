#define _GNU_SOURCE
#include "harness/fuzz/fault.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Signal handlers get no argument of ours. */
static struct run *current;
static struct sigaction before_segv, before_bus;

/* Not ours: whoever was there before decides, at last by dying of the signal. */
static void chain(int signal_number, siginfo_t *info, void *ucontext)
{
    const struct sigaction *before = signal_number == SIGBUS ? &before_bus : &before_segv;
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(signal_number, info, ucontext);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
        before->sa_handler(signal_number);
    else
        signal(signal_number, SIG_DFL); /* returning runs the instruction again */
}

static void on_fault(int signal_number, siginfo_t *info, void *ucontext)
{
    struct px_fault_site site = { .known = false };
    for (size_t i = 0; i < current->count; i++) {
        const struct engine *engine = &current->engines[i];
        switch (engine->ops->on_fault(engine->instance, signal_number, info, ucontext, &site)) {
        case PX_FAULT_RESUMED:
        case PX_FAULT_EXIT:
            return;
        case PX_FAULT_ABORT:
        case PX_FAULT_NOT_MINE:
            break;
        }
    }
    chain(signal_number, info, ucontext);
}

enum px_status fuzz_fault_install(struct run *run, struct px_error *err)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    current = run;
    if (sigaction(SIGSEGV, &action, &before_segv) != 0 || sigaction(SIGBUS, &action, &before_bus) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "sigaction: %s", strerror(errno));
    return PX_OK;
}
