/* A situation as a program. */
#include <string.h>

#include "harness/reduce.h"

enum {
    PAGE_FIRST = 0x10010000, /* in the middle of a cluster */
    OFFSET = 0x100,          /* of an access within one page */
};
#define HIGH_BITS UINT64_C(0xfeedf00d00000000)
#define LAST_PAGE UINT32_C(0xfffff000)

static const struct px_insn halt = { .op = PX_OP_ECALLI, .len = 4 };
static const struct px_insn trap = { .op = PX_OP_TRAP, .len = 4 };
static const struct px_insn nop = { .op = PX_OP_ADDI, .len = 4 };

/* Where the first page of the access is. */
static uint32_t first_page(const struct situation *t)
{
    if (t->wrap)
        return LAST_PAGE;
    if (t->region[0] == REGION_CODE)
        return PX_CODE_BASE;
    if (t->straddle && t->region[1] == REGION_CODE)
        return PX_CODE_BASE - PX_PAGE_SIZE;
    return PAGE_FIRST;
}

/* The offset in its page at which the access begins. */
static uint32_t offset_of(const struct situation *t)
{
    int32_t width = 1 << PX_EFF_WIDTH_LOG2(px_ops[t->insn.op].effects), imm = t->insn.imm;
    if (t->straddle && t->far && imm > -width &&
        imm < width) /* the same access without @imm does not straddle */
        return (uint32_t)(PX_PAGE_SIZE + imm - (imm > 0 ? width : 0));
    if (t->straddle)
        return (uint32_t)(PX_PAGE_SIZE - width / 2);
    if (!t->far)
        return OFFSET;
    if (imm > 0)
        return 0;
    return (uint32_t)(PX_PAGE_SIZE + (imm < -width ? imm : -width));
}

static uint32_t address_of(const struct situation *t)
{
    return first_page(t) + offset_of(t);
}

static bool is_mapped(enum region region)
{
    return region == REGION_ZERO || region == REGION_COW || region == REGION_RO;
}

static enum px_status map_pages(struct px_program *p, uint32_t start, uint32_t pages, enum region region)
{
    static const enum px_map_kind kinds[] = {
        [REGION_ZERO] = PX_MAP_ZERO, [REGION_COW] = PX_MAP_COW, [REGION_RO] = PX_MAP_RO
    };
    uint8_t bytes[2 * PX_PAGE_SIZE];
    size_t size = region == REGION_ZERO ? 0 : (size_t)pages * PX_PAGE_SIZE;
    if (!is_mapped(region) || start < PX_DATA_BASE)
        return PX_OK;
    for (size_t i = 0; i < size; i++) /* negative in every width */
        bytes[i] = (uint8_t)(0x81 + i % 113);
    return px_program_map(p, start, (uint64_t)pages * PX_PAGE_SIZE, kinds[region], bytes, size);
}

static enum px_status map_memory(const struct situation *t, struct px_program *p)
{
    uint32_t start = first_page(t);
    bool two = t->straddle && !t->wrap;
    if (t->sibling == SIBLING_SAME)
        return map_pages(p, start, 2, t->region[0]);
    if (two && t->joined && t->region[0] == t->region[1])
        return map_pages(p, start, 2, t->region[0]);
    enum px_status status = map_pages(p, start, 1, t->region[0]);
    if (status == PX_OK && two)
        status = map_pages(p, start + PX_PAGE_SIZE, 1, t->region[1]);
    if (status == PX_OK && t->sibling == SIBLING_OTHER)
        status = map_pages(p, start + PX_PAGE_SIZE, 1, t->region[0]);
    return status;
}

/* A register from @x down that the instruction does not name. */
static uint8_t free_register(const struct px_insn *insn, uint8_t x)
{
    while (x == insn->rd || x == insn->rs1 || x == insn->rs2)
        x--;
    return x;
}

/* What has happened to its pages before: accesses through x0, which change no register. */
static enum px_status write_history(const struct situation *t, struct px_program *p)
{
    enum px_status status = PX_OK;
    uint8_t base = 13;
    for (uint32_t i = 0; i < 2 && status == PX_OK; i++) {
        base = free_register(&t->insn, base);
        struct px_insn insn = { .op = t->history[i] == TRACE_WRITTEN && !t->sibling ? PX_OP_SB : PX_OP_LB,
                                .len = 4,
                                .rs1 = base };
        if (i == 1 ? !t->sibling && (!t->straddle || t->history[1] == TRACE_UNTOUCHED)
                   : t->history[0] == TRACE_UNTOUCHED)
            continue;
        p->x[base--] =
            first_page(t) + i * PX_PAGE_SIZE + PX_PAGE_SIZE / 2; /* out of the way of what is read */
        status = px_program_emit(p, &insn);
    }
    return status;
}

static enum px_status write_access(const struct situation *t, struct px_program *p)
{
    uint32_t address = address_of(t);
    enum px_status status = map_memory(t, p);
    if (status == PX_OK)
        status = write_history(t, p);
    if (t->insn.rs1 == 0)
        return status; /* it goes where it can */
    uint64_t base = address - (uint32_t)t->insn.imm;
    p->x[t->insn.rs1] = base | (t->high ? HIGH_BITS : 0);
    return status;
}

/* The code that a jump of @length bytes at @at lands in; *target and where the program begins. */
static enum px_status write_landing(const struct situation *t, uint32_t at, struct px_program *p,
                                    uint32_t *target)
{
    uint32_t behind = at + t->insn.len + trap.len; /* a block start */
    enum px_status status = px_program_emit(p, &trap);
    bool more = t->landing == LANDING_CALL || t->landing == LANDING_INSIDE || t->landing == LANDING_MIDDLE;
    if (more && status == PX_OK)
        status = px_program_emit(p, &nop);
    if (t->landing == LANDING_INSIDE && status == PX_OK)
        status = px_program_emit(p, &nop);
    if (status == PX_OK)
        status = px_program_emit(p, &halt);
    switch (t->landing) {
    case LANDING_BLOCK:
        *target = behind;
        break;
    case LANDING_CALL:
    case LANDING_INSIDE:
        *target = behind + nop.len;
        break;
    case LANDING_MIDDLE:
        *target = behind + 2;
        break;
    case LANDING_BACK: /* the caller knows */
        break;
    case LANDING_END:
        *target = (uint32_t)p->code_size;
        break;
    case LANDING_BEYOND:
        *target = (uint32_t)p->code_size + 4;
        break;
    }
    return status;
}

static enum px_status write_jump(const struct situation *t, struct px_program *p)
{
    struct px_insn insn = t->insn;
    uint32_t target = 0, at = 0, back = 0;
    enum px_status status = PX_OK;
    if (t->landing == LANDING_BACK && !t->second) {
        back = (uint32_t)p->code_size;
        status = px_program_emit(p, &trap);
        p->entry_pc = (uint32_t)p->code_size;
    }
    if (status == PX_OK) /* offset 0 is what a forgotten pc may be, too */
        status = px_program_emit(p, &nop);
    at = (uint32_t)p->code_size;
    struct px_insn room =
        insn.len == 2 ? (struct px_insn){ .op = PX_OP_ADDI, .rvc = PX_C_NOP, .len = 2 } : nop;
    if (status == PX_OK)
        status = px_program_emit(p, &room);
    if (status == PX_OK)
        status = write_landing(t, at, p, &target);
    if (t->landing == LANDING_BACK)
        target = back;
    if (status != PX_OK)
        return status;
    if (insn.op == PX_OP_JALR && insn.rs1 != 0)
        p->x[insn.rs1] = (uint64_t)PX_CODE_BASE + target + t->odd - (uint64_t)(int64_t)insn.imm;
    else if (insn.op != PX_OP_JALR)
        insn.imm = (int32_t)(target - at);
    return px_program_patch(p, at, &insn);
}

static enum px_status write_registers(const struct situation *t, struct px_program *p)
{
    const struct px_insn *insn = &t->insn;
    uint8_t regs = px_ops[insn->op].regs;
    memcpy(p->x, t->rest, sizeof p->x);
    if (regs & PX_HAS_RS2)
        p->x[insn->rs2] = t->b;
    if (regs & PX_HAS_RS1)
        p->x[insn->rs1] = t->a;
    p->x[0] = 0;
    return PX_OK;
}

static bool is_jump(const struct situation *t)
{
    return px_ops[t->insn.op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
}

static enum px_status copy_maps(const struct px_program *from, struct px_program *p)
{
    enum px_status status = PX_OK;
    for (size_t i = 0; i < from->map_count && status == PX_OK; i++) {
        struct px_mapping map = px_program_mapping(from, i);
        status = px_program_map(p, map.start, map.size, map.kind, map.content, (size_t)map.content_size);
    }
    return status;
}

/* It stands in front, where nothing enters, twice: the first time may be needed to learn that it is not like others. */
static enum px_status write_like(const struct situation *t, struct px_program *p)
{
    enum px_status status = px_program_emit(p, &t->like);
    if (status == PX_OK)
        status = px_program_emit(p, &t->like);
    if (status == PX_OK)
        status = px_program_emit(p, &trap);
    p->entry_pc = (uint32_t)p->code_size;
    return status;
}

bool situation_write(struct reduce *r, const struct situation *t)
{
    struct px_program *p = &r->s->variant.program;
    bool access = px_ops[t->insn.op].effects & (PX_EFF_LOAD | PX_EFF_STORE);
    static const struct px_insn line = { .op = PX_OP_FALLTHROUGH, .len = 4 };
    locate_release(r->s, &r->s->variant);
    px_program_clear(p);
    p->gas = r->gas ? r->gas : LOCATE_GAS_RAISE;
    enum px_status status = write_registers(t, p);
    if (!t->placed && r->maps && status == PX_OK)
        status = copy_maps(r->maps, p);
    if (t->like.len && status == PX_OK)
        status = write_like(t, p);
    for (size_t i = 0; i < t->before_count && status == PX_OK; i++)
        status = px_program_emit(p, &t->before[i]);
    if (access && status == PX_OK)
        status = px_program_emit(p, &nop);
    if (t->second && status == PX_OK)
        status = px_program_emit(p, &line);
    if (is_jump(t) && t->placed)
        return status == PX_OK && write_jump(t, p) == PX_OK;
    if (access && t->placed && status == PX_OK)
        status = write_access(t, p);
    for (unsigned i = 0; i < (t->copies ? t->copies : 1) && status == PX_OK; i++)
        status = px_program_emit(p, &t->insn);
    if (access && status == PX_OK) /* a fault leaves something of its block undone */
        status = px_program_emit(p, &nop);
    if (status == PX_OK && !t->open)
        status = px_program_emit(p, &halt);
    return status == PX_OK;
}
