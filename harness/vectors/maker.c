#include "harness/vectors/maker.h"

#include <string.h>

const struct maker_regs maker_aliases[MAKER_ALIASES] = {
    { 10, 11, 12 }, { 10, 10, 12 }, { 10, 11, 10 }, { 10, 11, 11 }, { 10, 10, 10 },
    { 0, 11, 12 },  { 10, 0, 12 },  { 10, 11, 0 },  { 3, 11, 12 },  { 10, 3, 12 },
    { 10, 11, 4 },  { 3, 4, 3 },    { 4, 4, 4 },    { 3, 3, 4 },    { 12, 11, 12 },
    { 12, 12, 11 }, { 12, 12, 12 }, { 12, 10, 11 }, { 15, 2, 15 },  { 1, 8, 9 },
};

struct maker_regs maker_turn(unsigned turn)
{
    return (struct maker_regs){ .rd = (uint8_t)(turn + 1),
                                .rs1 = (uint8_t)((turn + 5) % MAKER_TURNS + 1),
                                .rs2 = (uint8_t)((turn + 11) % MAKER_TURNS + 1) };
}

bool maker_alias_is_double(unsigned alias, unsigned has)
{
    const struct maker_regs *r = &maker_aliases[alias];
    for (unsigned i = 0; i < alias; i++) {
        const struct maker_regs *s = &maker_aliases[i];
        bool rd = !(has & PX_HAS_RD) || r->rd == s->rd;
        bool rs1 = !(has & PX_HAS_RS1) || r->rs1 == s->rs1;
        bool rs2 = !(has & PX_HAS_RS2) || r->rs2 == s->rs2;
        if (rd && rs1 && rs2)
            return true;
    }
    return false;
}

static void keep(struct maker *m, enum px_status status)
{
    if (m->status != PX_OK || status == PX_OK)
        return;
    m->status = px_fail(m->err, status == PX_ERR_NOMEM ? PX_ERR_NOMEM : PX_ERR_INTERNAL, "making vectors: %s",
                        px_status_name(status));
}

/* Values that the binary form holds in a byte. */
void maker_begin(struct maker *m)
{
    px_program_clear(&m->program);
    m->program.gas = UINT64_C(1) << 20;
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        m->program.x[x] = (UINT64_C(1) << (28 + 2 * x)) - 1;
    memcpy(m->x, m->program.x, sizeof m->x);
}

/* Runs, which the binary form holds in a few bytes; no two of them alike, so that an address that loses a bit reads something else. */
static uint8_t pattern(size_t i)
{
    return (uint8_t)(0x9d * i + 0x35 * (i / 256) + 7);
}

static void map_pattern(struct maker *m, uint64_t start, uint64_t size, enum px_map_kind kind,
                        size_t content_size)
{
    uint8_t *content;
    if (m->status != PX_OK)
        return;
    keep(m, px_program_map_room(&m->program, start, size, kind, content_size, &content));
    for (size_t i = 0; i < content_size && m->status == PX_OK; i++)
        content[i] = pattern(i);
}

void maker_map_regions(struct maker *m)
{
    map_pattern(m, MAKER_COW, 0x3000, PX_MAP_COW, 0x3000);
    map_pattern(m, MAKER_RO, 0x2000, PX_MAP_RO, MAKER_RO_END - MAKER_RO);
    if (m->status == PX_OK)
        keep(m, px_program_map(&m->program, MAKER_TOP, PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0));
}

void maker_op(struct maker *m, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    const struct px_insn insn = {
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
    if (m->status == PX_OK)
        keep(m, px_program_emit(&m->program, &insn));
}

static void append(struct maker *m, const void *bytes, size_t size)
{
    if (m->status == PX_OK)
        keep(m, px_program_append(&m->program, bytes, size));
}

void maker_word(struct maker *m, uint32_t word)
{
    append(m, &word, sizeof word);
}

void maker_half(struct maker *m, uint16_t half)
{
    append(m, &half, sizeof half);
}

void maker_zeros(struct maker *m, size_t size)
{
    static const uint8_t zeros[256];
    for (; size > 0 && m->status == PX_OK; size -= size < sizeof zeros ? size : sizeof zeros)
        append(m, zeros, size < sizeof zeros ? size : sizeof zeros);
}

void maker_halt(struct maker *m, int32_t selector)
{
    maker_op(m, PX_OP_ECALLI, 0, 0, 0, selector);
}

void maker_record(struct maker *m)
{
    if (m->status == PX_OK)
        m->status = m->sink->record(m->sink->arg, &m->program, m->err);
    memcpy(m->x, m->program.x, sizeof m->x);
}

void maker_seed(struct maker *m, unsigned x, uint64_t value)
{
    if (x != 0)
        m->x[x] = value;
}

void maker_case(struct maker *m)
{
    if (m->status == PX_OK)
        m->status = m->sink->one(m->sink->arg, m->x, m->err);
    memcpy(m->x, m->program.x, sizeof m->x);
}
