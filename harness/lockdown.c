#define _GNU_SOURCE
#include "harness/lockdown.h"

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
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

/* What the harness and libc do between programs; all of it acts on the process itself. */
static const int allowed[] = {
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_sigaltstack,
    SYS_setitimer,
    SYS_sched_yield,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_getpid,
    SYS_gettid,
    SYS_tgkill,
    SYS_futex,
    SYS_brk,
    SYS_munmap,
    SYS_madvise,
    SYS_fallocate,
    SYS_arch_prctl,
    SYS_restart_syscall,
    SYS_getrandom,
};

/* A sanitizer's runtime symbolizes and reports: it may read files and write, but still start nothing. */
static const int allowed_sanitized[] = {
    SYS_openat,          SYS_read,  SYS_pread64, SYS_close,     SYS_readlink,          SYS_newfstatat,
    SYS_lseek,           SYS_write, SYS_mremap,  SYS_getrusage, SYS_sched_getaffinity, SYS_prctl,
    SYS_rt_sigtimedwait, SYS_uname, SYS_ioctl,   SYS_prlimit64,
};

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

/* Memory may come and change its protection, but never become executable: code memory is mapped already. What is
 * written goes to stderr, as last words. */
static int allow_restricted(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp no_exec = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0
    };
    const struct scmp_arg_cmp to_stderr = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = STDERR_FILENO, .datum_b = 0
    };
    /* What realloc asks for; to another address of the caller's choice nothing moves. */
    const struct scmp_arg_cmp may_move = {
        .arg = 3, .op = SCMP_CMP_EQ, .datum_a = MREMAP_MAYMOVE, .datum_b = 0
    };
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_mmap, 1, &no_exec);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_mprotect, 1, &no_exec);
    if (failed == 0 && !SANITIZED) /* there it is allowed altogether */
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_mremap, 1, &may_move);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_write, 1, &to_stderr);
    return failed;
}

static int load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return -ENOMEM;
    int failed = allow_all(filter, allowed, sizeof allowed / sizeof allowed[0]);
    if (failed == 0 && SANITIZED)
        failed = allow_all(filter, allowed_sanitized, sizeof allowed_sanitized / sizeof allowed_sanitized[0]);
    if (failed == 0)
        failed = allow_restricted(filter);
    if (failed == 0)
        failed = seccomp_load(filter); /* sets no_new_privs first */
    seccomp_release(filter);
    return failed;
}

static bool limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit both = { .rlim_cur = value, .rlim_max = value };
    return setrlimit(resource, &both) == 0;
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
    /* No dumps of gigabytes of reserved space, no new descriptors, no growing files. */
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, SANITIZED ? 64 : 0) || !limit(RLIMIT_FSIZE, 0))
        return px_fail(err, PX_ERR_SYSTEM, "sandbox: setrlimit: %s", strerror(errno));
    int failed = load_filter();
    if (failed != 0)
        return px_fail(err, PX_ERR_SYSTEM,
                       "sandbox: seccomp: %s: no system-call filter to be had; "
                       "PX_SANDBOX=off goes on without one",
                       strerror(-failed));
    return PX_OK;
}
