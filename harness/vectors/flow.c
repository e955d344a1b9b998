/* Control flow: branches and jumps by operands, by distance and by aliasing; calls, tables, loops. */
#include "generators/operands.h"
#include "harness/vectors/maker.h"

static const int32_t jalr_offsets[] = { 0, 1, 2, 4, 12, 13, 8, -1, 2047, -2048 };

enum {
    JALR_OFFSETS = sizeof jalr_offsets / sizeof jalr_offsets[0],
    JALR_TARGETS = 8,
    PARTNERS = 3,
    NEAR_BITS = 12, /* of distances, that programs are made as long as */
    FAR_BITS = 20,
};

#define WRITTEN UINT64_C(0x8182838485868788)

/* --- branches --- */

/* Taken or not: which halt it is. */
static void make_operands(struct maker *m, enum px_op op, const struct maker_regs *r, unsigned alias)
{
    bool one = r->rs1 == r->rs2 || r->rs1 == 0 || r->rs2 == 0;
    size_t partners = alias == 0 ? px_value_count : one || alias >= MAKER_ALIASES ? 1 : PARTNERS;
    maker_begin(m);
    maker_op(m, op, 0, r->rs1, r->rs2, 8);
    maker_halt(m, 5);
    maker_halt(m, 6);
    maker_record(m);
    for (size_t a = 0; a < px_value_count; a++) {
        for (size_t k = 0; k < partners; k++) {
            size_t b = alias == 0 ? k : one ? a : a * 5 + k * 15 + (size_t)alias * 3;
            maker_seed(m, r->rs1, px_values[a]);
            maker_seed(m, r->rs2, px_values[b % px_value_count]);
            maker_case(m);
        }
    }
}

/* A jump of that distance within nothing but illegal halfwords, each of which is a block start and stops. */
static void begin_distance(struct maker *m, enum px_op op, unsigned rd, int32_t distance, size_t room)
{
    size_t before = distance < 0 && (size_t)-distance < room ? (size_t)-distance : 0;
    maker_begin(m);
    m->program.entry_pc = (uint32_t)before;
    maker_zeros(m, before);
    maker_op(m, op, rd, rd ? 0 : 10, rd ? 0 : 11, distance);
    maker_zeros(m, distance > 0 && (size_t)distance < room ? (size_t)distance : 4);
    maker_record(m);
}

static void make_distance(struct maker *m, enum px_op op, int32_t distance)
{
    begin_distance(m, op, 0, distance, (size_t)1 << (NEAR_BITS + 1));
    for (uint64_t a = 0; a < 2; a++) {
        maker_seed(m, 10, a);
        maker_seed(m, 11, UINT64_MAX);
        maker_case(m);
        maker_seed(m, 10, a);
        maker_seed(m, 11, a);
        maker_case(m);
    }
}

static void make_branch(struct maker *m, enum px_op op)
{
    for (unsigned alias = 0; alias < MAKER_ALIASES; alias++)
        if (!maker_alias_is_double(alias, PX_HAS_RS1 | PX_HAS_RS2))
            make_operands(m, op, &maker_aliases[alias], alias);
    for (unsigned turn = 0; turn < MAKER_TURNS; turn++) {
        const struct maker_regs r = maker_turn(turn);
        make_operands(m, op, &r, MAKER_ALIASES + turn);
    }
    for (unsigned bit = 1; bit < NEAR_BITS; bit++) {
        make_distance(m, op, INT32_C(1) << bit);
        make_distance(m, op, -(INT32_C(1) << bit));
    }
    make_distance(m, op, -4096);
    make_distance(m, op, 0xaaa);
    make_distance(m, op, 0x554);
}

/* --- jumps --- */

static void make_jal_distance(struct maker *m, unsigned rd, int32_t distance)
{
    /* Those too far for a program of a few kilobytes leave it: a distance that loses a bit stays inside. */
    begin_distance(m, PX_OP_JAL, rd, distance, (size_t)1 << NEAR_BITS);
    maker_case(m);
}

static void make_jal(struct maker *m)
{
    for (unsigned bit = 1; bit < FAR_BITS; bit++) {
        make_jal_distance(m, 1, INT32_C(1) << bit);
        make_jal_distance(m, 5, -(INT32_C(1) << bit));
    }
    make_jal_distance(m, 1, -(INT32_C(1) << FAR_BITS));
    for (unsigned alias = 0; alias < MAKER_ALIASES; alias++) {
        if (maker_alias_is_double(alias, PX_HAS_RD))
            continue;
        maker_begin(m);
        maker_op(m, PX_OP_JAL, maker_aliases[alias].rd, 0, 0, 8);
        maker_halt(m, 5);
        maker_halt(m, 6);
        maker_record(m);
        maker_case(m);
    }
}

/* To every second halfword behind the jump, reached by different sums. */
static void make_jalr_case(struct maker *m, unsigned rs1, int32_t offset, uint64_t k)
{
    static const uint64_t high[] = { 0, UINT64_C(0xdeadbeef00000000), UINT64_C(0xffffffff80000000) };
    uint64_t base = PX_CODE_BASE + k % JALR_TARGETS * 3 + high[k / JALR_TARGETS];
    uint64_t value = k % 2 ? base - (uint64_t)(int64_t)offset : base;
    uint64_t sum = (rs1 ? value : 0) + (uint64_t)(int64_t)offset;
    if ((uint32_t)sum >> 1 == PX_CODE_BASE >> 1)
        return; /* it would go round for ever */
    maker_seed(m, rs1, value);
    maker_case(m);
}

/* Offset 4: a block start, 8: another, 12: the middle of a block, 16: a block start. */
static void make_jalr_from(struct maker *m, const struct maker_regs *r, int32_t offset)
{
    maker_begin(m);
    maker_op(m, PX_OP_JALR, r->rd, r->rs1, 0, offset);
    maker_halt(m, 5);
    maker_op(m, PX_OP_XORI, 6, 6, 0, 0x55);
    maker_op(m, PX_OP_XORI, 7, 7, 0, 0x55);
    maker_halt(m, 6);
    maker_record(m);
    for (uint64_t k = 0; k < JALR_TARGETS * 3; k++)
        make_jalr_case(m, r->rs1, offset, k);
}

static void make_jalr(struct maker *m)
{
    for (unsigned i = 0; i < MAKER_ALIASES * JALR_OFFSETS; i++)
        if (!maker_alias_is_double(i / JALR_OFFSETS, PX_HAS_RD | PX_HAS_RS1))
            make_jalr_from(m, &maker_aliases[i / JALR_OFFSETS], jalr_offsets[i % JALR_OFFSETS]);
    for (unsigned turn = 0; turn < MAKER_TURNS; turn++) {
        const struct maker_regs r = maker_turn(turn);
        make_jalr_from(m, &r, jalr_offsets[turn % JALR_OFFSETS]);
    }
}

void maker_make_jump(struct maker *m, enum px_op op)
{
    if (op == PX_OP_JAL)
        make_jal(m);
    else if (op == PX_OP_JALR)
        make_jalr(m);
    else
        make_branch(m, op);
}

/* --- programs --- */

/* x10 = 1 + 2 + ... + x10 by calling itself, links on a stack. */
static void make_calls(struct maker *m)
{
    maker_begin(m);
    maker_map_regions(m);
    m->program.x[2] = MAKER_CLUSTER + 0x800; /* the stack grows over the edge of a cluster */
    maker_op(m, PX_OP_JAL, 1, 0, 0, 8);
    maker_halt(m, 0);
    maker_op(m, PX_OP_BEQ, 0, 10, 0, 44);
    maker_op(m, PX_OP_ADDI, 2, 2, 0, -16);
    maker_op(m, PX_OP_SD, 0, 2, 1, 8);
    maker_op(m, PX_OP_SD, 0, 2, 10, 0);
    maker_op(m, PX_OP_ADDI, 10, 10, 0, -1);
    maker_op(m, PX_OP_JAL, 1, 0, 0, -20);
    maker_op(m, PX_OP_LD, 5, 2, 0, 0);
    maker_op(m, PX_OP_LD, 1, 2, 0, 8);
    maker_op(m, PX_OP_ADDI, 2, 2, 0, 16);
    maker_op(m, PX_OP_ADD, 10, 10, 5, 0);
    maker_op(m, PX_OP_JALR, 0, 1, 0, 0);
    maker_op(m, PX_OP_JALR, 0, 1, 0, 0);
    maker_record(m);
    for (uint64_t n = 0; n < 200; n += 1 + n / 8) {
        maker_seed(m, 10, n);
        maker_case(m);
    }
}

/* A switch: into the code by a multiple of x10. */
static void make_switch(struct maker *m)
{
    maker_begin(m);
    maker_op(m, PX_OP_AUIPC, 5, 0, 0, 0);
    maker_op(m, PX_OP_SH2ADD, 5, 10, 5, 0);
    maker_op(m, PX_OP_JALR, 6, 5, 0, 12);
    for (int32_t i = 0; i < 8; i++)
        maker_halt(m, 16 + i);
    maker_op(m, PX_OP_ADDI, 7, 7, 0, 1); /* one target is no block start */
    maker_op(m, PX_OP_ADDI, 7, 7, 0, 1);
    maker_halt(m, 31);
    maker_record(m);
    for (uint64_t i = 0; i < 16; i++) {
        maker_seed(m, 10, i - 2);
        maker_case(m);
    }
}

/* Targets in memory: good ones, odd ones, none, and past the table. */
static void make_table(struct maker *m)
{
    const uint64_t base = PX_CODE_BASE;
    const uint64_t targets[] = { base + 12, base + 16, base + 17, base + 13, base + 14,
                                 base + 8,  0,         base + 20, base + 24, base + (UINT64_C(1) << 32) + 12,
                                 UINT64_MAX };
    maker_begin(m);
    if (m->status == PX_OK)
        m->status = px_program_map(&m->program, MAKER_RO, PX_PAGE_SIZE, PX_MAP_RO, targets, sizeof targets);
    m->program.x[11] = MAKER_RO;
    maker_op(m, PX_OP_SH3ADD, 5, 10, 11, 0);
    maker_op(m, PX_OP_LD, 5, 5, 0, 0);
    maker_op(m, PX_OP_JALR, 1, 5, 0, 0);
    maker_halt(m, 16);
    maker_halt(m, 17);
    maker_halt(m, 18);
    maker_record(m);
    for (uint64_t i = 0; i < 13; i++) {
        maker_seed(m, 10, i);
        maker_case(m);
    }
    for (uint64_t i = 510; i < 514; i++) { /* the last of the page, and past it */
        maker_seed(m, 10, i);
        maker_case(m);
    }
}

/* A loop that writes and reads its way over the edges of pages, backward branch and all. */
static void make_loop(struct maker *m, enum px_op store, enum px_op load, int32_t step)
{
    maker_begin(m);
    maker_map_regions(m);
    m->program.x[11] = MAKER_CLUSTER - 0x20;
    maker_op(m, store, 0, 11, 12, 0);
    maker_op(m, load, 5, 11, 0, 1);
    maker_op(m, PX_OP_XOR, 12, 12, 5, 0);
    maker_op(m, PX_OP_ADDI, 11, 11, 0, step);
    maker_op(m, PX_OP_ADDI, 10, 10, 0, -1);
    maker_op(m, PX_OP_BNE, 0, 10, 0, -20);
    maker_halt(m, 0);
    maker_record(m);
    for (uint64_t n = 1; n < 40; n += 3) {
        maker_seed(m, 10, n);
        maker_seed(m, 12, WRITTEN + n);
        maker_case(m);
    }
}

void maker_make_flow(struct maker *m)
{
    make_calls(m);
    make_switch(m);
    make_table(m);
    make_loop(m, PX_OP_SB, PX_OP_LBU, 1);
    make_loop(m, PX_OP_SH, PX_OP_LH, 2);
    make_loop(m, PX_OP_SW, PX_OP_LWU, 3);
    make_loop(m, PX_OP_SD, PX_OP_LD, 5);
    make_loop(m, PX_OP_SD, PX_OP_LD, -7);
}
