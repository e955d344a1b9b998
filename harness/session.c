/* Sessions: their processes, their slots, and what to do when there is nobody left. */
#define _GNU_SOURCE
#include "harness/session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/futex.h"
#include "harness/isolate.h"

enum {
    WAIT_MS = 100,   /* between looks at whether anybody works */
    FINISH_MS = 5000, /* for the keeper to end in good order */
};

_Static_assert((PX_SESSION_BYTES_MAX ^ PROBE_BYTES_MAX) == 0, "what can be compared can be shrunk");

const char *px_version(void)
{
    return PX_VERSION;
}

/* --- who works --- */

enum px_status session_check(const struct px_session *session, struct px_error *err)
{
    if (session->busy)
        return px_fail(err, PX_ERR_INPUT, "session: busy with a batch: its callback needs another session");
    if (session->broken != PX_OK)
        return px_fail(err, session->broken, "%s", session->why.text);
    return PX_OK;
}

enum px_status session_break(struct px_session *session, enum px_status status, const char *text,
                             struct px_error *err)
{
    session->broken = px_fail(&session->why, status, "%.*s", (int)sizeof session->why.text - 1, text);
    return px_fail(err, status, "%s", session->why.text);
}

enum px_status session_look(struct px_session *session, struct px_error *err)
{
    char byte;
    uint32_t failed = atomic_load(&session->shared->failed);
    if (failed != PX_OK)
        return session_break(session, failed <= PX_ERR_INTERNAL ? (enum px_status)failed : PX_ERR_INTERNAL,
                             session->shared->error.text, err);
    if (session->control < 0 || recv(session->control, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
        return session_break(session, PX_ERR_INTERNAL, "the process that supervises the sandbox is gone",
                             err);
    return PX_OK;
}

enum px_status session_ask(struct px_session *session, const struct session_request *request,
                           struct session_answer *answer, struct px_error *err)
{
    ssize_t n = send(session->control, request, sizeof *request, MSG_NOSIGNAL);
    do {
        if (n == sizeof *request)
            n = recv(session->control, answer, sizeof *answer, 0);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof *answer)
        return session_break(session, PX_ERR_INTERNAL, "the process that supervises the sandbox is gone",
                             err);
    if (answer->status != PX_OK)
        return px_fail(err, answer->status, "%.*s", (int)sizeof answer->error.text - 1, answer->error.text);
    return PX_OK;
}

/* --- slots --- */

void session_image(const struct px_program *program, struct px_mapping *maps, struct px_image *image)
{
    for (size_t i = 0; i < program->map_count; i++)
        maps[i] = px_program_mapping(program, i);
    *image = (struct px_image){ .code = program->code,
                                .code_size = program->code_size,
                                .entry_pc = program->entry_pc,
                                .gas = program->gas,
                                .maps = maps,
                                .map_count = program->map_count };
    memcpy(image->x, program->x, sizeof image->x);
}

static size_t align(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

/* Code and content. */
static uint64_t image_bytes(const struct px_image *image)
{
    uint64_t bytes = image->code_size;
    for (size_t i = 0; i < image->map_count; i++)
        bytes += image->maps[i].content_size;
    return bytes;
}

enum px_status session_check_image(const struct px_image *image, struct px_error *err)
{
    if (image->map_count > PX_PROGRAM_MAPS_MAX)
        return px_fail(err, PX_ERR_INPUT, "maps: %zu mappings: expected at most %d", image->map_count,
                       PX_PROGRAM_MAPS_MAX);
    enum px_status status = px_image_check(image, err);
    if (status == PX_OK && image_bytes(image) > PX_SESSION_BYTES_MAX)
        status = px_fail(err, PX_ERR_INPUT, "%llu bytes of code and content: expected at most %d",
                         (unsigned long long)image_bytes(image), PX_SESSION_BYTES_MAX);
    return status;
}

struct session_slot *session_empty(struct px_session *session, size_t number, enum slot_work work)
{
    struct session_slot *slot = &session->shared->slots[number];
    session->loads[number] = (struct session_load){ .count = 0 };
    slot->first = 0;
    slot->work = work;
    slot->alone = 0;
    slot->between = 0;
    atomic_store(&slot->cancelled, 0);
    return slot;
}

static const uint8_t *put_bytes(struct session_slot *slot, struct session_load *load, const void *bytes,
                                size_t size)
{
    uint8_t *to = slot->bytes + load->used;
    if (size == 0)
        return NULL;
    memcpy(to, bytes, size);
    load->used += align(size);
    return to;
}

bool session_put(struct px_session *session, size_t number, const struct px_image *image)
{
    struct session_slot *slot = &session->shared->slots[number];
    struct session_load *load = &session->loads[number];
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    size_t room = image_bytes(image) + sizeof maps + (PX_PROGRAM_MAPS_MAX + 2) * (size_t)16;
    _Static_assert(sizeof maps + (PX_PROGRAM_MAPS_MAX + 2) * 16 <= sizeof slot->bytes - PX_SESSION_BYTES_MAX,
                   "the largest program fits");
    bool full = load->count == SESSION_BATCH || load->used > SESSION_CHUNK;
    if (full || room > sizeof slot->bytes - load->used)
        return false;
    struct px_image copy = *image;
    struct session_result *result = &slot->results[load->count];
    copy.code = put_bytes(slot, load, image->code, image->code_size);
    for (size_t i = 0; i < image->map_count; i++) {
        maps[i] = image->maps[i];
        maps[i].content = put_bytes(slot, load, maps[i].content, maps[i].content_size);
    }
    copy.maps = (const struct px_mapping *)(const void *)put_bytes(slot, load, maps,
                                                                   image->map_count * sizeof maps[0]);
    slot->images[load->count++] = copy;
    result->diverges = 0;
    result->ran = 0;
    result->engine = SESSION_ENGINE_NONE;
    atomic_store_explicit(&result->state, PROGRAM_PENDING, memory_order_relaxed);
    return true;
}

void session_give(struct px_session *session, size_t number)
{
    struct session_slot *slot = &session->shared->slots[number];
    slot->count = session->loads[number].count;
    slot->number = session->number++;
    atomic_store(&slot->state, SLOT_READY);
    atomic_fetch_add(&session->shared->given, 1);
    futex_wake(&session->shared->given);
}

enum px_status session_wait(struct px_session *session, size_t number, struct px_error *err)
{
    struct session_slot *slot = &session->shared->slots[number];
    if (atomic_load(&slot->state) != SLOT_READY)
        return PX_OK;
    futex_wait(&slot->state, SLOT_READY, WAIT_MS);
    return atomic_load(&slot->state) == SLOT_READY ? session_look(session, err) : PX_OK;
}

enum px_status session_run(struct px_session *session, const struct px_image *image,
                           const struct px_image *between, enum slot_work work, size_t engine,
                           struct px_error *err)
{
    struct session_slot *slot = session_empty(session, 0, work);
    enum px_status status = PX_OK;
    slot->engine = engine;
    slot->alone = 1;
    if (!session_put(session, 0, image))
        return px_fail(err, PX_ERR_INTERNAL, "session: a program does not fit an empty slot");
    slot->between = between && session_put(session, 0, between);
    session_give(session, 0);
    while (status == PX_OK && atomic_load(&slot->state) == SLOT_READY)
        status = session_wait(session, 0, err);
    if (status == PX_OK && atomic_load(&slot->results[0].state) != PROGRAM_DONE)
        status = session_break(session, PX_ERR_INTERNAL, SESSION_UNDONE, err);
    return status;
}

/* --- beginning and end --- */

static enum px_status fork_keeper(struct px_session *s, const struct sandbox *sandbox, struct px_error *err)
{
    int ends[2];
    pid_t caller = getpid();
    sigset_t all, before;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "session: socketpair: %s", strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the caller's handlers are not for the child */
    s->keeper = fork();
    if (s->keeper == 0)
        keeper_main(sandbox, s->shared, ends[1], caller);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    s->control = ends[0];
    if (s->keeper > 0)
        return PX_OK;
    s->keeper = 0;
    return px_fail(err, PX_ERR_SYSTEM, "session: fork: %s", strerror(error));
}

static enum px_status await_server(struct px_session *s, struct px_error *err)
{
    struct session_shared *shared = s->shared;
    enum px_status status = PX_OK;
    while (status == PX_OK && atomic_load(&shared->ready) == 0) {
        futex_wait(&shared->ready, 0, WAIT_MS);
        if (atomic_load(&shared->ready) == 0)
            status = session_look(s, err);
    }
    if (status != PX_OK)
        return status;
    s->engine_count = shared->engine_count < RUN_ENGINES_MAX ? shared->engine_count : RUN_ENGINES_MAX;
    memcpy(s->specs, shared->specs, sizeof s->specs);
    for (size_t i = 0; i < RUN_ENGINES_MAX; i++)
        s->specs[i][PX_SPEC_MAX - 1] = '\0';
    return PX_OK;
}

enum px_status session_start(const struct sandbox *sandbox, bool confirm, struct px_session **session,
                             struct px_error *err)
{
    struct px_session *s = calloc(1, sizeof *s);
    if (!s)
        return px_fail(err, PX_ERR_NOMEM, "session: out of memory");
    s->control = -1;
    s->confirm = confirm;
    px_program_init(&s->before);
    s->shared = isolate_share(sizeof *s->shared);
    if (!s->shared) {
        int error = errno;
        free(s);
        return px_fail(err, PX_ERR_SYSTEM, "session: %zu MiB of shared memory: %s",
                       sizeof(struct session_shared) >> 20, strerror(error));
    }
    enum px_status status = fork_keeper(s, sandbox, err);
    if (status == PX_OK)
        status = await_server(s, err);
    if (status == PX_OK)
        *session = s;
    else
        px_session_destroy(s);
    return status;
}

static enum px_status check_options(const struct px_session_options *o, struct px_error *err)
{
    struct px_session_options known = { .size = 0 };
    const unsigned char *bytes = (const unsigned char *)o;
    if (o->size < offsetof(struct px_session_options, unconfirmed) + sizeof o->unconfirmed)
        return px_fail(err, PX_ERR_INPUT, "options: size %zu: expected sizeof(struct px_session_options)",
                       o->size);
    for (size_t i = sizeof known; i < o->size; i++)
        if (bytes[i] != 0)
            return px_fail(err, PX_ERR_INPUT, "options: byte %zu is set: this library, %s, knows %zu", i,
                           px_version(), sizeof known);
    if (o->deadline_ms > PX_DEADLINE_MAX_MS)
        return px_fail(err, PX_ERR_INPUT, "options: deadline_ms %u: expected 0 to %d",
                       (unsigned)o->deadline_ms, PX_DEADLINE_MAX_MS);
    return PX_OK;
}

enum px_status px_session_create(const struct px_session_options *options, struct px_session **session,
                                 struct px_error *err)
{
    static const struct px_session_options defaults = { .size = sizeof defaults };
    const struct px_session_options *o = options ? options : &defaults;
    enum px_status status = check_options(o, err);
    if (status != PX_OK)
        return status;
    const struct sandbox sandbox = { .engines = o->engines ? o->engines : ENGINES_CAMPAIGN,
                                     .hang_ms = o->deadline_ms,
                                     .unconfined = o->no_sandbox };
    return session_start(&sandbox, !o->unconfirmed, session, err);
}

/* The keeper ends when it is told that nobody will ask any more. */
static void end_keeper(struct px_session *s)
{
    struct pollfd poll_end = { .fd = s->control, .events = POLLIN };
    int ended;
    (void)shutdown(s->control, SHUT_WR);
    while ((ended = poll(&poll_end, 1, FINISH_MS)) < 0 && errno == EINTR)
        ;
    if (ended == 0)
        kill(s->keeper, SIGKILL);
    while (waitpid(s->keeper, NULL, 0) < 0 && errno == EINTR)
        ; /* somebody else may have waited for it: that is fine too */
}

void px_session_destroy(struct px_session *session)
{
    if (!session)
        return;
    if (session->keeper > 0)
        end_keeper(session);
    if (session->control >= 0)
        close(session->control);
    isolate_unshare(session->shared, sizeof *session->shared);
    px_program_fini(&session->before);
    free(session);
}

const char *px_session_engine(const struct px_session *session, size_t index)
{
    return index < session->engine_count ? session->specs[index] : NULL;
}
