/*
 * Runs guest programs under qemu-riscv64, for as long as the process lives:
 *
 *     order -> registers -> the guest's code, natively -> a trap: a jump that has to be checked, the end; or a signal: a
 *     page that is not there yet, an illegal instruction -> answer -> the next order
 *
 * A trap is a call that stands where the instruction stood, or for compressed ones a breakpoint. No libc, no global
 * pointer: x1..x15 and all addresses below 4 GiB are the guest's.
 */
#include "harness/oracle/runner/runner.h"

#include <stddef.h>

#include "harness/oracle/runner/offsets.h"

/* Handlers get no argument of ours. */
struct runner runner;

_Static_assert(offsetof(struct runner, x) == RUNNER_X && offsetof(struct runner, resume) == RUNNER_RESUME,
               "start.S addresses them");

enum {
    SIGNAL_ILL = 4,
    SIGNAL_TRAP = 5,
    SIGNAL_BUS = 7,
    SIGNAL_SEGV = 11,
    SIGNAL_PROF = 27,
};

_Noreturn void runner_die(unsigned code)
{
    for (;;)
        runner_call(CALL_EXIT_GROUP, code, 0, 0, 0, 0, 0);
}

/* --- orders and answers --- */

/* Nothing before it is seen after anything behind it, by the host. */
static void fence(void)
{
    __asm__ volatile("fence rw, rw" ::: "memory");
}

static uint32_t look(const uint32_t *word)
{
    return *(const volatile uint32_t *)word;
}

static void tell(uint32_t *word, uint32_t value)
{
    *(volatile uint32_t *)word = value;
}

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };

static void await_order(struct oracle_control *c)
{
    while (look(&c->ordered) == look(&c->answered)) {
        tell(&c->runner_waits, 1);
        fence();
        uint32_t ordered = look(&c->ordered);
        if (ordered == look(&c->answered))
            runner_call(CALL_FUTEX, (uint64_t)&c->ordered, FUTEX_WAIT, ordered, 0, 0, 0);
        tell(&c->runner_waits, 0);
    }
    fence();
}

static void answer(struct runner *r)
{
    struct oracle_control *c = r->control;
    tell(&c->beat, c->beat + 1);
    fence();
    tell(&c->answered, look(&c->ordered));
    fence();
    if (look(&c->host_waits))
        runner_call(CALL_FUTEX, (uint64_t)&c->answered, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

/* Places are being used again: makes qemu forget what it translated there. */
static void forget_code(void)
{
    enum { READ = 1, EXECUTE = 4 };
    runner_call(CALL_MPROTECT, ORACLE_CODE_AT, ORACLE_CODE_SIZE, READ, 0, 0, 0);
    runner_call(CALL_MPROTECT, ORACLE_CODE_AT, ORACLE_CODE_SIZE, READ | EXECUTE, 0, 0, 0);
}

static void take_order(struct runner *r)
{
    struct oracle_control *c = r->control;
    await_order(c);
    const struct oracle_order *order = &c->order;
    tell(&c->begun, look(&c->ordered));
    if (order->epoch != r->epoch)
        forget_code();
    r->epoch = order->epoch;
    if (order->pool_epoch != r->pool_epoch)
        runner_unmap_chunks(r);
    r->pool_epoch = order->pool_epoch;
    r->unit = (const struct oracle_unit *)(ORACLE_SHARED_AT + order->unit);
    const uint8_t *unit = (const uint8_t *)r->unit;
    r->code = unit + r->unit->code;
    r->starts = (const uint32_t *)(unit + r->unit->starts);
    r->maps = (const struct oracle_map *)(unit + r->unit->maps);
    r->base = ORACLE_CODE_AT + r->unit->place;
    r->stop_after_blocks = order->stop_after_blocks;
    r->blocks = 0;
    r->ticks = 0;
    runner_go(r, order->entry);
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        r->x[x] = order->x[x];
    r->x[0] = 0;
    r->exited = false;
    c->answer.page_count = 0;
}

void runner_exit(struct runner *r, enum px_exit exit, int64_t arg, uint32_t pc)
{
    struct oracle_answer *a = &r->control->answer;
    a->exit = exit;
    a->arg = arg;
    a->pc = pc;
    r->exited = true;
}

/* --- traps and signals --- */

/* The guest's program counter as an offset into its code: a place may also be a block's first instruction, apart. */
static void read_place(struct runner *r, uint64_t pc)
{
    uint64_t size = r->unit->code_size, steps = ORACLE_CODE_AT + r->unit->steps;
    r->stepped = false;
    if (pc - r->base <= size) {
        r->pc = (uint32_t)(pc - r->base);
        return;
    }
    if (r->unit->steps == 0 || pc - steps >= 8 * (size / 2 + 1))
        runner_die(RUNNER_STRAY);
    r->stepped = (pc - steps) % 8 != 0; /* it is done */
    r->pc = r->step;
}

/* Whatever came of the program at hand: afterwards there is one to go on with. */
static void settle(struct runner *r)
{
    while (r->exited) {
        for (unsigned x = 0; x < PX_REG_COUNT; x++)
            r->control->answer.x[x] = r->x[x];
        runner_close_pages(r);
        answer(r);
        take_order(r);
    }
}

static void trap(struct runner *r, uint64_t pc)
{
    read_place(r, pc);
    if (r->stepped)
        runner_advance(r);
    else if (r->unit->steps != 0)
        runner_enter_block(r);
    else
        runner_perform(r);
    if (r->ticks > ORACLE_TICKS_MAX && !r->exited)
        runner_exit(r, PX_EXIT_UNJUDGED, PX_UNJUDGED_TIME, r->pc);
}

void runner_on_trap(uint64_t pc)
{
    trap(&runner, pc);
    settle(&runner);
}

static void fault(struct runner *r, int number, uint64_t pc)
{
    read_place(r, pc);
    if (number == SIGNAL_ILL)
        runner_exit(r, PX_EXIT_PANIC, PX_PANIC_ILLEGAL, r->pc);
    else
        runner_fault(r);
}

void runner_on_signal(int number, void *info, struct frame *frame)
{
    struct runner *r = &runner;
    bool in_guest = frame->pc - ORACLE_CODE_AT < ORACLE_CODE_SIZE;
    (void)info;
    if (number == SIGNAL_PROF) {
        tell(&r->control->beat, r->control->beat + 1);
        r->ticks++;
        if (!in_guest || r->ticks <= ORACLE_TICKS_MAX)
            return;
    } else if (!in_guest) {
        runner_die(RUNNER_STRAY);
    }
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        r->x[x] = frame->x[x - 1];
    r->resume = frame->pc;
    if (number == SIGNAL_PROF)
        runner_exit(r, PX_EXIT_UNJUDGED, PX_UNJUDGED_TIME, 0);
    else if (number == SIGNAL_TRAP)
        trap(r, frame->pc);
    else
        fault(r, number, frame->pc);
    settle(r);
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        frame->x[x - 1] = r->x[x];
    frame->pc = r->resume;
}

/* --- start --- */

static void handle(int number)
{
    enum { SIGINFO = 4, ONSTACK = 0x08000000 };
    /* qemu 7.2 takes a restorer before the mask, as no RISC-V kernel does: all signals are masked to either. */
    const struct {
        void (*handler)(int, void *, struct frame *);
        uint64_t flags, mask, mask_behind_restorer;
    } action = { runner_signal, SIGINFO | ONSTACK, UINT64_MAX, UINT64_MAX };
    if (runner_call(CALL_SIGACTION, (uint64_t)number, (uint64_t)&action, 0, 8, 0, 0) != 0)
        runner_die(RUNNER_START);
}

static void map(uint64_t at, uint64_t offset, uint64_t size, uint64_t protection)
{
    enum { SHARED_FIXED = 0x11 };
    if (runner_call(CALL_MMAP, at, size, protection, SHARED_FIXED, ORACLE_FD, offset) != (long)at)
        runner_die(RUNNER_START);
}

/* What qemu mapped for a program's stack, and for its signals, would answer to guests that stray there. */
static void unmap_stack(uint64_t inside)
{
    enum { AROUND = 32 << 20 };
    runner_call(CALL_MUNMAP, inside / AROUND * AROUND, AROUND, 0, 0, 0, 0);
}

void runner_main(uint64_t qemu_stack)
{
    enum { READ = 1, WRITE = 2, EXECUTE = 4, PROFILE = 2 };
    static uint8_t signal_stack[32768] __attribute__((aligned(16)));
    const struct {
        void *start;
        uint64_t flags, size;
    } stack = { .start = signal_stack, .size = sizeof signal_stack };
    const uint64_t tick = ORACLE_TICK_MS * 1000, timer[4] = { 0, tick, 0, tick };
    static const int signals[] = { SIGNAL_ILL, SIGNAL_TRAP, SIGNAL_BUS, SIGNAL_SEGV, SIGNAL_PROF };
    map(ORACLE_SHARED_AT, 0, ORACLE_UNITS, READ | WRITE);
    map(ORACLE_SHARED_AT + ORACLE_UNITS, ORACLE_UNITS, ORACLE_UNITS_SIZE, READ);
    map(ORACLE_CODE_AT, ORACLE_CODE, ORACLE_CODE_SIZE, READ | EXECUTE);
    unmap_stack(qemu_stack);
    runner.control = (struct oracle_control *)ORACLE_SHARED_AT;
    if (runner_call(CALL_SIGALTSTACK, (uint64_t)&stack, 0, 0, 0, 0, 0) != 0)
        runner_die(RUNNER_START);
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++)
        handle(signals[i]);
    if (runner_call(CALL_SETITIMER, PROFILE, (uint64_t)timer, 0, 0, 0, 0) != 0)
        runner_die(RUNNER_START);
    tell(&runner.control->magic, ORACLE_MAGIC);
    take_order(&runner);
}
