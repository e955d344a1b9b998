#define _GNU_SOURCE
#include "harness/tests/attack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#include "harness/tests/give_up.h"

enum { PARTS_MAX = 4096, LABELS_MAX = 64 };

/* A stretch of address space. */
struct range {
    uint64_t start, size;
    uint64_t inode; /* of its shared memory */
};

struct px_engine {
    struct engine inner;
    struct range code;  /* the view that is executed, and ... */
    struct range alias; /* ... the one that is written */
    struct range heap, shared;
};

static struct {
    const struct attack *attacks;
    size_t count;
    uint64_t chosen[ATTACKS_MAX]; /* digests of programs, 0: none */
} plan;

static uint64_t digest(const struct px_image *image)
{
    return XXH3_64bits_withSeed(image->x, sizeof image->x, XXH3_64bits(image->code, image->code_size) | 1);
}

void attack_plan(const struct attack *attacks, size_t count)
{
    assert_true(count <= ATTACKS_MAX);
    memset(&plan, 0, sizeof plan);
    plan.attacks = attacks;
    plan.count = count;
}

void attack_choose(size_t attack, struct px_program *program)
{
    struct px_image image;
    px_program_image(program, &image);
    plan.chosen[attack] = digest(&image);
}

static const struct attack *find(const struct px_image *image)
{
    uint64_t sought = digest(image);
    for (size_t i = 0; i < plan.count; i++)
        if (plan.chosen[i] == sought)
            return &plan.attacks[i];
    return NULL;
}

/* --- the process --- */

/*
 * "START-END PERMISSIONS OFFSET DEVICE INODE NAME": the last mapping called @name with @permissions, of the memory that @of is
 * a view of, or of another if @other. @of NULL: of any.
 */
static struct range find_mapping(const char *name, const char *permissions, const struct range *of,
                                 bool other)
{
    char line[512];
    struct range found = { 0 };
    FILE *file = fopen("/proc/self/maps", "re");
    if (!file)
        give_up("/proc/self/maps");
    while (fgets(line, sizeof line, file)) {
        char *end, *field;
        uint64_t start = strtoull(line, &end, 16), stop = strtoull(end + 1, &end, 16);
        bool fits = strstr(line, name) && strncmp(end + 1, permissions, strlen(permissions)) == 0;
        field = strchr(end + 1, ' ');       /* in front of the offset ... */
        field = strchr(field + 1, ' ');     /* ... the device ... */
        field = strchr(field + 1, ' ');     /* ... and the inode */
        uint64_t inode = strtoull(field, NULL, 10);
        if (fits && (!of || (inode == of->inode) != other))
            found = (struct range){ .start = start, .size = stop - start, .inode = inode };
    }
    (void)fclose(file);
    return found;
}

/* --- the bytes --- */

static void replace(uint8_t *code, size_t size, const char *placeholder, uint64_t value)
{
    for (uint8_t *at = code; (at = memmem(at, size - (size_t)(at - code), placeholder, sizeof value));)
        memcpy(at, &value, sizeof value);
}

/* Where the unit is entered: *room bytes of code, and where the unit begins. */
static const uint8_t *entry_of(const struct px_engine *e, const struct px_unit *unit, size_t *room,
                               const uint8_t **start)
{
    static struct px_code_part parts[PARTS_MAX];
    size_t count = e->inner.ops->code_parts(e->inner.instance, unit, parts, PARTS_MAX);
    const uint8_t *entry = NULL;
    assert_true(count > 0 && count <= PARTS_MAX);
    *start = parts[0].bytes - parts[0].offset;
    for (size_t i = 0; i < count && !entry; i++)
        if (parts[i].role == PX_CODE_HEAD && parts[i].pc == 0)
            entry = parts[i].bytes;
    assert_non_null(entry);
    *room = (size_t)(parts[count - 1].bytes + parts[count - 1].size - entry);
    return entry;
}

static uint64_t leave_of(const struct px_engine *e, const struct px_unit *unit, const uint8_t *start)
{
    struct px_code_label labels[LABELS_MAX];
    size_t count = e->inner.ops->code_labels(e->inner.instance, unit, labels, LABELS_MAX);
    for (size_t i = 0; i < count && i < LABELS_MAX; i++)
        if (strcmp(labels[i].name, "leave") == 0)
            return (uint64_t)((int64_t)(uintptr_t)start + labels[i].offset);
    fail_msg("there is no label 'leave'");
    return 0;
}

static void overwrite(struct px_engine *e, const struct px_unit *unit, const struct attack *attack)
{
    uint8_t code[ATTACK_BYTES_MAX];
    size_t room;
    const uint8_t *start, *entry = entry_of(e, unit, &room, &start);
    uint64_t alias = (uint64_t)(uintptr_t)entry - e->code.start + e->alias.start;
    assert_true(attack->size <= sizeof code && attack->size <= room);
    memcpy(code, attack->code, attack->size);
    replace(code, attack->size, ATTACK_LEAVE, leave_of(e, unit, start));
    replace(code, attack->size, ATTACK_ALIAS, alias);
    replace(code, attack->size, ATTACK_ENGINE, (uint64_t)(uintptr_t)e->inner.instance);
    replace(code, attack->size, ATTACK_HEAP, e->heap.start);
    replace(code, attack->size, ATTACK_HEAP_SIZE, e->heap.size);
    replace(code, attack->size, ATTACK_SHARED, e->shared.start);
    replace(code, attack->size, ATTACK_SHARED_SIZE, e->shared.size);
    memcpy((void *)(uintptr_t)alias, code, attack->size);
}

/* --- the engine --- */

static void attack_destroy(struct px_engine *engine)
{
    if (engine)
        engine_close(&engine->inner);
    free(engine);
}

static const char *attack_spec(const struct px_engine *engine)
{
    return engine_spec(&engine->inner);
}

static struct px_caps attack_caps(const struct px_engine *engine)
{
    return engine->inner.ops->caps(engine->inner.instance);
}

static enum px_status attack_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    const struct attack *attack = find(image);
    enum px_status status = engine->inner.ops->prepare(engine->inner.instance, image,
                                                       flags | (attack ? PX_PREPARE_MAPPED : 0), unit, err);
    if (status == PX_OK && attack)
        overwrite(engine, *unit, attack);
    return status;
}

static void attack_release(struct px_engine *engine, struct px_unit *unit)
{
    engine->inner.ops->release(engine->inner.instance, unit);
}

static enum px_status attack_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    return engine->inner.ops->run(engine->inner.instance, unit, entry, outcome, err);
}

static enum px_status attack_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    return engine->inner.ops->read_page(engine->inner.instance, page, scratch, bytes);
}

static void attack_reset(struct px_engine *engine)
{
    engine->inner.ops->reset(engine->inner.instance);
}

static enum px_fault_verdict attack_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    return engine->inner.ops->on_fault(engine->inner.instance, signal, siginfo, ucontext, site);
}

static const struct px_engine_ops attack_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "attack",
    .destroy = attack_destroy,
    .spec = attack_spec,
    .caps = attack_caps,
    .prepare = attack_prepare,
    .release = attack_release,
    .run = attack_run,
    .read_page = attack_read_page,
    .reset = attack_reset,
    .on_fault = attack_on_fault,
};

enum px_status attack_open(const char *spec, struct run *run, struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    struct engine engines[2] = { { .ops = NULL }, { .ops = &attack_engine, .instance = e } };
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "out of memory");
    enum px_status status = engine_open("interp", &engines[0], err);
    if (status == PX_OK)
        status = engine_open(spec, &e->inner, err);
    if (status != PX_OK) {
        engine_close(&engines[0]);
        attack_destroy(e);
        return status;
    }
    e->code = find_mapping("/dev/zero", "r-xs", NULL, false);
    e->alias = find_mapping("/dev/zero", "rw-s", &e->code, false);
    e->heap = find_mapping("[heap]", "rw-p", NULL, false);
    e->shared = find_mapping("/dev/zero", "rw-s", &e->code, true);
    return run_open_engines(engines, 2, run, err);
}
