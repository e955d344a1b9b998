#include "generators/trim.h"

#include <stdlib.h>
#include <string.h>

void trim_init(struct trim *trim)
{
    *trim = (struct trim){ .phase = TRIM_DONE };
    px_program_init(&trim->best);
    px_program_init(&trim->candidate);
}

void trim_fini(struct trim *trim)
{
    px_program_fini(&trim->best);
    px_program_fini(&trim->candidate);
    listing_fini(&trim->code);
    free(trim->drops);
    *trim = (struct trim){ .phase = TRIM_DONE };
}

static enum px_status make_room(struct trim *trim, size_t count)
{
    if (count <= trim->drops_room)
        return PX_OK;
    uint32_t *drops = realloc(trim->drops, count * sizeof *drops);
    if (!drops)
        return PX_ERR_NOMEM;
    trim->drops = drops;
    trim->drops_room = count;
    return PX_OK;
}

enum px_status trim_begin(struct trim *trim, const struct px_program *program)
{
    trim->phase = TRIM_DONE;
    enum px_status status = px_program_copy(&trim->best, program);
    if (status == PX_OK)
        status = listing_read(&trim->code, program);
    if (status == PX_OK)
        status = make_room(trim, trim->code.count);
    if (status != PX_OK)
        return status;
    trim->phase = TRIM_CODE;
    trim->run = (trim->code.count + 1) / 2;
    trim->at = trim->dropped = 0;
    return PX_OK;
}

/* Code as the list says, everything else as in the best. */
static bool put_code(struct trim *trim)
{
    return listing_write(&trim->code, &trim->best, &trim->candidate) == PX_OK;
}

/* The next run of which something is left. */
static bool drop_run(struct trim *trim)
{
    struct listing *code = &trim->code;
    uint32_t end = code->count - trim->at > trim->run ? trim->at + trim->run : code->count;
    trim->dropped = 0;
    for (; trim->at < end; trim->at++) {
        if (code->items[trim->at].dropped)
            continue;
        code->items[trim->at].dropped = true;
        trim->drops[trim->dropped++] = trim->at;
    }
    return trim->dropped > 0 && put_code(trim);
}

/* What was dropped in vain comes back. */
static void undrop(struct trim *trim)
{
    while (trim->dropped > 0)
        trim->code.items[trim->drops[--trim->dropped]].dropped = false;
}

static bool next_of_code(struct trim *trim)
{
    uint32_t least = trim->code.count / TRIM_RUNS + 1;
    undrop(trim);
    while (trim->run >= least) {
        while (trim->at < trim->code.count) {
            if (drop_run(trim))
                return true;
            undrop(trim);
        }
        if (trim->run == least)
            break;
        trim->run = trim->run / 2 > least ? trim->run / 2 : least;
        trim->at = 0;
    }
    return false;
}

static bool copy_best(struct trim *trim)
{
    return px_program_copy(&trim->candidate, &trim->best) == PX_OK;
}

/* From the last to the first, so that numbers stay what they are. */
static bool next_of_maps(struct trim *trim)
{
    if (trim->at == 0 || !copy_best(trim))
        return false;
    px_program_unmap(&trim->candidate, --trim->at);
    return true;
}

static bool next_of_content(struct trim *trim)
{
    while (trim->at > 0 && copy_best(trim)) {
        struct px_mapping map = px_program_mapping(&trim->best, --trim->at);
        if (map.content_size == 0)
            continue;
        enum px_map_kind kind = map.kind == PX_MAP_COW ? PX_MAP_ZERO : map.kind;
        px_program_unmap(&trim->candidate, trim->at);
        if (px_program_map(&trim->candidate, map.start, map.size, kind, NULL, 0) == PX_OK)
            return true;
    }
    return false;
}

static bool next_of_seeds(struct trim *trim)
{
    while (trim->at < PX_REG_COUNT && trim->best.x[trim->at] == 0)
        trim->at++;
    if (trim->at == PX_REG_COUNT || !copy_best(trim))
        return false;
    trim->candidate.x[trim->at++] = 0;
    return true;
}

static void go_on(struct trim *trim)
{
    trim->phase++;
    trim->at = trim->phase == TRIM_MAPS || trim->phase == TRIM_CONTENT ? (uint32_t)trim->best.map_count : 0;
}

bool trim_next(struct trim *trim)
{
    static bool (*const next[])(struct trim *) = {
        [TRIM_CODE] = next_of_code,
        [TRIM_MAPS] = next_of_maps,
        [TRIM_CONTENT] = next_of_content,
        [TRIM_SEEDS] = next_of_seeds,
    };
    while (trim->phase != TRIM_DONE) {
        if (next[trim->phase](trim)) {
            trim->candidate.origin.known = trim->candidate.has_expect = false;
            return true;
        }
        go_on(trim);
    }
    return false;
}

void trim_keep(struct trim *trim)
{
    struct px_program best = trim->best;
    trim->best = trim->candidate;
    trim->candidate = best;
    trim->dropped = 0;
}
