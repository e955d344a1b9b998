#include "harness/hostcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/finding.h"

static void keep_part(struct hostcode *code, const struct px_code_part *part)
{
    if (code->count == HOSTCODE_PARTS_MAX || part->size > sizeof code->bytes - code->size) {
        code->cut = true;
        return;
    }
    code->parts[code->count++] = (struct hostcode_part){ .role = part->role,
                                                         .pc = part->pc,
                                                         .offset = part->offset,
                                                         .size = part->size,
                                                         .at = (uint32_t)code->size };
    memcpy(code->bytes + code->size, part->bytes, part->size);
    code->size += part->size;
}

static void keep_labels(const struct engine *engine, const struct px_unit *unit, struct hostcode *code)
{
    struct px_code_label labels[HOSTCODE_LABELS_MAX];
    size_t count = engine->ops->code_labels(engine->instance, unit, labels, HOSTCODE_LABELS_MAX);
    code->label_count = count < HOSTCODE_LABELS_MAX ? count : HOSTCODE_LABELS_MAX;
    for (size_t i = 0; i < code->label_count; i++) {
        code->labels[i].offset = labels[i].offset;
        (void)snprintf(code->labels[i].name, sizeof code->labels[i].name, "%s", labels[i].name);
    }
}

static enum px_status collect(const struct engine *engine, const struct px_unit *unit, uint32_t first,
                              uint32_t last, struct hostcode *code)
{
    size_t count = engine->ops->code_parts(engine->instance, unit, NULL, 0);
    struct px_code_part *parts = calloc(count + 1, sizeof *parts);
    if (!parts)
        return PX_ERR_NOMEM;
    engine->ops->code_parts(engine->instance, unit, parts, count);
    for (size_t i = 0; i < count; i++)
        if (parts[i].pc >= first && parts[i].pc <= last)
            keep_part(code, &parts[i]);
    free(parts);
    keep_labels(engine, unit, code);
    for (unsigned x = 0; x < PX_REG_COUNT; x++) {
        struct px_reg_home home = engine->ops->reg_home(engine->instance, x);
        code->homes[x] = (struct hostcode_home){ .memory = home.memory, .disp = home.disp };
        (void)snprintf(code->homes[x].reg, sizeof code->homes[x].reg, "%s", home.reg ? home.reg : "");
    }
    code->known = true;
    return PX_OK;
}

enum px_status hostcode_collect(const struct engine *engine, const struct px_image *image, uint32_t first,
                                uint32_t last, struct hostcode *code, struct px_error *err)
{
    struct px_unit *unit;
    code->known = code->cut = false;
    code->count = code->size = code->label_count = 0;
    if (!engine->ops->code_parts)
        return PX_OK;
    enum px_status status = engine->ops->prepare(engine->instance, image, PX_PREPARE_MAPPED, &unit, err);
    if (status != PX_OK)
        return status == PX_UNSUPPORTED ? PX_OK : status;
    status = collect(engine, unit, first, last, code);
    engine->ops->release(engine->instance, unit);
    return status == PX_OK ? PX_OK : px_fail(err, status, "out of memory for a map of host code");
}

void hostcode_make_harmless(struct hostcode *code)
{
    make_bool(&code->known);
    make_bool(&code->cut);
    if (code->count > HOSTCODE_PARTS_MAX || code->size > HOSTCODE_BYTES_MAX)
        code->count = code->size = 0;
    if (code->label_count > HOSTCODE_LABELS_MAX)
        code->label_count = 0;
    for (size_t i = 0; i < code->label_count; i++)
        code->labels[i].name[sizeof code->labels[i].name - 1] = '\0';
    for (size_t i = 0; i < code->count; i++) {
        struct hostcode_part *part = &code->parts[i];
        if (part->role >= PX_CODE_ROLE_COUNT || part->at > code->size || part->size > code->size - part->at)
            *part = (struct hostcode_part){ .role = PX_CODE_COLD };
    }
    for (unsigned x = 0; x < PX_REG_COUNT; x++) {
        make_bool(&code->homes[x].memory);
        code->homes[x].reg[sizeof code->homes[x].reg - 1] = '\0';
    }
}
