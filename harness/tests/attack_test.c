/*
 * The sandbox under attack: whatever generated code does, it is found, the campaign goes on with the next program and ends
 * with every program accounted for, and nothing else is found.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/lockdown.h"
#include "harness/tests/attack.h"
#include "harness/tests/campaign_world.h"
#include "harness/tests/give_up.h"

enum {
    FIRST = 40, /* the program that is attacked first; */
    STEP = 53,  /* and so many lie between two */
    HANG_MS = 200,
    STALL_MS = 300,
};

#define CODE(bytes) .code = bytes, .size = sizeof(bytes) - 1

/* mov rax, LEAVE; jmp rax: what the program should have done it has not, and that differs. */
#define GO_HOME "\x48\xb8" ATTACK_LEAVE "\xff\xe0"
/* mov eax, NUMBER; syscall */
#define SYSCALL(number) "\xb8" number "\0\0\0\x0f\x05"
#define FOREVER "\xeb\xfe"
/* mov rdi, WHERE; mov rcx, SIZE; mov al, 0xa5; rep stosb */
#define SCRIBBLE(where, size) "\x48\xbf" where "\x48\xb9" size "\xb0\xa5\xf3\xaa"
#define FOUR_KIB "\0\x10\0\0\0\0\0\0"
/* rsi = 128 bytes of ones below rsp; mov [rsp - 128], -1 */
#define ALL_SIGNALS "\x48\x8d\x74\x24\x80\x48\xc7\x06\xff\xff\xff\xff"
/* rt_sigprocmask(SIG_BLOCK, all, NULL, 8) */
#define BLOCK_SIGNALS ALL_SIGNALS "\x31\xff\x31\xd2\x41\xba\x08\0\0\0" SYSCALL("\x0e")

#define ANY_CRASH "abort:SIGSEGV|abort:SIGBUS|abort:SIGSYS|abort:SIGILL|abort:SIGTRAP|abort:SIGABRT"

/* --- one row for each attack --- */

static const struct attack faults[] = {
    { "ud2", CODE("\x0f\x0b"), "abort:SIGILL" },
    { "an opcode that is none", CODE("\x06"), "abort:SIGILL" },
    { "hlt", CODE("\xf4"), "abort:SIGSEGV" },
    { "cli", CODE("\xfa"), "abort:SIGSEGV" },
    { "in al, dx", CODE("\xec"), "abort:SIGSEGV" },
    { "mov cr0, rax", CODE("\x0f\x22\xc0"), "abort:SIGSEGV" },
    { "swapgs", CODE("\x0f\x01\xf8"), "abort:SIGSEGV|abort:SIGILL" },
    { "int3", CODE("\xcc"), "abort:SIGTRAP" },
    { "int1", CODE("\xf1"), "abort:SIGTRAP" },
    { "int 4", CODE("\xcd\x04"), "abort:SIGSEGV" },
    { "div by zero", CODE("\x31\xc9\xf7\xf1"), "abort:SIGFPE" },
    { "idiv that overflows", CODE("\xb8\0\0\0\x80\x99\x83\xc9\xff\xf7\xf9"), "abort:SIGFPE" },
    { "movaps, misaligned", CODE("\x0f\x29\x44\x24\x01"), "abort:SIGSEGV" },
    { "sse exception, unmasked", /* mov dword [rsp-8], 0; ldmxcsr [rsp-8]; xorps; divss */
      CODE("\xc7\x44\x24\xf8\0\0\0\0\x0f\xae\x54\x24\xf8\x0f\x57\xc0\xf3\x0f\x5e\xc0"), "abort:SIGFPE" },
    { "x87 exception, unmasked", /* mov dword [rsp-8], 0; fldcw [rsp-8]; fldz; fldz; fdivp; fwait */
      CODE("\xc7\x44\x24\xf8\0\0\0\0\xd9\x6c\x24\xf8\xd9\xee\xd9\xee\xde\xf9\x9b"), "abort:SIGFPE" },
    { "single step", /* pushf; or dword [rsp], 0x100; popf; nop; nop */
      CODE("\x9c\x81\x0c\x24\0\x01\0\0\x9d\x90\x90"), "abort:SIGTRAP" },
    { "alignment checks", /* pushf; or dword [rsp], 0x40000; popf; mov eax, [rsp+1] */
      CODE("\x9c\x81\x0c\x24\0\0\x04\0\x9d\x8b\x44\x24\x01"), "abort:SIGBUS" },
    { "read at NULL", CODE("\x31\xc0\x8b\0"), "abort:SIGSEGV" },
    { "read beyond the address space", CODE("\x48\xb8\0\0\0\0\0\0\0\x80\x8b\0"), "abort:SIGSEGV" },
    { "write to the kernel", CODE("\x48\xc7\xc0\0\0\0\x80\x89\0"), "abort:SIGSEGV" },
    { "write to code", CODE("\x48\x8d\x05\0\0\0\0\xc6\0\x90"), "abort:SIGSEGV" },
    { "write into the guard below the window", CODE("\x65\xc6\x04\x25\0\0\xf8\xff\x01"), "abort:SIGSEGV" },
    { "write into the guard behind the window", CODE("\x48\xb8\0\0\0\0\x01\0\0\0\x65\xc6\0\x01"),
      "abort:SIGSEGV" },
    { "jump to NULL", CODE("\x31\xc0\xff\xe0"), "abort:SIGSEGV" },
    { "jump beyond the address space", CODE("\x48\xb8\0\0\0\0\0\0\0\x80\xff\xe0"), "abort:SIGSEGV" },
    { "jump to the stack", CODE("\x48\x8d\x44\x24\xc0\xff\xe0"), "abort:SIGSEGV" },
    { "jump to code where it can be written", CODE("\x48\xb8" ATTACK_ALIAS "\xff\xe0"), "abort:SIGSEGV" },
    { "jump into the window", CODE("\x65\x48\x8d\x04\x25\0\0\0\x10\xff\xe0"), "abort:SIGSEGV" },
    { "return to nowhere", CODE("\x68\x34\x12\0\0\xc3"), "abort:SIGSEGV" },
    { "call without end", CODE("\xe8\xfb\xff\xff\xff"), "abort:SIGSEGV" },
    { "push without end", CODE("\x50\xeb\xfd"), "abort:SIGSEGV" },
    { "rsp lost", CODE("\x48\xc7\xc4\x10\0\0\0\x50"), "abort:SIGSEGV" },
    { "rsp in the kernel", CODE("\x48\xc7\xc4\0\0\0\x80\x0f\x0b"), "abort:SIGILL" },
};

static const struct attack damages[] = {
    { "direction flag set", CODE("\xfd" GO_HOME), "differs" },
    { "mxcsr rounds otherwise", CODE("\xc7\x44\x24\xf8\x80\x7f\0\0\x0f\xae\x54\x24\xf8" GO_HOME),
      "abort:SIGILL" },
    { "fs points nowhere", CODE("\xb8\x10\0\0\0\xf3\x48\x0f\xae\xd0" GO_HOME), "abort:SIGSEGV" },
    { "fs points elsewhere", /* to the context */
      CODE("\x48\x89\xe0\xf3\x48\x0f\xae\xd0" GO_HOME), "abort:SIGILL" },
    { "fs points nowhere, and ud2", CODE("\xb8\x10\0\0\0\xf3\x48\x0f\xae\xd0\x0f\x0b"),
      "abort:SIGILL|abort:SIGSEGV" },
    { "gs points nowhere", CODE("\xb8\x10\0\0\0\xf3\x48\x0f\xae\xd8" GO_HOME), "differs" },
    { "traps from home on", CODE("\x9c\x81\x0c\x24\0\x01\0\0\x9d" GO_HOME), "abort:SIGTRAP" },
    { "red zone written", CODE("\x48\xc7\x44\x24\x80\xff\xff\xff\xff" GO_HOME), "differs" },
    { "exit and fault site made up", /* mov dword [rsp+20], 0x77; mov qword [rsp+48], -1 */
      CODE("\xc7\x44\x24\x14\x77\0\0\0\x48\xc7\x44\x24\x30\xff\xff\xff\xff" GO_HOME), "differs" },
    { "its own code overwritten", CODE(SCRIBBLE(ATTACK_ALIAS, FOUR_KIB)), ANY_CRASH },
    { "the engine overwritten", CODE(SCRIBBLE(ATTACK_ENGINE, FOUR_KIB) GO_HOME), ANY_CRASH },
    { "the heap overwritten", CODE(SCRIBBLE(ATTACK_HEAP, ATTACK_HEAP_SIZE) GO_HOME),
      ANY_CRASH "|hang|differs" },
    { "the stack overwritten", /* mov rdi, [rsp+40]; mov ecx, 4096; mov al, 0xa5; rep stosb */
      CODE("\x48\x8b\x7c\x24\x28\xb9\0\x10\0\0\xb0\xa5\xf3\xaa" GO_HOME), ANY_CRASH },
    { "the host's rsp lost", CODE("\x48\xc7\x44\x24\x28\x08\0\0\0" GO_HOME), "abort:SIGSEGV" },
    { "shared memory overwritten", CODE(SCRIBBLE(ATTACK_SHARED, ATTACK_SHARED_SIZE) GO_HOME), "differs" },
    { "shared memory overwritten, and ud2", CODE(SCRIBBLE(ATTACK_SHARED, ATTACK_SHARED_SIZE) "\x0f\x0b"),
      "abort:SIGILL" },
    { "shared memory zeroed",
      CODE("\x48\xbf" ATTACK_SHARED "\x48\xb9" ATTACK_SHARED_SIZE "\x31\xc0\xf3\xaa" GO_HOME), "differs" },
    { "shared memory full of ones", /* says that it has finished, too */
      CODE("\x48\xbf" ATTACK_SHARED "\x48\xb9" ATTACK_SHARED_SIZE "\xb0\x01\xf3\xaa" SYSCALL("\xe7")),
      "abort:exit" },
    { "all memory unmapped", /* munmap(0, 2^47 - 4096) */
      CODE("\x31\xff\x48\xbe\0\xf0\xff\xff\xff\x7f\0\0" SYSCALL("\x0b")), "abort:SIGSEGV" },
    { "address space used up, and ud2", /* mmap(0, 1 GiB, PROT_READ | PROT_WRITE, private, anonymous) until refused */
      CODE("\x31\xff\xbe\0\0\0\x40\xba\x03\0\0\0\x41\xba\x22\0\0\0\x49\xc7\xc0\xff\xff\xff\xff\x45\x31\xc9"
           "\xb8\x09\0\0\0\x0f\x05\x48\x85\xc0\x79\xd9\x0f\x0b"),
      "abort:SIGILL" },
};

static const struct attack hangs[] = {
    { "loop", CODE(FOREVER), "hang" },
    { "loop with gas to spare", CODE("\x48\xc7\x04\x24\xff\xff\xff\x7f\xeb\xf6"), "hang" },
    { "loop out of reach of signals", CODE(BLOCK_SIGNALS FOREVER), "hang" },
    { "ud2 out of reach of signals", CODE(BLOCK_SIGNALS "\x0f\x0b"), "abort:SIGILL" },
    { "sleep", /* nanosleep({ 2^31 - 1, 0 }, NULL) */
      CODE("\x48\x8d\x7c\x24\x80\x48\xc7\x07\xff\xff\xff\x7f\x48\xc7\x47\x08\0\0\0\0\x31\xf6" SYSCALL("\x23")
               FOREVER),
      "hang" },
    { "wait for nobody", /* futex(rsp - 128, FUTEX_WAIT, 7, NULL) */
      CODE("\x48\x8d\x7c\x24\x80\xc7\x07\x07\0\0\0\x31\xf6\xba\x07\0\0\0\x45\x31\xd2" SYSCALL("\xca")
               FOREVER),
      "hang" },
};

/* --- the campaign --- */

static int make_world(void **state)
{
    struct px_error err = { "" };
    assert_int_equal(campaign_world_make(state), 0);
    struct world *w = *state;
    w->options.worker.sandbox =
        (struct sandbox){ .open = attack_open, .hang_ms = HANG_MS, .stall_ms = STALL_MS };
    w->options.worker.jobs = 2;
    /* Units with room for any attack. */
    assert_int_equal(px_gen_parse("straight:length=64", &w->options.worker.gen, &err), PX_OK);
    return 0;
}

static void choose_programs(const struct world *w, size_t count)
{
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            px_gen_make(&w->options.worker.gen, w->options.worker.seed, FIRST + STEP * i, &program), PX_OK);
        attack_choose(i, &program);
    }
    px_program_fini(&program);
}

static int by_index(const void *a, const void *b)
{
    const struct campaign_finding *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Whether @expected has @what among its alternatives. */
static bool is_among(const char *what, const char *expected)
{
    size_t length = strlen(what);
    for (const char *at = expected; *at; at += strcspn(at, "|"), at += *at == '|')
        if (strcspn(at, "|") == length && strncmp(at, what, length) == 0)
            return true;
    return false;
}

static void expect_findings(struct campaign_result *r, const struct attack *attacks, size_t count)
{
    qsort(r->stored, r->stored_count, sizeof r->stored[0], by_index);
    for (size_t i = 0; i < r->stored_count && i < count; i++) {
        const struct campaign_finding *f = &r->stored[i];
        const char *what = f->kind == FINDING_DIFF ? "differs" : f->what;
        if (f->index != FIRST + STEP * i || !is_among(what, attacks[i].expected))
            fail_msg("%s: program %u gives %s, expected program %u to give %s", attacks[i].name,
                     (unsigned)f->index, what, (unsigned)(FIRST + STEP * i), attacks[i].expected);
    }
    assert_int_equal(r->stored_count, count);
}

static void attack(struct world *w, const char *spec, const struct attack *attacks, size_t count)
{
    struct px_error err = { "" };
    struct campaign_result *r = &w->result;
    attack_plan(attacks, count);
    choose_programs(w, count);
    w->options.worker.sandbox.engines = spec;
    w->options.worker.limit = FIRST + STEP * count;
    if (campaign_run(&w->options, r, &err) != PX_OK)
        fail_msg("%s", err.text);
    expect_findings(r, attacks, count);
    /* Programs that crash are counted as findings, all others are in the sums. */
    assert_int_equal(r->confirmed, count);
    assert_int_equal(r->unstable, 0);
    assert_int_equal(r->further, 0);
    assert_true(r->tally.programs >= w->options.worker.limit - count);
    assert_true(r->tally.programs + r->by_kind[FINDING_ABORT] + r->by_kind[FINDING_HANG] <=
                w->options.worker.limit);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void every_fault_is_found_with_its_signal(void **state)
{
    attack(*state, "block", faults, COUNT(faults));
    attack(*state, "block:touch=fault", faults, COUNT(faults));
}

static void damage_is_found_and_stays_with_its_process(void **state)
{
    attack(*state, "block", damages, COUNT(damages));
}

static void loops_and_sleeps_end_with_or_without_a_timer(void **state)
{
    attack(*state, "block", hangs, COUNT(hangs));
}

/* --- the kernel --- */

struct calls {
    struct attack attacks[ATTACKS_MAX];
    char names[ATTACKS_MAX][32];
    char codes[ATTACKS_MAX][ATTACK_BYTES_MAX];
    char expected[ATTACKS_MAX][32];
    size_t count;
};

static struct calls *make_calls(void)
{
    struct calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        give_up("calloc");
    return calls;
}

static void add(struct calls *c, const char *what, unsigned number, const void *code, size_t size,
                const char *expected)
{
    size_t i = c->count++;
    assert_true(i < ATTACKS_MAX && size <= ATTACK_BYTES_MAX);
    (void)snprintf(c->names[i], sizeof c->names[i], "%s %u", what, number);
    (void)snprintf(c->expected[i], sizeof c->expected[i], "%s", expected);
    memcpy(c->codes[i], code, size);
    c->attacks[i] =
        (struct attack){ .name = c->names[i], .code = c->codes[i], .size = size, .expected = c->expected[i] };
}

static void no_other_system_call_gets_through(void **state)
{
    static const unsigned refused[] = {
        SYS_read,
        SYS_open,
        SYS_openat,
        SYS_pipe,
        SYS_dup,
        SYS_socket,
        SYS_sendto,
        SYS_fork,
        SYS_vfork,
        SYS_clone,
        SYS_clone3,
        SYS_execve,
        SYS_execveat,
        SYS_exit,
        SYS_kill,
        SYS_tkill,
        SYS_ptrace,
        SYS_prctl,
        SYS_seccomp,
        SYS_setitimer,
        SYS_alarm,
        SYS_getppid,
        SYS_unlink,
        SYS_ftruncate,
        SYS_shmget,
        SYS_bpf,
        SYS_io_uring_setup,
        SYS_sigaltstack,
        SYS_setrlimit,
        SYS_prlimit64,
        SYS_setuid,
        SYS_mount,
        SYS_reboot,
        SYS_process_vm_writev,
        SYS_memfd_create,
        SYS_timer_create,
        SYS_pause,
        SYS_ioctl,
        1000,
        0x40000000u + SYS_getpid, /* by the numbers of x32 */
    };
    struct calls *c = make_calls();
    for (size_t i = 0; i < COUNT(refused); i++) {
        uint8_t code[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b };
        memcpy(code + 1, &refused[i], 4);
        add(c, "system call", refused[i], code, sizeof code,
            lockdown_is_lax() ? "abort:SIGSYS|abort:SIGILL" : "abort:SIGSYS");
    }
    static const uint8_t exit_group[] = { 0x31, 0xff, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
    static const uint8_t int80[] = { 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0x0f, 0x0b };
    /* mmap and mprotect, executable; write(1, rsp, 1); tgkill(1, 1, SIGSEGV); arch_prctl(ARCH_SET_FS, 0) */
    static const uint8_t map[] = { 0x31, 0xff, 0xbe, 0, 0x10, 0, 0, 0xba, 7, 0,    0,    0,    0x41, 0xba,
                                   0x22, 0,    0,    0, 0xb8, 9, 0, 0,    0, 0x0f, 0x05, 0x0f, 0x0b };
    static const uint8_t protect[] = { 0x48, 0x89, 0xe7, 0x48, 0x81, 0xe7, 0,    0xf0, 0xff, 0xff,
                                       0xbe, 0,    0x10, 0,    0,    0xba, 7,    0,    0,    0,
                                       0xb8, 10,   0,    0,    0,    0x0f, 0x05, 0x0f, 0x0b };
    static const uint8_t print[] = { 0xbf, 1, 0,    0, 0, 0x48, 0x89, 0xe6, 0xba, 1,    0,
                                     0,    0, 0xb8, 1, 0, 0,    0,    0x0f, 0x05, 0x0f, 0x0b };
    static const uint8_t other[] = { 0xbf, 1, 0, 0,    0,   0xbe, 1, 0, 0,    0,    0xba, SIGSEGV,
                                     0,    0, 0, 0xb8, 234, 0,    0, 0, 0x0f, 0x05, 0x0f, 0x0b };
    static const uint8_t set_fs[] = { 0xbf, 0x02, 0x10, 0, 0,    0x31, 0xf6, 0xb8,
                                      158,  0,    0,    0, 0x0f, 0x05, 0x0f, 0x0b };
    add(c, "exit_group", 0, exit_group, sizeof exit_group, "abort:exit");
    add(c, "int", 0x80, int80, sizeof int80, "abort:SIGSYS|abort:SIGSEGV");
    add(c, "mmap, executable", 0, map, sizeof map, "abort:SIGSYS");
    add(c, "mprotect, executable", 0, protect, sizeof protect, "abort:SIGSYS");
    add(c, "write to", 1, print, sizeof print, lockdown_is_lax() ? "abort:SIGILL" : "abort:SIGSYS");
    add(c, "signal for another", 1, other, sizeof other, "abort:SIGSYS");
    add(c, "arch_prctl", 0, set_fs, sizeof set_fs, "abort:SIGSYS");
    attack(*state, "block", c->attacks, c->count);
    free(c);
}

/* tgkill(getpid(), gettid(), number), then ud2. Ends that would look like somebody else's are refused. */
static void no_signal_that_it_sends_itself_hides_it(void **state)
{
    static const int seen[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
    struct calls *c = make_calls();
    for (int number = 1; number < NSIG; number++) {
        uint8_t code[] = { 0xb8, 39,  0, 0,    0,    0x0f, 0x05, 0x89, 0xc7, 0xb8,
                           186,  0,   0, 0,    0x0f, 0x05, 0x89, 0xc6, 0xba, (uint8_t)number,
                           0,    0,   0, 0xb8, 234,  0,    0,    0,    0x0f, 0x05,
                           0x0f, 0x0b };
        const char *name = "SYS";
        char expected[32];
        for (size_t i = 0; i < COUNT(seen); i++)
            if (seen[i] == number)
                name = sigabbrev_np(number);
        (void)snprintf(expected, sizeof expected, "abort:SIG%s", name);
        add(c, "signal", (unsigned)number, code, sizeof code, expected);
    }
    attack(*state, "block", c->attacks, c->count);
    free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, campaign_world_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_fault_is_found_with_its_signal),         TEST(damage_is_found_and_stays_with_its_process),
        TEST(loops_and_sleeps_end_with_or_without_a_timer), TEST(no_other_system_call_gets_through),
        TEST(no_signal_that_it_sends_itself_hides_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
