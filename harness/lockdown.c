#define _GNU_SOURCE
#include "harness/lockdown.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
#define SANITIZED true
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Address space that a locked-down process may still take, beyond the windows that it has reserved. */
#define GROWTH_MAX ((rlim_t)8 << 30)

/* What the harness and libc do between programs; all of it acts on the process itself. */
static const int allowed[] = {
    SYS_exit_group,      SYS_rt_sigreturn,    SYS_rt_sigaction,  SYS_rt_sigprocmask, SYS_sched_yield,
    SYS_nanosleep,       SYS_clock_nanosleep, SYS_clock_gettime, SYS_getpid,         SYS_gettid,
    SYS_restart_syscall, SYS_futex,           SYS_brk,           SYS_munmap,         SYS_madvise,
    SYS_getrandom,       SYS_wait4,           SYS_sysinfo, /* qsort asks how much memory there is, once */
};

/* A sanitizer's runtime symbolizes and reports: it may read files and write, but still start nothing. */
static const int allowed_sanitized[] = {
    SYS_openat,          SYS_read,  SYS_pread64, SYS_close,     SYS_readlink,          SYS_newfstatat,
    SYS_lseek,           SYS_write, SYS_mremap,  SYS_getrusage, SYS_sched_getaffinity, SYS_prctl,
    SYS_rt_sigtimedwait, SYS_uname, SYS_ioctl,   SYS_prlimit64, SYS_sigaltstack,
};

/* Calls that are allowed with certain values of one argument: its bits under @mask are @value. */
struct restriction {
    int call;
    unsigned arg;
    uint64_t mask, value;
};

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

static int allow_restricted(scmp_filter_ctx filter)
{
    const uint64_t whole = UINT32_MAX;
    const struct restriction restrictions[] = {
        /* Memory may come and change its protection, but never become executable: code memory is mapped already. */
        { SYS_mmap, 2, PROT_EXEC, 0 },
        { SYS_mprotect, 2, PROT_EXEC, 0 },
        { SYS_mremap, 3, whole, MREMAP_MAYMOVE }, /* realloc, but not to an address of the caller's choice */
        { SYS_arch_prctl, 0, whole, ARCH_SET_GS }, /* the window, where user code may not write gs */
        { SYS_write, 0, whole, STDERR_FILENO }, /* last words */
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof restrictions / sizeof restrictions[0] && failed == 0; i++) {
        const struct restriction *r = &restrictions[i];
        const struct scmp_arg_cmp compare = {
            .arg = r->arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = r->mask, .datum_b = r->value
        };
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, r->call, 1, &compare);
    }
    return failed;
}

/* abort and raise: this process may send itself what handlers see, and so no end that would look like somebody else's. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS };
    int failed = 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0] && failed == 0; i++) {
        const struct scmp_arg_cmp both[] = {
            { .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = (uint64_t)getpid() },
            { .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = (uint64_t)signals[i] },
        };
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_tgkill, 2, both);
    }
    return failed;
}

static int load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return -ENOMEM;
    /* Calls by the doors of other architectures (int 0x80) are refused like all others. */
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
    if (failed == 0) /* what the kernel says, not what the library makes of it */
        failed = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (failed == 0)
        failed = allow_all(filter, allowed, sizeof allowed / sizeof allowed[0]);
    if (failed == 0 && SANITIZED)
        failed = allow_all(filter, allowed_sanitized, sizeof allowed_sanitized / sizeof allowed_sanitized[0]);
    if (failed == 0)
        failed = allow_restricted(filter);
    if (failed == 0)
        failed = allow_own_signals(filter);
    if (failed == 0)
        failed = seccomp_load(filter); /* sets no_new_privs first */
    seccomp_release(filter);
    return failed;
}

/* Lowers a limit; one that is lower already stays. */
static bool limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit both;
    if (getrlimit(resource, &both) != 0)
        return false;
    if (both.rlim_max > value)
        both.rlim_max = value;
    if (both.rlim_cur > value)
        both.rlim_cur = value;
    return setrlimit(resource, &both) == 0;
}

/* Bytes of address space in use; 0 where the kernel does not tell. */
static rlim_t address_space(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "re");
    const char *pages = file ? fgets(line, sizeof line, file) : NULL;
    rlim_t size = pages ? (rlim_t)strtoull(pages, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
    if (file)
        fclose(file);
    return size;
}

static bool limit_all(void)
{
    rlim_t used = address_space();
    /* No dumps of gigabytes of reserved space, no new descriptors, no growing files, no endless growth. */
    return limit(RLIMIT_CORE, 0) && limit(RLIMIT_NOFILE, SANITIZED ? 64 : 0) && limit(RLIMIT_FSIZE, 0) &&
           (SANITIZED || used == 0 || limit(RLIMIT_AS, used + GROWTH_MAX));
}

bool lockdown_is_lax(void)
{
    return SANITIZED;
}

bool lockdown_wanted(void)
{
    const char *wish = getenv("PX_SANDBOX");
    return !wish || strcmp(wish, "off") != 0;
}

enum px_status lockdown_enter(struct px_error *err)
{
    if (!lockdown_wanted())
        return PX_OK;
    if (!limit_all())
        return px_fail(err, PX_ERR_SYSTEM, "sandbox: setrlimit: %s", strerror(errno));
    int failed = load_filter();
    if (failed != 0)
        return px_fail(err, PX_ERR_SYSTEM,
                       "sandbox: seccomp: %s: no system-call filter to be had; "
                       "PX_SANDBOX=off goes on without one",
                       strerror(-failed));
    return PX_OK;
}
