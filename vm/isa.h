/*
 * The instruction set as data: opcodes, operand formats, gas classes and effects, all of them
 * pinned to the rows of isa.def. No behaviour.
 */
#ifndef PX_ISA_H
#define PX_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/guest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Operand formats of 4-byte instructions. The letters name the fields in encoding order. */
enum px_format {
    PX_FMT_NONE,   /* no operand: trap, ecall, ... */
    PX_FMT_R,      /* rd, rs1, rs2 */
    PX_FMT_R1,     /* rd, rs1 (unary) */
    PX_FMT_I,      /* rd, rs1, imm12 */
    PX_FMT_SH6,    /* rd, rs1, shamt 0..63 */
    PX_FMT_SH5,    /* rd, rs1, shamt 0..31 */
    PX_FMT_LOAD,   /* rd, imm12(rs1) */
    PX_FMT_STORE,  /* rs2, imm12(rs1) */
    PX_FMT_BRANCH, /* rs1, rs2, pc-relative imm13 */
    PX_FMT_U,      /* rd, imm20 << 12 (kept shifted, sign-extended from bit 31) */
    PX_FMT_JAL,    /* rd, pc-relative imm21 */
    PX_FMT_JALR,   /* rd, imm12(rs1) */
    PX_FMT_FENCE,  /* imm = bits 31..15 and 11..7; names no register */
    PX_FMT_ECALLI, /* imm20, split as ISA.md 5 says */
    PX_FMT_COUNT
};

/* Operand formats of compressed instructions, named after the RVC chapter and their immediate. */
enum px_rvc_format {
    PX_RVC_CIW,       /* rd', x2, nzuimm */
    PX_RVC_CL_W,      /* rd', uimm(rs1') */
    PX_RVC_CL_D,      /* rd', uimm(rs1') */
    PX_RVC_CS_W,      /* rs2', uimm(rs1') */
    PX_RVC_CS_D,      /* rs2', uimm(rs1') */
    PX_RVC_CI,        /* rd = rs1, imm6 */
    PX_RVC_CI_LI,     /* rd, x0, imm6 */
    PX_RVC_CI_LUI,    /* rd, imm6 << 12 */
    PX_RVC_CI_16SP,   /* x2, x2, imm10 */
    PX_RVC_CI_SHIFT,  /* rd = rs1, shamt */
    PX_RVC_CI_LWSP,   /* rd, uimm(x2) */
    PX_RVC_CI_LDSP,   /* rd, uimm(x2) */
    PX_RVC_CSS_W,     /* rs2, uimm(x2) */
    PX_RVC_CSS_D,     /* rs2, uimm(x2) */
    PX_RVC_CB_SHIFT,  /* rd' = rs1', shamt */
    PX_RVC_CB_IMM,    /* rd' = rs1', imm6 */
    PX_RVC_CB_BRANCH, /* rs1', x0, pc-relative imm9 */
    PX_RVC_CA,        /* rd' = rs1', rs2' */
    PX_RVC_CJ,        /* x0, pc-relative imm12 */
    PX_RVC_CR_JR,     /* x0, 0(rs1) */
    PX_RVC_CR_JALR,   /* x1, 0(rs1) */
    PX_RVC_CR_MV,     /* rd, x0, rs2 */
    PX_RVC_CR_ADD,    /* rd = rs1, rs2 */
    PX_RVC_CN,        /* no operand */
    PX_RVC_FORMAT_COUNT
};

/* What a compressed row forbids beyond its format (ISA.md 3). */
enum {
    PX_RVC_ANY = 0,
    PX_RVC_IMM_NZ = 1, /* immediate must not be 0 */
    PX_RVC_REG_NZ = 2, /* the register of bits 11..7 must not be x0 */
};

/* Rows of the gas table in ISA.md 7. */
enum px_gas_class {
    PX_GC_MEMORY,
    PX_GC_UPPER,
    PX_GC_ALU,
    PX_GC_SHIFT,
    PX_GC_SLT,
    PX_GC_ALUW,
    PX_GC_SHIFTW,
    PX_GC_MUL,
    PX_GC_MULW,
    PX_GC_MULH,
    PX_GC_MULHSU,
    PX_GC_DIV,
    PX_GC_UNARY,
    PX_GC_CTZ,
    PX_GC_MINMAX,
    PX_GC_ANDN,
    PX_GC_XNOR,
    PX_GC_CZERO,
    PX_GC_JAL,
    PX_GC_JALR,
    PX_GC_BRANCH,
    PX_GC_STOP,     /* trap, fallthrough, illegal */
    PX_GC_FENCE,
    PX_GC_CALL,     /* ecalli, ecall.jar: no static gate */
    PX_GC_CLASS_COUNT
};

enum px_extension {
    PX_EXT_I,
    PX_EXT_M,
    PX_EXT_C,
    PX_EXT_ZBA,
    PX_EXT_ZBB,
    PX_EXT_ZBS,
    PX_EXT_ZICOND,
    PX_EXT_XJAR,
    PX_EXT_COUNT
};

/* Effects, a bit mask. Access widths are in bytes: 1 << PX_EFF_WIDTH_LOG2(effects). */
enum {
    PX_EFF_NONE = 0,
    PX_EFF_W1 = 0,
    PX_EFF_W2 = 1,
    PX_EFF_W4 = 2,
    PX_EFF_W8 = 3,
    PX_EFF_LOAD = 1 << 2,
    PX_EFF_STORE = 1 << 3,
    PX_EFF_TERM = 1 << 4,   /* terminator (ISA.md 4) */
    PX_EFF_BRANCH = 1 << 5, /* conditional, pc-relative */
    PX_EFF_JUMP = 1 << 6,   /* unconditional; writes a link */
    PX_EFF_CALL = 1 << 7,   /* ecalli, ecall.jar: starts a block of its own */
};
#define PX_EFF_WIDTH_LOG2(effects) ((effects) & 3)

/*
 * One enumerator per row, in the order of isa.def: decode.c relies on a PX_OP_ALSO row following the row it shares its
 * index with.
 */
enum px_op {
    PX_OP_ILLEGAL = 0,
#define PX_OP(name, ...) PX_OP_##name,
#include "vm/isa.def"
    PX_OP_COUNT
};

/* One enumerator per compressed row; PX_C_NONE marks a 4-byte instruction. */
enum px_rvc {
    PX_C_NONE = 0,
#define PX_RVC_AT(quadrant, funct3)                                                                          \
    PX_C_FIRST_##quadrant##_##funct3,                                                                        \
        PX_C_BEFORE_##quadrant##_##funct3 = PX_C_FIRST_##quadrant##_##funct3 - 1,
#define PX_RVC(name, ...) PX_C_##name,
#include "vm/isa.def"
    PX_C_COUNT
};

struct px_op_info {
    const char *mnemonic;
    uint32_t match, mask;
    uint32_t fields;   /* the word's register fields, by format */
    int32_t top; /* which of the word's 12 top bits are the immediate, by format; 0 where it is elsewhere */
    bool scattered; /* the immediate is elsewhere */
    uint8_t regs; /* PX_HAS_*, by format */
    uint8_t format; /* enum px_format */
    uint8_t extension; /* enum px_extension */
    uint8_t gas; /* enum px_gas_class */
    uint8_t effects; /* PX_EFF_* */
};

struct px_rvc_info {
    const char *mnemonic;
    uint16_t match, mask;
    uint8_t format; /* enum px_rvc_format */
    uint8_t expansion; /* enum px_op */
    uint8_t demands; /* PX_RVC_* */
};

/* A decoded instruction, always in expanded form. Fields that the format lacks are 0. */
struct px_insn {
    uint8_t op; /* enum px_op */
    uint8_t rvc; /* enum px_rvc: the row it was compressed by, PX_C_NONE for 4-byte forms */
    uint8_t len; /* 2 or 4 */
    uint8_t rd, rs1, rs2;
    int32_t imm; /* sign-extended; byte offset for jumps; shifted for lui and auipc */
};

/* Which of rd, rs1, rs2 a format names (links included): the register positions of ISA.md 7. */
enum {
    PX_HAS_RD = 1,
    PX_HAS_RS1 = 2,
    PX_HAS_RS2 = 4,
};

extern const struct px_op_info px_ops[PX_OP_COUNT]; /* row PX_OP_ILLEGAL is filled too */
extern const struct px_rvc_info px_rvcs[PX_C_COUNT]; /* row PX_C_NONE is empty */
extern const char *const px_reg_names[PX_REG_COUNT];

/*
 * Decodes the instruction at @offset of @code. Needs offset < size. An instruction that is not
 * wholly inside the code, and every encoding that ISA.md 3 calls illegal, gives PX_OP_ILLEGAL with
 * the length that its low bits say. Total: never fails, never reads past @size.
 */
void px_decode_to(const uint8_t *code, size_t size, size_t offset, struct px_insn *insn);

static inline struct px_insn px_decode(const uint8_t *code, size_t size, size_t offset)
{
    struct px_insn insn;
    px_decode_to(code, size, offset, &insn);
    return insn;
}

/*
 * The length of an instruction whose first byte is @first: what px_decode says, too, but without waiting for the
 * rest of it. A sweep that steps by it decodes one instruction while it still decodes another.
 */
static inline unsigned px_length(uint8_t first)
{
    return (first & 3) == 3 ? 4 : 2;
}

/* The same for one word; @word holds a compressed instruction in its low half. */
struct px_insn px_decode_word(uint32_t word);

/*
 * Encodes @insn (by its row @insn->rvc when that is not PX_C_NONE) into @word and returns its length
 * in bytes, or 0 when an operand does not fit the format. PX_OP_ILLEGAL never fits.
 */
unsigned px_encode(const struct px_insn *insn, uint32_t *word);

/*
 * Finds a compressed row whose expansion is exactly @insn and that can hold its operands; sets
 * @insn->rvc and ->len. False, and @insn untouched, when there is none.
 */
bool px_compress(struct px_insn *insn);

/*
 * Writes the instruction as llvm-mc prints it without aliases ("addi a0, zero, -1"), NUL-terminated
 * and cut to @size; returns the untruncated length. Jump targets are shown relative to the
 * instruction. Illegal encodings and non-canonical fences read ".4byte 0x..." or ".2byte 0x...", for
 * which @word is used.
 */
size_t px_disassemble(const struct px_insn *insn, uint32_t word, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
