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

enum { STOP_NEXT, STOP_BRANCH, STOP_TRAP, STOPS };

/*
 * The program with its block cut after @keep instructions by one that only ends a block, or the program: there are some, in
 * case one of them is what diverges. False: that does not fit.
 */
static enum px_status make_cut(struct search *s, size_t keep, unsigned stop, bool *fits)
{
    static const struct px_insn stops[STOPS][2] = {
        { { .op = PX_OP_JAL, .rvc = PX_C_J, .len = 2, .imm = 2 }, { .op = PX_OP_FALLTHROUGH, .len = 4 } },
        { { .op = PX_OP_BEQ, .rvc = PX_C_BEQZ, .len = 2, .rs1 = 8, .imm = 2 },
          { .op = PX_OP_BEQ, .len = 4, .imm = 4 } },
        { { .op = PX_OP_EBREAK, .rvc = PX_C_EBREAK, .len = 2 }, { .op = PX_OP_TRAP, .len = 4 } },
    };
    struct px_program *v = &s->variant.program;
    locate_release(s, &s->variant);
    enum px_status status = px_program_copy(v, s->from_snapshot ? &s->snapshot : &s->whole.program);
    *fits = true;
    if (status != PX_OK || keep == s->count)
        return status;
    uint32_t at = s->offsets[keep];
    unsigned length = px_decode(v->code, v->code_size, at).len;
    *fits = px_program_patch(v, at, &stops[stop][length == 4]) == PX_OK;
    return PX_OK;
}

/* Engine 0 is where the uncut block leads it: the cut has not changed what code is read as data. */
static bool is_faithful(const struct search *s, size_t keep, unsigned stop, const struct verdict *v)
{
    if (v->died || keep >= s->trace.count)
        return true;
    bool panics = v->a.exit == PX_EXIT_PANIC && v->a.arg == PX_PANIC_ECALL;
    bool stopped = stop == STOP_TRAP ? v->a.exit == PX_EXIT_TRAP || panics : v->a.exit == PX_EXIT_STOPPED;
    return stopped && memcmp(v->a.x, s->trace.steps[keep].x, sizeof v->a.x) == 0;
}

/* State after @keep instructions of the block. *known is false when it could not be looked at. */
static enum px_status after_insns(struct search *s, size_t keep, struct verdict *v, bool *known)
{
    enum px_status status = PX_OK;
    *known = true;
    *v = s->at;
    if (keep == s->count && !s->from_snapshot)
        return PX_OK;
    for (unsigned stop = 0; stop < STOPS && *known && status == PX_OK; stop++) {
        struct verdict seen = { .differs = false };
        status = make_cut(s, keep, stop, known);
        if (status == PX_OK && *known)
            status = locate_look(s, &s->variant, STAGE_CUT, keep * STOPS + stop,
                                 s->from_snapshot ? 1 : s->block, &seen);
        if (status != PX_OK || !*known)
            return status;
        *known = is_faithful(s, keep, stop, &seen);
        if (stop != STOP_TRAP || !seen.differs) /* how it stands where all of them differ: behind the block */
            *v = seen;
        if (!seen.differs || keep == s->count)
            break;
    }
    return status;
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
    enum px_status status = make_cut(s, 1, 0, &fits);
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
        status = after_insns(s, s->count, &v, &fits);
    *possible = v.differs;
    return status;
}

/* The next place between @low and @high to cut at, from @middle on; @high when none is left. */
static size_t next_cut(const uint8_t *unknown, size_t low, size_t high, size_t middle)
{
    for (size_t i = middle; i < high; i++)
        if (!unknown[i])
            return i;
    for (size_t i = middle; i-- > low + 1;)
        if (!unknown[i])
            return i;
    return high;
}

/* A program that kills is not cut by halves: each death costs a process. */
static enum px_status cut_until_it_agrees(struct search *s, size_t *low, size_t *high)
{
    bool kills = s->at.died;
    enum px_status status = PX_OK;
    uint8_t *unknown = calloc(s->count + 1, 1);
    if (!unknown)
        return px_fail(s->err, PX_ERR_NOMEM, "out of memory for the search");
    *low = 0;
    *high = s->count;
    memcpy(s->agreed_x, s->before.a.x, sizeof s->agreed_x);
    while (status == PX_OK) {
        struct verdict v = { .died = false };
        bool known;
        size_t middle = next_cut(unknown, *low, *high, kills ? *low + 1 : *low + (*high - *low) / 2);
        if (middle <= *low || middle >= *high)
            break;
        status = after_insns(s, middle, &v, &known);
        if (status != PX_OK)
            break;
        unknown[middle] = !known;
        if (known && v.differs) {
            *high = middle;
            s->at = v;
        } else if (known) {
            *low = middle;
            memcpy(s->agreed_x, v.a.x, sizeof s->agreed_x);
        }
    }
    free(unknown);
    return status;
}

enum px_status locate_find_insn(struct search *s, bool *possible, size_t *low, size_t *high)
{
    enum px_status status = choose_base(s, possible);
    return status == PX_OK && *possible ? cut_until_it_agrees(s, low, high) : status;
}

/* What the access of the located instruction finds, which the minimizer puts into its memory. */
enum px_status locate_find_bytes(struct search *s, size_t agreed)
{
    struct bucket *b = s->bucket;
    unsigned effects = px_ops[b->insn.op].effects;
    const struct engine *e = &s->l->run->engines[0];
    struct verdict v = { .died = false };
    uint8_t scratch[PX_PAGE_SIZE];
    bool known;
    if (!(effects & (PX_EFF_LOAD | PX_EFF_STORE)) || !b->x_known)
        return PX_OK;
    enum px_status status = PX_OK;
    if (agreed > 0)
        status = after_insns(s, agreed, &v, &known);
    else if (s->block > 1)
        status = locate_look_before(s);
    else
        return PX_OK; /* nothing has run: memory is as the program says */
    b->address = (uint32_t)(b->x[b->insn.rs1] + (uint64_t)(int64_t)b->insn.imm);
    size_t width = (size_t)1 << PX_EFF_WIDTH_LOG2(effects);
    for (size_t i = 0; i < width && status == PX_OK; i++) {
        uint32_t at = b->address + (uint32_t)i;
        const uint8_t *bytes;
        status = e->ops->read_page(e->instance, at >> PX_PAGE_BITS, scratch, &bytes);
        if (status == PX_OK)
            b->bytes[i] = bytes[at % PX_PAGE_SIZE];
    }
    if (status == PX_OK)
        b->bytes_known = width;
    return status;
}
