/* Disassembler, by format; the text is llvm-mc's without aliases. */
#include "vm/isa.h"

#include "vm/put.h"

static void put_fence_set(struct px_put *text, unsigned set)
{
    static const char letters[] = "iorw";
    if (set == 0)
        px_put(text, "0");
    for (unsigned i = 0; i < 4; i++)
        if (set & (8u >> i))
            px_put(text, "%c", letters[i]);
}

/* True when the bits that name no set are as an assembler writes them. */
static bool put_fence(struct px_put *text, const struct px_insn *insn)
{
    unsigned bits = (unsigned)insn->imm;
    unsigned succ = (bits >> 10) & 15, pred = (bits >> 14) & 15, fm = (bits >> 18) & 15;
    unsigned rest = bits & 0x3ff; /* where rd and rs1 would be */
    if (insn->op == PX_OP_FENCE_I && bits == 0) {
        px_put(text, "fence.i");
        return true;
    }
    if (insn->op == PX_OP_FENCE && rest == 0 && fm == 8 && pred == 3 && succ == 3) {
        px_put(text, "fence.tso");
        return true;
    }
    if (insn->op == PX_OP_FENCE && rest == 0 && fm == 0) {
        px_put(text, "fence\t");
        put_fence_set(text, pred);
        px_put(text, ", ");
        put_fence_set(text, succ);
        return true;
    }
    return false;
}

static bool put_32(struct px_put *text, const struct px_insn *insn)
{
    const struct px_op_info *info = &px_ops[insn->op];
    const char *name = info->mnemonic;
    const char *rd = px_reg_names[insn->rd], *rs1 = px_reg_names[insn->rs1], *rs2 = px_reg_names[insn->rs2];
    switch ((enum px_format)info->format) {
    case PX_FMT_NONE:
        px_put(text, "%s", name);
        break;
    case PX_FMT_R:
        px_put(text, "%s\t%s, %s, %s", name, rd, rs1, rs2);
        break;
    case PX_FMT_R1:
        px_put(text, "%s\t%s, %s", name, rd, rs1);
        break;
    case PX_FMT_I:
    case PX_FMT_SH6:
    case PX_FMT_SH5:
        px_put(text, "%s\t%s, %s, %d", name, rd, rs1, insn->imm);
        break;
    case PX_FMT_LOAD:
    case PX_FMT_JALR:
        px_put(text, "%s\t%s, %d(%s)", name, rd, insn->imm, rs1);
        break;
    case PX_FMT_STORE:
        px_put(text, "%s\t%s, %d(%s)", name, rs2, insn->imm, rs1);
        break;
    case PX_FMT_BRANCH:
        px_put(text, "%s\t%s, %s, %d", name, rs1, rs2, insn->imm);
        break;
    case PX_FMT_U:
        px_put(text, "%s\t%s, %u", name, rd, (uint32_t)insn->imm >> 12);
        break;
    case PX_FMT_JAL:
        px_put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_FMT_FENCE:
        return put_fence(text, insn);
    case PX_FMT_ECALLI:
        px_put(text, "%s\t%d", name, insn->imm);
        break;
    case PX_FMT_COUNT:
        return false;
    }
    return true;
}

/* A shift by 0 is a HINT, which llvm-mc spells with its 128-bit name and no amount. */
static void put_rvc_shift(struct px_put *text, const char *name, const char *rd, int32_t shamt)
{
    if (shamt == 0)
        px_put(text, "%s64\t%s", name, rd);
    else
        px_put(text, "%s\t%s, %d", name, rd, shamt);
}

static void put_16(struct px_put *text, const struct px_insn *insn)
{
    const struct px_rvc_info *info = &px_rvcs[insn->rvc];
    const char *name = info->mnemonic;
    const char *rd = px_reg_names[insn->rd], *rs1 = px_reg_names[insn->rs1], *rs2 = px_reg_names[insn->rs2];
    switch ((enum px_rvc_format)info->format) {
    case PX_RVC_CIW:
        px_put(text, "%s\t%s, sp, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CL_W:
    case PX_RVC_CL_D:
    case PX_RVC_CI_LWSP:
    case PX_RVC_CI_LDSP:
        px_put(text, "%s\t%s, %d(%s)", name, rd, insn->imm, rs1);
        break;
    case PX_RVC_CS_W:
    case PX_RVC_CS_D:
    case PX_RVC_CSS_W:
    case PX_RVC_CSS_D:
        px_put(text, "%s\t%s, %d(%s)", name, rs2, insn->imm, rs1);
        break;
    case PX_RVC_CI:
        if (insn->rvc == PX_C_NOP && insn->imm == 0)
            px_put(text, "%s", name);
        else if (insn->rvc == PX_C_NOP)
            px_put(text, "%s\t%d", name, insn->imm);
        else
            px_put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CI_LI:
    case PX_RVC_CI_16SP:
    case PX_RVC_CB_IMM:
        px_put(text, "%s\t%s, %d", name, rd, insn->imm);
        break;
    case PX_RVC_CI_LUI:
        px_put(text, "%s\t%s, %u", name, rd, ((uint32_t)insn->imm >> 12) & 0xfffffu);
        break;
    case PX_RVC_CI_SHIFT:
    case PX_RVC_CB_SHIFT:
        put_rvc_shift(text, name, rd, insn->imm);
        break;
    case PX_RVC_CB_BRANCH:
        px_put(text, "%s\t%s, %d", name, rs1, insn->imm);
        break;
    case PX_RVC_CA:
    case PX_RVC_CR_MV:
    case PX_RVC_CR_ADD:
        px_put(text, "%s\t%s, %s", name, rd, rs2);
        break;
    case PX_RVC_CJ:
        px_put(text, "%s\t%d", name, insn->imm);
        break;
    case PX_RVC_CR_JR:
    case PX_RVC_CR_JALR:
        px_put(text, "%s\t%s", name, rs1);
        break;
    case PX_RVC_CN:
    case PX_RVC_FORMAT_COUNT:
        px_put(text, "%s", name);
        break;
    }
}

size_t px_disassemble(const struct px_insn *insn, uint32_t word, char *text, size_t size)
{
    struct px_put out = px_put_begin(text, size);
    if (insn->op != PX_OP_ILLEGAL && insn->rvc != PX_C_NONE)
        put_16(&out, insn);
    else if (insn->op == PX_OP_ILLEGAL || !put_32(&out, insn)) {
        if (insn->len == 2)
            px_put(&out, ".2byte\t0x%04x", word & 0xffffu);
        else
            px_put(&out, ".4byte\t0x%08x", word);
    }
    return out.length;
}
