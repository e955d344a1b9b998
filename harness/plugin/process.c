#define _GNU_SOURCE
#include "harness/plugin/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "harness/child.h"
#include "harness/finding.h"
#include "harness/isolate.h"
#include "harness/plugin/serve.h"

enum {
    NAP_MS = 1,     /* between looks at the process */
    NAPS_MAX = 5,   /* then waiting costs CPU time, as running would */
    LOOKS = 4096,   /* of which there is one in so many turns */
    LOAD_SECONDS = 10,
    STARTS_MAX = 10, /* of a process that somebody kills before it is ready */
};

/* False: the process is there. Else *site says what it died of. */
static bool ended(struct plugin_process *p, enum plugin_end *end, struct px_fault_site *site)
{
    int wait_status;
    if (waitpid(p->pid, &wait_status, WNOHANG | WUNTRACED) != p->pid)
        return false;
    const struct host_record *record = &p->shared->record;
    struct finding finding = { .kind = FINDING_ABORT };
    *end = PLUGIN_KILLED;
    if (WIFSTOPPED(wait_status))
        return true;
    p->pid = 0;
    if (child_killed(record, wait_status))
        return true;
    finding_from_death(&finding, record, wait_status);
    finding_make_harmless(&finding);
    *end = PLUGIN_DIED;
    *site = (struct px_fault_site){ .known = finding.guest_pc_known,
                                    .guest_pc = finding.guest_pc,
                                    .elsewhere = true,
                                    .signal = finding.signal,
                                    .address = finding.address };
    return true;
}

static bool rang(struct plugin_bell *bell, uint32_t seen)
{
    return atomic_load(&bell->rung) != seen;
}

enum plugin_end plugin_ask(struct plugin_process *process, struct px_fault_site *site)
{
    struct plugin_bell *bell = &process->shared->answered;
    enum plugin_end end;
    if (process->pid == 0)
        return PLUGIN_KILLED;
    uint32_t seen = atomic_load(&bell->rung);
    plugin_ring(&process->shared->ordered);
    if (plugin_look(bell, seen, &process->spins))
        return PLUGIN_ANSWERED;
    for (unsigned naps = 0; naps < NAPS_MAX; naps++) {
        plugin_sleep(bell, seen, NAP_MS);
        if (rang(bell, seen))
            return PLUGIN_ANSWERED;
        if (ended(process, &end, site))
            return end;
    }
    for (unsigned turn = 1; !rang(bell, seen); turn++) {
        if (turn % LOOKS == 0 && ended(process, &end, site))
            return end;
        __builtin_ia32_pause(); /* not sched_yield: on a busy machine that takes hardly any CPU time */
    }
    return PLUGIN_ANSWERED;
}

/* --- coming and going --- */

/* What the plugin's process says goes to terminals and logs. */
static const char *plain(char text[sizeof(struct px_error)])
{
    text[sizeof(struct px_error) - 1] = '\0';
    for (char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return text;
}

/* Whether it is ready, or why not. PX_ERR_LOST: somebody killed it. */
static enum px_status await_birth(struct plugin_process *p, const char *path, struct px_error *err)
{
    struct plugin_shared *shared = p->shared;
    struct px_error said;
    double start = child_clock();
    int wait_status;
    while (atomic_load(&shared->answered.rung) == 0) {
        plugin_sleep(&shared->answered, 0, NAP_MS);
        if (rang(&shared->answered, 0))
            break;
        if (waitpid(p->pid, &wait_status, WNOHANG) == p->pid) {
            p->pid = 0;
            int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
            bool killed = signal && !child_crashed(wait_status);
            return px_fail(err, killed ? PX_ERR_LOST : PX_ERR_INPUT,
                           "engine plugin:%.200s: its process ended while it was loaded%s%s", path,
                           signal ? ": " : "", signal ? sigdescr_np(signal) : "");
        }
        if (child_clock() - start > (double)LOAD_SECONDS)
            return px_fail(err, PX_ERR_INPUT, "engine plugin:%.200s: not loaded after %d seconds", path,
                           LOAD_SECONDS);
    }
    uint32_t status = shared->birth.status;
    if (status == PX_OK)
        return PX_OK;
    said = shared->birth.error;
    if (status > PX_ERR_INTERNAL || status == PX_ERR_FULL || status == PX_UNSUPPORTED)
        status = PX_ERR_INPUT;
    return px_fail(err, (enum px_status)status, "engine plugin:%.200s: %.190s", path, plain(said.text));
}

static enum px_status start_once(struct plugin_process *p, const char *path, const char *real,
                                 const char *options, struct px_error *err)
{
    pid_t pid;
    *p = (struct plugin_process){ .spins = PLUGIN_SPINS_MIN };
    p->shared = isolate_share(sizeof *p->shared);
    if (!p->shared)
        return px_fail(err, PX_ERR_NOMEM, "engine plugin:%.200s: shared memory: %s", path, strerror(errno));
    const struct plugin_config config = { .path = real, .options = options, .shared = p->shared };
    enum px_status status = child_fork_patiently(&pid, err);
    if (status == PX_OK && pid == 0)
        plugin_serve(&config);
    if (status == PX_OK) {
        p->pid = pid;
        status = await_birth(p, path, err);
    }
    if (status != PX_OK)
        plugin_stop(p);
    return status;
}

enum px_status plugin_start(struct plugin_process *process, const char *path, const char *options,
                            struct px_error *err)
{
    struct stat file;
    char *real = realpath(path, NULL);
    if (!real || stat(real, &file) != 0 || !S_ISREG(file.st_mode)) {
        const char *why = real ? "expected a shared object, not a folder or device" : strerror(errno);
        free(real);
        return px_fail(err, PX_ERR_INPUT, "engine plugin:%.200s: %s", path, why);
    }
    enum px_status status = PX_ERR_LOST;
    for (unsigned tries = 0; status == PX_ERR_LOST && tries < STARTS_MAX; tries++)
        status = start_once(process, path, real, options, err);
    free(real);
    return status;
}

void plugin_stop(struct plugin_process *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    isolate_unshare(process->shared, sizeof *process->shared);
    *process = (struct plugin_process){ .pid = 0 };
}
