#define _GNU_SOURCE
#include "harness/oracle/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/isolate.h"
#include "vm/outcome.h"

enum {
    WAIT_MS = 100,
    BROKER_PATIENCE = 30, /* such waits without a beat of the broker's, and it is gone */
    POOL_USED_MAX = 8192, /* pages; of more the kernel gets all back */
};

/* The runner, a RISC-V program, as a file in this one: empty where clang-19 or lld-19 was missing. */
__asm__(".pushsection .rodata\n"
        "px_runner: .incbin \"" PX_RUNNER "\"\n"
        "px_runner_end: .byte 0\n"
        ".popsection\n");
extern const uint8_t runner_start[] __asm__("px_runner"), runner_end[] __asm__("px_runner_end");

enum px_status server_find_qemu(char *path, size_t size, struct px_error *err)
{
    static const char *const names[] = { "qemu-riscv64", "qemu-riscv64-static" };
    const char *search = getenv("PATH");
    for (const char *at = search ? search : ""; *at;) {
        size_t length = strcspn(at, ":");
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            int n = snprintf(path, size, "%.*s/%s", (int)length, at, names[i]);
            if (n > 0 && (size_t)n < size && access(path, X_OK) == 0)
                return PX_OK;
        }
        at += length;
        at += *at == ':';
    }
    return px_fail(err, PX_ERR_INPUT,
                   "engine qemu: there is no qemu-riscv64 in PATH: install it "
                   "(on Debian: apt-get install qemu-user)");
}

enum px_status server_check(char *qemu, size_t size, struct px_error *err)
{
    if (&runner_start[0] == &runner_end[0])
        return px_fail(err, PX_ERR_INPUT,
                       "engine qemu: this parallax was built without its runner: install clang-19 and lld-19 "
                       "(on Debian: apt-get install clang-19 lld-19) and build again");
    return server_find_qemu(qemu, size, err);
}

static enum px_status make_files(struct server *s, struct px_error *err)
{
    size_t size = (size_t)(runner_end - runner_start);
    s->config.runner = memfd_create("px-runner", MFD_CLOEXEC);
    s->config.memory = memfd_create("px-oracle", MFD_CLOEXEC);
    if (s->config.runner < 0 || s->config.memory < 0)
        return px_fail(err, PX_ERR_SYSTEM, "engine qemu: memfd_create: %s", strerror(errno));
    if (write(s->config.runner, runner_start, size) != (ssize_t)size ||
        ftruncate(s->config.memory, (off_t)ORACLE_SIZE) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "engine qemu: shared memory: %s", strerror(errno));
    void *memory = mmap(NULL, ORACLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, s->config.memory, 0);
    if (memory == MAP_FAILED)
        return px_fail(err, PX_ERR_NOMEM, "engine qemu: shared memory: %s", strerror(errno));
    s->memory = memory;
    s->shared = isolate_share(sizeof *s->shared);
    if (!s->shared)
        return px_fail(err, PX_ERR_NOMEM, "engine qemu: shared memory: %s", strerror(errno));
    return PX_OK;
}

static enum px_status start_broker(struct server *s, struct px_error *err)
{
    s->control = (struct oracle_control *)s->memory;
    s->config.qemu = s->qemu;
    s->config.control = s->control;
    s->config.shared = s->shared;
    pid_t broker;
    enum px_status status = child_fork_patiently(&broker, err);
    if (status == PX_OK && broker == 0)
        broker_main(&s->config);
    if (status == PX_OK)
        s->broker = broker;
    return status;
}

enum px_status server_open(struct server *server, struct px_error *err)
{
    *server = (struct server){ .config = { .memory = -1, .runner = -1 } };
    enum px_status status = server_check(server->qemu, sizeof server->qemu, err);
    if (status == PX_OK)
        status = make_files(server, err);
    if (status == PX_OK)
        status = start_broker(server, err);
    if (status != PX_OK)
        server_close(server);
    return status;
}

void server_close(struct server *server)
{
    if (server->broker > 0) {
        kill(server->broker, SIGKILL);
        waitpid(server->broker, NULL, 0);
    }
    if (server->memory)
        munmap(server->memory, ORACLE_SIZE);
    isolate_unshare(server->shared, sizeof *server->shared);
    if (server->config.memory >= 0)
        close(server->config.memory);
    if (server->config.runner >= 0)
        close(server->config.runner);
    *server = (struct server){ .config = { .memory = -1, .runner = -1 } };
}

/* --- one order --- */

static uint32_t look(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void tell(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void wake(void *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void empty_pool(struct server *s)
{
    (void)fallocate(s->config.memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)ORACLE_POOL,
                    (off_t)(ORACLE_SIZE - ORACLE_POOL));
    memset(s->used, 0, sizeof s->used);
    s->used_count = s->page_count = 0;
    s->pool_epoch++;
}

/* Makes the pages of the last answer zero again. */
static void clean_pool(struct server *s)
{
    for (uint32_t i = 0; i < s->page_count; i++) {
        uint32_t place = s->places[i];
        uint64_t bit = UINT64_C(1) << place % 64;
        s->used_count += !(s->used[place / 64] & bit);
        s->used[place / 64] |= bit;
        memset(s->memory + ORACLE_POOL + (size_t)place * PX_PAGE_SIZE, 0, PX_PAGE_SIZE);
    }
    s->page_count = 0;
    if (s->used_count > POOL_USED_MAX)
        empty_pool(s);
}

static void place_order(struct server *s)
{
    struct oracle_control *c = s->control;
    tell(&c->ordered, look(&c->ordered) + 1);
    if (look(&c->runner_waits))
        wake(&c->ordered);
    if (atomic_load(&s->shared->qemu) == 0) { /* the broker sleeps */
        atomic_fetch_add(&s->shared->attention, 1);
        wake(&s->shared->attention);
    }
}

static enum px_status await_answer(struct server *s, struct px_error *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_MS * 1000000L };
    struct oracle_control *c = s->control;
    uint32_t order = look(&c->ordered), beat = atomic_load(&s->shared->beat);
    unsigned silent = 0;
    for (;;) {
        tell(&c->host_waits, 1);
        uint32_t answered = look(&c->answered);
        long woken = 0;
        if (answered != order)
            woken = syscall(SYS_futex, &c->answered, FUTEX_WAIT, answered, &pause, NULL, 0);
        tell(&c->host_waits, 0);
        if (answered == order)
            return PX_OK;
        if (atomic_load(&s->shared->broken))
            return px_fail(err, PX_ERR_SYSTEM, "%s", s->shared->error.text);
        if (woken == 0 || errno != ETIMEDOUT)
            continue;
        silent = beat == atomic_load(&s->shared->beat) ? silent + 1 : 0;
        beat = atomic_load(&s->shared->beat);
        if (silent > BROKER_PATIENCE)
            return px_fail(err, PX_ERR_LOST, "engine qemu: its broker is gone");
    }
}

/* What a hostile guest may have scribbled over is no answer. Its pages are copied: they must not change any more. */
static bool take_pages(struct server *s)
{
    const struct oracle_answer *a = &s->control->answer;
    if (a->exit >= PX_EXIT_COUNT || a->page_count > ORACLE_PAGES_MAX)
        return false;
    s->page_count = a->page_count;
    for (uint32_t i = 0; i < s->page_count; i++) {
        s->places[i] = a->places[i];
        if (s->places[i] >= ORACLE_POOL_PAGES)
            return false;
    }
    return true;
}

enum px_status server_run(struct server *server, struct px_error *err)
{
    struct oracle_answer *a = &server->control->answer;
    clean_pool(server);
    server->control->order.pool_epoch = server->pool_epoch;
    place_order(server);
    enum px_status status = await_answer(server, err);
    if (status != PX_OK)
        return status;
    bool lost = a->exit == PX_EXIT_UNJUDGED && a->arg == PX_UNJUDGED_LOST;
    if (!lost && take_pages(server))
        return PX_OK;
    empty_pool(server);
    a->exit = PX_EXIT_UNJUDGED;
    a->arg = PX_UNJUDGED_LOST;
    a->page_count = 0;
    return PX_OK;
}
