/* One engine alone, and the smallest program: what a session does besides comparing. */
#include "harness/session.h"

#include <stdlib.h>
#include <string.h>

/* --- one engine --- */

/* What the server left, in memory of the caller's own. The outcome's set is checked: no page twice, none beyond. */
static enum px_status take_pages(const struct session_replay *from, struct px_replay *replay,
                                 struct px_error *err)
{
    size_t count = from->outcome.dirty_count, kept;
    if (count > SESSION_DIRTY_MAX)
        return px_fail(err, PX_ERR_INTERNAL, "replay: %zu pages written: expected at most %d", count,
                       SESSION_DIRTY_MAX);
    kept = count < PX_REPLAY_PAGES_MAX ? count : PX_REPLAY_PAGES_MAX;
    replay->outcome = from->outcome;
    replay->outcome.dirty = NULL;
    replay->outcome.dirty_count = count;
    if (count == 0)
        return PX_OK;
    uint32_t *dirty = malloc(count * sizeof *dirty);
    uint8_t *bytes = malloc(kept * PX_PAGE_SIZE);
    if (!dirty || !bytes) {
        free(dirty);
        free(bytes);
        return px_fail(err, PX_ERR_NOMEM, "replay: out of memory for %zu pages", kept);
    }
    memcpy(dirty, from->dirty, count * sizeof *dirty);
    memcpy(bytes, from->pages, kept * PX_PAGE_SIZE);
    replay->outcome.dirty = dirty;
    replay->page_count = kept;
    replay->bytes = bytes;
    return PX_OK;
}

static enum px_status replay_on(struct px_session *session, size_t engine, const struct px_program *program,
                                struct px_replay *replay, struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image;
    struct px_replay r = { .kind = PX_DIFF_NONE };
    enum px_status status = session_check(session, err);
    session_image(program, maps, &image);
    if (status == PX_OK)
        status = session_check_image(&image, err);
    if (status == PX_OK)
        status = session_run(session, &image, NULL, WORK_REPLAY, engine, err);
    if (status != PX_OK)
        return status;
    const struct session_slot *slot = &session->shared->slots[0];
    if (slot->results[0].diverges) {
        struct finding death = slot->findings[0];
        finding_make_harmless(&death);
        r.kind = session_kind(&death);
        if (r.kind == PX_DIFF_ABORT)
            session_death(&death, &r.death);
    } else if (!session->shared->replay.supported) {
        return px_fail(err, PX_UNSUPPORTED, "engine %s does not take the program",
                       px_session_engine(session, engine));
    } else {
        status = take_pages(&session->shared->replay, &r, err);
    }
    if (status == PX_OK)
        *replay = r;
    return status;
}

enum px_status px_replay_interp(struct px_session *session, const struct px_program *program,
                                struct px_replay *replay, struct px_error *err)
{
    return replay_on(session, 0, program, replay, err);
}

enum px_status px_replay_recomp(struct px_session *session, const struct px_program *program,
                                struct px_replay *replay, struct px_error *err)
{
    return replay_on(session, 1, program, replay, err);
}

const uint8_t *px_replay_page(const struct px_replay *replay, uint32_t page)
{
    for (size_t low = 0, high = replay->page_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        uint32_t number = replay->outcome.dirty[middle];
        if (number == page)
            return replay->bytes + middle * PX_PAGE_SIZE;
        if (number < page)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void px_replay_release(struct px_replay *replay)
{
    free((void *)(uintptr_t)replay->outcome.dirty);
    free(replay->bytes);
    *replay = (struct px_replay){ .kind = PX_DIFF_NONE };
}

/* --- the smallest program --- */

static enum px_status check_shrink(const struct px_session *session, const struct px_program *program,
                                   double seconds, struct px_error *err)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    struct px_image image;
    enum px_status status = session_check(session, err);
    if (status != PX_OK)
        return status;
    if (!(seconds > 0))
        return px_fail(err, PX_ERR_INPUT, "shrink: %g seconds: expected more than 0", seconds);
    session_image(program, maps, &image);
    status = session_check_image(&image, err);
    if (status == PX_OK && program->content_size > PX_SESSION_BYTES_MAX - program->code_size)
        status = px_fail(err, PX_ERR_INPUT, "%zu bytes of code and content: expected at most %d",
                         program->code_size + program->content_size, PX_SESSION_BYTES_MAX);
    return status;
}

enum px_status px_shrink(struct px_session *session, const struct px_program *program, double seconds,
                         struct px_program *small, struct px_shrunk *shrunk, struct px_error *err)
{
    const struct session_request request = { .command = COMMAND_SHRINK, .seconds = seconds };
    struct session_answer answer;
    const struct minimized *m = &answer.minimized;
    struct px_shrunk made = { .diverges = false };
    enum px_status status = check_shrink(session, program, seconds, err);
    if (status != PX_OK)
        return status;
    session_put_program(session->shared, program);
    status = session_ask(session, &request, &answer, err);
    if (status == PX_OK && m->diverges) {
        made = (struct px_shrunk){ .diverges = true,
                                   .confirmed = m->confirmed,
                                   .complete = m->complete,
                                   .before = m->before,
                                   .after = m->after,
                                   .tried = m->candidates,
                                   .seconds = m->seconds };
        memcpy(made.bucket, m->bucket.id, sizeof made.bucket);
        made.bucket[sizeof made.bucket - 1] = '\0';
        status = session_take_program(session->shared, small, err);
    }
    if (status == PX_OK)
        *shrunk = made;
    return status;
}
