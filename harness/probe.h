/*
 * Buckets from a process of their own. One child serves many programs; when one kills it, the next child goes on
 * with the search from what the journal knows. The caller runs no guest program.
 */
#ifndef PX_PROBE_H
#define PX_PROBE_H

#include "harness/bucket.h"
#include "harness/hostcode.h"
#include "harness/sandbox.h"
#include "vm/program.h"

enum { PROBE_BYTES_MAX = 32 << 20 }; /* code and memory content of one program */

struct probe_config {
    struct sandbox sandbox;
    /* The deadline of a campaign, a second, instead of max(10 ms, 50 x the first engine's time). CPU time in both cases. */
    bool patient;
    /* Looked at while waiting, when set: true ends the wait with PX_ERR_SYSTEM "interrupted". */
    bool (*interrupted)(void *arg);
    void *arg;
};

struct probe;

/* PX_ERR_INPUT: what the engine list says is wrong. */
enum px_status probe_create(const struct probe_config *config, struct probe **probe,
                            struct px_error *err) PX_CHECKED;
void probe_destroy(struct probe *probe); /* NULL is fine */

/* Ends the child, which starts again when it is asked something. */
void probe_rest(struct probe *probe);

/*
 * Compares engine 0 with engine @other (0: with the first that diverges) and fills @bucket. PX_OK whatever the program
 * does. PX_ERR_FULL: more than PROBE_BYTES_MAX.
 */
enum px_status probe_bucket(struct probe *probe, const struct px_program *program, size_t other,
                            struct bucket *bucket, struct px_error *err) PX_CHECKED;

/* The same, with the host code around what was found. */
enum px_status probe_locate(struct probe *probe, const struct px_program *program, size_t other,
                            struct bucket *bucket, struct hostcode *code, struct px_error *err) PX_CHECKED;

/* Children started so far. */
uint64_t probe_processes(const struct probe *probe);

#endif
