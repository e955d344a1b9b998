/*
 * Decoder: (opcode, funct3) -> first row -> match/mask -> fields by format. The rows decide; there is no
 * code for single instructions.
 */
#include "vm/fields.h"
#include "vm/isa.h"

#include <string.h>

/* Bits 6..2 of a 4-byte instruction. */
enum {
    KEY_LOAD = 0x00,
    KEY_CUSTOM_0 = 0x02,
    KEY_MISC_MEM = 0x03,
    KEY_OP_IMM = 0x04,
    KEY_AUIPC = 0x05,
    KEY_OP_IMM_32 = 0x06,
    KEY_STORE = 0x08,
    KEY_OP = 0x0c,
    KEY_LUI = 0x0d,
    KEY_OP_32 = 0x0e,
    KEY_BRANCH = 0x18,
    KEY_JALR = 0x19,
    KEY_JAL = 0x1b,
    KEY_SYSTEM = 0x1c,
};

/* First row of each group by [opcode][funct3]; 0 where the group is empty. U and J rows own all eight. */
#define ROW_ANY(opcode)                                                                                      \
    { [0 ... 7] = PX_FIRST_##opcode##_ANY }

static const uint8_t first_row[32][8] = {
    [KEY_AUIPC] = ROW_ANY(AUIPC),
    [KEY_LUI] = ROW_ANY(LUI),
    [KEY_JAL] = ROW_ANY(JAL),
#define PX_AT(opcode, funct3) INDEX_##funct3(opcode)
#define INDEX_ANY(opcode)
#define INDEX_0(opcode) [KEY_##opcode][0] = PX_FIRST_##opcode##_0,
#define INDEX_1(opcode) [KEY_##opcode][1] = PX_FIRST_##opcode##_1,
#define INDEX_2(opcode) [KEY_##opcode][2] = PX_FIRST_##opcode##_2,
#define INDEX_3(opcode) [KEY_##opcode][3] = PX_FIRST_##opcode##_3,
#define INDEX_4(opcode) [KEY_##opcode][4] = PX_FIRST_##opcode##_4,
#define INDEX_5(opcode) [KEY_##opcode][5] = PX_FIRST_##opcode##_5,
#define INDEX_6(opcode) [KEY_##opcode][6] = PX_FIRST_##opcode##_6,
#define INDEX_7(opcode) [KEY_##opcode][7] = PX_FIRST_##opcode##_7,
#include "vm/isa.def"
};

/* The same by [quadrant][funct3] of a halfword. */
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

static int32_t immediate(uint32_t word, enum px_format format)
{
    switch (format) {
    case PX_FMT_I:
    case PX_FMT_LOAD:
    case PX_FMT_JALR:
        return sign_extend(GATHER(PX_IMM_I), 12);
    case PX_FMT_STORE:
        return sign_extend(GATHER(PX_IMM_S), 12);
    case PX_FMT_BRANCH:
        return sign_extend(GATHER(PX_IMM_B), 13);
    case PX_FMT_JAL:
        return sign_extend(GATHER(PX_IMM_J), 21);
    case PX_FMT_U:
        return (int32_t)GATHER(PX_IMM_U);
    case PX_FMT_SH6:
        return (int32_t)GATHER(PX_IMM_SH6);
    case PX_FMT_SH5:
        return (int32_t)GATHER(PX_IMM_SH5);
    case PX_FMT_FENCE:
        return (int32_t)GATHER(PX_IMM_FENCE);
    case PX_FMT_ECALLI:
        return sign_extend(GATHER(PX_IMM_ECALLI), 20);
    case PX_FMT_NONE:
    case PX_FMT_R:
    case PX_FMT_R1:
    case PX_FMT_COUNT:
        break;
    }
    return 0;
}

static const struct px_insn illegal_4 = { .op = PX_OP_ILLEGAL, .len = 4 };
static const struct px_insn illegal_2 = { .op = PX_OP_ILLEGAL, .len = 2 };

static struct px_insn decode_32(uint32_t word)
{
    unsigned row = first_row[(word >> 2) & 31][(word >> 12) & 7];
    if (row == 0)
        return illegal_4;
    /* Rows of a group are adjacent, and a group's fixed bits are in every row's mask. */
    uint32_t key = px_ops[row].match & 0x707fu;
    while ((word & px_ops[row].mask) != px_ops[row].match) {
        row++;
        if (row == PX_OP_COUNT || (px_ops[row].match & 0x707fu) != key)
            return illegal_4;
    }

    enum px_format format = px_ops[row].format;
    unsigned has = px_format_regs[format];
    struct px_insn insn = { .op = (uint8_t)row, .len = 4, .imm = immediate(word, format) };
    unsigned rd = has & PX_HAS_RD ? (word >> 7) & 31 : 0;
    unsigned rs1 = has & PX_HAS_RS1 ? (word >> 15) & 31 : 0;
    unsigned rs2 = has & PX_HAS_RS2 ? (word >> 20) & 31 : 0;
    if ((rd | rs1 | rs2) >= PX_REG_COUNT)
        return illegal_4;
    insn.rd = (uint8_t)rd;
    insn.rs1 = (uint8_t)rs1;
    insn.rs2 = (uint8_t)rs2;
    return insn;
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

static struct px_insn decode_16(uint32_t word)
{
    unsigned funct3 = (word >> 13) & 7;
    unsigned row = first_rvc[word & 3][funct3];
    if (row == PX_C_NONE)
        return illegal_2;
    uint32_t key = px_rvcs[row].match & 0xe003u;
    while ((word & px_rvcs[row].mask) != px_rvcs[row].match) {
        row++;
        if (row == PX_C_COUNT || (px_rvcs[row].match & 0xe003u) != key)
            return illegal_2;
    }

    struct rvc_fields f = rvc_fields(word, px_rvcs[row].format);
    unsigned demands = px_rvcs[row].demands;
    if ((f.rd | f.rs1 | f.rs2) >= PX_REG_COUNT)
        return illegal_2;
    if ((demands & PX_RVC_IMM_NZ) && f.imm == 0)
        return illegal_2;
    if ((demands & PX_RVC_REG_NZ) && ((word >> 7) & 31) == 0)
        return illegal_2;
    return (struct px_insn){ .op = px_rvcs[row].expansion,
                             .rvc = (uint8_t)row,
                             .len = 2,
                             .rd = (uint8_t)f.rd,
                             .rs1 = (uint8_t)f.rs1,
                             .rs2 = (uint8_t)f.rs2,
                             .imm = f.imm };
}

struct px_insn px_decode_word(uint32_t word)
{
    return (word & 3) == 3 ? decode_32(word) : decode_16(word & 0xffffu);
}

struct px_insn px_decode(const uint8_t *code, size_t size, size_t offset)
{
    size_t left = size - offset;
    bool wide = (code[offset] & 3) == 3;
    if (left >= 4) {
        uint32_t word;
        memcpy(&word, code + offset, 4);
        return wide ? decode_32(word) : decode_16(word & 0xffffu);
    }
    if (wide)
        return illegal_4;
    if (left < 2)
        return illegal_2;
    uint16_t half;
    memcpy(&half, code + offset, 2);
    return decode_16(half);
}
