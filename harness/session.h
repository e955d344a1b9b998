/* The caller's side of a session: what session.c and the functions of parallax.h share. */
#ifndef PX_SESSION_H
#define PX_SESSION_H

#include <sys/types.h>

#include "harness/session_shared.h"

#define SESSION_UNDONE "the sandbox left a program undone"

struct px_session {
    struct session_shared *shared;
    int control;
    pid_t keeper;
    bool confirm; /* run what diverges again in a fresh process */
    bool busy;    /* in a batch: its slots are taken */
    enum px_status broken; /* not PX_OK: there is nobody to work any more, @why says why */
    struct px_error why;
    uint64_t number; /* of the next slot given */
    uint64_t agreed; /* on so many programs of px_diff and px_diff_image the engines agreed */
    struct px_program before; /* that ran before, for check A, B, A with the next; else empty */
    bool has_before;
    struct session_load {
        size_t count, used; /* programs in it, and their bytes */
    } loads
        [SESSION_SLOTS]; /* our own account of the slots: what is shared is not to be trusted while we write there */
    size_t engine_count;
    char specs[RUN_ENGINES_MAX][PX_SPEC_MAX];
};

/* As px_session_create, from checked options, with the sandbox as it is. Tests open other engines with it. */
enum px_status session_start(const struct sandbox *sandbox, bool confirm, struct px_session **session,
                             struct px_error *err) PX_CHECKED;

/* PX_OK when @session can be asked something now. */
enum px_status session_check(const struct px_session *session, struct px_error *err) PX_CHECKED;

/* Why the session's processes ended, as a status for this call and all later ones; PX_OK while they work. */
enum px_status session_look(struct px_session *session, struct px_error *err) PX_CHECKED;

/* There is nobody to work any more: @status and @text from now on. Returns @status. */
enum px_status session_break(struct px_session *session, enum px_status status, const char *text,
                             struct px_error *err);

/* Asks the keeper and waits for its answer, whose status it returns. */
enum px_status session_ask(struct px_session *session, const struct session_request *request,
                           struct session_answer *answer, struct px_error *err) PX_CHECKED;

/* --- slots --- */

/* The caller's copy of @program's header, with @maps (PX_PROGRAM_MAPS_MAX of them) for its mappings. */
void session_image(const struct px_program *program, struct px_mapping *maps, struct px_image *image);

/* PX_ERR_INPUT: @image is not sound, or too large for any slot. */
enum px_status session_check_image(const struct px_image *image, struct px_error *err) PX_CHECKED;

/* Makes slot @number, which is the caller's, empty. */
struct session_slot *session_empty(struct px_session *session, size_t number, enum slot_work work);

/* Adds a copy of @image, which passes session_check_image, to slot @number. False: it is full enough. */
bool session_put(struct px_session *session, size_t number, const struct px_image *image);

/* Hands the slot to the server; it is the caller's again when its state is SLOT_DONE. */
void session_give(struct px_session *session, size_t number);

/* Waits for slot @number: until it is done, or has a result that diverges, or nothing happened for a while. */
enum px_status session_wait(struct px_session *session, size_t number, struct px_error *err) PX_CHECKED;

/* Runs one image in slot 0 to the end. @between: another one for check A, B, A, where both fit; or NULL. */
enum px_status session_run(struct px_session *session, const struct px_image *image,
                           const struct px_image *between, enum slot_work work, size_t engine,
                           struct px_error *err) PX_CHECKED;

/* --- findings from outside --- */

enum px_diff_kind session_kind(const struct finding *finding);
void session_death(const struct finding *finding, struct px_death *death);

#endif
