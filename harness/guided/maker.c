#define _GNU_SOURCE
#include "harness/guided/maker.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/futex.h"

enum {
    FRESH_ONE_IN = 4,  /* programs of the generator */
    CROSS_ONE_IN = 4,  /* of the others, with another entry */
    DRAWN = 4,         /* entries that compete */
    NEWEST = 64,
    NEWEST_ONE_IN = 4,
    LARGEST_ONE_IN = 16,
    MORE_GAS_ONE_IN = 64, /* mutants that may take as much gas as they are given */
    GAS_SPARE = 3000,     /* beyond twice what the parent took */
    GENERATED_GAS_MAX = 1000000, /* programs of the generators end with it in milliseconds */
    WAIT_MS = 100,
};

enum px_status maker_init(struct maker *m, const struct worker_config *config, unsigned job,
                          struct features *features, struct px_error *err)
{
    m->guided = config->guided;
    m->config = config;
    m->job = job;
    m->box = m->guided->boxes[job];
    m->features = features;
    m->mutator = (struct mutator){ .code_max = GUIDED_BYTES_MAX / 4, .content_max = GUIDED_BYTES_MAX / 4 };
    px_program_init(&m->other);
    if (mprotect(m->guided->corpus, sizeof *m->guided->corpus, PROT_READ) != 0)
        return px_fail(err, PX_ERR_SYSTEM, "corpus: mprotect: %s", strerror(errno));
    return PX_OK;
}

/* --- which entry comes next --- */

/* How many programs showed the rarest of what @entry claims; more for one that takes long. */
static uint64_t weight_of(const struct maker *m, const struct guided_entry *entry)
{
    uint64_t rarest = UINT32_MAX;
    for (unsigned i = 0; i < entry->claim_count && i < GUIDED_CLAIMS; i++) {
        unsigned claim = entry->claims[i];
        if (claim < FEATURES && m->shown[claim] < rarest)
            rarest = m->shown[claim];
    }
    return (rarest + 1) * (1000 + entry->gas + 8 * (uint64_t)entry->size);
}

/* Looks through the entries that are new to us for larger ones than there were. */
static void note_largest(struct maker *m, uint32_t count)
{
    for (; m->known < count; m->known++) {
        const struct guided_entry *entry = &m->guided->corpus->entries[m->known];
        for (unsigned i = 0; i < entry->claim_count && i < GUIDED_CLAIMS; i++) {
            unsigned at = entry->claims[i] - (unsigned)FEATURE_SIZES;
            if (at >= FEATURES_SIZES * FEATURES_SIZE_STEPS)
                continue;
            unsigned kind = at / FEATURES_SIZE_STEPS, step = at % FEATURES_SIZE_STEPS;
            if (m->largest[kind].entry != 0 && step <= m->largest[kind].step)
                continue;
            m->largest[kind].entry = m->known + 1;
            m->largest[kind].step = step;
        }
    }
}

/* One of the entries that showed something; the corpus has some. */
static const struct guided_entry *pick(struct maker *m, uint32_t first, uint32_t count)
{
    const struct guided_corpus *corpus = m->guided->corpus;
    unsigned kind = prng_below(&m->prng, LARGEST_ONE_IN * FEATURES_SIZES);
    if (kind < FEATURES_SIZES && m->largest[kind].entry != 0)
        return &corpus->entries[m->largest[kind].entry - 1];
    const struct guided_entry *best = NULL;
    uint64_t least = UINT64_MAX;
    if (count - first > NEWEST && prng_one_in(&m->prng, NEWEST_ONE_IN))
        first = count - NEWEST;
    for (unsigned i = 0; i < DRAWN; i++) {
        const struct guided_entry *entry = &corpus->entries[first + prng_below(&m->prng, count - first)];
        uint64_t weight = weight_of(m, entry);
        if (weight < least) {
            least = weight;
            best = entry;
        }
    }
    return best;
}

/* False: nobody can read it, which only a guest that broke out brings about. */
static bool read_entry(const struct maker *m, const struct guided_entry *entry, struct px_program *program)
{
    const struct guided_corpus *corpus = m->guided->corpus;
    if (entry->size > GUIDED_BYTES_MAX || entry->offset > GUIDED_ARENA - entry->size)
        return false;
    return px_program_unpack(program, "entry", corpus->arena + entry->offset, entry->size, NULL) == PX_OK;
}

/* --- making --- */

/* The next entry from disk whose turn it is with this worker; false when all have had theirs. */
static bool make_import(struct maker *m, struct px_program *program)
{
    const struct guided_corpus *corpus = m->guided->corpus;
    for (;;) {
        uint32_t done = atomic_load(&m->box->imported);
        uint64_t at = m->job + (uint64_t)done * m->config->jobs;
        if (at >= corpus->imports)
            return false;
        atomic_store(&m->box->imported, done + 1);
        if (!read_entry(m, &corpus->entries[at], program))
            continue;
        if (program->gas > GENERATED_GAS_MAX)
            mutate_limit_gas(program);
        return true;
    }
}

static enum px_status make_mutant(struct maker *m, uint32_t first, uint32_t count, struct px_program *program)
{
    const struct guided_entry *entry = pick(m, first, count);
    enum px_status status = PX_OK;
    if (!entry || !read_entry(m, entry, program))
        px_program_clear(program);
    if (prng_one_in(&m->prng, CROSS_ONE_IN) && (entry = pick(m, first, count)) != NULL &&
        read_entry(m, entry, &m->other))
        status = mutate_cross(&m->mutator, program, &m->other);
    if (status == PX_OK)
        status = mutate_program(&m->mutator, program);
    /* A loop that has lost its end would run until the gas is gone. */
    uint64_t enough = entry ? 2 * (uint64_t)entry->gas + GAS_SPARE : 0;
    if (entry && program->gas > enough && !prng_one_in(&m->prng, MORE_GAS_ONE_IN))
        program->gas = enough;
    return status;
}

/* Keeps the program where the supervisor finds it; PX_ERR_FULL: it is too large for that. */
static enum px_status keep(struct maker *m, uint64_t index, size_t slot, struct px_program *program)
{
    struct guided_program *copy = &m->box->batch[slot].program;
    size_t size = 0;
    program->origin = (struct px_origin){
        .known = true, .seed = m->config->seed, .index = index, .gen = GUIDED_GEN, .version = GUIDED_VERSION
    };
    m->box->batch[slot].number = 0;
    enum px_status status = px_program_pack(program, copy->bytes, sizeof copy->bytes, &size);
    copy->size = status == PX_OK ? (uint32_t)size : 0;
    m->box->batch[slot].number = index + 1;
    return status;
}

enum px_status maker_make(struct maker *m, uint64_t index, size_t slot, struct px_program *program)
{
    const struct guided_corpus *corpus = m->guided->corpus;
    uint32_t count = atomic_load(&corpus->count), first = corpus->imports;
    enum px_status status = PX_OK;
    prng_init(&m->prng, m->config->seed ^ UINT64_C(0x677569646564), index);
    mutator_seed(&m->mutator, m->config->seed, index);
    if (count > GUIDED_ENTRIES_MAX)
        count = GUIDED_ENTRIES_MAX;
    note_largest(m, count);
    if (!make_import(m, program)) {
        if (count <= first || prng_one_in(&m->prng, FRESH_ONE_IN))
            status =
                px_gen_make(&m->config->gen, m->config->seed, index % px_gen_count(&m->config->gen), program);
        else
            status = make_mutant(m, first, count, program);
    }
    if (status != PX_OK)
        return status;
    status = keep(m, index, slot, program);
    if (status != PX_ERR_FULL)
        return status;
    px_program_clear(program); /* one of the few generated programs that are so large */
    status = px_gen_make(&(struct px_gen){ .generator = &px_gen_straight, .spec = "straight" },
                         m->config->seed, index, program);
    return status == PX_OK ? keep(m, index, slot, program) : status;
}

/* --- handing over --- */

/* Posts what stands in @slot and waits until it is taken: nothing is lost then, whatever becomes of us. */
static void post(struct maker *m, enum guided_mail_kind kind, uint64_t index, size_t slot,
                 const struct guided_entry *entry, const struct finding *finding)
{
    struct guided_mail *mail = &m->box->mail;
    const struct guided_program *program = &m->box->batch[slot].program;
    uint32_t number = atomic_load(&mail->taken) + 1;
    mail->kind = kind;
    mail->index = index;
    if (entry)
        mail->entry = *entry;
    if (finding)
        mail->finding = *finding;
    mail->program.size = program->size;
    memcpy(mail->program.bytes, program->bytes, program->size);
    atomic_store(&mail->posted, number);
    atomic_fetch_add(&m->guided->bell->rung, 1);
    futex_wake(&m->guided->bell->rung);
    for (uint32_t taken; (taken = atomic_load(&mail->taken)) != number;)
        futex_wait(&mail->taken, taken, WAIT_MS);
}

void maker_learn(struct maker *m, uint64_t index, size_t slot, uint64_t gas)
{
    const struct features *f = m->features;
    struct guided_entry entry = { .gas = gas < UINT32_MAX ? (uint32_t)gas : UINT32_MAX };
    unsigned fresh = 0;
    for (size_t i = 0; i < f->count; i++) {
        unsigned feature = f->hits[i];
        m->shown[feature] += m->shown[feature] < UINT32_MAX;
        if (coverage_show(m->config->seen, feature, index) && fresh++ < GUIDED_CLAIMS)
            entry.claims[entry.claim_count++] = (uint16_t)feature;
    }
    if (fresh > 0)
        post(m, GUIDED_MAIL_ENTRY, index, slot, &entry, NULL);
}

void maker_deposit(struct maker *m, uint64_t index, size_t slot, const struct finding *finding)
{
    post(m, finding ? GUIDED_MAIL_FINDING : GUIDED_MAIL_PROGRAM, index, slot, NULL, finding);
}
