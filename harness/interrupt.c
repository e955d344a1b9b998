#define _GNU_SOURCE
#include "harness/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void interrupt_watch(struct interrupt *before)
{
    const struct sigaction action = { .sa_handler = on_interrupt };
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (now.sa_handler != on_interrupt)
        interrupted = 0;
    sigaction(SIGINT, &action, &before->on_int);
    sigaction(SIGTERM, &action, &before->on_term);
    sigaction(SIGHUP, NULL, &before->on_hup);
    if (before->on_hup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

void interrupt_unwatch(const struct interrupt *before)
{
    sigaction(SIGINT, &before->on_int, NULL);
    sigaction(SIGTERM, &before->on_term, NULL);
    sigaction(SIGHUP, &before->on_hup, NULL);
}

bool interrupt_came(void *unused)
{
    (void)unused;
    return interrupted != 0;
}
