#define _GNU_SOURCE
#include "harness/hostfault.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    HANDLER_STACK = 64 << 10,
    HANDLER_GUARD = 4 << 10,
};

/* Signal handlers get no argument of ours. Not thread-local: generated code may have lost the register that finds those. */
static struct hostfault *current;

static const int fault_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };

/* Async-signal-safe from here on. */
static void leave(struct host_record *record, enum last_words words)
{
    atomic_store(&record->words, (uint32_t)words);
    _exit(1);
}

/* Whether somebody sent it: the kernel's own have positive codes, abort and raise name this process. */
static bool from_outside(const siginfo_t *info)
{
    return info->si_code <= 0 && info->si_pid != getpid();
}

static void note_site(struct host_record *record, const struct px_fault_site *site)
{
    record->guest_pc_known = site->known;
    record->guest_pc = site->guest_pc;
    record->site = *site;
    if (site->elsewhere) {
        record->signal = site->signal;
        record->address = site->address;
    }
}

static void on_fault(int signal_number, siginfo_t *info, void *ucontext)
{
    struct host_record *record = current->record;
    struct px_fault_site site = { .known = false };
    if (from_outside(info))
        leave(record, WORDS_KILLED);
    record->signal = signal_number;
    record->address = (uint64_t)(uintptr_t)info->si_addr;
    for (size_t i = 0; i < current->run->count; i++) {
        const struct engine *engine = &current->run->engines[i];
        switch (engine->ops->on_fault(engine->instance, signal_number, info, ucontext, &site)) {
        case PX_FAULT_RESUMED:
        case PX_FAULT_EXIT:
            return;
        case PX_FAULT_ABORT:
            note_site(record, &site);
            leave(record, WORDS_ABORT);
            break;
        case PX_FAULT_NOT_MINE:
            if (site.known) /* our own code, called from a guest's */
                note_site(record, &site);
            break;
        }
    }
    /* Our own C code: die of the signal, with whatever the default brings. Returning runs a faulting instruction again. */
    atomic_store(&record->words, (uint32_t)WORDS_HARNESS);
    signal(signal_number, SIG_DFL);
    if (info->si_code <= 0 || signal_number == SIGSYS || signal_number == SIGTRAP)
        raise(
            signal_number); /* sent by somebody, or behind the instruction: it will not come again by itself */
}

/* It has been running for a while: where is it? */
static void take_sample(int signal_number, siginfo_t *info, void *ucontext)
{
    struct host_record *record = current->record;
    struct host_sample sample = { .known = false };
    for (size_t i = 0; i < current->run->count && !sample.known; i++) {
        const struct engine *engine = &current->run->engines[i];
        struct px_fault_site site = { .known = false };
        (void)engine->ops->on_fault(engine->instance, signal_number, info, ucontext, &site);
        sample = (struct host_sample){ .known = site.known, .guest_pc = site.guest_pc, .code = site.code };
    }
    record->samples[record->sample_count++ % HANG_SAMPLES] = sample;
}

/* Periodic in CPU time, so that a machine that is busy elsewhere hangs nobody. */
static void on_tick(int signal_number, siginfo_t *info, void *ucontext)
{
    uint64_t running = atomic_load(current->running);
    if (running == 0 || running != current->seen) {
        current->seen = running;
        current->ticks = 0;
        current->record->sample_count = 0;
        return;
    }
    take_sample(signal_number, info, ucontext);
    if (++current->ticks > (current->ticks_max ? current->ticks_max : HANG_TICKS)) {
        leave(current->record, WORDS_HANG);
    }
}

static enum px_status start_timer(unsigned tick_ms, struct px_error *err)
{
    struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    unsigned ms = tick_ms ? tick_ms : HANG_CPU_SECONDS * 1000 / HANG_TICKS;
    struct timeval tick = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
    struct itimerval timer = { .it_interval = tick, .it_value = tick };
    if (sigaction(SIGPROF, &action, NULL) != 0 || setitimer(ITIMER_PROF, &timer, NULL) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "CPU timer of the sandbox: %s", strerror(errno));
    return PX_OK;
}

/* HANDLER_STACK bytes with a guard below, for as long as the process lives; NULL: refused. */
static void *map_stack(void)
{
    uint8_t *at =
        mmap(NULL, HANDLER_GUARD + HANDLER_STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (at == MAP_FAILED || mprotect(at + HANDLER_GUARD, HANDLER_STACK, PROT_READ | PROT_WRITE) != 0)
        return NULL;
    return at + HANDLER_GUARD;
}

/* Handlers run on a stack of their own. */
static enum px_status set_stack(struct px_error *err)
{
    const stack_t stack = { .ss_sp = map_stack(), .ss_size = HANDLER_STACK };
    if (!stack.ss_sp)
        return px_fail(err, PX_ERR_SYSTEM, "stack for signal handlers: %s", strerror(errno));
    if (sigaltstack(&stack, NULL) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "sigaltstack: %s", strerror(errno));
    return PX_OK;
}

enum px_status hostfault_install(struct hostfault *state, struct px_error *err)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    current = state;
    sigfillset(
        &action.sa_mask); /* a second fault, in the handler, is the end; no other signal may come between */
    enum px_status status = set_stack(err);
    if (status != PX_OK)
        return status;
    for (size_t i = 0; i < sizeof fault_signals / sizeof fault_signals[0]; i++)
        if (sigaction(fault_signals[i], &action, NULL) != 0)
            return px_fail(err, PX_ERR_SYSTEM, "sigaction: %s", strerror(errno));
    atomic_store(&state->record->armed, 1);
    return start_timer(state->tick_ms, err);
}
