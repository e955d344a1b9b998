#define _GNU_SOURCE
#include "harness/guided/guided.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/futex.h"
#include "harness/child.h"

/* Of each job: as many as wait to be looked at, two programs each, and what may still become one. */
enum { FINDINGS_MAX = 2 * LEDGER_RING + 2 * WORKER_BATCH };

struct guided_finding {
    uint64_t index;
    uint8_t *bytes;
    size_t size;
    bool told; /* what was found is known, and was not asked for: @finding, by worker @job */
    unsigned job;
    struct finding finding;
};

/* --- the corpus in memory --- */

/* Appends an entry for all workers to see; false when there is no room, which costs no more than that. */
static bool append(struct guided *g, const struct guided_entry *claims, const uint8_t *bytes, size_t size)
{
    struct guided_corpus *corpus = g->corpus;
    uint32_t count = atomic_load(&corpus->count);
    if (count == GUIDED_ENTRIES_MAX || size > GUIDED_ARENA - g->arena_used)
        return false;
    struct guided_entry *entry = &corpus->entries[count];
    *entry = *claims;
    entry->offset = (uint32_t)g->arena_used;
    entry->size = (uint32_t)size;
    memcpy(corpus->arena + g->arena_used, bytes, size);
    g->arena_used += size;
    atomic_store(&corpus->count, count + 1);
    return true;
}

static bool take_import(void *arg, const uint8_t *bytes, size_t size)
{
    static const struct guided_entry nothing_yet = { .gas = UINT32_MAX };
    struct guided *g = arg;
    bool taken = append(g, &nothing_yet, bytes, size);
    g->corpus->imports += taken;
    return taken;
}

/* --- beginning and end --- */

static enum px_status share_all(struct guided *g, struct px_error *err)
{
    g->corpus = child_share(sizeof *g->corpus);
    g->bell = child_share(sizeof *g->bell);
    g->boxes = calloc(g->jobs, sizeof *g->boxes);
    g->findings = calloc((size_t)FINDINGS_MAX * g->jobs, sizeof *g->findings);
    bool there = g->corpus && g->bell && g->boxes && g->findings;
    for (unsigned i = 0; i < g->jobs && there; i++)
        there = (g->boxes[i] = child_share(sizeof *g->boxes[i])) != NULL;
    enum px_status status =
        there ? PX_OK
              : px_fail(err, PX_ERR_NOMEM, "out of memory for a guided campaign with %u jobs", g->jobs);
    return status;
}

enum px_status guided_create(const char *out, const char *corpus, unsigned jobs, struct guided **guided,
                             struct px_error *err)
{
    struct guided *g = calloc(1, sizeof *g);
    if (!g)
        return px_fail(err, PX_ERR_NOMEM, "out of memory for a guided campaign");
    g->jobs = jobs;
    px_program_init(&g->program);
    enum px_status status = corpus_open(&g->disk, out, corpus, err);
    if (status == PX_OK)
        status = share_all(g, err);
    if (status == PX_OK)
        status = corpus_load(&g->disk, GUIDED_BYTES_MAX, take_import, g, err);
    if (status != PX_OK) {
        guided_destroy(g);
        return status;
    }
    *guided = g;
    return PX_OK;
}

void guided_destroy(struct guided *g)
{
    if (!g)
        return;
    for (unsigned i = 0; g->boxes && i < g->jobs; i++)
        child_unshare(g->boxes[i], sizeof *g->boxes[i]);
    for (size_t i = 0; i < g->finding_count; i++)
        free(g->findings[i].bytes);
    child_unshare(g->corpus, sizeof *g->corpus);
    child_unshare(g->bell, sizeof *g->bell);
    corpus_close(&g->disk);
    px_program_fini(&g->program);
    free(g->findings);
    free(g->boxes);
    free(g);
}

void guided_lend(const struct guided *g, unsigned job, bool lent)
{
    child_lend(g->corpus, sizeof *g->corpus, lent);
    child_lend(g->bell, sizeof *g->bell, lent);
    child_lend(g->boxes[job], sizeof *g->boxes[job], lent);
}

/* --- what workers hand over --- */

/* A copy that nobody changes any more, and that holds a program; false: what stands there is none. */
static bool copy_program(struct guided *g, const struct guided_program *from, uint8_t *bytes, size_t *size)
{
    uint32_t there = from->size;
    if (there == 0 || there > GUIDED_BYTES_MAX)
        return false;
    memcpy(bytes, from->bytes, there);
    *size = there;
    return px_program_unpack(&g->program, "program", bytes, there, NULL) == PX_OK;
}

/* Remembers @kept, with a copy of its bytes; an older one of this index is none any more. PX_ERR_NOMEM. */
static enum px_status keep_finding(struct guided *g, const struct guided_finding *kept)
{
    size_t at = 0;
    uint8_t *copy = malloc(kept->size);
    if (!copy)
        return PX_ERR_NOMEM;
    memcpy(copy, kept->bytes, kept->size);
    while (at < g->finding_count && g->findings[at].index != kept->index)
        at++;
    if (at == g->finding_count && g->finding_count == (size_t)FINDINGS_MAX * g->jobs)
        at = 0;
    if (at < g->finding_count) {
        free(g->findings[at].bytes);
        g->finding_count--;
        memmove(&g->findings[at], &g->findings[at + 1], (g->finding_count - at) * sizeof *g->findings);
    }
    g->findings[g->finding_count] = *kept;
    g->findings[g->finding_count++].bytes = copy;
    return PX_OK;
}

static bool entry_is_possible(const struct guided_entry *entry)
{
    if (entry->claim_count > GUIDED_CLAIMS)
        return false;
    for (unsigned i = 0; i < entry->claim_count; i++)
        if (entry->claims[i] >= FEATURES)
            return false;
    return true;
}

static enum px_status take_mail(struct guided *g, unsigned job, struct px_error *err)
{
    const struct guided_mail *mail = &g->boxes[job]->mail;
    uint8_t bytes[GUIDED_BYTES_MAX];
    struct guided_entry entry = mail->entry;
    struct guided_finding kept = { .index = mail->index, .bytes = bytes, .job = job };
    uint32_t kind = mail->kind;
    size_t size;
    bool added;
    if (!copy_program(g, &mail->program, bytes, &size) || !entry_is_possible(&entry))
        return PX_OK; /* whoever wrote it, it is of no use */
    if (kind != GUIDED_MAIL_ENTRY) {
        kept.size = size;
        kept.told = kind == GUIDED_MAIL_FINDING;
        memcpy(&kept.finding, &mail->finding, sizeof kept.finding);
        enum px_status status = keep_finding(g, &kept);
        return status == PX_OK ? PX_OK : px_fail(err, status, "out of memory for the program of a finding");
    }
    enum px_status status = corpus_save(&g->disk, &g->program, bytes, size, &added, err);
    if (status == PX_OK)
        (void)append(g, &entry, bytes, size);
    return status;
}

static enum px_status poll_box(struct guided *g, unsigned job, struct px_error *err)
{
    struct guided_mail *mail = &g->boxes[job]->mail;
    uint32_t posted = atomic_load(&mail->posted);
    if (posted == atomic_load(&mail->taken))
        return PX_OK;
    enum px_status status = take_mail(g, job, err);
    atomic_store(&mail->taken, posted);
    futex_wake(&mail->taken);
    return status;
}

enum px_status guided_poll(struct guided *g, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < g->jobs && status == PX_OK; i++)
        status = poll_box(g, i, err);
    return status;
}

void guided_wait(const struct guided *g, unsigned milliseconds)
{
    uint32_t rung = atomic_load(&g->bell->rung);
    for (unsigned i = 0; i < g->jobs; i++)
        if (atomic_load(&g->boxes[i]->mail.posted) != atomic_load(&g->boxes[i]->mail.taken))
            return;
    futex_wait(&g->bell->rung, rung, milliseconds);
}

/* The program that was handed over with it is the one; what stands in the batch may be a later one. */
static bool is_told(const struct guided *g, uint64_t index)
{
    for (size_t i = 0; i < g->finding_count; i++)
        if (g->findings[i].index == index)
            return g->findings[i].told;
    return false;
}

enum px_status guided_bury(struct guided *g, unsigned job, struct px_error *err)
{
    struct guided_box *box = g->boxes[job];
    uint8_t bytes[GUIDED_BYTES_MAX];
    struct guided_finding kept = { .bytes = bytes, .job = job };
    enum px_status status = poll_box(g, job, err);
    for (size_t i = 0; i < WORKER_BATCH && status == PX_OK; i++) {
        uint64_t number = box->batch[i].number;
        kept.index = number - 1;
        if (number != 0 && !is_told(g, kept.index) &&
            copy_program(g, &box->batch[i].program, bytes, &kept.size))
            status = keep_finding(g, &kept);
        box->batch[i].number = 0;
    }
    return status;
}

bool guided_rescue(struct guided *g, unsigned job, uint64_t first, struct finding *finding)
{
    for (size_t i = 0; i < g->finding_count; i++) {
        struct guided_finding *kept = &g->findings[i];
        if (!kept->told || kept->job != job || kept->index < first)
            continue;
        kept->told = false;
        *finding = kept->finding;
        finding_make_harmless(finding);
        return true;
    }
    return false;
}

enum px_status guided_fetch(const struct guided *g, uint64_t index, struct px_program *program)
{
    for (size_t i = 0; i < g->finding_count; i++)
        if (g->findings[i].index == index)
            return px_program_unpack(program, "program", g->findings[i].bytes, g->findings[i].size, NULL);
    return PX_ERR_INPUT;
}

unsigned guided_entries(const struct guided *g)
{
    return atomic_load(&g->corpus->count);
}
