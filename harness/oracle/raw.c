#include "harness/oracle/raw.h"

enum {
    OPCODE_LOAD = 0x03,
    OPCODE_CUSTOM_0 = 0x0b,
    OPCODE_OP_IMM = 0x13,
    OPCODE_AUIPC = 0x17,
    OPCODE_OP_IMM_32 = 0x1b,
    OPCODE_STORE = 0x23,
    OPCODE_AMO = 0x2f,
    OPCODE_OP = 0x33,
    OPCODE_LUI = 0x37,
    OPCODE_OP_32 = 0x3b,
    OPCODE_BRANCH = 0x63,
    OPCODE_JALR = 0x67,
    OPCODE_JAL = 0x6f,
};

/* Bits high..low of @word. */
static uint32_t bits(uint32_t word, unsigned high, unsigned low)
{
    return word >> low & ((UINT32_C(2) << (high - low)) - 1);
}

/* @value, of so many bits, as a signed number. */
static int32_t sign(uint32_t value, unsigned width)
{
    uint32_t top = UINT32_C(1) << (width - 1);
    return (int32_t)((value ^ top) - top);
}

/* RV64E: whether a register field of that word names x16..x31. Shift amounts and sub-opcodes are no register fields. */
static bool names_high_register(uint32_t word)
{
    bool rd = word >> 11 & 1, rs1 = word >> 19 & 1, rs2 = word >> 24 & 1;
    switch (word & 0x7f) {
    case OPCODE_LUI:
    case OPCODE_AUIPC:
    case OPCODE_JAL:
        return rd;
    case OPCODE_LOAD:
    case OPCODE_OP_IMM:
    case OPCODE_OP_IMM_32:
    case OPCODE_JALR:
        return rd || rs1;
    case OPCODE_STORE:
    case OPCODE_BRANCH:
        return rs1 || rs2;
    case OPCODE_OP:
    case OPCODE_OP_32:
        return rd || rs1 || rs2;
    default:
        return false;
    }
}

static void read_custom_0(uint32_t word, struct raw *in)
{
    if (word == 0x0000000b)
        in->kind = RAW_TRAP;
    else if (word == 0x0000100b)
        in->kind = RAW_MANAGE;
    else if (word == 0x0000400b)
        in->kind = RAW_FALLTHROUGH;
    else if (bits(word, 14, 10) == 2 << 2) { /* funct3 010, bits 11 and 10 zero */
        in->kind = RAW_HOSTCALL;
        in->imm = sign(bits(word, 9, 7) << 17 | bits(word, 31, 15), 20);
    }
}

static void read_load(unsigned funct3, struct raw *in)
{
    if (funct3 == 7)
        return;
    in->kind = RAW_LOAD;
    in->width = (uint8_t)(1u << (funct3 & 3));
    in->sign_extends = funct3 < 4;
}

static void read_word(uint32_t word, struct raw *in)
{
    unsigned funct3 = bits(word, 14, 12);
    in->rd = (uint8_t)bits(word, 11, 7);
    in->rs1 = (uint8_t)bits(word, 19, 15);
    in->rs2 = (uint8_t)bits(word, 24, 20);
    switch (word & 0x7f) {
    case OPCODE_LOAD:
        read_load(funct3, in);
        in->imm = sign(bits(word, 31, 20), 12);
        break;
    case OPCODE_CUSTOM_0:
        read_custom_0(word, in);
        break;
    case OPCODE_AUIPC:
        in->kind = in->rd == 0 ? RAW_NATIVE : RAW_AUIPC;
        in->imm = (int32_t)(word & 0xfffff000);
        break;
    case OPCODE_STORE:
        in->kind = funct3 < 4 ? RAW_STORE : RAW_NATIVE;
        in->width = (uint8_t)(1u << (funct3 & 3));
        in->imm = sign(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12);
        break;
    case OPCODE_OP_IMM_32:
        if (bits(word, 31, 20) == 0x601 && funct3 == 1)
            in->kind = RAW_CTZW;
        break;
    case OPCODE_AMO: /* qemu 7.2 runs half of them with the A extension off */
        in->kind = RAW_ILLEGAL;
        break;
    case OPCODE_OP:
        if (bits(word, 31, 25) == 0x07 && (funct3 == 5 || funct3 == 7))
            in->kind = RAW_ZICOND;
        in->condition = (uint8_t)funct3;
        break;
    case OPCODE_BRANCH:
        in->kind = funct3 == 2 || funct3 == 3 ? RAW_NATIVE : RAW_BRANCH;
        in->condition = (uint8_t)funct3;
        in->imm = sign(bits(word, 31, 31) << 12 | bits(word, 7, 7) << 11 | bits(word, 30, 25) << 5 |
                           bits(word, 11, 8) << 1,
                       13);
        break;
    case OPCODE_JALR:
        in->kind = funct3 == 0 ? RAW_INDIRECT : RAW_NATIVE;
        in->imm = sign(bits(word, 31, 20), 12);
        break;
    case OPCODE_JAL:
        in->kind = in->rd == 0 ? RAW_JUMP : RAW_LINK;
        in->imm = sign(bits(word, 31, 31) << 20 | bits(word, 19, 12) << 12 | bits(word, 20, 20) << 11 |
                           bits(word, 30, 21) << 1,
                       21);
        break;
    default:
        if (word == 0x00000073 || word == 0x00100073)
            in->kind = RAW_STANDARD;
    }
    if (names_high_register(word))
        in->kind = RAW_ILLEGAL;
}

static void access_of(struct raw *in, enum raw_kind kind, unsigned width, uint32_t offset)
{
    if (kind == RAW_LOAD && in->rd == 0) /* reserved, for compressed ones */
        return;
    in->kind = (uint8_t)kind;
    in->width = (uint8_t)width;
    in->sign_extends = true;
    in->imm = (int32_t)offset;
}

/* Quadrant 0: registers x8..x15. */
static void read_quadrant_0(uint32_t half, struct raw *in)
{
    uint32_t word_offset = bits(half, 12, 10) << 3 | bits(half, 6, 6) << 2 | bits(half, 5, 5) << 6;
    uint32_t double_offset = bits(half, 12, 10) << 3 | bits(half, 6, 5) << 6;
    in->rs1 = (uint8_t)(8 + bits(half, 9, 7));
    in->rd = in->rs2 = (uint8_t)(8 + bits(half, 4, 2));
    switch (bits(half, 15, 13)) {
    case 2:
        access_of(in, RAW_LOAD, 4, word_offset);
        break;
    case 3:
        access_of(in, RAW_LOAD, 8, double_offset);
        break;
    case 6:
        access_of(in, RAW_STORE, 4, word_offset);
        break;
    case 7:
        access_of(in, RAW_STORE, 8, double_offset);
        break;
    default:
        break;
    }
}

static void read_quadrant_1(uint32_t half, struct raw *in)
{
    unsigned funct3 = bits(half, 15, 13);
    switch (funct3) {
    case 5:
        in->kind = RAW_JUMP;
        in->imm = sign(bits(half, 12, 12) << 11 | bits(half, 11, 11) << 4 | bits(half, 10, 9) << 8 |
                           bits(half, 8, 8) << 10 | bits(half, 7, 7) << 6 | bits(half, 6, 6) << 7 |
                           bits(half, 5, 3) << 1 | bits(half, 2, 2) << 5,
                       12);
        break;
    case 6:
    case 7:
        in->kind = RAW_BRANCH;
        in->rs1 = (uint8_t)(8 + bits(half, 9, 7));
        in->condition = funct3 == 6 ? 0 : 1;
        in->imm = sign(bits(half, 12, 12) << 8 | bits(half, 11, 10) << 3 | bits(half, 6, 5) << 6 |
                           bits(half, 4, 3) << 1 | bits(half, 2, 2) << 5,
                       9);
        break;
    case 4:
        break;
    default: /* a 5-bit rd */
        if (half >> 11 & 1)
            in->kind = RAW_ILLEGAL;
    }
}

static void read_quadrant_2(uint32_t half, struct raw *in)
{
    bool high_rd = half >> 11 & 1, high_rs2 = half >> 6 & 1, top = half >> 12 & 1;
    unsigned funct3 = bits(half, 15, 13);
    in->rd = (uint8_t)bits(half, 11, 7);
    in->rs1 = 2;
    in->rs2 = (uint8_t)bits(half, 6, 2);
    switch (funct3) {
    case 2:
        access_of(in, RAW_LOAD, 4, (uint32_t)top << 5 | bits(half, 6, 4) << 2 | bits(half, 3, 2) << 6);
        break;
    case 3:
        access_of(in, RAW_LOAD, 8, (uint32_t)top << 5 | bits(half, 6, 5) << 3 | bits(half, 4, 2) << 6);
        break;
    case 6:
        access_of(in, RAW_STORE, 4, bits(half, 12, 9) << 2 | bits(half, 8, 7) << 6);
        break;
    case 7:
        access_of(in, RAW_STORE, 8, bits(half, 12, 10) << 3 | bits(half, 9, 7) << 6);
        break;
    case 4:
        if (half == 0x9002) {
            in->kind = RAW_STANDARD;
        } else if (in->rs2 == 0 && in->rd != 0) {
            in->kind = RAW_INDIRECT;
            in->rs1 = in->rd;
            in->rd = top;
        }
        break;
    default:
        break;
    }
    bool store = funct3 == 6 || funct3 == 7;
    if ((high_rd && !store) || (high_rs2 && (store || funct3 == 4)))
        in->kind = RAW_ILLEGAL;
}

struct raw raw_read(const uint8_t *code, uint64_t size, uint64_t offset)
{
    struct raw in = { .kind = RAW_NATIVE };
    if (offset >= size) {
        in.kind = RAW_END;
        return in;
    }
    in.len = (code[offset] & 3) == 3 ? 4 : 2;
    if (size - offset < in.len) {
        in.kind = RAW_ILLEGAL;
        return in;
    }
    uint32_t word = (uint32_t)code[offset] | (uint32_t)code[offset + 1] << 8;
    switch (word & 3) {
    case 0:
        read_quadrant_0(word, &in);
        break;
    case 1:
        read_quadrant_1(word, &in);
        break;
    case 2:
        read_quadrant_2(word, &in);
        break;
    default:
        read_word(word | (uint32_t)code[offset + 2] << 16 | (uint32_t)code[offset + 3] << 24, &in);
    }
    return in;
}

bool raw_taken(unsigned condition, uint64_t a, uint64_t b)
{
    switch (condition) {
    case 0:
        return a == b;
    case 1:
        return a != b;
    case 4:
        return (int64_t)a < (int64_t)b;
    case 5:
        return (int64_t)a >= (int64_t)b;
    case 6:
        return a < b;
    default:
        return a >= b;
    }
}
