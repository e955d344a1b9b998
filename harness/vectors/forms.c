/* Encodings: every compressed row by the bits of its operands, and words of every major opcode, reserved ones too. */
#include "generators/operands.h"
#include "harness/vectors/maker.h"

enum {
    SEEDINGS = 4,
    HALVES = 0x10000,
    LEGAL_SAMPLE = 32, /* one in so many halfwords besides those of few bits */
    ILLEGAL_SAMPLE = 97, /* of those that are illegal */
    BEFORE = 4, /* bytes before the halfword */
    SCRAMBLE = 40503, /* odd: every halfword comes up once */
};

/* --- compressed --- */

static bool few_bits(uint32_t bits)
{
    return (bits & (bits - 1)) == 0;
}

/* Operands of one bit or none, of all bits or all but one, and a sample of the others. */
static bool is_wanted(uint32_t half, const struct px_insn *insn)
{
    uint32_t scrambled = half * SCRAMBLE % HALVES;
    bool jumps = px_ops[insn->op].effects & (PX_EFF_JUMP | PX_EFF_BRANCH);
    if (jumps && (insn->imm == 0 || insn->imm == -BEFORE) && insn->op != PX_OP_JALR)
        return false; /* it would go round for ever */
    if (insn->rvc == PX_C_NONE)
        return half == 0 || scrambled % ILLEGAL_SAMPLE == 0;
    uint32_t free_bits = ~(uint32_t)px_rvcs[insn->rvc].mask & 0xffff, bits = half & free_bits;
    return few_bits(bits) || few_bits(bits ^ free_bits) || scrambled % LEGAL_SAMPLE == 0;
}

static void seed_all(struct maker *m, unsigned seeding, uint32_t half)
{
    for (unsigned x = 1; x < PX_REG_COUNT; x++) {
        if (seeding == 1)
            maker_seed(m, x, MAKER_CLUSTER - 0x100 + 8 * x);
        else if (seeding == 2)
            maker_seed(m, x, px_values[(half + 3 * x) % px_value_count]);
        else if (seeding == 3)
            maker_seed(m, x, x % 2 ? 0 : PX_CODE_BASE + 8);
    }
}

/* The halfword stands between block starts; what it stores is read back. */
static void make_half(struct maker *m, uint32_t half, const struct px_insn *insn)
{
    bool store = px_ops[insn->op].effects & PX_EFF_STORE;
    maker_begin(m);
    if (px_ops[insn->op].effects & (PX_EFF_LOAD | PX_EFF_STORE))
        maker_map_regions(m);
    maker_op(m, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    maker_half(m, (uint16_t)half);
    maker_half(m, 0x0001); /* c.nop */
    if (store) {
        maker_op(m, PX_OP_ADDI, 1, insn->rs1, 0, insn->imm);
        maker_op(m, PX_OP_ANDI, 1, 1, 0, -8);
        maker_op(m, PX_OP_LD, 5, 1, 0, 0);
        maker_op(m, PX_OP_LD, 6, 1, 0, 8);
    }
    maker_op(m, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    maker_op(m, PX_OP_ADDI, 7, 7, 0, 1);
    maker_op(m, PX_OP_FALLTHROUGH, 0, 0, 0, 0);
    maker_halt(m, 0);
    maker_record(m);
    for (unsigned seeding = 0; seeding < (insn->rvc == PX_C_NONE ? 1 : SEEDINGS); seeding++) {
        seed_all(m, seeding, half);
        maker_case(m);
    }
}

void maker_make_compressed(struct maker *m)
{
    for (uint32_t half = 0; half < HALVES && m->status == PX_OK; half++) {
        struct px_insn insn = px_decode_word(half);
        if ((half & 3) != 3 && is_wanted(half, &insn))
            make_half(m, half, &insn);
    }
}

/* --- words --- */

/* Where bits 31..25 are part of the operation. */
static bool has_funct7(uint32_t opcode, uint32_t funct3)
{
    bool shift = funct3 == 1 || funct3 == 5;
    return opcode == 0x33 || opcode == 0x3b || ((opcode == 0x13 || opcode == 0x1b) && shift);
}

static void make_word(struct maker *m, uint32_t word)
{
    const struct px_insn insn = px_decode_word(word);
    maker_begin(m);
    if (px_ops[insn.op].effects & (PX_EFF_LOAD | PX_EFF_STORE))
        maker_map_regions(m);
    m->program.x[11] = MAKER_COW + 0x20; /* what loads and stores begin with */
    maker_word(m, word);
    maker_halt(m, 9);
    maker_record(m);
    maker_case(m);
}

void maker_make_words(struct maker *m)
{
    static const uint8_t few[] = { 0x00, 0x20, 0x55 };
    for (uint32_t i = 0; i < 32 * 8 * 128 && m->status == PX_OK; i++) {
        uint32_t opcode = (i & 31) << 2 | 3, funct3 = i >> 5 & 7, funct7 = i >> 8;
        bool wanted = has_funct7(opcode, funct3);
        for (size_t k = 0; k < sizeof few; k++)
            wanted |= funct7 == few[k];
        if (wanted) /* x10, x11, and x4 or a shift amount */
            make_word(m, opcode | 10u << 7 | funct3 << 12 | 11u << 15 | 4u << 20 | funct7 << 25);
    }
    /* Registers that RV64E lacks, one position at a time. */
    for (unsigned field = 0; field < 3 && m->status == PX_OK; field++)
        for (uint32_t opcode = 3; opcode < 128; opcode += 4)
            make_word(m, opcode | 10u << 7 | 11u << 15 | 4u << 20 |
                             (field == 0   ? 1u << 11
                              : field == 1 ? 1u << 19
                                           : 1u << 24));
}
