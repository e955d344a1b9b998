/* Loads and stores: every width at every alignment, over the edges of pages, mappings, clusters and the space. */
#include "harness/vectors/maker.h"

/* Around each of these, so many bytes before and behind. */
static const uint32_t edges[] = {
    0,        PX_CODE_BASE,      MAKER_COW,    MAKER_COW + 0x1000, MAKER_CLUSTER, MAKER_CLUSTER + 0x1000,
    MAKER_RO, MAKER_RO + 0x1000, MAKER_RO_END, MAKER_RO + 0x2000,  MAKER_TOP,     0x80000000,
};
static const int32_t imms[] = { 1, -1, 7, -8, 0x555, 2047, -2048, 8, -3, 1024, 16, 32, 64, 128, 256, 512 };

enum {
    EDGES = sizeof edges / sizeof edges[0],
    IMMS = sizeof imms / sizeof imms[0],
    AROUND = 9,
    FEW_IMMS = 3, /* of imms, where registers coincide */
    STRIDE = 7, /* of the addresses, where they are not all wanted */
};

/* What is written: both signs in every width. */
#define STORED UINT64_C(0x8182838485868788)

/* Address number @i; false when there are not so many. */
static bool address_at(size_t i, uint64_t *address)
{
    size_t edge = i / (2 * AROUND), offset = i % (2 * AROUND);
    *address = edge < EDGES ? edges[edge] + (uint64_t)offset - AROUND : 0;
    return edge < EDGES;
}

/* The doubleword that the store begins in and the next one come into x6 and x7. */
static void read_back(struct maker *m, unsigned base, int32_t imm)
{
    maker_op(m, PX_OP_ADDI, 5, base, 0, imm);
    maker_op(m, PX_OP_ANDI, 5, 5, 0, -8);
    maker_op(m, PX_OP_LD, 6, 5, 0, 0);
    maker_op(m, PX_OP_LD, 7, 5, 0, 8);
}

static void begin(struct maker *m, enum px_op op, const struct maker_regs *r, int32_t imm)
{
    maker_begin(m);
    maker_map_regions(m);
    /* The oracle runs an access itself where the base register begins within the space. */
    if (r->rs1 != 0)
        m->program.x[r->rs1] = MAKER_COW;
    maker_op(m, op, r->rd, r->rs1, r->rs2, imm);
    if (px_ops[op].effects & PX_EFF_STORE)
        read_back(m, r->rs1, imm);
    maker_halt(m, 0);
    maker_record(m);
}

static void make_addresses(struct maker *m, const struct maker_regs *r, int32_t imm, size_t first,
                           size_t stride)
{
    uint64_t address;
    for (size_t i = first; address_at(i, &address); i += stride) {
        uint64_t high = i % 4 == 3 ? UINT64_C(0xa5a5a5a500000000) : 0;
        if (r->rs2 != r->rs1)
            maker_seed(m, r->rs2, STORED);
        maker_seed(m, r->rs1, (address & UINT32_MAX) - (uint64_t)(int64_t)imm + high);
        maker_case(m);
    }
}

void maker_make_access(struct maker *m, enum px_op op)
{
    unsigned has = px_ops[op].regs;
    for (unsigned alias = 0; alias < MAKER_ALIASES; alias++) {
        struct maker_regs r = maker_aliases[alias];
        if (maker_alias_is_double(alias, has))
            continue;
        r.rd = has & PX_HAS_RD ? r.rd : 0;
        r.rs2 = has & PX_HAS_RS2 ? r.rs2 : 0;
        begin(m, op, &r, 0);
        make_addresses(m, &r, 0, 0, alias == 0 ? 1 : STRIDE);
        for (unsigned i = 0; i < (alias == 0 ? (unsigned)IMMS : (unsigned)FEW_IMMS); i++) {
            begin(m, op, &r, imms[(alias + i) % IMMS]);
            make_addresses(m, &r, imms[(alias + i) % IMMS], (alias + i) % STRIDE, STRIDE);
        }
    }
}
