/*
 * Forms of x86-64 instructions, for the ones that a compact encoder emits: where an instruction ends, and all that can be
 * wrong with its encoding but the numbers of plain registers. No disassembler: what is unknown ends the decoding.
 */
#include "harness/features.h"

#include <string.h>

/* What follows an opcode byte. */
enum {
    KNOWN = 1,
    MODRM = 2,
    IMM8 = 4,
    IMM32 = 8,     /* 16 bits with prefix 66 */
    IMM64 = 16,    /* 32 bits without REX.W */
    GROUP = 32,    /* ModRM.reg is part of the opcode */
    TEST_IMM = 64, /* an immediate when it is 0 or 1 */
};

static const uint8_t one_byte[256] = {
    [0x00 ... 0x03] = KNOWN | MODRM,
    [0x08 ... 0x0b] = KNOWN | MODRM,
    [0x10 ... 0x13] = KNOWN | MODRM,
    [0x18 ... 0x1b] = KNOWN | MODRM,
    [0x20 ... 0x23] = KNOWN | MODRM,
    [0x28 ... 0x2b] = KNOWN | MODRM,
    [0x30 ... 0x33] = KNOWN | MODRM,
    [0x38 ... 0x3b] = KNOWN | MODRM,
    [0x50 ... 0x5f] = KNOWN,
    [0x63] = KNOWN | MODRM,
    [0x69] = KNOWN | MODRM | IMM32,
    [0x6b] = KNOWN | MODRM | IMM8,
    [0x70 ... 0x7f] = KNOWN | IMM8,
    [0x80] = KNOWN | MODRM | IMM8 | GROUP,
    [0x81] = KNOWN | MODRM | IMM32 | GROUP,
    [0x83] = KNOWN | MODRM | IMM8 | GROUP,
    [0x84 ... 0x8b] = KNOWN | MODRM,
    [0x8d] = KNOWN | MODRM,
    [0x90] = KNOWN,
    [0x98 ... 0x99] = KNOWN,
    [0xa8] = KNOWN | IMM8,
    [0xa9] = KNOWN | IMM32,
    [0xb0 ... 0xb7] = KNOWN | IMM8,
    [0xb8 ... 0xbf] = KNOWN | IMM64,
    [0xc0 ... 0xc1] = KNOWN | MODRM | IMM8 | GROUP,
    [0xc3] = KNOWN,
    [0xc6] = KNOWN | MODRM | IMM8,
    [0xc7] = KNOWN | MODRM | IMM32,
    [0xcc] = KNOWN,
    [0xd0 ... 0xd3] = KNOWN | MODRM | GROUP,
    [0xe8 ... 0xe9] = KNOWN | IMM32,
    [0xeb] = KNOWN | IMM8,
    [0xf6] = KNOWN | MODRM | GROUP | TEST_IMM | IMM8,
    [0xf7] = KNOWN | MODRM | GROUP | TEST_IMM | IMM32,
    [0xfe ... 0xff] = KNOWN | MODRM | GROUP,
};

/* Behind 0F. */
static const uint8_t two_bytes[256] = {
    [0x0b] = KNOWN,
    [0x1f] = KNOWN | MODRM,
    [0x40 ... 0x4f] = KNOWN | MODRM,
    [0x80 ... 0x8f] = KNOWN | IMM32,
    [0x90 ... 0x9f] = KNOWN | MODRM,
    [0xa3] = KNOWN | MODRM,
    [0xab] = KNOWN | MODRM,
    [0xaf] = KNOWN | MODRM,
    [0xb3] = KNOWN | MODRM,
    [0xb6 ... 0xb8] = KNOWN | MODRM,
    [0xba] = KNOWN | MODRM | IMM8 | GROUP,
    [0xbb ... 0xbf] = KNOWN | MODRM,
    [0xc8 ... 0xcf] = KNOWN,
};

/* An instruction in parts. */
struct host {
    unsigned prefixes; /* bit 0 gs, 1 address size, 2 operand size, 3 repeat */
    unsigned rex;      /* WRXB, 16: present */
    unsigned map, opcode, kind;
    unsigned modrm, sib;
    unsigned disp, imm; /* their sizes */
    bool has_sib;
};

/* Reads prefixes and the opcode; bytes read, 0 when it is unknown. @code has room for all of it. */
static unsigned read_opcode(const uint8_t *code, struct host *h)
{
    unsigned at = 0;
    for (;; at++) {
        if (code[at] == 0x65)
            h->prefixes |= 1;
        else if (code[at] == 0x67)
            h->prefixes |= 2;
        else if (code[at] == 0x66)
            h->prefixes |= 4;
        else if (code[at] == 0xf3)
            h->prefixes |= 8;
        else
            break;
        if (at == 4)
            return 0;
    }
    if (code[at] == 0xc4) { /* VEX, three bytes: all of these have a ModRM, map 3 an immediate too */
        h->rex = (~(unsigned)code[at + 1] >> 5 & 7) | (code[at + 2] >> 4 & 8);
        h->map = (code[at + 1] & 31) + (code[at + 2] & 3u) * 4;
        h->opcode = code[at + 3];
        h->kind = KNOWN | MODRM | ((code[at + 1] & 31) == 3 ? IMM8 : 0);
        return at + 4;
    }
    if (code[at] >> 4 == 4)
        h->rex = 16 | (code[at++] & 15);
    if (code[at] == 0x0f) {
        h->map = 1;
        at++;
    }
    h->opcode = code[at];
    h->kind = h->map ? two_bytes[h->opcode] : one_byte[h->opcode];
    return h->kind ? at + 1 : 0;
}

/* ModRM and what depends on it: bytes read. */
static unsigned read_operand(const uint8_t *code, struct host *h)
{
    unsigned at = 1, mod, rm;
    h->modrm = code[0];
    mod = h->modrm >> 6;
    rm = h->modrm & 7;
    if (mod == 3)
        return at;
    h->has_sib = rm == 4;
    if (h->has_sib)
        h->sib = code[at++];
    bool no_base = mod == 0 && (rm == 5 || (h->has_sib && (h->sib & 7) == 5));
    h->disp = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
    return at + h->disp;
}

static unsigned imm_size(const struct host *h)
{
    if ((h->kind & TEST_IMM) && (h->modrm >> 3 & 7) > 1)
        return 0;
    if (h->kind & IMM8)
        return 1;
    if (h->kind & IMM64)
        return h->rex & 8 ? 8 : 4;
    return h->kind & IMM32 ? (h->prefixes & 4 ? 2 : 4) : 0;
}

/* 0: none, 1: near 0, 2: at the edge of its size or of one byte, 3: any other. */
static inline unsigned number_class(const uint8_t *bytes, unsigned size)
{
    int32_t value = 0;
    if (size == 0)
        return 0;
    if (size == 1)
        value = bytes[0] - 2 * (bytes[0] & 0x80); /* sign-extended */
    else
        memcpy(&value, bytes, size < 4 ? size : 4);
    uint32_t magnitude = value < 0 ? ~(uint32_t)value : (uint32_t)value;
    if (magnitude <= 1)
        return 1;
    return magnitude - 126 <= 2 || magnitude >= 0x7ffffffe ? 2 : 3;
}

/* What of ModRM matters: mod, and which registers have encodings of their own. */
static unsigned operand_class(const struct host *h)
{
    unsigned mod = h->modrm >> 6, rm = h->modrm & 7, base = h->has_sib ? h->sib & 7 : rm;
    unsigned special = mod == 3 ? 0 : base == 4 ? 1 : base == 5 ? 2 : 0;
    unsigned index = h->has_sib && (h->sib >> 3 & 7) != 4;
    return mod | special << 2 | (unsigned)h->has_sib << 4 | index << 5;
}

unsigned features_host_form(const uint8_t *code, size_t size, unsigned *form)
{
    enum { LONGEST = 16 };
    uint8_t bytes[LONGEST + LONGEST] = { 0 };
    struct host h = { .prefixes = 0 };
    if (size < LONGEST) { /* at the end: nothing is read past it */
        memcpy(bytes, code, size);
        code = bytes;
    }
    unsigned at = read_opcode(code, &h), numbers;
    if (at == 0)
        return 0;
    unsigned end = at + (h.kind & MODRM ? read_operand(code + at, &h) : 0);
    h.imm = imm_size(&h);
    if (end + h.imm > size)
        return 0;
    numbers = number_class(code + end - h.disp, h.disp) | number_class(code + end, h.imm) << 2;
    uint64_t key = h.opcode | h.map << 8 | h.prefixes << 12 | h.rex << 16 | numbers << 21;
    key = key << 12 | h.disp << 9 | (h.kind & MODRM ? operand_class(&h) : 0) << 3 |
          (h.kind & GROUP ? h.modrm >> 3 & 7 : 0);
    *form = (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - FEATURES_FORM_BITS));
    return end + h.imm;
}
