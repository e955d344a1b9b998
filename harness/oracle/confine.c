#define _GNU_SOURCE
#include "harness/oracle/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "harness/lockdown.h"

enum { STDERR_BYTES = 4096 }; /* that it may write */

/* What starts a dynamically linked program, and what user emulation does for the runner. */
static const int allowed[] = {
    SYS_execve,
    SYS_exit,
    SYS_exit_group,
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_read,
    SYS_pread64,
    SYS_readv,
    SYS_write,
    SYS_writev,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_stat,
    SYS_lstat,
    SYS_statx,
    SYS_access,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlink,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_getcwd,
    SYS_arch_prctl,
    SYS_prctl,
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_prlimit64,
    SYS_getrandom,
    SYS_futex,
    SYS_membarrier,
    SYS_sysinfo,
    SYS_uname,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_tgkill,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_setitimer,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_restart_syscall,
    SYS_set_mempolicy,
    SYS_get_mempolicy,
    SYS_rt_sigtimedwait,
    SYS_poll,
    SYS_ppoll,
    SYS_eventfd2,
    SYS_pipe2,
    SYS_fcntl,
};

/* Threads, but no processes; files, but not to write. */
static int allow_restricted(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp thread = {
        .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD
    };
    const struct scmp_arg_cmp only_read = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = O_ACCMODE | O_CREAT | O_TRUNC, .datum_b = O_RDONLY
    };
    int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_clone, 1, &thread);
    if (failed == 0)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_openat, 1, &only_read);
    return failed;
}

/* What is not allowed does not exist: libraries then try something older (clone3 becomes clone). */
static int load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return -ENOMEM;
    int failed = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (failed == 0)
        failed = allow_restricted(filter);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

enum px_status confine_qemu(struct px_error *err)
{
    const struct rlimit no_dump = { 0, 0 }, little = { STDERR_BYTES, STDERR_BYTES };
    if (!lockdown_wanted())
        return PX_OK;
    if (setrlimit(RLIMIT_CORE, &no_dump) != 0 || setrlimit(RLIMIT_FSIZE, &little) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "setrlimit: %s", strerror(errno));
    int failed = load_filter();
    if (failed != 0)
        return px_fail(err, PX_ERR_SYSTEM, "seccomp: %s; PX_SANDBOX=off goes on without it",
                       strerror(-failed));
    return PX_OK;
}
