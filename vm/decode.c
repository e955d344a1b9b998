/*
 * Decoder: (opcode, funct3, funct7) -> row -> match/mask -> fields by format. The rows decide; there is no
 * code for single instructions.
 */
#include "vm/decode_word.h"
#include "vm/fields.h"

#include <string.h>

#define KEY(word) PX_DECODE_KEY(word)

/*
 * The row by index, 0 where there is none. How many indices a row takes follows from its format: shift
 * amounts of six bits reach into funct7, immediates fill it, and the widest fill funct3 too.
 */
const uint8_t px_decode_rows[PX_DECODE_KEYS] = {
#define PX_OP(name, mnemonic, format, match, mask, extension, gas, effects)                                  \
    ROWS_##format(KEY(match##u), PX_OP_##name)
#define PX_OP_ALSO(name, ...)
#define ROWS(key, span, op) [(key)...(key) + (span)] = (op),
#define ROWS_FUNCT7(key, op) ROWS(key, 127, op)
#define ROWS_ALL(key, op)                                                                                    \
    ROWS_FUNCT7(key, op)                                                                                     \
    ROWS_FUNCT7((key) + (1 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (2 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (3 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (4 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (5 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (6 << 12), op)                                                                       \
    ROWS_FUNCT7((key) + (7 << 12), op)
#define ROWS_NONE(key, op) ROWS(key, 0, op)
#define ROWS_R(key, op) ROWS(key, 0, op)
#define ROWS_R1(key, op) ROWS(key, 0, op)
#define ROWS_SH5(key, op) ROWS(key, 0, op)
#define ROWS_SH6(key, op) ROWS(key, 1, op)
#define ROWS_I(key, op) ROWS_FUNCT7(key, op)
#define ROWS_LOAD(key, op) ROWS_FUNCT7(key, op)
#define ROWS_STORE(key, op) ROWS_FUNCT7(key, op)
#define ROWS_BRANCH(key, op) ROWS_FUNCT7(key, op)
#define ROWS_JALR(key, op) ROWS_FUNCT7(key, op)
#define ROWS_FENCE(key, op) ROWS_FUNCT7(key, op)
#define ROWS_ECALLI(key, op) ROWS_FUNCT7(key, op)
#define ROWS_U(key, op) ROWS_ALL(key, op)
#define ROWS_JAL(key, op) ROWS_ALL(key, op)
#include "vm/isa.def"
};

/* First row of a halfword by [quadrant][funct3]; 0 where the group is empty. */
static const uint8_t first_rvc[3][8] = {
#define PX_RVC_AT(quadrant, funct3) [quadrant][funct3] = PX_C_FIRST_##quadrant##_##funct3,
#include "vm/isa.def"
};

#define GATHER(layout) (0u layout(PX_FIELD_GATHER))

static int32_t sign_extend(uint32_t value, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);
    return (int32_t)((value ^ sign) - sign);
}

/* Immediates that are not at the top of the word. Kept out of the way of those that are. */
int32_t px_decode_scattered(uint32_t word, enum px_format format)
{
    switch (format) {
    case PX_FMT_STORE:
        return sign_extend(GATHER(PX_IMM_S), 12);
    case PX_FMT_BRANCH:
        return sign_extend(GATHER(PX_IMM_B), 13);
    case PX_FMT_JAL:
        return sign_extend(GATHER(PX_IMM_J), 21);
    case PX_FMT_U:
        return (int32_t)GATHER(PX_IMM_U);
    case PX_FMT_FENCE:
        return (int32_t)GATHER(PX_IMM_FENCE);
    case PX_FMT_ECALLI:
        return sign_extend(GATHER(PX_IMM_ECALLI), 20);
    default: /* uncovered: every format that has an immediate is above */
        return 0;
    }
}

/* The row that @word matches, @row or one behind it; 0: none. */
unsigned px_decode_later_row(uint32_t word, unsigned row)
{
    do {
        row++; /* a PX_OP_ALSO row shares the index of the one before it */
        if (row == PX_OP_COUNT || ((px_ops[row].match ^ word) & PX_DECODE_KEY_BITS) != 0)
            return 0;
    } while ((word & px_ops[row].mask) != px_ops[row].match);
    return row;
}

/* Fields of a compressed instruction, before the checks on them. */
struct rvc_fields {
    unsigned rd, rs1, rs2;
    int32_t imm;
};

static struct rvc_fields rvc_fields(uint32_t word, enum px_rvc_format format)
{
    unsigned full = (word >> 7) & 31, full2 = (word >> 2) & 31;
    unsigned low = 8 + ((word >> 2) & 7), high = 8 + ((word >> 7) & 7);
    switch (format) {
    case PX_RVC_CIW:
        return (struct rvc_fields){ low, 2, 0, (int32_t)GATHER(PX_IMM_CIW) };
    case PX_RVC_CL_W:
        return (struct rvc_fields){ low, high, 0, (int32_t)GATHER(PX_IMM_CL_W) };
    case PX_RVC_CL_D:
        return (struct rvc_fields){ low, high, 0, (int32_t)GATHER(PX_IMM_CL_D) };
    case PX_RVC_CS_W:
        return (struct rvc_fields){ 0, high, low, (int32_t)GATHER(PX_IMM_CL_W) };
    case PX_RVC_CS_D:
        return (struct rvc_fields){ 0, high, low, (int32_t)GATHER(PX_IMM_CL_D) };
    case PX_RVC_CI:
        return (struct rvc_fields){ full, full, 0, sign_extend(GATHER(PX_IMM_CI), 6) };
    case PX_RVC_CI_LI:
        return (struct rvc_fields){ full, 0, 0, sign_extend(GATHER(PX_IMM_CI), 6) };
    case PX_RVC_CI_LUI:
        return (struct rvc_fields){ full, 0, 0, sign_extend(GATHER(PX_IMM_CI_LUI), 18) };
    case PX_RVC_CI_16SP:
        return (struct rvc_fields){ 2, 2, 0, sign_extend(GATHER(PX_IMM_CI_16SP), 10) };
    case PX_RVC_CI_SHIFT:
        return (struct rvc_fields){ full, full, 0, (int32_t)GATHER(PX_IMM_CI) };
    case PX_RVC_CI_LWSP:
        return (struct rvc_fields){ full, 2, 0, (int32_t)GATHER(PX_IMM_CI_LWSP) };
    case PX_RVC_CI_LDSP:
        return (struct rvc_fields){ full, 2, 0, (int32_t)GATHER(PX_IMM_CI_LDSP) };
    case PX_RVC_CSS_W:
        return (struct rvc_fields){ 0, 2, full2, (int32_t)GATHER(PX_IMM_CSS_W) };
    case PX_RVC_CSS_D:
        return (struct rvc_fields){ 0, 2, full2, (int32_t)GATHER(PX_IMM_CSS_D) };
    case PX_RVC_CB_SHIFT:
        return (struct rvc_fields){ high, high, 0, (int32_t)GATHER(PX_IMM_CI) };
    case PX_RVC_CB_IMM:
        return (struct rvc_fields){ high, high, 0, sign_extend(GATHER(PX_IMM_CI), 6) };
    case PX_RVC_CB_BRANCH:
        return (struct rvc_fields){ 0, high, 0, sign_extend(GATHER(PX_IMM_CB), 9) };
    case PX_RVC_CA:
        return (struct rvc_fields){ high, high, low, 0 };
    case PX_RVC_CJ:
        return (struct rvc_fields){ 0, 0, 0, sign_extend(GATHER(PX_IMM_CJ), 12) };
    case PX_RVC_CR_JR:
        return (struct rvc_fields){ 0, full, 0, 0 };
    case PX_RVC_CR_JALR:
        return (struct rvc_fields){ 1, full, 0, 0 };
    case PX_RVC_CR_MV:
        return (struct rvc_fields){ full, 0, full2, 0 };
    case PX_RVC_CR_ADD:
        return (struct rvc_fields){ full, full, full2, 0 };
    case PX_RVC_CN:
    case PX_RVC_FORMAT_COUNT:
        break;
    }
    return (struct rvc_fields){ 0, 0, 0, 0 };
}

static bool decode_rvc(uint32_t word, struct px_insn *insn)
{
    unsigned funct3 = (word >> 13) & 7;
    unsigned row = first_rvc[word & 3][funct3];
    if (row == PX_C_NONE)
        return false;
    uint32_t key = px_rvcs[row].match & 0xe003u;
    while ((word & px_rvcs[row].mask) != px_rvcs[row].match) {
        row++;
        if (row == PX_C_COUNT || (px_rvcs[row].match & 0xe003u) != key)
            return false;
    }

    struct rvc_fields f = rvc_fields(word, px_rvcs[row].format);
    unsigned demands = px_rvcs[row].demands;
    if ((f.rd | f.rs1 | f.rs2) >= PX_REG_COUNT)
        return false;
    if ((demands & PX_RVC_IMM_NZ) && f.imm == 0)
        return false;
    if ((demands & PX_RVC_REG_NZ) && ((word >> 7) & 31) == 0)
        return false;
    px_decode_pack(insn,
                   px_rvcs[row].expansion | row << 8 | 2u << 16 | (uint64_t)f.rd << 24 |
                       (uint64_t)f.rs1 << 32 | (uint64_t)f.rs2 << 40,
                   f.imm);
    return true;
}

static void decode_16(uint32_t word, struct px_insn *insn)
{
    if (!decode_rvc(word, insn))
        px_decode_illegal(insn, 2);
}

struct px_insn px_decode_word(uint32_t word)
{
    struct px_insn insn;
    if ((word & 3) == 3)
        px_decode_32(word, &insn);
    else
        decode_16(word & 0xffffu, &insn);
    return insn;
}

void px_decode_to(const uint8_t *code, size_t size, size_t offset, struct px_insn *insn)
{
    size_t left = size - offset;
    bool wide = (code[offset] & 3) == 3;
    uint32_t word = 0;
    if (left >= 4) {
        memcpy(&word, code + offset, 4);
        if (wide)
            px_decode_32(word, insn);
        else
            decode_16(word & 0xffffu, insn);
    } else if (wide || left < 2) {
        px_decode_illegal(insn, wide ? 4 : 2);
    } else {
        memcpy(&word, code + offset, 2);
        decode_16(word & 0xffffu, insn);
    }
}
