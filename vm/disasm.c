/* Disassembler, by format; the text is llvm-mc's without aliases. */
#include "vm/isa.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
    char *at;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *fmt, ...)
{
    bool room = text->length < text->size;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(room ? text->at + text->length : NULL, room ? text->size - text->length : 0, fmt, args);
    va_end(args);
    text->length += n > 0 ? (size_t)n : 0;
}

static void put_fence_set(struct text *text, unsigned set)
{
    static const char letters[] = "iorw";
    if (set == 0)
        put(text, "0");
    for (unsigned i = 0; i < 4; i++)
        if (set & (8u >> i))
            put(text, "%c", letters[i]);
}

/* True when the bits that name no set are as an assembler writes them. */
static bool put_fence(struct text *text, const struct px_insn *insn)
{
    unsigned bits = (unsigned)insn->imm;
    unsigned succ = (bits >> 10) & 15, pred = (bits >> 14) & 15, fm = (bits >> 18) & 15;
    unsigned rest = bits & 0x3ff; /* where rd and rs1 would be */
    if (insn->op == PX_OP_FENCE_I && bits == 0) {
        put(text, "fence.i");
        return true;
    }
    if (insn->op == PX_OP_FENCE && rest == 0 && fm == 8 && pred == 3 && succ == 3) {
        put(text, "fence.tso");
        return true;
    }
    if (insn->op == PX_OP_FENCE && rest == 0 && fm == 0) {
        put(text, "fence\t");
        put_fence_set(text, pred);
        put(text, ", ");
        put_fence_set(text, succ);
        return true;
    }
    return false;
}

static bool put_32(struct text *text, const struct px_insn *insn)
{
    const struct px_op_info *info = &px_ops[insn->op];
    const char *name = info->mnemonic;
    const char *rd = px_reg_names[insn->rd], *rs1 = px_reg_names[insn->rs1], *rs2 = px_reg_names[insn->rs2];
    switch ((enum px_format)info->format) {
    case PX_FMT_NONE:
        put(text, "%s", name);
        break;
    case PX_FMT_R:
        put(text, "%s\t%s, %s, %s", name, rd, rs1, rs2);
        break;
    case PX_FMT_R1:
        put(text, "%s\t%s, %s", name, rd, rs1);
        break;
    case PX_FMT_I:
    case PX_FMT_SH6:
    case PX_FMT_SH5:
        put(text, "%s\t%s, %s, %d", name, rd, rs1, insn->imm);
        break;
    case PX_FMT_LOAD:
    case PX_FMT_JALR:
        put(text, "%s\t%s, %d(%s)", name, rd, insn->imm, rs1);
        break;
    case PX_FMT_STORE:
        put(text, "%s\t%s, %d(%s)", name, rs2, insn->imm, rs1);
        break;
    case PX_FMT_BRANCH:
        put(text, "%s\t%s, %s, %d", name, rs1, rs2, insn->imm);
        break;
    case PX_FMT_U:
        put(text, "%s\t%s, %u", name, rd, (uint32_t)insn->imm >> 12);
        break;
    case PX_FMT_JAL:
        put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_FMT_FENCE:
        return put_fence(text, insn);
    case PX_FMT_ECALLI:
        put(text, "%s\t%d", name, insn->imm);
        break;
    case PX_FMT_COUNT:
        return false;
    }
    return true;
}

/* A shift by 0 is a HINT, which llvm-mc spells with its 128-bit name and no amount. */
static void put_rvc_shift(struct text *text, const char *name, const char *rd, int32_t shamt)
{
    if (shamt == 0)
        put(text, "%s64\t%s", name, rd);
    else
        put(text, "%s\t%s, %d", name, rd, shamt);
}

static void put_16(struct text *text, const struct px_insn *insn)
{
    const struct px_rvc_info *info = &px_rvcs[insn->rvc];
    const char *name = info->mnemonic;
    const char *rd = px_reg_names[insn->rd], *rs1 = px_reg_names[insn->rs1], *rs2 = px_reg_names[insn->rs2];
    switch ((enum px_rvc_format)info->format) {
    case PX_RVC_CIW:
        put(text, "%s\t%s, sp, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CL_W:
    case PX_RVC_CL_D:
    case PX_RVC_CI_LWSP:
    case PX_RVC_CI_LDSP:
        put(text, "%s\t%s, %d(%s)", name, rd, insn->imm, rs1);
        break;
    case PX_RVC_CS_W:
    case PX_RVC_CS_D:
    case PX_RVC_CSS_W:
    case PX_RVC_CSS_D:
        put(text, "%s\t%s, %d(%s)", name, rs2, insn->imm, rs1);
        break;
    case PX_RVC_CI:
        if (insn->rvc == PX_C_NOP && insn->imm == 0)
            put(text, "%s", name);
        else if (insn->rvc == PX_C_NOP)
            put(text, "%s\t%d", name, insn->imm);
        else
            put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CI_LI:
    case PX_RVC_CI_16SP:
    case PX_RVC_CB_IMM:
        put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CI_LUI:
        put(text, "%s\t%s, %u", name, rd, ((uint32_t)insn->imm >> 12) & 0xfffffu);
        break;
    case PX_RVC_CI_SHIFT:
    case PX_RVC_CB_SHIFT:
        put_rvc_shift(text, name, rd, insn->imm);
        break;
    case PX_RVC_CB_BRANCH:
        put(text, "%s\t%s, %d", name, rs1, insn->imm);
        break;
    case PX_RVC_CA:
    case PX_RVC_CR_MV:
    case PX_RVC_CR_ADD:
        put(text, "%s\t%s, %s", name, rd, rs2);
        break;
    case PX_RVC_CJ:
        put(text, "%s\t%d", name, insn->imm);
        break;
    case PX_RVC_CR_JR:
    case PX_RVC_CR_JALR:
        put(text, "%s\t%s", name, rs1);
        break;
    case PX_RVC_CN:
    case PX_RVC_FORMAT_COUNT:
        put(text, "%s", name);
        break;
    }
}

size_t px_disassemble(const struct px_insn *insn, uint32_t word, char *text, size_t size)
{
    struct text out = { .at = text, .size = size };
    if (size > 0)
        text[0] = '\0';
    if (insn->op != PX_OP_ILLEGAL && insn->rvc != PX_C_NONE)
        put_16(&out, insn);
    else if (insn->op == PX_OP_ILLEGAL || !put_32(&out, insn)) {
        if (insn->len == 2)
            put(&out, ".2byte\t0x%04x", word & 0xffffu);
        else
            put(&out, ".4byte\t0x%08x", word);
    }
    return out.length;
}
