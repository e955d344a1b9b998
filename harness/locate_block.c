/* From a block to the instruction in it: the block is cut after so many instructions. */
#include "harness/locate_search.h"

#include <stdlib.h>
#include <string.h>

enum { SNAPSHOT_MAX = 8 << 20 }; /* bytes of memory content in a snapshot */

/* State in front of the block. */
enum px_status locate_look_before(struct search *s)
{
    if (s->block > 1)
        return locate_after_blocks(s, s->block - 1, &s->before);
    const struct px_program *p = &s->whole.program;
    s->before = (struct verdict){ .a = { .exit = PX_EXIT_STOPPED, .pc = p->entry_pc, .gas = p->gas } };
    memcpy(s->before.a.x, p->x, sizeof s->before.a.x);
    return PX_OK;
}

/* Where the instructions of the block at @pc are. A host call has a block of its own. */
void locate_read_block(struct search *s, uint32_t pc)
{
    const struct px_program *p = &s->whole.program;
    unsigned effects = 0;
    s->count = 0;
    while (pc < p->code_size && s->count < LOCATE_BLOCK_MAX && !(effects & PX_EFF_TERM)) {
        struct px_insn insn = px_decode(p->code, p->code_size, pc);
        effects = px_ops[insn.op].effects;
        if (insn.op == PX_OP_ILLEGAL)
            effects = PX_EFF_TERM;
        if ((effects & PX_EFF_CALL) && s->count > 0)
            break;
        s->offsets[s->count++] = pc;
        pc += insn.len;
    }
}

/* Content of mapping @index with what engine 0 has written since. Appends to the snapshot. */
static enum px_status snapshot_mapping(struct search *s, size_t index, const struct px_outcome *out)
{
    struct px_mapping map = px_program_mapping(&s->whole.program, index);
    uint64_t first = map.start >> PX_PAGE_BITS, last = (map.start + map.size) >> PX_PAGE_BITS, end = 0;
    for (size_t i = 0; i < out->dirty_count; i++)
        if (out->dirty[i] >= first && out->dirty[i] < last)
            end = (out->dirty[i] + 1 - first) << PX_PAGE_BITS;
    uint64_t size = end > map.content_size ? end : map.content_size;
    if (size + s->snapshot.content_size > SNAPSHOT_MAX)
        return PX_ERR_FULL;
    uint8_t *content = calloc(1, size + 1), scratch[PX_PAGE_SIZE];
    if (!content)
        return PX_ERR_NOMEM;
    if (map.content_size > 0)
        memcpy(content, map.content, map.content_size);
    const struct engine *e = &s->l->run->engines[0];
    enum px_status status = PX_OK;
    for (size_t i = 0; i < out->dirty_count && status == PX_OK; i++) {
        const uint8_t *bytes;
        if (out->dirty[i] < first || out->dirty[i] >= last)
            continue;
        status = e->ops->read_page(e->instance, out->dirty[i], scratch, &bytes);
        if (status == PX_OK)
            memcpy(content + ((out->dirty[i] - first) << PX_PAGE_BITS), bytes, PX_PAGE_SIZE);
    }
    enum px_map_kind kind = map.kind == PX_MAP_ZERO && size > 0 ? PX_MAP_COW : map.kind;
    if (status == PX_OK)
        status = px_program_map(&s->snapshot, map.start, map.size, kind, content, size);
    free(content);
    return status;
}

/* A program that begins in front of the block: registers, gas and memory, but nothing touched. */
static enum px_status make_snapshot(struct search *s)
{
    enum px_status status = locate_look_before(s); /* again: the dirty set lives until the next run */
    const struct px_program *p = &s->whole.program;
    px_program_clear(&s->snapshot);
    if (status == PX_OK)
        status = px_program_append(&s->snapshot, p->code, p->code_size);
    for (size_t i = 0; i < p->map_count && status == PX_OK; i++)
        status = snapshot_mapping(s, i, &s->before.a);
    s->snapshot.gas = s->before.a.gas;
    s->snapshot.entry_pc = s->before.a.pc;
    memcpy(s->snapshot.x, s->before.a.x, sizeof s->snapshot.x);
    return status;
}

/* The program with its block cut after @keep instructions by one that only ends a block. False: that does not fit. */
static enum px_status make_cut(struct search *s, size_t keep, bool *fits)
{
    static const struct px_insn stop4 = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    static const struct px_insn stop2 = { .op = PX_OP_JAL, .rvc = PX_C_J, .len = 2, .imm = 2 };
    struct px_program *v = &s->variant.program;
    locate_release(s, &s->variant);
    enum px_status status = px_program_copy(v, s->from_snapshot ? &s->snapshot : &s->whole.program);
    *fits = true;
    if (status != PX_OK || keep == s->count)
        return status;
    uint32_t at = s->offsets[keep];
    unsigned length = px_decode(v->code, v->code_size, at).len;
    *fits = px_program_patch(v, at, length == 2 ? &stop2 : &stop4) == PX_OK;
    return PX_OK;
}

/* State after @keep instructions of the block. */
enum px_status locate_after_insns(struct search *s, size_t keep, struct verdict *v)
{
    bool fits;
    if (keep == s->count && !s->from_snapshot) {
        *v = s->at;
        return PX_OK;
    }
    enum px_status status = make_cut(s, keep, &fits);
    *v = (struct verdict){ .differs = false };
    if (status != PX_OK || !fits)
        return status;
    return locate_look(s, &s->variant, STAGE_CUT, keep, s->from_snapshot ? 1 : s->block, v);
}

/*
 * Whether the block may be cut where it stands: nothing before it may notice. Else, as in a loop, the snapshot
 * is cut, if that diverges at all.
 */
static enum px_status choose_base(struct search *s, bool *possible)
{
    struct verdict v = { .died = false };
    bool fits = true;
    *possible = true;
    if (s->block == 1 || s->count == 1)
        return PX_OK;
    enum px_status status = make_cut(s, 1, &fits);
    if (status == PX_OK && fits)
        status = locate_look(s, &s->variant, STAGE_CHECK, 0, s->block - 1, &v);
    if (status != PX_OK)
        return status;
    const struct px_outcome *a = &v.a, *b = &s->before.a;
    if (fits && !v.differs && a->exit == PX_EXIT_STOPPED && a->pc == b->pc && a->gas == b->gas &&
        memcmp(a->x, b->x, sizeof a->x) == 0)
        return PX_OK;
    s->from_snapshot = true;
    status = make_snapshot(s);
    if (status == PX_ERR_FULL) {
        *possible = false;
        return PX_OK;
    }
    if (status == PX_OK)
        status = locate_after_insns(s, s->count, &v);
    *possible = v.differs;
    return status;
}

/* *keep: how many instructions it takes to diverge; *agreed is the state in front of the last of them. A program that
 * kills is not cut by halves: each death costs a process. */
static enum px_status cut_until_it_agrees(struct search *s, size_t *keep, struct verdict *agreed)
{
    size_t low = 0, high = s->count;
    bool kills = s->at.died;
    enum px_status status = PX_OK;
    *agreed = s->before;
    while (high - low > 1 && status == PX_OK) {
        struct verdict v = { .died = false };
        size_t middle = kills ? low + 1 : low + (high - low) / 2;
        status = locate_after_insns(s, middle, &v);
        if (status == PX_OK && v.differs) {
            high = middle;
            s->at = v;
        } else {
            low = middle;
            *agreed = v;
        }
    }
    *keep = high;
    return status;
}

enum px_status locate_find_insn(struct search *s, bool *possible, size_t *keep, struct verdict *agreed)
{
    enum px_status status = choose_base(s, possible);
    return status == PX_OK && *possible ? cut_until_it_agrees(s, keep, agreed) : status;
}
