/* What the machine itself takes for the things that everything else is made of. */
#define _GNU_SOURCE
#include "harness/bench_measure.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <xxhash.h>

/* --- writing code and calling it --- */

enum {
    UNIT_BYTES = 1024,
    FIRST_UNIT = 64, /* not at the mapping's very start: a sanitizer looks before a function it calls */
    ROTATE_BYTES = 1 << 20,
    AT_ONCE = 16,
};

/* A unit that returns @value, and is executed from end to end: nops; mov eax, imm32; nop; nop; ret. */
static void write_unit(uint8_t *at, uint32_t value)
{
    uint64_t nop = UINT64_C(0x0000000000841f0f); /* of eight bytes */
    uint64_t last = UINT64_C(0xc3909000000000b8) | (uint64_t)value << 8;
    for (size_t i = 0; i < UNIT_BYTES - sizeof nop; i += sizeof nop)
        memcpy(at + i, &nop, sizeof nop);
    memcpy(at + UNIT_BYTES - sizeof last, &last, sizeof last);
}

static uint32_t call_unit(const uint8_t *at)
{
    union {
        const uint8_t *bytes;
        uint32_t (*call)(void);
    } unit = { .bytes = at };
    return unit.call();
}

/* Writes @batch units, then calls them; true when each returned what it was written to return. */
static bool write_and_call(struct bench *b, size_t at, size_t batch, uint32_t value)
{
    bool right = true;
    for (size_t i = 0; i < batch; i++)
        write_unit(b->code.write + at + i * UNIT_BYTES, value + (uint32_t)i);
    for (size_t i = 0; i < batch; i++)
        right &= call_unit(b->code.exec + at + i * UNIT_BYTES) == value + (uint32_t)i;
    return right;
}

/* The bodies do something that often and say how often; 0 is a failure. */
static uint64_t write_call_same(struct bench *b, uint32_t turn)
{
    return write_and_call(b, FIRST_UNIT, 1, turn) ? 1 : 0;
}

static uint64_t write_call_rotating(struct bench *b, uint32_t turn)
{
    size_t units = ROTATE_BYTES / UNIT_BYTES;
    return write_and_call(b, FIRST_UNIT + turn % units * UNIT_BYTES, 1, turn) ? 1 : 0;
}

static uint64_t write_call_batch(struct bench *b, uint32_t turn)
{
    size_t batches = ROTATE_BYTES / UNIT_BYTES / AT_ONCE;
    return write_and_call(b, FIRST_UNIT + turn % batches * AT_ONCE * UNIT_BYTES, AT_ONCE, turn) ? AT_ONCE : 0;
}

/* --- hashing and copying --- */

/* Keeps the compiler from leaving out what makes @value. */
static void use(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

enum { CHUNK = 64 }; /* calls between two looks at the clock, where one is short */

static uint64_t hash(const struct bench *b, size_t size)
{
    for (unsigned i = 0; i < CHUNK; i++)
        use(XXH3_64bits(b->pages, size));
    return CHUNK;
}

static uint64_t hash_64(struct bench *b, uint32_t turn)
{
    (void)turn;
    return hash(b, 64);
}

static uint64_t hash_256(struct bench *b, uint32_t turn)
{
    (void)turn;
    return hash(b, 256);
}

static uint64_t hash_4096(struct bench *b, uint32_t turn)
{
    (void)turn;
    return hash(b, 4096);
}

static uint64_t copy_page(struct bench *b, uint32_t turn)
{
    for (unsigned i = 0; i < CHUNK; i++) {
        b->pages[0] = (uint8_t)turn;
        memcpy(b->pages + PX_PAGE_SIZE, b->pages, PX_PAGE_SIZE);
        use((uint64_t)(uintptr_t)b->pages);
    }
    return CHUNK;
}

static uint64_t compare_page(struct bench *b, uint32_t turn)
{
    (void)turn;
    memcpy(b->pages + PX_PAGE_SIZE, b->pages, PX_PAGE_SIZE);
    for (unsigned i = 0; i < CHUNK; i++)
        use((uint64_t)(unsigned)memcmp(b->pages, b->pages + PX_PAGE_SIZE, PX_PAGE_SIZE));
    return CHUNK;
}

/* --- the kernel --- */

static uint64_t read_clock(struct bench *b, uint32_t turn)
{
    (void)b;
    (void)turn;
    for (unsigned i = 0; i < CHUNK; i++)
        use(bench_clock());
    return CHUNK;
}

static uint64_t fork_and_wait(struct bench *b, uint32_t turn)
{
    (void)b;
    (void)turn;
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 1 : 0;
}

#define FAULT_MAGIC INT64_C(0x6661756c74696e67)

/*
 * The faulting instruction itself brings what the handler needs: where to jump, and by which it is known.
 * Another fault is not ours: by default, when the instruction runs again, the process dies of it.
 */
static void on_fault(int number, siginfo_t *info, void *ucontext)
{
    const greg_t *regs = ((const ucontext_t *)ucontext)->uc_mcontext.gregs;
    if (regs[REG_RDX] != FAULT_MAGIC || (greg_t)(uintptr_t)info->si_addr != regs[REG_RSI]) {
        signal(number, SIG_DFL);
        return;
    }
    siglongjmp(*(sigjmp_buf *)(uintptr_t)regs[REG_RDI], 1);
}

/* Reads from @page, which is mapped inaccessible. */
static bool fault_once(const void *page)
{
    sigjmp_buf back;
    if (sigsetjmp(back, 0) == 0) {
        __asm__ volatile("movzbl (%0), %%eax" : : "S"(page), "D"(&back), "d"(FAULT_MAGIC) : "eax", "memory");
        return false;
    }
    return true;
}

/* The handler is there for as long as this takes, and leaves no signal blocked. */
static uint64_t catch_faults(struct bench *b, uint32_t turn)
{
    (void)b;
    (void)turn;
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER }, before;
    bool caught = true;
    void *page = mmap(NULL, PX_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 0;
    if (sigaction(SIGSEGV, &action, &before) == 0) {
        for (unsigned i = 0; i < CHUNK && caught; i++)
            caught = fault_once(page);
        (void)sigaction(SIGSEGV, &before, NULL);
    } else {
        caught = false;
    }
    munmap(page, PX_PAGE_SIZE);
    return caught ? CHUNK : 0;
}

/* --- the table --- */

typedef uint64_t host_body(struct bench *b, uint32_t turn);

enum { SAME, ROTATING, BATCH, HASH_64, HASH_256, HASH_4096, COPY, COMPARE, CLOCK, FAULT, FORK };

const struct bench_figure bench_host_figures[BENCH_HOST_FIGURES] = {
    [SAME] = { "write-call-same-place", "ns/KiB", false }, /* 1 KiB of code, through both mappings */
    [ROTATING] = { "write-call-rotating", "ns/KiB", false },
    [BATCH] = { "write-16-call-16", "ns/KiB", false },
    [HASH_64] = { "xxh3-64", "ns/call", false },
    [HASH_256] = { "xxh3-256", "ns/call", false },
    [HASH_4096] = { "xxh3-4096", "ns/call", false },
    [COPY] = { "copy-page", "ns/page", false },
    [COMPARE] = { "compare-page", "ns/page", false },
    [CLOCK] = { "clock", "ns/call", false },
    [FAULT] = { "fault", "ns/fault", false }, /* SIGSEGV to siglongjmp */
    [FORK] = { "fork-exit-wait", "ns/process", false },
};

static host_body *const bodies[BENCH_HOST_FIGURES] = {
    [SAME] = write_call_same,   [ROTATING] = write_call_rotating,
    [BATCH] = write_call_batch, [HASH_64] = hash_64,
    [HASH_256] = hash_256,      [HASH_4096] = hash_4096,
    [COPY] = copy_page,         [COMPARE] = compare_page,
    [CLOCK] = read_clock,       [FAULT] = catch_faults,
    [FORK] = fork_and_wait,
};

enum px_status bench_host(struct bench *b, const struct bench_measure *measure, uint64_t ns, double *values)
{
    host_body *const *body = bodies + (measure->figures - bench_host_figures);
    for (size_t i = 0; i < measure->count; i++) {
        uint64_t start = bench_clock(), spent, done = 0;
        uint32_t turn = 0;
        do {
            uint64_t more = 0;
            errno = 0;
            for (unsigned j = 0; j < 4; j++, done += more)
                if ((more = body[i](b, turn++)) == 0)
                    return px_fail(b->err, PX_ERR_SYSTEM, "measuring %s: %s", measure->figures[i].name,
                                   errno ? strerror(errno) : "the code gave a wrong result");
            spent = bench_clock() - start;
        } while (spent < ns / measure->count);
        values[i] = (double)spent / (double)done;
    }
    return PX_OK;
}
