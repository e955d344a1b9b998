#define _GNU_SOURCE
#include "harness/oracle/oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/oracle/qemu.h"
#include "harness/oracle/server.h"

enum px_status oracle_check(struct px_error *err)
{
    char qemu[SERVER_PATH_MAX];
    return server_check(qemu, sizeof qemu, err);
}

enum px_status oracle_open(struct oracle *oracle, struct px_error *err)
{
    return px_qemu_engine.create("", &oracle->engine, err);
}

void oracle_close(struct oracle *oracle)
{
    px_qemu_engine.destroy(oracle->engine);
    oracle->engine = NULL;
}

enum px_status oracle_ask(struct oracle *oracle, struct px_program *program, struct px_outcome *outcome,
                          struct px_error *err)
{
    struct px_image image;
    struct px_unit *unit;
    px_program_image(program, &image);
    struct px_entry entry = { .pc = image.entry_pc, .gas = image.gas };
    memcpy(entry.x, image.x, sizeof entry.x);
    enum px_status status = px_qemu_engine.prepare(oracle->engine, &image, 0, &unit, err);
    if (status == PX_UNSUPPORTED) {
        *outcome = (struct px_outcome){ .exit = PX_EXIT_UNJUDGED, .arg = PX_UNJUDGED_SIZE };
        return PX_OK;
    }
    if (status != PX_OK)
        return status;
    status = px_qemu_engine.run(oracle->engine, unit, &entry, outcome, err);
    px_qemu_engine.release(oracle->engine, unit);
    return status;
}

/* What "@qemu --version" prints, as far as it fits. */
static enum px_status read_version(const char *qemu, char *text, size_t size, struct px_error *err)
{
    int pipes[2];
    pid_t child;
    char program[] = "qemu-riscv64", option[] = "--version";
    char *const argv[] = { program, option, NULL };
    posix_spawn_file_actions_t actions;
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "engine qemu: pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    int failed = posix_spawn(&child, qemu, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    size_t length = 0;
    for (ssize_t n = 1; failed == 0 && n > 0 && length + 1 < size; length += n > 0 ? (size_t)n : 0)
        n = read(pipes[0], text + length, size - length - 1);
    text[length] = '\0';
    close(pipes[0]);
    if (failed != 0)
        return px_fail(err, PX_ERR_SYSTEM, "engine qemu: %s: %s", qemu, strerror(failed));
    waitpid(child, NULL, 0);
    return PX_OK;
}

enum px_status oracle_version(char *text, size_t size, struct px_error *err)
{
    static const char word[] = "version ";
    char qemu[SERVER_PATH_MAX], said[256];
    enum px_status status = server_find_qemu(qemu, sizeof qemu, err);
    if (status == PX_OK)
        status = read_version(qemu, said, sizeof said, err);
    if (status != PX_OK)
        return status;
    const char *at = strstr(said, word);
    at = at ? at + strlen(word) : "";
    size_t major = strspn(at, "0123456789");
    size_t minor = major > 0 && at[major] == '.' ? strspn(at + major + 1, "0123456789") : 0;
    if (minor == 0)
        return px_fail(err, PX_ERR_SYSTEM, "engine qemu: %s --version: expected a version, found '%.60s'",
                       qemu, said);
    (void)snprintf(text, size, "%.*s", (int)(major + 1 + minor), at);
    return PX_OK;
}
