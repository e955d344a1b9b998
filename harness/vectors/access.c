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

/* The doubleword that the store begins in and the next one come into registers that it does not name. */
static void read_back(struct maker *m, const struct maker_regs *r, int32_t imm)
{
    unsigned free_regs[3];
    for (unsigned count = 0, x = 5; count < 3; x++)
        if (x != r->rs1 && x != r->rs2)
            free_regs[count++] = x;
    maker_op(m, PX_OP_ADDI, free_regs[0], r->rs1, 0, imm);
    maker_op(m, PX_OP_ANDI, free_regs[0], free_regs[0], 0, -8);
    maker_op(m, PX_OP_LD, free_regs[1], free_regs[0], 0, 0);
    maker_op(m, PX_OP_LD, free_regs[2], free_regs[0], 0, 8);
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
        read_back(m, r, imm);
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

/* A record at displacement 0, and some at others. */
static void make_registers(struct maker *m, enum px_op op, struct maker_regs r, unsigned alias,
                           unsigned displacements)
{
    r.rd = px_ops[op].regs & PX_HAS_RD ? r.rd : 0;
    r.rs2 = px_ops[op].regs & PX_HAS_RS2 ? r.rs2 : 0;
    begin(m, op, &r, 0);
    make_addresses(m, &r, 0, 0, alias == 0 ? 1 : STRIDE);
    for (unsigned i = 0; i < displacements; i++) {
        begin(m, op, &r, imms[(alias + i) % IMMS]);
        make_addresses(m, &r, imms[(alias + i) % IMMS], (alias + i) % STRIDE, STRIDE);
    }
}

void maker_make_access(struct maker *m, enum px_op op)
{
    for (unsigned alias = 0; alias < MAKER_ALIASES; alias++)
        if (!maker_alias_is_double(alias, px_ops[op].regs))
            make_registers(m, op, maker_aliases[alias], alias,
                           alias == 0 ? (unsigned)IMMS : (unsigned)FEW_IMMS);
    for (unsigned turn = 0; turn < MAKER_TURNS; turn++)
        make_registers(m, op, maker_turn(turn), MAKER_ALIASES + turn, 1);
}
